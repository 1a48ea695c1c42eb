//! The tree against a plain vector: positions, bounds, clones that stay, and counts that agree with a recount.

use proptest::prelude::*;

use super::node::Node;
use super::{Page, Tree};

const PAGE_RECORDS: usize = 8;

/// Numbers. Those that agree but for the last digit have the same bound, whose heap is made up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ordered(Vec<u32>);

/// Numbers that are in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Positional(Vec<u32>);

fn heap_bytes(records: &Vec<u32>) -> usize {
    if records.capacity() == 0 { 0 } else { crate::size_class::size_class(records.capacity() * 4) }
}

impl Page for Ordered {
    type Bound = u32;
    const FAN_OUT: usize = 8;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + heap_bytes(&self.0)
    }

    fn lowest(&self) -> u32 {
        self.0[0] / 10
    }

    fn bound_memory(bound: &u32) -> usize {
        *bound as usize % 7
    }

    fn is_over_full(&self) -> bool {
        self.len() > PAGE_RECORDS
    }

    fn is_under_full(&self) -> bool {
        self.len() < PAGE_RECORDS / 3
    }

    fn split(&mut self, at_end: bool) -> Option<Self> {
        let middle = if at_end { PAGE_RECORDS.min(self.len() - 1) } else { self.len() / 2 };
        let fits = |cut: &usize| self.0[cut - 1] / 10 != self.0[*cut] / 10;
        let cut = (middle.max(1)..self.len()).find(fits).or_else(|| (1..middle).rev().find(fits))?;
        Some(Ordered(self.0.split_off(cut)))
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if self.len() + next.len() > PAGE_RECORDS {
            return Some(next);
        }
        self.0.extend(next.0);
        None
    }

    fn remove_records(&mut self, range: std::ops::Range<usize>) {
        self.0.drain(range);
    }
}

impl Page for Positional {
    type Bound = ();
    const FAN_OUT: usize = 8;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + heap_bytes(&self.0)
    }

    fn lowest(&self) {}

    fn is_over_full(&self) -> bool {
        self.len() > PAGE_RECORDS
    }

    fn is_under_full(&self) -> bool {
        self.len() < PAGE_RECORDS / 3
    }

    fn split(&mut self, at_end: bool) -> Option<Self> {
        let cut = if at_end { PAGE_RECORDS.min(self.len() - 1) } else { self.len() / 2 };
        Some(Positional(self.0.split_off(cut)))
    }

    fn may_absorb(&self, next: &Self) -> bool {
        self.len() + next.len() <= PAGE_RECORDS
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        assert!(self.may_absorb(&next));
        self.0.extend(next.0);
        None
    }

    fn remove_records(&mut self, range: std::ops::Range<usize>) {
        self.0.drain(range);
    }
}

/// Fails unless counts, bounds, depth and sizes of all nodes are as promised.
fn check<P: Page>(tree: &Tree<P>)
where
    P::Bound: std::fmt::Debug,
{
    fn depth<P: Page>(node: &Node<P>) -> usize
    where
        P::Bound: std::fmt::Debug,
    {
        match node {
            Node::Leaf(page) => {
                assert!(page.len() > 0);
                0
            }
            Node::Inner(children) => {
                assert!(!children.is_empty() && children.len() <= P::FAN_OUT);
                let depths: Vec<usize> = children.iter().map(|child| depth(&child.node)).collect();
                assert!(depths.iter().all(|depth| *depth == depths[0]));
                assert!(children.is_sorted_by(|a, b| a.bound <= b.bound));
                for child in children {
                    assert_eq!(child.len, child.node.len());
                    assert_eq!(child.bound, child.node.lowest());
                }
                depths[0] + 1
            }
        }
    }
    let Some(root) = &tree.root else {
        assert_eq!((tree.len, tree.memory), (0, 0));
        return;
    };
    depth(root);
    assert!(root.only_child().is_none());
    assert_eq!(tree.len, root.len());
    assert_eq!(tree.memory, root.memory());
}

fn positional_records(tree: &Tree<Positional>) -> Vec<u32> {
    tree.pages_from(0).flat_map(|(page, _)| page.0.clone()).collect()
}

