//! A change of one page, and what it means for the nodes above: counts, bounds, division and joining.
//!
//! A change goes down to the page and comes back with what has changed: records, memory, and nodes that now follow the one
//! that was changed. Each node takes that over for its child, and says the same of itself.

use std::sync::Arc;

use super::Page;
use super::node::{Child, Node, len_of};
use super::own::{is_shared, own};
use crate::size_class::size_class;

/// What a change did to a node.
pub(super) struct Change<P: Page> {
    /// Records that were added, less those removed.
    pub(super) len: isize,
    /// Bytes that were added, less those removed.
    pub(super) memory: isize,
    /// Nodes of the same height that follow the node now.
    pub(super) siblings: Vec<Child<P>>,
    /// More than counts may have changed: the bound of the node's first record, or whether the node is too empty.
    pub(super) unsettled: bool,
}

/// Which ends of the tree a node is at.
#[derive(Clone, Copy)]
pub(super) struct Edges {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// Where children are divided when there are too many.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Into equal parts.
    Even,
    /// The first ones stay full: more come at the end.
    AtEnd,
    /// The last ones stay full: more come at the start.
    AtStart,
}

impl<P: Page> Default for Change<P> {
    fn default() -> Self {
        Change { len: 0, memory: 0, siblings: Vec::new(), unsettled: false }
    }
}

/// Changes the page that `seek` leads to. Pages that `change` leaves in its second argument follow the one that it changes. What it did
/// is said in `done`, in which nothing has been said before.
pub(super) fn edit<P: Page>(
    node: &mut Arc<Node<P>>,
    edges: Edges,
    seek: &mut impl FnMut(&[Child<P>]) -> usize,
    change: &mut impl FnMut(&mut P, &mut Vec<P>),
    done: &mut Change<P>,
) {
    let copied = if is_shared(node) { copy(node) } else { 0 };
    match own(node) {
        Node::Leaf(page) => {
            let before = page.memory() as isize;
            edit_page(page, edges, change, done);
            done.memory += page.memory() as isize - before;
        }
        Node::Inner(children) => {
            let at = seek(children);
            let last = at + 1 == children.len();
            let below = Edges { first: edges.first && at == 0, last: edges.last && last };
            edit(&mut children[at].node, below, seek, change, done);
            let child = &mut children[at];
            let len = child.len.wrapping_add_signed(done.len);
            let settled = |child: &Child<P>| child.node.has_lowest(&child.bound) && !child.node.is_under_full();
            // Nearly always nothing but counts has changed, and then there is nothing to find out further up.
            if len > 0 && done.siblings.is_empty() && (!done.unsettled || settled(child)) {
                child.len = len;
                done.unsettled = false;
            } else {
                let mut cut = Cut::Even;
                if below.last {
                    cut = Cut::AtEnd;
                } else if below.first {
                    cut = Cut::AtStart;
                }
                take_over(children, at, done, cut);
            }
        }
    }
    done.memory += copied;
}

/// Copies a node that is shared. Returns by how many bytes the copy's block is larger, for copies hold nothing in reserve.
#[cold]
fn copy<P: Page>(node: &mut Arc<Node<P>>) -> isize {
    let before = node.block_memory() as isize;
    own(node);
    node.block_memory() as isize - before
}

#[inline]
fn edit_page<P: Page>(page: &mut P, edges: Edges, change: &mut impl FnMut(&mut P, &mut Vec<P>), done: &mut Change<P>) {
    let before = page.len() as isize;
    let mut following = Vec::new();
    change(page, &mut following);
    done.unsettled = page.first_may_differ() || page.is_under_full();
    if !following.is_empty() || page.is_over_full() {
        divide_all(page, following, edges, done);
    }
    done.len = (page.len() + len_of(&done.siblings)) as isize - before;
}

/// Divides a page and those that follow it, which become its siblings.
#[inline(never)]
fn divide_all<P: Page>(page: &mut P, following: Vec<P>, edges: Edges, done: &mut Change<P>) {
    let mut parts = Vec::new();
    divide_page(page, edges.last, &mut parts);
    for mut page in following {
        let mut more = Vec::new();
        divide_page(&mut page, edges.last, &mut more);
        parts.push(page);
        parts.append(&mut more);
    }
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let child = Child { bound: part.lowest(), len: part.len(), node: Arc::new(Node::Leaf(part)) };
        done.memory += (P::bound_memory(&child.bound) + child.node.block_memory()) as isize;
        done.siblings.push(child);
    }
}

/// Divides a page until no part of it is too full or can be divided. `parts` gets what follows the page.
fn divide_page<P: Page>(page: &mut P, at_end: bool, parts: &mut Vec<P>) {
    if !page.is_over_full() {
        return;
    }
    let Some(mut rest) = page.split(at_end) else { return };
    divide_page(page, false, parts);
    loop {
        let next = if rest.is_over_full() { rest.split(at_end) } else { None };
        let mut more = Vec::new();
        divide_page(&mut rest, false, &mut more);
        parts.push(rest);
        parts.append(&mut more);
        match next {
            Some(next) => rest = next,
            None => return,
        }
    }
}

/// Takes over into `children` what a change did to the child `at`, and says in `done` what it did to their node.
#[inline(never)]
fn take_over<P: Page>(children: &mut Vec<Child<P>>, at: usize, done: &mut Change<P>, cut: Cut) {
    let before = children_memory(children);
    take_over_inside(children, at, done, cut);
    done.memory += children_memory(children) - before;
    done.unsettled = true;
}

