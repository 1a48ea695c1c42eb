//! GET and the commands that do something to the key while they return its value.

use refrain_data::Lookup;

use super::{reply_string, string};
use crate::call::{Call, Outcome};
use crate::commands::time_option::TimeUnit;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// GET key
pub fn get(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    match call.state.read(&key) {
        Some(entry) => reply_string(call.session, entry)?,
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
        match call.state.read(&key).filter(|entry| string(*entry).is_ok()) {
            Some(entry) => reply_string(call.session, entry)?,
            None => call.session.reply().null(),
        }
        if !call.reply_may_grow() {
            break;
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

/// GETDEL key
pub fn getdel(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    match call.state.read(&key) {
        Some(entry) => reply_string(call.session, entry)?,
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
    let now_ms = call.state.deadlines_ms();
    if let Lookup::Occupied(mut found) = call.state.write(&key) {
        reply_string(call.session, found.entry())?;
        match deadline {
            Some(Some(at)) if at <= now_ms => found.remove(),
            Some(new) => found.set_deadline(new),
            None => {}
        }
    }
    match deadline {
        Some(Some(at)) if at <= now_ms => {
            call.state.modified(&key);
            call.state.notify(NotifyClass::GENERIC, "del", &key);
            call.propagate(&[b"DEL", key.name]);
        }
        Some(Some(at)) => {
            call.state.modified(&key);
            call.state.notify(NotifyClass::GENERIC, "expire", &key);
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"PEXPIREAT", key.name, digits.format(at).as_bytes()]);
        }
        Some(None) if had_deadline => {
            call.state.modified(&key);
            call.state.notify(NotifyClass::GENERIC, "persist", &key);
            call.propagate(&[b"PERSIST", key.name]);
        }
        _ => {}
    }
    Ok(())
}
