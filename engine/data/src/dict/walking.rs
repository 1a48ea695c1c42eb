//! The snapshot walk over this dictionary (see `walk`).

use super::{DetachedEntry, Dict};
use crate::entry::Entry;
use crate::hash::KeyHash;
use crate::slab::SegmentId;
use crate::walk::{TooManyWalks, WalkId, WalkProgress};

/// How many buckets further entries are brought near.
const AHEAD: usize = 2;

impl Dict {
    /// Begins a walk over the dictionary as it is now. End it with [`Dict::end_walk`], also after it is done.
    ///
    /// # Errors
    /// [`TooManyWalks`] when [`crate::MAX_WALKS`] are active.
    pub fn begin_walk(&mut self) -> Result<WalkId, TooManyWalks> {
        self.walks.begin()
    }

    /// Goes on with a walk until `budget_units` are spent, a bucket more at most. Each entry that was there when the
    /// walk began is given to `sink` exactly once, as it was then. A walk that was ended is done.
    pub fn walk_slice(&mut self, walk: WalkId, budget_units: u64, sink: &mut dyn FnMut(Entry<'_>)) -> WalkProgress {
        let mut units = 0;
        loop {
            let Some(active) = self.walks.get_mut(walk) else { return WalkProgress { done: true, units } };
            while units < budget_units
                && let Some(copy) = active.queue.pop_front()
            {
                active.queue_bytes -= copy.view().copied_memory();
                sink(copy.view());
                units += 1;
                // It may be the last to hold what its original was.
                if copy.view().is_slow_to_free() {
                    self.graves.push(DetachedEntry(copy));
                }
            }
            let drained = active.queue.is_empty();
            let (position, bucket) = (active.position, active.bucket);
            let Some(position) = position else { return WalkProgress { done: drained, units } };
            if units >= budget_units {
                return WalkProgress { done: false, units };
            }
            let Some(id) = self.segment_id(KeyHash(position)) else {
                self.set_walk_position(walk, None, 0);
                continue;
            };
            let segment = self.segments.get_mut(id);
            if bucket >= segment.buckets().len() {
                let end = segment.end();
                self.set_walk_position(walk, end, 0);
                continue;
            }
            // Entries lie anywhere in memory, and to wait for each would take longer than all else that is done here.
            if let Some(coming) = segment.buckets().get(bucket + AHEAD) {
                coming.prefetch_entries();
            }
            let visited = segment.bucket_mut(bucket);
            units += 1;
            if visited.version < walk.0 {
                for (_, slot) in visited.full_slots() {
                    sink(slot.entry().expect("full_slots yields full slots"));
                    units += 1;
                }
                self.walks.hand_over(visited, Some(walk));
            }
            self.set_walk_position(walk, Some(position), bucket + 1);
        }
    }

    /// The bytes of entries that were copied before a write and that no slice has taken yet.
    #[must_use]
    pub fn walk_pending_bytes(&self, walk: WalkId) -> usize {
        self.walks.get(walk).map_or(0, |active| active.queue_bytes)
    }

    /// Ends a walk, finished or not.
    pub fn end_walk(&mut self, walk: WalkId) {
        for copy in self.walks.end(walk) {
            self.bury(copy);
        }
        if self.len == 0 {
            self.release();
        }
    }

    fn set_walk_position(&mut self, walk: WalkId, position: Option<u64>, bucket: usize) {
        if let Some(active) = self.walks.get_mut(walk) {
            (active.position, active.bucket) = (position, bucket);
        }
    }

    /// See [`crate::Keyspace::plant_late_copies`].
    pub fn plant_late_copies(&mut self) {
        self.walks.plant_late_copies();
    }

    /// Hands all buckets of a segment to the walks that lack them, before its slots are moved.
    pub(super) fn hand_over_segment(&mut self, id: SegmentId) {
        if self.walks.any() {
            let segment = self.segments.get_mut(id);
            for bucket in 0..segment.buckets().len() {
                self.walks.before_write(segment.bucket_mut(bucket));
            }
        }
    }
}
