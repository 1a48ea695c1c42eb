//! Counters in fields of hashes. A missing field counts from zero; a deadline stays.

use refrain_data::{Deadline, Value};

use super::change;
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, INCREMENT_OVERFLOW, NOT_A_FLOAT};
use crate::long_double::LongDouble;
use crate::notify::NotifyClass;

/// HINCRBY key field increment
pub fn hincrby(call: &mut Call<'_>) -> Outcome {
    const NO_INTEGER: ErrorReply = ErrorReply::new("ERR hash value is not an integer");
    let (key, name) = (call.key(1), call.args.at(2));
    let by = call.integer(3)?;
    let changed = change(call, &key, true, |fields| {
        let old = fields.get(name).map_or(Some(0), |found| found.value.as_int()).ok_or(NO_INTEGER)?;
        let new = old.checked_add(by).ok_or(INCREMENT_OVERFLOW)?;
        fields.set(name, itoa::Buffer::new().format(new).as_bytes(), Deadline::Keep);
        Ok(new)
    })?;
    let new = changed.map_or(Ok(by), |changed| changed.result)?;
    call.state.modified(&key);
    call.state.notify(NotifyClass::HASH, "hincrby", &key);
    call.reply().integer(new);
    Ok(())
}

/// HINCRBYFLOAT key field increment: the result is kept as text, and as text it is propagated.
pub fn hincrbyfloat(call: &mut Call<'_>) -> Outcome {
    const NO_FLOAT: ErrorReply = ErrorReply::new("ERR hash value is not a float");
    const NOT_FINITE: ErrorReply = ErrorReply::new("ERR value is NaN or Infinity");
    const SUM_NOT_FINITE: ErrorReply = ErrorReply::new("ERR increment would produce NaN or Infinity");
    let (key, name) = (call.key(1), call.args.at(2));
    let by = LongDouble::parse(call.args.at(3)).ok_or(NOT_A_FLOAT)?;
    if by.is_infinite() {
        return Err(NOT_FINITE);
    }
    let changed = change(call, &key, true, |fields| {
        let found = fields.get(name);
        let old = match found.map(|found| found.value) {
            None => LongDouble::ZERO,
            Some(Value::Int(number)) => LongDouble::from(number),
            Some(Value::Bytes(bytes)) => LongDouble::parse(bytes).ok_or(NO_FLOAT)?,
        };
        let has_deadline = found.is_some_and(|found| found.deadline.is_some());
        let text = old.checked_add(by).ok_or(SUM_NOT_FINITE)?.to_text();
        fields.set(name, text.as_bytes(), Deadline::Keep);
        Ok((text, has_deadline))
    })?;
    let Some(changed) = changed else { unreachable!("a missing hash is made") };
    let (text, has_deadline) = changed.result?;
    call.state.modified(&key);
    call.state.notify(NotifyClass::HASH, "hincrbyfloat", &key);
    if has_deadline {
        call.propagate(&[b"HSETEX", key.name, b"KEEPTTL", b"FIELDS", b"1", name, text.as_bytes()]);
    } else {
        call.propagate(&[b"HSET", key.name, name, text.as_bytes()]);
    }
    call.reply().bulk(text.as_bytes());
    Ok(())
}
