//! Expired keys, and fields of hashes, that nobody reads go by themselves, within a bound.
//!
//! Source: active expiry; without it, keys that are never read again fill the memory. The bound counts from the round that
//! first finds the key overdue, in true time, and has to cover the longest pause of the server.

use std::collections::BTreeMap;

use refrain_data::Hash;

use super::{Invariant, Violation};
use crate::record::seconds;
use crate::server::ServerEngine;

/// Virtual nanoseconds between two looks at all keys.
const LOOK_EVERY: u64 = 20_000_000;

/// See the module.
#[derive(Debug)]
pub struct ExpiredWithin {
    bound_ns: u64,
    looked: u64,
    /// Keys that have expired and are still there, and since when that is known.
    overdue: BTreeMap<Vec<u8>, u64>,
    broken: Option<String>,
}

impl ExpiredWithin {
    /// An invariant with this bound.
    pub fn new(bound_ms: u64) -> ExpiredWithin {
        ExpiredWithin { bound_ns: bound_ms * 1_000_000, looked: 0, overdue: BTreeMap::new(), broken: None }
    }

    /// These keys have expired and are there.
    fn reading(&mut self, at: u64, overdue: impl Iterator<Item = Vec<u8>>) {
        let known = std::mem::take(&mut self.overdue);
        self.overdue = overdue.map(|key| (known.get(&key).copied().unwrap_or(at), key)).map(|(t, k)| (k, t)).collect();
        let late = self.overdue.iter().find(|(_, since)| at - **since > self.bound_ns);
        if let Some((key, since)) = late
            && self.broken.is_none()
        {
            let (key, ms) = (key.escape_ascii(), (at - since) / 1_000_000);
            self.broken = Some(format!("{}: key \"{key}\" has expired and is still there after {ms} ms", seconds(at)));
        }
    }
}

impl Invariant for ExpiredWithin {
    fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        if at - self.looked < LOOK_EVERY {
            return;
        }
        self.looked = at;
        let now_ms = engine.state().now.unix_ms();
        let database = engine.state().keyspace.db(0);
        let (mut overdue, mut cursor) = (Vec::new(), 0);
        loop {
            cursor = database.scan(cursor, 1000, &mut |entry| {
                if entry.deadline().is_some_and(|deadline| deadline <= now_ms) {
                    overdue.push(entry.key().to_vec());
                }
                let fields = entry.view::<Hash>().into_iter().flat_map(|hash| hash.iter());
                for field in fields.filter(|field| field.is_due(now_ms)) {
                    overdue.push([entry.key(), b" field ", &field.name.to_vec()].concat());
                }
            });
            if cursor == 0 {
                break;
            }
        }
        self.reading(at, overdue.into_iter());
    }

    fn violations(&self) -> Vec<Violation> {
        self.broken.iter().map(|what| Violation::new("expired-within", what.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stays_is_late_and_one_that_goes_is_not() {
        let key = |name: &str| name.as_bytes().to_vec();
        let mut within = ExpiredWithin::new(1);
        within.reading(0, [key("a")].into_iter());
        within.reading(900_000, [key("b")].into_iter());
        within.reading(1_800_000, [key("b")].into_iter());
        assert!(within.violations().is_empty());
        within.reading(1_900_001, [key("b")].into_iter());
        assert_eq!(within.violations().len(), 1);
    }
}
