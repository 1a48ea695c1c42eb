//! One element of a packed list as bytes: encoding, content, and the length of both written so that it reads backwards.
//!
//! Nothing here looks beyond the element that it is asked about. [`whole`] is for bytes of strangers and checks all
//! that the others take for granted.

use crate::value::{Value, parse_canonical_i64};

const STRING_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;

/// What an element with this first byte takes in all, if that byte alone says so; otherwise 0.
const STEPS: [u8; 256] = {
    let mut steps = [0; 256];
    let mut first = 0;
    while first < 256 {
        steps[first] = match first {
            0x00..=0x7F => 2,
            0x80..=0xBF => (first & 0x3F) as u8 + 2,
            0xC0..=0xDF => 3,
            0xF1 => 4,
            0xF2 => 5,
            0xF3 => 6,
            0xF4 => 10,
            _ => 0,
        };
        first += 1;
    }
    steps
};

/// How many bytes the element at `at` takes, its backwards length included.
#[inline(always)]
pub(crate) fn step(bytes: &[u8], at: usize) -> usize {
    match STEPS[usize::from(bytes[at])] {
        0 => long_step(bytes, at),
        known => usize::from(known),
    }
}

#[inline(never)]
fn long_step(bytes: &[u8], at: usize) -> usize {
    let len = extent(bytes, at);
    len + backlen_bytes(len)
}

/// How many bytes encoding and content of the element at `at` take.
#[inline]
pub(crate) fn extent(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        first @ 0xE0..=0xEF => 2 + (usize::from(first & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STRING_32 => 5 + u32_at(bytes, at + 1) as usize,
        first => match STEPS[usize::from(first)] {
            0 => unreachable!("no element begins with this byte"),
            step => usize::from(step) - 1,
        },
    }
}

/// The length of the element at `at`, if it is one and ends before `end` or there: for bytes that may be anything.
pub(crate) fn whole(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let rest = bytes.get(at..end)?;
    let len = match *rest {
        [first @ 0xE0..=0xEF, low, ..] => 2 + (usize::from(first & 0x0F) << 8 | usize::from(low)),
        [STRING_32, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize).checked_add(5)?,
        [first, ..] => usize::from(STEPS[usize::from(first)]).checked_sub(1)?,
        [] => return None,
    };
    if len < 128 {
        return (rest.get(len) == Some(&(len as u8))).then_some(len + 1);
    }
    let mut backlen = [0; BACKLEN_BYTES_MAX];
    let backlen = write_backlen(&mut backlen, len);
    (rest.get(len..)?.starts_with(backlen)).then_some(len + backlen.len())
}

/// The element at `at`.
#[inline]
pub(crate) fn read(bytes: &[u8], at: usize) -> Value<'_> {
    let content = |from: usize, len: usize| Value::Bytes(&bytes[at + from..at + from + len]);
    match bytes[at] {
        first @ 0x00..=0x7F => Value::Int(i64::from(first)),
        first @ 0x80..=0xBF => content(1, usize::from(first & 0x3F)),
        first @ 0xC0..=0xDF => {
            // 13 bits, of which the highest is the sign.
            let bits = u16::from(first & 0x1F) << 8 | u16::from(bytes[at + 1]);
            Value::Int(i64::from((bits << 3) as i16 >> 3))
        }
        first @ 0xE0..=0xEF => content(2, usize::from(first & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STRING_32 => content(5, u32_at(bytes, at + 1) as usize),
        INT_16 => Value::Int(i64::from(i16::from_le_bytes([bytes[at + 1], bytes[at + 2]]))),
        INT_24 => {
            let number = i32::from_le_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]) >> 8;
            Value::Int(i64::from(number))
        }
        INT_32 => Value::Int(i64::from(u32_at(bytes, at + 1) as i32)),
        INT_64 => {
            let (low, high) = (u32_at(bytes, at + 1), u32_at(bytes, at + 5));
            Value::Int((u64::from(high) << 32 | u64::from(low)) as i64)
        }
        _ => unreachable!("no element begins with this byte"),
    }
}

