//! Counters: INCR and its variants, in whole numbers and in floating point.

use refrain_data::{Deadline, Lookup, NewValue, Value};

use super::{store, string};
use crate::call::{Call, Key, Outcome};
use crate::error::{DECREMENT_OVERFLOW, ErrorReply, INCREMENT_OVERFLOW, NOT_A_FLOAT, NOT_AN_INTEGER};
use crate::long_double::LongDouble;
use crate::notify::NotifyClass;

/// Adds to a counter and replies with its new value. A missing key counts from zero; a deadline stays.
fn add(call: &mut Call<'_>, key: &Key<'_>, by: i64) -> Outcome {
    let value = match call.state.write(key) {
        Lookup::Occupied(mut found) => {
            let old = string(found.entry())?.as_int().ok_or(NOT_AN_INTEGER)?;
            let new = old.checked_add(by).ok_or(INCREMENT_OVERFLOW)?;
            found.set_value(NewValue::Int(new), Deadline::Keep);
            new
        }
        Lookup::Vacant(free) => {
            free.insert(NewValue::Int(by), Deadline::Clear);
            call.state.notify(NotifyClass::NEW, "new", key);
            by
        }
    };
    call.state.modified(key);
    call.state.notify(NotifyClass::STRING, "incrby", key);
    call.reply().integer(value);
    Ok(())
}

/// INCR key
pub fn incr(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    add(call, &key, 1)
}

/// DECR key
pub fn decr(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    add(call, &key, -1)
}

/// INCRBY key increment
pub fn incrby(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let by = call.integer(2)?;
    add(call, &key, by)
}

/// DECRBY key decrement
pub fn decrby(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let by = call.integer(2)?.checked_neg().ok_or(DECREMENT_OVERFLOW)?;
    add(call, &key, by)
}

/// A value as a floating-point number.
pub(super) fn number(value: Value<'_>) -> Result<LongDouble, ErrorReply> {
    match value {
        Value::Int(number) => Ok(LongDouble::from(number)),
        Value::Bytes(bytes) => LongDouble::parse(bytes).ok_or(NOT_A_FLOAT),
    }
}

/// INCRBYFLOAT key increment: the result is kept as text, and as text it is propagated.
pub fn incrbyfloat(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let old = match call.state.write(&key) {
        Lookup::Occupied(found) => number(string(found.entry())?)?,
        Lookup::Vacant(_) => LongDouble::ZERO,
    };
    let by = LongDouble::parse(call.args.at(2)).ok_or(NOT_A_FLOAT)?;
    let sum = old.checked_add(by).ok_or(ErrorReply::new("ERR increment would produce NaN or Infinity"))?;
    let text = sum.to_text();
    store(call, &key, NewValue::Bytes(text.as_bytes()), Deadline::Keep, "incrbyfloat");
    call.propagate(&[b"SET", key.name, text.as_bytes(), b"KEEPTTL"]);
    call.reply().bulk(text.as_bytes());
    Ok(())
}
