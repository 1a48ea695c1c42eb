//! Sorted sets: members, each once, in the order of their scores and, where those are equal, of their bytes.
//!
//! A small one is *packed*, and becomes *large* when it has too many members or one that is too long; it never goes back.
//! A score is any double but NaN. The two zeros are equal; a packed set keeps the positive one alone, as Redis does.

mod column;
mod index_page;
mod large;
mod names;
mod packed;
mod range;
mod score_page;
mod scores;
mod stemmed;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use index_page::IndexPage;
pub use large::LargeSortedSet;
pub use range::{LexBound, LexRange, ScoreBound, ScoreRange, rank_range};
pub(crate) use score_page::ScorePage;

use crate::collection::{Body, BodyRef, Collection, Large};
use crate::hash::HashSeed;
use crate::packed_list::{Packed, PackedList};
use crate::value::{IntBuffer, Kind, Value};

/// Up to which size sorted sets are packed, and the seed of those that are not.
#[derive(Clone, Copy, Debug)]
pub struct SortedSetLimits {
    /// How many members a packed set has at the most.
    pub entries: usize,
    /// How long they are at the most.
    pub value: usize,
    /// What hashes of members are keyed with.
    pub seed: HashSeed,
}

/// A member with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<'a> {
    /// The member.
    pub member: Value<'a>,
    /// Its score; not NaN.
    pub score: f64,
}

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updated {
    /// The score that it had; `None` if it was not there.
    pub old: Option<f64>,
    /// The score that was decided on; `None` to leave everything as it was.
    pub new: Option<f64>,
}

impl Updated {
    /// The member was not there before, and is now.
    #[must_use]
    pub fn is_added(&self) -> bool {
        self.old.is_none() && self.new.is_some()
    }

    /// The member was there, and has another score now.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!((self.old, self.new), (Some(old), Some(new)) if old != new)
    }
}

/// A sorted set, owned while it is edited.
pub enum SortedSet {
    /// A small one.
    Packed(PackedList),
    /// A large one. The box holds nothing else, ever.
    Large(Box<Large>),
}

