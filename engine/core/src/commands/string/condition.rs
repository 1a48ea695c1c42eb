//! Conditions on the old value, given whole or by its digest; and the two commands that are made of them.

use refrain_data::{IntBuffer, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::string;
use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// What SET and DELEX want of the old value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison<'a> {
    Equals(&'a [u8]),
    Differs(&'a [u8]),
    DigestEquals(&'a [u8]),
    DigestDiffers(&'a [u8]),
}

impl<'a> Comparison<'a> {
    /// The comparison that an option word names.
    pub(super) fn named(word: &[u8], operand: &'a [u8]) -> Option<Comparison<'a>> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("IFEQ") {
            Some(Comparison::Equals(operand))
        } else if is("IFNE") {
            Some(Comparison::Differs(operand))
        } else if is("IFDEQ") {
            Some(Comparison::DigestEquals(operand))
        } else if is("IFDNE") {
            Some(Comparison::DigestDiffers(operand))
        } else {
            None
        }
    }

    /// Whether the old value is as wanted. Nothing equals a missing one, whatever the digest looks like; one that is there is
    /// compared only with a digest of the right length.
    pub(super) fn holds(&self, value: Option<Value<'_>>) -> Result<bool, ErrorReply> {
        let Some(value) = value else {
            return Ok(matches!(self, Comparison::Differs(_) | Comparison::DigestDiffers(_)));
        };
        let equal = |expected: &[u8]| value.bytes(&mut IntBuffer::new()) == expected;
        let digest_equal = |expected: &[u8]| {
            if expected.len() != DIGEST_LEN {
                return Err(ErrorReply::new("ERR must be exactly 16 hexadecimal characters"));
            }
            Ok(digest_of(value).eq_ignore_ascii_case(expected))
        };
        match self {
            Comparison::Equals(expected) => Ok(equal(expected)),
            Comparison::Differs(expected) => Ok(!equal(expected)),
            Comparison::DigestEquals(expected) => digest_equal(expected),
            Comparison::DigestDiffers(expected) => digest_equal(expected).map(|equal| !equal),
        }
    }
}

/// Hex digits of a digest.
const DIGEST_LEN: usize = 16;

/// A value's digest: XXH3-64, in hex.
fn digest_of(value: Value<'_>) -> [u8; DIGEST_LEN] {
    let hash = xxh3_64(value.bytes(&mut IntBuffer::new()));
    std::array::from_fn(|i| {
        let nibble = (hash >> (60 - 4 * i)) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}

/// DIGEST key
pub fn digest(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    match call.state.read(&key) {
        Some(entry) => {
            let digest = digest_of(string(entry)?);
            call.reply().bulk(&digest);
        }
        None => call.reply().null(),
    }
    Ok(())
}

/// DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]: without a condition DEL of any type.
pub fn delex(call: &mut Call<'_>) -> Outcome {
    const INVALID: ErrorReply = ErrorReply::new("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
    const NO_STRING: ErrorReply = ErrorReply::new("ERR Key should be of string type if conditions are specified");
    let key = call.key(1);
    let comparison = match call.args.len() {
        2 => None,
        4 => Some(Comparison::named(call.args.at(2), call.args.at(3)).ok_or(INVALID)?),
        _ => return Err(ErrorReply::arity("delex")),
    };
    let holds = match comparison {
        None => call.state.peek(&key).is_some(),
        // The value is read, and counted as that.
        Some(comparison) => match call.state.read(&key) {
            Some(entry) => comparison.holds(Some(string(entry).map_err(|_| NO_STRING)?))?,
            None => false,
        },
    };
    if holds {
        call.state.delete(&key);
        call.propagate(&[b"DEL", key.name]);
    }
    call.reply().integer(i64::from(holds));
    Ok(())
}
