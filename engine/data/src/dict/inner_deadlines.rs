//! Which entries hold something that has a deadline of its own, in the order of the earliest: hashes with fields that have such, and
//! streams that remember what producers have sent. So whoever removes what is due finds it at once, and nobody has to look at an
//! entry that has nothing to lose.
//!
//! The lists are kept by the dictionary itself wherever an entry comes, changes or goes, so they are right whatever is done to
//! keys. They name an entry by the hash of its key; entries that can't be told apart by hash and deadline count together.

use std::collections::BTreeMap;

use super::Dict;
use crate::entry::{Entry, InnerDeadline};
use crate::hash::KeyHash;
use crate::value::Kind;

/// What a listed entry takes beside itself: two numbers, a count, and its share of a tree's slack.
const LISTED_BYTES: usize = 40;

/// Entries of one type.
#[derive(Debug, Default)]
struct List {
    /// How many, by the earliest deadline and the hash of the key.
    listed: BTreeMap<(u64, u64), u32>,
    len: usize,
}

impl List {
    fn add(&mut self, deadline: u64, hash: KeyHash) {
        *self.listed.entry((deadline, hash.0)).or_default() += 1;
        self.len += 1;
    }

    fn remove(&mut self, deadline: u64, hash: KeyHash) {
        let Some(count) = self.listed.get_mut(&(deadline, hash.0)) else {
            unreachable!("each entry with such a deadline is listed")
        };
        *count -= 1;
        if *count == 0 {
            self.listed.remove(&(deadline, hash.0));
        }
        self.len -= 1;
    }

    /// The first deadline that is at `now` or before, and the hash of its key.
    fn due(&self, now: u64) -> Option<(u64, KeyHash)> {
        let (&(deadline, hash), _) = self.listed.first_key_value()?;
        (deadline <= now).then_some((deadline, KeyHash(hash)))
    }
}

/// Entries that hold something with a deadline.
#[derive(Debug, Default)]
pub(super) struct InnerDeadlines {
    hashes: List,
    streams: List,
}

impl InnerDeadlines {
    pub(super) fn memory(&self) -> usize {
        (self.hashes.listed.len() + self.streams.listed.len()) * LISTED_BYTES
    }

    /// Whether an entry of this type is listed.
    #[inline]
    pub(super) fn lists_any(&self, kind: Kind) -> bool {
        match kind {
            Kind::Hash => self.hashes.len > 0,
            Kind::Stream => self.streams.len > 0,
            _ => false,
        }
    }

    fn add(&mut self, deadline: InnerDeadline, hash: KeyHash) {
        match deadline {
            InnerDeadline::Field(at) => self.hashes.add(at, hash),
            InnerDeadline::Record(at) => self.streams.add(at, hash),
        }
    }

    fn remove(&mut self, deadline: InnerDeadline, hash: KeyHash) {
        match deadline {
            InnerDeadline::Field(at) => self.hashes.remove(at, hash),
            InnerDeadline::Record(at) => self.streams.remove(at, hash),
        }
    }
}

impl Dict {
    /// How many keys hold a hash with fields that have deadlines.
    #[must_use]
    pub fn hashes_with_deadlines(&self) -> usize {
        self.inner_deadlines.hashes.len
    }

    /// How many keys hold a stream that remembers what producers have sent.
    #[must_use]
    pub fn streams_with_records(&self) -> usize {
        self.inner_deadlines.streams.len
    }

    /// The hash of which a field is due first, if its deadline is at `now` or before.
    #[must_use]
    pub fn due_hash(&self, now: u64) -> Option<Entry<'_>> {
        let (deadline, hash) = self.inner_deadlines.hashes.due(now)?;
        self.listed(InnerDeadline::Field(deadline), hash)
    }

    /// The stream of which a record is due first, if it is at `now` or was before.
    #[must_use]
    pub fn due_stream(&self, now: u64) -> Option<Entry<'_>> {
        let (deadline, hash) = self.inner_deadlines.streams.due(now)?;
        self.listed(InnerDeadline::Record(deadline), hash)
    }

    fn listed(&self, deadline: InnerDeadline, hash: KeyHash) -> Option<Entry<'_>> {
        let (segment, fraction) = self.segment_of(hash)?;
        let is_it =
            |entry: Entry<'_>| entry.inner_deadline() == Some(deadline) && self.seed.hash(entry.key()).0 == hash.0;
        let found = segment.find_by(fraction, is_it);
        debug_assert!(found.is_some(), "what is listed is there");
        found.map(|place| segment.entry(place))
    }

    /// Takes over what a change did to the earliest deadline of what an entry holds.
    #[inline]
    pub(super) fn relist(
        &mut self,
        hash: impl FnOnce(&Dict) -> KeyHash,
        old: Option<InnerDeadline>,
        new: Option<InnerDeadline>,
    ) {
        if old != new {
            let hash = hash(self);
            self.relist_changed(hash, old, new);
        }
    }

    #[cold]
    fn relist_changed(&mut self, hash: KeyHash, old: Option<InnerDeadline>, new: Option<InnerDeadline>) {
        if let Some(old) = old {
            self.inner_deadlines.remove(old, hash);
        }
        if let Some(new) = new {
            self.inner_deadlines.add(new, hash);
        }
    }

    /// Whether the lists are what the entries say: for tests.
    #[cfg(test)]
    pub(super) fn check_inner_deadlines(&self) {
        let [mut hashes, mut streams] = [List::default(), List::default()];
        let mut cursor = 0;
        loop {
            cursor = self.scan(cursor, 1000, &mut |entry| match entry.inner_deadline() {
                Some(InnerDeadline::Field(at)) => hashes.add(at, self.seed.hash(entry.key())),
                Some(InnerDeadline::Record(at)) => streams.add(at, self.seed.hash(entry.key())),
                None => {}
            });
            if cursor == 0 {
                break;
            }
        }
        for (expected, list) in [(hashes, &self.inner_deadlines.hashes), (streams, &self.inner_deadlines.streams)] {
            assert_eq!((expected.listed, expected.len), (list.listed.clone(), list.len));
        }
    }
}
