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

    /// What `read` makes of the element at `index`.
    #[must_use]
    pub fn read<R>(self, index: usize, read: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        match self {
            ListRef::Packed(list) => list.seek(i64::try_from(index).ok()?).map(|position| read(list.get(position))),
            ListRef::Large(list) => list.read(index, read),
        }
    }

    /// Gives the elements from the one at `start` on to `visit`, until it says false.
    #[inline]
    pub fn visit(self, start: usize, mut visit: impl FnMut(Value<'_>) -> bool) {
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
    pub fn visit_back(self, end: usize, mut visit: impl FnMut(Value<'_>) -> bool) {
        match self {
            ListRef::Packed(list) => {
                let beyond = list.len().saturating_sub(end);
                list.iter().rev().skip(beyond).all(visit);
            }
            ListRef::Large(list) => list.visit_back(end, &mut visit),
        }
    }

    /// Copies of the elements, from the first on.
    #[must_use]
    pub fn to_vecs(self) -> Vec<Vec<u8>> {
        let mut copies = Vec::with_capacity(self.len());
        self.visit(0, |element| {
            copies.push(element.to_vec());
            true
        });
        copies
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
