//! ZRANDMEMBER.

use std::collections::BTreeSet;

use refrain_data::SortedSet;

use super::{again, begin_members, put_member, reply_member, reply_ranks};
use crate::call::{Call, Key, Outcome};
use crate::commands::draws;
use crate::error::SYNTAX;

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
    let count = draws::count(call)?;
    let with_scores = match call.args.len() {
        3 => false,
        4 if call.args.is(3, "WITHSCORES") => true,
        _ => return Err(SYNTAX),
    };
    if with_scores {
        draws::check_pairs(count)?;
    }
    let len = call.state.view::<SortedSet>(&key)?.map_or(0, |set| set.len());
    if len == 0 || count == 0 {
        call.reply().array(0);
        return Ok(());
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        draws::check_repetitions(count.unsigned_abs(), call.reply_is_limited())?;
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
        call.work(ranks.len() as u64 / 8);
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
    put(call, key, &ranks, with_scores);
}

fn put(call: &mut Call<'_>, key: &Key<'_>, ranks: &[usize], with_scores: bool) {
    let end = call.reply_end();
    let Some(set) = again(call.state, key) else { return };
    for (member, score) in ranks.iter().filter_map(|rank| set.at(*rank)) {
        put_member(&mut call.session.reply(), member, with_scores.then_some(score));
        if call.session.output.len() >= end {
            return;
        }
    }
}
