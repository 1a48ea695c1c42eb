//! A packed list that is owned, and its changes. Each moves what follows the place of the change once, and asks the
//! allocator for a size class at a time, so that little is held in reserve.

use super::codec::{Head, backlen_bytes, step, write_backlen};
use super::{COUNT_UNKNOWN, FRAME_BYTES, HEADER_BYTES, PACKED_BYTES_MAX, Packed, Position};
use crate::size_class::size_class;
use crate::value::Value;

/// A packed list, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedList(Vec<u8>);

impl Default for PackedList {
    fn default() -> Self {
        PackedList::new()
    }
}

impl PackedList {
    /// A list without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(HEADER_BYTES)
    }

    /// A list without elements that has room for `bytes` in all.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut whole = Vec::with_capacity(size_class(bytes.max(HEADER_BYTES)));
        whole.extend_from_slice(&[0; HEADER_BYTES]);
        PackedList(whole)
    }

    /// Takes bytes that are known to be a list, as [`Packed::new`] does.
    #[inline]
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.len() >= HEADER_BYTES, "a list has a header");
        PackedList(bytes)
    }

    /// The list's bytes.
    #[inline]
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The list, to be read.
    #[inline]
    #[must_use]
    pub fn view(&self) -> Packed<'_> {
        Packed::new(&self.0)
    }

    /// How many elements there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// How long the list is as a listpack, which is what limits are about, in bytes.
    #[inline]
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        self.0.len() + FRAME_BYTES
    }

    /// What the allocator holds for the list.
    #[inline]
    #[must_use]
    pub fn memory(&self) -> usize {
        size_class(self.0.capacity())
    }

    /// Whether an element of `bytes` may still be added.
    #[inline]
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.0.len().saturating_add(bytes) <= PACKED_BYTES_MAX - 16
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push_back(&mut self, element: &[u8]) {
        self.put(self.0.len(), 0, Head::of_bytes(element));
        self.count(1);
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push_back_value(&mut self, element: Value<'_>) {
        self.put(self.0.len(), 0, Head::of(element));
        self.count(1);
    }

    /// Adds an element at the beginning.
    #[inline]
    pub fn push_front(&mut self, element: &[u8]) {
        self.put(HEADER_BYTES, 0, Head::of_bytes(element));
        self.count(1);
    }

    /// Adds an element at the beginning.
    #[inline]
    pub fn push_front_value(&mut self, element: Value<'_>) {
        self.put(HEADER_BYTES, 0, Head::of(element));
        self.count(1);
    }

    /// Adds an element before the one at `position`, which is where it begins then.
    #[inline]
    pub fn insert_before(&mut self, position: Position, element: &[u8]) -> Position {
        self.insert_before_value(position, Value::Bytes(element))
    }

    /// Adds an element before the one at `position`, which is where it begins then.
    #[inline]
    pub fn insert_before_value(&mut self, position: Position, element: Value<'_>) -> Position {
        self.put(position.offset(), 0, Head::of(element));
        self.count(1);
        position
    }

    /// Adds an element after the one at `position`, and says where.
    #[inline]
    pub fn insert_after(&mut self, position: Position, element: &[u8]) -> Position {
        self.insert_after_value(position, Value::Bytes(element))
    }

    /// Adds an element after the one at `position`, and says where.
    #[inline]
    pub fn insert_after_value(&mut self, position: Position, element: Value<'_>) -> Position {
        let at = position.offset() + step(&self.0, position.offset());
        self.insert_before_value(Position::at(at), element)
    }

    /// Puts another element where the one at `position` is.
    #[inline]
    pub fn replace(&mut self, position: Position, element: &[u8]) {
        self.replace_value(position, Value::Bytes(element));
    }

    /// Puts another element where the one at `position` is.
    #[inline]
    pub fn replace_value(&mut self, position: Position, element: Value<'_>) {
        let old = step(&self.0, position.offset());
        self.put(position.offset(), old, Head::of(element));
    }

    /// Removes `count` elements from the one at `position` on, or as many as there are. The one that stands there then, if any.
    pub fn remove(&mut self, position: Position, count: usize) -> Option<Position> {
        let (start, end) = (position.offset(), self.0.len());
        let (mut at, mut removed) = (start, 0);
        while removed < count && at < end {
            at += step(&self.0, at);
            removed += 1;
        }
        let left = self.len().saturating_sub(removed);
        self.0.drain(start..at);
        self.set_count_after_removal(left);
        (start < self.0.len()).then_some(position)
    }

    /// Removes `count` elements from the one with this index on, or as many as there are.
    pub fn remove_range(&mut self, index: usize, count: usize) {
        if let Some(position) = i64::try_from(index).ok().and_then(|index| self.view().seek(index)) {
            self.remove(position, count);
        }
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        *self = PackedList::new();
    }

    /// Cuts off the elements from the one at `position` on.
    #[must_use]
    pub fn split_off(&mut self, position: Position) -> PackedList {
        let (start, end) = (position.offset(), self.0.len());
        let whole = self.len();
        let moved = self.view().count_between(start, end);
        let mut upper = PackedList::with_capacity(HEADER_BYTES + end - start);
        upper.0.extend_from_slice(&self.0[start..]);
        upper.set_count(moved);
        self.0.truncate(start);
        self.set_count(whole - moved);
        self.give_back();
        upper
    }

    /// Adds all elements of another list at the end.
    pub fn append(&mut self, other: Packed<'_>) {
        let len = self.len() + other.len();
        self.reserve(other.body().len());
        self.0.extend_from_slice(other.body());
        self.set_count(len);
    }

    /// Gives back to the allocator what is held in reserve beyond the size class.
    pub fn give_back(&mut self) {
        let fitting = size_class(self.0.len());
        if self.0.capacity() > fitting {
            self.0.shrink_to(fitting);
        }
    }

    /// Writes an element over `old` bytes at `at`.
    #[inline]
    fn put(&mut self, at: usize, old: usize, (head, body): (Head, &[u8])) {
        let content = head.bytes().len() + body.len();
        let new = content + backlen_bytes(content);
        let len = self.0.len();
        assert!(len - old + new <= PACKED_BYTES_MAX, "whoever adds to a packed list sees that there is room");
        if new > old {
            self.reserve(new - old);
            self.0.resize(len + new - old, 0);
            self.0.copy_within(at + old..len, at + new);
        } else if new < old {
            self.0.copy_within(at + old.., at + new);
            self.0.truncate(len + new - old);
        }
        let place = &mut self.0[at..at + new];
        let (start, place) = place.split_at_mut(head.bytes().len());
        start.copy_from_slice(head.bytes());
        let (middle, place) = place.split_at_mut(body.len());
        middle.copy_from_slice(body);
        if let [only] = place {
            *only = content as u8;
        } else {
            place.copy_from_slice(write_backlen(&mut [0; 5], content));
        }
    }

    /// Makes room for `more` bytes, up to the next size class.
    #[inline]
    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if self.0.capacity() < needed {
            self.0.reserve_exact(size_class(needed) - self.0.len());
        }
    }

    /// Counts elements that were added, as long as their number is known.
    #[inline]
    fn count(&mut self, more: u16) {
        let old = u16::from_le_bytes([self.0[0], self.0[1]]);
        if old != COUNT_UNKNOWN {
            self.0[..HEADER_BYTES].copy_from_slice(&old.saturating_add(more).to_le_bytes());
        }
    }

    /// What was unknown stays so when elements go, as Redis has it.
    fn set_count_after_removal(&mut self, len: usize) {
        if self.0[..HEADER_BYTES] != COUNT_UNKNOWN.to_le_bytes() {
            self.set_count(len);
        }
    }

    fn set_count(&mut self, len: usize) {
        let count = u16::try_from(len).unwrap_or(COUNT_UNKNOWN);
        self.0[..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    }
}

impl<'a> FromIterator<Value<'a>> for PackedList {
    fn from_iter<T: IntoIterator<Item = Value<'a>>>(values: T) -> Self {
        let mut list = PackedList::new();
        for value in values {
            list.push_back_value(value);
        }
        list
    }
}
