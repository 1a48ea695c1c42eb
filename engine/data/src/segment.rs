//! A segment: the buckets of one contiguous range of the hash.
//!
//! An entry's 16-bit fraction of the hash, multiplied by the number of buckets, gives its home. So any number of buckets
//! keeps the order of the hash, and changing that number moves slots about without looking at an entry. An entry
//! whose home is full lives in one of the next buckets, wrapping round.
//!
//! Invariants: a bucket's `reach` covers all entries displaced from it; `earliest` is not above any deadline in the
//! segment.

use crate::bucket::{Bucket, SLOTS};
use crate::entry::{Entry, Slot};
use crate::walk::Walks;

/// The numbers of buckets a segment may have, each a size class of the allocator. The largest stays within the classes
/// that allocators pack without rounding to pages.
const STEPS: [u16; 19] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224];

/// Buckets of the largest segment.
pub(crate) const BUCKETS_MAX: usize = 224;

/// How far from its home an insert puts an entry while the segment may still grow.
const REACH_MAX: usize = 12;

/// Entries beyond this share of the slots make a segment grow, in 128ths.
const LOAD_MAX_128TH: usize = 110;
/// Below this share it shrinks.
const LOAD_MIN_128TH: usize = 30;
/// The share that a new number of buckets aims for when a segment shrinks, splits or merges.
const LOAD_AIM_128TH: usize = 100;

/// Where an entry is within its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: u16,
    pub(crate) slot: u8,
}

/// One segment. Its own cache line, for lookups pass through it.
#[repr(align(64))]
pub(crate) struct Segment {
    buckets: Box<[Bucket]>,
    /// The lowest hash of the range.
    pub(crate) start: u64,
    /// A lower bound of the deadlines, in Unix milliseconds; `u64::MAX` when there is none.
    pub(crate) earliest: u64,
    pub(crate) len: u32,
    pub(crate) volatile: u32,
    /// How many leading bits all hashes of the range share.
    pub(crate) depth: u8,
}

const _: () = assert!(size_of::<Segment>() == 64);

impl Segment {
    pub(crate) fn new(start: u64, depth: u8, buckets: usize, version: u32) -> Self {
        Segment { buckets: new_buckets(buckets, version), start, earliest: u64::MAX, len: 0, volatile: 0, depth }
    }

    /// What stands for a segment under a freed id.
    pub(crate) fn vacant() -> Self {
        Segment::new(0, 0, 0, 0)
    }

    /// The first hash after the range; `None` when that is 2^64.
    pub(crate) fn end(&self) -> Option<u64> {
        if self.depth == 0 { None } else { self.start.checked_add(1 << (64 - u32::from(self.depth))) }
    }

    #[inline]
    pub(crate) fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    #[inline]
    pub(crate) fn bucket_mut(&mut self, bucket: usize) -> &mut Bucket {
        &mut self.buckets[bucket]
    }

    #[inline]
    pub(crate) fn bucket_bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The bucket that an entry with this fraction belongs to.
    #[inline]
    pub(crate) fn home(&self, fraction: u16) -> usize {
        (usize::from(fraction) * self.buckets.len()) >> 16
    }

    /// The lowest fraction whose home is `bucket`; 65,536 for the bucket after the last.
    pub(crate) fn first_fraction(&self, bucket: usize) -> u32 {
        (bucket << 16).div_ceil(self.buckets.len()) as u32
    }

    #[inline]
    pub(crate) fn home_bucket(&self, fraction: u16) -> &Bucket {
        &self.buckets[self.home(fraction)]
    }

    #[inline]
    fn wrap(&self, bucket: usize) -> usize {
        if bucket < self.buckets.len() { bucket } else { bucket - self.buckets.len() }
    }

    /// Finds the entry of `key`.
    #[inline]
    pub(crate) fn find(&self, fraction: u16, key: &[u8]) -> Option<Place> {
        let home = self.home(fraction);
        let bucket = &self.buckets[home];
        if let Some(slot) = bucket.find(fraction, key) {
            return Some(Place { bucket: home as u16, slot: slot as u8 });
        }
        if bucket.reach() == 0 { None } else { self.find_displaced(home, fraction, key) }
    }

