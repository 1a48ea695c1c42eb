//! A node's two clocks over the world's one true time.
//!
//! The monotonic clock never runs backwards whatever is done to it; the wall clock may jump either way. Everything inside the
//! simulator lives on true time, and [`Clock::when_mono`] converts a node's deadline exactly: it gives the first true
//! nanosecond at which the node's clock has reached it, so a wait is never woken early and never twice.

use crate::config::ClockConfig;

const MILLION: i64 = 1_000_000;
const DRIFT_MAX: i64 = 500_000;

/// Where every wall clock starts: the first second of 2026, in nanoseconds since the Unix epoch.
const WALL_START: i64 = 1_767_225_600 * 1_000_000_000;

/// A line through (true time, reading), so that a change of rate never moves the reading.
#[derive(Debug, Clone, Copy)]
struct Line {
    at: u64,
    reading: i64,
    ppm: i64,
}

impl Line {
    fn read(&self, now: u64) -> i64 {
        let passed = (now - self.at) as i64;
        // Whole millions apart from the rest: exact floor without a 128-bit division.
        let drift = passed / MILLION * self.ppm + (passed % MILLION * self.ppm).div_euclid(MILLION);
        self.reading + passed + drift
    }

    fn bend(&mut self, now: u64, ppm: i64) {
        *self = Line { at: now, reading: self.read(now), ppm };
    }
}

/// Both clocks of one node.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    mono: Line,
    wall: Line,
    drift_ppm: i64,
    slew_ppm: i64,
}

impl Clock {
    /// `uptime` is what the monotonic clock shows at `now`.
    pub(crate) fn new(config: ClockConfig, now: u64, uptime: u64) -> Clock {
        let ppm = config.drift_ppm.clamp(-DRIFT_MAX, DRIFT_MAX);
        Clock {
            mono: Line { at: now, reading: uptime as i64, ppm },
            wall: Line { at: now, reading: WALL_START + now as i64 + config.skew_ns, ppm },
            drift_ppm: ppm,
            slew_ppm: 0,
        }
    }

    pub(crate) fn mono(&self, now: u64) -> u64 {
        self.mono.read(now) as u64
    }

    pub(crate) fn wall(&self, now: u64) -> u64 {
        self.wall.read(now).max(0) as u64
    }

    /// The host came up again: the monotonic clock starts anew, the wall clock is kept by its battery.
    pub(crate) fn reboot(&mut self, now: u64) {
        self.mono = Line { at: now, reading: 0, ppm: self.drift_ppm };
    }

    pub(crate) fn set_drift(&mut self, now: u64, ppm: i64) {
        self.drift_ppm = ppm.clamp(-DRIFT_MAX, DRIFT_MAX);
        self.mono.bend(now, self.drift_ppm);
        self.wall.bend(now, self.drift_ppm + self.slew_ppm);
    }

    pub(crate) fn jump_wall(&mut self, ns: i64) {
        self.wall.reading = self.wall.reading.saturating_add(ns);
    }

    /// Lets the wall clock run faster or slower by `ppm`, as a time daemon does; 0 ends it.
    pub(crate) fn slew_wall(&mut self, now: u64, ppm: i64) {
        self.slew_ppm = ppm.clamp(-DRIFT_MAX, DRIFT_MAX);
        self.wall.bend(now, self.drift_ppm + self.slew_ppm);
    }

    /// The first true moment, not before `now`, at which the monotonic clock shows `mono` or more; `None` if that is beyond
    /// all time.
    pub(crate) fn when_mono(&self, now: u64, mono: u64) -> Option<u64> {
        let target = i64::try_from(mono).ok()?;
        let ahead = target.saturating_sub(self.mono.reading);
        if ahead <= 0 {
            return Some(now);
        }
        let rate = (MILLION + self.mono.ppm) as i128;
        let passed = (ahead as i128 * MILLION as i128 + rate - 1) / rate;
        let mut at = u64::try_from(passed).ok()?.checked_add(self.mono.at).filter(|at| *at < i64::MAX as u64)?;
        // The floor in `read` makes the estimate right to within a nanosecond or two.
        while at > self.mono.at && self.mono.read(at - 1) >= target {
            at -= 1;
        }
        while self.mono.read(at) < target {
            at += 1;
        }
        Some(at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn drift_makes_a_clock_gain_and_lose() {
        let fast = Clock::new(ClockConfig { skew_ns: 0, drift_ppm: 100 }, 0, 0);
        let slow = Clock::new(ClockConfig { skew_ns: 0, drift_ppm: -100 }, 0, 0);
        assert_eq!(fast.mono(10_000_000_000), 10_001_000_000);
        assert_eq!(slow.mono(10_000_000_000), 9_999_000_000);
    }

    #[test]
    fn a_jump_moves_the_wall_and_not_the_monotonic_clock() {
        let mut clock = Clock::new(ClockConfig { skew_ns: -5, drift_ppm: 0 }, 0, 7);
        let wall = clock.wall(100);
        clock.jump_wall(-1_000_000);
        assert_eq!((clock.wall(100), clock.mono(100)), (wall - 1_000_000, 107));
    }

    #[test]
    fn a_slew_gains_what_it_was_asked_to() {
        let mut clock = Clock::new(ClockConfig::default(), 0, 0);
        let wall = clock.wall(0);
        clock.slew_wall(0, 500);
        clock.slew_wall(2_000_000_000, 0);
        assert_eq!(clock.wall(3_000_000_000) - wall, 3_001_000_000);
    }

    proptest! {
        #[test]
        fn a_deadline_converts_exactly(
            ppm in -DRIFT_MAX..=DRIFT_MAX, start in 0..1_u64 << 40, ahead in 0..1_u64 << 45, bend in 0..1_u64 << 30,
        ) {
            let mut clock = Clock::new(ClockConfig { skew_ns: 0, drift_ppm: ppm / 2 }, start, 17);
            clock.set_drift(start + bend, ppm);
            let now = start + bend;
            let deadline = clock.mono(now) + ahead;
            let at = clock.when_mono(now, deadline).unwrap();
            prop_assert!(clock.mono(at) >= deadline);
            prop_assert!(at == now || clock.mono(at - 1) < deadline);
        }

        #[test]
        fn monotonic_time_never_runs_backwards(steps in prop::collection::vec((0..1_u64 << 33, -DRIFT_MAX..=DRIFT_MAX), 1..50)) {
            let mut clock = Clock::new(ClockConfig::default(), 0, 0);
            let (mut now, mut last) = (0, 0);
            for (step, ppm) in steps {
                now += step;
                prop_assert!(clock.mono(now) >= last);
                last = clock.mono(now);
                clock.set_drift(now, ppm);
                prop_assert_eq!(clock.mono(now), last);
            }
        }
    }
}
