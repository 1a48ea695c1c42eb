//! HSET and its like, and HDEL.

use refrain_data::Deadline;

use super::{Changed, change};
use crate::call::{Call, Key, Outcome};
use crate::error::ErrorReply;
use crate::notify::NotifyClass;

/// Sets the fields that follow the key, which takes their deadlines away. Returns how many are new.
fn set_pairs(call: &mut Call<'_>) -> Result<i64, ErrorReply> {
    if !call.args.len().is_multiple_of(2) {
        return Err(ErrorReply::arity(call.command.name));
    }
    let (key, args) = (call.key(1), call.args);
    let deadline = if call.state.hset_keeps_deadlines { Deadline::Keep } else { Deadline::Clear };
    let changed = change(call, &key, true, |fields| {
        let mut new = 0;
        for i in (2..args.len()).step_by(2) {
            new += i64::from(fields.set(args.at(i), args.at(i + 1), deadline));
        }
        new
    })?;
    call.state.modified(&key);
    call.state.notify(NotifyClass::HASH, "hset", &key);
    Ok(changed.map_or(0, |changed| changed.result))
}

/// HSET key field value [field value ...]
pub fn hset(call: &mut Call<'_>) -> Outcome {
    let new = set_pairs(call)?;
    call.reply().integer(new);
    Ok(())
}

/// HMSET key field value [field value ...]
pub fn hmset(call: &mut Call<'_>) -> Outcome {
    set_pairs(call)?;
    call.reply().ok();
    Ok(())
}

/// HSETNX key field value
pub fn hsetnx(call: &mut Call<'_>) -> Outcome {
    let (key, name, value) = (call.key(1), call.args.at(2), call.args.at(3));
    let changed = change(call, &key, true, |fields| {
        let free = fields.get(name).is_none();
        if free {
            fields.set(name, value, Deadline::Clear);
        }
        free
    })?;
    let set = changed.is_some_and(|changed| changed.result);
    if set {
        call.state.modified(&key);
        call.state.notify(NotifyClass::HASH, "hset", &key);
    }
    call.reply().integer(i64::from(set));
    Ok(())
}

/// HDEL key field [field ...]
pub fn hdel(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    let changed = change(call, &key, false, |fields| {
        args.iter().skip(2).map(|name| i64::from(fields.remove(name))).sum::<i64>()
    })?;
    let mut removed = 0;
    if let Some(Changed { result, emptied }) = changed
        && result > 0
    {
        removed = result;
        say_removed(call, &key, emptied);
    }
    call.reply().integer(removed);
    Ok(())
}

/// What follows when a command has removed fields.
pub(super) fn say_removed(call: &mut Call<'_>, key: &Key<'_>, emptied: bool) {
    call.state.modified(key);
    call.state.notify(NotifyClass::HASH, "hdel", key);
    if emptied {
        call.state.notify(NotifyClass::GENERIC, "del", key);
    }
}
