//! A random key, from entropy that the caller brings.

use super::Dict;
use crate::bucket::SLOTS;
use crate::entry::Entry;
use crate::segment::{BUCKETS_MAX, Place};
use crate::slab::SegmentId;

/// Slots tried at random before the search goes on in order. A table is rarely emptier than one in ten of what its
/// segments might hold, so fewer than one search in a million gets there.
const TRIES: u32 = 128;

impl Dict {
    /// An entry chosen by `entropy`, each with the same chance. Bounded work; the same entropy gives the same entry.
    #[must_use]
    pub fn random(&self, entropy: u64) -> Option<Entry<'_>> {
        if self.len == 0 {
            return None;
        }
        let segments = u64::from(self.segments.len());
        // Every segment is given as many slots as the largest may have; a slot that is not there is a miss, so that keys
        // of small segments are not more likely. A lone segment needs no such handicap.
        let slots = if segments == 1 { self.segments.get(0).buckets().len() * SLOTS } else { BUCKETS_MAX * SLOTS };
        let mut state = entropy;
        for _ in 0..TRIES {
            let segment = self.segments.get(scaled(next(&mut state), segments) as SegmentId);
            let slot = scaled(next(&mut state), slots as u64) as usize;
            let bucket = segment.buckets().get(slot / SLOTS);
            if let Some(entry) = bucket.and_then(|bucket| bucket.entry(slot % SLOTS)) {
                return Some(entry);
            }
        }
        self.first_from(scaled(next(&mut state), segments) as SegmentId)
    }

    /// The first entry of the first segment with any, from `id` on and round.
    fn first_from(&self, id: SegmentId) -> Option<Entry<'_>> {
        let segments = self.segments.len();
        let segment = (id..segments).chain(0..id).map(|id| self.segments.get(id)).find(|segment| segment.len > 0)?;
        let (bucket, (slot, _)) =
            segment.buckets().iter().enumerate().find_map(|(i, bucket)| Some((i, bucket.full_slots().next()?)))?;
        Some(segment.entry(Place { bucket: bucket as u16, slot: slot as u8 }))
    }
}

/// The next number of a SplitMix64 sequence.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number below `bound`, as evenly as `random` is.
fn scaled(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}
