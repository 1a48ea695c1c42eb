//! A 64-bit rolling hash: the same on every machine and in every build.
//!
//! Not for adversaries; it tells two runs of the simulator apart. A folded 64×64→128 multiplication mixes each word, and a
//! length goes in with every byte string, so that neighbouring fields can't trade bytes unseen.

const KEY: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xd1b5_4a32_d192_ed03;

/// The state of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mixer(u64);

fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

impl Mixer {
    pub(crate) fn new(seed: u64) -> Mixer {
        Mixer(fold(seed ^ KEY, OTHER) ^ seed)
    }

    /// Mixes one word in. The addition keeps a zero state from swallowing words.
    pub(crate) fn word(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word ^ OTHER, KEY).wrapping_add(self.0.rotate_left(23)).wrapping_add(word);
    }

    /// Mixes a byte string and its length in.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("chunks of eight")));
        }
        let mut last = [0_u8; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.word(u64::from_le_bytes(last));
    }

    /// The hash of everything so far.
    pub(crate) fn value(self) -> u64 {
        fold(self.0 ^ KEY, OTHER) ^ self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(parts: &[&[u8]]) -> u64 {
        let mut mixer = Mixer::new(0);
        parts.iter().for_each(|p| mixer.bytes(p));
        mixer.value()
    }

    #[test]
    fn boundaries_and_order_count() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"b", b"a"]));
        assert_ne!(hash(&[b""]), hash(&[b"", b""]));
        assert_ne!(hash(&[b"12345678"]), hash(&[b"12345679"]));
    }

    #[test]
    fn one_flipped_bit_flips_about_half_of_the_hash() {
        for bit in 0..64 {
            let (mut a, mut b) = (Mixer::new(1), Mixer::new(1));
            a.word(0);
            b.word(1 << bit);
            let differing = (a.value() ^ b.value()).count_ones();
            assert!((12..52).contains(&differing), "bit {bit}: {differing}");
        }
    }
}
