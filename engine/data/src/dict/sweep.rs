//! Active expiry: removes entries whose deadline has passed, a slice at a time.
//!
//! The sweep goes round the segments. It skips one whose earliest deadline is still to come in one step, and in the others
//! looks only at slots that have a deadline. A segment that was swept in one go gets an exact `earliest`.

use super::Dict;
use crate::entry::Entry;
use crate::segment::Place;
use crate::slab::SegmentId;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Units of work spent: a segment or a bucket looked at, a deadline read, or four for an entry removed.
    pub units: u64,
    /// Entries removed.
    pub removed: u64,
    /// Whether there may be more to remove: the budget ended before the round did, or segments changed places during it.
    pub behind: bool,
}

/// Units for an entry removed, which costs more than looking at it.
const REMOVAL_UNITS: u64 = 4;

/// How far the sweep has come.
#[derive(Debug)]
pub(super) struct Sweep {
    segment: SegmentId,
    bucket: usize,
    /// The earliest deadline met in this segment's pass or set meanwhile anywhere.
    earliest: u64,
    /// Whether no entry of this segment has moved since the pass began.
    exact: bool,
}

impl Default for Sweep {
    fn default() -> Self {
        Sweep { segment: 0, bucket: 0, earliest: u64::MAX, exact: true }
    }
}

impl Sweep {
    pub(super) fn reset(&mut self) {
        *self = Sweep::default();
    }

    /// Notes a deadline that a write has set.
    #[inline]
    pub(super) fn note_deadline(&mut self, deadline: Option<u64>) {
        self.earliest = self.earliest.min(deadline.unwrap_or(u64::MAX));
    }

    /// Notes that entries of the segment may have moved to buckets that were swept.
    #[inline]
    pub(super) fn note_moves(&mut self, segment: SegmentId) {
        self.exact &= segment != self.segment;
    }

    fn go_to(&mut self, segment: SegmentId) {
        *self = Sweep { segment, ..Sweep::default() };
    }
}

impl Dict {
    /// Removes entries whose deadline is at or before `now_ms`, until `budget_units` are spent or every segment was looked
    /// at once, and goes on from there next time. `removing` sees each entry before it goes.
    pub fn sweep_expired(
        &mut self,
        now_ms: u64,
        budget_units: u64,
        removing: &mut dyn FnMut(Entry<'_>),
    ) -> SweepReport {
        let mut report = SweepReport::default();
        // One segment more than there are, because the first may be entered in its middle.
        let mut segments_left = u64::from(self.segments.len()) + 1;
        let mut merged = false;
        while self.volatile > 0 && segments_left > 0 {
            if report.units >= budget_units {
                report.behind = true;
                return report;
            }
            if self.sweep.segment >= self.segments.len() {
                self.sweep.go_to(0);
            }
            report.units += 1;
            let id = self.sweep.segment;
            let due = self.segments.get(id).volatile > 0 && self.segments.get(id).earliest <= now_ms;
            if due {
                if !self.sweep_segment(id, now_ms, budget_units, &mut report, removing) {
                    continue;
                }
                // A merge moves the last segment, which may not have been looked at, to a place that may lie behind us. Going
                // back for it each time could take forever; so this round can't claim to have been everywhere.
                merged |= self.shrink(id).is_some();
            }
            self.sweep.go_to(id + 1);
            segments_left -= 1;
        }
        report.behind = merged && self.volatile > 0;
        report
    }

    /// Sweeps a segment from where the sweep stands. False when the budget ended first; some progress is made even then.
    fn sweep_segment(
        &mut self,
        id: SegmentId,
        now_ms: u64,
        budget_units: u64,
        report: &mut SweepReport,
        removing: &mut dyn FnMut(Entry<'_>),
    ) -> bool {
        while self.sweep.bucket < self.segments.get(id).buckets().len() {
            if !self.sweep_bucket(id, now_ms, budget_units, report, removing) {
                return false;
            }
            self.sweep.bucket += 1;
            if report.units >= budget_units {
                return false;
            }
        }
        if self.sweep.exact {
            self.segments.get_mut(id).earliest = self.sweep.earliest;
        }
        true
    }

    /// Sweeps a bucket from its beginning. False when the budget ended between two removals.
    fn sweep_bucket(
        &mut self,
        id: SegmentId,
        now_ms: u64,
        budget_units: u64,
        report: &mut SweepReport,
        removing: &mut dyn FnMut(Entry<'_>),
    ) -> bool {
        report.units += 1;
        let mut place = Place { bucket: self.sweep.bucket as u16, slot: 0 };
        loop {
            let segment = self.segments.get(id);
            // Slots without a deadline are passed over without a look at their entries.
            let ahead = segment.buckets()[self.sweep.bucket].volatile_slots() >> place.slot;
            if ahead == 0 {
                return true;
            }
            place.slot += ahead.trailing_zeros() as u8;
            report.units += 1;
            let entry = segment.entry(place);
            let deadline = entry.deadline().expect("a volatile slot has a deadline");
            if deadline > now_ms {
                self.sweep.note_deadline(Some(deadline));
                place.slot += 1;
                continue;
            }
            removing(entry);
            let exact = self.sweep.exact;
            let dead = self.take(id, place);
            self.bury(dead);
            // What a removal moves, it moves into this very slot, which is looked at again.
            self.sweep.exact = exact;
            report.removed += 1;
            report.units += REMOVAL_UNITS;
            if report.units >= budget_units {
                return false;
            }
        }
    }
}
