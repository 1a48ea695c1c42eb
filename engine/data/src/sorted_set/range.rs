//! Which members a range means: by score, and by bytes.

use std::ops::Range;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBound {
    /// The score; not NaN.
    pub score: f64,
    /// The score itself is left out.
    pub excluded: bool,
}

/// A range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: ScoreBound,
    /// The upper end.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// Whether no score can be inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let (min, max) = (self.min, self.max);
        min.score > max.score || (min.score == max.score && (min.excluded || max.excluded))
    }

    /// Whether the score is before the range.
    #[inline]
    #[must_use]
    pub fn is_below(&self, score: f64) -> bool {
        if self.min.excluded { score <= self.min.score } else { score < self.min.score }
    }

    /// Whether the score is not behind the range.
    #[inline]
    #[must_use]
    pub fn is_not_above(&self, score: f64) -> bool {
        if self.max.excluded { score < self.max.score } else { score <= self.max.score }
    }

    /// Whether the score is inside.
    #[must_use]
    pub fn contains(&self, score: f64) -> bool {
        !self.is_below(score) && self.is_not_above(score)
    }
}

/// One end of a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before all bytes.
    Start,
    /// These bytes.
    Included(&'a [u8]),
    /// As close to these bytes as can be, without them.
    Excluded(&'a [u8]),
    /// Behind all bytes.
    End,
}

/// A range of bytes, among members of equal score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether nothing can be inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        use LexBound::{End, Excluded, Included, Start};
        match (self.min, self.max) {
            (End, _) | (_, Start) => true,
            (Start, _) | (_, End) => false,
            (Included(min), Included(max)) => min > max,
            (Included(min) | Excluded(min), Included(max) | Excluded(max)) => min >= max,
        }
    }

    /// Whether the bytes are before the range.
    #[inline]
    #[must_use]
    pub fn is_below(&self, name: &[u8]) -> bool {
        match self.min {
            LexBound::Start => false,
            LexBound::Included(min) => name < min,
            LexBound::Excluded(min) => name <= min,
            LexBound::End => true,
        }
    }

    /// Whether the bytes are not behind the range.
    #[inline]
    #[must_use]
    pub fn is_not_above(&self, name: &[u8]) -> bool {
        match self.max {
            LexBound::Start => false,
            LexBound::Included(max) => name <= max,
            LexBound::Excluded(max) => name < max,
            LexBound::End => true,
        }
    }
}

/// The positions in a set of `len` members that two indexes mean, of which negative ones count from the end. What lies
/// outside is left out.
#[must_use]
pub fn rank_range(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let start = if start < 0 { start.saturating_add(len).max(0) } else { start };
    let end = if end < 0 { end.saturating_add(len) } else { end }.min(len - 1);
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}
