//! BITPOS.

use refrain_data::{IntBuffer, bits};

use super::BYTES_PER_WORK;
use super::range::GivenRange;
use crate::call::{Call, Outcome};
use crate::commands::string::string;
use crate::error::{ErrorReply, SYNTAX};

/// BITPOS key bit [start [end [BYTE | BIT]]]: where no end is given, clear bits follow the string.
pub fn bitpos(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let on = match call.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(ErrorReply::new("ERR The bit argument must be 1 or 0.")),
    };
    let range = match call.args.len() {
        3 => None,
        4..=6 => Some(GivenRange::parse_unit_first(call, 3)?),
        _ => return Err(SYNTAX),
    };
    let Some(entry) = call.state.read(&key) else {
        call.reply().integer(if on { -1 } else { 0 });
        return Ok(());
    };
    let mut digits = IntBuffer::new();
    let value = string(entry)?;
    let bytes = value.bytes(&mut digits);
    let inside = match range {
        None => (bytes.len() as u64 * 8).checked_sub(1).map(|last| (0, last)),
        Some(range) => range.bits(bytes.len()),
    };
    let has_end = range.is_some_and(|range| range.end.is_some());
    let (position, bits_read) = match inside {
        None => (None, 0),
        Some((first, last)) => match bits::first_bit(bytes, first, last, on) {
            Some(found) => (Some(found), found - first),
            None => ((!on && !has_end).then_some(last + 1), last - first),
        },
    };
    call.work(bits_read / 8 / BYTES_PER_WORK);
    call.reply().integer(position.map_or(-1, |position| position as i64));
    Ok(())
}
