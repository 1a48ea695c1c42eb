//! Clients that do not read are closed at their limit, and until then the server holds a bounded amount for them.
//!
//! Source: `client-output-buffer-limit` in redis.conf. What the server holds is counted by structure
//! (`State::used_memory`), the same on every machine.

use super::{Invariant, Violation};
use crate::record::seconds;
use crate::scenario::OutputBound;
use crate::server::ServerEngine;

/// See the module.
#[derive(Debug)]
pub struct Output {
    bound: OutputBound,
    /// The most bytes in use, and when.
    peak: (u64, u64),
    disconnections: u64,
}

impl Output {
    /// An invariant with this bound.
    pub fn new(bound: OutputBound) -> Output {
        Output { bound, peak: (0, 0), disconnections: 0 }
    }

    fn reading(&mut self, at: u64, used: u64, disconnections: u64) {
        self.peak = self.peak.max((used, at));
        self.disconnections = disconnections;
    }
}

impl Invariant for Output {
    fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        let state = engine.state();
        self.reading(at, state.used_memory(), state.stats.output_buffer_disconnections);
    }

    fn violations(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        let (used, at) = self.peak;
        if used > self.bound.used_memory_max {
            let what = format!("{}: {used} bytes in use, the bound is {}", seconds(at), self.bound.used_memory_max);
            violations.push(Violation::new("output", what));
        }
        let (closed, least) = (self.disconnections, self.bound.disconnections_min);
        if closed < least {
            let what = format!("{closed} clients were closed for what they were owed, at least {least} had to be");
            violations.push(Violation::new("output", what));
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_counts_and_so_do_the_closed_clients() {
        let mut output = Output::new(OutputBound { used_memory_max: 10, disconnections_min: 1 });
        output.reading(1, 10, 1);
        assert!(output.violations().is_empty());
        output.reading(2, 11, 1);
        output.reading(3, 1, 0);
        assert_eq!(output.violations().len(), 2);
    }
}
