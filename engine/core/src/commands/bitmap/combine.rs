//! BITOP.

use std::borrow::Cow;

use refrain_data::bits::{BitOperation, combine};
use refrain_data::{Deadline, Lookup, NewValue, Value};

use super::BYTES_PER_WORK;
use crate::call::{Call, Outcome};
use crate::commands::string::string;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// The operations by their names.
const OPERATIONS: [(&str, BitOperation); 8] = [
    ("AND", BitOperation::And),
    ("OR", BitOperation::Or),
    ("XOR", BitOperation::Xor),
    ("NOT", BitOperation::Not),
    ("DIFF", BitOperation::Diff),
    ("DIFF1", BitOperation::Diff1),
    ("ANDOR", BitOperation::AndOr),
    ("ONE", BitOperation::One),
];

/// BITOP operation destkey key [key ...]
pub fn bitop(call: &mut Call<'_>) -> Outcome {
    let (name, operation) = OPERATIONS.into_iter().find(|(name, _)| call.args.is(1, name)).ok_or(SYNTAX)?;
    let sources = call.args.len() - 3;
    match operation {
        BitOperation::Not if sources != 1 => {
            return Err(ErrorReply::new("ERR BITOP NOT must be called with a single source key."));
        }
        BitOperation::Diff | BitOperation::Diff1 | BitOperation::AndOr if sources < 2 => {
            return Err(ErrorReply::owned(format!("ERR BITOP {name} must be called with at least two source keys.")));
        }
        _ => {}
    }
    let result = combined(call, operation)?;
    let target = call.key(2);
    let len = result.len();
    if len == 0 {
        call.state.delete(&target);
    } else {
        match call.state.write(&target) {
            Lookup::Occupied(mut found) => found.set_bytes(result, Deadline::Clear),
            Lookup::Vacant(free) => {
                free.insert(NewValue::Raw(b""), Deadline::Clear).set_bytes(result, Deadline::Clear);
                call.state.notify(NotifyClass::NEW, "new", &target);
            }
        }
        call.state.modified(&target);
        call.state.notify(NotifyClass::STRING, "set", &target);
    }
    call.reply().integer(len as i64);
    Ok(())
}

/// The sources, from the third argument on, combined. A missing one is a string without bytes.
fn combined(call: &mut Call<'_>, operation: BitOperation) -> Result<Vec<u8>, ErrorReply> {
    let keys = 3..call.args.len();
    // Looked up one by one first, for that counts and may delete; then all at once, as they are.
    let mut found = Vec::with_capacity(keys.len());
    for i in keys {
        let key = call.key(i);
        if let Some(entry) = call.state.read(&key) {
            string(entry)?;
            found.push(Some(key));
        } else {
            found.push(None);
        }
    }
    let database = call.state.keyspace.db(call.session.db);
    let sources: Vec<Cow<'_, [u8]>> = found
        .iter()
        .map(|key| match key.and_then(|key| database.get(key.hash, key.name)).map(|entry| entry.value()) {
            Some(Value::Bytes(bytes)) => Cow::Borrowed(bytes),
            Some(number @ Value::Int(_)) => Cow::Owned(number.to_vec()),
            None => Cow::Borrowed(&[][..]),
        })
        .collect();
    let borrowed: Vec<&[u8]> = sources.iter().map(|source| &source[..]).collect();
    let result = combine(operation, &borrowed);
    let bytes_read: usize = borrowed.iter().map(|source| source.len()).sum();
    call.work((bytes_read + result.len()) as u64 / BYTES_PER_WORK);
    Ok(result)
}
