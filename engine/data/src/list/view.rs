//! Lists as commands that only read see them.

use super::LargeList;
use crate::packed_list::{Needle, Packed};
use crate::value::{IntBuffer, Value};

/// A list, borrowed.
#[derive(Clone, Copy)]
pub enum ListRef<'a> {
    /// A small one.
    Packed(Packed<'a>),
    /// A large one.
    Large(&'a LargeList),
}

impl<'a> ListRef<'a> {
    /// How many elements there are.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            ListRef::Packed(list) => list.len(),
            ListRef::Large(list) => list.len(),
        }
    }

    /// Whether there are no elements, which is so of no list that a key holds.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    #[must_use]
    pub fn get(self, index: usize) -> Option<Value<'a>> {
        match self {
            ListRef::Packed(list) => list.seek(i64::try_from(index).ok()?).map(|position| list.get(position)),
            ListRef::Large(list) => list.get(index),
        }
    }

    /// Gives the elements from the one at `start` on to `visit`, until it says false.
    #[inline]
    pub fn visit(self, start: usize, mut visit: impl FnMut(Value<'a>) -> bool) {
        match self {
            ListRef::Packed(list) => {
                if let Some(first) = i64::try_from(start).ok().and_then(|start| list.seek(start)) {
                    list.iter_from(first).all(visit);
                }
            }
            ListRef::Large(list) => list.visit(start, &mut visit),
        }
    }

    /// Gives the elements before the one at `end` to `visit`, the last first, until it says false.
    #[inline]
    pub fn visit_back(self, end: usize, mut visit: impl FnMut(Value<'a>) -> bool) {
        match self {
            ListRef::Packed(list) => {
                let beyond = list.len().saturating_sub(end);
                list.iter().rev().skip(beyond).all(visit);
            }
            ListRef::Large(list) => list.visit_back(end, &mut visit),
        }
    }

    /// The elements, from the first on.
    #[must_use]
    pub fn iter(self) -> Elements<'a> {
        Elements { list: self, next: 0, batch: Vec::new().into_iter() }
    }

    /// The index of the first element that equals `needle`.
    #[must_use]
    pub fn find(self, needle: &[u8]) -> Option<usize> {
        let (mut index, mut found) = (0, None);
        match self {
            ListRef::Packed(list) => {
                let needle = Needle::new(needle);
                found = list.positions().position(|position| needle.is_in(list, position));
            }
            ListRef::Large(list) => list.visit(0, &mut |element| {
                if equals(element, needle) {
                    found = Some(index);
                }
                index += 1;
                found.is_none()
            }),
        }
        found
    }
}

/// Whether an element's bytes are these.
#[inline]
#[must_use]
pub(super) fn equals(element: Value<'_>, bytes: &[u8]) -> bool {
    match element {
        Value::Bytes(element) => element == bytes,
        // The decimal of a number is at most so long; most needles are told apart without printing one.
        Value::Int(_) => bytes.len() <= 20 && element.bytes(&mut IntBuffer::new()) == bytes,
    }
}

/// An iterator over the elements of a list, which fetches some of them at a time.
pub struct Elements<'a> {
    list: ListRef<'a>,
    next: usize,
    batch: std::vec::IntoIter<Value<'a>>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        const BATCH: usize = 512;
        if let Some(element) = self.batch.next() {
            return Some(element);
        }
        let mut batch = Vec::with_capacity(BATCH);
        self.list.visit(self.next, |element| {
            batch.push(element);
            batch.len() < BATCH
        });
        self.next += batch.len();
        self.batch = batch.into_iter();
        self.batch.next()
    }
}
