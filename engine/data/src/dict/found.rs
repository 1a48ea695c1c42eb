//! What a lookup gives: an entry in its place, or the place of a key that is not there; and entries that are in no dictionary.
//!
//! Whoever holds one of them holds the dictionary, so a place never goes stale. All changes go through the dictionary, which keeps its
//! accounts and lets its walks see what was there before.

use super::Dict;
use crate::collection::{Body, Collection};
use crate::entry::{Entry, OwnedEntry};
use crate::hash::KeyHash;
use crate::segment::Place;
use crate::slab::SegmentId;
use crate::value::{Deadline, Kind, NewValue, Value};

/// What a lookup found.
pub enum Lookup<'d, 'k> {
    /// The key's entry.
    Occupied(OccupiedEntry<'d>),
    /// The place where the key would be.
    Vacant(VacantEntry<'d, 'k>),
}

/// An entry that was found, to be read, changed or removed.
pub struct OccupiedEntry<'d> {
    pub(super) dict: &'d mut Dict,
    pub(super) segment: SegmentId,
    pub(super) place: Place,
}

impl<'d> OccupiedEntry<'d> {
    /// The entry.
    #[inline]
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        self.dict.segments.get(self.segment).entry(self.place)
    }

    /// The entry, for as long as the dictionary is borrowed.
    #[inline]
    #[must_use]
    pub fn into_entry(self) -> Entry<'d> {
        let dict: &'d Dict = self.dict;
        dict.segments.get(self.segment).entry(self.place)
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        self.entry().value()
    }

    /// When the key expires, in Unix milliseconds.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.entry().deadline()
    }

    /// Replaces the value by a string.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_>, deadline: Deadline) {
        let keeps = matches!(deadline, Deadline::Keep | Deadline::Clear);
        if !keeps || !self.dict.overwrite(self.segment, self.place, &value) {
            self.replace_value(value, deadline);
        }
    }

    #[inline(never)]
    fn replace_value(&mut self, value: NewValue<'_>, deadline: Deadline) {
        self.dict.bury_value(self.segment, self.place);
        self.dict.update(self.segment, self.place, |entry| {
            let deadline = deadline.over(entry.view().deadline());
            entry.set_value(value, deadline);
        });
    }

    /// Replaces the value by a collection.
    pub fn set_collection<C: Collection>(&mut self, value: C, deadline: Deadline) {
        self.dict.bury_value(self.segment, self.place);
        self.dict.update(self.segment, self.place, |entry| {
            let deadline = deadline.over(entry.view().deadline());
            entry.set_collection(value, deadline);
        });
    }

    /// Changes a collection in place. One that is empty afterwards stays: removing its key is the caller's business.
    ///
    /// # Panics
    /// When the key holds no `C`.
    pub fn edit<C: Collection, R>(&mut self, editor: impl FnOnce(&mut C) -> R) -> R {
        self.dict.edit(self.segment, self.place, editor)
    }

    /// Replaces the value by a string whose bytes the caller need not keep. The encoding becomes `raw`.
    pub fn set_bytes(&mut self, bytes: Vec<u8>, deadline: Deadline) {
        self.dict.bury_value(self.segment, self.place);
        self.dict.update(self.segment, self.place, |entry| {
            let deadline = deadline.over(entry.view().deadline());
            entry.set_bytes(bytes, deadline);
        });
    }

    /// Lets the bytes of a string be changed where they are, with zeros behind them if there were fewer than `len_min`. The encoding
    /// becomes `raw`.
    pub fn change_bytes<R>(&mut self, len_min: usize, change: impl FnOnce(&mut [u8]) -> R) -> R {
        self.dict.update(self.segment, self.place, |entry| entry.change(len_min, change))
    }

    /// Puts a copy of a large value aside, so that what an edit is about to take out of it is freed elsewhere, as
    /// [`Dict::take_graves`] says.
    pub fn set_aside(&mut self) {
        self.dict.bury_value(self.segment, self.place);
    }

    /// Appends to the string and returns its new length in bytes. The encoding becomes `raw`.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        self.dict.update(self.segment, self.place, |entry| entry.append(tail))
    }

    /// Overwrites the string from `offset` on, with zeros before it where the string was shorter. Returns its new length in
    /// bytes. The encoding becomes `raw`.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> usize {
        self.dict.update(self.segment, self.place, |entry| entry.write_at(offset, bytes))
    }

    /// Sets the deadline, in Unix milliseconds, or takes it away.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        self.dict.update(self.segment, self.place, |entry| entry.set_deadline(deadline));
    }

    /// Sets the 24 bits that eviction keeps about the key.
    #[inline]
    pub fn touch(&self, lru: u32) {
        self.entry().touch(lru);
    }

    /// Removes the entry and frees it.
    pub fn remove(self) {
        self.dict.remove_at(self.segment, self.place);
    }

    /// Removes the entry and leaves freeing it to the caller, for a long value may take long.
    #[must_use = "dropping it frees the entry; use remove for that"]
    pub fn detach(self) -> DetachedEntry {
        let entry = self.dict.take(self.segment, self.place);
        self.dict.shrink(self.segment);
        DetachedEntry(entry)
    }
}

