//! INCREX: a counter with bounds and a time to live, in one step.

use refrain_data::{Deadline, Lookup, NewValue, Value};
use refrain_resp::{Encoder, parse_i64};

use super::counter::number;
use super::{store, string};
use crate::call::{Call, Key, Outcome};
use crate::commands::time_option::TimeUnit;
use crate::error::{ErrorReply, NOT_AN_INTEGER, SYNTAX};
use crate::long_double::LongDouble;
use crate::notify::NotifyClass;

/// INCREX's options as they are given; each at most once.
#[derive(Default)]
struct Options<'a> {
    by_integer: Option<&'a [u8]>,
    by_float: Option<&'a [u8]>,
    saturate: bool,
    lower: Option<&'a [u8]>,
    upper: Option<&'a [u8]>,
    expire: Option<(TimeUnit, &'a [u8])>,
    persist: bool,
    only_without_deadline: bool,
}

impl<'a> Options<'a> {
    fn parse(call: &Call<'a>) -> Result<Options<'a>, ErrorReply> {
        let mut options = Options::default();
        let mut i = 2;
        while let Some(word) = call.args.get(i) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let flag = [
                ("SATURATE", &mut options.saturate),
                ("PERSIST", &mut options.persist),
                ("ENX", &mut options.only_without_deadline),
            ]
            .into_iter()
            .find(|(name, _)| is(name));
            if let Some((_, flag)) = flag {
                if std::mem::replace(flag, true) {
                    return Err(SYNTAX);
                }
                i += 1;
                continue;
            }
            let operand = call.args.get(i + 1).ok_or(SYNTAX)?;
            i += 2;
            if let Some(unit) = TimeUnit::of(word) {
                if options.expire.replace((unit, operand)).is_some() {
                    return Err(SYNTAX);
                }
                continue;
            }
            let option = [
                ("BYINT", &mut options.by_integer),
                ("BYFLOAT", &mut options.by_float),
                ("LBOUND", &mut options.lower),
                ("UBOUND", &mut options.upper),
            ]
            .into_iter()
            .find(|(name, _)| is(name));
            let (_, option) = option.ok_or(SYNTAX)?;
            if option.replace(operand).is_some() {
                return Err(SYNTAX);
            }
        }
        let Options { by_integer, by_float, expire, persist, only_without_deadline, .. } = &options;
        if by_integer.is_some() && by_float.is_some() || *persist && (expire.is_some() || *only_without_deadline) {
            return Err(SYNTAX);
        }
        if *only_without_deadline && expire.is_none() {
            return Err(ErrorReply::new("ERR ENX flag requires an expiration"));
        }
        Ok(options)
    }
}

/// What INCREX counts in.
trait Number: Copy + Ord {
    const ZERO: Self;
    const MIN: Self;
    const MAX: Self;
    /// What makes a text no number of this kind.
    const NO_NUMBER: &'static str;
    /// The event of a change.
    const EVENT: &'static str;
    /// The increment that was applied is itself beyond all numbers.
    const APPLIED_OVERFLOW: ErrorReply;

    fn parse(text: &[u8]) -> Option<Self>;
    /// The number that an increment may be.
    fn increment(self) -> Result<Self, ErrorReply>;
    fn of_key(value: Value<'_>) -> Result<Self, ErrorReply>;
    fn is_negative(self) -> bool;
    fn checked_add(self, by: Self) -> Option<Self>;
    fn checked_sub(self, by: Self) -> Option<Self>;
    fn text(self) -> String;
    fn reply(self, reply: &mut Encoder<'_>);
    fn new_value<'a>(self, text: &'a str) -> NewValue<'a>;
}

impl Number for i64 {
    const ZERO: i64 = 0;
    const MIN: i64 = i64::MIN;
    const MAX: i64 = i64::MAX;
    const NO_NUMBER: &'static str = "is not an integer or out of range";
    const EVENT: &'static str = "incrby";
    const APPLIED_OVERFLOW: ErrorReply = ErrorReply::new("ERR applied increment would overflow");

    fn parse(text: &[u8]) -> Option<i64> {
        parse_i64(text)
    }
    fn increment(self) -> Result<i64, ErrorReply> {
        Ok(self)
    }
    fn of_key(value: Value<'_>) -> Result<i64, ErrorReply> {
        value.as_int().ok_or(NOT_AN_INTEGER)
    }
    fn is_negative(self) -> bool {
        self < 0
    }
    fn checked_add(self, by: i64) -> Option<i64> {
        i64::checked_add(self, by)
    }
    fn checked_sub(self, by: i64) -> Option<i64> {
        i64::checked_sub(self, by)
    }
    fn text(self) -> String {
        self.to_string()
    }
    fn reply(self, reply: &mut Encoder<'_>) {
        reply.integer(self);
    }
    fn new_value(self, _: &str) -> NewValue<'_> {
        NewValue::Int(self)
    }
}

impl Number for LongDouble {
    const ZERO: LongDouble = LongDouble::ZERO;
    const MIN: LongDouble = LongDouble::MIN;
    const MAX: LongDouble = LongDouble::MAX;
    const NO_NUMBER: &'static str = "is not a valid float";
    const EVENT: &'static str = "incrbyfloat";
    const APPLIED_OVERFLOW: ErrorReply = ErrorReply::new("ERR applied increment would be Infinity");

