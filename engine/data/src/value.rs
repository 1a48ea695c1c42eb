//! Values as commands see them: borrowed views of what is stored, and descriptions of what to store.
//!
//! Strings come in Redis's three encodings. `int` holds a canonical decimal as a number; `embstr` and `raw` hold bytes
//! and differ in name alone, which `OBJECT ENCODING` reports.

use std::sync::Arc;

/// Strings of at most this many bytes are called `embstr` (Redis: `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`).
pub const EMBSTR_BYTES_MAX: usize = 44;

/// The longest decimal of an `i64`, with its sign.
const DECIMAL_BYTES_MAX: usize = 20;

/// What type of value a key holds, as `TYPE` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes, or a number that prints as its decimal.
    String,
    /// Elements in the order in which they were put.
    List,
    /// Elements without order or repetition.
    Set,
    /// Elements in the order of their scores.
    SortedSet,
    /// Fields with values.
    Hash,
    /// Entries in the order of their ids, with groups of consumers.
    Stream,
}

impl Kind {
    /// All types, by number. The rest of what three bits can say is never written.
    pub(crate) const ALL: [Kind; 8] =
        [Kind::String, Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash, Kind::Stream, Kind::Stream, Kind::Stream];

    /// Redis's name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

/// How a value is stored, as `OBJECT ENCODING` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A number.
    Int,
    /// A short string that was set as a whole.
    Embstr,
    /// A long string, or one that was changed in place.
    Raw,
    /// A packed list.
    ListPack,
    /// A packed list of fields with deadlines.
    ListPackEx,
    /// Sorted integers.
    IntSet,
    /// A large list.
    QuickList,
    /// A large set or hash.
    HashTable,
    /// A large sorted set.
    SkipList,
    /// A stream.
    Stream,
}

impl Encoding {
    /// Redis's name of the encoding. The large ones are trees here, whatever they are called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
            Encoding::ListPack => "listpack",
            Encoding::ListPackEx => "listpackex",
            Encoding::IntSet => "intset",
            Encoding::QuickList => "quicklist",
            Encoding::HashTable => "hashtable",
            Encoding::SkipList => "skiplist",
            Encoding::Stream => "stream",
        }
    }
}

/// A stored string, borrowed from its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number; its bytes are its decimal.
    Int(i64),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// The length in bytes, as `STRLEN` reports it.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Value::Int(number) => decimal_len(*number),
            Value::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether the string has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Value::Bytes(bytes) if bytes.is_empty())
    }

    /// Appends the string's bytes to `out`.
    #[inline]
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Value::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
            Value::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The string's bytes, formatted into `buffer` if it is a number.
    #[inline]
    pub fn bytes<'b>(&'b self, buffer: &'b mut IntBuffer) -> &'b [u8] {
        match self {
            Value::Int(number) => buffer.0.format(*number).as_bytes(),
            Value::Bytes(bytes) => bytes,
        }
    }

    /// The string's bytes, copied.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.write_to(&mut out);
        out
    }

    /// The number that the string is the canonical decimal of.
    #[inline]
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bytes(bytes) => parse_canonical_i64(bytes),
        }
    }
}

/// Room on the stack for the decimal of a number.
#[derive(Clone, Default)]
pub struct IntBuffer(itoa::Buffer);

impl IntBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A string to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewValue<'a> {
    /// A number, encoded as `int`.
    Int(i64),
    /// Bytes, encoded as `embstr` or `raw` by their length.
    Bytes(&'a [u8]),
    /// Bytes, encoded as `raw` whatever their length: the result of a change in place.
    Raw(&'a [u8]),
    /// Long bytes whose buffer is to be kept and not copied.
    Shared(&'a Arc<Vec<u8>>),
}

impl<'a> NewValue<'a> {
    /// What `SET` stores: a number if `bytes` are the canonical decimal of one, otherwise the bytes.
    #[inline]
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        match parse_canonical_i64(bytes) {
            Some(number) => NewValue::Int(number),
            None => NewValue::Bytes(bytes),
        }
    }
}

/// What a write does to a key's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Leaves it as it is; a new key gets none.
    Keep,
    /// Takes it away.
    Clear,
    /// Sets it, in Unix milliseconds.
    At(u64),
}

impl Deadline {
    /// The deadline after the write, given the one before.
    #[inline]
    #[must_use]
    pub fn over(self, old: Option<u64>) -> Option<u64> {
        match self {
            Deadline::Keep => old,
            Deadline::Clear => None,
            Deadline::At(ms) => Some(ms),
        }
    }
}

/// Reads the decimal of an `i64` in the one form that printing it gives: no sign but a leading minus, no leading zero,
/// no blanks, nothing after it.
#[inline]
#[must_use]
pub fn parse_canonical_i64(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return if negative { None } else { Some(0) },
        [b'1'..=b'9', ..] if bytes.len() <= DECIMAL_BYTES_MAX => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(value))?;
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// How many bytes the decimal of `number` has.
fn decimal_len(number: i64) -> usize {
    let digits = number.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1);
    digits + usize::from(number < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn only_canonical_decimals_are_numbers() {
        for text in ["", "-", "-0", "+1", "01", " 1", "1 ", "1.0", "0x1", "00", "1e3", "9223372036854775808"] {
            assert_eq!(parse_canonical_i64(text.as_bytes()), None, "{text:?}");
        }
        for number in [0, 1, -1, 9, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_canonical_i64(number.to_string().as_bytes()), Some(number));
        }
        assert_eq!(parse_canonical_i64(b"-9223372036854775809"), None);
        assert_eq!(parse_canonical_i64(b"99999999999999999999"), None);
    }

    quickcheck! {
        fn a_number_reads_back_from_its_decimal(number: i64) -> bool {
            let text = number.to_string();
            parse_canonical_i64(text.as_bytes()) == Some(number) && Value::Int(number).len() == text.len()
        }

        fn what_parses_prints_as_it_was(bytes: Vec<u8>) -> bool {
            parse_canonical_i64(&bytes).is_none_or(|number| number.to_string().into_bytes() == bytes)
        }
    }
}
