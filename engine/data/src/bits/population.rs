//! How many bits are set.

use super::wide::widened;

widened! {
    /// The number of bits that are set.
    pub fn count_ones(bytes: &[u8]) -> u64 = count_words;
}

#[inline(always)]
fn count_words(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let ones: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    ones + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// The number of set bits from bit `first` to bit `last`, both included.
///
/// # Panics
/// When `first` is beyond `last`, or `last` beyond the end.
#[must_use]
pub fn count_ones_between(bytes: &[u8], first: u64, last: u64) -> u64 {
    assert!(first <= last, "a range of bits that is not empty");
    let inside = &bytes[(first / 8) as usize..=(last / 8) as usize];
    let before = inside[0] & !(0xff >> (first % 8));
    let after = inside[inside.len() - 1] & !(0xff << (7 - last % 8));
    count_ones(inside) - u64::from(before.count_ones() + after.count_ones())
}
