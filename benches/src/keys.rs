//! Which key a request names: a cheap seeded stream of numbers below a bound.
//!
//! The same seed gives the same stream, so every server of a round is asked for the same keys.

/// How the numbers are distributed over the key range.
#[derive(Clone, Debug)]
pub enum Spread {
    /// 0, 1, 2 … and around again: fills.
    InOrder,
    /// Each as likely as any other.
    Uniform,
    /// Number `k` in proportion to `1 / (k + 1)^theta`.
    Zipf(Zipf),
}

/// An endless stream of key numbers.
#[derive(Clone, Debug)]
pub struct Keys {
    spread: Spread,
    bound: u64,
    next: u64,
    random: Random,
}

impl Keys {
    /// Numbers below `bound`, which must not be zero.
    pub fn new(spread: Spread, bound: u64, seed: u64) -> Keys {
        assert!(bound > 0, "a key range holds at least one key");
        Keys { spread, bound, next: 0, random: Random::new(seed) }
    }

    /// The next number.
    #[inline]
    pub fn next(&mut self) -> u64 {
        match &self.spread {
            Spread::InOrder => {
                let number = self.next;
                self.next = if number + 1 == self.bound { 0 } else { number + 1 };
                number
            }
            Spread::Uniform => self.random.below(self.bound),
            Spread::Zipf(zipf) => zipf.rank(self.random.unit()),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): one addition and three mixing steps a number.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream that depends on the seed only.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, by the high half of a product.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `[0, 1)`.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts `items` in a random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).expect("an index of the slice");
            items.swap(last, other);
        }
    }
}

/// Zipf's distribution by the closed approximation of Gray et al., "Quickly generating billion-record synthetic
/// databases" (SIGMOD 1994): the table of sums is only needed once, a draw costs one power.
#[derive(Clone, Debug)]
pub struct Zipf {
    bound: u64,
    sum: f64,
    alpha: f64,
    eta: f64,
    second: f64,
}

impl Zipf {
    /// Ranks below `bound`, with `0 < theta < 1`; 0.99 is the customary value.
    ///
    /// # Errors
    /// When `theta` is outside that range.
    pub fn new(bound: u64, theta: f64) -> Result<Zipf, String> {
        if !(theta > 0.0 && theta < 1.0) {
            return Err(format!("zipf exponent {theta} is not between 0 and 1"));
        }
        let sum: f64 = (1..=bound).map(|rank| (rank as f64).powf(-theta)).sum();
        let first_two = 1.0 + 0.5_f64.powf(theta);
        let eta = (1.0 - (2.0 / bound as f64).powf(1.0 - theta)) / (1.0 - first_two / sum);
        Ok(Zipf { bound, sum, alpha: 1.0 / (1.0 - theta), eta, second: first_two })
    }

    /// The rank at `unit`, which lies in `[0, 1)`.
    #[inline]
    pub fn rank(&self, unit: f64) -> u64 {
        let scaled = unit * self.sum;
        if scaled < 1.0 {
            0
        } else if scaled < self.second {
            1.min(self.bound - 1)
        } else {
            let rank = self.bound as f64 * (self.eta * unit - self.eta + 1.0).powf(self.alpha);
            (rank as u64).min(self.bound - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(mut keys: Keys, bound: usize, draws: u64) -> Vec<u64> {
        let mut seen = vec![0; bound];
        for _ in 0..draws {
            seen[usize::try_from(keys.next()).unwrap()] += 1;
        }
        seen
    }

    #[test]
    fn in_order_wraps_around() {
        let mut keys = Keys::new(Spread::InOrder, 3, 0);
        assert_eq!((0..7).map(|_| keys.next()).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn uniform_reaches_every_key_about_equally() {
        let seen = counts(Keys::new(Spread::Uniform, 100, 7), 100, 100_000);
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }

    #[test]
    fn the_seed_decides_the_stream() {
        let draw = |seed| (0..5).map(|_| 0).scan(Random::new(seed), |r, _: i32| Some(r.bits())).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn zipf_follows_its_law() {
        let (bound, theta, draws) = (1000, 0.99, 400_000);
        let zipf = Zipf::new(bound, theta).unwrap();
        let sum = zipf.sum;
        let seen = counts(Keys::new(Spread::Zipf(zipf), bound, 7), 1000, draws);
        // The two first ranks are exact; the closed form bends a little after them, so decades are compared.
        for rank in [0_u32, 1] {
            let expected = draws as f64 / f64::from(rank + 1).powf(theta) / sum;
            let ratio = seen[rank as usize] as f64 / expected;
            assert!((0.97..1.03).contains(&ratio), "rank {rank}: {ratio}");
        }
        for (from, to) in [(2, 10), (10, 100), (100, 1000)] {
            let expected: f64 = (from..to).map(|r| draws as f64 / f64::from(r + 1).powf(theta) / sum).sum();
            let got: u64 = seen[from as usize..to as usize].iter().sum();
            let ratio = got as f64 / expected;
            assert!((0.85..1.15).contains(&ratio), "ranks {from}..{to}: {ratio}");
        }
    }

    #[test]
    fn zipf_stays_in_range_at_the_edges() {
        for bound in [1, 2, 3, 1000] {
            let zipf = Zipf::new(bound, 0.5).unwrap();
            for unit in [0.0, 0.25, 0.5, 0.75, 1.0 - f64::EPSILON] {
                assert!(zipf.rank(unit) < bound, "{bound} {unit}");
            }
        }
        assert!(Zipf::new(10, 1.0).is_err() && Zipf::new(10, f64::NAN).is_err());
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Random::new(3).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