fn ordered_records(tree: &Tree<Ordered>) -> Vec<u32> {
    tree.pages_from(0).flat_map(|(page, _)| page.0.clone()).collect()
}

#[derive(Clone, Debug)]
enum Change {
    Insert(usize, u32),
    Remove(usize),
    Set(usize, u32),
    Append(Vec<u32>),
    Prepend(Vec<u32>),
    InsertMany(usize, Vec<u32>),
    PushBack(Vec<u32>),
    PushFront(Vec<u32>),
    PopBack,
    PopFront,
    RemoveRange(usize, usize),
    Snapshot,
    Forget,
}

fn change() -> impl Strategy<Value = Change> {
    let some = || prop::collection::vec(any::<u32>(), 1..40);
    prop_oneof![
        6 => (any::<usize>(), 0..5000u32).prop_map(|(at, value)| Change::Insert(at, value)),
        4 => any::<usize>().prop_map(Change::Remove),
        2 => (any::<usize>(), 0..5000u32).prop_map(|(at, value)| Change::Set(at, value)),
        3 => some().prop_map(Change::Append),
        3 => some().prop_map(Change::Prepend),
        3 => (any::<usize>(), prop::collection::vec(any::<u32>(), 1..200)).prop_map(|(at, some)| Change::InsertMany(at, some)),
        3 => some().prop_map(Change::PushBack),
        3 => some().prop_map(Change::PushFront),
        1 => Just(Change::PopBack),
        1 => Just(Change::PopFront),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(start, len)| Change::RemoveRange(start, len)),
        1 => Just(Change::Snapshot),
        1 => Just(Change::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn positions_agree_with_a_vector(changes in prop::collection::vec(change(), 1..160)) {
        let mut tree: Tree<Positional> = Tree::new();
        let mut model: Vec<u32> = Vec::new();
        let mut snapshots: Vec<(Tree<Positional>, Vec<u32>)> = Vec::new();
        for change in changes {
            let len = model.len();
            match change {
                Change::Insert(at, value) if len > 0 => {
                    let at = at % len;
                    tree.edit_at(at, |page, offset| page.0.insert(offset, value)).unwrap();
                    model.insert(at, value);
                }
                Change::Remove(at) if len > 0 => {
                    let at = at % len;
                    prop_assert_eq!(tree.edit_at(at, |page, offset| page.0.remove(offset)), Some(model.remove(at)));
                }
                Change::Set(at, value) if len > 0 => {
                    let at = at % len;
                    tree.edit_at(at, |page, offset| page.0[offset] = value).unwrap();
                    model[at] = value;
                }
                Change::Append(some) => {
                    tree.edit_last(|page| page.0.extend(&some));
                    model.extend(&some);
                }
                Change::Prepend(some) => {
                    tree.edit_first(|page| page.0.splice(0..0, some.iter().copied()).count());
                    model.splice(0..0, some);
                }
                Change::InsertMany(at, some) if len > 0 => {
                    let at = at % len;
                    tree.edit_at(at, |page, offset| page.0.splice(offset..offset, some.iter().copied()).count());
                    model.splice(at..at, some);
                }
                Change::PushBack(some) => {
                    tree.push_back(Positional(some.clone()));
                    model.extend(&some);
                }
                Change::PushFront(some) => {
                    tree.push_front(Positional(some.clone()));
                    model.splice(0..0, some);
                }
                Change::PopBack => {
                    let page = tree.pop_back().map_or(Vec::new(), |page| page.0);
                    prop_assert_eq!(&model.split_off(len - page.len()), &page);
                }
                Change::PopFront => {
                    let page = tree.pop_front().map_or(Vec::new(), |page| page.0);
                    prop_assert_eq!(model.drain(..page.len()).collect::<Vec<_>>(), page);
                }
                Change::RemoveRange(start, wanted) if len > 0 => {
                    let start = start % len;
                    let wanted = wanted % (len / 4 + 2);
                    tree.remove_range(start..start + wanted);
                    model.drain(start..(start + wanted).min(len));
                }
                Change::Snapshot => snapshots.push((tree.clone(), model.clone())),
                Change::Forget => drop(snapshots.pop()),
                _ => prop_assert!(tree.edit_at(0, |_, _| ()).is_none() && tree.page_at(0).is_none()),
            }
            check(&tree);
            prop_assert_eq!(positional_records(&tree), model.clone());
            if !model.is_empty() {
                let at = model.len() / 3;
                let (page, offset) = tree.page_at(at).unwrap();
                prop_assert_eq!(page.0[offset], model[at]);
                prop_assert_eq!(tree.first().map(|page| page.0[0]), model.first().copied());
                prop_assert_eq!(tree.last().and_then(|page| page.0.last()), model.last());
            }
            let mut end = model.len();
            for (page, first) in tree.pages(0..usize::MAX).rev() {
                prop_assert_eq!(&model[first..end], &page.0[..]);
                end = first;
            }
            prop_assert_eq!(end, 0);
        }
        for (tree, model) in snapshots {
            check(&tree);
            prop_assert_eq!(positional_records(&tree), model);
        }
    }

    #[test]
    fn bounds_agree_with_a_sorted_vector(
        changes in prop::collection::vec((0..10u8, 0..4000u32, 0..60usize), 1..400),
        ascending: bool,
    ) {
        let mut tree: Tree<Ordered> = Tree::new();
        let mut model: Vec<u32> = Vec::new();
        let mut snapshots: Vec<(Tree<Ordered>, Vec<u32>)> = Vec::new();
        for (step, (what, value, count)) in changes.into_iter().enumerate() {
            let value = if ascending { step as u32 * 5 } else { value };
            match what {
                0..=5 => {
                    for value in (value..).step_by(3).take(count) {
                        tree.edit_of(&(value / 10), |page| {
                            let at = page.0.partition_point(|record| *record < value);
                            page.0.insert(at, value);
                        });
                        model.insert(model.partition_point(|record| *record < value), value);
                    }
                }
                6 | 7 => {
                    for value in (value..).take(count) {
                        let removed = tree.edit_of(&(value / 10), |page| {
                            page.0.binary_search(&value).is_ok_and(|at| page.0.remove(at) == value)
                        });
                        prop_assert_eq!(removed, model.binary_search(&value).is_ok_and(|at| model.remove(at) == value));
                        check(&tree);
                    }
                }
                8 => {
                    let start = value as usize % (model.len() + 1);
                    let end = (start + count).min(model.len());
                    tree.remove_range(start..start + count);
                    model.drain(start..end);
                }
                _ => snapshots.push((tree.clone(), model.clone())),
            }
            check(&tree);
            prop_assert_eq!(ordered_records(&tree), model.clone());
            for bound in [0, value / 10, 200] {
                // Where records of the bound would be: nothing at or above it is before the page, nothing at or below it
                // behind the page, unless it is at an end.
                let Some((page, first)) = tree.page_of(&bound) else { continue };
                prop_assert_eq!(tree.lookup(&bound), Some(page));
                prop_assert_eq!(&page.0[..], &model[first..first + page.len()]);
                prop_assert!(model[..first].iter().all(|record| record / 10 < bound));
                prop_assert!(model[first + page.len()..].iter().all(|record| record / 10 > bound));
            }
        }
        for (tree, model) in snapshots {
            check(&tree);
            prop_assert_eq!(ordered_records(&tree), model);
        }
    }
}

#[test]
fn records_that_arrive_in_order_fill_their_pages() {
    let mut tree: Tree<Ordered> = Tree::new();
    for value in 0..10_000u32 {
        tree.edit_of(&value, |page| page.0.push(value * 10));
    }
    check(&tree);
    let pages = tree.pages_from(0).count();
    assert!(pages <= 10_000 / PAGE_RECORDS + 1, "{pages}");
}

#[test]
fn a_change_copies_no_more_than_its_path() {
    let mut tree: Tree<Positional> = Tree::new();
    for value in 0..1000 {
        tree.edit_last(|page| page.0.push(value));
    }
    let before = tree.clone();
    tree.edit_at(500, |page, offset| page.0[offset] = 7);
    let shared = tree
        .pages_from(0)
        .zip(before.pages_from(0))
        .filter(|((page, _), (same, _))| std::ptr::eq(*page, *same))
        .count();
    assert_eq!(shared + 1, before.pages_from(0).count());
}
