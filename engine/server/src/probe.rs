//! Figures of this process for `INFO`: memory from the allocator, CPU from the system.

use std::cell::RefCell;
use std::time::Duration;

use refrain_core::table::Command;
use refrain_core::{Args, Config, Crash, ProcessReport, Unapplied};
use refrain_node::Probe;

use crate::allocator;
use crate::crash::{self, RECORDER};
use crate::process::parameters::ProcessParameters;

/// What the production node knows of its process.
pub struct ServerProbe {
    pid: u32,
    parameters: RefCell<ProcessParameters>,
}

impl ServerProbe {
    /// A probe of this process, which puts `parameters` into effect when they change.
    pub fn new(parameters: ProcessParameters) -> ServerProbe {
        ServerProbe { pid: std::process::id(), parameters: RefCell::new(parameters) }
    }
}

impl Probe for ServerProbe {
    fn process(&self) -> ProcessReport {
        let (user, sys) = cpu_times();
        ProcessReport {
            resident: resident_set().unwrap_or_else(allocator::resident),
            allocated: allocator::allocated(),
            active: allocator::active(),
            cpu_sys_us: sys,
            cpu_user_us: user,
            thread_us: u64::try_from(refrain_tokio::thread_cpu_time().as_micros()).unwrap_or(u64::MAX),
            pid: self.pid,
        }
    }

    fn thread_cpu(&self) -> Duration {
        refrain_tokio::thread_cpu_time()
    }

    fn apply_configuration(&self, config: &mut Config) -> Result<(), Unapplied> {
        self.parameters.borrow_mut().apply(config)
    }

    #[inline(always)]
    fn command_begins(&self, client: u64, command: &'static Command, args: Args<'_>) {
        RECORDER.begin(client, command, args.len(), args.extent());
    }

    fn crash(&self, crash: Crash) -> ! {
        crash::provoke(crash)
    }
}

/// User and system CPU time of the process, microseconds.
fn cpu_times() -> (u64, u64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one rusage to the pointer, which is valid for it; all-zero is a valid rusage should it fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let micros =
        |t: libc::timeval| u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(t.tv_usec).unwrap_or(0);
    (micros(usage.ru_utime), micros(usage.ru_stime))
}

/// The process's resident set in bytes, from the kernel's own account.
fn resident_set() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: sysconf takes a constant and touches no memory of ours.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}
