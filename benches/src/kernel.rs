//! The few things asked of the kernel that the standard library has no word for: CPU affinity, the fate of children,
//! signals to a process group, and this thread's CPU clock.
//!
//! All `unsafe` of this crate is here. Nothing in this module keeps state beyond the one flag that a signal sets.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_interrupt(_signal: libc::c_int) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// From here on SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process, so that every started server is
/// stopped and its directory removed on the way out. The wait in progress ends with `EINTR`.
///
/// # Errors
/// What `sigaction` says.
pub fn catch_interrupts() -> io::Result<()> {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: `action` is a zeroed plain struct, valid for sigaction; the handler only stores to an atomic, which is
        // async-signal-safe.
        let outcome = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note_interrupt as *const () as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut())
        };
        if outcome != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Whether someone asked this process to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Fails with `Interrupted` once someone asked this process to stop: called wherever a wait may last.
///
/// # Errors
/// `Interrupted`, and nothing else.
pub fn go_on() -> io::Result<()> {
    if interrupted() { Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
}

fn one_cpu(cpu: usize) -> io::Result<libc::cpu_set_t> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no such CPU: {cpu}")));
    }
    // SAFETY: cpu_set_t is a plain array of words, for which all zeroes is the empty set; `cpu` is within it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        Ok(set)
    }
}

/// Keeps the calling thread on one CPU.
///
/// # Errors
/// When there is no such CPU, or it is not allowed to this process.
pub fn pin_this_thread(cpu: usize) -> io::Result<()> {
    let set = one_cpu(cpu)?;
    // SAFETY: `set` lives across the call and its size is given.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Prepares `command` so that its process leads a group of its own, dies when the calling thread dies (even by SIGKILL),
/// and runs on `cpu` only, if one is given.
///
/// # Errors
/// When there is no such CPU.
pub fn prepare_child(command: &mut Command, cpu: Option<usize>) -> io::Result<()> {
    let set = cpu.map(one_cpu).transpose()?;
    let before_exec = move || {
        // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and sched_setaffinity are plain
        // system calls, and `set` was made before the fork.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) != 0 {
                return Err(io::Error::last_os_error());
            }
            if let Some(set) = &set
                && libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), std::ptr::from_ref(set)) != 0
            {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    command.process_group(0);
    // SAFETY: the closure keeps to what may run between fork and exec: it neither allocates nor locks.
    unsafe { command.pre_exec(before_exec) };
    Ok(())
}

/// How a process group is asked to end.
#[derive(Clone, Copy)]
pub enum Ending {
    /// SIGTERM: it may write its last words (callgrind its counts).
    Asked,
    /// SIGKILL.
    Forced,
}

/// Sends the signal to the whole group that `child` leads. Says nothing when the group is gone already.
pub fn end_group(child: &Child, ending: Ending) {
    let signal = match ending {
        Ending::Asked => libc::SIGTERM,
        Ending::Forced => libc::SIGKILL,
    };
    let group = libc::pid_t::try_from(child.id()).expect("a pid fits pid_t");
    // SAFETY: kill takes plain numbers. The child has not been waited for, so its pid cannot have been given to another.
    unsafe { libc::kill(-group, signal) };
}

/// CPU time used by the calling thread so far.
pub fn this_thread_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(outcome, 0, "every Linux has the thread CPU clock");
    Duration::new(
        u64::try_from(time.tv_sec).expect("CPU time is not negative"),
        u32::try_from(time.tv_nsec).expect("nanoseconds below a second"),
    )
}

/// Bytes in a page of memory.
pub fn page_size() -> u64 {
    // SAFETY: sysconf takes a plain number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("the page size is known")
}
