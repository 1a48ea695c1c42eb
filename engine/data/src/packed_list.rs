//! Small strings and integers one after another in one buffer: the listpack of Redis's RDB, byte for byte but for its frame,
//! which says what the length of the buffer says.
//!
//! ```text
//! elements u16 (65535: unknown) | element …          element: encoding, content, length backwards
//! ```
//!
//! [`Packed`] reads, [`PackedList`] owns and changes. What is the canonical decimal of an integer is stored as one, so equal
//! elements have equal bytes. Reading trusts the bytes: those of strangers go through [`Packed::of_listpack`] or
//! [`PackedList::adopt`] first, and what passed can be read and changed in every way without a panic. Reading allocates nothing; an insertion, a replacement
//! or a removal moves what follows it once. A list stays below [`PACKED_BYTES_MAX`], which callers must see to
//! ([`PackedList::has_room_for`]).

pub(crate) mod codec;
mod edit;
mod listpack;
#[cfg(test)]
mod tests;

use codec::{Head, backlen_before, step};

pub use edit::PackedList;
pub(crate) use listpack::FRAME_BYTES;

use crate::value::Value;

/// No list may become longer than this; lengths have room for four times as much.
pub const PACKED_BYTES_MAX: usize = 1 << 30;

/// The count.
const HEADER_BYTES: usize = 2;
/// The count of a list that has too many elements to say.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// Where an element begins, in bytes. It is good until something at or before it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u32);

impl Position {
    #[inline]
    fn at(offset: usize) -> Position {
        Position(offset as u32)
    }

    #[inline]
    fn offset(self) -> usize {
        self.0 as usize
    }
}

/// A list, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed<'a> {
    bytes: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Views bytes that are known to be a list.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() >= HEADER_BYTES, "a list has a header");
        Packed { bytes }
    }

    /// The whole list, header included.
    #[inline]
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The elements' encoded bytes alone.
    #[inline]
    #[must_use]
    pub fn body(self) -> &'a [u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// How many elements there are. A walk, if there are more than 65,534.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match u16::from_le_bytes([self.bytes[0], self.bytes[1]]) {
            COUNT_UNKNOWN => self.count_between(HEADER_BYTES, self.end()),
            known => usize::from(known),
        }
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The offset behind the last element.
    #[inline]
    fn end(self) -> usize {
        self.bytes.len()
    }

    fn count_between(self, mut at: usize, end: usize) -> usize {
        let mut count = 0;
        while at < end {
            at += step(self.bytes, at);
            count += 1;
        }
        count
    }

    /// The first element.
    #[inline]
    #[must_use]
    pub fn first(self) -> Option<Position> {
        (!self.is_empty()).then_some(Position(HEADER_BYTES as u32))
    }

    /// The last element.
    #[inline]
    #[must_use]
    pub fn last(self) -> Option<Position> {
        self.before(self.end())
    }

    /// The element after the one at `position`.
    #[inline]
    #[must_use]
    pub fn next(self, position: Position) -> Option<Position> {
        let at = position.offset() + step(self.bytes, position.offset());
        (at < self.end()).then_some(Position::at(at))
    }

    /// The element before the one at `position`.
    #[inline]
    #[must_use]
    pub fn prev(self, position: Position) -> Option<Position> {
        self.before(position.offset())
    }

    #[inline]
    fn before(self, at: usize) -> Option<Position> {
        (at > HEADER_BYTES).then(|| Position::at(at - backlen_before(self.bytes, at)))
    }

    /// The element with this index; negative ones count from the end, which is -1.
    #[must_use]
    pub fn seek(self, index: i64) -> Option<Position> {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        let index = if index < 0 { index.checked_add(len)? } else { index };
        if index < 0 || index >= len {
            return None;
        }
        let mut at;
        if index <= len / 2 {
            at = HEADER_BYTES;
            for _ in 0..index {
                at += step(self.bytes, at);
            }
        } else {
            at = self.end();
            for _ in index..len {
                at -= backlen_before(self.bytes, at);
            }
        }
        Some(Position::at(at))
    }

    /// The element at `position`.
    #[inline]
    #[must_use]
    pub fn get(self, position: Position) -> Value<'a> {
        codec::read(self.bytes, position.offset())
    }

    /// How many bytes the element at `position` takes, all in all.
    #[inline]
    #[must_use]
    pub fn element_bytes(self, position: Position) -> usize {
        step(self.bytes, position.offset())
    }

    /// The element at `position` as it is stored, without the length at its end.
    #[inline]
    pub(crate) fn content(self, position: Position) -> &'a [u8] {
        &self.bytes[position.offset()..][..self.content_bytes(position)]
    }

    /// How long that is.
    #[inline]
    pub(crate) fn content_bytes(self, position: Position) -> usize {
        codec::extent(self.bytes, position.offset())
    }

    /// Where the elements begin, one after another.
    #[inline]
    pub fn positions(self) -> impl Iterator<Item = Position> {
        std::iter::successors(self.first(), move |position| self.next(*position))
    }

    /// The elements, from either end.
    #[inline]
    #[must_use]
    pub fn iter(self) -> Iter<'a> {
        Iter { bytes: self.bytes, front: HEADER_BYTES, back: self.end() }
    }

    /// The elements from the one at `position` on.
    #[inline]
    #[must_use]
    pub fn iter_from(self, position: Position) -> Iter<'a> {
        Iter { bytes: self.bytes, front: position.offset(), back: self.end() }
    }

    /// The elements before the one at `position`.
    #[inline]
    #[must_use]
    pub fn iter_until(self, position: Position) -> Iter<'a> {
        Iter { bytes: self.bytes, front: HEADER_BYTES, back: position.offset() }
    }

    /// The first element equal to `needle`, beginning with the one at `from` and leaving out `skip` elements between any two that
    /// are looked at: 0 searches a set, 1 the fields of a hash.
    #[inline]
    #[must_use]
    pub fn find(self, from: Position, needle: &[u8], skip: usize) -> Option<Position> {
        self.search(from, &Needle::new(needle), skip)
    }

    #[inline(always)]
    fn search(self, from: Position, needle: &Needle<'_>, skip: usize) -> Option<Position> {
        let (bytes, end) = (self.bytes, self.end());
        let mut at = from.offset();
        while at < end {
            if needle.is_at(bytes, at) {
                return Some(Position::at(at));
            }
            at += step(bytes, at);
            for _ in 0..skip {
                if at >= end {
                    return None;
                }
                at += step(bytes, at);
            }
        }
        None
    }

    /// Whether an element is equal to `needle`.
    #[inline]
    #[must_use]
    pub fn contains(self, needle: &[u8]) -> bool {
        self.find(Position(HEADER_BYTES as u32), needle, 0).is_some()
    }

    /// Whether an element is equal to one of another list.
    #[inline]
    #[must_use]
    pub fn contains_value(self, needle: Value<'_>) -> bool {
        let (head, body) = Head::of(needle);
        self.search(Position(HEADER_BYTES as u32), &Needle { head, body }, 0).is_some()
    }

    /// Whether the element at `position` is equal to `needle`.
    #[inline]
    #[must_use]
    pub fn is_equal(self, position: Position, needle: &[u8]) -> bool {
        Needle::new(needle).is_at(self.bytes, position.offset())
    }
}

