//! Time as the engine sees it: a value that comes in, never a clock that is read.

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Microseconds since the Unix epoch. The caller guarantees that it never runs backwards within one engine.
    pub unix_us: u64,
    /// Monotonic microseconds since an arbitrary origin.
    pub mono_us: u64,
}

impl Now {
    /// Milliseconds since the epoch: the unit of deadlines.
    #[inline]
    pub fn unix_ms(&self) -> u64 {
        self.unix_us / 1000
    }

    /// Whole seconds since the epoch.
    #[inline]
    pub fn unix_s(&self) -> u64 {
        self.unix_us / 1_000_000
    }
}
