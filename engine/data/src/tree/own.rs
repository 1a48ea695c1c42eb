//! Nodes that may be shared, made one's own to be changed.
//!
//! `Arc::make_mut` locks the weak count for as long as it looks, which costs more than the look: a change of a large collection goes
//! through three to nine nodes. There are no weak references to nodes, so one load tells.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

/// Whether somebody else holds the node, too.
#[inline(always)]
pub(super) fn is_shared<T>(node: &Arc<T>) -> bool {
    debug_assert_eq!(Arc::weak_count(node), 0, "nodes are never referred to weakly");
    Arc::strong_count(node) != 1
}

/// The node, to be changed. It is copied first if somebody else holds it, too.
#[inline(always)]
pub(super) fn own<T: Clone>(node: &mut Arc<T>) -> &mut T {
    if is_shared(node) {
        copy(node);
    }
    // What others did to the node before they let go of it happened before whatever is done to it now.
    fence(Ordering::Acquire);
    // SAFETY: this is the only strong reference (it was found to be, or was made just now), it is borrowed mutably, so nobody can
    // clone it meanwhile, and no weak one exists, for none is made in this module or its parents, which alone see nodes. So nobody
    // else reaches what it points to. The pointer comes from the `Arc` itself and may be written through.
    unsafe { &mut *Arc::as_ptr(node).cast_mut() }
}

#[cold]
#[inline(never)]
fn copy<T: Clone>(node: &mut Arc<T>) {
    *node = Arc::new(T::clone(node));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{is_shared, own};

    #[test]
    fn what_is_shared_is_copied_and_what_is_not_is_not() {
        let mut node = Arc::new(vec![1]);
        let place = Arc::as_ptr(&node);
        own(&mut node).push(2);
        assert_eq!((Arc::as_ptr(&node), is_shared(&node)), (place, false));
        let other = Arc::clone(&node);
        assert!(is_shared(&node));
        own(&mut node).push(3);
        assert_eq!((&*node, &*other), (&vec![1, 2, 3], &vec![1, 2]));
        assert!(!is_shared(&node) && !is_shared(&other));
    }

    #[test]
    fn a_node_that_another_thread_lets_go_of_may_be_changed() {
        let mut node = Arc::new(vec![0; 100]);
        for round in 1..=if cfg!(miri) { 3 } else { 100 } {
            let other = Arc::clone(&node);
            std::thread::scope(|scope| {
                scope.spawn(move || assert!(other.iter().all(|value| *value == round - 1)));
                own(&mut node).fill(round);
            });
            assert!(node.iter().all(|value| *value == round));
        }
    }
}
