//! Pages of members in the order of their scores: the order that ranges, ranks and replies follow.
//!
//! Columns: scores, and the members' bytes. Records ascend by score, and those of equal score by their bytes. The two
//! zeros are equal and stay what they are; a score is never NaN.

use std::cmp::Ordering;
use std::ops::Range;

use super::names::Names;
use super::scores::Scores;
use crate::prefetch::prefetch_all;
use crate::size_class::size_class;
use crate::tree::Page;

/// What a page holds at the most, as long as it holds more than one record.
const PAGE_BYTES: usize = 4032;

/// A page with fewer bytes should be joined with a neighbour.
const UNDER_FULL_BYTES: usize = 1024;

/// How full pages are that are made in order.
pub(super) const BUILT_BYTES: usize = 3700;

/// Bytes of a member's length.
const LENGTH_BYTES: usize = 1;

/// Members in the order of their scores.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScorePage {
    scores: Scores,
    names: Names,
    /// Another record has become the first one.
    first_differs: bool,
}

/// Where a record stands in the order.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) score: f64,
    pub(crate) name: Box<[u8]>,
}

/// The order of sorted sets.
#[inline]
pub(super) fn compare(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    match a.0.partial_cmp(&b.0) {
        Some(Ordering::Less) => Ordering::Less,
        Some(Ordering::Greater) => Ordering::Greater,
        _ => a.1.cmp(b.1),
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Place) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Place) -> Ordering {
        compare((self.score, &self.name), (other.score, &other.name))
    }
}

impl Place {
    /// Whether this place is not behind the given one.
    #[inline]
    pub(super) fn reaches(&self, score: f64, name: &[u8]) -> bool {
        if self.score == score { *self.name <= *name } else { self.score < score }
    }

    /// Which part of what is between this place and a later one is before the score, if scores are spread evenly. Where they are not
    /// numbers to calculate with it is no number.
    #[inline]
    pub(super) fn share(&self, last: &Place, score: f64) -> f64 {
        (score - self.score) / (last.score - self.score)
    }
}

impl ScorePage {
    #[inline]
    pub(super) fn score(&self, at: usize) -> f64 {
        self.scores.get(at)
    }

