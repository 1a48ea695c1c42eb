//! Pages of members in the order of their hashes: where a member's score is found, and the order that ZSCAN follows.
//!
//! Columns: the upper 32 bits of the member's keyed hash, its score, its bytes without
//! what all of the page begin with. Members of equal hash stay in one page, so a
//! position in the order of hashes means the same whatever becomes of the pages.

use std::ops::Range;

use super::column::{copied, fit, give_back, heap, reserve};
use super::scores::Scores;
use super::stemmed::Stemmed;
use crate::prefetch::prefetch;
use crate::spread::{self, Between};
use crate::tree::Page;

/// What a page holds, unless a single hash has more.
const PAGE_BYTES: usize = 4032;

/// A page with fewer bytes should be joined with a neighbour.
const UNDER_FULL_BYTES: usize = 1024;

/// How full pages are that are made in order.
pub(super) const BUILT_BYTES: usize = 3400;

/// Bytes of a hash and a member's length.
const FIXED_BYTES: usize = size_of::<u32>() + 1;

/// Members in the order of their hashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexPage {
    hashes: Vec<u32>,
    scores: Scores,
    names: Stemmed,
    /// Another record has become the first one.
    first_differs: bool,
}

impl IndexPage {
    /// How many records have a lower hash. Hashes are evenly spread, so the place is guessed, and is near.
    #[inline]
    fn count_below(&self, hash: u32) -> usize {
        const STEPS_MAX: usize = 16;
        let hashes = self.hashes.as_slice();
        let (Some(low), Some(high)) = (hashes.first(), hashes.last()) else { return 0 };
        if hash <= *low {
            return 0;
        }
        if hash > *high {
            return hashes.len();
        }
        let (above, width) = (u64::from(hash - low), u64::from(high - low));
        let mut at = (above * (hashes.len() as u64 - 1) / width) as usize;
        if hashes[at] < hash {
            // The last hash is not below, so there is an end to it.
            for _ in 0..STEPS_MAX {
                at += 1;
                if hashes[at] >= hash {
                    return at;
                }
            }
            at + 1 + hashes[at + 1..].partition_point(|other| *other < hash)
        } else {
            for _ in 0..STEPS_MAX {
                if at == 0 || hashes[at - 1] < hash {
                    return at;
                }
                at -= 1;
            }
            hashes[..at].partition_point(|other| *other < hash)
        }
    }

    /// Starts loading what says where the member of this hash is.
    #[inline]
    pub(crate) fn prefetch_place(&self, hash: u32) {
        let (Some(low), Some(high)) = (self.hashes.first(), self.hashes.last()) else { return };
        let at = spread::guess(self.hashes.len(), (*low, *high), hash.clamp(*low, *high));
        prefetch(&raw const self.hashes[at]);
        self.scores.prefetch(at);
        self.names.prefetch_extents(at);
    }

    /// Starts loading the member of this hash, or where it belongs.
    #[inline]
    pub(crate) fn prefetch_element(&self, hash: u32) {
        self.names.prefetch(self.count_below(hash));
    }

    /// Where the member is, or where it belongs.
    #[inline]
    pub(super) fn seek(&self, hash: u32, name: &[u8]) -> Result<usize, usize> {
        let mut at = self.count_below(hash);
        while self.hashes.get(at) == Some(&hash) {
            if self.names.is(at, name) {
                return Ok(at);
            }
            at += 1;
        }
        Err(at)
    }

    /// The member's score.
    #[inline]
    pub(crate) fn find(&self, hash: u32, name: &[u8]) -> Option<f64> {
        self.seek(hash, name).ok().map(|at| self.scores.get(at))
    }

    #[inline]
    pub(super) fn hash(&self, at: usize) -> u32 {
        self.hashes[at]
    }

    #[inline]
    pub(super) fn score(&self, at: usize) -> f64 {
        self.scores.get(at)
    }

    /// Writes a member's bytes into a buffer, in place of what is there.
    #[inline]
    pub(super) fn write_name(&self, at: usize, name: &mut Vec<u8>) {
        self.names.write(at, name);
    }

