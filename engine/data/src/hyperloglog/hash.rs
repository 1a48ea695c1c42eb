//! The hash of an element: 64-bit MurmurHash 2 (variant A), with the seed that Redis chose.

use super::{INDEX_BITS, REGISTERS, RUN_BITS};

const SEED: u64 = 0xadc8_3b19;

/// Which register an element belongs to, and what it makes of it at the least: 1 to 51.
#[inline]
pub(super) fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element);
    let index = hash as usize & (REGISTERS - 1);
    // A bit beyond the last ends the run if nothing else does.
    let rest = hash >> INDEX_BITS | 1 << RUN_BITS;
    (index, rest.trailing_zeros() as u8 + 1)
}

fn murmur(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_within_the_hash() {
        let mut longest = 0;
        for i in 0..100_000u32 {
            let (index, run) = place(&i.to_le_bytes());
            assert!(index < REGISTERS && (1..=51).contains(&run));
            longest = longest.max(run);
        }
        assert!((12..=30).contains(&longest), "{longest}: runs have the length that chance gives");
    }

    #[test]
    fn hashes_are_those_of_the_reference() {
        for (text, expected) in HASHES {
            assert_eq!(murmur(text.as_bytes()), *expected, "{text:?}");
        }
    }

    /// From a straightforward transcription of the published algorithm into another language.
    const HASHES: &[(&str, u64)] = &[
        ("", 0xd8df_ea65_85bc_9732),
        ("a", 0x53d2_470a_9b43_b1a7),
        ("1234567", 0x8556_3db1_6363_2857),
        ("12345678", 0x95eb_b863_8913_2953),
        ("HyperLogLog", 0xdea0_10c5_d61a_8b25),
        ("sixteen bytes ok", 0x246e_c222_0d0e_9455),
    ];
}
