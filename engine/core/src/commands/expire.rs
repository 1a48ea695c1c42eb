//! Deadlines of keys: EXPIRE in its four units, with conditions, and what reads them back.
//!
//! A deadline is kept in unix milliseconds. One that has come already deletes the key at once; every change reaches the
//! propagation stream as PEXPIREAT, PERSIST or DEL.

use refrain_data::Lookup;

use super::time_option::TimeUnit;
use crate::call::{Call, Outcome};
use crate::error::ErrorReply;
use crate::notify::NotifyClass;

/// When EXPIRE acts, given the present deadline.
#[derive(Debug, Clone, Copy, Default)]
struct Conditions {
    without_deadline: bool,
    with_deadline: bool,
    greater: bool,
    less: bool,
}

impl Conditions {
    fn parse(call: &Call<'_>) -> Result<Conditions, ErrorReply> {
        let mut conditions = Conditions::default();
        for i in 3..call.args.len() {
            if call.args.is(i, "NX") {
                conditions.without_deadline = true;
            } else if call.args.is(i, "XX") {
                conditions.with_deadline = true;
            } else if call.args.is(i, "GT") {
                conditions.greater = true;
            } else if call.args.is(i, "LT") {
                conditions.less = true;
            } else {
                return Err(ErrorReply::quoting("ERR Unsupported option ", call.args.at(i), ""));
            }
        }
        let Conditions { without_deadline, with_deadline, greater, less } = conditions;
        if without_deadline && (with_deadline || greater || less) {
            return Err(ErrorReply::new("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if greater && less {
            return Err(ErrorReply::new("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// No deadline counts as one that never comes.
    fn hold(&self, current: Option<u64>, new: i64) -> bool {
        let current = current.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        !(self.without_deadline && current.is_some()
            || self.with_deadline && current.is_none()
            || self.greater && current.is_none_or(|at| new <= at)
            || self.less && current.is_some_and(|at| new >= at))
    }
}

fn set_deadline(call: &mut Call<'_>, unit: TimeUnit) -> Outcome {
    let key = call.key(1);
    let conditions = Conditions::parse(call)?;
    let deadline = unit.deadline(call.args.at(2), &call.state.now, call.command.name)?;
    let now_ms = call.state.deadlines_ms();
    let Lookup::Occupied(mut found) = call.state.write(&key) else {
        call.reply().integer(0);
        return Ok(());
    };
    if !conditions.hold(found.deadline(), deadline) {
        call.reply().integer(0);
        return Ok(());
    }
    match u64::try_from(deadline) {
        Ok(at) if at > now_ms => {
            found.set_deadline(Some(at));
            call.state.modified(&key);
            call.state.notify(NotifyClass::GENERIC, "expire", &key);
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"PEXPIREAT", key.name, digits.format(at).as_bytes()]);
        }
        _ => {
            found.remove();
            call.state.modified(&key);
            call.state.notify(NotifyClass::GENERIC, "del", &key);
            call.propagate(&[b"DEL", key.name]);
        }
    }
    call.reply().integer(1);
    Ok(())
}

/// EXPIRE key seconds [NX | XX | GT | LT]
pub fn expire(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, TimeUnit::EX)
}

/// PEXPIRE key milliseconds [NX | XX | GT | LT]
pub fn pexpire(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, TimeUnit::PX)
}

/// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
pub fn expireat(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, TimeUnit::EXAT)
}

/// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
pub fn pexpireat(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, TimeUnit::PXAT)
}

/// Replies with what `show` makes of the deadline: -2 without a key, -1 without a deadline.
fn reply_deadline(call: &mut Call<'_>, show: impl Fn(u64, u64) -> u64) -> Outcome {
    let key = call.key(1);
    let now_ms = call.state.now.unix_ms();
    let shown = match call.state.inspect(&key) {
        None => -2,
        Some(entry) => match entry.deadline() {
            None => -1,
            Some(at) => i64::try_from(show(at, now_ms)).unwrap_or(i64::MAX),
        },
    };
    call.reply().integer(shown);
    Ok(())
}

/// TTL key: seconds, rounded to the nearest.
pub fn ttl(call: &mut Call<'_>) -> Outcome {
    reply_deadline(call, |at, now| (at.saturating_sub(now) + 500) / 1000)
}

/// PTTL key
pub fn pttl(call: &mut Call<'_>) -> Outcome {
    reply_deadline(call, |at, now| at.saturating_sub(now))
}

/// EXPIRETIME key: seconds, rounded to the nearest.
pub fn expiretime(call: &mut Call<'_>) -> Outcome {
    reply_deadline(call, |at, _| at.saturating_add(500) / 1000)
}

/// PEXPIRETIME key
pub fn pexpiretime(call: &mut Call<'_>) -> Outcome {
    reply_deadline(call, |at, _| at)
}

/// PERSIST key
pub fn persist(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let removed = match call.state.write(&key) {
        Lookup::Occupied(mut found) if found.deadline().is_some() => {
            found.set_deadline(None);
            true
        }
        _ => false,
    };
    if removed {
        call.state.modified(&key);
        call.state.notify(NotifyClass::GENERIC, "persist", &key);
    }
    call.reply().integer(i64::from(removed));
    Ok(())
}