    /// The first record whose hash is not below this one.
    pub(super) fn first_from(&self, hash: u32) -> usize {
        self.count_below(hash)
    }

    /// Adds a member behind all others.
    pub(super) fn push(&mut self, hash: u32, score: f64, name: &[u8]) {
        self.insert_at(self.hashes.len(), hash, score, name);
    }

    /// Puts a member in that is not there, where [`IndexPage::seek`] says that it belongs.
    pub(super) fn insert_at(&mut self, at: usize, hash: u32, score: f64, name: &[u8]) {
        self.first_differs |= at == 0;
        reserve(&mut self.hashes, 1);
        self.hashes.insert(at, hash);
        self.scores.insert(at, score);
        self.names.insert(at, name);
    }

    /// Gives the member at `at` another score.
    pub(super) fn set_score(&mut self, at: usize, score: f64) {
        self.scores.set(at, score);
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, hash: u32, name: &[u8]) -> Option<f64> {
        let at = self.seek(hash, name).ok()?;
        let score = self.scores.get(at);
        self.remove_records(at..at + 1);
        Some(score)
    }

    /// Bytes of its records.
    pub(super) fn bytes(&self) -> usize {
        self.hashes.len() * (FIXED_BYTES + self.scores.width()) + self.names.total()
    }

    /// The place next to `wanted` where two hashes meet.
    fn cut(&self, wanted: usize) -> Option<usize> {
        let meets = |at: &usize| self.hashes[at - 1] != self.hashes[*at];
        let len = self.hashes.len();
        (wanted..len).find(meets).or_else(|| (1..wanted).rev().find(meets))
    }
}

impl Page for IndexPage {
    type Bound = u32;

    fn len(&self) -> usize {
        self.hashes.len()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + heap(&self.hashes) + self.scores.heap() + self.names.heap()
    }

    fn lowest(&self) -> u32 {
        self.hashes[0]
    }

    #[inline]
    fn last_at_or_before<'b>(len: usize, at: impl Fn(usize) -> &'b u32, hash: &u32, between: &mut Between) -> usize {
        between.narrow(len, |index| *at(index), *hash)
    }

    #[inline]
    fn guess(len: usize, hash: &u32, between: Between) -> usize {
        between.guess(len, *hash)
    }

    fn first_may_differ(&mut self) -> bool {
        std::mem::take(&mut self.first_differs)
    }

    fn is_over_full(&self) -> bool {
        self.bytes() > PAGE_BYTES
    }

    fn is_under_full(&self) -> bool {
        self.bytes() < UNDER_FULL_BYTES
    }

    fn split(&mut self, _at_end: bool) -> Option<Self> {
        if self.hashes.len() < 2 {
            return None;
        }
        // Hashes come in no order, so an end is like any other place. Half of the bytes, for members differ in length.
        let (half, record, mut bytes) = (self.bytes() / 2, FIXED_BYTES + self.scores.width(), 0);
        let reaches_half = |at: &usize| {
            bytes += record + self.names.len_of_rest(*at);
            bytes > half
        };
        let middle = (0..self.hashes.len()).find(reaches_half).unwrap_or(0).max(1);
        let at = self.cut(middle)?;
        let rest = IndexPage {
            hashes: copied(&self.hashes[at..]),
            scores: self.scores.split_off(at),
            names: self.names.split_off(at),
            first_differs: false,
        };
        self.hashes.truncate(at);
        fit(&mut self.hashes);
        Some(rest)
    }

    fn may_absorb(&self, next: &Self) -> bool {
        self.bytes() + next.bytes() <= PAGE_BYTES - PAGE_BYTES / 8
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        reserve(&mut self.hashes, next.hashes.len());
        self.hashes.extend_from_slice(&next.hashes);
        self.scores.append(&next.scores);
        self.names.append(next.names);
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        self.first_differs |= range.start == 0;
        self.names.remove(range.clone());
        self.hashes.drain(range.clone());
        self.scores.remove(range);
        give_back(&mut self.hashes);
    }
}
