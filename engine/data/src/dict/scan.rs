//! SCAN: a walk without state, in the order of the hash.
//!
//! A cursor is a position in the space of hashes, its top 48 bits. Since growing and shrinking keep the order of the hash,
//! what lies before a cursor has been seen and what lies after it has not, whatever happened to the table in between:
//! a key that stays throughout is never missed, and is repeated only when a merge made positions coarser.

use super::Dict;
use crate::entry::Entry;
use crate::hash::KeyHash;

/// Cursors are below 2^48, so that clients may keep them in a double or a signed integer.
pub(crate) const CURSOR_BITS: u32 = 48;

/// Empty buckets that a call looks at for each entry it was asked for.
const BUCKETS_PER_COUNT: usize = 10;

impl Dict {
    /// Visits about `count` entries from `cursor` on, and returns the cursor to go on with. Zero begins, and zero returned
    /// means that all was seen. Bits of `cursor` above 2^48 are ignored.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Entry<'_>)) -> u64 {
        self.scan_aligned(cursor, 1, count, visit)
    }

    /// As [`Dict::scan`], stopping only at multiples of `grain`, a power of two.
    pub(crate) fn scan_aligned(&self, cursor: u64, grain: u64, count: usize, visit: &mut dyn FnMut(Entry<'_>)) -> u64 {
        let mut position = cursor & ((1 << CURSOR_BITS) - 1);
        let mut visited = 0;
        let mut buckets = 0;
        loop {
            let Some((next, seen)) = self.scan_bucket(position, visit) else { return 0 };
            visited += seen;
            buckets += 1;
            if next >> CURSOR_BITS != 0 {
                return 0;
            }
            position = next;
            let enough = visited >= count || buckets >= count.saturating_mul(BUCKETS_PER_COUNT);
            if enough && position.is_multiple_of(grain) {
                return position;
            }
        }
    }

    /// Visits what belongs to one bucket from `position` on; returns where the next bucket begins and how many it visited.
    fn scan_bucket(&self, position: u64, visit: &mut dyn FnMut(Entry<'_>)) -> Option<(u64, usize)> {
        let (segment, from) = self.segment_of(KeyHash(position << (64 - CURSOR_BITS)))?;
        let bucket = segment.home(from);
        let mut seen = 0;
        segment.for_each_at_home(bucket, &mut |slot| {
            // The bucket may have been entered in its middle, if it was larger or smaller when the cursor was made.
            if slot.fraction() >= from
                && let Some(entry) = slot.entry()
            {
                seen += 1;
                visit(entry);
            }
        });
        let fraction_unit = CURSOR_BITS - 16 - u32::from(segment.depth);
        let start = segment.start >> (64 - CURSOR_BITS);
        Some((start + (u64::from(segment.first_fraction(bucket + 1)) << fraction_unit), seen))
    }
}
