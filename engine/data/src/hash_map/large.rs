//! Large hashes: a tree of fields in the order of their hashes, and one of their deadlines.
//!
//! Guarantees: each deadline of a field is listed once, and nothing else is; a copy costs constant time. A scan visits
//! every field that is there from its beginning to its end, because a field's place in the order never changes.

use super::due::{Due, DuePage};
use super::{Field, Found};
use crate::hash::HashSeed;
use crate::hash_page::{HashPage, Record};
use crate::tree::Tree;
use crate::value::{Deadline, IntBuffer, Value};

/// A hash that is too large to be packed.
#[derive(Clone)]
pub struct LargeHash {
    fields: Tree<HashPage<true>>,
    due: Tree<DuePage>,
    seed: HashSeed,
}

impl LargeHash {
    /// One without fields; `seed` orders what it will have.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        LargeHash { fields: Tree::new(), due: Tree::new(), seed }
    }

    /// One with these fields; `None` if one is there twice. They are added in the order of their hashes: to the same page one after
    /// another, and pages are filled.
    #[must_use]
    pub fn of_distinct(fields: &[Field<'_>], seed: HashSeed) -> Option<Self> {
        let mut hash = LargeHash::new(seed);
        let (mut digits, mut value_digits) = (IntBuffer::new(), IntBuffer::new());
        let mut order: Vec<(u32, usize)> =
            fields.iter().enumerate().map(|(at, field)| (hash.bound(field.name.bytes(&mut digits)), at)).collect();
        order.sort_unstable();
        for (_, at) in order {
            let Field { name, value, deadline } = fields[at];
            let deadline = deadline.map_or(Deadline::Clear, Deadline::At);
            if !hash.set(name.bytes(&mut digits), value.bytes(&mut value_digits), deadline) {
                return None;
            }
        }
        Some(hash)
    }

    /// How many fields there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The memory of all pages, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.fields.memory() + self.due.memory()
    }

    /// What orders a field.
    #[inline]
    pub(crate) fn bound(&self, name: &[u8]) -> u32 {
        (self.seed.hash(name).0 >> 32) as u32
    }

    /// The earliest deadline of a field.
    #[inline]
    pub(super) fn earliest(&self) -> Option<u64> {
        if self.due.is_empty() {
            return None;
        }
        self.due.first().and_then(DuePage::first).map(Due::deadline)
    }

    /// How many fields have a deadline at `now` or before.
    pub(super) fn due(&self, now: u64) -> usize {
        let Some(after) = now.checked_add(1) else { return self.due.len() };
        let first_after = Due::new(after, 0);
        self.due.page_of(&first_after).map_or(0, |(page, before)| before + page.count_below(first_after))
    }

    /// The fields by what orders them.
    #[inline]
    pub(crate) fn tree(&self) -> &Tree<HashPage<true>> {
        &self.fields
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<Found<'_>> {
        let bound = self.bound(name);
        let page = self.fields.lookup(&bound)?;
        let record = page.get(page.find(bound, name)?);
        Some(Found { value: Value::Bytes(record.value), deadline: record.deadline })
    }

    pub(super) fn at(&self, index: usize) -> Option<Field<'_>> {
        let (page, offset) = self.fields.page_at(index)?;
        Some(field(page.get(offset)))
    }

    /// Sets a field; true if it is new.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], deadline: Deadline) -> bool {
        let bound = self.bound(name);
        let (is_new, old, new) = self.fields.edit_of(&bound, |page| match page.seek(bound, name) {
            Ok(index) => {
                let old = page.deadline(index);
                let new = deadline.over(old);
                page.replace(index, value, new);
                (false, old, new)
            }
            Err(index) => {
                let new = deadline.over(None);
                page.insert_at(index, bound, Record { key: name, value, deadline: new });
                (true, None, new)
            }
        });
        self.relist(bound, old, new);
        is_new
    }

    /// Sets the deadline of a field; false if there is none.
    pub(super) fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>) -> bool {
        let bound = self.bound(name);
        if self.get(name).is_none() {
            return false;
        }
        let old = self.fields.edit_of(&bound, |page| {
            let index = page.find(bound, name)?;
            let old = page.get(index).deadline;
            page.set_deadline(index, deadline);
            Some(old)
        });
        self.relist(bound, old.flatten(), deadline);
        true
    }

    /// Removes a field; false if there is none.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let bound = self.bound(name);
        // A look first: nothing is copied for a field that is not there.
        let Some(page) = self.fields.lookup(&bound) else { return false };
        let Some(index) = page.find(bound, name) else { return false };
        let old = page.get(index).deadline;
        self.fields.edit_of(&bound, |page| page.remove(index));
        self.relist(bound, old, None);
        true
    }

    fn relist(&mut self, bound: u32, old: Option<u64>, new: Option<u64>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            let due = Due::new(old, bound);
            self.due.edit_of(&due, |page| page.remove(due));
        }
        if let Some(new) = new {
            let due = Due::new(new, bound);
            self.due.edit_of(&due, |page| page.insert(due));
        }
    }

    /// Removes up to `most` of the fields that are due, the earliest first, and tells their names.
    pub(super) fn remove_due(&mut self, now: u64, most: usize, removed: &mut dyn FnMut(&[u8])) {
        for _ in 0..most {
            let Some(due) = self.due.first().and_then(DuePage::first) else { return };
            if due.deadline() > now {
                return;
            }
            let bound = due.bound();
            self.fields.edit_of(&bound, |page| {
                let mut index = page.count_below(bound);
                while page.get(index).deadline != Some(due.deadline()) {
                    index += 1;
                }
                removed(page.get(index).key);
                page.remove(index);
            });
            self.due.edit_first(|page| page.remove(due));
        }
    }

    /// All fields, in the order of their hashes.
    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        let pages = self.fields.pages_from(0);
        pages.flat_map(|(page, _)| (0..page.len()).map(|index| field(page.get(index))))
    }

    /// Visits at least `count` fields from a cursor on, and returns the cursor to go on from, or 0 at the end.
    pub(super) fn scan<'a>(&'a self, cursor: u64, count: usize, visit: &mut dyn FnMut(Field<'a>)) -> u64 {
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let Some((page, first)) = self.fields.page_of(&from) else { return 0 };
        let mut skipped = page.count_below(from);
        let (mut visited, mut last) = (0, None);
        for (page, _) in self.fields.pages_from(first) {
            for index in skipped..page.len() {
                let bound = page.hash(index);
                // Fields of equal bounds are visited together: a cursor can't name one of them.
                if visited >= count && last != Some(bound) {
                    return u64::from(bound);
                }
                visit(field(page.get(index)));
                (visited, last) = (visited + 1, Some(bound));
            }
            skipped = 0;
        }
        0
    }

    /// The pages of fields: for tests.
    #[cfg(test)]
    pub(super) fn pages(&self) -> impl Iterator<Item = &HashPage<true>> {
        self.fields.pages_from(0).map(|(page, _)| page)
    }

    /// Whether all that this module promises holds: for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        use crate::tree::Page;
        let mut expected: Vec<Due> = Vec::new();
        let mut last = 0;
        for (page, _) in self.fields.pages_from(0) {
            for index in 0..page.len() {
                let (bound, record) = (page.hash(index), page.get(index));
                assert!(bound >= last, "bounds ascend");
                assert_eq!(bound, self.bound(record.key));
                last = bound;
                expected.extend(record.deadline.map(|deadline| Due::new(deadline, bound)));
            }
        }
        expected.sort_unstable();
        let listed = (0..self.due.len()).map(|index| {
            let (page, offset) = self.due.page_at(index).expect("below the length");
            let mut page = page.clone();
            page.remove_records(0..offset);
            page.first().expect("it was not the last")
        });
        assert!(listed.eq(expected), "deadlines are listed as they are");
    }
}

fn field(record: Record<'_>) -> Field<'_> {
    Field { name: Value::Bytes(record.key), value: Value::Bytes(record.value), deadline: record.deadline }
}