/// What the children's list itself occupies.
fn children_memory<P: Page>(children: &Vec<Child<P>>) -> isize {
    let bytes = children.capacity() * size_of::<Child<P>>();
    if bytes == 0 { 0 } else { size_class(bytes) as isize }
}

/// The same, but what the list itself occupies is for the caller to compare.
fn take_over_inside<P: Page>(children: &mut Vec<Child<P>>, at: usize, done: &mut Change<P>, cut: Cut) {
    let siblings = std::mem::take(&mut done.siblings);
    if siblings.is_empty() {
        let child = &mut children[at];
        child.len = child.len.wrapping_add_signed(done.len);
        if child.len == 0 {
            done.memory -= drop_child(children, at);
        } else {
            done.memory += refresh_bound(child);
            done.memory += join_if_under_full(children, at);
        }
        return;
    }
    let child = &mut children[at];
    child.len = child.node.len();
    let mut next = at + 1;
    if child.len == 0 {
        done.memory -= drop_child(children, at);
        next = at;
    } else {
        done.memory += refresh_bound(child);
    }
    reserve(children, siblings.len(), P::FAN_OUT);
    children.splice(next..next, siblings);
    let (siblings, memory) = divide(children, cut);
    done.siblings = siblings;
    done.memory += memory;
}

/// Room for `more` children, in steps that waste little of a node's memory.
fn reserve<P: Page>(children: &mut Vec<Child<P>>, more: usize, fan_out: usize) {
    let wanted = children.len() + more;
    if wanted > children.capacity() {
        let step = if wanted > fan_out { wanted } else { (wanted + wanted / 4 + 2).min(fan_out) };
        children.reserve_exact(step - children.len());
    }
}

/// Divides children until there are no more than a node may have. Returns nodes of the rest, and what those occupy.
pub(super) fn divide<P: Page>(children: &mut Vec<Child<P>>, cut: Cut) -> (Vec<Child<P>>, isize) {
    let mut siblings = Vec::new();
    let mut memory = 0;
    while children.len() > P::FAN_OUT {
        let len = children.len();
        let keep = match cut {
            Cut::Even => len - len / len.div_ceil(P::FAN_OUT),
            Cut::AtEnd => (len - 1) / P::FAN_OUT * P::FAN_OUT,
            Cut::AtStart => len - P::FAN_OUT,
        };
        let tail = children.split_off(keep);
        let child = Child { bound: tail[0].bound.clone(), len: len_of(&tail), node: Arc::new(Node::Inner(tail)) };
        memory += (P::bound_memory(&child.bound) + child.node.block_memory()) as isize;
        siblings.push(child);
        children.shrink_to_fit();
    }
    siblings.reverse();
    (siblings, memory)
}

/// Makes a child's bound that of its first record again. Returns what its heap grew by.
pub(super) fn refresh_bound<P: Page>(child: &mut Child<P>) -> isize {
    if child.node.has_lowest(&child.bound) {
        return 0;
    }
    let bound = child.node.lowest();
    let grown = P::bound_memory(&bound) as isize - P::bound_memory(&child.bound) as isize;
    child.bound = bound;
    grown
}

/// Drops a child that has no records left, and returns what it occupied.
fn drop_child<P: Page>(children: &mut Vec<Child<P>>, at: usize) -> isize {
    let child = children.remove(at);
    (P::bound_memory(&child.bound) + child.node.memory()) as isize
}

/// Joins the child `at` with a neighbour if it should be and can. Returns what that changed of the children's memory.
pub(super) fn join_if_under_full<P: Page>(children: &mut Vec<Child<P>>, at: usize) -> isize {
    if !children[at].node.is_under_full() {
        return 0;
    }
    let mut memory = 0;
    if at + 1 < children.len() {
        let (joined, change) = join(children, at);
        memory += change;
        if joined {
            return memory;
        }
    }
    if at > 0 {
        memory += join(children, at - 1).1;
    }
    memory
}

/// Joins the children `at` and `at + 1` if they fit into one. Tells whether they did, and what changed of their memory.
fn join<P: Page>(children: &mut Vec<Child<P>>, at: usize) -> (bool, isize) {
    let (left, right) = children.split_at_mut(at + 1);
    let (left, right) = (&mut left[at], &mut right[0]);
    let fits = match (&*left.node, &*right.node) {
        (Node::Leaf(page), Node::Leaf(next)) => page.may_absorb(next),
        (Node::Inner(some), Node::Inner(more)) => some.len() + more.len() <= P::FAN_OUT,
        _ => unreachable!("children of a node are equally deep"),
    };
    if !fits {
        return (false, 0);
    }
    let blocks = |left: &Child<P>, right: &Child<P>| (left.node.block_memory() + right.node.block_memory()) as isize;
    let before = blocks(left, right);
    let taken = std::mem::replace(own(&mut right.node), Node::Inner(Vec::new()));
    let back = match (own(&mut left.node), taken) {
        (Node::Leaf(page), Node::Leaf(next)) => page.absorb(next).map(Node::Leaf),
        (Node::Inner(some), Node::Inner(mut more)) => {
            reserve(some, more.len(), P::FAN_OUT);
            some.append(&mut more);
            None
        }
        _ => unreachable!("children of a node are equally deep"),
    };
    if let Some(back) = back {
        *own(&mut right.node) = back;
        return (false, blocks(left, right) - before);
    }
    left.len += right.len;
    let memory = left.node.block_memory() as isize - P::bound_memory(&right.bound) as isize - before;
    children.remove(at + 1);
    if children.capacity() > 2 * children.len() + 8 {
        children.shrink_to(children.len() + children.len() / 4 + 2);
    }
    (true, memory)
}
