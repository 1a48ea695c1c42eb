//! ZRANGE and its family: reading, counting, storing and removing ranges.

use refrain_data::{Collection, Scored, SortedSet};

use super::selection::{By, Limit, Selection};
use super::{limits, removed, reply_ranks, store_result};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};

/// A command that reads a range: what of it is fixed by its name.
struct Form {
    /// The argument that names the set; bounds and options follow.
    key: usize,
    by: Option<By>,
    backwards: Option<bool>,
    stores: bool,
}

/// What a call of it asks for.
struct Wanted<'a> {
    selection: Selection<'a>,
    limit: Limit,
    backwards: bool,
    with_scores: bool,
}

impl Form {
    const fn reading(by: Option<By>, backwards: Option<bool>) -> Form {
        Form { key: 1, by, backwards, stores: false }
    }

    fn parse<'a>(&self, call: &Call<'a>) -> Result<Wanted<'a>, ErrorReply> {
        let (mut by, mut backwards) = (self.by, self.backwards);
        let (mut with_scores, mut limit) = (false, Limit::NONE);
        let mut i = self.key + 3;
        while i < call.args.len() {
            if !self.stores && call.args.is(i, "WITHSCORES") {
                with_scores = true;
            } else if call.args.is(i, "LIMIT") && i + 2 < call.args.len() {
                limit = Limit { offset: call.integer(i + 1)?, count: call.integer(i + 2)? };
                i += 2;
            } else if backwards.is_none() && call.args.is(i, "REV") {
                backwards = Some(true);
            } else if by.is_none() && call.args.is(i, "BYLEX") {
                by = Some(By::Lex);
            } else if by.is_none() && call.args.is(i, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        let (by, backwards) = (by.unwrap_or(By::Rank), backwards.unwrap_or(false));
        if by == By::Rank && limit.count != -1 {
            return Err(ErrorReply::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if by == By::Lex && with_scores {
            return Err(ErrorReply::new("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        let (mut min, mut max) = (self.key + 1, self.key + 2);
        if backwards && by != By::Rank {
            (min, max) = (max, min);
        }
        let limit = if by == By::Rank { Limit::NONE } else { limit };
        Ok(Wanted { selection: Selection::parse(call, by, min, max)?, limit, backwards, with_scores })
    }

    fn run(&self, call: &mut Call<'_>) -> Outcome {
        let wanted = self.parse(call)?;
        let key = call.key(self.key);
        let set = call.state.view::<SortedSet>(&key)?;
        let ranks = set.map_or(0..0, |set| wanted.selection.ranks(set, wanted.backwards));
        let ranks = wanted.limit.of(ranks, wanted.backwards);
        if !self.stores {
            reply_ranks(call, &key, ranks, wanted.backwards, wanted.with_scores);
            return Ok(());
        }
        let mut members = Vec::with_capacity(ranks.len());
        if let Some(set) = super::again(call.state, &key) {
            set.visit(ranks, false, |member, score| {
                members.push(Scored { member, score });
                true
            });
        }
        let work = members.len() as u64 / 8;
        let result = SortedSet::of(&mut members, &limits(call.state));
        call.work(work);
        let destination = call.key(1);
        store_result(call, &destination, result, "zrangestore")
    }
}

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
pub fn zrange(call: &mut Call<'_>) -> Outcome {
    Form::reading(None, None).run(call)
}

/// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
pub fn zrangestore(call: &mut Call<'_>) -> Outcome {
    Form { key: 2, by: None, backwards: None, stores: true }.run(call)
}

/// ZREVRANGE key start stop [WITHSCORES]
pub fn zrevrange(call: &mut Call<'_>) -> Outcome {
    Form::reading(Some(By::Rank), Some(true)).run(call)
}

/// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
pub fn zrangebyscore(call: &mut Call<'_>) -> Outcome {
    Form::reading(Some(By::Score), Some(false)).run(call)
}

/// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
pub fn zrevrangebyscore(call: &mut Call<'_>) -> Outcome {
    Form::reading(Some(By::Score), Some(true)).run(call)
}

/// ZRANGEBYLEX key min max [LIMIT offset count]
pub fn zrangebylex(call: &mut Call<'_>) -> Outcome {
    Form::reading(Some(By::Lex), Some(false)).run(call)
}

/// ZREVRANGEBYLEX key max min [LIMIT offset count]
pub fn zrevrangebylex(call: &mut Call<'_>) -> Outcome {
    Form::reading(Some(By::Lex), Some(true)).run(call)
}

fn count(call: &mut Call<'_>, by: By) -> Outcome {
    let selection = Selection::parse(call, by, 2, 3)?;
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let count = set.map_or(0, |set| selection.ranks(set, false).len());
    call.reply().integer(count as i64);
    Ok(())
}

/// ZCOUNT key min max
pub fn zcount(call: &mut Call<'_>) -> Outcome {
    count(call, By::Score)
}

/// ZLEXCOUNT key min max
pub fn zlexcount(call: &mut Call<'_>) -> Outcome {
    count(call, By::Lex)
}

fn remove(call: &mut Call<'_>, by: By, event: &'static str) -> Outcome {
    let selection = Selection::parse(call, by, 2, 3)?;
    let key: Key<'_> = call.key(1);
    if let Some(set) = call.state.peek(&key).and_then(|entry| entry.view::<SortedSet>()) {
        let going = selection.ranks(set, false).len();
        call.state.set_aside(&key, going);
    }
    let edited = call.state.edit(&key, |set: &mut SortedSet| {
        let ranks = selection.ranks(set.as_ref(), false);
        let count = ranks.len();
        set.remove_range(ranks);
        debug_assert!(count > 0 || !set.is_empty());
        count
    })?;
    let mut count = 0;
    if let Some(edited) = edited.filter(|edited| edited.result > 0) {
        count = edited.result;
        removed(call, &key, event, edited.emptied);
        call.work(count as u64 / 4);
    }
    call.reply().integer(count as i64);
    Ok(())
}

/// ZREMRANGEBYRANK key start stop
pub fn zremrangebyrank(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Rank, "zremrangebyrank")
}

/// ZREMRANGEBYSCORE key min max
pub fn zremrangebyscore(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Score, "zremrangebyscore")
}

/// ZREMRANGEBYLEX key min max
pub fn zremrangebylex(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Lex, "zremrangebylex")
}
