//! ZRANDMEMBER.

use std::collections::BTreeSet;

use refrain_data::SortedSet;

use super::{again, begin_members, put_member, reply_member, reply_ranks};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};

/// ZRANDMEMBER key [count [WITHSCORES]]
pub fn zrandmember(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    if call.args.len() == 2 {
        let len = call.state.view::<SortedSet>(&key)?.map_or(0, |set| set.len());
        let rank = below(call, len);
        let found = again(call.state, &key).and_then(|set| set.at(rank));
        let mut reply = call.session.reply();
        match found {
            Some((member, _)) => reply_member(&mut reply, member),
            None => reply.null(),
        }
        return Ok(());
    }
    let count = call.integer(2)?;
    if count == i64::MIN {
        return Err(ErrorReply::new(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let with_scores = match call.args.len() {
        3 => false,
        4 if call.args.is(3, "WITHSCORES") => true,
        _ => return Err(SYNTAX),
    };
    if with_scores && !(-(i64::MAX / 2)..=i64::MAX / 2).contains(&count) {
        return Err(ErrorReply::new("ERR value is out of range"));
    }
    let len = call.state.view::<SortedSet>(&key)?.map_or(0, |set| set.len());
    if len == 0 || count == 0 {
        call.reply().array(0);
        return Ok(());
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        with_repetition(call, &key, len, wanted, with_scores);
    } else if wanted >= len {
        reply_ranks(call, &key, 0..len, true, with_scores);
    } else {
        distinct(call, &key, len, wanted, with_scores);
    }
    Ok(())
}

/// A random number below `len`; 0 if there is none.
fn below(call: &Call<'_>, len: usize) -> usize {
    refrain_data::uniform_index(call.hooks.entropy(), len)
}

/// Members by chance, each draw from all of them.
fn with_repetition(call: &mut Call<'_>, key: &Key<'_>, len: usize, wanted: usize, with_scores: bool) {
    /// Draws between two looks at what the client is owed.
    const PART: usize = 1024;
    begin_members(&mut call.reply(), wanted, with_scores);
    let mut left = wanted;
    while left > 0 {
        let ranks: Vec<usize> = (0..left.min(PART)).map(|_| below(call, len)).collect();
        left -= ranks.len();
        put(call, key, &ranks, with_scores);
        if left > 0 && !call.reply_may_grow() {
            return;
        }
    }
}

/// Different members by chance, every choice being as likely (Floyd's sampling).
fn distinct(call: &mut Call<'_>, key: &Key<'_>, len: usize, wanted: usize, with_scores: bool) {
    let mut chosen = BTreeSet::new();
    let mut ranks = Vec::with_capacity(wanted);
    for last in len - wanted..len {
        let drawn = below(call, last + 1);
        let rank = if chosen.insert(drawn) { drawn } else { last };
        chosen.insert(rank);
        ranks.push(rank);
    }
    call.work(wanted as u64 / 8);
    begin_members(&mut call.reply(), wanted, with_scores);
    for part in ranks.chunks(4096) {
        put(call, key, part, with_scores);
        if !call.reply_may_grow() {
            return;
        }
    }
}

fn put(call: &mut Call<'_>, key: &Key<'_>, ranks: &[usize], with_scores: bool) {
    let Some(set) = again(call.state, key) else { return };
    let mut reply = call.session.reply();
    for rank in ranks {
        if let Some((member, score)) = set.at(*rank) {
            put_member(&mut reply, member, with_scores.then_some(score));
        }
    }
}
