//! What members a set has.

use refrain_data::{Set, SetRef};

use super::reply_member;
use crate::call::{Call, Outcome};
use crate::commands::scan_options::{self, ScanOptions};

/// SCARD key
pub fn scard(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let len = call.state.view::<Set>(&key)?.map_or(0, SetRef::len);
    call.reply().integer(len as i64);
    Ok(())
}

/// SISMEMBER key member
pub fn sismember(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let member = call.args.at(2);
    let found = call.state.view::<Set>(&key)?.is_some_and(|set| set.contains(member));
    call.reply().integer(i64::from(found));
    Ok(())
}

/// SMISMEMBER key member [member ...]
pub fn smismember(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let args = call.args;
    let set = call.state.view::<Set>(&key)?;
    let mut reply = call.session.reply();
    reply.array(args.len() - 2);
    for i in 2..args.len() {
        let found = set.is_some_and(|set| set.contains(args.at(i)));
        reply.integer(i64::from(found));
    }
    Ok(())
}

/// SMEMBERS key
pub fn smembers(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let end = call.reply_end();
    let set = call.state.view::<Set>(&key)?;
    let mut reply = call.session.reply();
    reply.set(set.map_or(0, SetRef::len));
    let large = match set {
        None => return Ok(()),
        Some(SetRef::Large(large)) => large.clone(),
        Some(small) => {
            for member in small.iter() {
                reply_member(&mut call.session.reply(), member);
                if call.session.output.len() >= end {
                    break;
                }
            }
            return Ok(());
        }
    };
    for (_, member) in large.iter() {
        call.session.reply().bulk(member);
        if call.session.output.len() >= end {
            break;
        }
    }
    call.work(large.len() as u64 / 32);
    Ok(())
}

/// SSCAN key cursor [MATCH pattern] [COUNT count]: a small set is returned whole.
pub fn sscan(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let cursor = scan_options::cursor(call)?;
    if call.state.view::<Set>(&key)?.is_none() {
        scan_options::reply_nothing(call);
        return Ok(());
    }
    let options = ScanOptions::parse(call)?;
    let entry = call.state.keyspace.db(key.db).get(key.hash, key.name);
    let set = entry.and_then(|entry| entry.view::<Set>()).expect("it was there a moment ago");
    let (mut found, mut visited) = (Vec::new(), 0);
    let next = set.scan(cursor, options.count, &mut |member| {
        visited += 1;
        if options.keeps(member) {
            found.push(member);
        }
    });
    let end = call.state.reply_end(call.session);
    let mut reply = call.session.reply();
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(found.len());
    for member in found {
        reply_member(&mut call.session.reply(), member);
        if call.session.output.len() >= end {
            break;
        }
    }
    call.work(visited / 16);
    Ok(())
}
