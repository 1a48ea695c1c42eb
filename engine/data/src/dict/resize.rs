//! Growing and shrinking, a segment at a time.
//!
//! A segment that fills up gains buckets in steps, then splits; one that empties loses buckets, then merges with its
//! buddy. The thresholds lie far apart (a split leaves 380 entries or more on each side, a merge needs fewer than 400
//! in both together), so no sequence of single writes makes it go back and forth. Changing a segment that a walk has not
//! finished hands the rest of it to the walk first; merging waits until no walk is active.

use super::Dict;
use crate::bucket::SLOTS;
use crate::hash::KeyHash;
use crate::segment::{Segment, step_for};
use crate::slab::SegmentId;

/// The directory never gets more than 2^28 places (a gigabyte). Segments of that depth fill up instead of splitting.
const DEPTH_MAX: u8 = 28;

/// Two segments with fewer entries than this between them merge.
const MERGE_MAX: u32 = 400;

/// Entries of a segment that is made for as many as are expected: neither so many that chance makes every second one split, nor so
/// few that its buckets are empty.
const EXPECTED_MAX: usize = 960;

/// A full-grown segment with fewer entries than this does not split because of a crowded region.
const CROWDED_SPLIT_MIN: u32 = 512;

impl Dict {
    /// Makes room for so many keys at once, if there are none yet: it spares a file that is loaded from growing step by step. What
    /// is expected in vain costs memory until keys are removed.
    pub fn reserve(&mut self, keys: usize) {
        if self.len > 0 || self.walks.any() || keys <= EXPECTED_MAX {
            return;
        }
        let depth = keys.div_ceil(EXPECTED_MAX).next_power_of_two().trailing_zeros().min(u32::from(DEPTH_MAX));
        let (depth, segments) = (depth as u8, 1usize << depth);
        self.release();
        self.depth = depth;
        let buckets = step_for(keys >> depth);
        for i in 0..segments {
            let segment = Segment::new((i as u64) << (64 - u32::from(depth)), depth, buckets, self.walks.version());
            self.bucket_bytes += segment.bucket_bytes();
            let id = self.segments.push(segment);
            self.directory.push(id);
        }
    }

    /// The segment for a new entry, after it was given room if it was full.
    pub(super) fn segment_for_insert(&mut self, hash: KeyHash) -> SegmentId {
        let Some(mut id) = self.segment_id(hash) else { return self.first_segment() };
        while self.segments.get(id).is_full() {
            if !self.grow(id) {
                assert!(self.segments.get(id).has_vacancy(), "keyed hashes never agree in 28 bits 1,568 times");
                return id;
            }
            id = self.segment_id(hash).expect("the directory covers every hash");
        }
        id
    }

    fn first_segment(&mut self) -> SegmentId {
        let segment = Segment::new(0, 0, 1, self.walks.version());
        self.bucket_bytes += segment.bucket_bytes();
        let id = self.segments.push(segment);
        self.directory = vec![id];
        id
    }

    /// Gives a full segment the next number of buckets, or splits it. False when neither is possible.
    fn grow(&mut self, id: SegmentId) -> bool {
        match self.segments.get(id).next_step() {
            Some(buckets) => self.rebuild(id, buckets),
            None if self.segments.get(id).depth < DEPTH_MAX => self.split(id),
            None => return false,
        }
        true
    }

    /// Gives room to a segment in one region of which an entry would end up far from home. False when growing it would
    /// not pay.
    pub(super) fn grow_crowded(&mut self, id: SegmentId) -> bool {
        let segment = self.segments.get(id);
        let sparse = segment.len < CROWDED_SPLIT_MIN && segment.next_step().is_none();
        !sparse && self.grow(id)
    }

    /// Gives memory back after a removal, if the segment has become sparse. Returns the lowest id that names another segment
    /// since, if two were merged.
    pub(super) fn shrink(&mut self, id: SegmentId) -> Option<SegmentId> {
        if self.len == 0 {
            self.release();
        } else if let Some(buckets) = self.segments.get(id).smaller_step() {
            match self.buddy(id) {
                Some((low, high)) => {
                    self.merge(low, high);
                    return Some(low.min(high));
                }
                None if buckets < self.segments.get(id).buckets().len() => self.rebuild(id, buckets),
                None => {}
            }
        }
        None
    }

    /// Frees the table of an empty dictionary, unless a walk still counts on its versions.
    pub(super) fn release(&mut self) {
        if !self.walks.any() {
            self.directory = Vec::new();
            self.segments = Default::default();
            self.depth = 0;
            self.bucket_bytes = 0;
            self.sweep.reset();
        }
    }

    /// Changes a segment's number of buckets; entries are not touched.
    fn rebuild(&mut self, id: SegmentId, buckets: usize) {
        self.hand_over_segment(id);
        let segment = self.segments.get_mut(id);
        self.bucket_bytes -= segment.bucket_bytes();
        segment.rebuild(buckets, self.walks.version());
        self.bucket_bytes += segment.bucket_bytes();
        self.sweep.note_moves(id);
    }