    /// Finds an entry with this fraction for which `is_it` holds.
    pub(crate) fn find_by(&self, fraction: u16, is_it: impl Fn(Entry<'_>) -> bool) -> Option<Place> {
        let home = self.home(fraction);
        (0..=self.buckets[home].reach()).find_map(|distance| {
            let bucket = self.wrap(home + distance);
            let (slot, _) = self.buckets[bucket]
                .full_slots()
                .find(|(_, slot)| slot.fraction() == fraction && slot.entry().is_some_and(&is_it))?;
            Some(Place { bucket: bucket as u16, slot: slot as u8 })
        })
    }

    fn find_displaced(&self, home: usize, fraction: u16, key: &[u8]) -> Option<Place> {
        (1..=self.buckets[home].reach()).find_map(|distance| {
            let bucket = self.wrap(home + distance);
            let slot = self.buckets[bucket].find(fraction, key)?;
            Some(Place { bucket: bucket as u16, slot: slot as u8 })
        })
    }

    /// Starts loading the entry that a lookup with this fraction would read.
    #[inline]
    pub(crate) fn prefetch_entry(&self, fraction: u16) {
        let home = self.home(fraction);
        let bucket = &self.buckets[home];
        if !bucket.prefetch_candidates(fraction) && bucket.reach() > 0 {
            self.prefetch_displaced(home, fraction);
        }
    }

    /// Goes on loading the entry, as far as a small collection mostly reaches. One that is displaced is left to its lookup.
    #[inline]
    pub(crate) fn prefetch_collection(&self, fraction: u16) {
        self.home_bucket(fraction).prefetch_rest_of_candidates(fraction);
    }

    /// As many as one entry in twelve is displaced, and a lookup of it would miss twice.
    fn prefetch_displaced(&self, home: usize, fraction: u16) {
        for distance in 1..=self.buckets[home].reach() {
            if self.buckets[self.wrap(home + distance)].prefetch_candidates(fraction) {
                return;
            }
        }
    }

    #[inline]
    pub(crate) fn entry(&self, place: Place) -> Entry<'_> {
        self.buckets[usize::from(place.bucket)].entry(usize::from(place.slot)).expect("a place names a full slot")
    }

    /// Visits the entries whose home is `bucket`, wherever they live.
    pub(crate) fn for_each_at_home(&self, bucket: usize, visit: &mut dyn FnMut(&Slot)) {
        for distance in 0..=self.buckets[bucket].reach() {
            for (_, slot) in self.buckets[self.wrap(bucket + distance)].full_slots() {
                if self.home(slot.fraction()) == bucket {
                    visit(slot);
                }
            }
        }
    }

    /// Puts an entry near its home. Gives it back when that would be too far away and `far` does not allow it.
    pub(crate) fn place(
        &mut self,
        slot: Slot,
        deadline: Option<u64>,
        far: bool,
        walks: &mut Walks,
    ) -> Result<Place, Slot> {
        let home = self.home(slot.fraction());
        let reach_max = if far { self.buckets.len() - 1 } else { REACH_MAX.min(self.buckets.len() - 1) };
        for distance in 0..=reach_max {
            let bucket = self.wrap(home + distance);
            if let Some(vacancy) = self.buckets[bucket].vacancy() {
                walks.before_write(&mut self.buckets[bucket]);
                self.buckets[bucket].fill(vacancy, slot, deadline.is_some());
                if distance > 0 {
                    self.buckets[home].note_displaced(distance);
                }
                self.len += 1;
                self.volatile += u32::from(deadline.is_some());
                self.earliest = self.earliest.min(deadline.unwrap_or(u64::MAX));
                return Ok(Place { bucket: bucket as u16, slot: vacancy as u8 });
            }
        }
        Err(slot)
    }

    /// Takes an entry out. A displaced entry of the same bucket comes home into its slot.
    pub(crate) fn take(&mut self, place: Place, walks: &mut Walks) -> Slot {
        let bucket = usize::from(place.bucket);
        walks.before_write(&mut self.buckets[bucket]);
        let (slot, volatile) = self.buckets[bucket].empty(usize::from(place.slot));
        let home = self.home(slot.fraction());
        if home != bucket {
            self.buckets[home].note_returned();
        }
        self.len -= 1;
        self.volatile -= u32::from(volatile);
        if self.buckets[bucket].reach() > 0 {
            self.bring_home(bucket, usize::from(place.slot), walks);
        }
        slot
    }

