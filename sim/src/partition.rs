//! Partitions of every shape, as sets of directed links to cut.

use std::collections::BTreeSet;

use crate::world::NodeId;

/// A set of directed links. Give it to `World::cut`, and the same to `World::heal`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cuts(BTreeSet<(NodeId, NodeId)>);

impl Cuts {
    /// Nothing passes from `from` to `to`; the way back is open.
    pub fn one_way(from: NodeId, to: NodeId) -> Cuts {
        Cuts::across(&[from], &[to])
    }

    /// Nothing passes between `a` and `b`.
    pub fn between(a: NodeId, b: NodeId) -> Cuts {
        Cuts::split(&[a], &[b])
    }

    /// Nothing passes from any of `from` to any of `to`.
    pub fn across(from: &[NodeId], to: &[NodeId]) -> Cuts {
        from.iter().flat_map(|f| to.iter().map(move |t| (*f, *t))).collect()
    }

    /// Nothing passes between the two groups. Who is in neither sees both.
    pub fn split(left: &[NodeId], right: &[NodeId]) -> Cuts {
        Cuts::across(left, right).and(Cuts::across(right, left))
    }

    /// `node` is alone among `all`.
    pub fn isolate(node: NodeId, all: &[NodeId]) -> Cuts {
        Cuts::split(&[node], all)
    }

    /// `node` hears nobody of `all`, and everybody hears it.
    pub fn deafen(node: NodeId, all: &[NodeId]) -> Cuts {
        Cuts::across(all, &[node])
    }

    /// Nobody of `all` hears `node`, and it hears everybody.
    pub fn mute(node: NodeId, all: &[NodeId]) -> Cuts {
        Cuts::across(&[node], all)
    }

    /// The two groups see each other only by way of the nodes in neither: a bridge.
    pub fn bridge(left: &[NodeId], bridge: NodeId, right: &[NodeId]) -> Cuts {
        let without = |group: &[NodeId]| -> Vec<NodeId> { group.iter().copied().filter(|n| *n != bridge).collect() };
        Cuts::split(&without(left), &without(right))
    }

    /// Each node sees only its neighbours in `nodes`, the last and the first being neighbours: majorities that all differ.
    pub fn ring(nodes: &[NodeId]) -> Cuts {
        let n = nodes.len();
        let apart = |a: usize, b: usize| a != b && (a + 1) % n != b && (b + 1) % n != a;
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        pairs.filter(|(a, b)| apart(*a, *b)).map(|(a, b)| (nodes[a], nodes[b])).collect()
    }

    /// Both sets together.
    #[must_use]
    pub fn and(mut self, other: Cuts) -> Cuts {
        self.0.extend(other.0);
        self
    }

    /// The links, in order.
    pub fn links(&self) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(NodeId, NodeId)> for Cuts {
    /// Links from a node to itself are left out: a host always hears itself.
    fn from_iter<I: IntoIterator<Item = (NodeId, NodeId)>>(links: I) -> Cuts {
        Cuts(links.into_iter().filter(|(a, b)| a != b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(n: usize) -> Vec<NodeId> {
        (0..n).map(NodeId::new).collect()
    }

    fn open(cuts: &Cuts, n: usize) -> Vec<(usize, usize)> {
        let all = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        all.filter(|(a, b)| a != b && !cuts.links().any(|l| l == (NodeId::new(*a), NodeId::new(*b)))).collect()
    }

    #[test]
    fn shapes_leave_open_what_they_say() {
        let n = nodes(5);
        assert_eq!(open(&Cuts::one_way(n[0], n[1]), 2), [(1, 0)]);
        assert_eq!(open(&Cuts::isolate(n[0], &n[..3]), 3), [(1, 2), (2, 1)]);
        assert_eq!(open(&Cuts::deafen(n[0], &n[..2]), 2), [(0, 1)]);
        assert_eq!(open(&Cuts::mute(n[0], &n[..2]), 2), [(1, 0)]);
        assert_eq!(open(&Cuts::bridge(&n[..3], n[2], &n[2..]), 5).iter().filter(|(a, _)| *a == 2).count(), 4);
        assert!(!open(&Cuts::bridge(&n[..3], n[2], &n[2..]), 5).contains(&(1, 3)));
        let ring = open(&Cuts::ring(&n), 5);
        assert_eq!(ring.len(), 10);
        assert!(ring.contains(&(4, 0)) && ring.contains(&(1, 2)) && !ring.contains(&(0, 2)));
    }
}
