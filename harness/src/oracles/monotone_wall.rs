//! The engine's wall clock never runs backwards within one life of the server.
//!
//! Source: deadlines are unix milliseconds; a clock that runs backwards brings expired keys back to life. Redis follows the
//! system's clock and suffers from it; here the node must not, whatever is done to the system's clock.

use super::{Invariant, Violation};
use crate::record::seconds;
use crate::server::ServerEngine;

/// See the module.
#[derive(Debug, Default)]
pub struct MonotoneWall {
    last_us: u64,
    broken: Option<String>,
}

impl MonotoneWall {
    /// A reading of the engine's clock.
    pub fn reading(&mut self, at: u64, unix_us: u64) {
        if unix_us < self.last_us && self.broken.is_none() {
            let back = self.last_us - unix_us;
            self.broken = Some(format!("{}: the server's clock ran back by {back} µs", seconds(at)));
        }
        self.last_us = unix_us;
    }
}

impl Invariant for MonotoneWall {
    fn begin(&mut self, _: &mut ServerEngine) {
        self.last_us = 0;
    }

    fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        self.reading(at, engine.state().now.unix_us);
    }

    fn violations(&self) -> Vec<Violation> {
        self.broken.iter().map(|what| Violation::new("monotone-wall", what.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_still_is_allowed_and_going_back_is_not() {
        let mut wall = MonotoneWall::default();
        wall.reading(1, 5);
        wall.reading(2, 5);
        assert!(wall.violations().is_empty());
        wall.reading(3, 4);
        assert_eq!(wall.violations().len(), 1);
    }
}
