//! What the node asks of this process: figures for `INFO` (memory from the allocator, CPU from the system), and its parameters
//! put into effect.

use std::cell::RefCell;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use refrain_core::table::Command;
use refrain_core::{Args, Config, Crash, ProcessReport};
use refrain_node::Probe;

use crate::allocator;
use crate::crash::{self, RECORDER};
use crate::process::parameters::Parameters;

/// What the production node knows of its process.
pub struct ServerProbe {
    pid: u32,
    parameters: RefCell<Parameters>,
}

impl ServerProbe {
    /// A probe of this process, with what puts its parameters into effect.
    pub fn new(parameters: Parameters) -> ServerProbe {
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

    #[inline(always)]
    fn command_begins(&self, client: u64, command: &'static Command, args: Args<'_>) {
        RECORDER.begin(client, command, args.len(), args.extent());
    }

    fn apply(&self, parameter: &'static str, config: &mut Config) -> Result<(), String> {
        self.parameters.borrow_mut().apply(parameter, config)
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        resolve(name)
    }

    fn crash(&self, crash: Crash) -> ! {
        crash::provoke(crash)
    }
}

/// The first address that the system knows of a name.
pub fn resolve(name: &str) -> Option<IpAddr> {
    name.parse().ok().or_else(|| (name, 0).to_socket_addrs().ok()?.next().map(|a| a.ip()))
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
