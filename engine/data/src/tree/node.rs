//! Nodes of the tree: pages, and lists of children with what is known of each.
//!
//! A node's block is what it occupies without what its children occupy. The heap of bounds is counted by whoever adds,
//! replaces or removes them, so that no change has to add them up.

use std::sync::Arc;

use super::Page;
use crate::size_class::size_class;
use crate::spread::{self, Between};

/// The two counters before what an `Arc` holds.
pub(super) const COUNTERS_BYTES: usize = 16;

/// A node of the tree.
#[derive(Clone)]
pub(super) enum Node<P: Page> {
    Leaf(P),
    /// Never empty, once a change is done.
    Inner(Vec<Child<P>>),
}

/// A node below another, and what is known of it: the bound and the number of its records.
#[derive(Clone)]
pub(super) struct Child<P: Page> {
    pub(super) bound: P::Bound,
    pub(super) len: usize,
    pub(super) node: Arc<Node<P>>,
}

impl<P: Page> Node<P> {
    /// How many records are in it and below.
    pub(super) fn len(&self) -> usize {
        match self {
            Node::Leaf(page) => page.len(),
            Node::Inner(children) => len_of(children),
        }
    }

    /// The bound of its first record.
    pub(super) fn lowest(&self) -> P::Bound {
        match self {
            Node::Leaf(page) => page.lowest(),
            Node::Inner(children) => children[0].bound.clone(),
        }
    }

    /// Whether `bound` is that of its first record.
    pub(super) fn has_lowest(&self, bound: &P::Bound) -> bool {
        match self {
            Node::Leaf(page) => page.has_lowest(bound),
            Node::Inner(children) => children[0].bound == *bound,
        }
    }

    /// What it occupies, without what is below it and without the heap of bounds.
    pub(super) fn block_memory(&self) -> usize {
        let block = size_class(COUNTERS_BYTES + size_of::<Self>());
        match self {
            Node::Leaf(page) => block - size_of::<P>() + page.memory(),
            Node::Inner(children) if children.capacity() == 0 => block,
            Node::Inner(children) => block + size_class(children.capacity() * size_of::<Child<P>>()),
        }
    }

    /// What it and all below it occupy.
    pub(super) fn memory(&self) -> usize {
        let below = match self {
            Node::Leaf(_) => 0,
            Node::Inner(children) => {
                children.iter().map(|child| P::bound_memory(&child.bound) + child.node.memory()).sum()
            }
        };
        self.block_memory() + below
    }

    /// Whether it should be joined with a neighbour.
    pub(super) fn is_under_full(&self) -> bool {
        match self {
            Node::Leaf(page) => page.is_under_full(),
            Node::Inner(children) => children.len() < P::FAN_OUT / 4,
        }
    }

    /// Its child, if there is exactly one.
    pub(super) fn only_child(&self) -> Option<&Child<P>> {
        match self {
            Node::Inner(children) if children.len() == 1 => children.first(),
            _ => None,
        }
    }
}

/// How many records are below `children`.
pub(super) fn len_of<P: Page>(children: &[Child<P>]) -> usize {
    children.iter().map(|child| child.len).sum()
}

/// Which child holds the record at `index`, and how many records are before that child.
pub(super) fn child_at<P: Page>(children: &[Child<P>], index: usize) -> (usize, usize) {
    let mut before = 0;
    for (at, child) in children.iter().enumerate() {
        if index < before + child.len {
            return (at, before);
        }
        before += child.len;
    }
    unreachable!("counts of children add up to that of their parent")
}

/// The last child whose bound `reaches` accepts, otherwise the first.
pub(super) fn child_by<P: Page>(children: &[Child<P>], reaches: &impl Fn(&P::Bound) -> bool) -> usize {
    children.partition_point(|child| reaches(&child.bound)).saturating_sub(1)
}

/// The same, of whom is known about where among the children it is: `share` of them are before it, 0 to 1, by their first and last bound.
#[inline]
pub(super) fn child_near<P: Page>(
    children: &[Child<P>],
    reaches: &impl Fn(&P::Bound) -> bool,
    share: &impl Fn(&P::Bound, &P::Bound) -> f64,
) -> usize {
    let (Some(first), Some(last)) = (children.first(), children.last()) else { return 0 };
    // What is no share of anything is the first or the last, which is as good a guess as any.
    let guess = (share(&first.bound, &last.bound) * children.len() as f64) as usize;
    spread::partition_near(children.len(), guess, |at| reaches(&children[at].bound)).saturating_sub(1)
}

/// The last child whose bound is at or before `bound`, otherwise the first.
#[inline]
pub(super) fn child_of<P: Page>(children: &[Child<P>], bound: &P::Bound, between: &mut Between) -> usize {
    P::last_at_or_before(children.len(), |at| &children[at].bound, bound, between)
}