    /// Moves one displaced entry of `home` into its empty slot `vacancy`.
    fn bring_home(&mut self, home: usize, vacancy: usize, walks: &mut Walks) {
        for distance in 1..=self.buckets[home].reach() {
            let bucket = self.wrap(home + distance);
            let displaced = self.buckets[bucket].full_slots().find(|(_, slot)| self.home(slot.fraction()) == home);
            if let Some((slot, _)) = displaced {
                walks.before_write(&mut self.buckets[bucket]);
                let (moved, volatile) = self.buckets[bucket].empty(slot);
                self.buckets[home].fill(vacancy, moved, volatile);
                self.buckets[home].note_returned();
                return;
            }
        }
    }

    /// Whether one more entry asks for more buckets.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len as usize >= entries_max(self.buckets.len())
    }

    /// Whether there is a slot for one more entry, however far from its home.
    pub(crate) fn has_vacancy(&self) -> bool {
        (self.len as usize) < self.buckets.len() * SLOTS
    }

    /// The number of buckets after this one, if the segment may grow.
    pub(crate) fn next_step(&self) -> Option<usize> {
        let max = self.buckets_max();
        STEPS.iter().map(|&step| usize::from(step)).find(|&step| step > self.buckets.len() && step <= max)
    }

    /// How many buckets this segment gets before it splits: one of the last steps, drawn by its place. Keys spread evenly, so
    /// with one limit for all every segment would split at the same time, and writes then would pay for it all at once.
    fn buckets_max(&self) -> usize {
        const LAST_STEPS: usize = 4;
        let mixed = (self.start ^ u64::from(self.depth)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::from(STEPS[STEPS.len() - 1 - (mixed >> 62) as usize % LAST_STEPS])
    }

    /// The number of buckets to shrink to, if the segment is so empty that it should.
    #[inline]
    pub(crate) fn smaller_step(&self) -> Option<usize> {
        let sparse = (self.len as usize) * 128 < self.buckets.len() * SLOTS * LOAD_MIN_128TH;
        if sparse && self.buckets.len() > 1 { Some(step_for(self.len as usize)) } else { None }
    }

    /// Moves all slots into `buckets` buckets; no entry is looked at. Walks must have been given all buckets before.
    pub(crate) fn rebuild(&mut self, buckets: usize, version: u32) {
        let old = std::mem::replace(&mut self.buckets, new_buckets(buckets, version));
        for mut bucket in old {
            for slot in 0..SLOTS {
                let (full, volatile) = bucket.empty(slot);
                if !full.is_empty() {
                    self.settle(full, volatile);
                }
            }
        }
    }

    /// Puts a slot that is already counted near its home, as far away as need be.
    fn settle(&mut self, slot: Slot, volatile: bool) {
        let home = self.home(slot.fraction());
        for distance in 0..self.buckets.len() {
            let bucket = self.wrap(home + distance);
            if let Some(vacancy) = self.buckets[bucket].vacancy() {
                self.buckets[bucket].fill(vacancy, slot, volatile);
                if distance > 0 {
                    self.buckets[home].note_displaced(distance);
                }
                return;
            }
        }
        unreachable!("a segment is rebuilt with more slots than it has entries");
    }

    /// Takes over a slot from another segment.
    pub(crate) fn adopt(&mut self, slot: Slot, volatile: bool) {
        self.len += 1;
        self.volatile += u32::from(volatile);
        self.settle(slot, volatile);
    }

    /// Takes all slots out, in the order of the buckets, each with whether its entry has a deadline.
    pub(crate) fn into_slots(self) -> impl Iterator<Item = (Slot, bool)> {
        self.buckets
            .into_iter()
            .flat_map(|mut bucket| (0..SLOTS).map(move |slot| bucket.empty(slot)))
            .filter(|(slot, _)| !slot.is_empty())
    }
}

/// The number of buckets for `len` entries that leaves room for some more.
pub(crate) fn step_for(len: usize) -> usize {
    let fits = |&step: &u16| len * 128 <= usize::from(step) * SLOTS * LOAD_AIM_128TH;
    STEPS.iter().copied().find(fits).map_or(BUCKETS_MAX, usize::from)
}

/// How many entries a segment holds before it grows.
fn entries_max(buckets: usize) -> usize {
    // A single bucket has nowhere to displace an entry to, so it may be filled.
    if buckets == 1 { SLOTS } else { buckets * SLOTS * LOAD_MAX_128TH / 128 }
}

fn new_buckets(buckets: usize, version: u32) -> Box<[Bucket]> {
    let mut fresh = Vec::with_capacity(buckets);
    fresh.resize_with(buckets, || Bucket::new(version));
    fresh.into_boxed_slice()
}
