//! A bucket: one cache line with up to seven slots.

use crate::entry::{Entry, Slot};

/// Slots of a bucket.
pub(crate) const SLOTS: usize = 7;

/// The count of displaced entries at which the bucket stops counting, until its segment is rebuilt.
const OVERFLOW_SATURATED: u8 = u8::MAX;

/// Seven slots and what is known about them.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    /// The newest snapshot walk that has been given the entries as they were when it began.
    pub(crate) version: u32,
    /// How many entries have their home here and live in a later bucket.
    overflow: u8,
    /// How many buckets further such entries live at most.
    reach: u8,
    /// A bit for each slot whose entry has a deadline.
    volatile: u8,
    slots: [Slot; SLOTS],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    /// An empty bucket that walks up to `version` need not see.
    pub(crate) fn new(version: u32) -> Self {
        Bucket { version, ..Bucket::default() }
    }

    /// The slot which holds `key`, whose fraction of the hash is `fraction`.
    #[inline]
    pub(crate) fn find(&self, fraction: u16, key: &[u8]) -> Option<usize> {
        let mut candidates = self.candidates(fraction);
        while candidates != 0 {
            let slot = candidates.trailing_zeros() as usize;
            if self.entry(slot).is_some_and(|entry| entry.has_key(key)) {
                return Some(slot);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// A bit for each slot that may hold an entry with this fraction: empty slots look like fraction 0.
    #[inline]
    fn candidates(&self, fraction: u16) -> u32 {
        let mut bits = 0;
        for (i, slot) in self.slots.iter().enumerate() {
            bits |= u32::from(slot.fraction() == fraction) << i;
        }
        bits
    }

    /// Brings near the beginning of each entry that a lookup with this fraction would read. Returns whether there is any.
    #[inline]
    pub(crate) fn prefetch_candidates(&self, fraction: u16) -> bool {
        let mut candidates = self.candidates(fraction);
        let any = candidates != 0;
        while candidates != 0 {
            self.slots[candidates.trailing_zeros() as usize].prefetch();
            candidates &= candidates - 1;
        }
        any
    }

    /// Brings near the beginning of every entry.
    pub(crate) fn prefetch_entries(&self) {
        for slot in &self.slots {
            slot.prefetch();
        }
    }

    #[inline]
    pub(crate) fn entry(&self, slot: usize) -> Option<Entry<'_>> {
        self.slots[slot].entry()
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, slot: usize) -> &mut Slot {
        &mut self.slots[slot]
    }

    /// The full slots, in order.
    #[inline]
    pub(crate) fn full_slots(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter().enumerate().filter(|(_, slot)| !slot.is_empty())
    }

    #[inline]
    pub(crate) fn vacancy(&self) -> Option<usize> {
        self.slots.iter().position(Slot::is_empty)
    }

    #[inline]
    pub(crate) fn is_volatile(&self, slot: usize) -> bool {
        self.volatile >> slot & 1 != 0
    }

    /// A bit for each slot whose entry has a deadline.
    #[inline]
    pub(crate) fn volatile_slots(&self) -> u8 {
        self.volatile
    }

    #[inline]
    pub(crate) fn set_volatile(&mut self, slot: usize, volatile: bool) {
        self.volatile = self.volatile & !(1 << slot) | u8::from(volatile) << slot;
    }

    /// Puts an entry into an empty slot.
    #[inline]
    pub(crate) fn fill(&mut self, slot: usize, full: Slot, volatile: bool) {
        debug_assert!(self.slots[slot].is_empty(), "a full slot is not overwritten");
        self.slots[slot] = full;
        self.set_volatile(slot, volatile);
    }

    /// Takes an entry out, and says whether it has a deadline.
    #[inline]
    pub(crate) fn empty(&mut self, slot: usize) -> (Slot, bool) {
        let volatile = self.is_volatile(slot);
        self.set_volatile(slot, false);
        (std::mem::take(&mut self.slots[slot]), volatile)
    }

    /// How many of the next buckets may hold entries whose home is this one.
    #[inline]
    pub(crate) fn reach(&self) -> usize {
        usize::from(self.reach)
    }

    /// Notes that an entry whose home is here was put `distance` buckets further.
    pub(crate) fn note_displaced(&mut self, distance: usize) {
        debug_assert!(distance > 0);
        self.overflow = self.overflow.saturating_add(1);
        self.reach = self.reach.max(u8::try_from(distance).expect("a segment has fewer than 256 buckets"));
    }

    /// Notes that such an entry is gone, or came home.
    pub(crate) fn note_returned(&mut self) {
        debug_assert!(self.overflow > 0);
        // A saturated count no longer tells how many there are.
        if self.overflow < OVERFLOW_SATURATED {
            self.overflow -= 1;
            if self.overflow == 0 {
                self.reach = 0;
            }
        }
    }

    /// The count of displaced entries, unless it is saturated.
    #[cfg(test)]
    pub(crate) fn displaced(&self) -> Option<usize> {
        (self.overflow < OVERFLOW_SATURATED).then_some(usize::from(self.overflow))
    }
}
