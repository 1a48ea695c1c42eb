//! What the node asks of this process: figures for `INFO` (memory from the allocator, CPU from the system), and its parameters
//! put into effect.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use refrain_core::table::Command;
use refrain_core::{Args, Config, Crash, HostReport, ProcessReport};
use refrain_node::Probe;

use crate::allocator;
use crate::crash::{self, RECORDER};
use crate::process::parameters::Parameters;
use crate::version;

/// What the production node knows of its process.
pub struct ServerProbe {
    pid: u32,
    host: HostReport,
    parameters: RefCell<Parameters>,
}

impl ServerProbe {
    /// A probe of this process, which somebody supervises or not, and with what puts its parameters into effect.
    pub fn new(is_supervised: bool, parameters: Parameters) -> ServerProbe {
        let executable = std::env::current_exe().map(|path| path.display().to_string());
        let host = HostReport {
            os: system_name(),
            executable: executable.unwrap_or_default(),
            commit: version::COMMIT,
            modified: version::MODIFIED,
            build_id: version::BUILD_ID,
            monotonic_clock: "POSIX clock_gettime",
            poller: "epoll",
            supervised: if is_supervised { "systemd" } else { "no" },
            allocator: version::ALLOCATOR,
            total_memory: total_memory(),
        };
        ServerProbe { pid: std::process::id(), host, parameters: RefCell::new(parameters) }
    }
}

impl Probe for ServerProbe {
    fn process(&self) -> ProcessReport {
        let (user, sys) = cpu_times(libc::RUSAGE_SELF);
        let (thread_user, thread_sys) = cpu_times(libc::RUSAGE_THREAD);
        let (children_user, children_sys) = cpu_times(libc::RUSAGE_CHILDREN);
        ProcessReport {
            resident: resident_set().unwrap_or_else(allocator::resident),
            allocated: allocator::allocated(),
            active: allocator::active(),
            allocator_resident: allocator::resident(),
            cpu_sys_us: sys,
            cpu_user_us: user,
            thread_sys_us: thread_sys,
            thread_user_us: thread_user,
            children_sys_us: children_sys,
            children_user_us: children_user,
            pid: self.pid,
        }
    }

    fn host(&self) -> HostReport {
        self.host.clone()
    }

    fn allocator_report(&self) -> Option<String> {
        Some(allocator::report())
    }

    fn allocator_number(&self, name: &str, new: Option<i64>) -> io::Result<i64> {
        allocator::number(name, new)
    }

    fn allocator_text(&self, name: &str) -> io::Result<String> {
        allocator::text(name)
    }

    fn purge_allocator(&self) {
        allocator::purge();
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

/// Kernel, release and architecture, as `uname` names them.
fn system_name() -> String {
    let mut name = std::mem::MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: uname writes one utsname to the pointer, which is valid for it; all-zero is a valid utsname should it fail.
    let name = unsafe {
        libc::uname(name.as_mut_ptr());
        name.assume_init()
    };
    let text = |field: &[libc::c_char]| -> String {
        field.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).map(char::from).collect()
    };
    format!("{} {} {}", text(&name.sysname), text(&name.release), text(&name.machine))
}

/// The machine's memory in bytes.
fn total_memory() -> u64 {
    // SAFETY: sysconf takes constants and touches no memory of ours.
    let (pages, page) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).unwrap_or(0) * u64::try_from(page).unwrap_or(0)
}

/// User and system CPU time of the process, of this thread, or of children, microseconds.
fn cpu_times(whose: libc::c_int) -> (u64, u64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one rusage to the pointer, which is valid for it; all-zero is a valid rusage should it fail.
    let usage = unsafe {
        libc::getrusage(whose, usage.as_mut_ptr());
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
