//! LPOP and RPOP, and LMPOP, which pops from the first list that there is.

use std::ops::Range;

use refrain_data::{List, ListEnd as End};
use refrain_resp::parse_i64;

use super::{end_of, limits, must_be_list, popped, positive, reply_element, shortened};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};

/// Takes one element from a list and replies with it. False, without a reply, if the key is missing.
#[inline]
pub(super) fn pop_one(call: &mut Call<'_>, key: &Key<'_>, end: End) -> Result<bool, ErrorReply> {
    let Call { state, session, .. } = call;
    let limits = limits(state);
    let take = |list: &mut List| list.pop(end, 1, limits, |element| reply_element(session.reply(), element));
    let Some(edited) = state.edit(key, take)? else { return Ok(false) };
    shortened(state, key, popped(end), edited.emptied);
    Ok(true)
}

/// Takes up to `count` elements from a list, more than none, and replies with an array of them. `None`, without a reply, if
/// the key is missing; otherwise how many.
fn pop_several(call: &mut Call<'_>, key: &Key<'_>, end: End, count: usize) -> Result<Option<usize>, ErrorReply> {
    let reply_end = call.reply_end();
    let Call { state, session, .. } = call;
    let limits = limits(state);
    let take = |list: &mut List| {
        session.reply().array(count.min(list.len()));
        list.pop(end, count, limits, |element| {
            if session.output.len() < reply_end {
                reply_element(session.reply(), element);
            }
        })
    };
    let Some(edited) = state.edit(key, take)? else { return Ok(None) };
    shortened(state, key, popped(end), edited.emptied);
    Ok(Some(edited.result))
}

fn pop(call: &mut Call<'_>, end: End, name: &str) -> Outcome {
    const OUT_OF_RANGE: ErrorReply = ErrorReply::new("ERR value is out of range, must be positive");
    let key = call.key(1);
    if call.args.len() > 3 {
        return Err(ErrorReply::arity(name));
    }
    let Some(count) = call.args.get(2) else {
        if !pop_one(call, &key, end)? {
            call.reply().null();
        }
        return Ok(());
    };
    let count = parse_i64(count).and_then(|count| usize::try_from(count).ok()).ok_or(OUT_OF_RANGE)?;
    if count == 0 {
        match must_be_list(call.state.peek(&key))? {
            true => call.reply().array(0),
            false => call.reply().null_array(),
        }
    } else if pop_several(call, &key, end, count)?.is_none() {
        call.reply().null_array();
    }
    Ok(())
}

/// LPOP key [count]
pub fn lpop(call: &mut Call<'_>) -> Outcome {
    pop(call, End::Left, "lpop")
}

/// RPOP key [count]
pub fn rpop(call: &mut Call<'_>) -> Outcome {
    pop(call, End::Right, "rpop")
}

/// What LMPOP and BLMPOP ask for.
pub(super) struct Several {
    /// The arguments that are keys.
    pub(super) keys: Range<usize>,
    pub(super) end: End,
    pub(super) count: usize,
}

impl Several {
    /// Reads the arguments from the number of keys on, which is argument `at`.
    pub(super) fn parse(call: &Call<'_>, at: usize) -> Result<Several, ErrorReply> {
        let args = call.args;
        let keys = positive(args.at(at), "ERR numkeys should be greater than 0")?;
        let place = keys.checked_add(at + 1).filter(|place| *place < args.len()).ok_or(SYNTAX)?;
        let end = end_of(args.at(place))?;
        let mut count = None;
        let mut i = place + 1;
        while i < args.len() {
            if count.is_some() || !args.is(i, "COUNT") {
                return Err(SYNTAX);
            }
            let text = args.get(i + 1).ok_or(SYNTAX)?;
            count = Some(positive(text, "ERR count should be greater than 0")?);
            i += 2;
        }
        Ok(Several { keys: at + 1..place, end, count: count.unwrap_or(1) })
    }

    /// Pops from the first list that there is, and is propagated as that. False, without a reply, if there is none.
    pub(super) fn pop(&self, call: &mut Call<'_>) -> Result<bool, ErrorReply> {
        for i in self.keys.clone() {
            let key = call.key(i);
            if !must_be_list(call.state.peek(&key))? {
                continue;
            }
            call.reply().array(2);
            call.reply().bulk(key.name);
            if let Some(count) = pop_several(call, &key, self.end, self.count)? {
                let mut digits = itoa::Buffer::new();
                call.propagate(&[plain_pop(self.end), key.name, digits.format(count).as_bytes()]);
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// The command that pops from this end.
pub(super) const fn plain_pop(end: End) -> &'static [u8] {
    match end {
        End::Left => b"LPOP",
        End::Right => b"RPOP",
    }
}

/// LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]
pub fn lmpop(call: &mut Call<'_>) -> Outcome {
    if !Several::parse(call, 1)?.pop(call)? {
        call.reply().null_array();
    }
    Ok(())
}
