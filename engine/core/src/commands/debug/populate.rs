//! DEBUG POPULATE: many keys at once. Keys that exist stay as they are. Nothing reaches the propagation stream.

use refrain_data::{Deadline, Lookup, NewValue};

use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, NOT_AN_INTEGER, STRING_TOO_LONG};

const NOT_POSITIVE: ErrorReply = ErrorReply::new("ERR value is out of range, must be positive");

/// DEBUG POPULATE count [prefix] [size]
pub fn populate(call: &mut Call<'_>) -> Outcome {
    let number = |i: usize| match call.integer(i) {
        Ok(number) => u64::try_from(number).map_err(|_| NOT_POSITIVE),
        Err(_) => Err(NOT_POSITIVE),
    };
    let count = number(2)?;
    let size = if call.args.len() > 4 { number(4)? } else { 0 };
    let size = usize::try_from(size).map_err(|_| NOT_AN_INTEGER)?;
    if !call.state.string_fits(size) {
        return Err(STRING_TOO_LONG);
    }
    let prefix = call.args.get(3).unwrap_or(b"key");
    let (dirty, db) = (call.state.dirty, call.session.db);
    let mut value = Vec::new();
    for i in 0..count {
        let name = [prefix, format!(":{i}").as_bytes()].concat();
        let key = Key { db, name: &name, hash: call.state.keyspace.hash(&name) };
        call.hooks.work(1);
        let Lookup::Vacant(place) = call.state.write(&key) else { continue };
        value.clear();
        value.extend_from_slice(format!("value:{i}").as_bytes());
        if size > 0 {
            value.resize(size, 0);
        }
        place.insert(NewValue::Bytes(&value), Deadline::Clear);
        call.state.modified(&key);
    }
    call.state.dirty = dirty;
    call.reply().ok();
    Ok(())
}
