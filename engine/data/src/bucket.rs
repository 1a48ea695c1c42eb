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
            let slot = slot_of(candidates);
            if self.entry(slot).is_some_and(|entry| entry.has_key(key)) {
                return Some(slot);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// A bit for each slot that may hold an entry with this fraction: empty slots look like fraction 0. Which slot a bit means
    /// [`slot_of`] tells.
    #[inline]
    fn candidates(&self, fraction: u16) -> u32 {
        let words = self.slots.each_ref().map(Slot::word);
        equal_fractions(words, fraction)
    }

    /// Brings near the beginning of each entry that a lookup with this fraction would read. Returns whether there is any.
    #[inline]
    pub(crate) fn prefetch_candidates(&self, fraction: u16) -> bool {
        let mut candidates = self.candidates(fraction);
        let any = candidates != 0;
        while candidates != 0 {
            self.slots[slot_of(candidates)].prefetch();
            candidates &= candidates - 1;
        }
        any
    }

    /// Brings near what small collections take beyond that.
    #[inline]
    pub(crate) fn prefetch_rest_of_candidates(&self, fraction: u16) {
        let mut candidates = self.candidates(fraction);
        while candidates != 0 {
            self.slots[slot_of(candidates)].prefetch_rest();
            candidates &= candidates - 1;
        }
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

/// The slot that the lowest bit means.
#[inline(always)]
fn slot_of(candidates: u32) -> usize {
    candidates.trailing_zeros() as usize / 4
}

/// The highest of four bits for each word whose upper 16 bits are `fraction`: all words are compared at once, as eight times four
/// numbers of 16 bits, for a comparison after another costs a lookup a twentieth of its instructions.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn equal_fractions(words: [u64; SLOTS], fraction: u16) -> u32 {
    use core::arch::x86_64::{_mm_cmpeq_epi16, _mm_movemask_epi8, _mm_packs_epi16, _mm_set_epi64x, _mm_set1_epi16};
    let [a, b, c, d, e, f, g] = words.map(u64::cast_signed);
    // SAFETY: these need SSE2, which every x86-64 has, and touch no memory.
    let equal = unsafe {
        let sought = _mm_set1_epi16(fraction.cast_signed());
        let low = _mm_packs_epi16(
            _mm_cmpeq_epi16(_mm_set_epi64x(b, a), sought),
            _mm_cmpeq_epi16(_mm_set_epi64x(d, c), sought),
        );
        let high = _mm_packs_epi16(
            _mm_cmpeq_epi16(_mm_set_epi64x(f, e), sought),
            _mm_cmpeq_epi16(_mm_set_epi64x(0, g), sought),
        );
        _mm_movemask_epi8(low).cast_unsigned() | _mm_movemask_epi8(high).cast_unsigned() << 16
    };
    equal & 0x0888_8888
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn equal_fractions(words: [u64; SLOTS], fraction: u16) -> u32 {
    scalar_equal_fractions(words, fraction)
}

/// What [`equal_fractions`] is, where there are no vectors.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
#[inline(always)]
fn scalar_equal_fractions(words: [u64; SLOTS], fraction: u16) -> u32 {
    let bit = |(i, word): (usize, u64)| u32::from((word >> 48) as u16 == fraction) << (4 * i + 3);
    words.into_iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit)
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::{SLOTS, equal_fractions, scalar_equal_fractions, slot_of};

    quickcheck! {
        fn all_slots_at_once_are_compared_as_one_after_another(fractions: Vec<u8>, lower: u64, sought: u8) -> bool {
            let mut words = [0; SLOTS];
            for (word, fraction) in words.iter_mut().zip(fractions) {
                *word = (u64::from(fraction % 4) << 56 | u64::from(fraction % 2) << 48) ^ lower >> 16;
            }
            let sought = [u16::from(sought % 4) << 8, u16::from(sought % 2), (words[0] >> 48) as u16, 0];
            sought.into_iter().all(|sought| {
                equal_fractions(words, sought) == scalar_equal_fractions(words, sought)
            })
        }
    }

    #[test]
    fn each_slot_is_found_by_its_bit() {
        for slot in 0..SLOTS {
            let mut words = [0; SLOTS];
            words[slot] = 0xabcd << 48 | 0xffff;
            let found = equal_fractions(words, 0xabcd);
            assert_eq!((slot_of(found), found.count_ones()), (slot, 1));
        }
    }
}