    /// The records at `range`, from either end.
    #[inline]
    pub(super) fn records(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = (f64, &[u8])> {
        self.scores.iter(range.clone()).zip(self.names.iter(range))
    }

    /// Starts loading what says where the page's parts are.
    #[inline]
    pub(crate) fn prefetch_head(&self) {
        prefetch_all(self);
    }

    /// Starts loading what tells where a record is.
    #[inline]
    pub(crate) fn prefetch_columns(&self) {
        self.scores.prefetch_all();
        self.names.prefetch_extents(self.scores.len());
    }

    /// Starts loading the records of this score, or where they would go, and what a change moves behind them.
    #[inline]
    pub(crate) fn prefetch_record(&self, score: f64) {
        self.names.prefetch_from(self.scores.count_from(0, |other| other < score));
    }

    /// How many records there are whose scores `is_before` holds for, which it does up to some score.
    pub(super) fn count_scores(&self, is_before: impl Fn(f64) -> bool) -> usize {
        self.scores.count_from(0, is_before)
    }

    /// How a record stands to another one. Names are found only where scores don't tell.
    #[inline]
    fn compare(&self, at: usize, score: f64, name: &[u8]) -> Ordering {
        match self.scores.get(at).partial_cmp(&score) {
            Some(Ordering::Less) => Ordering::Less,
            Some(Ordering::Greater) => Ordering::Greater,
            _ => self.names.get(at).cmp(name),
        }
    }

    /// Where the record is, or where it belongs.
    #[inline]
    pub(super) fn seek(&self, score: f64, name: &[u8]) -> Result<usize, usize> {
        let low = self.scores.count_from(0, |other| other < score);
        if !self.has_score(low, score) { Err(low) } else { self.names.search(low..self.end_of(low, score), name) }
    }

    /// Where a record is that is there. Where it is the only one of its score there is no need to look at its name.
    #[inline]
    fn position(&self, score: f64, name: &[u8]) -> Option<usize> {
        let low = self.scores.count_from(0, |other| other < score);
        let end = if self.has_score(low, score) { self.end_of(low, score) } else { low };
        let found = match end - low {
            0 => None,
            1 => Some(low),
            _ => self.names.search(low..end, name).ok(),
        };
        debug_assert_eq!(found, self.seek(score, name).ok(), "the order holds what the index says");
        found
    }

    #[inline]
    fn has_score(&self, at: usize, score: f64) -> bool {
        at < self.scores.len() && self.scores.get(at) == score
    }

    /// Where records of this score end, of which the first is at `low`. Mostly there are few.
    #[inline]
    fn end_of(&self, low: usize, score: f64) -> usize {
        const STEPS_MAX: usize = 8;
        match (low + 1..low + STEPS_MAX).find(|at| !self.has_score(*at, score)) {
            Some(end) => end,
            None => low + self.scores.count_from(low, |other| other <= score),
        }
    }

    /// Puts a record in that is not there.
    pub(super) fn insert(&mut self, score: f64, name: &[u8]) {
        let at = match self.seek(score, name) {
            Ok(at) | Err(at) => at,
        };
        self.insert_at(at, score, name);
    }

    fn insert_at(&mut self, at: usize, score: f64, name: &[u8]) {
        self.first_differs |= at == 0;
        self.scores.insert(at, score);
        self.names.insert(at, name);
    }

    /// Adds a record behind all others.
    pub(super) fn push(&mut self, score: f64, name: &[u8]) {
        self.insert_at(self.scores.len(), score, name);
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, score: f64, name: &[u8]) {
        if let Some(at) = self.position(score, name) {
            self.remove_records(at..at + 1);
        }
    }

    /// Gives a record another score, if its new place is in this page for certain; otherwise takes it out and says so.
    pub(super) fn rescore(&mut self, old: f64, name: &[u8], new: f64) -> bool {
        let Some(at) = self.position(old, name) else { return false };
        let last = self.scores.len() - 1;
        let before = at > 0 && self.compare(at - 1, new, name).is_lt();
        let after = at < last && self.compare(at + 1, new, name).is_gt();
        if before && after {
            self.scores.set(at, new);
            return true;
        }
        // Between the first and the last of the others nothing but this page can be its place.
        let inside = last > 1 && {
            let (first, end) = (usize::from(at == 0), last - usize::from(at == last));
            self.compare(first, new, name).is_lt() && self.compare(end, new, name).is_gt()
        };
        let name = inside.then(|| name.to_vec());
        self.remove_records(at..at + 1);
        match name {
            Some(name) => {
                self.insert(new, &name);
                true
            }
            None => false,
        }
    }

    /// Bytes of its records.
    pub(super) fn bytes(&self) -> usize {
        self.scores.len() * (self.scores.width() + LENGTH_BYTES) + self.names.total()
    }

    /// Where to cut so that the lower part has at most `wanted` bytes, but a record at least.
    fn cut(&self, wanted: usize) -> usize {
        let (record, mut bytes) = (self.scores.width() + LENGTH_BYTES, 0);
        let fits = |at: &usize| {
            bytes += record + self.names.len_of(*at);
            bytes > wanted
        };
        (0..self.scores.len()).find(fits).unwrap_or(self.scores.len()).clamp(1, self.scores.len() - 1)
    }
}

impl Page for ScorePage {
    type Bound = Place;

    fn len(&self) -> usize {
        self.scores.len()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.scores.heap() + self.names.heap()
    }

    fn lowest(&self) -> Place {
        Place { score: self.scores.get(0), name: self.names.get(0).into() }
    }

    fn has_lowest(&self, bound: &Place) -> bool {
        self.scores.get(0) == bound.score && self.names.get(0) == &*bound.name
    }

    fn first_may_differ(&mut self) -> bool {
        std::mem::take(&mut self.first_differs)
    }

    fn bound_memory(bound: &Place) -> usize {
        if bound.name.is_empty() { 0 } else { size_class(bound.name.len()) }
    }

    fn is_over_full(&self) -> bool {
        self.bytes() > PAGE_BYTES && self.scores.len() > 1
    }

    fn is_under_full(&self) -> bool {
        self.bytes() < UNDER_FULL_BYTES
    }

    fn split(&mut self, at_end: bool) -> Option<Self> {
        if self.scores.len() < 2 {
            return None;
        }
        let at = self.cut(if at_end { PAGE_BYTES - PAGE_BYTES / 16 } else { self.bytes() / 2 });
        Some(ScorePage { scores: self.scores.split_off(at), names: self.names.split_off(at), first_differs: false })
    }

    fn may_absorb(&self, next: &Self) -> bool {
        self.bytes() + next.bytes() <= PAGE_BYTES - PAGE_BYTES / 8
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        self.scores.append(&next.scores);
        self.names.append(&next.names);
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        self.first_differs |= range.start == 0;
        self.names.remove(range.clone());
        self.scores.remove(range);
    }
}
