//! Integers as the protocol and the commands write them: decimal, canonical, 64 bits.
//!
//! "Canonical" is what lets a value be stored as a number and given back byte for byte: no plus, no leading zero, no
//! space, no `-0`. Nothing here may accept what [`push_i64`] would not write.

/// Reads a canonical decimal integer, the semantics of Redis's `string2ll`. `None` for anything else, overflow included.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    // 19 digits stay below 10^19, which a u64 holds: one check of the range at the end is enough.
    let mut magnitude = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Appends `value` in decimal.
#[inline]
pub fn push_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