    /// Splits a segment by the next bit of the hash, which only the keys can tell.
    fn split(&mut self, id: SegmentId) {
        self.hand_over_segment(id);
        self.sweep.note_moves(id);
        let old = std::mem::replace(self.segments.get_mut(id), Segment::vacant());
        self.bucket_bytes -= old.bucket_bytes();
        if old.depth == self.depth {
            self.double_directory();
        }
        let depth = old.depth + 1;
        let middle = old.start | 1 << (64 - u32::from(depth));
        let hashes = self.hashes(&old);
        let high_len = hashes.iter().filter(|hash| hash.0 >= middle).count();
        let version = self.walks.version();
        let mut low = Segment::new(old.start, depth, step_for(hashes.len() - high_len), version);
        let mut high = Segment::new(middle, depth, step_for(high_len), version);
        for ((slot, volatile), hash) in old.into_slots().zip(hashes) {
            let half = if hash.0 >= middle { &mut high } else { &mut low };
            if volatile {
                let deadline = slot.entry().and_then(|entry| entry.deadline());
                half.earliest = half.earliest.min(deadline.expect("a volatile slot has a deadline"));
            }
            half.adopt(slot.with_fraction(hash.fraction(depth)), volatile);
        }
        self.bucket_bytes += low.bucket_bytes() + high.bucket_bytes();
        *self.segments.get_mut(id) = low;
        let high_id = self.segments.push(high);
        self.point_directory(high_id);
        self.sweep.note_moves(high_id);
    }

    /// The hashes of a segment's keys, in the order of its slots. Keys are loaded some buckets ahead of their turn.
    fn hashes(&self, segment: &Segment) -> Vec<KeyHash> {
        const AHEAD: usize = 3;
        let buckets = segment.buckets();
        let mut hashes = Vec::with_capacity(buckets.len() * SLOTS);
        buckets.iter().take(AHEAD).for_each(|bucket| bucket.prefetch_entries());
        for (i, bucket) in buckets.iter().enumerate() {
            if let Some(later) = buckets.get(i + AHEAD) {
                later.prefetch_entries();
            }
            let entries = bucket.full_slots().filter_map(|(_, slot)| slot.entry());
            hashes.extend(entries.map(|entry| self.seed.hash(entry.key())));
        }
        hashes
    }

    /// The segment and the other half of the range it was split from, lower first, if they should become one again.
    fn buddy(&self, id: SegmentId) -> Option<(SegmentId, SegmentId)> {
        let segment = self.segments.get(id);
        if segment.depth == 0 || self.walks.any() {
            return None;
        }
        let half = 1 << (64 - u32::from(segment.depth));
        let other = self.segment_id(KeyHash(segment.start ^ half)).expect("the directory covers every hash");
        let buddy = self.segments.get(other);
        if buddy.depth != segment.depth || buddy.len + segment.len >= MERGE_MAX {
            return None;
        }
        Some(if segment.start & half == 0 { (id, other) } else { (other, id) })
    }

    /// Joins two buddies. A shorter prefix leaves each fraction one more leading bit and drops its last, so no entry is
    /// touched.
    fn merge(&mut self, low: SegmentId, high: SegmentId) {
        let upper = std::mem::replace(self.segments.get_mut(high), Segment::vacant());
        let lower = std::mem::replace(self.segments.get_mut(low), Segment::vacant());
        self.bucket_bytes -= upper.bucket_bytes() + lower.bucket_bytes();
        let buckets = step_for((lower.len + upper.len) as usize);
        let mut joined = Segment::new(lower.start, lower.depth - 1, buckets, self.walks.version());
        joined.earliest = lower.earliest.min(upper.earliest);
        for (slot, volatile) in lower.into_slots() {
            let fraction = slot.fraction() >> 1;
            joined.adopt(slot.with_fraction(fraction), volatile);
        }
        for (slot, volatile) in upper.into_slots() {
            let fraction = 1 << 15 | slot.fraction() >> 1;
            joined.adopt(slot.with_fraction(fraction), volatile);
        }
        self.bucket_bytes += joined.bucket_bytes();
        *self.segments.get_mut(low) = joined;
        self.point_directory(low);
        self.segments.swap_remove(high);
        if high < self.segments.len() {
            // The last segment goes by this id now; it may be the joined one.
            self.point_directory(high);
        }
        for moved in [low, high, self.segments.len()] {
            self.sweep.note_moves(moved);
        }
        self.halve_directory();
    }

    /// Makes every place of the directory that the segment covers point to it.
    fn point_directory(&mut self, id: SegmentId) {
        let segment = self.segments.get(id);
        let first = KeyHash(segment.start).prefix(self.depth);
        let places = 1 << (self.depth - segment.depth);
        self.directory[first..first + places].fill(id);
    }

    fn double_directory(&mut self) {
        let mut doubled = Vec::with_capacity(self.directory.len() * 2);
        doubled.extend(self.directory.iter().flat_map(|&id| [id, id]));
        self.directory = doubled;
        self.depth += 1;
    }

    /// Halves the directory for as long as every pair of neighbours agrees.
    fn halve_directory(&mut self) {
        while self.depth > 0 && self.directory.chunks_exact(2).all(|pair| pair[0] == pair[1]) {
            self.directory = self.directory.chunks_exact(2).map(|pair| pair[0]).collect();
            self.depth -= 1;
        }
    }
}
