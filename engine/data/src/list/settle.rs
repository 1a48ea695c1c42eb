//! Which strips of a list are compressed: all but so many at either end ([`ListLimits::with_compress_depth`]).
//!
//! After each change, what has come near an end is opened, and what the change has touched or moved further inside is compressed. A
//! list that was made under another depth is not gone through for that: it comes to be as it should be where it is changed.
//! A change costs a step for each strip that is to stay open, and the compression of a few.

use std::ops::Range;

use super::{LargeList, ListLimits};
use crate::tree::Page as _;

/// How many strips in a row are compressed at one place; no change leaves more to be compressed.
const STRIPS_MAX: usize = 8;

impl LargeList {
    /// Opens and compresses what a change has left to be: at the ends of the tree, and around the element at `at` of it.
    #[inline]
    pub(super) fn settle(&mut self, limits: ListLimits, at: Option<usize>) {
        if limits.depth > 0 {
            self.settle_strips(limits, at);
        }
    }

    #[cold]
    fn settle_strips(&mut self, limits: ListLimits, at: Option<usize>) {
        let inside = self.inside(limits);
        self.compress_near(inside.start, &inside);
        self.compress_near(inside.end.saturating_sub(1), &inside);
        if let Some(at) = at {
            self.compress_near(at, &inside);
        }
    }

    /// The same for the whole list.
    pub(super) fn settle_all(&mut self, limits: ListLimits) {
        let inside = self.inside(limits);
        let strips: Vec<usize> = self.tree.pages(inside.clone()).map(|(_, first)| first).collect();
        strips.into_iter().for_each(|first| self.compress_at(first, &inside));
    }

    /// Compresses the strip that begins at `first` again, which `gone` elements were removed from, none before the one at `from`.
    /// Where the inside begins and ends moves with that; by too much, if a strip has been joined across: what comes of that the
    /// next [`LargeList::settle`] mends.
    pub(super) fn settle_shortened(&mut self, first: usize, from: usize, gone: usize, inside: &mut Range<usize>) {
        if inside.start >= inside.end {
            return;
        }
        inside.start -= gone.min(inside.start.saturating_sub(from));
        inside.end -= gone.min(inside.end.saturating_sub(from));
        self.compress_near(first, inside);
    }

    /// The elements of the tree whose strips are to be compressed. Those of the others are opened.
    pub(super) fn inside(&mut self, limits: ListLimits) -> Range<usize> {
        if limits.depth == 0 {
            return 0..0;
        }
        // Once more if a strip was joined with its neighbour when it was opened: then another one has come near the end.
        loop {
            let (inside, closed) = self.ends(limits.depth);
            if closed.is_empty() {
                return inside;
            }
            for first in closed {
                self.tree.edit_at(first, |strip, _| strip.open_for_good());
            }
        }
    }

    /// The elements that are not in the strips at the ends, and where those begin that have to be opened.
    fn ends(&self, depth: usize) -> (Range<usize>, Vec<usize>) {
        let (mut start, mut end) = (0, self.tree.len());
        let mut closed = Vec::new();
        for (strip, first) in self.tree.pages_from(0).take(depth) {
            start = first + strip.len();
            if !strip.is_plain() {
                closed.push(first);
            }
        }
        for (strip, first) in self.tree.pages_from(0).rev().take(depth) {
            end = first;
            if first >= start && !strip.is_plain() {
                closed.push(first);
            }
        }
        (start..end.max(start), closed)
    }

    /// Compresses the strip of the element at `at` and its neighbours, as far as nobody has tried to.
    fn compress_near(&mut self, at: usize, inside: &Range<usize>) {
        if !inside.contains(&at) {
            return;
        }
        let mut untried = Vec::new();
        for (strip, first) in self.tree.pages(at..inside.end).take(STRIPS_MAX) {
            if !strip.is_untried() {
                break;
            }
            untried.push(first);
        }
        for (strip, first) in self.tree.pages(inside.start..at).rev().take(STRIPS_MAX) {
            if !strip.is_untried() {
                break;
            }
            untried.push(first);
        }
        untried.into_iter().for_each(|first| self.compress_at(first, inside));
    }

    /// Compresses the strip of the element at `at`, if it is inside.
    fn compress_at(&mut self, at: usize, inside: &Range<usize>) {
        // Once more if it was joined with its neighbour: then there is one strip less.
        while let Some((strip, offset)) = self.tree.page_at(at) {
            let first = at - offset;
            if !strip.is_untried() || first < inside.start || first + strip.len() > inside.end {
                return;
            }
            self.tree.edit_at(at, |strip, _| strip.compress());
        }
    }
}
