//! Small sorted sets: a packed list of members, each followed by its score, in the order of the scores.
//!
//! A score that is a whole number is stored as one, others as the text that Redis writes. A negative zero becomes zero.

use std::ops::Range;

use refrain_resp::push_double;

use super::score_page::compare;
use crate::packed_list::{Packed, PackedList, Position, packed_bytes};
use crate::value::{IntBuffer, Value};

/// The largest magnitude of a whole number that is stored as an integer.
const WHOLE_MAX: f64 = (1u64 << 62) as f64;

/// The score in an element. What is no number (which nothing stores) counts as zero.
pub(super) fn score_of(value: Value<'_>) -> f64 {
    match value {
        Value::Int(number) => number as f64,
        Value::Bytes(text) => parse(text).unwrap_or(0.0),
    }
}

fn parse(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|score| !score.is_nan())
}

/// Room for the text of a score.
pub(super) struct ScoreText(Vec<u8>);

impl ScoreText {
    pub(super) fn new() -> Self {
        ScoreText(Vec::new())
    }

    /// The element that a score is stored as.
    pub(super) fn element(&mut self, score: f64) -> Value<'_> {
        if score.abs() <= WHOLE_MAX && score.fract() == 0.0 {
            return Value::Int(score as i64);
        }
        self.0.clear();
        push_double(&mut self.0, score);
        Value::Bytes(&self.0)
    }
}

/// How many members there are.
#[inline]
pub(super) fn len(list: Packed<'_>) -> usize {
    list.len() / 2
}

/// Where a member is, and its score.
pub(super) fn find(list: Packed<'_>, member: &[u8]) -> Option<(Position, f64)> {
    let position = list.find(list.first()?, member, 1)?;
    let score = list.next(position)?;
    Some((position, score_of(list.get(score))))
}

/// How many members are before the one at `position`.
pub(super) fn rank(list: Packed<'_>, position: Position) -> usize {
    list.iter_until(position).count() / 2
}

/// Puts a member in that is not there.
pub(super) fn insert(list: &mut PackedList, member: &[u8], score: f64) {
    let score = if score == 0.0 { 0.0 } else { score };
    let mut place = None;
    let view = list.view();
    let mut next = view.first();
    while let Some(position) = next {
        let Some(score_at) = view.next(position) else { break };
        let mut digits = IntBuffer::new();
        let other = view.get(position);
        let other = (score_of(view.get(score_at)), other.bytes(&mut digits));
        if compare((score, member), other).is_lt() {
            place = Some(position);
            break;
        }
        next = view.next(score_at);
    }
    let mut text = ScoreText::new();
    match place {
        Some(position) => {
            let position = list.insert_before(position, member);
            list.insert_after_value(position, text.element(score));
        }
        None => push(list, Value::Bytes(member), score, &mut text),
    }
}

/// Adds a member behind all others.
pub(super) fn push(list: &mut PackedList, member: Value<'_>, score: f64, text: &mut ScoreText) {
    list.push_back_value(member);
    list.push_back_value(text.element(score));
}

/// What a member and its score would add to a list at the most.
pub(super) fn pair_bytes(member: &[u8]) -> usize {
    /// A score of 24 characters with its frame.
    const SCORE_BYTES: usize = 32;
    packed_bytes(member) + SCORE_BYTES
}

/// Calls `visit` for the members at `ranks` until it says to stop.
pub(super) fn visit<'a>(
    list: Packed<'a>,
    ranks: Range<usize>,
    backwards: bool,
    visit: &mut impl FnMut(Value<'a>, f64) -> bool,
) {
    if ranks.is_empty() {
        return;
    }
    let first = if backwards { ranks.end - 1 } else { ranks.start };
    let mut next = list.seek(first as i64 * 2);
    for _ in ranks {
        let Some(position) = next else { return };
        let Some(score) = list.next(position) else { return };
        if !visit(list.get(position), score_of(list.get(score))) {
            return;
        }
        next = if backwards { list.prev(position).and_then(|score| list.prev(score)) } else { list.next(score) };
    }
}

/// The positions of those members for which `is_below` does not hold and `is_not_above` does: of one run, for both are
/// asked in the order of the list, each until its answer changes.
pub(super) fn ranks(
    list: Packed<'_>,
    mut is_below: impl FnMut(Value<'_>, f64) -> bool,
    mut is_not_above: impl FnMut(Value<'_>, f64) -> bool,
) -> Range<usize> {
    let (mut start, mut end) = (0, 0);
    visit(list, 0..len(list), false, &mut |member, score| {
        if end == start && is_below(member, score) {
            start += 1;
            end += 1;
            return true;
        }
        let inside = is_not_above(member, score);
        end += usize::from(inside);
        inside
    });
    start..end
}

/// Whether a list that a stranger sent, valid as such, is that of a sorted set: pairs, scores that are numbers and ascend,
/// and no member twice.
pub(super) fn is_valid(list: Packed<'_>) -> bool {
    let mut last = f64::NEG_INFINITY;
    let mut elements = list.iter();
    while elements.next().is_some() {
        let score = match elements.next() {
            Some(Value::Int(number)) => number as f64,
            Some(Value::Bytes(text)) => match parse(text) {
                Some(score) => score,
                None => return false,
            },
            None => return false,
        };
        if score < last {
            return false;
        }
        last = score;
    }
    !list.is_empty() && list.are_distinct(2)
}
