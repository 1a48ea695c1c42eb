//! Strings: a length and bytes, or a number in 8, 16 or 32 bits, or compressed.

use std::borrow::Cow;

use refrain_data::{NewValue, Packed, Value, lzf};

use crate::length::{Length, read_length, write_length};
use crate::{Input, Malformed};

const ENCODING: u8 = 0b1100_0000;
const INT_8: u8 = 0;
const INT_16: u8 = 1;
const INT_32: u8 = 2;
const LZF: u8 = 3;

/// The longest text that may be the decimal of a 32-bit number.
const INTEGER_TEXT_MAX: usize = 11;

/// Up to this length compression is not tried.
const UNCOMPRESSED_MAX: usize = 20;

/// How many bytes compression must gain.
const GAIN_MIN: usize = 4;

/// A buffer that is kept for its capacity holds no more.
const WHOLE_KEPT_MAX: usize = 64 << 10;

/// Whether long strings are compressed, and the memory for it, which is kept from string to string.
pub struct Compressor {
    table: Option<lzf::Table>,
    /// What is to be compressed and does not lie anywhere in one piece.
    whole: Vec<u8>,
}

impl Compressor {
    /// One that compresses, or one that leaves everything as it is.
    #[must_use]
    pub fn new(compression: bool) -> Compressor {
        Compressor { table: compression.then(lzf::Table::new), whole: Vec::new() }
    }

    /// Writes the string compressed, if it is long enough and that makes it shorter.
    fn write(&mut self, out: &mut Vec<u8>, bytes: &[u8]) -> bool {
        let Some(table) = &mut self.table else { return false };
        if bytes.len() <= UNCOMPRESSED_MAX {
            return false;
        }
        let Some(compressed) = lzf::compress(bytes, bytes.len() - GAIN_MIN, table) else { return false };
        out.push(ENCODING | LZF);
        write_length(out, compressed.len() as u64);
        write_length(out, bytes.len() as u64);
        out.extend_from_slice(compressed);
        true
    }
}

/// Appends a string in the form that Redis chooses for it.
pub fn write_string(out: &mut Vec<u8>, value: Value<'_>, compressor: &mut Compressor) {
    match value {
        Value::Int(number) => {
            if !write_integer(out, number) {
                write_bytes(out, itoa::Buffer::new().format(number).as_bytes());
            }
        }
        Value::Bytes(bytes) => {
            let number = if bytes.len() <= INTEGER_TEXT_MAX { value.as_int() } else { None };
            let written = number.is_some_and(|number| write_integer(out, number)) || compressor.write(out, bytes);
            if !written {
                write_bytes(out, bytes);
            }
        }
    }
}

/// Appends a string that is no number, compressed if that is wanted and makes it shorter.
pub(crate) fn write_bytes_or_compressed(out: &mut Vec<u8>, bytes: &[u8], compressor: &mut Compressor) {
    if !compressor.write(out, bytes) {
        write_bytes(out, bytes);
    }
}

/// Appends a listpack as a string, compressed if that is wanted and makes it shorter.
pub(crate) fn write_listpack_or_compressed(out: &mut Vec<u8>, list: Packed<'_>, compressor: &mut Compressor) {
    let len = list.listpack_bytes();
    if compressor.table.is_some() && len > UNCOMPRESSED_MAX {
        let mut whole = std::mem::take(&mut compressor.whole);
        whole.clear();
        list.write_listpack(&mut whole);
        write_bytes_or_compressed(out, &whole, compressor);
        if whole.capacity() <= WHOLE_KEPT_MAX {
            compressor.whole = whole;
        }
    } else {
        write_length(out, len as u64);
        list.write_listpack(out);
    }
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a number that fits 32 bits; others are written as text.
fn write_integer(out: &mut Vec<u8>, number: i64) -> bool {
    if let Ok(number) = i8::try_from(number) {
        out.push(ENCODING | INT_8);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(ENCODING | INT_16);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(ENCODING | INT_32);
        out.extend_from_slice(&number.to_le_bytes());
    } else {
        return false;
    }
    true
}

/// A string that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StringValue<'a> {
    /// It was written as a number.
    Int(i64),
    /// Its bytes, in the input if they were not compressed.
    Bytes(Cow<'a, [u8]>),
}

impl StringValue<'_> {
    /// The string as an element of a collection.
    #[must_use]
    pub fn as_value(&self) -> Value<'_> {
        match self {
            StringValue::Int(number) => Value::Int(*number),
            StringValue::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    /// The value as a key would hold it: a text that is a number's becomes one.
    #[must_use]
    pub fn to_new_value(&self) -> NewValue<'_> {
        match self {
            StringValue::Int(number) => NewValue::Int(*number),
            StringValue::Bytes(bytes) => NewValue::parse(bytes),
        }
    }
}

