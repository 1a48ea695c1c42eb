//! What the commands on deadlines of fields take: `FIELDS n field …`, times, conditions. In the order and with the words in
//! which Redis 8 refuses them.

use std::ops::Range;

use refrain_resp::parse_i64;

use crate::call::Call;
use crate::commands::time_option::TimeUnit;
use crate::error::{ErrorReply, NOT_AN_INTEGER};

/// The latest deadline that a field may have, in Unix milliseconds: as Redis has it, in the year 4199.
const DEADLINE_MAX: u64 = (1 << 46) - 1;

const TOO_FEW: ErrorReply = ErrorReply::new("ERR wrong number of arguments");
const FIELDS_TWICE: ErrorReply = ErrorReply::new("ERR FIELDS keyword specified multiple times");
const FIELDS_MISSING: ErrorReply = ErrorReply::new("ERR missing FIELDS argument");

/// A field's deadline, in Unix milliseconds, which may have come.
pub(super) fn deadline(call: &Call<'_>, unit: TimeUnit, text: &[u8]) -> Result<u64, ErrorReply> {
    const NEGATIVE: ErrorReply = ErrorReply::new("ERR invalid expire time, must be >= 0");
    if parse_i64(text).ok_or(NOT_AN_INTEGER)? < 0 {
        return Err(NEGATIVE);
    }
    let deadline = unit.deadline(text, &call.state.now, call.command.name)?;
    let deadline = u64::try_from(deadline).ok().filter(|at| *at <= DEADLINE_MAX);
    deadline.ok_or_else(|| ErrorReply::invalid_expire(call.command.name))
}

/// Where the fields are that follow `FIELDS` at `at` and end the command.
pub(super) fn trailing_fields(call: &Call<'_>, at: usize) -> Result<Range<usize>, ErrorReply> {
    const MISPLACED: ErrorReply =
        ErrorReply::new("ERR Mandatory argument FIELDS is missing or not at the right position");
    const NOT_POSITIVE: ErrorReply = ErrorReply::new("ERR Number of fields must be a positive integer");
    const MISCOUNTED: ErrorReply = ErrorReply::new("ERR The `numfields` parameter must match the number of arguments");
    if !call.args.is(at, "FIELDS") {
        return Err(MISPLACED);
    }
    let count = parse_i64(call.args.at(at + 1)).and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
    let fields = at + 2..call.args.len();
    if count.ok_or(NOT_POSITIVE)? != fields.len() as u64 {
        return Err(MISCOUNTED);
    }
    Ok(fields)
}

/// Where the fields are that follow `FIELDS` at `at` among other options, `width` arguments each.
fn fields_among(call: &Call<'_>, at: usize, width: usize, invalid: ErrorReply) -> Result<Range<usize>, ErrorReply> {
    let count = parse_i64(call.args.at(at + 1)).and_then(|count| i32::try_from(count).ok()).filter(|count| *count > 0);
    let count = usize::try_from(count.ok_or(invalid)?).expect("a positive number");
    let start = at + 2;
    if count > (call.args.len() - start) / width {
        return Err(TOO_FEW);
    }
    Ok(start..start + count * width)
}

fn unknown(word: &[u8]) -> ErrorReply {
    ErrorReply::quoting("ERR unknown argument: ", word, "")
}

/// When HEXPIRE acts on a field, given its present deadline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    WithoutDeadline,
    WithDeadline,
    Later,
    Earlier,
}

impl Condition {
    fn named(word: &[u8]) -> Option<Condition> {
        [
            ("NX", Condition::WithoutDeadline),
            ("XX", Condition::WithDeadline),
            ("GT", Condition::Later),
            ("LT", Condition::Earlier),
        ]
        .into_iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, condition)| condition)
    }

    /// No deadline counts as one that never comes.
    pub(super) fn holds(self, current: Option<u64>, new: u64) -> bool {
        match self {
            Condition::WithoutDeadline => current.is_none(),
            Condition::WithDeadline => current.is_some(),
            Condition::Later => current.is_some_and(|at| new > at),
            Condition::Earlier => current.is_none_or(|at| new < at),
        }
    }
}