/// Whether the element at `at`, a whole one, is stored as [`Head::of`] would store it.
#[inline]
pub(crate) fn is_canonical(bytes: &[u8], at: usize) -> bool {
    /// Of the longest decimals of a number.
    const DECIMAL_BYTES_MAX: usize = 20;
    match read(bytes, at) {
        Value::Int(number) => extent(bytes, at) == usize::from(Head::of_int(number).len),
        Value::Bytes(content) => {
            let is_decimal = matches!(content.first(), Some(b'-' | b'0'..=b'9'))
                && content.len() <= DECIMAL_BYTES_MAX
                && parse_canonical_i64(content).is_some();
            !is_decimal && extent(bytes, at) == content.len() + usize::from(Head::of_string(content.len()).len)
        }
    }
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes[at..].first_chunk().expect("a whole element was promised");
    u32::from_le_bytes(*word)
}

const HEAD_BYTES_MAX: usize = 9;

/// The beginning of an element: the whole of an integer, or what stands before a string's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    len: u8,
}

impl Head {
    /// How `bytes` are stored: the head, and what follows it.
    #[inline]
    pub(crate) fn of_bytes(bytes: &[u8]) -> (Head, &[u8]) {
        match parse_canonical_i64(bytes) {
            Some(number) => (Head::of_int(number), &[]),
            None => (Head::of_string(bytes.len()), bytes),
        }
    }

    /// How a value is stored. Bytes that are the decimal of a number become one.
    #[inline]
    pub(crate) fn of(value: Value<'_>) -> (Head, &[u8]) {
        match value {
            Value::Int(number) => (Head::of_int(number), &[]),
            Value::Bytes(bytes) => Head::of_bytes(bytes),
        }
    }

    #[inline]
    fn of_string(len: usize) -> Head {
        match len {
            0..=0x3F => Head::new([0x80 | len as u8]),
            0x40..=0xFFF => Head::new([0xE0 | (len >> 8) as u8, len as u8]),
            _ => {
                let [a, b, c, d] = u32::try_from(len).expect("a list's bytes are counted in 32 bits").to_le_bytes();
                Head::new([STRING_32, a, b, c, d])
            }
        }
    }

    #[inline]
    fn of_int(number: i64) -> Head {
        let [a, b, c, d, ..] = number.to_le_bytes();
        match number {
            0..=0x7F => Head::new([a]),
            -0x1000..=0xFFF => Head::new([0xC0 | (b & 0x1F), a]),
            -0x8000..=0x7FFF => Head::new([INT_16, a, b]),
            -0x80_0000..=0x7F_FFFF => Head::new([INT_24, a, b, c]),
            -0x8000_0000..=0x7FFF_FFFF => Head::new([INT_32, a, b, c, d]),
            _ => {
                let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
                Head::new([INT_64, a, b, c, d, e, f, g, h])
            }
        }
    }

    #[inline(always)]
    fn new<const N: usize>(head: [u8; N]) -> Head {
        let mut bytes = [0; HEAD_BYTES_MAX];
        bytes[..N].copy_from_slice(&head);
        Head { bytes, len: N as u8 }
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

const BACKLEN_BYTES_MAX: usize = 5;

/// How many bytes the backwards length of an element of `len` bytes takes. The steps are Redis's, which are one below what
/// seven bits a byte could hold.
#[inline]
pub(crate) fn backlen_bytes(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Writes the backwards length: seven bits a byte, the highest first; all but the first are marked.
#[inline]
pub(crate) fn write_backlen(out: &mut [u8; BACKLEN_BYTES_MAX], len: usize) -> &[u8] {
    let count = backlen_bytes(len);
    let mut rest = len;
    for byte in out[..count].iter_mut().rev() {
        *byte = (rest & 0x7F) as u8 | 0x80;
        rest >>= 7;
    }
    out[0] &= 0x7F;
    &out[..count]
}

/// How many bytes the element that ends before `at` takes, its backwards length included.
#[inline]
pub(crate) fn backlen_before(bytes: &[u8], at: usize) -> usize {
    let last = bytes[at - 1];
    if last < 0x80 {
        return usize::from(last) + 1;
    }
    let (mut len, mut count) = (usize::from(last & 0x7F), 1);
    loop {
        let byte = bytes[at - 1 - count];
        len |= usize::from(byte & 0x7F) << (7 * count);
        count += 1;
        if byte < 0x80 {
            return len + count;
        }
    }
}
