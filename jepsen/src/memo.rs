//! The set of configurations that a search has already seen, as 128-bit fingerprints in one open-addressed table.
//!
//! It forgets nothing until it is dropped, never stores the configuration itself (see "Hash compaction" in the crate's
//! documentation), and never outgrows the bytes that its owner allows.

/// A set of fingerprints.
#[derive(Default)]
pub(crate) struct Memo {
    /// A power of two of slots; zero means empty.
    slots: Vec<u128>,
    used: usize,
}

/// What [`Memo::insert`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    Known,
    /// The table would have had to grow beyond the limit. Nothing was inserted.
    Full,
}

const FEWEST_SLOTS: usize = 64;

impl Memo {
    /// Adds a fingerprint, growing the table to at most `limit` bytes (old and new table together while it grows).
    pub(crate) fn insert(&mut self, fingerprint: u128, limit: usize) -> Inserted {
        if self.used * 3 >= self.slots.len() * 2 && !self.grow(limit) {
            return Inserted::Full;
        }
        let slot = self.slot_of(fingerprint.max(1));
        if self.slots[slot] != 0 {
            return Inserted::Known;
        }
        self.slots[slot] = fingerprint.max(1);
        self.used += 1;
        Inserted::New
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u128>()
    }

    fn slot_of(&self, fingerprint: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = fingerprint as usize & mask;
        while self.slots[slot] != 0 && self.slots[slot] != fingerprint {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self, limit: usize) -> bool {
        let slots = (self.slots.len() * 2).max(FEWEST_SLOTS);
        if (slots + self.slots.len()) * size_of::<u128>() > limit {
            return false;
        }
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        for fingerprint in old.into_iter().filter(|f| *f != 0) {
            let slot = self.slot_of(fingerprint);
            self.slots[slot] = fingerprint;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashing::bits;

    #[test]
    fn remembers_every_fingerprint_and_stays_within_its_limit() {
        let mut memo = Memo::default();
        let limit = 4096 * 16;
        let mut held = 0;
        while memo.insert(bits(0, held), limit) == Inserted::New {
            held += 1;
        }
        // 2048 slots, two thirds full, are the most whose doubling step fits into 4096.
        assert_eq!(held, 1366);
        assert!(memo.bytes() <= limit);
        let again = Memo { slots: memo.slots.clone(), used: 0 };
        let mut again = again;
        assert!((0..held).all(|n| again.insert(bits(0, n), limit) == Inserted::Known));
        assert_eq!(again.insert(bits(0, held), limit), Inserted::New);
    }

    #[test]
    fn zero_is_a_fingerprint_like_any_other() {
        let mut memo = Memo::default();
        assert_eq!(memo.insert(0, usize::MAX), Inserted::New);
        assert_eq!(memo.insert(0, usize::MAX), Inserted::Known);
    }
}
