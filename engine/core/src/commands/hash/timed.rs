//! HGETEX, HSETEX, HGETDEL: what is done to a value, and to its deadline or to the field, in one step.

use refrain_data::{Deadline, Value};

use super::deadlines::{propagate, say_deadlines_set};
use super::options::{Expiration, Form, Options, trailing_fields};
use super::write::say_removed;
use super::{Changed, change, exists_as_hash};
use crate::call::{Call, Outcome};
use crate::notify::NotifyClass;

/// Values as they are gathered: beyond what the client is to get they are not.
struct Values {
    values: Vec<Option<Vec<u8>>>,
    room: usize,
}

impl Values {
    fn new(call: &Call<'_>) -> Values {
        Values { values: Vec::new(), room: call.reply_end().saturating_sub(call.session.output.len()) }
    }

    fn push(&mut self, value: Option<Value<'_>>) {
        let kept = value.filter(|_| self.room > 0).map(|value| value.to_vec());
        self.room = self.room.saturating_sub(kept.as_ref().map_or(0, Vec::len));
        self.values.push(kept);
    }

    /// In the order in which they were asked for; nothing at all if the hash is missing.
    fn reply(&self, call: &mut Call<'_>, asked: usize) {
        let mut reply = call.session.reply();
        reply.array(asked);
        for i in 0..asked {
            match self.values.get(i) {
                Some(Some(value)) => reply.bulk(value),
                _ => reply.null(),
            }
        }
    }
}

/// HGETDEL key FIELDS numfields field [field ...]
pub fn hgetdel(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    exists_as_hash(call, &key)?;
    let names = trailing_fields(call, 2)?;
    let mut values = Values::new(call);
    let changed = change(call, &key, false, |fields| {
        let mut take = |name: &&[u8]| {
            values.push(fields.get(name).map(|found| found.value));
            fields.remove(name)
        };
        names.clone().map(|i| args.at(i)).filter(|name| take(name)).collect::<Vec<_>>()
    })?;
    if let Some(Changed { result: removed, emptied }) = changed
        && !removed.is_empty()
    {
        say_removed(call, &key, emptied);
        propagate(call, &[b"HDEL", key.name], &removed);
    }
    values.reply(call, names.len());
    Ok(())
}

/// HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS numfields field [field ...]
pub fn hgetex(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    exists_as_hash(call, &key)?;
    let Options { expiration, fields: names, .. } = Options::parse(call, Form::Get)?;
    let now_ms = call.state.deadlines_ms();
    let mut values = Values::new(call);
    let changed = change(call, &key, false, |fields| {
        if expiration.is_some() {
            fields.expect_deadlines();
        }
        let mut touched = Vec::new();
        for name in names.clone().map(|i| args.at(i)) {
            let Some(found) = fields.get(name) else {
                values.push(None);
                continue;
            };
            let had_deadline = found.deadline.is_some();
            values.push(Some(found.value));
            let acts = match expiration {
                Some(Expiration::At(at)) if at <= now_ms => fields.remove(name),
                Some(Expiration::At(at)) => fields.set_deadline(name, Some(at)),
                Some(Expiration::Persist) => had_deadline && fields.set_deadline(name, None),
                Some(Expiration::Keep) | None => false,
            };
            if acts {
                touched.push(name);
            }
        }
        touched
    })?;
    if let Some(Changed { result: touched, emptied }) = changed {
        match expiration {
            _ if touched.is_empty() => {}
            Some(Expiration::At(at)) if at <= now_ms => {
                say_removed(call, &key, emptied);
                propagate(call, &[b"HDEL", key.name], &touched);
            }
            Some(Expiration::At(at)) => say_deadlines_set(call, &key, at, &touched),
            _ => {
                call.state.modified(&key);
                call.state.notify(NotifyClass::HASH, "hpersist", &key);
                let mut count = itoa::Buffer::new();
                let count = count.format(touched.len()).as_bytes();
                propagate(call, &[b"HPERSIST", key.name, b"FIELDS", count], &touched);
            }
        }
    }
    values.reply(call, names.len());
    Ok(())
}

/// HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS numfields field value [field value ...]
pub fn hsetex(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    let Options { expiration, must_exist, fields: pairs } = Options::parse(call, Form::Set)?;
    let existed = exists_as_hash(call, &key)?;
    let now_ms = call.state.deadlines_ms();
    let (deadline, is_past) = match expiration {
        Some(Expiration::At(at)) => (Deadline::At(at), at <= now_ms),
        Some(Expiration::Keep) => (Deadline::Keep, false),
        Some(Expiration::Persist) | None => (Deadline::Clear, false),
    };
    let changed = change(call, &key, true, |fields| {
        let names = || pairs.clone().step_by(2).map(|i| args.at(i));
        if must_exist.is_some_and(|must| names().any(|name| fields.get(name).is_some() != must)) {
            return false;
        }
        if matches!(deadline, Deadline::At(_)) {
            fields.expect_deadlines();
        }
        for i in pairs.clone().step_by(2) {
            if is_past {
                fields.remove(args.at(i));
            } else {
                fields.set(args.at(i), args.at(i + 1), deadline);
            }
        }
        true
    })?;
    let Some(Changed { result: true, emptied }) = changed else {
        call.reply().integer(0);
        return Ok(());
    };
    call.state.modified(&key);
    if is_past && !existed {
        // It was there for a moment.
        call.state.notify(NotifyClass::NEW, "new", &key);
    }
    call.state.notify(NotifyClass::HASH, "hset", &key);
    let arguments: Vec<&[u8]> = pairs.clone().map(|i| args.at(i)).collect();
    let (mut digits, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let count = count.format(arguments.len() / 2).as_bytes();
    match expiration {
        Some(Expiration::At(_)) if is_past => {
            call.state.notify(NotifyClass::HASH, "hdel", &key);
            if emptied || !existed {
                call.state.notify(NotifyClass::GENERIC, "del", &key);
            }
            let names: Vec<&[u8]> = arguments.iter().step_by(2).copied().collect();
            propagate(call, &[b"HDEL", key.name], &names);
        }
        Some(Expiration::At(at)) => {
            call.state.notify(NotifyClass::HASH, "hexpire", &key);
            let at = digits.format(at).as_bytes();
            propagate(call, &[b"HSETEX", key.name, b"PXAT", at, b"FIELDS", count], &arguments);
        }
        Some(Expiration::Keep) => propagate(call, &[b"HSETEX", key.name, b"KEEPTTL", b"FIELDS", count], &arguments),
        Some(Expiration::Persist) | None => propagate(call, &[b"HSET", key.name], &arguments),
    }
    call.reply().integer(1);
    Ok(())
}
