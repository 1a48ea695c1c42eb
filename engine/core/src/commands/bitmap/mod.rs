//! Bitmaps: strings as arrays of bits. What is beyond the end of a string is clear, and reading never makes it longer.

mod combine;
mod count;
mod field;
mod position;
mod range;
mod single;

pub use combine::bitop;
pub use count::bitcount;
pub use field::{bitfield, bitfield_ro};
pub use position::bitpos;
pub use single::{getbit, setbit};

use refrain_resp::parse_i64;

use crate::error::ErrorReply;

/// Bytes that are read or written in about a microsecond.
const BYTES_PER_WORK: u64 = 8192;

const BIT_OFFSET: ErrorReply = ErrorReply::new("ERR bit offset is not an integer or out of range");

/// The number of a bit in a string of at most `bytes_max` bytes.
fn bit_offset(text: &[u8], bytes_max: u64) -> Result<u64, ErrorReply> {
    bit_offset_times(text, 1, bytes_max)
}

/// The same for a number that counts fields of `bits` bits.
fn bit_offset_times(text: &[u8], bits: u32, bytes_max: u64) -> Result<u64, ErrorReply> {
    let number = parse_i64(text).and_then(|number| number.checked_mul(i64::from(bits)));
    let offset = number.and_then(|number| u64::try_from(number).ok());
    offset.filter(|offset| offset / 8 < bytes_max).ok_or(BIT_OFFSET)
}
