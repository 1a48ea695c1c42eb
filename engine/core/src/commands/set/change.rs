//! Members that come and go by name.

use refrain_data::{Kind, Set};

use super::{changed, limits};
use crate::call::{Call, Outcome};
use crate::error::WRONG_TYPE;

/// SADD key member [member ...]
pub fn sadd(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let limits = limits(call.state);
    let args = call.args;
    let edited = call.state.edit_or_create(&key, |set: &mut Set| {
        set.expect_members(args.at(2), args.len() - 2, &limits);
        (2..args.len()).filter(|i| set.insert(args.at(*i), &limits)).count()
    })?;
    let added = edited.result;
    if added > 0 {
        changed(call, &key, "sadd", added, false);
    }
    call.reply().integer(added as i64);
    Ok(())
}

/// SREM key member [member ...]
pub fn srem(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let args = call.args;
    let edited = call.state.edit(&key, |set: &mut Set| (2..args.len()).filter(|i| set.remove(args.at(*i))).count())?;
    let removed = edited.map_or(0, |edited| edited.result);
    if removed > 0 {
        changed(call, &key, "srem", removed, edited.is_some_and(|edited| edited.emptied));
    }
    call.reply().integer(removed as i64);
    Ok(())
}

/// SMOVE source destination member
pub fn smove(call: &mut Call<'_>) -> Outcome {
    let (source, destination) = (call.key(1), call.key(2));
    let member = call.args.at(3);
    let limits = limits(call.state);
    let kinds = [&source, &destination].map(|key| call.state.peek(key).map(|entry| entry.kind()));
    if kinds[0].is_none() {
        // The destination may be anything then.
        call.reply().integer(0);
        return Ok(());
    }
    if kinds.into_iter().flatten().any(|kind| kind != Kind::Set) {
        return Err(WRONG_TYPE);
    }
    if source.name == destination.name {
        let found = call.state.view::<Set>(&source)?.is_some_and(|set| set.contains(member));
        call.reply().integer(i64::from(found));
        return Ok(());
    }
    let removed = call.state.edit(&source, |set: &mut Set| set.remove(member))?;
    let Some(removed) = removed.filter(|removed| removed.result) else {
        call.reply().integer(0);
        return Ok(());
    };
    changed(call, &source, "srem", 1, removed.emptied);
    let added = call.state.edit_or_create(&destination, |set: &mut Set| {
        set.expect_members(member, 1, &limits);
        set.insert(member, &limits)
    })?;
    if added.result {
        changed(call, &destination, "sadd", 1, false);
    }
    call.reply().integer(1);
    Ok(())
}
