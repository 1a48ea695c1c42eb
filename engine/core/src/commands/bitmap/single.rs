//! Single bits: SETBIT, GETBIT.

use refrain_data::{Deadline, IntBuffer, Lookup, NewValue, bits};
use refrain_resp::parse_i64;

use super::bit_offset;
use crate::call::{Call, Outcome};
use crate::commands::string::string;
use crate::error::{ErrorReply, STRING_TOO_LONG};
use crate::notify::NotifyClass;

/// SETBIT key offset value
pub fn setbit(call: &mut Call<'_>) -> Outcome {
    const NO_BIT: ErrorReply = ErrorReply::new("ERR bit is not an integer or out of range");
    let key = call.key(1);
    let offset = bit_offset(call.args.at(2), call.state.config.limits.proto_max_bulk_len)?;
    let on = match parse_i64(call.args.at(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(NO_BIT),
    };
    let len = usize::try_from(offset / 8 + 1).map_err(|_| STRING_TOO_LONG)?;
    let (old, changed) = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let grows = string(found.entry())?.len() < len;
            let old = found.change_bytes(len, |bytes| bits::set_bit(bytes, offset, on));
            (old, grows || old != on)
        }
        Lookup::Vacant(free) => {
            let mut made = free.insert(NewValue::Raw(b""), Deadline::Clear);
            made.change_bytes(len, |bytes| bits::set_bit(bytes, offset, on));
            call.state.notify(NotifyClass::NEW, "new", &key);
            (false, true)
        }
    };
    if changed {
        call.state.modified(&key);
        call.state.notify(NotifyClass::STRING, "setbit", &key);
    }
    call.reply().integer(i64::from(old));
    Ok(())
}

/// GETBIT key offset
pub fn getbit(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let offset = bit_offset(call.args.at(2), call.state.config.limits.proto_max_bulk_len)?;
    let on = match call.state.read(&key) {
        Some(entry) => bits::bit(string(entry)?.bytes(&mut IntBuffer::new()), offset),
        None => false,
    };
    call.reply().integer(i64::from(on));
    Ok(())
}
