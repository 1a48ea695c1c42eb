//! The two kinds of time, kept apart by type so that one can never be taken for the other.

use std::ops::Add;
use std::time::Duration;

/// Monotonic nanoseconds since an origin that only this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(pub u64);

impl Mono {
    /// A moment that is never reached: "no deadline".
    pub const NEVER: Mono = Mono(u64::MAX);

    /// Nanoseconds from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Mono) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;

    fn add(self, d: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Nanoseconds since the Unix epoch, as the node's wall clock tells them. Good until the year 2554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// Whole milliseconds since the epoch: the unit of every deadline in the keyspace.
    pub fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole microseconds since the epoch.
    pub fn micros(self) -> u64 {
        self.0 / 1_000
    }
}