/// HEXPIRE's arguments after the time, in any order.
pub(super) fn condition_and_fields(call: &Call<'_>) -> Result<(Option<Condition>, Range<usize>), ErrorReply> {
    const SEVERAL: ErrorReply = ErrorReply::new("ERR Multiple condition flags specified");
    const INCOMPLETE: ErrorReply = ErrorReply::new("ERR FIELDS requires at least numfields and one field argument");
    const NO_COUNT: ErrorReply = ErrorReply::new("ERR Parameter `numFields` should be greater than 0");
    let (mut condition, mut fields) = (None, None);
    let mut i = 3;
    while let Some(word) = call.args.get(i) {
        if let Some(named) = Condition::named(word) {
            if condition.is_some_and(|other| other != named) {
                return Err(SEVERAL);
            }
            condition = Some(named);
            i += 1;
        } else if word.eq_ignore_ascii_case(b"FIELDS") {
            if fields.is_some() {
                return Err(FIELDS_TWICE);
            }
            if i + 2 >= call.args.len() {
                return Err(INCOMPLETE);
            }
            let found = fields_among(call, i, 1, NO_COUNT)?;
            i = found.end;
            fields = Some(found);
        } else {
            return Err(unknown(word));
        }
    }
    Ok((condition, fields.ok_or(FIELDS_MISSING)?))
}

/// What HGETEX and HSETEX do to deadlines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiration {
    At(u64),
    Persist,
    Keep,
}

/// Which of the two commands is parsed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// HGETEX: names alone.
    Get,
    /// HSETEX: names and values.
    Set,
}

/// Arguments of HGETEX and HSETEX.
pub(super) struct Options {
    pub(super) expiration: Option<Expiration>,
    /// FXX (true) or FNX.
    pub(super) must_exist: Option<bool>,
    pub(super) fields: Range<usize>,
}

impl Options {
    pub(super) fn parse(call: &Call<'_>, form: Form) -> Result<Options, ErrorReply> {
        const FOREIGN: ErrorReply = ErrorReply::new("ERR unknown argument");
        const NO_TIME: ErrorReply = ErrorReply::new("ERR missing expire time");
        const NO_COUNT: ErrorReply = ErrorReply::new("ERR invalid number of fields");
        const BOTH: ErrorReply = ErrorReply::new("ERR Only one of FXX or FNX arguments can be specified");
        let several = ErrorReply::new(match form {
            Form::Get => "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified",
            Form::Set => "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        });
        let (mut expiration, mut must_exist, mut fields) = (None, None, None);
        let mut i = 2;
        while let Some(word) = call.args.get(i) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            i += 1;
            if is("FIELDS") {
                if fields.is_some() {
                    return Err(FIELDS_TWICE);
                }
                match call.args.len() - i {
                    0 => return Err(ErrorReply::arity(call.command.name)),
                    1 => return Err(TOO_FEW),
                    _ => {}
                }
                let width = if form == Form::Get { 1 } else { 2 };
                let found = fields_among(call, i - 1, width, NO_COUNT)?;
                i = found.end;
                fields = Some(found);
            } else if let Some(unit) = TimeUnit::of(word) {
                if expiration.is_some() {
                    return Err(several);
                }
                let text = call.args.get(i).ok_or(NO_TIME)?;
                expiration = Some(Expiration::At(deadline(call, unit, text)?));
                i += 1;
            } else if is("PERSIST") || is("KEEPTTL") {
                if is("PERSIST") != (form == Form::Get) {
                    return Err(FOREIGN);
                }
                if expiration.is_some() {
                    return Err(several);
                }
                expiration = Some(if form == Form::Get { Expiration::Persist } else { Expiration::Keep });
            } else if is("FNX") || is("FXX") {
                if form == Form::Get {
                    return Err(FOREIGN);
                }
                if must_exist.is_some() {
                    return Err(BOTH);
                }
                must_exist = Some(is("FXX"));
            } else {
                return Err(unknown(word));
            }
        }
        Ok(Options { expiration, must_exist, fields: fields.ok_or(FIELDS_MISSING)? })
    }
}
