//! Hashing without chance: a multiply-fold hasher with fixed constants, and the 128-bit fingerprints of the search.
//!
//! Nothing here may depend on the process, its addresses or its environment. A [`Table`] is looked up, never iterated, so
//! its order can be seen nowhere.

use std::hash::{BuildHasherDefault, Hasher};

/// A hash map with the fixed hasher of this module.
#[expect(clippy::disallowed_types, reason = "the hasher is fixed, so it is the same in every run; never iterated")]
pub(crate) type Table<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Fold>>;

/// Folds each word in by a 64×64→128-bit multiplication.
#[derive(Default, Clone, Copy)]
pub(crate) struct Fold(u64);

const WORD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0xa076_1d64_78bd_642f) * u128::from(WORD);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// 128 well-mixed bits for a numbered thing: two rounds of SplitMix64's finaliser under different seeds. The fingerprint of
/// a set is the XOR of its members' bits.
pub(crate) fn bits(family: u64, number: u64) -> u128 {
    let seed = number.wrapping_mul(2).wrapping_add(family).wrapping_mul(WORD);
    u128::from(mix(seed)) << 64 | u128::from(mix(mix(seed ^ 0x5851_f42d_4c95_7f2d)))
}

fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(WORD);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