/// What is searched for, in the form in which it would be stored.
pub(crate) struct Needle<'a> {
    head: Head,
    body: &'a [u8],
}

impl<'a> Needle<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let (head, body) = Head::of_bytes(bytes);
        Needle { head, body }
    }

    /// Whether the element of `list` at `position` equals it.
    #[inline]
    pub(crate) fn is_in(&self, list: Packed<'_>, position: Position) -> bool {
        self.is_at(list.bytes, position.offset())
    }

    /// Whether the element that begins at `at` equals it.
    #[inline(always)]
    pub(crate) fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        let head = self.head.bytes();
        // Nearly all elements differ in their first byte or not at all; an encoding says its own length, so equal
        // beginnings are equal elements.
        bytes[at] == head[0]
            && bytes[at..].strip_prefix(head).is_some_and(|content| content.get(..self.body.len()) == Some(self.body))
    }
}

/// Iterates the elements of a list, from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.front >= self.back {
            return None;
        }
        let value = codec::read(self.bytes, self.front);
        self.front += step(self.bytes, self.front);
        Some(value)
    }

    fn nth(&mut self, n: usize) -> Option<Value<'a>> {
        for _ in 0..n {
            if self.front >= self.back {
                return None;
            }
            self.front += step(self.bytes, self.front);
        }
        self.next()
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Value<'a>> {
        if self.front >= self.back {
            return None;
        }
        self.back -= backlen_before(self.bytes, self.back);
        Some(codec::read(self.bytes, self.back))
    }
}

impl Iter<'_> {
    /// The element that `next` would give next.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        (self.front < self.back).then_some(Position::at(self.front))
    }
}

/// How many bytes an element would take in a list, all in all.
#[must_use]
pub fn packed_bytes(element: &[u8]) -> usize {
    packed_bytes_of(Value::Bytes(element))
}

/// How many bytes a value would take in a list, all in all.
pub(crate) fn packed_bytes_of(element: Value<'_>) -> usize {
    let (head, body) = Head::of(element);
    let len = head.bytes().len() + body.len();
    len + codec::backlen_bytes(len)
}
