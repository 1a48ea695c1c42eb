//! What the kernel has on its books for a server: CPU time of all its threads, and resident memory.
//!
//! Readings are exact only while the process is idle: the scheduler books a running thread's time when it leaves the CPU.
//! So a measurement goes from idle to idle, and [`Cpu::settled`] waits until the books stand still.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use crate::kernel;

/// CPU time and waiting time by thread, in nanoseconds: the first two fields of `/proc/PID/task/*/schedstat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu(BTreeMap<u64, Times>);

/// What happened to a thread, or to all of a process, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// On a CPU.
    pub used: u64,
    /// Ready to run while something else had the CPU: the mark of a machine that was not ours alone.
    pub waited: u64,
}

impl Cpu {
    /// Reads the books once.
    ///
    /// # Errors
    /// When the process is gone, or the kernel keeps no scheduler statistics.
    pub fn read(pid: u32) -> io::Result<Cpu> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let entry = entry?;
            // A thread may end between the listing and the reading; what it used is then lost to us.
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            threads.insert(id, times(&text).ok_or_else(|| unreadable("schedstat", &text))?);
        }
        if threads.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no scheduler statistics of process {pid}")));
        }
        Ok(Cpu(threads))
    }

    /// Reads until two readings, 2 ms apart, agree, or 50 ms have passed.
    ///
    /// # Errors
    /// As [`Cpu::read`].
    pub fn settled(pid: u32) -> io::Result<Cpu> {
        let mut last = Cpu::read(pid)?;
        for _ in 0..25 {
            thread::sleep(Duration::from_millis(2));
            let next = Cpu::read(pid)?;
            if next == last {
                break;
            }
            last = next;
        }
        Ok(last)
    }

    /// What was used and waited since `before`, summed over the threads alive now.
    pub fn since(&self, before: &Cpu) -> Times {
        let mut sum = Times::default();
        for (id, now) in &self.0 {
            let then = before.0.get(id).copied().unwrap_or_default();
            sum.used += now.used.saturating_sub(then.used);
            sum.waited += now.waited.saturating_sub(then.waited);
        }
        sum
    }
}

fn times(schedstat: &str) -> Option<Times> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse);
    Some(Times { used: fields.next()?.ok()?, waited: fields.next()?.ok()? })
}

/// Resident memory in bytes, once it has stood still for 300 ms (allocators and rehashing lag behind the last command),
/// or after five seconds.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let mut last = resident_now(pid)?;
    let mut still = 0;
    for _ in 0..50 {
        kernel::go_on()?;
        thread::sleep(Duration::from_millis(100));
        let now = resident_now(pid)?;
        still = if now == last { still + 1 } else { 0 };
        last = now;
        if still == 3 {
            break;
        }
    }
    Ok(last)
}

fn resident_now(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 =
        text.split_ascii_whitespace().nth(1).and_then(|n| n.parse().ok()).ok_or_else(|| unreadable("statm", &text))?;
    Ok(pages * kernel::page_size())
}

fn unreadable(what: &str, text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("unexpected {what}: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_threads_and_ignores_those_that_ended() {
        let times = |used, waited| Times { used, waited };
        let before = Cpu(BTreeMap::from([(1, times(100, 5)), (2, times(50, 5))]));
        let after = Cpu(BTreeMap::from([(1, times(150, 7)), (3, times(7, 1))]));
        assert_eq!(after.since(&before), times(57, 3));
    }

    #[test]
    fn takes_the_first_two_fields() {
        assert_eq!(times("355751533 692317 122\n"), Some(Times { used: 355_751_533, waited: 692_317 }));
        assert_eq!(times("7"), None);
    }

    #[test]
    fn reads_the_books_of_this_process() {
        let pid = std::process::id();
        assert!(Cpu::read(pid).is_ok_and(|cpu| !cpu.0.is_empty()));
        assert!(resident_now(pid).is_ok_and(|bytes| bytes > 100_000));
    }
}
