//! A search for a page that is done step by step, so that several searches can be done by turns: while the memory that one of them will
//! look at is on its way, others look at theirs.

use super::Page;
use super::node::{COUNTERS_BYTES, Node, child_of};
use crate::prefetch::{prefetch, prefetch_all};
use crate::spread::Between;

/// How far from a guess the child may be whose memory is asked for.
const GUESS_ERROR: usize = 1;

/// Where a search has come to. A look at the node and a step to its child take turns, and each asks for what the next of them reads.
pub(crate) struct Descent<'a, P: Page> {
    node: &'a Node<P>,
    between: Between,
}

impl<P: Page> Clone for Descent<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Page> Copy for Descent<'_, P> {}

impl<'a, P: Page> Descent<'a, P> {
    pub(super) fn new(root: &'a Node<P>) -> Self {
        Descent { node: root, between: Between::default() }
    }

    /// The page, if the search has come to one; otherwise asks for where the child probably is.
    #[inline]
    pub(crate) fn look(&self, bound: &P::Bound) -> Option<&'a P> {
        match self.node {
            Node::Leaf(page) => Some(page),
            Node::Inner(children) => {
                let guess = P::guess(children.len(), bound, self.between);
                prefetch(&raw const children[guess.saturating_sub(GUESS_ERROR)]);
                prefetch((&raw const children[(guess + GUESS_ERROR).min(children.len() - 1)]).wrapping_add(1));
                None
            }
        }
    }

    /// Goes on to the child, and asks for it.
    #[inline]
    pub(crate) fn step(&mut self, bound: &P::Bound) {
        if let Node::Inner(children) = self.node {
            self.node = &children[child_of(children, bound, &mut self.between)].node;
            // Whoever changes it looks at the counters, too, which are before it.
            prefetch(std::ptr::from_ref(self.node).cast::<u8>().wrapping_sub(COUNTERS_BYTES));
            prefetch_all(self.node);
        }
    }
}
