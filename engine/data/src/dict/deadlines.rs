//! Deadlines drawn by lot, for statistics.

use super::Dict;
use crate::segment::Place;

impl Dict {
    /// Visits up to `count` deadlines and returns how many: those of the segments from a random one on. Hashes scatter keys, so
    /// whoever is there is as good as any other. A segment without deadlines costs one step.
    pub fn sample_deadlines(&self, entropy: u64, count: usize, visit: &mut dyn FnMut(u64)) -> usize {
        let segments = self.segments.len();
        let mut seen = 0;
        for i in 0..segments {
            let id = ((u64::from(i) + entropy % u64::from(segments)) % u64::from(segments)) as u32;
            let segment = self.segments.get(id);
            if segment.volatile == 0 {
                continue;
            }
            for (number, bucket) in segment.buckets().iter().enumerate() {
                let mut slots = bucket.volatile_slots();
                while slots != 0 {
                    if seen == count {
                        return seen;
                    }
                    let place = Place { bucket: number as u16, slot: slots.trailing_zeros() as u8 };
                    slots &= slots - 1;
                    visit(segment.entry(place).deadline().expect("a volatile slot has a deadline"));
                    seen += 1;
                }
            }
        }
        seen
    }
}
