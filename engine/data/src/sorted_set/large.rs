//! Large sorted sets: a tree of members in the order of their scores, and one in the order of their hashes.
//!
//! The first answers everything about ranks and ranges, and replies are written straight from its pages; the second finds
//! a member's score, and is what ZSCAN walks. Both hold the members' bytes, so each answers with one descent, and a scan can
//! name what it finds. Guarantees: both hold the same members with the same scores ([`LargeSortedSet::check`]); a copy is two
//! reference counts.

use std::ops::Range;

use super::index_page::{self, IndexPage};
use super::range::{LexBound, LexRange, ScoreRange};
use super::score_page::{self, ScorePage, compare};
use super::{Scored, Updated};
use crate::hash::HashSeed;
use crate::tree::{Page, Tree};
use crate::value::{IntBuffer, Value};

/// A sorted set of any size. Cloning one takes constant time.
#[derive(Clone)]
pub struct LargeSortedSet {
    seed: HashSeed,
    order: Tree<ScorePage>,
    index: Tree<IndexPage>,
}

impl LargeSortedSet {
    /// One without members.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        LargeSortedSet { seed, order: Tree::new(), index: Tree::new() }
    }

    /// One of these members, which ascend in the order of sorted sets; and whether each is there once, without which it is none.
    #[must_use]
    pub fn from_sorted(seed: HashSeed, members: &[Scored<'_>]) -> (Self, bool) {
        let mut set = LargeSortedSet::new(seed);
        let mut digits = IntBuffer::new();
        let mut hashes = Vec::with_capacity(members.len());
        let mut page = ScorePage::default();
        for (at, one) in members.iter().enumerate() {
            let name = one.member.bytes(&mut digits);
            hashes.push((set.hash(name), at));
            if page.len() > 0 && page.bytes() + name.len() > score_page::BUILT_BYTES {
                set.order.push_back(std::mem::take(&mut page));
            }
            page.push(one.score, name);
        }
        if page.len() > 0 {
            set.order.push_back(page);
        }
        hashes.sort_unstable();
        let mut page = IndexPage::default();
        let mut last = None;
        let mut are_distinct = true;
        for (hash, at) in hashes {
            let name = members[at].member.bytes(&mut digits);
            if page.bytes() + name.len() > index_page::BUILT_BYTES && last != Some(hash) {
                set.index.push_back(std::mem::take(&mut page));
            }
            are_distinct &= last != Some(hash) || page.find(hash, name).is_none();
            page.push(hash, members[at].score, name);
            last = Some(hash);
        }
        if page.len() > 0 {
            set.index.push_back(page);
        }
        (set, are_distinct)
    }

    /// How many members there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The memory beside the value itself, in bytes by the allocator's size classes. Constant time.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.order.memory() + self.index.memory()
    }

    /// A member's place in the order of hashes.
    #[inline]
    pub(crate) fn hash(&self, name: &[u8]) -> u32 {
        (self.seed.hash(name).0 >> 32) as u32
    }

    /// The members in the order of their hashes.
    #[inline]
    pub(crate) fn index(&self) -> &Tree<IndexPage> {
        &self.index
    }

    /// The page where a member of this score is or would be in the order.
    #[inline]
    pub(crate) fn order_page(&self, score: f64, name: &[u8]) -> Option<&ScorePage> {
        self.order.lookup_near(|lowest| lowest.reaches(score, name), |low, high| low.share(high, score))
    }

    /// A member's score.
    #[inline]
    #[must_use]
    pub fn score(&self, name: &[u8]) -> Option<f64> {
        let hash = self.hash(name);
        self.index.lookup(&hash)?.find(hash, name)
    }

    /// How many members are before this one, and its score.
    #[must_use]
    pub fn rank(&self, name: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(name)?;
        let (page, first) = self.order.page_by(|lowest| lowest.reaches(score, name))?;
        Some((first + page.seek(score, name).ok()?, score))
    }

    /// Gives a member the score that `decide` makes of the one it has; `None` leaves it, or its absence, as it is.
    pub fn update(&mut self, name: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Updated {
        let hash = self.hash(name);
        let updated = self.index.edit_of(&hash, |page| {
            let found = page.seek(hash, name);
            let old = found.ok().map(|at| page.score(at));
            let updated = Updated { old, new: decide(old) };
            match (found, updated.new) {
                (Err(at), Some(new)) => page.insert_at(at, hash, new, name),
                (Ok(at), Some(new)) if updated.is_changed() => page.set_score(at, new),
                _ => {}
            }
            updated
        });
        match (updated.old, updated.new) {
            (None, Some(new)) => {
                self.edit_order(new, name, |page| page.insert(new, name));
            }
            (Some(old), Some(new)) if old != new => {
                let stayed = self.edit_order(old, name, |page| page.rescore(old, name, new));
                if !stayed {
                    self.edit_order(new, name, |page| page.insert(new, name));
                }
            }
            _ => {}
        }
        updated
    }

    /// Takes a member out; its score.
    pub fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let hash = self.hash(name);
        let score = self.index.edit_of(&hash, |page| page.remove(hash, name))?;
        self.edit_order(score, name, |page| page.remove(score, name));
        Some(score)
    }

    /// Changes the page where a member of this score is or would be in the order.
    #[inline]
    fn edit_order<R>(&mut self, score: f64, name: &[u8], change: impl FnOnce(&mut ScorePage) -> R) -> R {
        self.order.edit_near(|lowest| lowest.reaches(score, name), |low, high| low.share(high, score), change)
    }

    /// Removes the members at `ranks`.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        let ranks = ranks.start..ranks.end.min(self.len());
        if ranks.len() == self.len() {
            *self = LargeSortedSet::new(self.seed);
            return;
        }
        let LargeSortedSet { seed, order, index } = self;
        for (page, first) in order.pages(ranks.clone()) {
            for (_, name) in page.records(inside(page, first, &ranks)) {
                let hash = (seed.hash(name).0 >> 32) as u32;
                index.edit_of(&hash, |page| page.remove(hash, name));
            }
        }
        order.remove_range(ranks);
    }

    /// Calls `visit` for the members at `ranks` until it says to stop.
    #[inline]
    pub fn visit<'a>(&'a self, ranks: Range<usize>, backwards: bool, visit: &mut impl FnMut(Value<'a>, f64) -> bool) {
        let ranks = ranks.start..ranks.end.min(self.len());
        let mut pages = self.order.pages(ranks.clone());
        if backwards {
            while let Some((page, first)) = pages.next_back() {
                for (score, name) in page.records(inside(page, first, &ranks)).rev() {
                    if !visit(Value::Bytes(name), score) {
                        return;
                    }
                }
            }
        } else {
            for (page, first) in pages {
                for (score, name) in page.records(inside(page, first, &ranks)) {
                    if !visit(Value::Bytes(name), score) {
                        return;
                    }
                }
            }
        }
    }

    /// How many members have scores for which `is_before` holds, which it does up to some score.
    fn count_scores(&self, is_before: impl Fn(f64) -> bool) -> usize {
        let Some((page, first)) = self.order.page_by(|lowest| is_before(lowest.score)) else { return 0 };
        first + page.count_scores(is_before)
    }

    /// The positions of the members with scores in `range`.
    #[must_use]
    pub fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let start = self.count_scores(|score| range.is_below(score));
        let end = self.count_scores(|score| range.is_not_above(score));
        start..end.max(start)
    }

    /// The positions of the members in `range`, all scores being equal. If they are not, only those of the lowest score are
    /// found by their bytes.
    #[must_use]
    pub fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        let Some(first) = self.order.first() else { return 0..0 };
        if range.is_empty() {
            return 0..0;
        }
        let score = first.score(0);
        let start = match range.min {
            LexBound::Start => 0,
            LexBound::Included(name) => self.count_names(score, name, false),
            LexBound::Excluded(name) => self.count_names(score, name, true),
            LexBound::End => self.len(),
        };
        let end = match range.max {
            LexBound::Start => 0,
            LexBound::Included(name) => self.count_names(score, name, true),
            LexBound::Excluded(name) => self.count_names(score, name, false),
            LexBound::End => self.len(),
        };
        start..end.max(start)
    }

    /// How many members are before this place in the order, or at it.
    fn count_names(&self, score: f64, name: &[u8], with_itself: bool) -> usize {
        let Some((page, first)) = self.order.page_by(|lowest| lowest.reaches(score, name)) else { return 0 };
        first
            + match page.seek(score, name) {
                Ok(at) => at + usize::from(with_itself),
                Err(at) => at,
            }
    }

    /// Visits members in the order of their hashes from where `cursor` says, about `count` of them. Where to go on, 0 at the end.
    ///
    /// A member that is there from the first call to the last is visited, whatever happens to others and to its score: its
    /// hash never changes, and members of equal hash are visited together.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut impl FnMut(Value<'_>, f64)) -> u64 {
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let Some((page, first)) = self.index.page_of(&from) else { return 0 };
        let mut position = first + page.first_from(from);
        let mut left = count.max(1);
        let mut last = None;
        let mut name = Vec::new();
        for (page, first) in self.index.pages_from(position) {
            for at in position - first..page.len() {
                let hash = page.hash(at);
                if left == 0 && last != Some(hash) {
                    return u64::from(hash);
                }
                left = left.saturating_sub(1);
                last = Some(hash);
                page.write_name(at, &mut name);
                visit(Value::Bytes(&name), page.score(at));
            }
            position = first + page.len();
        }
        0
    }

    /// Gives a member another score in one of the two trees only: for tests, which must notice.
    #[doc(hidden)]
    pub fn plant_stale_order(&mut self, name: &[u8], score: f64) {
        let hash = self.hash(name);
        self.index.edit_of(&hash, |page| {
            if let Ok(at) = page.seek(hash, name) {
                page.set_score(at, score);
            }
        });
    }

    /// Finds out whether the two trees agree and are in order. For tests: it takes as long as there are members.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.order.len() != self.index.len() {
            return Err(format!("{} members in order and {} by hash", self.order.len(), self.index.len()));
        }
        let mut last: Option<(f64, Vec<u8>)> = None;
        for (page, _) in self.order.pages_from(0) {
            for (score, name) in page.records(0..page.len()) {
                if score.is_nan() {
                    return Err(format!("{name:?} has no number as its score"));
                }
                if last.as_ref().is_some_and(|last| !compare((last.0, &last.1), (score, name)).is_lt()) {
                    return Err(format!("{name:?} of {score} is not behind {last:?}"));
                }
                let known = self.score(name);
                if known.map(f64::to_bits) != Some(score.to_bits()) {
                    return Err(format!("{name:?} is at {score} in order and at {known:?} by hash"));
                }
                last = Some((score, name.to_vec()));
            }
        }
        let (mut last, mut name) = (0, Vec::new());
        for (page, _) in self.index.pages_from(0) {
            for at in 0..page.len() {
                let hash = page.hash(at);
                page.write_name(at, &mut name);
                if hash < last || self.hash(&name) != hash {
                    return Err(format!("{name:?} is not where its hash says"));
                }
                last = hash;
            }
        }
        Ok(())
    }
}

/// The records of a page, whose first is at `first`, that are inside `ranks`.
#[inline]
fn inside<P: Page>(page: &P, first: usize, ranks: &Range<usize>) -> Range<usize> {
    ranks.start.saturating_sub(first)..page.len().min(ranks.end - first)
}
