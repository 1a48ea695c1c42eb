//! Lengths: 6, 14, 32 or 64 bits, told apart by the first two bits (or the first byte), big-endian.
//!
//! The fourth pattern of the first two bits is no length: it names a special encoding of a string.

use crate::{Input, Malformed};

/// What stands where a length may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A length.
    Plain(u64),
    /// The number of a special encoding; what follows depends on it.
    Encoding(u8),
}

const SHORT_MAX: u64 = (1 << 6) - 1;
const MEDIUM_MAX: u64 = (1 << 14) - 1;
const MEDIUM: u8 = 0b0100_0000;
const BITS_32: u8 = 0b1000_0000;
const BITS_64: u8 = 0b1000_0001;

/// Appends a length in its shortest form.
pub fn write_length(out: &mut Vec<u8>, length: u64) {
    if length <= SHORT_MAX {
        out.push(length as u8);
    } else if length <= MEDIUM_MAX {
        out.extend_from_slice(&[MEDIUM | (length >> 8) as u8, length as u8]);
    } else if let Ok(length) = u32::try_from(length) {
        out.push(BITS_32);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(BITS_64);
        out.extend_from_slice(&length.to_be_bytes());
    }
}

/// Reads a length in any of its forms, the shortest or not.
///
/// # Errors
/// At the end of the input, or for a first byte that means nothing.
pub fn read_length(input: &mut Input<'_>) -> Result<Length, Malformed> {
    let [first] = input.take_array()?;
    let low = first & 0b11_1111;
    match first >> 6 {
        0b00 => Ok(Length::Plain(u64::from(low))),
        0b01 => {
            let [second] = input.take_array()?;
            Ok(Length::Plain(u64::from(low) << 8 | u64::from(second)))
        }
        0b11 => Ok(Length::Encoding(low)),
        _ if first == BITS_32 => Ok(Length::Plain(u64::from(u32::from_be_bytes(input.take_array()?)))),
        _ if first == BITS_64 => Ok(Length::Plain(u64::from_be_bytes(input.take_array()?))),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn each_size_has_its_form() {
        for (length, bytes) in [
            (0, &[0][..]),
            (63, &[63]),
            (64, &[0x40, 64]),
            (16_383, &[0x7f, 0xff]),
            (16_384, &[0x80, 0, 0, 0x40, 0]),
            (u64::from(u32::MAX), &[0x80, 0xff, 0xff, 0xff, 0xff]),
            (1 << 32, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
        ] {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(out, bytes, "{length}");
        }
    }

    #[test]
    fn a_length_that_is_cut_short_is_malformed() {
        for bytes in [&[][..], &[0x40], &[0x80, 0, 0, 0], &[0x81, 0, 0, 0, 0, 0, 0, 0], &[0x82, 0, 0, 0, 0], &[0xbf]] {
            assert_eq!(read_length(&mut Input::new(bytes)), Err(Malformed), "{bytes:?}");
        }
    }

    quickcheck! {
        fn a_length_reads_back(length: u64, shift: u32, rest: Vec<u8>) -> bool {
            let length = length >> (shift % 64);
            let mut out = Vec::new();
            write_length(&mut out, length);
            out.extend_from_slice(&rest);
            let mut input = Input::new(&out);
            read_length(&mut input) == Ok(Length::Plain(length)) && input.rest() == rest
        }
    }
}
