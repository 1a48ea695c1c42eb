//! MSET and its variants: several keys at once, all or none.

use refrain_data::{Deadline, NewValue};

use super::{place, store};
use crate::call::{Call, Outcome};
use crate::commands::time_option::TimeUnit;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// MSET key value [key value ...]
pub fn mset(call: &mut Call<'_>) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(ErrorReply::arity("mset"));
    }
    for i in (1..call.args.len()).step_by(2) {
        let key = call.key(i);
        store(call, &key, call.args.new_value(i + 1), Deadline::Clear, "set");
    }
    call.reply().ok();
    Ok(())
}

/// MSETNX key value [key value ...]
pub fn msetnx(call: &mut Call<'_>) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(ErrorReply::arity("msetnx"));
    }
    for i in (1..call.args.len()).step_by(2) {
        let key = call.key(i);
        if call.state.peek(&key).is_some() {
            call.reply().integer(0);
            return Ok(());
        }
    }
    for i in (1..call.args.len()).step_by(2) {
        let key = call.key(i);
        store(call, &key, call.args.new_value(i + 1), Deadline::Clear, "set");
    }
    call.reply().integer(1);
    Ok(())
}

/// What follows the pairs of MSETEX.
#[derive(Default)]
struct Options<'a> {
    /// NX (false) or XX (true).
    must_exist: Option<bool>,
    keep_ttl: bool,
    expire: Option<(TimeUnit, &'a [u8])>,
}

impl<'a> Options<'a> {
    fn parse(call: &Call<'a>, from: usize) -> Result<Options<'a>, ErrorReply> {
        let mut options = Options::default();
        let mut i = from;
        while let Some(word) = call.args.get(i) {
            i += 1;
            if call.args.is(i - 1, "NX") && options.must_exist != Some(true) {
                options.must_exist = Some(false);
            } else if call.args.is(i - 1, "XX") && options.must_exist != Some(false) {
                options.must_exist = Some(true);
            } else if call.args.is(i - 1, "KEEPTTL") && options.expire.is_none() {
                options.keep_ttl = true;
            } else {
                let unit = TimeUnit::of(word).ok_or(SYNTAX)?;
                let time = call.args.get(i).ok_or(SYNTAX)?;
                // The same unit twice is no contradiction, as for SET.
                if options.keep_ttl || options.expire.is_some_and(|(other, _)| other != unit) {
                    return Err(SYNTAX);
                }
                options.expire = Some((unit, time));
                i += 1;
            }
        }
        Ok(options)
    }
}

/// MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub fn msetex(call: &mut Call<'_>) -> Outcome {
    const FIRST: usize = 2;
    const NUMBER: ErrorReply = ErrorReply::new("ERR invalid numkeys value");
    let count = call.integer(1).ok().and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0).ok_or(NUMBER)?;
    let count = usize::try_from(count).expect("it is positive");
    let pairs_end = count.checked_mul(2).map(|words| FIRST + words).filter(|end| *end <= call.args.len());
    let Some(pairs_end) = pairs_end else {
        return Err(ErrorReply::new("ERR wrong number of key-value pairs"));
    };
    let options = Options::parse(call, pairs_end)?;
    let deadline = match options.expire {
        Some((unit, time)) => Deadline::At(unit.positive_deadline(time, &call.state.now, "msetex")?),
        None if options.keep_ttl => Deadline::Keep,
        None => Deadline::Clear,
    };
    if let Some(must_exist) = options.must_exist {
        for i in (FIRST..pairs_end).step_by(2) {
            let key = call.key(i);
            if call.state.peek(&key).is_some() != must_exist {
                call.reply().integer(0);
                return Ok(());
            }
        }
    }
    for i in (FIRST..pairs_end).step_by(2) {
        let (key, value) = (call.key(i), call.args.at(i + 1));
        place(call, &key, NewValue::parse(value), deadline);
        // Redis tells of the two the other way round than for SET.
        if let Deadline::At(_) = deadline {
            call.state.notify(NotifyClass::GENERIC, "expire", &key);
        }
        call.state.notify(NotifyClass::STRING, "set", &key);
    }
    propagate(call, pairs_end, deadline);
    call.reply().integer(1);
    Ok(())
}

/// The same pairs, the conditions resolved and the time absolute.
fn propagate(call: &mut Call<'_>, pairs_end: usize, deadline: Deadline) {
    let mut digits = itoa::Buffer::new();
    let mut command: Vec<&[u8]> = (0..pairs_end).map(|i| call.args.at(i)).collect();
    match deadline {
        Deadline::At(at) => command.extend_from_slice(&[b"PXAT", digits.format(at).as_bytes()]),
        Deadline::Keep => command.push(b"KEEPTTL"),
        Deadline::Clear => {}
    }
    call.propagate(&command);
}
