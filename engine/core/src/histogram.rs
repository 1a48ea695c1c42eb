//! Durations of one command, counted: exact below 32 ticks, within a thirty-second part above.
//!
//! The buckets are log-linear: every doubling is cut in the same number of equal parts, so that finding a duration's bucket
//! takes one count of leading zeros. Ten kilobytes, allocated for a command that is used. Never rounds a duration down: what
//! is reported is the end of its bucket.

/// Each doubling is cut in 2^5 parts.
const PART_BITS: u32 = 5;

/// Longer durations are counted in the last bucket: at a tick a third of a nanosecond, six minutes.
const LONGEST: u64 = (1 << 40) - 1;

const BUCKETS: usize = bucket_of(LONGEST) + 1;

/// Counts of durations, by their length in ticks.
#[derive(Clone)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
}

/// The bucket of a duration that is not longer than the longest.
#[inline]
const fn bucket_of(ticks: u64) -> usize {
    // With this bit set, what is below the first doubling needs no case of its own.
    let shift = (ticks | 1 << PART_BITS).ilog2() - PART_BITS;
    ((shift << PART_BITS) as u64 + (ticks >> shift)) as usize
}

/// The longest duration that a bucket counts.
const fn end_of(bucket: usize) -> u64 {
    let shift = (bucket as u64 >> PART_BITS).saturating_sub(1);
    let parts = bucket as u64 - (shift << PART_BITS);
    ((parts + 1) << shift) - 1
}

impl Default for Histogram {
    fn default() -> Histogram {
        let counts = vec![0; BUCKETS].into_boxed_slice();
        Histogram { counts: counts.try_into().unwrap_or_else(|_| unreachable!("the length is that of the array")) }
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.used()).finish()
    }
}

impl Histogram {
    /// Bytes that one takes.
    pub const MEMORY: usize = BUCKETS * size_of::<u64>();

    /// Counts a duration.
    #[inline]
    pub fn record(&mut self, ticks: u64) {
        self.counts[bucket_of(ticks.min(LONGEST))] += 1;
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The end of every bucket that counted something, with its count, in order.
    pub fn used(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bucket, count)| (end_of(bucket), *count))
    }

    /// The duration that at least `rank` of the counted ones do not exceed.
    pub fn at_rank(&self, rank: u64) -> u64 {
        let mut seen = 0;
        let found = self.used().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map_or(0, |(end, _)| end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_join_without_gap() {
        assert_eq!(end_of(BUCKETS - 1), LONGEST);
        for bucket in 1..BUCKETS {
            assert_eq!(bucket_of(end_of(bucket - 1)), bucket - 1);
            assert_eq!(bucket_of(end_of(bucket - 1) + 1), bucket);
        }
    }

    #[test]
    fn the_longest_bucket_takes_whatever_is_longer() {
        let mut histogram = Histogram::default();
        histogram.record(u64::MAX);
        assert_eq!(histogram.used().collect::<Vec<_>>(), [(LONGEST, 1)]);
    }

    fn duration() -> impl Strategy<Value = u64> {
        (0u32..41, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1))
    }

    proptest! {
        #[test]
        fn every_rank_is_that_of_the_sorted_list(
            mut durations in prop::collection::vec(duration(), 1..200),
            at in any::<prop::sample::Index>(),
        ) {
            let mut histogram = Histogram::default();
            durations.iter().for_each(|ticks| histogram.record(*ticks));
            durations.sort_unstable();
            let place = at.index(durations.len());
            let (exact, found) = (durations[place], histogram.at_rank(place as u64 + 1));
            prop_assert!(found >= exact, "{found} is below {exact}");
            prop_assert!(found - exact <= exact / 32, "{found} is too far from {exact}");
            prop_assert_eq!(histogram.count(), durations.len() as u64);
        }
    }
}
