//! ZADD and ZINCRBY.

use refrain_data::SortedSet;

use super::{limits, score};
use crate::call::{Call, Key, Outcome};
use crate::double;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

const NOT_A_NUMBER: ErrorReply = ErrorReply::new("ERR resulting score is not a number (NaN)");

/// How members are added: ZADD's options.
#[derive(Clone, Copy, Default)]
pub(in crate::commands) struct Addition {
    pub(in crate::commands) only_new: bool,
    pub(in crate::commands) only_existing: bool,
    only_greater: bool,
    only_less: bool,
    /// Members with another score count in the reply.
    pub(in crate::commands) count_changes: bool,
    increment: bool,
}

impl Addition {
    /// Reads options from argument 2 on. Where they end.
    fn parse(call: &Call<'_>) -> (Addition, usize) {
        let mut options = Addition::default();
        let mut at = 2;
        while let Some(word) = call.args.get(at) {
            // A score is no word, and nearly every call begins with one.
            if !word.first().is_some_and(u8::is_ascii_alphabetic) {
                break;
            }
            let flag = [
                ("NX", &mut options.only_new),
                ("XX", &mut options.only_existing),
                ("GT", &mut options.only_greater),
                ("LT", &mut options.only_less),
                ("CH", &mut options.count_changes),
                ("INCR", &mut options.increment),
            ]
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
            let Some((_, flag)) = flag else { break };
            *flag = true;
            at += 1;
        }
        (options, at)
    }

    fn check(&self, pairs: usize) -> Result<(), ErrorReply> {
        if self.only_new && self.only_existing {
            return Err(ErrorReply::new("ERR XX and NX options at the same time are not compatible"));
        }
        let one_way = usize::from(self.only_greater) + usize::from(self.only_less) + usize::from(self.only_new);
        if one_way > 1 {
            return Err(ErrorReply::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.increment && pairs > 1 {
            return Err(ErrorReply::new("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// What becomes of a member that had this score, when this one is given. A sum that is no number is said so.
    #[inline]
    fn decide(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, ErrorReply> {
        let Some(old) = old else { return Ok((!self.only_existing).then_some(given)) };
        if self.only_new {
            return Ok(None);
        }
        let new = if self.increment { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let refused = self.only_greater && new <= old || self.only_less && new >= old;
        Ok((!refused).then_some(new))
    }
}

/// What a call did.
#[derive(Default)]
pub(in crate::commands) struct Tally {
    added: i64,
    changed: i64,
    /// The last member's score, unless it was left alone.
    score: Option<f64>,
    failed: Option<ErrorReply>,
}

impl Tally {
    /// How many members are new or have another score.
    pub(in crate::commands) fn changes(&self) -> i64 {
        self.added + self.changed
    }

    /// What is replied.
    pub(in crate::commands) fn reply(&self, options: &Addition) -> i64 {
        self.added + if options.count_changes { self.changed } else { 0 }
    }
}

/// Gives members scores, and says so.
pub(in crate::commands) fn add<'a>(
    call: &mut Call<'_>,
    key: &Key<'_>,
    options: Addition,
    members: impl Iterator<Item = (f64, &'a [u8])>,
) -> Result<Tally, ErrorReply> {
    let limits = limits(call.state);
    let edited = call.state.edit_or_create(key, |set: &mut SortedSet| {
        let mut tally = Tally::default();
        for (given, member) in members {
            let mut failed = None;
            let updated = set.update(member, &limits, |old| match options.decide(old, given) {
                Ok(decided) => decided,
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            tally.added += i64::from(updated.is_added());
            tally.changed += i64::from(updated.is_changed());
            tally.score = updated.new;
            if failed.is_some() {
                tally.failed = failed;
                break;
            }
        }
        tally
    })?;
    let mut tally = edited.result;
    if tally.changes() > 0 {
        call.state.modified(key);
        call.state.notify(NotifyClass::SORTED_SET, if options.increment { "zincr" } else { "zadd" }, key);
    }
    match tally.failed.take() {
        Some(error) => Err(error),
        None => Ok(tally),
    }
}

/// The pairs of a score and a member from argument `first` on. The scores have been read before, and are numbers.
fn pairs<'a>(call: &Call<'a>, first: usize) -> impl Iterator<Item = (f64, &'a [u8])> + use<'a> {
    let args = call.args;
    (first..args.len()).step_by(2).filter_map(move |at| Some((double::parse(args.at(at))?, args.at(at + 1))))
}

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
pub fn zadd(call: &mut Call<'_>) -> Outcome {
    let (options, first) = Addition::parse(call);
    let words = call.args.len() - first;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(SYNTAX);
    }
    options.check(words / 2)?;
    // All scores are numbers, or nothing happens.
    let only = score(call, first)?;
    for at in (first + 2..call.args.len()).step_by(2) {
        score(call, at)?;
    }
    let key = call.key(1);
    let tally = if words == 2 {
        let pair = (only, call.args.at(first + 1));
        add(call, &key, options, std::iter::once(pair))?
    } else {
        let pairs = pairs(call, first);
        add(call, &key, options, pairs)?
    };
    let mut reply = call.reply();
    match tally.score {
        Some(score) if options.increment => reply.double(score),
        None if options.increment => reply.null(),
        _ => reply.integer(tally.reply(&options)),
    }
    Ok(())
}

/// ZINCRBY key increment member
pub fn zincrby(call: &mut Call<'_>) -> Outcome {
    score(call, 2)?;
    let key = call.key(1);
    let pairs = pairs(call, 2);
    let tally = add(call, &key, Addition { increment: true, ..Addition::default() }, pairs)?;
    call.reply().double(tally.score.unwrap_or_default());
    Ok(())
}