    fn parse(text: &[u8]) -> Option<LongDouble> {
        LongDouble::parse(text)
    }
    fn increment(self) -> Result<LongDouble, ErrorReply> {
        let refused = ErrorReply::new("ERR BYFLOAT increment cannot be Infinity");
        if self.is_infinite() { Err(refused) } else { Ok(self) }
    }
    fn of_key(value: Value<'_>) -> Result<LongDouble, ErrorReply> {
        let number = number(value)?;
        if number.is_infinite() { Err(ErrorReply::new("ERR value cannot be Infinity")) } else { Ok(number) }
    }
    fn is_negative(self) -> bool {
        LongDouble::is_negative(self)
    }
    fn checked_add(self, by: LongDouble) -> Option<LongDouble> {
        LongDouble::checked_add(self, by)
    }
    fn checked_sub(self, by: LongDouble) -> Option<LongDouble> {
        LongDouble::checked_sub(self, by)
    }
    fn text(self) -> String {
        self.to_text()
    }
    fn reply(self, reply: &mut Encoder<'_>) {
        reply.double_text(&self.to_text());
    }
    fn new_value<'a>(self, text: &'a str) -> NewValue<'a> {
        NewValue::Bytes(text.as_bytes())
    }
}

/// INCREX key [BYFLOAT f | BYINT n] [SATURATE] [LBOUND l] [UBOUND u] [EX s | PX ms | EXAT s | PXAT ms | PERSIST] [ENX]
pub fn increx(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call)?;
    if let Some(by) = options.by_float {
        count::<LongDouble>(call, &options, by)
    } else {
        count::<i64>(call, &options, options.by_integer.unwrap_or(b"1"))
    }
}

fn count<N: Number>(call: &mut Call<'_>, options: &Options<'_>, by: &[u8]) -> Outcome {
    let parse = |what: &str, text: &[u8]| {
        N::parse(text).ok_or_else(|| ErrorReply::owned(format!("ERR {what} {}", N::NO_NUMBER)))
    };
    let by = parse("Increment", by)?.increment()?;
    let lower = options.lower.map_or(Ok(N::MIN), |text| parse("LBOUND", text))?;
    let upper = options.upper.map_or(Ok(N::MAX), |text| parse("UBOUND", text))?;
    if lower > upper {
        return Err(ErrorReply::new("ERR LBOUND can't be greater than UBOUND"));
    }
    let deadline = match options.expire {
        Some((unit, text)) => Some(unit.positive_deadline(text, &call.state.now, "increx")?),
        None => None,
    };
    let key = call.key(1);
    let (old, old_deadline) = match call.state.write(&key) {
        Lookup::Occupied(found) => (N::of_key(string(found.entry())?)?, found.deadline()),
        Lookup::Vacant(_) => (N::ZERO, None),
    };
    let sum = old.checked_add(by);
    let inside = sum.filter(|sum| (lower..=upper).contains(sum));
    let new = match inside {
        Some(sum) => sum,
        None if options.saturate => {
            let limit = if by.is_negative() { N::MIN } else { N::MAX };
            sum.unwrap_or(limit).clamp(lower, upper)
        }
        None => {
            // Out of bounds nothing happens: neither to the value nor to its deadline.
            return reply(call, old, N::ZERO);
        }
    };
    let applied = new.checked_sub(old).ok_or(N::APPLIED_OVERFLOW)?;
    let change = match deadline {
        _ if options.persist => Deadline::Clear,
        Some(at) if !(options.only_without_deadline && old_deadline.is_some()) => Deadline::At(at),
        _ => Deadline::Keep,
    };
    apply(call, &key, new, old_deadline, change);
    reply(call, new, applied)
}

fn reply<N: Number>(call: &mut Call<'_>, value: N, applied: N) -> Outcome {
    let mut reply = call.reply();
    reply.array(2);
    value.reply(&mut reply);
    applied.reply(&mut reply);
    Ok(())
}

/// Stores the new value, tells of it, and propagates it as the SET (or DEL) that it is.
fn apply<N: Number>(call: &mut Call<'_>, key: &Key<'_>, new: N, old_deadline: Option<u64>, change: Deadline) {
    if let Deadline::At(at) = change
        && at <= call.state.deadlines_ms()
    {
        // The key would end at once; one that was not there is not made.
        if call.state.delete(key) {
            call.propagate(&[b"DEL", key.name]);
        }
        return;
    }
    let text = new.text();
    store(call, key, new.new_value(&text), change, N::EVENT);
    match change {
        Deadline::At(at) => {
            call.state.notify(NotifyClass::GENERIC, "expire", key);
            let mut digits = itoa::Buffer::new();
            call.propagate(&[b"SET", key.name, text.as_bytes(), b"PXAT", digits.format(at).as_bytes()]);
        }
        Deadline::Clear => {
            if old_deadline.is_some() {
                call.state.notify(NotifyClass::GENERIC, "persist", key);
            }
            call.propagate(&[b"SET", key.name, text.as_bytes()]);
        }
        Deadline::Keep => call.propagate(&[b"SET", key.name, text.as_bytes(), b"KEEPTTL"]),
    }
}
