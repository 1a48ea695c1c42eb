//! Removal of a range of records: nodes inside it go as wholes, and only the two pages at its ends are changed.

use std::ops::Range;
use std::sync::Arc;

use super::Page;
use super::edit::{join_if_under_full, refresh_bound};
use super::node::Node;
use super::own::own;

/// Removes the records at `range` of a node, some of which stay. Returns by how much its memory grew.
pub(super) fn remove<P: Page>(node: &mut Arc<Node<P>>, range: Range<usize>) -> isize {
    let before = node.block_memory() as isize;
    let mut below = 0;
    match own(node) {
        Node::Leaf(page) => page.remove_records(range),
        Node::Inner(children) => {
            let mut end = 0;
            let mut cut = Vec::new();
            let mut at = 0;
            children.retain_mut(|child| {
                let start = end;
                end += child.len;
                let (from, to) = (range.start.max(start), range.end.min(end));
                if from >= to {
                    at += 1;
                    return true;
                }
                if to - from == child.len {
                    below -= (P::bound_memory(&child.bound) + child.node.memory()) as isize;
                    return false;
                }
                below += remove(&mut child.node, from - start..to - start);
                child.len -= to - from;
                below += refresh_bound(child);
                cut.push(at);
                at += 1;
                true
            });
            // From the last on, so that joining does not move the ones that are still to come.
            for at in cut.into_iter().rev() {
                below += join_if_under_full(children, at.min(children.len() - 1));
            }
            if children.capacity() > 2 * children.len() + 8 {
                children.shrink_to(children.len() + children.len() / 4 + 2);
            }
        }
    }
    below + node.block_memory() as isize - before
}
