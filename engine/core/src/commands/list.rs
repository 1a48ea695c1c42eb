//! Lists. Commands at either end are one handler with an [`End`]; what waits for elements does what its plain form does as soon
//! as there are some, and is propagated as that.

mod blocking;
mod change;
mod pop;
mod push;
mod read;
mod transfer;

use std::ops::Range;

use refrain_data::{Entry, Kind, ListEnd as End, ListLimits, Value};
use refrain_resp::{Encoder, parse_i64};

pub use blocking::{blmove, blmovem, blmpop, blpop, brpop, brpoplpush};
pub use change::{linsert, lrem, lset, ltrim};
pub use pop::{lmpop, lpop, rpop};
pub use push::{lpush, lpushx, rpush, rpushx};
pub use read::{lindex, llen, lpos, lrange};
pub use transfer::{lmove, lmovem, rpoplpush};

use crate::call::{Call, Key};
use crate::error::{ErrorReply, SYNTAX, WRONG_TYPE};
use crate::notify::NotifyClass;
use crate::state::State;

/// Elements that are compared for about the cost of an ordinary command.
const COMPARED_PER_WORK: usize = 256;

/// How lists are kept that are made or changed now.
#[inline]
pub(super) fn limits(state: &State) -> ListLimits {
    let encodings = &state.config.encodings;
    ListLimits::new(encodings.list_max_listpack_size)
        .with_alone_from(state.list_alone_from)
        .with_compress_depth(encodings.list_compress_depth)
}

/// An element as a bulk reply.
#[inline]
fn reply_element(mut reply: Encoder<'_>, element: Value<'_>) {
    match element {
        Value::Int(number) => reply.bulk_int(number),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// The end that LEFT or RIGHT names.
fn end_of(word: &[u8]) -> Result<End, ErrorReply> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Left)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Right)
    } else {
        Err(SYNTAX)
    }
}

/// A number that must be positive, with the text that says so whatever is wrong with it.
fn positive(argument: &[u8], text: &'static str) -> Result<usize, ErrorReply> {
    let number = parse_i64(argument).filter(|number| *number > 0);
    number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)).ok_or(ErrorReply::new(text))
}

/// What must be a list, if it is there.
fn must_be_list(found: Option<Entry<'_>>) -> Result<bool, ErrorReply> {
    match found {
        Some(entry) if entry.kind() == Kind::List => Ok(true),
        Some(_) => Err(WRONG_TYPE),
        None => Ok(false),
    }
}

/// The event of elements added at an end.
const fn pushed(end: End) -> &'static str {
    match end {
        End::Left => "lpush",
        End::Right => "rpush",
    }
}

/// The event of elements taken from an end.
const fn popped(end: End) -> &'static str {
    match end {
        End::Left => "lpop",
        End::Right => "rpop",
    }
}

/// Says that a list lost elements, and that its key is gone if those were the last ones.
fn shortened(state: &mut State, key: &Key<'_>, event: &'static str, emptied: bool) {
    state.modified(key);
    state.notify(NotifyClass::LIST, event, key);
    if emptied {
        state.notify(NotifyClass::GENERIC, "del", key);
    }
}

/// The position that an index means in a list of `len` elements; negative ones count from the end.
fn position(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < len)
}

/// The positions from one index to another, both included, as far as there are any.
fn positions(start: i64, stop: i64, len: usize) -> Range<usize> {
    let whole = len as i64;
    let from_end = |index: i64| if index < 0 { index.saturating_add(whole) } else { index };
    let start = from_end(start).max(0);
    let end = from_end(stop).min(whole - 1).saturating_add(1);
    if start >= end { 0..0 } else { start as usize..end as usize }
}

/// Charges for elements that were looked at beside those that were asked for.
fn charge_comparisons(call: &mut Call<'_>, elements: usize) {
    call.work((elements / COMPARED_PER_WORK) as u64);
}
