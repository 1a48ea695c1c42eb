//! Pages one after another, from either end. Each step seeks anew from the root, which costs little beside a page of
//! records, and leaves an iterator that is two numbers and a reference.

use std::ops::Range;

use super::{Page, Tree};

/// An iterator over the pages of a range of records, each with the position of its first record.
pub struct Pages<'a, P: Page> {
    tree: &'a Tree<P>,
    /// The records that no page has been given for.
    rest: Range<usize>,
}

impl<'a, P: Page> Pages<'a, P> {
    pub(super) fn new(tree: &'a Tree<P>, range: Range<usize>) -> Self {
        Pages { tree, rest: range.start..range.end.min(tree.len()) }
    }
}

impl<P: Page> Clone for Pages<'_, P> {
    fn clone(&self) -> Self {
        Pages { tree: self.tree, rest: self.rest.clone() }
    }
}

impl<'a, P: Page> Iterator for Pages<'a, P> {
    type Item = (&'a P, usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (page, offset) = self.tree.page_at(self.rest.start)?;
        let first = self.rest.start - offset;
        self.rest.start = first + page.len();
        Some((page, first))
    }
}

impl<P: Page> DoubleEndedIterator for Pages<'_, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let last = self.rest.end - 1;
        let (page, offset) = self.tree.page_at(last)?;
        self.rest.end = last - offset;
        Some((page, last - offset))
    }
}
