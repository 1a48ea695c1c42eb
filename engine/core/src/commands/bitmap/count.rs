//! BITCOUNT.

use refrain_data::{IntBuffer, bits};

use super::BYTES_PER_WORK;
use super::range::GivenRange;
use crate::call::{Call, Outcome};
use crate::commands::string::string;
use crate::error::SYNTAX;

/// BITCOUNT key [start end [BYTE | BIT]]
pub fn bitcount(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let range = match call.args.len() {
        2 => None,
        4 | 5 => Some(GivenRange::parse(call, 2)?),
        _ => return Err(SYNTAX),
    };
    let (count, bytes_read) = match call.state.read(&key) {
        None => (0, 0),
        Some(entry) => {
            let mut digits = IntBuffer::new();
            let value = string(entry)?;
            let bytes = value.bytes(&mut digits);
            match range {
                None => (bits::count_ones(bytes), bytes.len() as u64),
                Some(range) if range.is_reversed() => (0, 0),
                Some(range) => match range.bits(bytes.len()) {
                    Some((first, last)) => (bits::count_ones_between(bytes, first, last), (last - first) / 8),
                    None => (0, 0),
                },
            }
        }
    };
    call.work(bytes_read / BYTES_PER_WORK);
    call.reply().integer(count as i64);
    Ok(())
}