/// A sorted set in its entry.
#[derive(Clone, Copy)]
pub enum SortedSetRef<'a> {
    /// A small one.
    Packed(Packed<'a>),
    /// A large one.
    Large(&'a LargeSortedSet),
}

impl Collection for SortedSet {
    const KIND: Kind = Kind::SortedSet;
    type View<'a> = SortedSetRef<'a>;

    fn empty() -> Self {
        SortedSet::Packed(PackedList::new())
    }

    fn is_empty(&self) -> bool {
        self.as_ref().is_empty()
    }

    fn from_body(body: Body) -> Self {
        match body {
            Body::Packed(bytes) | Body::Alternate(bytes) => SortedSet::Packed(PackedList::from_bytes(bytes)),
            Body::Large(large) => SortedSet::Large(large),
        }
    }

    fn into_body(self) -> Body {
        match self {
            SortedSet::Packed(list) => Body::Packed(list.into_bytes()),
            SortedSet::Large(large) => Body::Large(large),
        }
    }

    fn view(body: BodyRef<'_>) -> SortedSetRef<'_> {
        match body {
            BodyRef::Packed(bytes) | BodyRef::Alternate(bytes) => SortedSetRef::Packed(Packed::new(bytes)),
            BodyRef::Large(large) => SortedSetRef::Large(inner(large)),
        }
    }
}

/// The sorted set in a body of this kind.
#[inline]
fn inner(large: &Large) -> &LargeSortedSet {
    match large {
        Large::SortedSet(set) => set,
        _ => unreachable!("the entry's kind is that of its body"),
    }
}

#[inline]
fn inner_mut(large: &mut Large) -> &mut LargeSortedSet {
    match large {
        Large::SortedSet(set) => set,
        _ => unreachable!("the entry's kind is that of its body"),
    }
}

/// Sorts members into the order of sorted sets.
pub fn sort_scored(members: &mut [Scored<'_>]) {
    members.sort_unstable_by(|a, b| {
        a.score.partial_cmp(&b.score).unwrap_or(std::cmp::Ordering::Equal).then_with(|| {
            let (mut left, mut right) = (IntBuffer::new(), IntBuffer::new());
            a.member.bytes(&mut left).cmp(b.member.bytes(&mut right))
        })
    });
}

impl SortedSet {
    /// A set of these members, each once, in any order: packed if it may be. They are sorted on the way.
    #[must_use]
    pub fn of(members: &mut [Scored<'_>], limits: &SortedSetLimits) -> SortedSet {
        Self::of_any(members, limits, true).0
    }

    /// As [`SortedSet::of`]; `None` if a member is there twice.
    #[must_use]
    pub fn of_distinct(members: &mut [Scored<'_>], limits: &SortedSetLimits) -> Option<SortedSet> {
        let (set, are_distinct) = Self::of_any(members, limits, false);
        are_distinct.then_some(set)
    }

    /// A set of these members, if each is there once; and whether it is, unless that is known.
    fn of_any(members: &mut [Scored<'_>], limits: &SortedSetLimits, known: bool) -> (SortedSet, bool) {
        sort_scored(members);
        let fits = |one: &Scored<'_>| one.member.len() <= limits.value;
        let bytes = members.iter().map(|one| one.member.len() + 64).sum::<usize>();
        if members.len() > limits.entries || !members.iter().all(fits) || !PackedList::new().has_room_for(bytes) {
            let (large, are_distinct) = LargeSortedSet::from_sorted(limits.seed, members);
            return (SortedSet::Large(Box::new(Large::SortedSet(large))), are_distinct);
        }
        let mut list = PackedList::new();
        let mut text = packed::ScoreText::new();
        for one in members {
            packed::push(&mut list, one.member, one.score, &mut text);
        }
        list.give_back();
        let are_distinct = known || list.view().are_distinct(2);
        (SortedSet::Packed(list), are_distinct)
    }

    /// A set of a packed list that a stranger sent, which is a valid list; `None` if it is not that of a sorted set.
    #[must_use]
    pub fn from_packed(list: PackedList, limits: &SortedSetLimits) -> Option<SortedSet> {
        if !packed::is_valid(list.view()) {
            return None;
        }
        let mut set = SortedSet::Packed(list);
        let view = set.as_ref();
        let mut longest = 0;
        view.visit(0..view.len(), false, |member, _| {
            longest = longest.max(member.len());
            true
        });
        if view.len() > limits.entries || longest > limits.value {
            set.unpack(limits);
        }
        Some(set)
    }

    /// The set, to be read.
    #[inline]
    #[must_use]
    pub fn as_ref(&self) -> SortedSetRef<'_> {
        match self {
            SortedSet::Packed(list) => SortedSetRef::Packed(list.view()),
            SortedSet::Large(large) => SortedSetRef::Large(inner(large)),
        }
    }

    /// Gives a member the score that `decide` makes of the one it has; `None` leaves it, or its absence, as it is.
    pub fn update(
        &mut self,
        member: &[u8],
        limits: &SortedSetLimits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Updated {
        let list = match self {
            SortedSet::Large(large) => return inner_mut(large).update(member, decide),
            SortedSet::Packed(list) => list,
        };
        let found = packed::find(list.view(), member);
        let old = found.map(|(_, score)| score);
        let updated = Updated { old, new: decide(old) };
        let Some(new) = updated.new else { return updated };
        match found {
            Some((position, old)) if old != new => {
                list.remove(position, 2);
                packed::insert(list, member, new);
            }
            Some(_) => {}
            None => {
                let fits = packed::len(list.view()) < limits.entries
                    && member.len() <= limits.value
                    && list.has_room_for(packed::pair_bytes(member));
                if fits {
                    packed::insert(list, member, new);
                } else {
                    self.unpack(limits).update(member, |_| Some(new));
                }
            }
        }
        updated
    }

    /// Gives a member this score, whatever it had.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: &SortedSetLimits) -> Updated {
        self.update(member, limits, |_| Some(score))
    }

    /// Takes a member out; its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self {
            SortedSet::Large(large) => inner_mut(large).remove(member),
            SortedSet::Packed(list) => {
                let (position, score) = packed::find(list.view(), member)?;
                list.remove(position, 2);
                Some(score)
            }
        }
    }

    /// Removes the members at these positions.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        if ranks.is_empty() {
            return;
        }
        match self {
            SortedSet::Large(large) => inner_mut(large).remove_range(ranks),
            SortedSet::Packed(list) => list.remove_range(ranks.start * 2, ranks.len() * 2),
        }
    }

    /// Makes the set a large one.
    fn unpack(&mut self, limits: &SortedSetLimits) -> &mut LargeSortedSet {
        if let SortedSet::Packed(list) = self {
            let mut members = Vec::with_capacity(packed::len(list.view()));
            packed::visit(list.view(), 0..packed::len(list.view()), false, &mut |member, score| {
                members.push(Scored { member, score });
                true
            });
            let (large, _) = LargeSortedSet::from_sorted(limits.seed, &members);
            *self = SortedSet::Large(Box::new(Large::SortedSet(large)));
        }
        match self {
            SortedSet::Large(large) => inner_mut(large),
            SortedSet::Packed(_) => unreachable!("it was made large"),
        }
    }

    /// Gives a member another score in one of the two trees only: for tests, which must notice.
    #[doc(hidden)]
    pub fn plant_stale_order(&mut self, member: &[u8], score: f64) {
        if let SortedSet::Large(large) = self {
            inner_mut(large).plant_stale_order(member, score);
        }
    }
}

impl<'a> SortedSetRef<'a> {
    /// How many members there are.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            SortedSetRef::Packed(list) => packed::len(list),
            SortedSetRef::Large(set) => set.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            SortedSetRef::Packed(list) => list.is_empty(),
            SortedSetRef::Large(set) => set.is_empty(),
        }
    }

    /// A member's score.
    #[inline]
    #[must_use]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            SortedSetRef::Packed(list) => packed::find(list, member).map(|(_, score)| score),
            SortedSetRef::Large(set) => set.score(member),
        }
    }

    /// How many members are before this one, and its score.
    #[must_use]
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            SortedSetRef::Packed(list) => {
                packed::find(list, member).map(|(position, score)| (packed::rank(list, position), score))
            }
            SortedSetRef::Large(set) => set.rank(member),
        }
    }

    /// Calls `visit` for the members at these positions, in order or backwards, until it says to stop.
    #[inline]
    pub fn visit(self, ranks: Range<usize>, backwards: bool, mut visit: impl FnMut(Value<'a>, f64) -> bool) {
        match self {
            SortedSetRef::Packed(list) => packed::visit(list, ranks, backwards, &mut visit),
            SortedSetRef::Large(set) => set.visit(ranks, backwards, &mut visit),
        }
    }

    /// Calls `visit` for all members in order.
    pub fn for_each(self, mut visit: impl FnMut(Value<'a>, f64)) {
        self.visit(0..self.len(), false, |member, score| {
            visit(member, score);
            true
        });
    }

    /// The member at this position, and its score.
    #[must_use]
    pub fn at(self, rank: usize) -> Option<(Value<'a>, f64)> {
        let mut found = None;
        self.visit(rank..rank.saturating_add(1).min(self.len()), false, |member, score| {
            found = Some((member, score));
            false
        });
        found
    }

    /// The positions of the members with scores in `range`.
    #[must_use]
    pub fn score_ranks(self, range: &ScoreRange) -> Range<usize> {
        match self {
            SortedSetRef::Packed(_) if range.is_empty() => 0..0,
            SortedSetRef::Packed(list) => {
                packed::ranks(list, |_, score| range.is_below(score), |_, score| range.is_not_above(score))
            }
            SortedSetRef::Large(set) => set.score_ranks(range),
        }
    }

    /// The positions of the members in `range`, all scores being equal.
    #[must_use]
    pub fn lex_ranks(self, range: &LexRange<'_>) -> Range<usize> {
        match self {
            SortedSetRef::Packed(_) if range.is_empty() => 0..0,
            SortedSetRef::Packed(list) => {
                let (mut low, mut high) = (IntBuffer::new(), IntBuffer::new());
                packed::ranks(
                    list,
                    |member, _| range.is_below(member.bytes(&mut low)),
                    |member, _| range.is_not_above(member.bytes(&mut high)),
                )
            }
            SortedSetRef::Large(set) => set.lex_ranks(range),
        }
    }

    /// Visits members in an order of their own from where `cursor` says, about `count` of them; a packed set as a whole. Where
    /// to go on, 0 at the end.
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(Value<'_>, f64)) -> u64 {
        match self {
            SortedSetRef::Packed(_) => {
                self.for_each(visit);
                0
            }
            SortedSetRef::Large(set) => set.scan(cursor, count, &mut visit),
        }
    }

    /// Finds out whether the set is in order. For tests: it takes as long as there are members.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(self) -> Result<(), String> {
        match self {
            SortedSetRef::Packed(list) if list.is_empty() || packed::is_valid(list) => Ok(()),
            SortedSetRef::Packed(list) => Err(format!("not in order: {:?}", list.bytes())),
            SortedSetRef::Large(set) => set.check(),
        }
    }
}
