//! HSCAN.

use refrain_data::Hash;

use super::reply_value;
use crate::call::{Call, Outcome};
use crate::commands::scan_options::{self, ScanOptions};

/// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]: a small hash is returned whole.
pub fn hscan(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let cursor = scan_options::cursor(call)?;
    let now = call.state.fields_now();
    if call.state.view::<Hash>(&key)?.is_none() {
        scan_options::reply_nothing(call);
        return Ok(());
    }
    let options = ScanOptions::parse(call)?;
    let Some(hash) = call.state.keyspace.db(key.db).get(key.hash, key.name).and_then(|entry| entry.view::<Hash>())
    else {
        unreachable!("it was there a moment ago")
    };
    let mut found = Vec::new();
    let mut visited = 0;
    let next = hash.scan(cursor, options.count, &mut |field| {
        visited += 1;
        if !field.is_due(now) && options.keeps(field.name) {
            found.push(field);
        }
    });
    let mut digits = itoa::Buffer::new();
    let end = call.state.reply_end(call.session);
    let mut reply = call.session.reply();
    reply.array(2);
    reply.bulk(digits.format(next).as_bytes());
    reply.array(if options.with_values { 2 * found.len() } else { found.len() });
    for field in &found {
        let mut reply = call.session.reply();
        reply_value(&mut reply, field.name);
        if options.with_values {
            reply_value(&mut reply, field.value);
        }
        if call.session.output.len() >= end {
            break;
        }
    }
    call.work(visited / 16);
    Ok(())
}
