//! How many bits are set.

use super::wide::widened;

widened! {
    /// The number of bits that are set.
    pub fn count_ones(bytes: &[u8]) -> u64 = count_words;
}

#[inline(always)]
fn count_words(bytes: &[u8]) -> u64 {
    let (groups, rest) = bytes.as_chunks::<{ GROUP * LANES * 8 }>();
    let (words, rest) = rest.as_chunks::<8>();
    let ones: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    count_groups(groups) + ones + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// Words that are counted side by side: as many as the narrower vectors hold that are wide.
const LANES: usize = 4;
/// Words of a lane whose bits are added up before any are counted.
const GROUP: usize = 8;

type Lanes = [u64; LANES];

/// Adds bits up in words of which each bit is a digit of a sum of its own, and counts only those of the highest digit: an eighth of
/// the words (Harley and Seal; "Faster Population Counts Using AVX2 Instructions", Muła, Kurz and Lemire, 2018).
#[inline(always)]
fn count_groups(groups: &[[u8; GROUP * LANES * 8]]) -> u64 {
    if groups.is_empty() {
        return 0;
    }
    let none: Lanes = [0; LANES];
    let (mut ones, mut twos, mut fours, mut eights_counted) = (none, none, none, none);
    for group in groups {
        let (words, _) = group.as_chunks::<8>();
        let at = |i: usize| -> Lanes { std::array::from_fn(|lane| u64::from_ne_bytes(words[i * LANES + lane])) };
        let (twos_a, one) = add_bits(ones, at(0), at(1));
        let (twos_b, one) = add_bits(one, at(2), at(3));
        let (fours_a, two) = add_bits(twos, twos_a, twos_b);
        let (twos_a, one) = add_bits(one, at(4), at(5));
        let (twos_b, one) = add_bits(one, at(6), at(7));
        let (fours_b, two) = add_bits(two, twos_a, twos_b);
        let (eights, four) = add_bits(fours, fours_a, fours_b);
        (ones, twos, fours) = (one, two, four);
        eights_counted = both(eights_counted, counted(eights), |counted, more| counted + more);
    }
    let sum = |lanes: Lanes| lanes.iter().sum::<u64>();
    8 * sum(eights_counted) + 4 * sum(counted(fours)) + 2 * sum(counted(twos)) + sum(counted(ones))
}

/// The sums of three bits each, as their upper and lower digits.
#[inline(always)]
fn add_bits(a: Lanes, b: Lanes, c: Lanes) -> (Lanes, Lanes) {
    let either = both(a, b, |a, b| a ^ b);
    let upper = both(both(a, b, |a, b| a & b), both(either, c, |either, c| either & c), |a, b| a | b);
    (upper, both(either, c, |either, c| either ^ c))
}

#[inline(always)]
fn both(a: Lanes, b: Lanes, combine: impl Fn(u64, u64) -> u64) -> Lanes {
    std::array::from_fn(|lane| combine(a[lane], b[lane]))
}

#[inline(always)]
fn counted(lanes: Lanes) -> Lanes {
    lanes.map(|word| u64::from(word.count_ones()))
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
