//! Single members: their scores and ranks, their removal, and ZSCAN.

use refrain_data::{IntBuffer, SortedSet, SortedSetRef, Value};
use refrain_resp::push_double;

use super::{again, removed};
use crate::call::{Call, Outcome};
use crate::commands::scan_options::{self, ScanOptions};
use crate::double::push_general;
use crate::error::{ErrorReply, SYNTAX};

/// ZCARD key
pub fn zcard(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let len = call.state.view::<SortedSet>(&key)?.map_or(0, |set| set.len());
    call.reply().integer(len as i64);
    Ok(())
}

/// ZSCORE key member
pub fn zscore(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    match set.and_then(|set| set.score(call.args.at(2))) {
        Some(score) => call.reply().double(score),
        None => call.reply().null(),
    }
    Ok(())
}

/// ZMSCORE key member [member ...]
pub fn zmscore(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let mut reply = call.session.reply();
    reply.array(call.args.len() - 2);
    for member in call.args.iter().skip(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => reply.double(score),
            None => reply.null(),
        }
    }
    Ok(())
}

fn rank(call: &mut Call<'_>, from_the_end: bool) -> Outcome {
    let with_score = match call.args.len() {
        3 => false,
        4 if call.args.is(3, "WITHSCORE") => true,
        4 => return Err(SYNTAX),
        _ => return Err(ErrorReply::arity(call.command.name)),
    };
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(call.args.at(2))?;
        Some((if from_the_end { set.len() - 1 - rank } else { rank }, score))
    });
    let mut reply = call.session.reply();
    match found {
        Some((rank, score)) if with_score => {
            reply.array(2);
            reply.integer(rank as i64);
            reply.double(score);
        }
        Some((rank, _)) => reply.integer(rank as i64),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

/// ZRANK key member [WITHSCORE]
pub fn zrank(call: &mut Call<'_>) -> Outcome {
    rank(call, false)
}

/// ZREVRANK key member [WITHSCORE]
pub fn zrevrank(call: &mut Call<'_>) -> Outcome {
    rank(call, true)
}

/// ZREM key member [member ...]
pub fn zrem(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let args = call.args;
    let edited = call
        .state
        .edit(&key, |set: &mut SortedSet| args.iter().skip(2).filter(|member| set.remove(member).is_some()).count())?;
    let mut count = 0;
    if let Some(edited) = edited.filter(|edited| edited.result > 0) {
        count = edited.result as i64;
        removed(call, &key, "zrem", edited.emptied);
    }
    call.reply().integer(count);
    Ok(())
}

/// ZSCAN key cursor [MATCH pattern] [COUNT count]: a small set is returned whole.
pub fn zscan(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let cursor = scan_options::cursor(call)?;
    if call.state.view::<SortedSet>(&key)?.is_none() {
        scan_options::reply_nothing(call);
        return Ok(());
    }
    let options = ScanOptions::parse(call)?;
    let Some(set) = again(call.state, &key) else { unreachable!("it was there a moment ago") };
    let is_packed = matches!(set, SortedSetRef::Packed(_));
    let (mut names, mut found, mut visited) = (Vec::new(), Vec::new(), 0);
    let mut digits = IntBuffer::new();
    let next = set.scan(cursor, options.count, |member, score| {
        visited += 1;
        let name = member.bytes(&mut digits);
        if options.keeps(Value::Bytes(name)) {
            found.push((names.len()..names.len() + name.len(), score));
            names.extend_from_slice(name);
        }
    });
    let end = call.state.reply_end(call.session);
    let mut reply = call.session.reply();
    let mut text = Vec::new();
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(found.len() * 2);
    for (name, score) in found {
        let mut reply = call.session.reply();
        reply.bulk(&names[name]);
        text.clear();
        if is_packed {
            push_double(&mut text, score);
        } else {
            push_general(&mut text, score);
        }
        reply.bulk(&text);
        if call.session.output.len() >= end {
            break;
        }
    }
    call.work(visited / 16);
    Ok(())
}
