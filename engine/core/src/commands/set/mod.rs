//! Commands on sets.
//!
//! Whoever reads several sets, or a large one, works on copies: of a large set a copy is a reference, of a small one a few
//! bytes. So a long reply can be looked after while it grows. What a random choice removed is written into the propagation
//! stream by name.

mod change;
mod combine;
mod random;
mod read;

pub use change::{sadd, smove, srem};
pub use combine::{sdiff, sdiffcard, sdiffstore, sinter, sintercard, sinterstore, sunion, sunioncard, sunionstore};
pub use random::{spop, srandmember};
pub use read::{scard, sismember, smembers, smismember, sscan};

use refrain_data::{SetLimits, Value};
use refrain_resp::Encoder;

use crate::call::{Call, Key};
use crate::notify::NotifyClass;
use crate::state::State;

/// What decides the form of sets.
fn limits(state: &State) -> SetLimits {
    let encodings = &state.config.encodings;
    let size = |configured: u64| usize::try_from(configured).unwrap_or(usize::MAX);
    SetLimits {
        int_entries: size(encodings.set_max_intset_entries),
        entries: size(encodings.set_max_listpack_entries),
        value_bytes: size(encodings.set_max_listpack_value),
        seed: *state.keyspace.seed(),
    }
}

#[inline]
fn reply_member(reply: &mut Encoder<'_>, member: Value<'_>) {
    match member {
        Value::Int(number) => reply.bulk_int(number),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Says that `count` members of a set came or went, and that the set is gone if it is.
fn changed(call: &mut Call<'_>, key: &Key<'_>, event: &'static str, count: usize, emptied: bool) {
    call.state.modified(key);
    // A change of many members counts as many.
    call.state.dirty += count.saturating_sub(1) as u64;
    call.state.notify(NotifyClass::SET, event, key);
    if emptied {
        call.state.notify(NotifyClass::GENERIC, "del", key);
    }
}
