//! Strings: SET and GET in all their forms, counters, APPEND.
//!
//! What a write leaves in the propagation stream is deterministic: conditions are resolved, relative times are absolute.

use refrain_data::{Deadline, Entry, Kind, Lookup, NewValue, Value};
use refrain_resp::Encoder;
use xxhash_rust::xxh3::xxh3_64;

use super::time_option::TimeUnit;
use crate::call::{Call, Key, Outcome};
use crate::error::{
    DECREMENT_OVERFLOW, ErrorReply, INCREMENT_OVERFLOW, NOT_AN_INTEGER, STRING_TOO_LONG, SYNTAX, WRONG_TYPE,
};

/// A string's value as a bulk reply.
#[inline]
fn reply_value(mut reply: Encoder<'_>, value: Value<'_>) {
    match value {
        Value::Int(n) => reply.bulk_int(n),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// The entry's value, which must be a string.
#[inline]
fn string(entry: Entry<'_>) -> Result<Value<'_>, ErrorReply> {
    match entry.kind() {
        Kind::String => Ok(entry.value()),
        _ => Err(WRONG_TYPE),
    }
}

/// GET key
pub fn get(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    match call.state.read(&key) {
        Some(entry) => reply_value(call.session.reply(), string(entry)?),
        None => call.session.reply().null(),
    }
    Ok(())
}

/// MGET key [key ...]: nil for what is missing or no string.
pub fn mget(call: &mut Call<'_>) -> Outcome {
    let count = call.args.len() - 1;
    call.reply().array(count);
    for i in 1..=count {
        let key = call.key(i);
        match call.state.read(&key).and_then(|entry| string(entry).ok()) {
            Some(value) => reply_value(call.session.reply(), value),
            None => call.session.reply().null(),
        }
    }
    Ok(())
}

/// STRLEN key
pub fn strlen(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let len = match call.state.read(&key) {
        Some(entry) => string(entry)?.len(),
        None => 0,
    };
    call.reply().integer(len as i64);
    Ok(())
}

/// What SET wants of the old value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison<'a> {
    Equals(&'a [u8]),
    Differs(&'a [u8]),
    DigestEquals(&'a [u8]),
    DigestDiffers(&'a [u8]),
}

/// SET's options.
struct SetOptions<'a> {
    /// NX (false) or XX (true).
    must_exist: Option<bool>,
    comparison: Option<Comparison<'a>>,
    get: bool,
    keep_ttl: bool,
    expire: Option<(TimeUnit, &'a [u8])>,
}

impl<'a> SetOptions<'a> {
    fn parse(call: &Call<'a>) -> Result<SetOptions<'a>, ErrorReply> {
        let mut options = SetOptions { must_exist: None, comparison: None, get: false, keep_ttl: false, expire: None };
        let mut i = 3;
        while let Some(word) = call.args.get(i) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let operand = call.args.get(i + 1);
            if is("NX") || is("XX") {
                let must_exist = is("XX");
                if options.must_exist == Some(!must_exist) {
                    return Err(SYNTAX);
                }
                options.must_exist = Some(must_exist);
            } else if is("GET") {
                options.get = true;
            } else if is("KEEPTTL") && options.expire.is_none() {
                options.keep_ttl = true;
            } else if let Some(operand) = operand {
                i += 1;
                if let Some(unit) = TimeUnit::of(word) {
                    // The same unit twice is no contradiction to Redis: the last one counts.
                    if options.keep_ttl || options.expire.is_some_and(|(other, _)| other != unit) {
                        return Err(SYNTAX);
                    }
                    options.expire = Some((unit, operand));
                } else {
                    options.compare(Comparison::named(word, operand)?)?;
                }
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(options)
    }

    /// Adds a comparison. Redis takes NX and XX behind one and not before it, and the same one twice.
    fn compare(&mut self, comparison: Comparison<'a>) -> Result<(), ErrorReply> {
        let same_kind = |other: &Comparison<'_>| std::mem::discriminant(other) == std::mem::discriminant(&comparison);
        if self.must_exist.is_some() || !self.comparison.as_ref().is_none_or(same_kind) {
            return Err(SYNTAX);
        }
        self.comparison = Some(comparison);
        Ok(())
    }
}

impl<'a> Comparison<'a> {
    fn named(word: &[u8], operand: &'a [u8]) -> Result<Comparison<'a>, ErrorReply> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("IFEQ") {
            Ok(Comparison::Equals(operand))
        } else if is("IFNE") {
            Ok(Comparison::Differs(operand))
        } else if is("IFDEQ") {
            Ok(Comparison::DigestEquals(operand))
        } else if is("IFDNE") {
            Ok(Comparison::DigestDiffers(operand))
        } else {
            Err(SYNTAX)
        }
    }

    /// Whether the old value is as wanted. Nothing equals a missing one, whatever the digest looks like; one that is there is
    /// compared only with a digest of the right length.
    fn holds(&self, value: Option<Value<'_>>) -> Result<bool, ErrorReply> {
        let Some(value) = value else {
            return Ok(matches!(self, Comparison::Differs(_) | Comparison::DigestDiffers(_)));
        };
        let equal = |expected: &[u8]| value.bytes(&mut refrain_data::IntBuffer::new()) == expected;
        let digest_equal = |expected: &[u8]| {
            if expected.len() != DIGEST_LEN {
                return Err(ErrorReply::new("ERR must be exactly 16 hexadecimal characters"));
            }
            Ok(digest(value).eq_ignore_ascii_case(expected))
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

/// The digest that IFDEQ and IFDNE compare: XXH3-64 of the value, in hex.
fn digest(value: Value<'_>) -> [u8; DIGEST_LEN] {
    let hash = xxh3_64(value.bytes(&mut refrain_data::IntBuffer::new()));
    std::array::from_fn(|i| {
        let nibble = (hash >> (60 - 4 * i)) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}

/// SET key value [IFEQ v | IFNE v | IFDEQ d | IFDNE d] [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub fn set(call: &mut Call<'_>) -> Outcome {
    let (key, value) = (call.key(1), call.args.at(2));
    if call.args.len() == 3 {
        match call.state.write(&key) {
            Lookup::Occupied(mut found) => found.set_value(NewValue::parse(value), Deadline::Clear),
            Lookup::Vacant(free) => {
                free.insert(NewValue::parse(value), Deadline::Clear);
            }
        }
        call.state.modified(&key);
        call.reply().ok();
        return Ok(());
    }
    let options = SetOptions::parse(call)?;
    let deadline = match options.expire {
        Some((unit, text)) => Deadline::At(unit.positive_deadline(text, &call.state.now, "set")?),
        None if options.keep_ttl => Deadline::Keep,
        None => Deadline::Clear,
    };
    let slot = call.state.write(&key);
    let old = match &slot {
        Lookup::Occupied(found) => Some(found.entry()),
        Lookup::Vacant(_) => None,
    };
    let present = options.must_exist.is_none_or(|must| must == old.is_some());
    // The old value is looked at only when the options ask for it: a plain SET replaces any type.
    let (holds, old) = if options.get || options.comparison.is_some() {
        let old = old.map(string).transpose()?;
        let as_wanted = match options.comparison {
            Some(comparison) if present => comparison.holds(old)?,
            _ => true,
        };
        (present && as_wanted, options.get.then_some(old))
    } else {
        (present, None)
    };
    match old {
        Some(Some(old)) => reply_value(call.session.reply(), old),
        Some(None) => call.session.reply().null(),
        None if holds => call.session.reply().ok(),
        None => call.session.reply().null(),
    }
    if !holds {
        return Ok(());
    }
    match slot {
        Lookup::Occupied(mut found) => found.set_value(NewValue::parse(value), deadline),
        Lookup::Vacant(free) => {
            free.insert(NewValue::parse(value), deadline);
        }
    }
    call.state.modified(&key);
    match deadline {
        Deadline::At(at) => {
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"SET", key.name, value, b"PXAT", digits.format(at).as_bytes()]);
        }
        Deadline::Keep => call.propagate(&[b"SET", key.name, value, b"KEEPTTL"]),
        Deadline::Clear => call.propagate(&[b"SET", key.name, value]),
    }
    Ok(())
}

/// MSET key value [key value ...]
pub fn mset(call: &mut Call<'_>) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(ErrorReply::arity("mset"));
    }
    for i in (1..call.args.len()).step_by(2) {
        let key = call.key(i);
        let value = NewValue::parse(call.args.at(i + 1));
        match call.state.write(&key) {
            Lookup::Occupied(mut found) => found.set_value(value, Deadline::Clear),
            Lookup::Vacant(free) => {
                free.insert(value, Deadline::Clear);
            }
        }
        call.state.modified(&key);
    }
    call.reply().ok();
    Ok(())
}

/// GETDEL key
pub fn getdel(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    match call.state.read(&key) {
        Some(entry) => reply_value(call.session.reply(), string(entry)?),
        None => {
            call.session.reply().null();
            return Ok(());
        }
    }
    call.state.delete(&key);
    call.propagate(&[b"DEL", key.name]);
    Ok(())
}

/// What GETEX does to the deadline: nothing, `Some(None)` for PERSIST, or a time that has yet to be read.
type DeadlineChange<'a> = Option<Option<(TimeUnit, &'a [u8])>>;

fn parse_getex<'a>(call: &Call<'a>) -> Result<DeadlineChange<'a>, ErrorReply> {
    let mut change: DeadlineChange<'a> = None;
    let mut i = 2;
    while let Some(word) = call.args.get(i) {
        if word.eq_ignore_ascii_case(b"PERSIST") {
            if matches!(change, Some(Some(_))) {
                return Err(SYNTAX);
            }
            change = Some(None);
            i += 1;
            continue;
        }
        let unit = TimeUnit::of(word).ok_or(SYNTAX)?;
        let text = call.args.get(i + 1).ok_or(SYNTAX)?;
        match change {
            None => {}
            Some(Some((other, _))) if other == unit => {}
            _ => return Err(SYNTAX),
        }
        change = Some(Some((unit, text)));
        i += 2;
    }
    Ok(change)
}

/// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
pub fn getex(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let change = parse_getex(call)?;
    // The time is looked at only when there is a string for it: a missing key or another type answers first.
    let had_deadline = match call.state.read(&key) {
        Some(entry) => {
            string(entry)?;
            entry.deadline().is_some()
        }
        None => {
            call.reply().null();
            return Ok(());
        }
    };
    let deadline = match change {
        Some(Some((unit, text))) => Some(Some(unit.positive_deadline(text, &call.state.now, "getex")?)),
        Some(None) => Some(None),
        None => None,
    };
    let now_ms = call.state.now.unix_ms();
    if let Lookup::Occupied(mut found) = call.state.write(&key) {
        reply_value(call.session.reply(), found.value());
        match deadline {
            Some(Some(at)) if at <= now_ms => found.remove(),
            Some(new) => found.set_deadline(new),
            None => {}
        }
    }
    match deadline {
        Some(Some(at)) if at <= now_ms => {
            call.state.modified(&key);
            call.propagate(&[b"DEL", key.name]);
        }
        Some(Some(at)) => {
            call.state.modified(&key);
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"PEXPIREAT", key.name, digits.format(at).as_bytes()]);
        }
        Some(None) if had_deadline => {
            call.state.modified(&key);
            call.propagate(&[b"PERSIST", key.name]);
        }
        _ => {}
    }
    Ok(())
}

/// APPEND key value
pub fn append(call: &mut Call<'_>) -> Outcome {
    let (key, tail) = (call.key(1), call.args.at(2));
    let limit = call.state.config.proto_max_bulk_len;
    let len = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let len = string(found.entry())?.len() as u64;
            if len.checked_add(tail.len() as u64).is_none_or(|total| total > limit) {
                return Err(STRING_TOO_LONG);
            }
            found.append(tail)
        }
        Lookup::Vacant(free) => {
            free.insert(NewValue::parse(tail), Deadline::Clear);
            tail.len()
        }
    };
    call.state.modified(&key);
    call.reply().integer(len as i64);
    Ok(())
}

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
            by
        }
    };
    call.state.modified(key);
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
