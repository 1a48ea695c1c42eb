//! The dictionary: from keys to entries, in the order of the hash.
//!
//! Extendible hashing: the top bits of the hash choose, through a directory, a segment; the next 16 bits choose a bucket
//! in it and serve as a tag (`segment`, `bucket`). Growth is piecewise: a segment gains buckets in small
//! steps, then splits in two; so memory never doubles and no single write moves more than the 1,348 entries that a
//! segment holds. The directory has 4 bytes a segment (up to 8 right after it doubled) and doubling it copies them: 0.5 MB
//! at a hundred million keys, tens of microseconds.
//!
//! Guarantees: the same operations with the same seed give the same order and the same [`Dict::memory`], for neither
//! addresses nor time decide anything here. Whether a key has expired is not decided on reads.
//!
//! Lookups of many keys should go in groups, in three passes: [`Dict::prefetch_bucket`] for all, [`Dict::prefetch_entry`]
//! for all, then the lookups; cache misses of a group then overlap.

mod deadlines;
mod found;
mod inner_deadlines;
mod random;
mod resize;
mod scan;
mod sweep;
#[cfg(test)]
mod tests;
mod walking;

pub use found::{DetachedEntry, Lookup, OccupiedEntry, VacantEntry};
pub use sweep::SweepReport;

use crate::bucket::{Bucket, SLOTS};
use crate::collection::Collection;
use crate::entry::{Entry, InnerDeadline, OwnedEntry, Slot};
use crate::hash::{HashSeed, KeyHash};
use crate::prefetch::prefetch;
use crate::segment::{Place, Segment};
use crate::slab::{SegmentId, Slab};
use crate::value::{Deadline, Kind, NewValue};
use crate::walk::Walks;
use inner_deadlines::InnerDeadlines;
use sweep::Sweep;

/// A hash table from keys to entries.
pub struct Dict {
    seed: HashSeed,
    /// The segment of each value of the hash's top `depth` bits; empty while the dictionary never held a key.
    directory: Vec<SegmentId>,
    segments: Slab,
    depth: u8,
    len: usize,
    volatile: usize,
    entry_bytes: usize,
    bucket_bytes: usize,
    walks: Walks,
    sweep: Sweep,
    inner_deadlines: InnerDeadlines,
    /// Where short collections are edited; kept for its capacity.
    scratch: Vec<u8>,
    /// What was removed and would take long to free.
    graves: Vec<DetachedEntry>,
}

