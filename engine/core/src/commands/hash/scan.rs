//! HSCAN.

use refrain_data::Hash;

use super::reply_value;
use crate::call::{Call, Outcome};
use crate::commands::keyspace::parse_cursor;
use crate::error::{INVALID_CURSOR, SYNTAX};
use crate::glob;

/// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]: a small hash is returned whole.
pub fn hscan(call: &mut Call<'_>) -> Outcome {
    const COUNT_DEFAULT: i64 = 10;
    /// Fields passed in one call at the most, whatever COUNT says: no command is endless.
    const COUNT_MAX: i64 = 1 << 20;
    let key = call.key(1);
    let cursor = parse_cursor(call.args.at(2)).ok_or(INVALID_CURSOR)?;
    let now = call.state.fields_now();
    // A missing key answers before the options are looked at.
    if call.state.view::<Hash>(&key)?.is_none() {
        let mut reply = call.reply();
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    }
    let (mut pattern, mut count, mut with_values) = (None, COUNT_DEFAULT, true);
    let mut i = 3;
    while i < call.args.len() {
        if call.args.is(i, "NOVALUES") {
            with_values = false;
            i += 1;
            continue;
        }
        let Some(operand) = call.args.get(i + 1) else { return Err(SYNTAX) };
        if call.args.is(i, "MATCH") {
            pattern = Some(operand).filter(|pattern| *pattern != b"*");
        } else if call.args.is(i, "COUNT") {
            count = call.integer(i + 1)?;
            if count < 1 {
                return Err(SYNTAX);
            }
        } else {
            return Err(SYNTAX);
        }
        i += 2;
    }
    let count = usize::try_from(count.min(COUNT_MAX)).expect("between 1 and COUNT_MAX");
    let Some(hash) = call.state.keyspace.db(key.db).get(key.hash, key.name).and_then(|entry| entry.view::<Hash>())
    else {
        unreachable!("it was there a moment ago")
    };
    let mut found = Vec::new();
    let mut visited = 0;
    let next = hash.scan(cursor, count, &mut |field| {
        visited += 1;
        let matches = |pattern| match field.name {
            refrain_data::Value::Bytes(name) => glob::matches(pattern, name),
            name => glob::matches(pattern, &name.to_vec()),
        };
        if !field.is_due(now) && pattern.is_none_or(matches) {
            found.push(field);
        }
    });
    let mut digits = itoa::Buffer::new();
    let end = call.state.reply_end(call.session);
    let mut reply = call.session.reply();
    reply.array(2);
    reply.bulk(digits.format(next).as_bytes());
    reply.array(if with_values { 2 * found.len() } else { found.len() });
    for field in &found {
        let mut reply = call.session.reply();
        reply_value(&mut reply, field.name);
        if with_values {
            reply_value(&mut reply, field.value);
        }
        if call.session.output.len() >= end {
            break;
        }
    }
    call.work(visited / 16);
    Ok(())
}
