//! Parts of strings: GETRANGE, SETRANGE, APPEND.

use std::ops::Range;

use refrain_data::{Deadline, IntBuffer, Lookup, NewValue};

use super::{SHARED_BYTES_MIN, string};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, STRING_TOO_LONG};
use crate::notify::NotifyClass;

/// A part of a value is not copied into a reply if it is at least one of so many: who is owed less would keep too much.
const SHARED_PART: usize = 8;

/// The bytes from `start` to `end`, that one included, where negative ones count from the end. Redis's order of steps matters at
/// the edges: two that are both before the beginning still name the first byte, unless they are the wrong way round.
fn bounds(start: i64, end: i64, len: usize) -> Range<usize> {
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_start = |index: i64| match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => len.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let (start, end) = (from_start(start), from_start(end).saturating_add(1).min(len));
    if start < end { start..end } else { 0..0 }
}

/// GETRANGE key start end, and SUBSTR, its old name.
pub fn getrange(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let (start, end) = (call.integer(2)?, call.integer(3)?);
    match call.state.read(&key) {
        Some(entry) => {
            let value = string(entry)?;
            let range = bounds(start, end, value.len());
            match entry.share() {
                Some(whole) if range.len() >= SHARED_BYTES_MIN.max(whole.len() / SHARED_PART) => {
                    call.session.reply_part(whole, range);
                }
                _ => call.session.reply().bulk(&value.bytes(&mut IntBuffer::new())[range]),
            }
        }
        None => call.reply().bulk(b""),
    }
    Ok(())
}

/// SETRANGE key offset value
pub fn setrange(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let bytes = call.args.at(3);
    let offset = u64::try_from(call.integer(2)?).map_err(|_| ErrorReply::new("ERR offset is out of range"))?;
    let limit = call.state.config.limits.proto_max_bulk_len;
    let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= limit);
    let offset = |end: Option<u64>| match end {
        Some(_) => usize::try_from(offset).map_err(|_| STRING_TOO_LONG),
        None => Err(STRING_TOO_LONG),
    };
    let len = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let len = string(found.entry())?.len();
            if bytes.is_empty() {
                call.reply().integer(len as i64);
                return Ok(());
            }
            found.write_at(offset(end)?, bytes)
        }
        Lookup::Vacant(free) => {
            if bytes.is_empty() {
                call.reply().integer(0);
                return Ok(());
            }
            let offset = offset(end)?;
            let len = free.insert(NewValue::Raw(b""), Deadline::Clear).write_at(offset, bytes);
            call.state.notify(NotifyClass::NEW, "new", &key);
            len
        }
    };
    call.state.modified(&key);
    call.state.notify(NotifyClass::STRING, "setrange", &key);
    call.reply().integer(len as i64);
    Ok(())
}

/// APPEND key value
pub fn append(call: &mut Call<'_>) -> Outcome {
    let (key, tail) = (call.key(1), call.args.at(2));
    let limit = call.state.config.limits.proto_max_bulk_len;
    let len = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let len = string(found.entry())?.len() as u64;
            if len.checked_add(tail.len() as u64).is_none_or(|total| total > limit) {
                return Err(STRING_TOO_LONG);
            }
            found.append(tail)
        }
        Lookup::Vacant(free) => {
            free.insert(call.args.new_value(2), Deadline::Clear);
            call.state.notify(NotifyClass::NEW, "new", &key);
            tail.len()
        }
    };
    call.state.modified(&key);
    call.state.notify(NotifyClass::STRING, "append", &key);
    call.reply().integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn ranges_are_those_of_redis() {
        for (start, end, expected) in [
            (0, 3, 0..4),
            (0, -1, 0..11),
            (-3, -1, 8..11),
            (5, 3, 0..0),
            (5, 5000, 5..11),
            (-5000, 10_000, 0..11),
            (-5000, -5000, 0..1),
            (-1, -5000, 0..0),
            (11, 20, 0..0),
            (0, -5000, 0..1),
            (i64::MIN, i64::MAX, 0..11),
            (i64::MAX, i64::MIN, 0..0),
        ] {
            assert_eq!(bounds(start, end, 11), expected, "{start} {end}");
            assert_eq!(bounds(start, end, 0), 0..0);
        }
    }
}
