//! Named streams of random numbers, all derived from one seed.
//!
//! Each user of randomness (the network, the scheduler, each node, a workload, the nemesis) has a stream of its own, so that
//! removing one fault or adding one node doesn't shift the draws of the others. A stream depends on the seed and on its name
//! alone: asking twice for the same name gives the same numbers twice, so every name has one owner.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::mixer::Mixer;

/// A deterministic source of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream that `seed` gives to `name`.
    pub fn new(seed: u64, name: &str) -> Stream {
        let mut key = [0_u8; 32];
        for (i, part) in key.chunks_exact_mut(8).enumerate() {
            let mut mixer = Mixer::new(seed);
            mixer.word(i as u64);
            mixer.bytes(name.as_bytes());
            part.copy_from_slice(&mixer.value().to_le_bytes());
        }
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number under `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number of `range`; its start when the range is empty.
    pub fn range(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// True with probability `p`. Draws nothing when `p` is 0 or less, so that a fault that is off costs nothing.
    pub fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && (self.u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64) < p
    }

    /// One of `items`, which must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_and_name_alone() {
        let draw = |seed, name| Stream::new(seed, name).u64();
        assert_eq!(draw(1, "net"), draw(1, "net"));
        assert_ne!(draw(1, "net"), draw(2, "net"));
        assert_ne!(draw(1, "net"), draw(1, "disk"));
        assert_ne!(draw(1, "a"), draw(1, "a\0"), "a name's length is part of it");
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut s = Stream::new(7, "test");
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[s.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
        assert_eq!(s.below(0), 0);
        assert_eq!(s.range(9..9), 9);
    }

    #[test]
    fn chance_follows_its_probability() {
        let mut s = Stream::new(7, "test");
        assert!(!s.chance(0.0));
        assert!(s.chance(1.0));
        let hits = (0..10_000).filter(|_| s.chance(0.25)).count();
        assert!((2_200..2_800).contains(&hits), "{hits}");
    }
}
