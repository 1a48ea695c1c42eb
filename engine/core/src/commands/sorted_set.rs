//! Sorted sets. Replies of ranges are written straight from where the members are kept; what a write leaves in the propagation
//! stream is deterministic, for pops say what they took.

mod adding;
mod algebra;
mod members;
mod popping;
mod random;
mod ranges;
mod selection;
mod source;

pub(super) use adding::{Addition, add};
pub use adding::{zadd, zincrby};
pub use algebra::{zdiff, zdiffstore, zinter, zintercard, zinterstore, zunion, zunionstore};
pub use members::{zcard, zmscore, zrank, zrem, zrevrank, zscan, zscore};
pub use popping::{bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin};
pub use random::zrandmember;
pub use ranges::{
    zcount, zlexcount, zrange, zrangebylex, zrangebyscore, zrangestore, zremrangebylex, zremrangebyrank,
    zremrangebyscore, zrevrange, zrevrangebylex, zrevrangebyscore,
};

use std::ops::Range;

use refrain_data::{SortedSet, SortedSetLimits, SortedSetRef, Value};
use refrain_resp::{Encoder, Protocol};

use crate::call::{Call, Key, Outcome};
use crate::double;
use crate::error::{ErrorReply, NOT_A_FLOAT};
use crate::notify::NotifyClass;
use crate::state::State;

/// Up to which size sorted sets are packed.
#[inline]
pub(super) fn limits(state: &State) -> SortedSetLimits {
    let encodings = &state.config.encodings;
    SortedSetLimits {
        entries: usize::try_from(encodings.zset_max_listpack_entries).unwrap_or(usize::MAX),
        value: usize::try_from(encodings.zset_max_listpack_value).unwrap_or(usize::MAX),
        seed: *state.keyspace.seed(),
    }
}

/// A sorted set that was looked up before in this command, without counting that again.
#[inline]
pub(super) fn again<'s>(state: &'s State, key: &Key<'_>) -> Option<SortedSetRef<'s>> {
    state.keyspace.db(key.db).get(key.hash, key.name)?.view::<SortedSet>()
}

/// A member as a bulk reply.
#[inline]
pub(super) fn reply_member(reply: &mut Encoder<'_>, member: Value<'_>) {
    match member {
        Value::Int(number) => reply.bulk_int(number),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Argument `i` as a score.
fn score(call: &Call<'_>, i: usize) -> Result<f64, ErrorReply> {
    double::parse(call.args.at(i)).ok_or(NOT_A_FLOAT)
}

/// Begins an array of members, with their scores perhaps: in RESP3 those come in pairs.
fn begin_members(reply: &mut Encoder<'_>, members: usize, with_scores: bool) {
    match reply.protocol() {
        Protocol::Resp2 if with_scores => reply.array(members * 2),
        _ => reply.array(members),
    }
}

/// One member of such an array.
#[inline]
fn put_member(reply: &mut Encoder<'_>, member: Value<'_>, score: Option<f64>) {
    if let Some(score) = score {
        if reply.protocol() == Protocol::Resp3 {
            reply.array(2);
        }
        reply_member(reply, member);
        reply.double(score);
    } else {
        reply_member(reply, member);
    }
}

/// Replies with the members at `ranks` of a set that was looked up before; a client that is owed too much ends it.
fn reply_ranks(call: &mut Call<'_>, key: &Key<'_>, ranks: Range<usize>, backwards: bool, with_scores: bool) {
    begin_members(&mut call.reply(), ranks.len(), with_scores);
    put_ranks(call, key, ranks, backwards, |reply, member, score| {
        put_member(reply, member, with_scores.then_some(score));
    });
}

/// Writes the members at `ranks` of a set that was looked up before.
fn put_ranks(
    call: &mut Call<'_>,
    key: &Key<'_>,
    ranks: Range<usize>,
    backwards: bool,
    mut put: impl FnMut(&mut Encoder<'_>, Value<'_>, f64),
) {
    let end = call.reply_end();
    let Call { state, session, .. } = call;
    let Some(set) = again(state, key) else { return };
    set.visit(ranks, backwards, |member, score| {
        put(&mut session.reply(), member, score);
        session.output.len() < end
    });
}

/// Says of a sorted set that members were taken from it, and of its key that it is gone.
fn removed(call: &mut Call<'_>, key: &Key<'_>, event: &'static str, emptied: bool) {
    call.state.modified(key);
    call.state.notify(NotifyClass::SORTED_SET, event, key);
    if emptied {
        call.state.notify(NotifyClass::GENERIC, "del", key);
    }
}

/// Stores a result, or deletes the key if it is empty, and replies with its size.
pub(super) fn store_result(call: &mut Call<'_>, key: &Key<'_>, set: SortedSet, event: &'static str) -> Outcome {
    let len = set.as_ref().len();
    let existed = call.state.replace_with(key, set);
    if len > 0 {
        call.state.modified(key);
        call.state.notify(NotifyClass::SORTED_SET, event, key);
    } else if existed {
        call.state.modified(key);
        call.state.notify(NotifyClass::GENERIC, "del", key);
    }
    call.reply().integer(len as i64);
    Ok(())
}
