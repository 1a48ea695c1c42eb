//! The crash report: what is written to the log when the process ends by a fault of its own, for whoever has to find out why.
//!
//! A report is written when a thread panics and when the system sends SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT. It stands
//! between `=== REDIS BUG REPORT START` and `END`, as suites and tools look for it, and says which build this is, where it failed,
//! what was being executed and what had been executed before, and how the server was configured and doing. It never holds a
//! value or a key of the data set, nor a password. After it the process ends as it would have without: by the signal, or
//! by SIGABRT after a panic (with `use-exit-on-panic`, by exit code 1).
//!
//! Everything that a report needs lies in [`recorder`], in plain atomics that the loop keeps up to date, because neither a
//! signal handler nor a panic may look at the engine in whatever state it was left.

mod direct_log;
mod pid_file;
mod recorder;
mod report;
mod signals;
pub mod watchdog;

use std::sync::atomic::{AtomicBool, Ordering};

pub use direct_log::{set_log_file, signal_note};
pub use pid_file::set_pid_file;
pub use recorder::RECORDER;

/// `crash-log-enabled`.
static ENABLED: AtomicBool = AtomicBool::new(true);

/// `use-exit-on-panic`.
static EXIT_ON_PANIC: AtomicBool = AtomicBool::new(false);

/// A report is being written, or has been.
static REPORTING: AtomicBool = AtomicBool::new(false);

/// Has faults and panics reported from here on. To be called once, on the loop's thread.
pub fn install() {
    signals::install();
    std::panic::set_hook(Box::new(on_panic));
}

/// Puts `crash-log-enabled` and `use-exit-on-panic` into effect.
pub fn configure(enabled: bool, exit_on_panic: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
    EXIT_ON_PANIC.store(exit_on_panic, Ordering::Relaxed);
}

/// Ends the process by a fault that was asked for.
pub fn provoke(crash: refrain_core::Crash) -> ! {
    match crash {
        refrain_core::Crash::Segfault => signals::raise_segfault(),
        refrain_core::Crash::Assert => panic!("{ASSERTION}: asked for by DEBUG ASSERT"),
        refrain_core::Crash::Panic => panic!("asked for by DEBUG PANIC"),
    }
}

/// What the message of a failed assertion begins with, in Rust as here.
const ASSERTION: &str = "assertion failed";

/// A panic is a bug: the state it left behind can't be trusted, so nothing goes on after it.
fn on_panic(panic: &std::panic::PanicHookInfo<'_>) {
    if ENABLED.load(Ordering::Relaxed) && !REPORTING.swap(true, Ordering::SeqCst) {
        report::of_panic(panic);
    } else {
        eprintln!("{panic}");
    }
    pid_file::remove();
    if EXIT_ON_PANIC.load(Ordering::Relaxed) {
        // SAFETY: ends the process at once and runs nothing more of it.
        unsafe { libc::_exit(1) };
    }
    signals::end_by(libc::SIGABRT);
}
