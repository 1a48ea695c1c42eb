//! `watchdog-period`: says in the log where the loop is when it has not come round for that long.
//!
//! A timer is put off by every round of the loop. When it runs out its signal finds the loop's thread wherever that is stuck, and
//! writes the stack from within the handler, under the same rules as a crash report; the loop then goes on.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::direct_log::DirectLog;
use super::report;

/// How often the timer has run out since it was armed. A stall is reported the first time, the second, the fourth, and so on: it
/// may last for minutes, and the log must not be full of it.
static EXPIRED: AtomicU32 = AtomicU32::new(0);

/// Arms the timer for every so many milliseconds from now, or takes it away with 0.
pub fn arm(period_ms: u32) {
    EXPIRED.store(0, Ordering::Relaxed);
    let period = libc::timeval { tv_sec: (period_ms / 1000).into(), tv_usec: (period_ms % 1000 * 1000).into() };
    let every = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: one live value; the timer's signal has a handler or is ignored (`listen`).
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const every, ptr::null_mut()) };
}

/// Has the timer's signal reported, or, when there is to be no watchdog, ignored.
pub fn listen(reported: bool) {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = match reported {
        true => on_timer as extern "C" fn(libc::c_int) as usize,
        false => libc::SIG_IGN,
    };
    // Calls that are interrupted go on.
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: a valid sigaction, whose handler does only what one may.
    unsafe { libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut()) };
}

extern "C" fn on_timer(_: libc::c_int) {
    // SAFETY: the address of this thread's errno, valid for as long as the thread.
    let errno = unsafe { *libc::__errno_location() };
    if (EXPIRED.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two() {
        report::of_stall(&DirectLog::open());
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}
