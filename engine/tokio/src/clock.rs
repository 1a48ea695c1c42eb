//! The clocks of the machine, each read without a system call where the kernel's vDSO allows it.
//!
//! [`Clock`] maps [`Mono`] to and from tokio's notion of time. Its origin lies one second in the past, so that no moment
//! it tells is ever `Mono(0)`, which means "do not wait".

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use refrain_runtime::{Mono, UnixNanos};

const HEAD_START: Duration = Duration::from_secs(1);

/// Monotonic time of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { origin: Instant::now() }
    }

    #[inline]
    pub(crate) fn now(&self) -> Mono {
        Mono::default() + HEAD_START + self.origin.elapsed()
    }

    /// The moment `at` for tokio's timer. The caller bounds `at`, so that the sum is a date the system can hold.
    pub(crate) fn instant(&self, at: Mono) -> tokio::time::Instant {
        let since_origin = Duration::from_nanos(at.0).saturating_sub(HEAD_START);
        tokio::time::Instant::from_std(self.origin + since_origin)
    }
}

/// Wall-clock time; zero if the machine believes to live before 1970.
pub(crate) fn wall() -> UnixNanos {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

/// CPU time that the calling thread has used: what a round really cost, whoever else was running meanwhile.
pub fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live, writable timespec, and the call keeps no pointer to it.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(outcome, 0, "the thread's CPU clock exists on every supported system");
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    let nanos = u32::try_from(time.tv_nsec).expect("nanoseconds are below a billion");
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_the_way_to_tokio_and_back() {
        let clock = Clock::new();
        let now = clock.now();
        assert!(now.0 >= 1_000_000_000, "no moment may be mistaken for `Mono(0)`");
        let at = now + Duration::from_millis(1500);
        assert_eq!(clock.instant(at).duration_since(clock.instant(now)), Duration::from_millis(1500));
        assert!(clock.instant(now) <= tokio::time::Instant::now(), "a past moment is in tokio's past too");
    }

    #[test]
    fn the_wall_clock_tells_this_century() {
        let year_2020_millis = 1_577_836_800_000;
        assert!(wall().millis() > year_2020_millis);
    }

    #[test]
    fn cpu_time_grows_only_with_work() {
        let before = thread_cpu_time();
        let mut sum = 0u64;
        while thread_cpu_time() < before + Duration::from_millis(2) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        assert!(thread_cpu_time() >= before + Duration::from_millis(2));
    }
}
