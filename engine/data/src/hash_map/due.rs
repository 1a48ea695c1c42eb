//! The deadlines of a large hash's fields in their order, so that whatever is due is found first, and counted without a look
//! at the fields. A deadline is kept with the bound of its field, by which the field is found.

use std::ops::Range;

use crate::size_class::size_class;
use crate::tree::Page;

/// Deadlines in a page at most: 4 KiB of them.
const PAGE_MAX: usize = 340;

/// A deadline and the bound of the field that has it, in their order: twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    high: u32,
    low: u32,
    bound: u32,
}

impl Due {
    pub(super) fn new(deadline: u64, bound: u32) -> Due {
        Due { high: (deadline >> 32) as u32, low: deadline as u32, bound }
    }

    /// The deadline, in Unix milliseconds.
    pub(super) fn deadline(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }

    /// The bound of the field.
    pub(super) fn bound(self) -> u32 {
        self.bound
    }
}

/// Some deadlines next to each other. Equal ones may repeat.
#[derive(Clone, Default)]
pub(super) struct DuePage(Vec<Due>);

impl DuePage {
    /// The first deadline.
    #[inline]
    pub(super) fn first(&self) -> Option<Due> {
        self.0.first().copied()
    }

    /// How many come before this one.
    pub(super) fn count_below(&self, due: Due) -> usize {
        self.0.partition_point(|other| *other < due)
    }

    pub(super) fn insert(&mut self, due: Due) {
        let at = self.count_below(due);
        if self.0.len() == self.0.capacity() {
            let fitting = size_class((self.0.len() + 1) * size_of::<Due>()) / size_of::<Due>();
            self.0.reserve_exact(fitting - self.0.len());
        }
        self.0.insert(at, due);
    }

    /// Removes one that is there.
    pub(super) fn remove(&mut self, due: Due) {
        let at = self.count_below(due);
        assert_eq!(self.0.get(at), Some(&due), "each field's deadline is listed");
        self.0.remove(at);
        self.give_back();
    }

    fn give_back(&mut self) {
        if self.0.capacity() > 2 * self.0.len() + 8 {
            self.0.shrink_to(self.0.len() + self.0.len() / 4);
        }
    }
}

impl Page for DuePage {
    type Bound = Due;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn memory(&self) -> usize {
        let heap = self.0.capacity() * size_of::<Due>();
        size_of::<DuePage>() + if heap == 0 { 0 } else { size_class(heap) }
    }

    fn lowest(&self) -> Due {
        self.0[0]
    }

    fn is_over_full(&self) -> bool {
        self.0.len() > PAGE_MAX
    }

    fn is_under_full(&self) -> bool {
        self.0.len() < PAGE_MAX / 4
    }

    /// Deadlines mostly come in their order; then the page stays nearly full. Equal ones stay together.
    fn split(&mut self, at_end: bool) -> Option<DuePage> {
        let wanted = if at_end { self.0.len() - self.0.len() / 10 } else { self.0.len() / 2 };
        let parts = |at: &usize| self.0[*at - 1] != self.0[*at];
        let at = (wanted.max(1)..self.0.len()).find(parts).or_else(|| (1..wanted).rev().find(parts))?;
        let upper = self.0.split_off(at);
        self.give_back();
        Some(DuePage(upper))
    }

    fn absorb(&mut self, mut next: DuePage) -> Option<DuePage> {
        if self.0.len() + next.0.len() > PAGE_MAX * 3 / 4 {
            return Some(next);
        }
        self.0.append(&mut next.0);
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        self.0.drain(range);
        self.give_back();
    }
}
