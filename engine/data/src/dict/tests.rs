//! The dictionary against naive models: a map, a snapshot of it, the set of keys that a scan must not miss.
//!
//! Keys come from a pool in which regions of the hash are crowded on purpose, so that overflow, early growth and deep
//! splits happen with few keys.

mod crowd;
mod inner_deadlines;
mod model;
mod scanning;
mod sweeping;
mod walks;

use super::*;

const SEED: HashSeed = HashSeed([0x5EED, 0xF00D]);

impl Dict {
    /// Asserts what must hold between any two operations.
    fn check(&self) {
        assert!(self.directory.is_empty() || self.directory.len() == 1 << self.depth);
        let (mut len, mut volatile, mut entry_bytes, mut bucket_bytes) = (0, 0, 0, 0);
        for id in 0..self.segments.len() {
            let segment = self.segments.get(id);
            let first = KeyHash(segment.start).prefix(self.depth);
            for place in &self.directory[first..first + (1 << (self.depth - segment.depth))] {
                assert_eq!(*place, id, "the directory covers a segment's range");
            }
            bucket_bytes += segment.buckets().len() * 64;
            let (mut segment_len, mut segment_volatile) = (0, 0);
            let mut displaced = vec![0; segment.buckets().len()];
            for (at, bucket) in segment.buckets().iter().enumerate() {
                for (slot, full) in bucket.full_slots() {
                    let entry = full.entry().expect("full");
                    let hash = self.seed.hash(entry.key());
                    assert_eq!(self.segment_id(hash), Some(id));
                    assert_eq!(full.fraction(), hash.fraction(segment.depth));
                    assert_eq!(bucket.is_volatile(slot), entry.deadline().is_some());
                    assert!(segment.earliest <= entry.deadline().unwrap_or(u64::MAX));
                    let home = segment.home(full.fraction());
                    let distance = (at + segment.buckets().len() - home) % segment.buckets().len();
                    assert!(distance <= segment.buckets()[home].reach(), "a lookup gets as far as the entry");
                    displaced[home] += usize::from(distance > 0);
                    segment_len += 1;
                    segment_volatile += u32::from(entry.deadline().is_some());
                    entry_bytes += entry.memory();
                }
            }
            for (bucket, displaced) in segment.buckets().iter().zip(displaced) {
                assert_eq!(bucket.displaced().unwrap_or(displaced), displaced);
                assert!(bucket.reach() == 0 || bucket.displaced() != Some(0), "nobody searches further for nothing");
            }
            assert_eq!((segment.len, segment.volatile), (segment_len, segment_volatile));
            len += segment_len as usize;
            volatile += segment_volatile as usize;
        }
        assert_eq!((self.len, self.volatile), (len, volatile));
        assert_eq!((self.entry_bytes, self.bucket_bytes), (entry_bytes, bucket_bytes));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn room_that_was_made_ahead_is_used_grown_and_given_back(expected in 0..20_000usize, keys in 0..12_000usize) {
        let mut dict = Dict::new(SEED);
        dict.reserve(expected);
        dict.check();
        let key = |i: usize| format!("key:{i}").into_bytes();
        for i in 0..keys {
            dict.set(SEED.hash(&key(i)), &key(i), NewValue::Int(i as i64), Deadline::Clear);
        }
        dict.check();
        let reserved = dict.memory();
        // With keys in it nothing happens any more.
        dict.reserve(expected * 2);
        if keys > 0 {
            proptest::prop_assert_eq!(dict.memory(), reserved);
        }
        for i in 0..keys {
            let Lookup::Occupied(found) = dict.lookup(SEED.hash(&key(i)), &key(i)) else { panic!("key {i} is there") };
            proptest::prop_assert_eq!(found.value().to_vec(), i.to_string().into_bytes());
            found.remove();
        }
        dict.check();
        proptest::prop_assert!(dict.is_empty() && (keys == 0 || dict.memory() < 4096));
    }
}
