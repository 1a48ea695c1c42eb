//! The scores of one page. While all of them are whole numbers of 32 bits, which is the common case, they take four bytes each.

use std::ops::Range;

use super::column::{copied, fit, give_back, heap, reserve};
use crate::prefetch::prefetch;

/// Scores, in the order of their page.
#[derive(Clone, Debug)]
pub(super) enum Scores {
    /// Whole numbers; the zero among them is the positive one.
    Whole(Vec<i32>),
    /// Any numbers.
    Real(Vec<f64>),
}

impl Default for Scores {
    fn default() -> Self {
        Scores::Whole(Vec::new())
    }
}

/// The score as a whole number of 32 bits.
#[inline]
fn whole(score: f64) -> Option<i32> {
    let number = score as i32;
    (f64::from(number).to_bits() == score.to_bits()).then_some(number)
}

/// Runs the same code on scores of either form.
macro_rules! either {
    ($scores:expr, $name:ident => $code:expr) => {
        match $scores {
            Scores::Whole($name) => $code,
            Scores::Real($name) => $code,
        }
    };
}

impl Scores {
    #[inline]
    pub(super) fn len(&self) -> usize {
        either!(self, scores => scores.len())
    }

    /// Bytes of one.
    #[inline]
    pub(super) fn width(&self) -> usize {
        match self {
            Scores::Whole(_) => size_of::<i32>(),
            Scores::Real(_) => size_of::<f64>(),
        }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> f64 {
        match self {
            Scores::Whole(scores) => f64::from(scores[at]),
            Scores::Real(scores) => scores[at],
        }
    }

    /// Starts loading score number `at`.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        match self {
            Scores::Whole(scores) => prefetch(scores.as_ptr().wrapping_add(at)),
            Scores::Real(scores) => prefetch(scores.as_ptr().wrapping_add(at)),
        }
    }

    /// Starts loading all of them.
    #[inline]
    pub(super) fn prefetch_all(&self) {
        let (start, bytes) = either!(self, scores => (scores.as_ptr().cast::<u8>(), size_of_val(scores.as_slice())));
        (0..bytes).step_by(64).for_each(|at| prefetch(start.wrapping_add(at)));
    }

    /// The scores at `range`, from either end.
    #[inline]
    pub(super) fn iter(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = f64> + ExactSizeIterator {
        range.map(|at| self.get(at))
    }

    /// How many of the scores from number `from` on, which ascend, `is_before` holds for.
    #[inline]
    pub(super) fn count_from(&self, from: usize, is_before: impl Fn(f64) -> bool) -> usize {
        match self {
            Scores::Whole(scores) => scores[from..].partition_point(|score| is_before(f64::from(*score))),
            Scores::Real(scores) => scores[from..].partition_point(|score| is_before(*score)),
        }
    }

    /// Puts a score before number `at`, or at the end.
    pub(super) fn insert(&mut self, at: usize, score: f64) {
        match (&mut *self, whole(score)) {
            (Scores::Whole(scores), Some(score)) => {
                reserve(scores, 1);
                scores.insert(at, score);
            }
            (Scores::Real(scores), _) => {
                reserve(scores, 1);
                scores.insert(at, score);
            }
            (Scores::Whole(_), None) => {
                let scores = self.widen(1);
                scores.insert(at, score);
            }
        }
    }

    /// Changes score number `at`.
    pub(super) fn set(&mut self, at: usize, score: f64) {
        match (&mut *self, whole(score)) {
            (Scores::Whole(scores), Some(score)) => scores[at] = score,
            (Scores::Real(scores), _) => scores[at] = score,
            (Scores::Whole(_), None) => self.widen(0)[at] = score,
        }
    }

    fn widen(&mut self, more: usize) -> &mut Vec<f64> {
        if let Scores::Whole(scores) = self {
            let mut wide = Vec::new();
            reserve(&mut wide, scores.len() + more);
            wide.extend(scores.iter().map(|score| f64::from(*score)));
            *self = Scores::Real(wide);
        }
        match self {
            Scores::Real(scores) => scores,
            Scores::Whole(_) => unreachable!("they were widened"),
        }
    }

    fn narrow(&mut self) {
        if let Scores::Real(scores) = self
            && scores.iter().all(|score| whole(*score).is_some())
        {
            let mut narrow = Vec::new();
            reserve(&mut narrow, scores.len());
            narrow.extend(scores.iter().filter_map(|score| whole(*score)));
            *self = Scores::Whole(narrow);
        }
    }

    /// Removes the scores at `range`.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        either!(self, scores => {
            scores.drain(range);
            give_back(scores);
        });
    }

    /// Cuts off the scores from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Scores {
        let mut rest = match self {
            Scores::Whole(scores) => Scores::Whole(copied(&scores[at..])),
            Scores::Real(scores) => Scores::Real(copied(&scores[at..])),
        };
        either!(self, scores => {
            scores.truncate(at);
            fit(scores);
        });
        self.narrow();
        rest.narrow();
        rest
    }

    /// Adds all scores of the page that follows.
    pub(super) fn append(&mut self, other: &Scores) {
        match (&mut *self, other) {
            (Scores::Whole(scores), Scores::Whole(other)) => {
                reserve(scores, other.len());
                scores.extend_from_slice(other);
            }
            (_, Scores::Whole(other)) => {
                let scores = self.widen(other.len());
                reserve(scores, other.len());
                scores.extend(other.iter().map(|score| f64::from(*score)));
            }
            (_, Scores::Real(other)) => {
                let scores = self.widen(other.len());
                reserve(scores, other.len());
                scores.extend_from_slice(other);
            }
        }
    }

    /// Heap bytes, by the allocator's size classes.
    pub(super) fn heap(&self) -> usize {
        either!(self, scores => heap(scores))
    }
}
