//! Where things end: passing over strings and values without making anything of them.
//!
//! A value is only made when all of it has arrived, so that what is long is made once. Passing over it costs a few steps for each
//! element, and nothing for its bytes.

use crate::length::{Length, read_length};
use crate::value::number;
use crate::{Input, Malformed};

const INT_8: u8 = 0;
const INT_16: u8 = 1;
const INT_32: u8 = 2;
const LZF: u8 = 3;

/// What data of modules is made of.
mod module {
    pub(super) const END: u64 = 0;
    pub(super) const SIGNED: u64 = 1;
    pub(super) const UNSIGNED: u64 = 2;
    pub(super) const FLOAT: u64 = 3;
    pub(super) const DOUBLE: u64 = 4;
    pub(super) const STRING: u64 = 5;
}

/// Reads a length that is one.
pub(super) fn count(input: &mut Input<'_>) -> Result<u64, Malformed> {
    match read_length(input)? {
        Length::Plain(count) => Ok(count),
        Length::Encoding(_) => Err(Malformed),
    }
}

/// Passes over a string of at most `len_max` bytes: for more it is not worth waiting.
pub(super) fn string(input: &mut Input<'_>, len_max: u64) -> Result<(), Malformed> {
    let bytes = match read_length(input)? {
        Length::Plain(len) => len,
        Length::Encoding(INT_8) => 1,
        Length::Encoding(INT_16) => 2,
        Length::Encoding(INT_32) => 4,
        Length::Encoding(LZF) => {
            let compressed = count(input)?;
            count(input)?;
            compressed
        }
        Length::Encoding(_) => return Err(Malformed),
    };
    if bytes > len_max {
        return Err(Malformed);
    }
    input.take(bytes).map(|_| ())
}

fn strings(input: &mut Input<'_>, count: u64, len_max: u64) -> Result<(), Malformed> {
    for _ in 0..count {
        string(input, len_max)?;
    }
    Ok(())
}

/// Passes over a value of a type that the file's dialect has.
pub(super) fn value(value_type: u8, input: &mut Input<'_>, len_max: u64) -> Result<(), Malformed> {
    match value_type {
        number::LIST | number::SET | number::LIST_QUICKLIST => {
            let elements = count(input)?;
            strings(input, elements, len_max)
        }
        number::HASH => {
            for _ in 0..count(input)? {
                strings(input, 2, len_max)?;
            }
            Ok(())
        }
        number::SORTED_SET => {
            for _ in 0..count(input)? {
                string(input, len_max)?;
                let [len] = input.take_array()?;
                // The greatest lengths stand for scores that have no text.
                input.take(if len < 253 { u64::from(len) } else { 0 })?;
            }
            Ok(())
        }
        number::SORTED_SET_2 => {
            for _ in 0..count(input)? {
                string(input, len_max)?;
                input.take(8)?;
            }
            Ok(())
        }
        number::LIST_QUICKLIST_2 => {
            for _ in 0..count(input)? {
                count(input)?;
                string(input, len_max)?;
            }
            Ok(())
        }
        number::HASH_TIMED => {
            input.take(8)?;
            for _ in 0..count(input)? {
                count(input)?;
                strings(input, 2, len_max)?;
            }
            Ok(())
        }
        number::HASH_PACKED_TIMED => {
            input.take(8)?;
            string(input, len_max)
        }
        number::HASH_VALKEY_TIMED => {
            for _ in 0..count(input)? {
                strings(input, 2, len_max)?;
                input.take(8)?;
            }
            Ok(())
        }
        number::STREAM | number::STREAM_2 | number::STREAM_3 | number::STREAM_4 => stream(value_type, input, len_max),
        _ => string(input, len_max),
    }
}

fn counts(input: &mut Input<'_>, how_many: u64) -> Result<(), Malformed> {
    for _ in 0..how_many {
        count(input)?;
    }
    Ok(())
}

fn stream(value_type: u8, input: &mut Input<'_>, len_max: u64) -> Result<(), Malformed> {
    const ID_BYTES: u64 = 16;
    for _ in 0..count(input)? {
        strings(input, 2, len_max)?;
    }
    // Length and last id; first id, greatest deleted id, and how many there ever were.
    counts(input, if value_type == number::STREAM { 3 } else { 8 })?;
    for _ in 0..count(input)? {
        string(input, len_max)?;
        counts(input, if value_type == number::STREAM { 2 } else { 3 })?;
        for _ in 0..count(input)? {
            input.take(ID_BYTES + 8)?;
            count(input)?;
        }
        for _ in 0..count(input)? {
            string(input, len_max)?;
            input.take(if value_type >= number::STREAM_3 { 16 } else { 8 })?;
            for _ in 0..count(input)? {
                input.take(ID_BYTES)?;
            }
        }
    }
    if value_type == number::STREAM_4 { producers(input, len_max) } else { Ok(()) }
}

/// Passes over what a stream remembers of its producers.
fn producers(input: &mut Input<'_>, len_max: u64) -> Result<(), Malformed> {
    counts(input, 2)?;
    for _ in 0..count(input)? {
        string(input, len_max)?;
        for _ in 0..count(input)? {
            string(input, len_max)?;
            counts(input, 2)?;
        }
    }
    counts(input, 2)
}

/// Passes over what modules attached to a key, and names them.
pub(super) fn key_metadata(input: &mut Input<'_>, len_max: u64) -> Result<String, Malformed> {
    /// No key has more of it.
    const CLASSES_MAX: u64 = 7;
    let classes = count(input)?;
    if classes > CLASSES_MAX {
        return Err(Malformed);
    }
    let mut names = Vec::new();
    for _ in 0..classes {
        // Four characters of six bits, above bits of a version and of flags.
        let class = u32::from_le_bytes(input.take_array()?) >> 8;
        names.push(characters(u64::from(class), 4));
        module(input, len_max)?;
    }
    Ok(names.join(", "))
}

/// Passes over data of a module, to its end.
pub(super) fn module(input: &mut Input<'_>, len_max: u64) -> Result<(), Malformed> {
    loop {
        match count(input)? {
            module::END => return Ok(()),
            module::SIGNED | module::UNSIGNED => drop(count(input)?),
            module::FLOAT => drop(input.take(4)?),
            module::DOUBLE => drop(input.take(8)?),
            module::STRING => string(input, len_max)?,
            _ => return Err(Malformed),
        }
    }
}

/// The name of a module's type: nine characters of six bits, above ten bits of a version.
pub(super) fn module_name(id: u64) -> String {
    characters(id >> 10, 9)
}

fn characters(bits: u64, how_many: u32) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..how_many).rev().map(|i| char::from(CHARACTERS[(bits >> (6 * i) & 0x3f) as usize])).collect()
}
