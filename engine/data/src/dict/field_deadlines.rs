//! Which hashes have fields with deadlines, in the order of the earliest: so that whoever removes what is due finds it at
//! once, and nobody has to look at a hash that has nothing to lose.
//!
//! The list is kept by the dictionary itself wherever an entry comes, changes or goes, so it is right whatever is done to
//! keys. It names an entry by the hash of its key; entries that can't be told apart by hash and deadline count together.

use std::collections::BTreeMap;

use super::Dict;
use crate::entry::Entry;
use crate::hash::KeyHash;

/// What a listed hash takes beside itself: two numbers, a count, and its share of a tree's slack.
const LISTED_BYTES: usize = 40;

/// Hashes that have fields with deadlines.
#[derive(Debug, Default)]
pub(super) struct FieldDeadlines {
    /// How many, by the earliest deadline and the hash of the key.
    listed: BTreeMap<(u64, u64), u32>,
    len: usize,
}

impl FieldDeadlines {
    pub(super) fn memory(&self) -> usize {
        self.listed.len() * LISTED_BYTES
    }

    fn add(&mut self, deadline: u64, hash: KeyHash) {
        *self.listed.entry((deadline, hash.0)).or_default() += 1;
        self.len += 1;
    }

    fn remove(&mut self, deadline: u64, hash: KeyHash) {
        let Some(count) = self.listed.get_mut(&(deadline, hash.0)) else {
            unreachable!("each hash with a deadline is listed")
        };
        *count -= 1;
        if *count == 0 {
            self.listed.remove(&(deadline, hash.0));
        }
        self.len -= 1;
    }
}

impl Dict {
    /// How many keys hold a hash with fields that have deadlines.
    #[must_use]
    pub fn hashes_with_deadlines(&self) -> usize {
        self.field_deadlines.len
    }

    /// The hash of which a field is due first, if its deadline is at `now` or before.
    #[must_use]
    pub fn due_hash(&self, now: u64) -> Option<Entry<'_>> {
        let (&(deadline, hash), _) = self.field_deadlines.listed.first_key_value()?;
        if deadline > now {
            return None;
        }
        let (segment, fraction) = self.segment_of(KeyHash(hash))?;
        let is_it = |entry: Entry<'_>| {
            entry.earliest_field_deadline() == Some(deadline) && self.seed.hash(entry.key()).0 == hash
        };
        let found = segment.find_by(fraction, is_it);
        debug_assert!(found.is_some(), "what is listed is there");
        found.map(|place| segment.entry(place))
    }

    /// Takes over what a change did to the earliest deadline of an entry's fields.
    #[inline]
    pub(super) fn relist_fields(&mut self, hash: impl FnOnce(&Dict) -> KeyHash, old: Option<u64>, new: Option<u64>) {
        if old != new {
            let hash = hash(self);
            self.relist_changed_fields(hash, old, new);
        }
    }

    #[cold]
    fn relist_changed_fields(&mut self, hash: KeyHash, old: Option<u64>, new: Option<u64>) {
        if let Some(old) = old {
            self.field_deadlines.remove(old, hash);
        }
        if let Some(new) = new {
            self.field_deadlines.add(new, hash);
        }
    }

    /// Whether the list is what the entries say: for tests.
    #[cfg(test)]
    pub(super) fn check_field_deadlines(&self) {
        let mut expected: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        let mut cursor = 0;
        loop {
            cursor = self.scan(cursor, 1000, &mut |entry| {
                if let Some(deadline) = entry.earliest_field_deadline() {
                    *expected.entry((deadline, self.seed.hash(entry.key()).0)).or_default() += 1;
                }
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(expected, self.field_deadlines.listed);
        assert_eq!(expected.values().map(|count| *count as usize).sum::<usize>(), self.field_deadlines.len);
    }
}
