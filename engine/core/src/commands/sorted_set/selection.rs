//! Which members a command means: by position, by score or by bytes.

use std::ops::Range;

use refrain_data::{LexBound, LexRange, ScoreBound, ScoreRange, SortedSetRef, rank_range};

use crate::call::Call;
use crate::double;
use crate::error::ErrorReply;

/// How members are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// A choice of members.
pub(super) enum Selection<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Selection<'a> {
    /// Reads what two arguments say.
    pub(super) fn parse(call: &Call<'a>, by: By, min: usize, max: usize) -> Result<Selection<'a>, ErrorReply> {
        match by {
            By::Rank => Ok(Selection::Ranks(call.integer(min)?, call.integer(max)?)),
            By::Score => {
                const WRONG: ErrorReply = ErrorReply::new("ERR min or max is not a float");
                let bound = |i| score_bound(call.args.at(i)).ok_or(WRONG);
                Ok(Selection::Scores(ScoreRange { min: bound(min)?, max: bound(max)? }))
            }
            By::Lex => {
                const WRONG: ErrorReply = ErrorReply::new("ERR min or max not valid string range item");
                let bound = |i| lex_bound(call.args.at(i)).ok_or(WRONG);
                Ok(Selection::Lex(LexRange { min: bound(min)?, max: bound(max)? }))
            }
        }
    }

    /// The positions of the members that are meant. Indexes count from the end of the set in the opposite direction.
    pub(super) fn ranks(&self, set: SortedSetRef<'_>, backwards: bool) -> Range<usize> {
        match self {
            Selection::Ranks(start, end) => {
                let len = set.len();
                let ranks = rank_range(*start, *end, len);
                if backwards && !ranks.is_empty() { len - ranks.end..len - ranks.start } else { ranks }
            }
            Selection::Scores(range) => set.score_ranks(range),
            Selection::Lex(range) => set.lex_ranks(range),
        }
    }
}

fn score_bound(text: &[u8]) -> Option<ScoreBound> {
    let (excluded, text) = match text {
        [b'(', rest @ ..] => (true, rest),
        text => (false, text),
    };
    // Nearly all bounds are whole numbers.
    let score = match refrain_resp::parse_i64(text) {
        Some(whole) => whole as f64,
        None => double::parse_bound(text)?,
    };
    Some(ScoreBound { score, excluded })
}

fn lex_bound(text: &[u8]) -> Option<LexBound<'_>> {
    match text {
        b"-" => Some(LexBound::Start),
        b"+" => Some(LexBound::End),
        [b'[', name @ ..] => Some(LexBound::Included(name)),
        [b'(', name @ ..] => Some(LexBound::Excluded(name)),
        _ => None,
    }
}

/// LIMIT offset count: leaves out the first and keeps some of the others; a negative count keeps all.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) offset: i64,
    pub(super) count: i64,
}

impl Limit {
    pub(super) const NONE: Limit = Limit { offset: 0, count: -1 };

    /// What it leaves of `ranks`, which are gone through in order or backwards.
    pub(super) fn of(self, ranks: Range<usize>, backwards: bool) -> Range<usize> {
        let Ok(offset) = usize::try_from(self.offset) else { return 0..0 };
        let len = ranks.len();
        let offset = offset.min(len);
        let count = usize::try_from(self.count).map_or(len - offset, |count| count.min(len - offset));
        if backwards {
            let end = ranks.end - offset;
            end - count..end
        } else {
            let start = ranks.start + offset;
            start..start + count
        }
    }
}
