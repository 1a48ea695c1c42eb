//! Taking members from an end: ZPOPMIN, ZPOPMAX, ZMPOP, and the same with waiting.

use std::ops::Range;

use refrain_data::{Kind, Lookup, SortedSet};
use refrain_resp::Protocol;

use super::{put_ranks, removed, reply_member};
use crate::blocked::{Block, Timeout};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX, WRONG_TYPE};

/// Which end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

/// What the reply looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Members and scores in one row.
    Flat,
    /// Pairs of a member and its score.
    Pairs,
    /// The key, then a member and its score.
    KeyFlat,
    /// The key, and pairs.
    KeyPairs,
}

/// The first of the keys that has a sorted set, and how many members.
fn first_with_members<'a>(call: &mut Call<'a>, keys: Range<usize>) -> Result<Option<(Key<'a>, usize)>, ErrorReply> {
    for i in keys {
        let key = call.key(i);
        if let Lookup::Occupied(found) = call.state.write(&key) {
            let set = found.entry().view::<SortedSet>().ok_or(WRONG_TYPE)?;
            return Ok(Some((key, set.len())));
        }
    }
    Ok(None)
}

/// Takes up to `count` of the `len` members of a set from one end and replies with them. How many.
fn pop(
    call: &mut Call<'_>,
    key: &Key<'_>,
    len: usize,
    end: End,
    count: usize,
    shape: Shape,
) -> Result<usize, ErrorReply> {
    let count = count.min(len);
    let ranks = if end == End::Min { 0..count } else { len - count..len };
    let mut reply = call.reply();
    match shape {
        Shape::Flat => reply.array(count * 2),
        Shape::Pairs => reply.array(count),
        Shape::KeyFlat => {
            reply.array(count * 2 + 1);
            reply.bulk(key.name);
        }
        Shape::KeyPairs => {
            reply.array(2);
            reply.bulk(key.name);
            reply.array(count);
        }
    }
    let pairs = matches!(shape, Shape::Pairs | Shape::KeyPairs);
    put_ranks(call, key, ranks.clone(), end == End::Max, |reply, member, score| {
        if pairs {
            reply.array(2);
        }
        reply_member(reply, member);
        reply.double(score);
    });
    call.state.set_aside(key, count);
    let edited = call.state.edit(key, |set: &mut SortedSet| set.remove_range(ranks))?;
    let event = if end == End::Min { "zpopmin" } else { "zpopmax" };
    removed(call, key, event, edited.is_some_and(|edited| edited.emptied));
    call.work(count as u64 / 4);
    Ok(count)
}

fn pop_one_key(call: &mut Call<'_>, end: End) -> Outcome {
    if call.args.len() > 3 {
        return Err(SYNTAX);
    }
    let count = match call.args.get(2) {
        None => 1,
        Some(_) => {
            const WRONG: ErrorReply = ErrorReply::new("ERR value is out of range, must be positive");
            call.integer(2).ok().and_then(|count| usize::try_from(count).ok()).ok_or(WRONG)?
        }
    };
    let shape =
        if call.args.len() == 3 && call.reply().protocol() == Protocol::Resp3 { Shape::Pairs } else { Shape::Flat };
    match first_with_members(call, 1..2)? {
        Some((key, len)) if count > 0 => {
            pop(call, &key, len, end, count, shape)?;
        }
        _ => call.reply().array(0),
    }
    Ok(())
}

/// ZPOPMIN key [count]
pub fn zpopmin(call: &mut Call<'_>) -> Outcome {
    pop_one_key(call, End::Min)
}

/// ZPOPMAX key [count]
pub fn zpopmax(call: &mut Call<'_>) -> Outcome {
    pop_one_key(call, End::Max)
}

/// What ZMPOP and BZMPOP ask for.
struct Wanted {
    keys: Range<usize>,
    end: End,
    count: usize,
}

impl Wanted {
    /// numkeys key [key ...] <MIN | MAX> [COUNT count], from argument `at` on.
    fn parse(call: &Call<'_>, at: usize) -> Result<Wanted, ErrorReply> {
        let positive = |i: usize, error: ErrorReply| {
            call.integer(i).ok().and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0).ok_or(error)
        };
        let keys = positive(at, ErrorReply::new("ERR numkeys should be greater than 0"))?;
        let end_at = at.saturating_add(keys).saturating_add(1);
        if end_at >= call.args.len() {
            return Err(SYNTAX);
        }
        let end = match call.args.at(end_at) {
            word if word.eq_ignore_ascii_case(b"MIN") => End::Min,
            word if word.eq_ignore_ascii_case(b"MAX") => End::Max,
            _ => return Err(SYNTAX),
        };
        let mut count = None;
        let mut i = end_at + 1;
        while i < call.args.len() {
            if count.is_some() || !call.args.is(i, "COUNT") || i + 1 >= call.args.len() {
                return Err(SYNTAX);
            }
            count = Some(positive(i + 1, ErrorReply::new("ERR count should be greater than 0"))?);
            i += 2;
        }
        Ok(Wanted { keys: at + 1..end_at, end, count: count.unwrap_or(1) })
    }
}

/// Takes members from the first of the keys that has some, and puts that into the propagation stream. False if none has.
fn pop_first(
    call: &mut Call<'_>,
    keys: Range<usize>,
    end: End,
    count: usize,
    shape: Shape,
) -> Result<bool, ErrorReply> {
    let Some((key, len)) = first_with_members(call, keys)? else { return Ok(false) };
    let count = pop(call, &key, len, end, count, shape)?;
    let name: &[u8] = if end == End::Min { b"ZPOPMIN" } else { b"ZPOPMAX" };
    let mut digits = itoa::Buffer::new();
    if shape == Shape::KeyFlat {
        call.propagate(&[name, key.name]);
    } else {
        call.propagate(&[name, key.name, digits.format(count).as_bytes()]);
    }
    Ok(true)
}

/// ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]
pub fn zmpop(call: &mut Call<'_>) -> Outcome {
    let wanted = Wanted::parse(call, 1)?;
    if !pop_first(call, wanted.keys, wanted.end, wanted.count, Shape::KeyPairs)? {
        call.reply().null_array();
    }
    Ok(())
}

/// BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]
pub fn bzmpop(call: &mut Call<'_>) -> Outcome {
    let wanted = Wanted::parse(call, 2)?;
    let timeout = Timeout::seconds(call, 1)?;
    if !pop_first(call, wanted.keys.clone(), wanted.end, wanted.count, Shape::KeyPairs)? {
        call.block(Block::on(Kind::SortedSet, wanted.keys, timeout));
    }
    Ok(())
}

fn pop_or_wait(call: &mut Call<'_>, end: End) -> Outcome {
    let last = call.args.len() - 1;
    let timeout = Timeout::seconds(call, last)?;
    if !pop_first(call, 1..last, end, 1, Shape::KeyFlat)? {
        call.block(Block::on(Kind::SortedSet, 1..last, timeout));
    }
    Ok(())
}

/// BZPOPMIN key [key ...] timeout
pub fn bzpopmin(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Min)
}

/// BZPOPMAX key [key ...] timeout
pub fn bzpopmax(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Max)
}
