//! Small records in the order of their keys, each key once, in a copy-on-write tree: pending entries, consumers, groups.
//!
//! A page is a sorted vector. Its memory is counted as it changes; records that own heap are asked for it when their page
//! was edited.

use std::cmp::Ordering;
use std::ops::Range;

use crate::size_class::size_class;
use crate::tree::{Page, Tree};

/// What is kept in order.
pub(super) trait Record: Clone + Send + Sync + 'static {
    /// What orders it.
    type Key: Clone + Ord + Send + Sync + 'static;
    /// How many records a page holds at the most.
    const PAGE_MAX: usize;
    /// Whether records own heap.
    const OWNS_HEAP: bool = false;

    /// Its key.
    fn key(&self) -> &Self::Key;

    /// The heap that it owns, by the allocator's size classes.
    fn heap(&self) -> usize {
        0
    }
}

/// Some consecutive records.
#[derive(Clone)]
pub(super) struct Sorted<R>(Vec<R>);

impl<R> Default for Sorted<R> {
    fn default() -> Self {
        Sorted(Vec::new())
    }
}

impl<R: Record> Sorted<R> {
    /// Where the record is that `order` calls equal, or where it would be. `order` compares a key with what is sought.
    fn search(&self, order: &impl Fn(&R::Key) -> Ordering) -> Result<usize, usize> {
        // What comes last is what is sought most: entries are delivered in order.
        match self.0.last() {
            Some(last) if order(last.key()).is_lt() => Err(self.0.len()),
            _ => self.0.binary_search_by(|record| order(record.key())),
        }
    }

    fn insert(&mut self, at: usize, record: R) {
        let len = self.0.len();
        if len == self.0.capacity() {
            let capacity = (len + len / 4 + 2).min(R::PAGE_MAX + 1).max(len + 1);
            self.0.reserve_exact(capacity - len);
        }
        self.0.insert(at, record);
    }

    fn shrink(&mut self) {
        if self.0.capacity() > 2 * self.0.len() + 4 {
            self.0.shrink_to(self.0.len() + 2);
        }
    }
}

impl<R: Record> Page for Sorted<R> {
    type Bound = R::Key;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn memory(&self) -> usize {
        let vector = match self.0.capacity() {
            0 => 0,
            capacity => size_class(capacity * size_of::<R>()),
        };
        let owned = if R::OWNS_HEAP { self.0.iter().map(Record::heap).sum() } else { 0 };
        size_of::<Self>() + vector + owned
    }

    fn lowest(&self) -> R::Key {
        self.0[0].key().clone()
    }

    fn has_lowest(&self, bound: &R::Key) -> bool {
        self.0[0].key() == bound
    }

    fn is_over_full(&self) -> bool {
        self.0.len() > R::PAGE_MAX
    }

    fn is_under_full(&self) -> bool {
        self.0.len() < R::PAGE_MAX / 4
    }

    fn split(&mut self, at_end: bool) -> Option<Self> {
        let keep = if at_end { self.0.len() - 1 } else { self.0.len() / 2 };
        let rest = self.0.split_off(keep);
        self.0.shrink_to_fit();
        Some(Sorted(rest))
    }

    fn may_absorb(&self, next: &Self) -> bool {
        self.0.len() + next.0.len() <= R::PAGE_MAX
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        self.0.reserve_exact(next.0.len());
        self.0.extend(next.0);
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        self.0.drain(range);
        self.shrink();
    }
}

/// Records in the order of their keys.
#[derive(Clone)]
pub(super) struct SortedTree<R: Record>(Tree<Sorted<R>>);

impl<R: Record> Default for SortedTree<R> {
    fn default() -> Self {
        SortedTree(Tree::new())
    }
}

impl<R: Record> SortedTree<R> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.0.memory()
    }

    /// The record that `order` calls equal.
    pub(super) fn find(&self, order: impl Fn(&R::Key) -> Ordering) -> Option<&R> {
        let page = self.0.lookup_by(|lowest| order(lowest).is_le())?;
        let at = page.search(&order).ok()?;
        Some(&page.0[at])
    }

    pub(super) fn get(&self, key: &R::Key) -> Option<&R> {
        self.find(|other| other.cmp(key))
    }

    /// Changes the record that `order` calls equal, but not its key.
    pub(super) fn edit<T>(
        &mut self,
        order: impl Fn(&R::Key) -> Ordering,
        change: impl FnOnce(&mut R) -> T,
    ) -> Option<T> {
        // Whoever is not there should not cost a copy of what is shared.
        self.find(&order)?;
        self.0
            .edit_by(|lowest| order(lowest).is_le(), |page| page.search(&order).ok().map(|at| change(&mut page.0[at])))
    }

    /// Adds a record, or puts it in the place of the one that has its key; that one is returned.
    pub(super) fn insert(&mut self, record: R) -> Option<R> {
        let key = record.key().clone();
        let order = |other: &R::Key| other.cmp(&key);
        self.0.edit_by(
            |lowest| order(lowest).is_le(),
            |page| match page.search(&order) {
                Ok(at) => Some(std::mem::replace(&mut page.0[at], record)),
                Err(at) => {
                    page.insert(at, record);
                    None
                }
            },
        )
    }

    /// Takes the record out that `order` calls equal.
    pub(super) fn remove(&mut self, order: impl Fn(&R::Key) -> Ordering) -> Option<R> {
        self.find(&order)?;
        self.0.edit_by(
            |lowest| order(lowest).is_le(),
            |page| {
                let at = page.search(&order).ok()?;
                let record = page.0.remove(at);
                page.shrink();
                Some(record)
            },
        )
    }

    pub(super) fn remove_key(&mut self, key: &R::Key) -> Option<R> {
        self.remove(|other| other.cmp(key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &R> + Clone {
        self.0.pages_from(0).flat_map(|(page, _)| page.0.iter())
    }

    /// The records from `key` on.
    pub(super) fn iter_from<'a>(&'a self, key: &R::Key) -> impl Iterator<Item = &'a R> + Clone + use<'a, R> {
        let first = self.0.page_of(key).map_or(0, |(page, before)| {
            let (Ok(at) | Err(at)) = page.search(&|other: &R::Key| other.cmp(key));
            before + at
        });
        self.0.pages_from(first).flat_map(move |(page, before)| page.0[first.saturating_sub(before)..].iter())
    }

    pub(super) fn first(&self) -> Option<&R> {
        self.0.first().and_then(|page| page.0.first())
    }

    pub(super) fn last(&self) -> Option<&R> {
        self.0.last().and_then(|page| page.0.last())
    }
}
