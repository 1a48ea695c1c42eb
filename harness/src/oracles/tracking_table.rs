//! The table of keys that clients may have kept holds no more than `tracking-table-max-keys`.
//!
//! Source: that parameter in redis.conf. Keys that are given up are invalidated, which `cached-values` sees.

use super::{Invariant, Violation};
use crate::record::seconds;
use crate::server::ServerEngine;

/// See the module.
#[derive(Debug, Default)]
pub struct TrackingTable {
    broken: Option<String>,
}

impl TrackingTable {
    fn reading(&mut self, at: u64, keys: u64, most: u64) {
        if most > 0 && keys > most && self.broken.is_none() {
            self.broken = Some(format!("{}: {keys} keys in the table, {most} are allowed", seconds(at)));
        }
    }
}

impl Invariant for TrackingTable {
    fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        let most = engine.config().limits.tracking_table_max_keys;
        let keys = engine.state().tracking.keys() as u64;
        self.reading(at, keys, most);
    }

    fn violations(&self) -> Vec<Violation> {
        self.broken.iter().map(|what| Violation::new("tracking-table", what.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_allowed_shows_and_zero_is_no_limit() {
        let mut table = TrackingTable::default();
        table.reading(1, 3, 3);
        table.reading(2, 9, 0);
        assert!(table.violations().is_empty());
        table.reading(3, 4, 3);
        assert_eq!(table.violations().len(), 1);
    }
}
