//! Strings. What a write leaves in the propagation stream is deterministic: conditions are resolved, relative times are absolute,
//! floating-point sums are their text.

mod condition;
mod counter;
mod get;
mod increx;
mod lcs;
mod multiple;
mod range;
mod set;

pub use condition::{delex, digest};
pub use counter::{decr, decrby, incr, incrby, incrbyfloat};
pub use get::{get, getdel, getex, mget, strlen};
pub use increx::increx;
pub use lcs::lcs;
pub use multiple::{mset, msetex, msetnx};
pub use range::{append, getrange, setrange};
pub use set::{getset, psetex, set, setex, setnx};

use refrain_data::{Deadline, Entry, Kind, Lookup, NewValue, Value};
use refrain_resp::Encoder;

use crate::call::{Call, Key};
use crate::error::{ErrorReply, WRONG_TYPE};
use crate::notify::NotifyClass;
use crate::session::Session;

/// A string's value as a bulk reply.
#[inline]
fn reply_value(mut reply: Encoder<'_>, value: Value<'_>) {
    match value {
        Value::Int(n) => reply.bulk_int(n),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// From so many bytes on a value is not copied into a reply.
const SHARED_BYTES_MIN: usize = 64 * 1024;

/// An entry's value, which must be a string, as a bulk reply.
#[inline(always)]
fn reply_string(session: &mut Session, entry: Entry<'_>) -> Result<(), ErrorReply> {
    match string(entry)? {
        Value::Bytes(bytes) if bytes.len() >= SHARED_BYTES_MIN => match entry.share() {
            Some(shared) => session.reply_shared(shared),
            None => session.reply().bulk(bytes),
        },
        value => reply_value(session.reply(), value),
    }
    Ok(())
}

/// The entry's value, which must be a string.
#[inline]
pub(super) fn string(entry: Entry<'_>) -> Result<Value<'_>, ErrorReply> {
    match entry.kind() {
        Kind::String => Ok(entry.value()),
        _ => Err(WRONG_TYPE),
    }
}

/// Gives a key a string value, whatever it held, and says what that was: `event`, after a key came into being if one did.
#[inline]
fn store(call: &mut Call<'_>, key: &Key<'_>, value: NewValue<'_>, deadline: Deadline, event: &'static str) {
    place(call, key, value, deadline);
    call.state.notify(NotifyClass::STRING, event, key);
}

/// The same without the event.
#[inline]
fn place(call: &mut Call<'_>, key: &Key<'_>, value: NewValue<'_>, deadline: Deadline) {
    match call.state.write_here(key) {
        Lookup::Occupied(mut found) => found.set_value(value, deadline),
        Lookup::Vacant(free) => {
            free.insert(value, deadline);
            call.state.notify(NotifyClass::NEW, "new", key);
        }
    }
    call.state.modified(key);
}
