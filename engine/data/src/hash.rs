//! The keyed hash of the keyspace: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
//!
//! One 128-bit seed serves every dictionary of a keyspace, so that the engine can hash a key before it knows the
//! database. Keyed, because clients choose the keys: without the seed nobody can aim many keys at one bucket.

/// The secret of a keyspace's hash; drawn once from the runtime's entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSeed(pub [u64; 2]);

impl HashSeed {
    /// Hashes a key: one round a word of eight bytes, three at the end.
    #[inline(always)]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        let [k0, k1] = self.0;
        let mut lanes = Lanes {
            a: k0 ^ 0x736f_6d65_7073_6575,
            b: k1 ^ 0x646f_7261_6e64_6f6d,
            c: k0 ^ 0x6c79_6765_6e65_7261,
            d: k1 ^ 0x7465_6462_7974_6573,
        };
        let (words, rest) = key.as_chunks();
        for word in words {
            lanes = lanes.absorb(u64::from_le_bytes(*word));
        }
        let mut last = (key.len() as u64) << 56;
        if !rest.is_empty() {
            last |= little_endian(rest);
        }
        lanes = lanes.absorb(last);
        lanes.c ^= 0xff;
        let Lanes { a, b, c, d } = lanes.round().round().round();
        KeyHash(a ^ b ^ c ^ d)
    }
}

/// The last bytes, fewer than eight, as a little-endian number: read as four, two and one of them.
#[inline]
fn little_endian(mut bytes: &[u8]) -> u64 {
    let (mut word, mut shift) = (0, 0);
    if let Some((four, after)) = bytes.split_first_chunk() {
        (word, shift, bytes) = (u64::from(u32::from_le_bytes(*four)), 32, after);
    }
    if let Some((two, after)) = bytes.split_first_chunk() {
        word |= u64::from(u16::from_le_bytes(*two)) << shift;
        (shift, bytes) = (shift + 16, after);
    }
    if let [one] = bytes {
        word |= u64::from(*one) << shift;
    }
    word
}

/// The state of the hash.
struct Lanes {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

impl Lanes {
    #[inline(always)]
    fn absorb(mut self, word: u64) -> Lanes {
        self.d ^= word;
        self = self.round();
        self.a ^= word;
        self
    }

    #[inline(always)]
    fn round(self) -> Lanes {
        let Lanes { mut a, mut b, mut c, mut d } = self;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32).wrapping_add(d);
        c = c.wrapping_add(b);
        d = d.rotate_left(21) ^ a;
        b = b.rotate_left(17) ^ c;
        Lanes { a, b, c: c.rotate_left(32), d }
    }
}

/// The hash of a key: its place in the order that SCAN and the snapshot walk follow, from 0 up to 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// The top `depth` bits.
    #[inline]
    pub(crate) fn prefix(self, depth: u8) -> usize {
        // Two shifts, because a shift by 64 (depth 0) is not defined.
        ((self.0 >> 1) >> (63 - u32::from(depth))) as usize
    }

    /// The 16 bits below the top `depth`: the place inside a segment, and the tag in the slot.
    #[inline]
    pub(crate) fn fraction(self, depth: u8) -> u16 {
        ((self.0 << depth) >> 48) as u16
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use quickcheck::quickcheck;
    use siphasher::sip::SipHasher13;

    use super::HashSeed;

    #[test]
    fn every_length_up_to_many_words_agrees_with_a_known_good_hasher() {
        let key: Vec<u8> = (0..100).map(|i| (i as u8).wrapping_mul(167) ^ 0x80).collect();
        for len in 0..=key.len() {
            let expected = SipHasher13::new_with_keys(7, u64::MAX).hash(&key[..len]);
            assert_eq!(HashSeed([7, u64::MAX]).hash(&key[..len]).0, expected, "{len} bytes");
        }
    }

    quickcheck! {
        fn any_key_and_any_seed_agree_with_a_known_good_hasher(k0: u64, k1: u64, key: Vec<u8>) -> bool {
            let mut hasher = SipHasher13::new_with_keys(k0, k1);
            hasher.write(&key);
            HashSeed([k0, k1]).hash(&key).0 == hasher.finish()
        }
    }
}