/// An entry that is in no dictionary: removed and not freed yet, or made and not inserted yet. It can be sent to another thread and
/// dropped there.
pub struct DetachedEntry(pub(crate) OwnedEntry);

impl DetachedEntry {
    /// A string under a key.
    #[must_use]
    pub fn string(key: &[u8], value: NewValue<'_>, deadline: Option<u64>, lru: u32) -> Self {
        DetachedEntry(OwnedEntry::new(key, value, deadline, lru))
    }

    /// A collection of this type, which is made of `body`, under a key.
    ///
    /// # Panics
    /// When `kind` is a string's. A body of another type's makes whoever looks at it panic.
    #[must_use]
    pub fn collection(key: &[u8], kind: Kind, body: Body, deadline: Option<u64>, lru: u32) -> Self {
        DetachedEntry(OwnedEntry::new_collection(key, kind, body, deadline, lru))
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        self.0.view()
    }
}

/// The place of a key that is not there.
pub struct VacantEntry<'d, 'k> {
    pub(super) dict: &'d mut Dict,
    pub(super) hash: KeyHash,
    pub(super) key: &'k [u8],
    pub(super) lru: u32,
}

impl<'d, 'k> VacantEntry<'d, 'k> {
    /// The same place; what is inserted keeps `lru` as its 24 bits about when it was used.
    #[inline]
    #[must_use]
    pub fn stamped(self, lru: u32) -> Self {
        VacantEntry { lru, ..self }
    }

    /// The key that was looked up.
    #[must_use]
    pub fn key(&self) -> &'k [u8] {
        self.key
    }

    /// Inserts the key with a collection.
    pub fn insert_collection<C: Collection>(self, value: C, deadline: Deadline) -> OccupiedEntry<'d> {
        self.insert_body(C::KIND, value.into_body(), deadline)
    }

    /// Inserts the key with a collection of this type, which is made of `body`.
    ///
    /// # Panics
    /// When `kind` is a string's. A body of another type's makes whoever looks at it panic.
    pub fn insert_body(self, kind: Kind, body: Body, deadline: Deadline) -> OccupiedEntry<'d> {
        let entry = OwnedEntry::new_collection(self.key, kind, body, deadline.over(None), self.lru);
        let (segment, place) = self.dict.insert(self.hash, entry);
        OccupiedEntry { dict: self.dict, segment, place }
    }

    /// Inserts the key with a string.
    pub fn insert(self, value: NewValue<'_>, deadline: Deadline) -> OccupiedEntry<'d> {
        let entry = OwnedEntry::new(self.key, value, deadline.over(None), self.lru);
        let (segment, place) = self.dict.insert(self.hash, entry);
        OccupiedEntry { dict: self.dict, segment, place }
    }

    /// Inserts the value of an entry that was taken from elsewhere.
    pub fn insert_detached(self, entry: DetachedEntry, deadline: Option<u64>) -> OccupiedEntry<'d> {
        let entry = entry.0.renamed(self.key, deadline);
        entry.view().touch(self.lru);
        let (segment, place) = self.dict.insert(self.hash, entry);
        OccupiedEntry { dict: self.dict, segment, place }
    }
}