/// Reads a string in any of its forms, of at most `len_max` bytes.
///
/// # Errors
/// For what is cut short, too long, or of an unknown form.
pub fn read_string<'a>(input: &mut Input<'a>, len_max: u64) -> Result<StringValue<'a>, Malformed> {
    let bounded = |len: u64| if len <= len_max { Ok(len) } else { Err(Malformed) };
    match read_length(input)? {
        Length::Plain(len) => Ok(StringValue::Bytes(Cow::Borrowed(input.take(bounded(len)?)?))),
        Length::Encoding(INT_8) => Ok(StringValue::Int(i64::from(i8::from_le_bytes(input.take_array()?)))),
        Length::Encoding(INT_16) => Ok(StringValue::Int(i64::from(i16::from_le_bytes(input.take_array()?)))),
        Length::Encoding(INT_32) => Ok(StringValue::Int(i64::from(i32::from_le_bytes(input.take_array()?)))),
        Length::Encoding(LZF) => {
            let (Length::Plain(compressed), Length::Plain(len)) = (read_length(input)?, read_length(input)?) else {
                return Err(Malformed);
            };
            let compressed = input.take(bounded(compressed)?)?;
            let len = usize::try_from(bounded(len)?).map_err(|_| Malformed)?;
            let bytes = lzf::decompress(compressed, len).map_err(|lzf::NotCompressed| Malformed)?;
            Ok(StringValue::Bytes(Cow::Owned(bytes)))
        }
        Length::Encoding(_) => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn written(value: Value<'_>, compression: bool) -> Vec<u8> {
        let mut out = Vec::new();
        write_string(&mut out, value, &mut Compressor::new(compression));
        out
    }

    #[test]
    fn numbers_take_the_fewest_bytes_that_hold_them() {
        for (text, bytes) in [
            ("0", &[0xc0, 0][..]),
            ("-128", &[0xc0, 0x80]),
            ("128", &[0xc1, 0x80, 0]),
            ("-32768", &[0xc1, 0, 0x80]),
            ("32768", &[0xc2, 0, 0x80, 0, 0]),
            ("-2147483648", &[0xc2, 0, 0, 0, 0x80]),
            ("2147483648", b"\x0a2147483648"),
            ("01", b"\x0201"),
            ("", b"\x00"),
        ] {
            assert_eq!(written(Value::Bytes(text.as_bytes()), true), bytes, "{text:?}");
            if let Some(number) = Value::Bytes(text.as_bytes()).as_int() {
                assert_eq!(written(Value::Int(number), true), bytes, "{number}");
            }
        }
    }

    #[test]
    fn long_strings_are_compressed_when_that_pays() {
        let repeated = [b'a'; 21];
        assert!(written(Value::Bytes(&repeated), true).len() < 12);
        assert_eq!(written(Value::Bytes(&repeated), false).len(), 22);
        assert_eq!(written(Value::Bytes(&repeated[..20]), true).len(), 21, "20 bytes are not tried");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(written(Value::Bytes(&all), true).len(), 258);
    }

    #[test]
    fn a_string_is_bounded_before_it_is_allocated() {
        let mut huge = vec![0x81];
        huge.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(read_string(&mut Input::new(&huge), u64::MAX), Err(Malformed));
        let text = written(Value::Bytes(&[b'a'; 1000]), true);
        assert_eq!(read_string(&mut Input::new(&text), 999), Err(Malformed));
        assert!(read_string(&mut Input::new(&text), 1000).is_ok());
    }

    quickcheck! {
        fn a_string_reads_back(bytes: Vec<u8>, times: u8, compression: bool, rest: Vec<u8>) -> bool {
            let bytes = bytes.repeat(usize::from(times % 20));
            let mut out = written(Value::Bytes(&bytes), compression);
            out.extend_from_slice(&rest);
            let mut input = Input::new(&out);
            let back = match read_string(&mut input, bytes.len().max(1) as u64) {
                Ok(StringValue::Int(number)) => number.to_string().into_bytes(),
                Ok(StringValue::Bytes(back)) => back.into_owned(),
                Err(Malformed) => return false,
            };
            back == bytes && input.rest() == rest
        }

        fn a_number_reads_back(number: i64) -> bool {
            let out = written(Value::Int(number), true);
            let value = read_string(&mut Input::new(&out), 100);
            value.is_ok_and(|value| value.to_new_value() == NewValue::Int(number))
        }

        fn anything_is_a_string_or_malformed(bytes: Vec<u8>) -> bool {
            let mut input = Input::new(&bytes);
            let _ = read_string(&mut input, 1 << 20);
            input.rest().len() <= bytes.len()
        }
    }
}