impl Dict {
    /// An empty dictionary, which holds no memory of its own. `seed` must be the one that keys are hashed with.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Dict {
            seed,
            directory: Vec::new(),
            segments: Slab::default(),
            depth: 0,
            len: 0,
            volatile: 0,
            entry_bytes: 0,
            bucket_bytes: 0,
            walks: Walks::default(),
            sweep: Sweep::default(),
            inner_deadlines: InnerDeadlines::default(),
            scratch: Vec::new(),
            graves: Vec::new(),
        }
    }

    /// How many keys there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys have a deadline.
    #[inline]
    #[must_use]
    pub fn volatile_len(&self) -> usize {
        self.volatile
    }

    /// The memory of entries, buckets and directory, in bytes by the allocator's size classes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.entry_bytes
            + self.bucket_bytes
            + self.segments.memory()
            + self.directory.capacity() * size_of::<SegmentId>()
            + self.inner_deadlines.memory()
    }

    /// The share of [`Dict::memory`] that entries take: keys, values and deadlines.
    #[must_use]
    pub fn entry_memory(&self) -> usize {
        self.entry_bytes
    }

    /// How many keys the present buckets have slots for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.bucket_bytes / size_of::<Bucket>() * SLOTS
    }

    #[inline]
    fn segment_id(&self, hash: KeyHash) -> Option<SegmentId> {
        self.directory.get(hash.prefix(self.depth)).copied()
    }

    #[inline]
    fn segment_of(&self, hash: KeyHash) -> Option<(&Segment, u16)> {
        let segment = self.segments.get(self.segment_id(hash)?);
        Some((segment, hash.fraction(segment.depth)))
    }

    /// Starts loading the bucket in which a lookup of this hash begins.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        if let Some((segment, fraction)) = self.segment_of(hash) {
            prefetch(segment.home_bucket(fraction));
        }
    }

    /// Starts loading the entry that a lookup of this hash reads; worth it once its bucket has arrived.
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        if let Some((segment, fraction)) = self.segment_of(hash) {
            segment.prefetch_entry(fraction);
        }
    }

    /// Goes on loading the entry, for whoever reads a collection in it.
    #[inline]
    pub fn prefetch_collection(&self, hash: KeyHash) {
        if let Some((segment, fraction)) = self.segment_of(hash) {
            segment.prefetch_collection(fraction);
        }
    }

    /// The entry of `key`, whose hash is `hash`.
    #[inline]
    #[must_use]
    pub fn get(&self, hash: KeyHash, key: &[u8]) -> Option<Entry<'_>> {
        let (segment, fraction) = self.segment_of(hash)?;
        Some(segment.entry(segment.find(fraction, key)?))
    }

    /// Looks `key` up in order to change it: one probe for reading, changing, inserting and removing.
    #[inline(always)]
    pub fn lookup<'d, 'k>(&'d mut self, hash: KeyHash, key: &'k [u8]) -> Lookup<'d, 'k> {
        let found = self.segment_id(hash).and_then(|id| {
            let segment = self.segments.get(id);
            Some((id, segment.find(hash.fraction(segment.depth), key)?))
        });
        match found {
            Some((segment, place)) => Lookup::Occupied(OccupiedEntry { dict: self, segment, place }),
            None => Lookup::Vacant(VacantEntry { dict: self, hash, key, lru: 0 }),
        }
    }

    /// Looks `key` up like [`Dict::lookup`], but removes an entry for which `dead` holds and then finds the key vacant. Returns
    /// whether it did. One probe, where looking first and removing then would need two.
    #[inline(always)]
    pub fn lookup_live<'d, 'k>(
        &'d mut self,
        hash: KeyHash,
        key: &'k [u8],
        dead: impl FnOnce(Entry<'_>) -> bool,
    ) -> (Lookup<'d, 'k>, bool) {
        match self.lookup(hash, key) {
            Lookup::Occupied(OccupiedEntry { dict, segment, place }) => {
                if !dead(dict.segments.get(segment).entry(place)) {
                    return (Lookup::Occupied(OccupiedEntry { dict, segment, place }), false);
                }
                dict.remove_at(segment, place);
                (Lookup::Vacant(VacantEntry { dict, hash, key, lru: 0 }), true)
            }
            vacant => (vacant, false),
        }
    }

    /// Stores `value` under `key`. Returns whether the key is new.
    pub fn set(&mut self, hash: KeyHash, key: &[u8], value: NewValue<'_>, deadline: Deadline) -> bool {
        match self.lookup(hash, key) {
            Lookup::Occupied(mut entry) => {
                entry.set_value(value, deadline);
                false
            }
            Lookup::Vacant(entry) => {
                entry.insert(value, deadline);
                true
            }
        }
    }

    /// Removes `key`. Returns whether it was there.
    pub fn remove(&mut self, hash: KeyHash, key: &[u8]) -> bool {
        match self.lookup(hash, key) {
            Lookup::Occupied(entry) => {
                entry.remove();
                true
            }
            Lookup::Vacant(_) => false,
        }
    }

    /// Takes the whole table out, in constant time, with the walks over it. This dictionary is empty then.
    #[must_use]
    pub fn detach(&mut self) -> Dict {
        let empty = Dict::new(self.seed);
        std::mem::replace(self, empty)
    }

    /// Takes out what was removed and would take long to free: to be dropped where that stalls nobody.
    #[must_use = "dropping it frees large collections"]
    pub fn take_graves(&mut self) -> Vec<DetachedEntry> {
        std::mem::take(&mut self.graves)
    }

    /// Frees an entry, at once if that is quickly done.
    fn bury(&mut self, entry: OwnedEntry) {
        if entry.view().is_slow_to_free() {
            self.graves.push(DetachedEntry(entry));
        }
    }

    /// Puts aside the value of an entry that is about to be replaced, if it takes long to free.
    fn bury_value(&mut self, id: SegmentId, place: Place) {
        let entry = self.segments.get(id).entry(place);
        if entry.is_slow_to_free() {
            self.graves.push(entry.duplicate());
        }
    }

    /// Inserts an entry under its own key, which has this hash.
    ///
    /// # Errors
    /// When that key is there: the entry comes back.
    pub fn insert_whole(&mut self, hash: KeyHash, entry: DetachedEntry) -> Result<(), DetachedEntry> {
        let key = entry.entry().key();
        let is_there = self.segment_id(hash).is_some_and(|id| {
            let segment = self.segments.get(id);
            segment.find(hash.fraction(segment.depth), key).is_some()
        });
        if is_there {
            return Err(entry);
        }
        self.insert(hash, entry.0);
        Ok(())
    }

    /// Inserts a key that is not there.
    fn insert(&mut self, hash: KeyHash, entry: OwnedEntry) -> (SegmentId, Place) {
        let deadline = entry.view().deadline();
        self.len += 1;
        self.volatile += usize::from(deadline.is_some());
        self.entry_bytes += entry.view().memory();
        self.relist(|_| hash, None, entry.view().inner_deadline());
        let mut homeless = entry;
        let mut far = false;
        loop {
            let id = self.segment_for_insert(hash);
            let segment = self.segments.get_mut(id);
            let slot = Slot::new(homeless, hash.fraction(segment.depth));
            match segment.place(slot, deadline, far, &mut self.walks) {
                Ok(place) => {
                    self.sweep.note_deadline(deadline);
                    return (id, place);
                }
                Err(mut slot) => {
                    homeless = slot.take().expect("an entry comes back as it went");
                    // Too many keys in one region of the hash: more room may part them, unless there is none to gain.
                    far = !self.grow_crowded(id);
                }
            }
        }
    }

    /// Changes an entry in place and keeps the accounts.
    fn update<R>(&mut self, id: SegmentId, place: Place, change: impl FnOnce(&mut OwnedEntry) -> R) -> R {
        let segment = self.segments.get_mut(id);
        let (old_bytes, new_bytes, old_deadline, new_deadline, old_inner, new_inner, result);
        {
            let bucket = segment.bucket_mut(usize::from(place.bucket));
            self.walks.before_write(bucket);
            let slot = bucket.slot_mut(usize::from(place.slot));
            (old_bytes, old_deadline, old_inner) = figures(slot.entry().expect("a place names a full slot"));
            result = slot.update(change);
            (new_bytes, new_deadline, new_inner) = figures(slot.entry().expect("a place names a full slot"));
            bucket.set_volatile(usize::from(place.slot), new_deadline.is_some());
        }
        self.entry_bytes = self.entry_bytes - old_bytes + new_bytes;
        if old_deadline != new_deadline {
            segment.volatile = segment.volatile + u32::from(new_deadline.is_some()) - u32::from(old_deadline.is_some());
            segment.earliest = segment.earliest.min(new_deadline.unwrap_or(u64::MAX));
            self.volatile = self.volatile + usize::from(new_deadline.is_some()) - usize::from(old_deadline.is_some());
            self.sweep.note_deadline(new_deadline);
        }
        let hash = |dict: &Dict| dict.seed.hash(dict.segments.get(id).entry(place).key());
        self.relist(hash, old_inner, new_inner);
        result
    }

    /// Changes a collection in place and keeps the accounts, without those that no editor can change: the key's own deadline.
    fn edit<C: Collection, R>(&mut self, id: SegmentId, place: Place, editor: impl FnOnce(&mut C) -> R) -> R {
        let bucket = self.segments.get_mut(id).bucket_mut(usize::from(place.bucket));
        self.walks.before_write(bucket);
        let slot = bucket.slot_mut(usize::from(place.slot));
        // What is in no list has no such deadline: most databases have none at all.
        let may_be_listed = self.inner_deadlines.lists_any(C::KIND);
        let (old_bytes, old_inner) = collection_figures(slot, may_be_listed);
        let scratch = &mut self.scratch;
        let result = slot.update(|entry| entry.edit(scratch, editor));
        let (new_bytes, new_inner) = collection_figures(slot, has_inner_deadlines(C::KIND));
        self.entry_bytes = self.entry_bytes - old_bytes + new_bytes;
        if has_inner_deadlines(C::KIND) {
            let hash = |dict: &Dict| dict.seed.hash(dict.segments.get(id).entry(place).key());
            self.relist(hash, old_inner, new_inner);
        }
        result
    }

    /// Puts a string where another is, if nothing of what is accounted changes by that; false if that is not so. Most writes of
    /// strings are of this kind, and cost a third of an [`Dict::update`] so.
    #[inline]
    fn overwrite(&mut self, id: SegmentId, place: Place, value: &NewValue<'_>) -> bool {
        let bucket = self.segments.get_mut(id).bucket_mut(usize::from(place.bucket));
        self.walks.before_write(bucket);
        bucket.slot_mut(usize::from(place.slot)).overwrite(value)
    }

    /// Takes an entry out and frees it, with the room that it leaves.
    #[inline(never)]
    fn remove_at(&mut self, id: SegmentId, place: Place) {
        let entry = self.take(id, place);
        self.bury(entry);
        self.shrink(id);
    }

    /// Takes an entry out; the segment keeps its buckets.
    fn take(&mut self, id: SegmentId, place: Place) -> OwnedEntry {
        let segment = self.segments.get_mut(id);
        let entry = segment.take(place, &mut self.walks).take().expect("a place names a full slot");
        self.sweep.note_moves(id);
        self.len -= 1;
        self.volatile -= usize::from(entry.view().deadline().is_some());
        self.entry_bytes -= entry.view().memory();
        let hash = |dict: &Dict| dict.seed.hash(entry.view().key());
        self.relist(hash, entry.view().inner_deadline(), None);
        entry
    }
}

/// What the dictionary accounts of an entry: memory, its deadline, and the earliest of what it holds.
#[inline]
fn figures(entry: Entry<'_>) -> (usize, Option<u64>, Option<InnerDeadline>) {
    (entry.memory(), entry.deadline(), entry.inner_deadline())
}

/// Whether what collections of a type hold may have deadlines.
const fn has_inner_deadlines(kind: Kind) -> bool {
    matches!(kind, Kind::Hash | Kind::Stream)
}

/// What the dictionary accounts of a collection that an editor may change; of what it holds, only if that may have deadlines.
#[inline]
fn collection_figures(slot: &Slot, may_have_inner: bool) -> (usize, Option<InnerDeadline>) {
    let entry = slot.entry().expect("a place names a full slot");
    (entry.memory(), if may_have_inner { entry.inner_deadline() } else { None })
}
