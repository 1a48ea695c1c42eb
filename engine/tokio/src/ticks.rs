//! A counter that is cheap enough to read around every command: the processor's own.
//!
//! On x86-64 it is the time-stamp counter, if the processor promises that it runs at one rate in every power state; on
//! aarch64 the virtual counter. Everywhere else, monotonic nanoseconds do. A counter is never used as a clock: only
//! differences are taken, on one thread.

use std::time::{Duration, Instant};

/// How to read the counter, and how fast it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    /// Set when the processor has no counter of constant rate.
    fallback: Option<Instant>,
    per_second: u64,
}

impl Ticks {
    /// Finds the counter and measures its rate, which takes a few milliseconds where the processor does not tell it.
    pub(crate) fn calibrated() -> Ticks {
        match counter::rate() {
            counter::Rate::Known(per_second) => Ticks { fallback: None, per_second },
            counter::Rate::Unknown => Ticks { fallback: None, per_second: measure() },
            counter::Rate::NotConstant => Ticks { fallback: Some(Instant::now()), per_second: 1_000_000_000 },
        }
    }

    #[inline(always)]
    pub(crate) fn read(&self) -> u64 {
        match self.fallback {
            None => counter::read(),
            Some(origin) => u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn per_second(&self) -> u64 {
        self.per_second
    }
}

/// Counts ticks over a few milliseconds of the monotonic clock: an error of some 10 parts in a million.
fn measure() -> u64 {
    const SPAN: Duration = Duration::from_millis(5);
    let (began, from) = reading();
    while began.elapsed() < SPAN {
        std::hint::spin_loop();
    }
    let (ended, to) = reading();
    let ticks = u128::from(to.wrapping_sub(from));
    let per_second = ticks * 1_000_000_000 / (ended - began).as_nanos();
    u64::try_from(per_second).unwrap_or(u64::MAX).max(1)
}

/// Clock and counter at one moment: of several tries the one least disturbed by interrupts and other threads.
fn reading() -> (Instant, u64) {
    const TRIES: usize = 16;
    let readings = (0..TRIES).map(|_| {
        let before = Instant::now();
        let ticks = counter::read();
        (before.elapsed(), (before, ticks))
    });
    readings.min_by_key(|(width, _)| *width).expect("there is more than one try").1
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use std::arch::x86_64::{__cpuid, _rdtsc};

    #[allow(dead_code, reason = "each architecture uses its own variants")]
    pub(super) enum Rate {
        Known(u64),
        Unknown,
        NotConstant,
    }

    pub(super) fn rate() -> Rate {
        const POWER_MANAGEMENT: u32 = 0x8000_0007;
        const INVARIANT_TSC: u32 = 1 << 8;
        let highest = __cpuid(0x8000_0000).eax;
        if highest >= POWER_MANAGEMENT && __cpuid(POWER_MANAGEMENT).edx & INVARIANT_TSC != 0 {
            Rate::Unknown
        } else {
            Rate::NotConstant
        }
    }

    #[inline(always)]
    pub(super) fn read() -> u64 {
        // SAFETY: RDTSC exists on every x86-64 processor, reads no memory, and Linux leaves it enabled for user code.
        unsafe { _rdtsc() }
    }
}

#[cfg(target_arch = "aarch64")]
mod counter {
    use std::arch::asm;

    #[allow(dead_code, reason = "each architecture uses its own variants")]
    pub(super) enum Rate {
        Known(u64),
        Unknown,
        NotConstant,
    }

    pub(super) fn rate() -> Rate {
        let hertz: u64;
        // SAFETY: CNTFRQ_EL0 is readable from user code on every aarch64 system that Linux runs on; no memory is touched.
        unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(nomem, nostack, preserves_flags)) };
        if hertz == 0 { Rate::Unknown } else { Rate::Known(hertz) }
    }

    #[inline(always)]
    pub(super) fn read() -> u64 {
        let count: u64;
        // SAFETY: CNTVCT_EL0 is readable from user code (the vDSO itself reads it); no memory is touched.
        unsafe { asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags)) };
        count
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod counter {
    #[allow(dead_code, reason = "each architecture uses its own variants")]
    pub(super) enum Rate {
        Known(u64),
        Unknown,
        NotConstant,
    }

    pub(super) fn rate() -> Rate {
        Rate::NotConstant
    }

    pub(super) fn read() -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        /// Both clocks bracket the same busy wait: the counter may not tell less than the time inside its own readings,
        /// nor more than the time around them (5 % apart at most: the rate is measured).
        #[test]
        fn ticks_agree_with_the_monotonic_clock(micros in 500u64..3000) {
            let ticks = Ticks::calibrated();
            let outer = Instant::now();
            let from = ticks.read();
            let inner = Instant::now();
            while inner.elapsed() < Duration::from_micros(micros) {}
            let inner = inner.elapsed();
            let counted = ticks.read() - from;
            let outer = outer.elapsed();
            let seconds = counted as f64 / ticks.per_second() as f64;
            prop_assert!(seconds >= inner.as_secs_f64() * 0.95, "{seconds} against {inner:?}");
            prop_assert!(seconds <= outer.as_secs_f64() * 1.05, "{seconds} against {outer:?}");
        }
    }

    #[test]
    fn the_fallback_counts_nanoseconds() {
        let ticks = Ticks { fallback: Some(Instant::now()), per_second: 1_000_000_000 };
        let from = ticks.read();
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(50) {}
        assert!(ticks.read() - from >= 50_000);
    }
}
