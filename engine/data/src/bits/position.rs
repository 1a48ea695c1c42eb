//! Where the first set, or clear, bit is.

use super::wide::widened;

/// The first bit from `first` to `last`, both included, that is `on`.
///
/// # Panics
/// When `last` is beyond the end.
#[must_use]
pub fn first_bit(bytes: &[u8], first: u64, last: u64, on: bool) -> Option<u64> {
    if first > last {
        return None;
    }
    // With set bits sought as they are and clear bits as set bits of the complement, both are the first byte that isn't `plain`.
    let plain = if on { 0 } else { 0xff };
    let (start, end) = ((first / 8) as usize, (last / 8) as usize);
    let in_byte = |at: usize, byte: u8| at as u64 * 8 + u64::from((byte ^ plain).leading_zeros());
    let head = (bytes[start] ^ plain) & (0xff >> (first % 8));
    let found = if head != 0 {
        in_byte(start, head ^ plain)
    } else {
        let at = start + 1 + first_other(bytes.get(start + 1..=end)?, plain)?;
        in_byte(at, bytes[at])
    };
    (found <= last).then_some(found)
}

/// Bytes that are looked at together.
const STRIDE: usize = 256;

/// The first byte that is not `plain`.
fn first_other(bytes: &[u8], plain: u8) -> Option<usize> {
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    let skipped = plain_strides(strides, plain);
    let tail = match strides.get(skipped) {
        Some(stride) => stride,
        None => rest,
    };
    tail.iter().position(|byte| *byte != plain).map(|at| skipped * STRIDE + at)
}

widened! {
    /// How many strides there are before the first that has a byte other than `plain`.
    fn plain_strides(strides: &[[u8; STRIDE]], plain: u8) -> usize = count_plain;
}

#[inline(always)]
fn count_plain(strides: &[[u8; STRIDE]], plain: u8) -> usize {
    let is_plain = |stride: &&[u8; STRIDE]| {
        let mut other = 0;
        for byte in *stride {
            other |= byte ^ plain;
        }
        other == 0
    };
    strides.iter().take_while(is_plain).count()
}
