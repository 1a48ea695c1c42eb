//! Strings as arrays of bits: bit 0 is the highest bit of the first byte, as in Redis.
//!
//! Pure functions on byte slices. Long strings are worked through by words and vectors ([`wide`]), and every function gives the
//! same result on every processor. Nothing here allocates but [`combine`], whose result is as long as its longest source.

mod combine;
mod field;
mod population;
mod position;
mod wide;

pub use combine::{BitOperation, combine};
pub use field::{Field, FieldKind, Overflow};
pub use population::{count_ones, count_ones_between};
pub use position::first_bit;

/// Bit `index`; what is beyond the end is clear.
#[inline]
#[must_use]
pub fn bit(bytes: &[u8], index: u64) -> bool {
    let byte = usize::try_from(index / 8).ok().and_then(|byte| bytes.get(byte));
    byte.is_some_and(|byte| byte & mask(index) != 0)
}

/// Sets or clears bit `index`, and returns what it was.
///
/// # Panics
/// When it is beyond the end.
#[inline]
pub fn set_bit(bytes: &mut [u8], index: u64, on: bool) -> bool {
    let byte = &mut bytes[(index / 8) as usize];
    let old = *byte & mask(index) != 0;
    *byte = if on { *byte | mask(index) } else { *byte & !mask(index) };
    old
}

#[inline]
const fn mask(index: u64) -> u8 {
    0x80 >> (index % 8)
}

#[cfg(test)]
mod tests;
