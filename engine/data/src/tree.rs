//! A counted B+tree over pages of records, copied on write: what every large collection is made of.
//!
//! A [`Page`] holds some records, about 4 KiB of them, and knows how to divide and join itself; the tree knows where pages
//! are. It finds a page by the position of a record or by a bound, and after each change of a page it recounts the path to
//! it, divides what has become too full, joins what has become too empty and drops what is empty.
//!
//! Guarantees: cloning a tree is one reference count, and the clone stays as it is whatever becomes of the original; a
//! change copies only those nodes of its path that are shared. The number of records and the memory are known at any time
//! without counting. All pages are equally deep.
//!
//! It must never look into a record, and never hold a page without records.

mod descent;
mod edit;
mod node;
mod own;
mod pages;
mod remove;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use crate::spread::Between;
pub(crate) use descent::Descent;
use edit::{Change, Edges};
use node::{Child, Node};
pub use pages::Pages;

/// Some consecutive records of a [`Tree`]. The default page is empty and owns no heap.
pub trait Page: Clone + Default + Send + Sync + 'static {
    /// What orders pages: each record has one, and the records of a tree ascend by it. Records of equal bound must not be
    /// separated by [`Page::split`] where the tree is searched by bound. `()` where the order is one of positions alone.
    type Bound: Clone + Ord + Send + Sync + 'static;

    /// How many children an inner node may have.
    const FAN_OUT: usize = 64;

    /// How many records the page holds.
    fn len(&self) -> usize;

    /// Whether the page holds no records.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the page occupies: its own size, and its heap by the allocator's size classes.
    fn memory(&self) -> usize;

    /// The bound of the first record. The page is not empty.
    fn lowest(&self) -> Self::Bound;

    /// Whether `bound` is that of the first record. Worth its own code where making a bound costs an allocation.
    fn has_lowest(&self, bound: &Self::Bound) -> bool {
        self.lowest() == *bound
    }

    /// The last of `len` ascending bounds, of which there is one at least, that is at or before `bound`; otherwise the first. Worth its
    /// own code where a bound's value tells where it is: then `between` says what the search has learnt on its way down.
    fn last_at_or_before<'b>(
        len: usize,
        at: impl Fn(usize) -> &'b Self::Bound,
        bound: &Self::Bound,
        between: &mut Between,
    ) -> usize {
        let _ = between;
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low.midpoint(high);
            if at(middle) <= bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.saturating_sub(1)
    }

    /// Where [`Page::last_at_or_before`] looks first.
    fn guess(len: usize, bound: &Self::Bound, between: Between) -> usize {
        let _ = (bound, between);
        len / 2
    }

    /// Whether the first record may be another than when this was asked last. Worth its own code where [`Page::has_lowest`] looks at
    /// memory that a change need not have touched.
    fn first_may_differ(&mut self) -> bool {
        true
    }

    /// The heap that a bound occupies, by its value alone.
    fn bound_memory(bound: &Self::Bound) -> usize {
        let _ = bound;
        0
    }

    /// Whether the page must be divided.
    fn is_over_full(&self) -> bool;

    /// Whether the page should be joined with a neighbour.
    fn is_under_full(&self) -> bool;

    /// Moves an upper part of the records out; `None` if that can't be. With `at_end` the page is the last one of its
    /// tree: records that arrive in order arrive there, so it had better stay nearly full.
    fn split(&mut self, at_end: bool) -> Option<Self>;

    /// Whether [`Page::absorb`] has a chance with `next`. It saves a copy of a shared page.
    fn may_absorb(&self, next: &Self) -> bool {
        let _ = next;
        true
    }

    /// Appends the records of the page that follows, or gives it back if they don't fit.
    fn absorb(&mut self, next: Self) -> Option<Self>;

    /// Removes the records at `range`.
    fn remove_records(&mut self, range: Range<usize>);
}

/// A counted B+tree over pages.
#[derive(Clone)]
pub struct Tree<P: Page> {
    root: Option<Arc<Node<P>>>,
    len: usize,
    memory: usize,
}

impl<P: Page> Default for Tree<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Page> Tree<P> {
    /// A tree without records.
    #[must_use]
    pub const fn new() -> Self {
        Tree { root: None, len: 0, memory: 0 }
    }

    /// How many records it holds.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no records.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What its nodes occupy, in bytes; the tree's own size is its owner's to count. Nodes that are shared with clones
    /// count as if they were not.
    #[inline]
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// The same, counted.
    #[cfg(test)]
    pub(crate) fn counted_memory(&self) -> usize {
        self.root.as_deref().map_or(0, Node::memory)
    }

