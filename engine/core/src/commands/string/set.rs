//! SET in all its forms.

use refrain_data::{Deadline, Lookup};

use super::condition::Comparison;
use super::{reply_string, store, string};
use crate::call::{Call, Key, Outcome};
use crate::commands::time_option::TimeUnit;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// SET's options.
struct SetOptions<'a> {
    /// NX (false) or XX (true).
    must_exist: Option<bool>,
    comparison: Option<Comparison<'a>>,
    get: bool,
    keep_ttl: bool,
    expire: Option<(TimeUnit, &'a [u8])>,
}

impl<'a> SetOptions<'a> {
    fn parse(call: &Call<'a>) -> Result<SetOptions<'a>, ErrorReply> {
        let mut options = SetOptions { must_exist: None, comparison: None, get: false, keep_ttl: false, expire: None };
        let mut i = 3;
        while let Some(word) = call.args.get(i) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let operand = call.args.get(i + 1);
            if is("NX") || is("XX") {
                let must_exist = is("XX");
                if options.must_exist == Some(!must_exist) {
                    return Err(SYNTAX);
                }
                options.must_exist = Some(must_exist);
            } else if is("GET") {
                options.get = true;
            } else if is("KEEPTTL") && options.expire.is_none() {
                options.keep_ttl = true;
            } else if let Some(operand) = operand {
                i += 1;
                if let Some(unit) = TimeUnit::of(word) {
                    // The same unit twice is no contradiction to Redis: the last one counts.
                    if options.keep_ttl || options.expire.is_some_and(|(other, _)| other != unit) {
                        return Err(SYNTAX);
                    }
                    options.expire = Some((unit, operand));
                } else {
                    options.compare(Comparison::named(word, operand).ok_or(SYNTAX)?)?;
                }
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(options)
    }

    /// Adds a comparison. Redis takes NX and XX behind one and not before it, and the same one twice.
    fn compare(&mut self, comparison: Comparison<'a>) -> Result<(), ErrorReply> {
        let same_kind = |other: &Comparison<'_>| std::mem::discriminant(other) == std::mem::discriminant(&comparison);
        if self.must_exist.is_some() || !self.comparison.as_ref().is_none_or(same_kind) {
            return Err(SYNTAX);
        }
        self.comparison = Some(comparison);
        Ok(())
    }
}

/// SET key value [IFEQ v | IFNE v | IFDEQ d | IFDNE d] [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub fn set(call: &mut Call<'_>) -> Outcome {
    let (key, value) = (call.key(1), call.args.at(2));
    if call.args.len() == 3 {
        store(call, &key, call.args.new_value(2), Deadline::Clear, "set");
        call.reply().ok();
        return Ok(());
    }
    let options = SetOptions::parse(call)?;
    let deadline = match options.expire {
        Some((unit, text)) => Deadline::At(unit.positive_deadline(text, &call.state.now, "set")?),
        None if options.keep_ttl => Deadline::Keep,
        None => Deadline::Clear,
    };
    if options.get {
        // What GET would do: it counts as a hit or a miss.
        call.state.inspect(&key);
    }
    let compares = options.comparison.is_some();
    let slot = call.state.write(&key);
    let old = match &slot {
        Lookup::Occupied(found) => Some(found.entry()),
        Lookup::Vacant(_) => None,
    };
    let present = options.must_exist.is_none_or(|must| must == old.is_some());
    let old_entry = old;
    // The old value is looked at only when the options ask for it: a plain SET replaces any type.
    let (holds, old) = if options.get || options.comparison.is_some() {
        let old = old.map(string).transpose()?;
        let as_wanted = match options.comparison {
            Some(comparison) if present => comparison.holds(old)?,
            _ => true,
        };
        (present && as_wanted, options.get.then_some(old))
    } else {
        (present, None)
    };
    match old {
        Some(_) => match old_entry {
            Some(old) => reply_string(call.session, old)?,
            None => call.session.reply().null(),
        },
        None if holds => call.session.reply().ok(),
        None => call.session.reply().null(),
    }
    let was_compared = compares && present && old_entry.is_some();
    if !holds {
        call.state.stats.keyspace_hits += u64::from(was_compared);
        return Ok(());
    }
    let new = match slot {
        Lookup::Occupied(mut found) => {
            found.set_value(call.args.new_value(2), deadline);
            false
        }
        Lookup::Vacant(free) => {
            free.insert(call.args.new_value(2), deadline);
            true
        }
    };
    call.state.stats.keyspace_hits += u64::from(was_compared);
    if new {
        call.state.notify(NotifyClass::NEW, "new", &key);
    }
    call.state.modified(&key);
    call.state.notify(NotifyClass::STRING, "set", &key);
    propagate_set(call, &key, value, deadline);
    Ok(())
}

/// What a SET leaves when all its conditions are resolved; and the event of its deadline.
fn propagate_set(call: &mut Call<'_>, key: &Key<'_>, value: &[u8], deadline: Deadline) {
    match deadline {
        Deadline::At(at) => {
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"SET", key.name, value, b"PXAT", digits.format(at).as_bytes()]);
            call.state.notify(NotifyClass::GENERIC, "expire", key);
        }
        Deadline::Keep => call.propagate(&[b"SET", key.name, value, b"KEEPTTL"]),
        Deadline::Clear => call.propagate(&[b"SET", key.name, value]),
    }
}

/// SETNX key value
pub fn setnx(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let free = matches!(call.state.write(&key), Lookup::Vacant(_));
    if free {
        store(call, &key, call.args.new_value(2), Deadline::Clear, "set");
    }
    call.reply().integer(i64::from(free));
    Ok(())
}

/// SETEX key seconds value
pub fn setex(call: &mut Call<'_>) -> Outcome {
    set_with_time_to_live(call, TimeUnit::EX)
}

/// PSETEX key milliseconds value
pub fn psetex(call: &mut Call<'_>) -> Outcome {
    set_with_time_to_live(call, TimeUnit::PX)
}

fn set_with_time_to_live(call: &mut Call<'_>, unit: TimeUnit) -> Outcome {
    let (key, value) = (call.key(1), call.args.at(3));
    let deadline = Deadline::At(unit.positive_deadline(call.args.at(2), &call.state.now, call.command.name)?);
    store(call, &key, call.args.new_value(3), deadline, "set");
    propagate_set(call, &key, value, deadline);
    call.reply().ok();
    Ok(())
}

/// GETSET key value
pub fn getset(call: &mut Call<'_>) -> Outcome {
    let (key, value) = (call.key(1), call.args.at(2));
    match call.state.read(&key) {
        Some(entry) => reply_string(call.session, entry)?,
        None => call.session.reply().null(),
    }
    store(call, &key, call.args.new_value(2), Deadline::Clear, "set");
    propagate_set(call, &key, value, Deadline::Clear);
    Ok(())
}
