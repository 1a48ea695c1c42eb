//! Numbers and strings of a block as bytes: the shortest forms for what streams hold most, short strings and small numbers.
//!
//! ```text
//! 00..7F  string of 0 to 127 bytes        C0..DF  integer 64 to 8,255, 5 bits and a byte
//! 80..BF  integer 0 to 63                 E0..EF  string, 12 bits of length
//! F0      string, 32 bits of length       F1..F5  integer of 2, 3, 4, 6 or 8 bytes, little endian
//! ```
//!
//! Reading trusts the bytes, which this module has written.

use crate::value::Value;

const STRING_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_48: u8 = 0xF4;
const INT_64: u8 = 0xF5;

/// The first integer that takes two bytes.
const TWO_BYTES_FROM: i64 = 64;
/// The last.
const TWO_BYTES_TO: i64 = TWO_BYTES_FROM + 0x1FFF;

/// Appends a value. Integers come as such: what is stored is equal if and only if its bytes are.
#[inline]
pub(super) fn push(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Int(number) => push_int(out, number),
        Value::Bytes(bytes) => {
            match bytes.len() {
                len @ 0..=0x7F => out.push(len as u8),
                len @ 0x80..=0xFFF => out.extend_from_slice(&[0xE0 | (len >> 8) as u8, len as u8]),
                len => {
                    let [a, b, c, d] = u32::try_from(len).expect("an entry is below 1 GiB").to_le_bytes();
                    out.extend_from_slice(&[STRING_32, a, b, c, d]);
                }
            }
            out.extend_from_slice(bytes);
        }
    }
}

fn push_int(out: &mut Vec<u8>, number: i64) {
    let [a, b, c, d, e, f, ..] = number.to_le_bytes();
    match number {
        0..TWO_BYTES_FROM => out.push(0x80 | a),
        TWO_BYTES_FROM..=TWO_BYTES_TO => {
            let rest = number - TWO_BYTES_FROM;
            out.extend_from_slice(&[0xC0 | (rest >> 8) as u8, rest as u8]);
        }
        -0x8000..=0x7FFF => out.extend_from_slice(&[INT_16, a, b]),
        -0x80_0000..=0x7F_FFFF => out.extend_from_slice(&[INT_24, a, b, c]),
        -0x8000_0000..=0x7FFF_FFFF => out.extend_from_slice(&[INT_32, a, b, c, d]),
        -0x8000_0000_0000..=0x7FFF_FFFF_FFFF => out.extend_from_slice(&[INT_48, a, b, c, d, e, f]),
        _ => {
            out.push(INT_64);
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// How many bytes the value at `at` takes.
#[inline]
pub(super) fn step(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        len @ 0..=0x7F => 1 + usize::from(len),
        0x80..=0xBF => 1,
        0xC0..=0xDF => 2,
        first @ 0xE0..=0xEF => 2 + (usize::from(first & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STRING_32 => 5 + length_32(bytes, at),
        INT_16 => 3,
        INT_24 => 4,
        INT_32 => 5,
        INT_48 => 7,
        _ => 9,
    }
}

/// The value at `at`.
#[inline]
pub(super) fn read(bytes: &[u8], at: usize) -> Value<'_> {
    let string = |from: usize, len: usize| Value::Bytes(&bytes[at + from..at + from + len]);
    match bytes[at] {
        len @ 0..=0x7F => string(1, usize::from(len)),
        first @ 0x80..=0xBF => Value::Int(i64::from(first & 0x3F)),
        first @ 0xC0..=0xDF => Value::Int(TWO_BYTES_FROM + (i64::from(first & 0x1F) << 8 | i64::from(bytes[at + 1]))),
        first @ 0xE0..=0xEF => string(2, usize::from(first & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STRING_32 => string(5, length_32(bytes, at)),
        _ => {
            let len = step(bytes, at) - 1;
            let mut number = [0; 8];
            number[8 - len..].copy_from_slice(&bytes[at + 1..at + 1 + len]);
            Value::Int(i64::from_le_bytes(number) >> (64 - 8 * len))
        }
    }
}

fn length_32(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at + 1..].first_chunk().expect("four bytes of length follow");
    u32::from_le_bytes(*word) as usize
}

/// Appends a number, seven bits a byte, the lowest first.
#[inline]
pub(super) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads such a number and moves behind it.
#[inline]
pub(super) fn read_varint(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn reads_back(value: Value<'_>) -> bool {
        let mut bytes = vec![1, 2, 3];
        push(&mut bytes, value);
        let len = bytes.len();
        push(&mut bytes, Value::Bytes(b"next"));
        read(&bytes, 3) == value && step(&bytes, 3) == len - 3 && len - 3 <= value.len().max(4) + 5
    }

    #[test]
    fn numbers_and_strings_at_the_edges_read_back() {
        for edge in [0, 63, 64, 0x7F, 0x1FFF, 0x203F, 0x2040, 0x7FFF, 0x8000, 0x7F_FFFF, 0x7FFF_FFFF, 1 << 47, i64::MAX]
        {
            for number in [edge - 1, edge, edge.saturating_add(1), -edge, -edge - 1] {
                assert!(reads_back(Value::Int(number)), "{number}");
            }
        }
        for len in [0, 1, 127, 128, 4095, 4096, 70_000] {
            assert!(reads_back(Value::Bytes(&vec![b'x'; len])), "{len}");
        }
    }

    quickcheck! {
        fn any_number_reads_back(number: i64, shift: u8) -> bool {
            reads_back(Value::Int(number >> (shift % 64)))
        }

        fn any_varint_reads_back(number: u64, shift: u8) -> bool {
            let number = number >> (shift % 64);
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            let mut at = 0;
            read_varint(&bytes, &mut at) == number && at == bytes.len()
        }
    }
}