    /// The page that holds the record at `index`, and where in it.
    #[must_use]
    pub fn page_at(&self, index: usize) -> Option<(&P, usize)> {
        if index >= self.len {
            return None;
        }
        let mut rest = index;
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(page) => return Some((page, rest)),
                Node::Inner(children) => {
                    let (at, before) = node::child_at(children, rest);
                    rest -= before;
                    node = &children[at].node;
                }
            }
        }
    }

    /// The page where records of `bound` are or would be, and the position of its first record: the last page that begins
    /// at or before the bound, otherwise the first page.
    #[must_use]
    pub fn page_of(&self, bound: &P::Bound) -> Option<(&P, usize)> {
        let mut between = Between::default();
        self.page_where(|children| node::child_of(children, bound, &mut between))
    }

    /// As [`Tree::page_of`], with a search that no owned bound is needed for: `reaches` tells whether a bound is at or
    /// before the one that is sought.
    #[must_use]
    pub fn page_by(&self, reaches: impl Fn(&P::Bound) -> bool) -> Option<(&P, usize)> {
        self.page_where(|children| node::child_by(children, &reaches))
    }

    fn page_where(&self, mut seek: impl FnMut(&[Child<P>]) -> usize) -> Option<(&P, usize)> {
        let mut before = 0;
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(page) => return Some((page, before)),
                Node::Inner(children) => {
                    let at = seek(children);
                    before += children[..at].iter().map(|child| child.len).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// As [`Tree::page_of`], without counting what is before the page.
    #[must_use]
    pub fn lookup(&self, bound: &P::Bound) -> Option<&P> {
        let mut between = Between::default();
        self.lookup_where(|children| node::child_of(children, bound, &mut between))
    }

    /// As [`Tree::page_by`], without counting what is before the page.
    #[must_use]
    pub fn lookup_by(&self, reaches: impl Fn(&P::Bound) -> bool) -> Option<&P> {
        self.lookup_where(|children| node::child_by(children, &reaches))
    }

    /// As [`Tree::lookup_by`], where bounds tell roughly how many are before: `share` says which part of those between two of them.
    #[inline]
    #[must_use]
    pub fn lookup_near(
        &self,
        reaches: impl Fn(&P::Bound) -> bool,
        share: impl Fn(&P::Bound, &P::Bound) -> f64,
    ) -> Option<&P> {
        self.lookup_where(|children| node::child_near(children, &reaches, &share))
    }

    #[inline]
    fn lookup_where(&self, mut seek: impl FnMut(&[Child<P>]) -> usize) -> Option<&P> {
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(page) => return Some(page),
                Node::Inner(children) => node = &children[seek(children)].node,
            }
        }
    }

    /// A search for the page that [`Tree::lookup`] finds, to be done step by step.
    pub(crate) fn descend(&self) -> Option<Descent<'_, P>> {
        self.root.as_deref().map(Descent::new)
    }

    /// The first page.
    #[must_use]
    pub fn first(&self) -> Option<&P> {
        self.page_at(0).map(|(page, _)| page)
    }

    /// The last page.
    #[must_use]
    pub fn last(&self) -> Option<&P> {
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(page) => return Some(page),
                Node::Inner(children) => node = &children.last()?.node,
            }
        }
    }

    /// The pages that hold the records of `range`, each with the position of its first record, from either end. What of
    /// the range lies beyond the tree is left out.
    #[must_use]
    pub fn pages(&self, range: Range<usize>) -> Pages<'_, P> {
        Pages::new(self, range)
    }

    /// The pages from the one that holds the record at `index` on.
    #[must_use]
    pub fn pages_from(&self, index: usize) -> Pages<'_, P> {
        self.pages(index..self.len)
    }

    /// Changes the page that holds the record at `index`, and tells where in it; `None` if there is no such record.
    pub fn edit_at<R>(&mut self, index: usize, change: impl FnOnce(&mut P, usize) -> R) -> Option<R> {
        self.part_at(index, |page, offset, _| change(page, offset))
    }

    /// The same; pages that `change` leaves in its third argument follow the one that it changes.
    pub fn part_at<R>(&mut self, index: usize, change: impl FnOnce(&mut P, usize, &mut Vec<P>) -> R) -> Option<R> {
        if index >= self.len {
            return None;
        }
        let rest = Cell::new(index);
        let seek = |children: &[Child<P>]| {
            let (at, before) = node::child_at(children, rest.get());
            rest.set(rest.get() - before);
            at
        };
        Some(self.edit(seek, |page, following| change(page, rest.get(), following)))
    }

    /// Changes the page that [`Tree::page_of`] finds, or a first one where there is none.
    pub fn edit_of<R>(&mut self, bound: &P::Bound, change: impl FnOnce(&mut P) -> R) -> R {
        let mut between = Between::default();
        self.edit(|children| node::child_of(children, bound, &mut between), |page, _| change(page))
    }

    /// Changes the page that [`Tree::page_by`] finds, or a first one where there is none.
    pub fn edit_by<R>(&mut self, reaches: impl Fn(&P::Bound) -> bool, change: impl FnOnce(&mut P) -> R) -> R {
        self.edit(|children| node::child_by(children, &reaches), |page, _| change(page))
    }

    /// As [`Tree::edit_by`], with a search as that of [`Tree::lookup_near`].
    pub fn edit_near<R>(
        &mut self,
        reaches: impl Fn(&P::Bound) -> bool,
        share: impl Fn(&P::Bound, &P::Bound) -> f64,
        change: impl FnOnce(&mut P) -> R,
    ) -> R {
        self.edit(|children| node::child_near(children, &reaches, &share), |page, _| change(page))
    }

    /// Changes the first page, which may be a new one.
    pub fn edit_first<R>(&mut self, change: impl FnOnce(&mut P) -> R) -> R {
        self.edit(|_| 0, |page, _| change(page))
    }

    /// Changes the last page, which may be a new one.
    pub fn edit_last<R>(&mut self, change: impl FnOnce(&mut P) -> R) -> R {
        self.edit(|children| children.len() - 1, |page, _| change(page))
    }

    /// Puts a page before all others.
    pub fn push_front(&mut self, page: P) {
        self.edit(|_| 0, |first, following| following.push(std::mem::replace(first, page)));
    }

    /// Puts a page after all others.
    pub fn push_back(&mut self, page: P) {
        self.edit(|children| children.len() - 1, |_, following| following.push(page));
    }

    /// Takes the first page out.
    pub fn pop_front(&mut self) -> Option<P> {
        (!self.is_empty()).then(|| self.edit_first(std::mem::take))
    }

    /// Takes the last page out.
    pub fn pop_back(&mut self) -> Option<P> {
        (!self.is_empty()).then(|| self.edit_last(std::mem::take))
    }

    /// Removes the records at `range`, as far as there are any. Pages that lie inside it go as wholes.
    pub fn remove_range(&mut self, range: Range<usize>) {
        let range = range.start..range.end.min(self.len);
        if range.is_empty() {
            return;
        }
        if range.len() == self.len {
            *self = Tree::new();
            return;
        }
        if let Some(root) = &mut self.root {
            let memory = remove::remove(root, range.clone());
            self.settle(Change { len: -(range.len() as isize), memory, siblings: Vec::new(), unsettled: false });
        }
    }

    fn edit<R>(
        &mut self,
        mut seek: impl FnMut(&[Child<P>]) -> usize,
        change: impl FnOnce(&mut P, &mut Vec<P>) -> R,
    ) -> R {
        let root = match &mut self.root {
            Some(root) => root,
            none => {
                let root = Arc::new(Node::Leaf(P::default()));
                self.memory = root.block_memory();
                none.insert(root)
            }
        };
        let (mut change, mut result, mut done) = (Some(change), None, Change::default());
        let mut change = |page: &mut P, following: &mut Vec<P>| {
            result = change.take().map(|change| change(page, following));
        };
        edit::edit(root, Edges { first: true, last: true }, &mut seek, &mut change, &mut done);
        self.settle(done);
        result.expect("one page is changed, once")
    }

    /// Takes over the counts of a change, and lets the root grow and shrink.
    #[inline]
    fn settle(&mut self, change: Change<P>) {
        self.len = self.len.wrapping_add_signed(change.len);
        let memory = self.memory as isize + change.memory;
        let stays = self.root.as_deref().is_some_and(|root| root.only_child().is_none());
        if change.siblings.is_empty() && self.len > 0 && stays {
            self.memory = memory.unsigned_abs();
        } else {
            self.reshape(memory, change.siblings);
        }
    }

    /// Makes a new root of the present one and what follows it, or of its only child. `memory` is what nodes occupy before that.
    #[inline(never)]
    fn reshape(&mut self, mut memory: isize, mut siblings: Vec<Child<P>>) {
        while !siblings.is_empty() {
            let Some(root) = self.root.take() else { break };
            let mut children = Vec::with_capacity(siblings.len() + 1);
            if root.len() == 0 {
                memory -= root.block_memory() as isize;
            } else {
                let root = Child { len: root.len(), bound: root.lowest(), node: root };
                memory += P::bound_memory(&root.bound) as isize;
                children.push(root);
            }
            children.append(&mut siblings);
            let (rest, more) = edit::divide(&mut children, edit::Cut::Even);
            siblings = rest;
            let root = Arc::new(Node::Inner(children));
            memory += more + root.block_memory() as isize;
            self.root = Some(root);
        }
        while let Some(only) = self.root.as_deref().and_then(Node::only_child) {
            let node = only.node.clone();
            memory -= P::bound_memory(&only.bound) as isize;
            memory -= self.root.as_deref().map_or(0, Node::block_memory) as isize;
            self.root = Some(node);
        }
        if self.len == 0 {
            memory -= self.root.take().map_or(0, |root| root.block_memory()) as isize;
            debug_assert_eq!(memory, 0);
        }
        self.memory = memory.unsigned_abs();
    }
}
