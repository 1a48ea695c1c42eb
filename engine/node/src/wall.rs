//! A wall clock that never runs backwards.
//!
//! Deadlines are unix milliseconds, so the system's clock decides when a key expires. When that clock is set back, following
//! it would bring expired keys back to life and stretch every TTL; standing still would freeze all expiry for as long as the
//! jump. So this clock goes on at half its pace, by the monotonic clock, until the system's has caught up.

use std::cell::Cell;

/// What the node takes for wall time.
#[derive(Debug, Default)]
pub struct WallClock {
    /// The last reading given out: (wall, monotonic), microseconds.
    last: Cell<(u64, u64)>,
}

impl WallClock {
    /// The time to go by, given what both clocks show, in microseconds.
    #[inline]
    pub fn read(&self, wall_us: u64, mono_us: u64) -> u64 {
        let (last_wall, last_mono) = self.last.get();
        if wall_us >= last_wall {
            self.last.set((wall_us, mono_us));
            return wall_us;
        }
        let advanced = mono_us.saturating_sub(last_mono) / 2;
        if advanced > 0 {
            self.last.set((last_wall + advanced, last_mono + advanced * 2));
        }
        last_wall + advanced
    }
}

#[cfg(test)]
mod tests {
    use super::WallClock;

    #[test]
    fn follows_the_system_forward() {
        let clock = WallClock::default();
        assert_eq!(clock.read(1_000, 0), 1_000);
        assert_eq!(clock.read(5_000, 10), 5_000);
    }

    #[test]
    fn goes_on_at_half_pace_when_the_system_is_set_back_and_is_caught_up_with() {
        let clock = WallClock::default();
        assert_eq!(clock.read(1_000_000, 0), 1_000_000);
        // Set back by half a second: from here the system shows 500_000 + mono.
        let mut last = 1_000_000;
        for mono in (1..=1_200_000).step_by(7) {
            let now = clock.read(500_000 + mono, mono);
            assert!(now >= last, "ran backwards at {mono}: {last} -> {now}");
            last = now;
        }
        assert_eq!(last, 500_000 + 1_199_997, "caught up after twice the jump");
    }

    #[test]
    fn readings_in_quick_succession_do_not_lose_time() {
        let clock = WallClock::default();
        clock.read(1_000, 0);
        for mono in 1..=100 {
            clock.read(0, mono);
        }
        assert_eq!(clock.read(0, 100), 1_050);
    }
}
