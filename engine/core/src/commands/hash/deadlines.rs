//! Deadlines of fields: HEXPIRE in its four units, HPERSIST, and what reads deadlines back.
//!
//! A deadline that has come already removes the field at once. Changes reach the propagation stream as HPEXPIREAT, HPERSIST
//! or HDEL, with the fields that they were made of.

use std::ops::Range;

use refrain_data::Hash;

use super::options::{Condition, condition_and_fields, deadline, trailing_fields};
use super::write::say_removed;
use super::{change, exists_as_hash};
use crate::call::{Call, Key, Outcome};
use crate::commands::time_option::TimeUnit;
use crate::error::ErrorReply;
use crate::notify::NotifyClass;

/// There is no such field.
const NO_FIELD: i64 = -2;
/// It has no deadline.
const NO_DEADLINE: i64 = -1;
/// The condition did not hold.
const NOT_SET: i64 = 0;
/// The deadline was set, or taken away.
const SET: i64 = 1;
/// The deadline had come: the field is gone.
const REMOVED: i64 = 2;

fn set_deadlines(call: &mut Call<'_>, unit: TimeUnit) -> Outcome {
    let key = call.key(1);
    exists_as_hash(call, &key)?;
    let at = deadline(call, unit, call.args.at(2))?;
    let (condition, names) = condition_and_fields(call)?;
    let outcomes = apply(call, &key, names.clone(), at, condition)?;
    let mut reply = call.session.reply();
    reply.array(names.len());
    for i in 0..names.len() {
        reply.integer(outcomes.get(i).copied().unwrap_or(NO_FIELD));
    }
    Ok(())
}

/// Sets the deadlines of fields and says so. One outcome a field; none at all if the hash is missing.
fn apply(
    call: &mut Call<'_>,
    key: &Key<'_>,
    names: Range<usize>,
    at: u64,
    condition: Option<Condition>,
) -> Result<Vec<i64>, ErrorReply> {
    let (args, now_ms) = (call.args, call.state.deadlines_ms());
    let changed = change(call, key, false, |fields| {
        fields.expect_deadlines();
        let mut outcomes = Vec::with_capacity(names.len());
        for name in names.clone().map(|i| args.at(i)) {
            let outcome = match fields.get(name).map(|found| found.deadline) {
                None => NO_FIELD,
                Some(current) if !condition.is_none_or(|condition| condition.holds(current, at)) => NOT_SET,
                Some(_) if at <= now_ms => {
                    fields.remove(name);
                    REMOVED
                }
                Some(_) => {
                    fields.set_deadline(name, Some(at));
                    SET
                }
            };
            outcomes.push(outcome);
        }
        outcomes
    })?;
    let Some(changed) = changed else { return Ok(Vec::new()) };
    let outcomes = changed.result;
    let touched: Vec<&[u8]> =
        names.zip(&outcomes).filter(|(_, outcome)| **outcome > NOT_SET).map(|(i, _)| args.at(i)).collect();
    if touched.is_empty() {
        return Ok(outcomes);
    }
    if at <= now_ms {
        say_removed(call, key, changed.emptied);
        propagate(call, &[b"HDEL", key.name], &touched);
    } else {
        say_deadlines_set(call, key, at, &touched);
    }
    Ok(outcomes)
}

/// What follows when a command has given fields a deadline.
pub(super) fn say_deadlines_set(call: &mut Call<'_>, key: &Key<'_>, at: u64, names: &[&[u8]]) {
    call.state.modified(key);
    call.state.notify(NotifyClass::HASH, "hexpire", key);
    let (mut digits, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (at, count) = (digits.format(at).as_bytes(), count.format(names.len()).as_bytes());
    propagate(call, &[b"HPEXPIREAT", key.name, at, b"FIELDS", count], names);
}

/// Puts a command that ends with fields into the propagation stream, in the place of the one that came.
pub(super) fn propagate(call: &mut Call<'_>, head: &[&[u8]], rest: &[&[u8]]) {
    call.propagate(&[head, rest].concat());
}

/// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub fn hexpire(call: &mut Call<'_>) -> Outcome {
    set_deadlines(call, TimeUnit::EX)
}

/// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub fn hpexpire(call: &mut Call<'_>) -> Outcome {
    set_deadlines(call, TimeUnit::PX)
}

/// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub fn hexpireat(call: &mut Call<'_>) -> Outcome {
    set_deadlines(call, TimeUnit::EXAT)
}

/// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub fn hpexpireat(call: &mut Call<'_>) -> Outcome {
    set_deadlines(call, TimeUnit::PXAT)
}

/// HPERSIST key FIELDS numfields field [field ...]
pub fn hpersist(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    exists_as_hash(call, &key)?;
    let names = trailing_fields(call, 2)?;
    let changed = change(call, &key, false, |fields| {
        let mut persist = |i| match fields.get(args.at(i)).map(|found| found.deadline) {
            None => NO_FIELD,
            Some(None) => NO_DEADLINE,
            Some(Some(_)) => {
                fields.set_deadline(args.at(i), None);
                SET
            }
        };
        names.clone().map(&mut persist).collect::<Vec<i64>>()
    })?;
    let outcomes = changed.map_or(Vec::new(), |changed| changed.result);
    if outcomes.contains(&SET) {
        call.state.modified(&key);
        call.state.notify(NotifyClass::HASH, "hpersist", &key);
    }
    let mut reply = call.session.reply();
    reply.array(names.len());
    for i in 0..names.len() {
        reply.integer(outcomes.get(i).copied().unwrap_or(NO_FIELD));
    }
    Ok(())
}

/// Replies with what `show` makes of each field's deadline and the present moment.
fn reply_deadlines(call: &mut Call<'_>, show: impl Fn(u64, u64) -> u64) -> Outcome {
    let key = call.key(1);
    let (now, now_ms) = (call.state.fields_now(), call.state.now.unix_ms());
    call.state.view::<Hash>(&key)?;
    let names = trailing_fields(call, 2)?;
    let hash = call.state.peek(&key).and_then(|entry| entry.view::<Hash>());
    let mut reply = call.session.reply();
    reply.array(names.len());
    for name in names.map(|i| call.args.at(i)) {
        let found = hash.and_then(|hash| hash.get(name)).filter(|found| !found.is_due(now));
        reply.integer(match found.map(|found| found.deadline) {
            None => NO_FIELD,
            Some(None) => NO_DEADLINE,
            Some(Some(at)) => i64::try_from(show(at, now_ms)).unwrap_or(i64::MAX),
        });
    }
    Ok(())
}

/// HTTL key FIELDS numfields field [field ...]: seconds, rounded up.
pub fn httl(call: &mut Call<'_>) -> Outcome {
    reply_deadlines(call, |at, now| at.saturating_sub(now).div_ceil(1000))
}

/// HPTTL key FIELDS numfields field [field ...]
pub fn hpttl(call: &mut Call<'_>) -> Outcome {
    reply_deadlines(call, |at, now| at.saturating_sub(now))
}

/// HEXPIRETIME key FIELDS numfields field [field ...]: seconds, rounded up.
pub fn hexpiretime(call: &mut Call<'_>) -> Outcome {
    reply_deadlines(call, |at, _| at.div_ceil(1000))
}

/// HPEXPIRETIME key FIELDS numfields field [field ...]
pub fn hpexpiretime(call: &mut Call<'_>) -> Outcome {
    reply_deadlines(call, |at, _| at)
}
