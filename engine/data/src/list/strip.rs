//! Elements of a large list one after another: a page of its tree.
//!
//! An element is encoded as in a packed list, but for the length at its end, which is a twelfth of a short string. What
//! walks backwards finds out first where the elements of a strip begin.
//!
//! A strip may be compressed ([`super::form`]). It is read through [`Strip::view`], and whatever changes it opens it first.

use std::ops::Range;

use super::form::Form;
use crate::packed_list::codec::{self, Head, extent};
use crate::packed_list::{Needle, Packed};
use crate::size_class::size_class;
use crate::tree::Page;
use crate::value::Value;

/// How many bytes of elements a strip holds, unless there is but one.
pub(super) const STRIP_BYTES_MAX: usize = 4096;
/// Below this a strip should be joined with a neighbour.
const STRIP_BYTES_MIN: usize = STRIP_BYTES_MAX / 4;

/// Consecutive elements.
#[derive(Clone, Default)]
pub(crate) struct Strip {
    /// The elements, or what they are compressed to.
    pub(super) bytes: Vec<u8>,
    pub(super) len: u32,
    pub(super) form: Form,
}

impl Strip {
    /// How many bytes of elements may be added before the strip is full.
    pub(super) fn room(&self) -> usize {
        if self.is_alone() { 0 } else { STRIP_BYTES_MAX.saturating_sub(self.total_bytes()) }
    }

    /// A strip of this element, beside which there may be no others.
    pub(super) fn of_one(element: Value<'_>) -> Strip {
        let mut strip = Strip::default();
        strip.push_back(element);
        strip.set_alone(true);
        strip
    }

    /// The elements, decompressed into the buffer if need be.
    #[inline]
    pub(super) fn view<'a>(&'a self, buffer: &'a mut Vec<u8>) -> View<'a> {
        View { bytes: self.raw(buffer), len: self.len as usize }
    }

    /// The elements of a strip that is not compressed.
    #[inline]
    pub(super) fn opened(&self) -> View<'_> {
        debug_assert!(!self.is_compressed(), "what is changed has been opened");
        View { bytes: &self.bytes, len: self.len as usize }
    }

    /// Adds an element at the end.
    pub(super) fn push_back(&mut self, element: Value<'_>) {
        self.open();
        self.splice(self.bytes.len(), 0, Head::of(element));
        self.len += 1;
    }

    /// Adds an element before the one at `index`, which may be one beyond the last.
    pub(super) fn insert(&mut self, index: usize, element: &[u8]) {
        self.open();
        self.splice(self.opened().offset_of(index), 0, Head::of_bytes(element));
        self.len += 1;
    }

    /// Puts another element where the one at `index` is.
    pub(super) fn set(&mut self, index: usize, element: &[u8]) {
        self.open();
        self.set_alone(false);
        let at = self.opened().offset_of(index);
        self.splice(at, extent(&self.bytes, at), Head::of_bytes(element));
        self.give_back();
    }

    /// Puts an element that may have no others beside it where those at `range` are. What of the strip comes after them
    /// gets strips that follow it.
    pub(super) fn isolate(&mut self, range: Range<usize>, element: &[u8], following: &mut Vec<Strip>) {
        self.open();
        let (start, end) = (self.opened().offset_of(range.start), self.opened().offset_of(range.end));
        let mut one = Strip::of_one(Value::Bytes(element));
        let mut after = Strip { bytes: Vec::new(), len: self.len - range.end as u32, form: self.form };
        if after.len > 0 {
            after.reserve(self.bytes.len() - end);
            after.bytes.extend_from_slice(&self.bytes[end..]);
        }
        self.bytes.truncate(start);
        self.len = range.start as u32;
        if self.len == 0 {
            std::mem::swap(self, &mut one);
        } else {
            self.give_back();
            following.push(one);
        }
        if after.len > 0 {
            following.push(after);
        }
    }

    /// Adds the elements of another strip before its own, or after them.
    pub(super) fn join(&mut self, other: &Strip, at_front: bool) {
        self.open();
        let mut buffer = Vec::new();
        let bytes = other.raw(&mut buffer);
        self.reserve(bytes.len());
        if at_front {
            let (old, more) = (self.bytes.len(), bytes.len());
            self.bytes.resize(old + more, 0);
            self.bytes.copy_within(..old, more);
            self.bytes[..more].copy_from_slice(bytes);
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        self.len += other.len;
    }

    /// Adds an element of a packed list at the end.
    fn push_raw(&mut self, element: &[u8]) {
        self.bytes.extend_from_slice(element);
        self.len += 1;
    }

    /// The elements of a packed list.
    pub(super) fn of_packed(list: Packed<'_>) -> Strip {
        Self::of_first(list, usize::MAX)
    }

    /// The first elements of a packed list, up to `room` bytes of them.
    pub(super) fn of_first(list: Packed<'_>, room: usize) -> Strip {
        Self::take_first(&mut list.body(), room)
    }

    /// Takes the first elements of a packed list's body, up to `room` bytes of them.
    pub(super) fn take_first(rest: &mut &[u8], room: usize) -> Strip {
        let mut strip = Strip::default();
        strip.bytes.reserve_exact(size_class(rest.len().min(room).max(8)));
        while !rest.is_empty() {
            let len = extent(rest, 0);
            if strip.bytes.len() + len > room {
                break;
            }
            strip.push_raw(&rest[..len]);
            *rest = &rest[len + codec::backlen_bytes(len)..];
        }
        strip
    }

    /// The last elements of a packed list, up to `room` bytes of them.
    pub(super) fn of_last(list: Packed<'_>, room: usize) -> Strip {
        let (mut first, mut taken) = (list.last(), 0);
        let mut start = None;
        while let Some(position) = first {
            let len = list.content_bytes(position);
            if taken + len > room {
                break;
            }
            taken += len;
            start = Some(position);
            first = list.prev(position);
        }
        let mut strip = Strip::default();
        strip.bytes.reserve_exact(size_class(taken.max(8)));
        if let Some(start) = start {
            let mut next = Some(start);
            while let Some(position) = next {
                strip.push_raw(list.content(position));
                next = list.next(position);
            }
        }
        strip
    }

    /// Removes of the elements in `range` that equal `needle` those numbered `which`, counted from the first.
    pub(super) fn remove_matches(&mut self, range: Range<usize>, needle: &Needle<'_>, which: Range<usize>) {
        self.open();
        let mut from = self.opened().offset_of(range.start);
        let (mut to, mut seen) = (from, 0);
        for _ in range {
            let len = extent(&self.bytes, from);
            let equal = needle.is_at(&self.bytes, from);
            if equal && which.contains(&seen) {
                self.len -= 1;
            } else {
                self.bytes.copy_within(from..from + len, to);
                to += len;
            }
            seen += usize::from(equal);
            from += len;
        }
        self.bytes.drain(to..from);
        self.give_back();
    }

    /// Writes an element over `old` bytes at `at`.
    fn splice(&mut self, at: usize, old: usize, (head, body): (Head, &[u8])) {
        let (head, len) = (head.bytes(), self.bytes.len());
        let new = head.len() + body.len();
        if new > old {
            self.reserve(new - old);
            self.bytes.resize(len + new - old, 0);
            self.bytes.copy_within(at + old..len, at + new);
        } else if new < old {
            self.bytes.copy_within(at + old.., at + new);
            self.bytes.truncate(len + new - old);
        }
        self.bytes[at..at + head.len()].copy_from_slice(head);
        self.bytes[at + head.len()..at + new].copy_from_slice(body);
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            self.bytes.reserve_exact(size_class(needed) - self.bytes.len());
        }
    }

    fn give_back(&mut self) {
        let fitting = size_class(self.bytes.len());
        if self.bytes.capacity() >= 2 * fitting {
            self.bytes.shrink_to(fitting);
        }
    }
}

impl Page for Strip {
    type Bound = ();

    fn len(&self) -> usize {
        self.len as usize
    }

    fn memory(&self) -> usize {
        let heap = if self.bytes.capacity() == 0 { 0 } else { size_class(self.bytes.capacity()) };
        size_of::<Self>() + heap
    }

    fn lowest(&self) {}

    fn is_over_full(&self) -> bool {
        self.total_bytes() > STRIP_BYTES_MAX && self.len > 1
    }

    fn is_under_full(&self) -> bool {
        self.total_bytes() < STRIP_BYTES_MIN && !self.is_alone()
    }

    fn split(&mut self, at_end: bool) -> Option<Self> {
        self.open();
        let wanted = if at_end { STRIP_BYTES_MAX } else { self.bytes.len() / 2 };
        let (mut at, mut count) = (0, 0);
        while count + 1 < self.len {
            let next = at + extent(&self.bytes, at);
            if count > 0 && next > wanted {
                break;
            }
            at = next;
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let mut bytes = Vec::with_capacity(size_class(self.bytes.len() - at));
        bytes.extend_from_slice(&self.bytes[at..]);
        let upper = Strip { bytes, len: self.len - count, form: self.form };
        self.bytes.truncate(at);
        self.bytes.shrink_to(size_class(at));
        self.len = count;
        Some(upper)
    }

    fn may_absorb(&self, next: &Self) -> bool {
        !self.is_alone() && !next.is_alone() && self.total_bytes() + next.total_bytes() <= STRIP_BYTES_MAX
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        self.join(&next, false);
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        self.open();
        let start = self.opened().offset_of(range.start);
        let mut end = start;
        for _ in range.clone() {
            end += extent(&self.bytes, end);
        }
        self.bytes.drain(start..end);
        self.len -= range.len() as u32;
        self.give_back();
    }
}

/// The elements of a strip, to be read.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> View<'a> {
    /// The element at `index`.
    pub(super) fn get(self, index: usize) -> Option<Value<'a>> {
        self.elements(index).next()
    }

    /// The elements from the one at `index` on.
    #[inline]
    pub(super) fn elements(self, index: usize) -> Elements<'a> {
        Elements { rest: &self.bytes[self.offset_of(index)..] }
    }

    /// Where the element at `index` begins, in bytes.
    fn offset_of(self, index: usize) -> usize {
        if index >= self.len {
            return self.bytes.len();
        }
        let mut at = 0;
        for _ in 0..index {
            at += extent(self.bytes, at);
        }
        at
    }

    /// Where each of the first `count` elements begins, in bytes.
    fn starts(self, count: usize) -> Vec<u32> {
        let mut starts = Vec::with_capacity(count);
        let mut at = 0;
        for _ in 0..count {
            starts.push(at as u32);
            at += extent(self.bytes, at);
        }
        starts
    }

    /// The elements before the one at `end`, the last first.
    pub(super) fn elements_before(self, end: usize) -> impl Iterator<Item = Value<'a>> {
        let starts = self.starts(end.min(self.len));
        starts.into_iter().rev().map(|start| codec::read(self.bytes, start as usize))
    }

    /// How many of the elements in `range` equal `needle`.
    pub(super) fn matches(self, range: Range<usize>, needle: &Needle<'_>) -> usize {
        let mut at = self.offset_of(range.start);
        let mut count = 0;
        for _ in range {
            count += usize::from(needle.is_at(self.bytes, at));
            at += extent(self.bytes, at);
        }
        count
    }
}

/// The elements of a strip, one after another.
#[derive(Clone)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let value = codec::read(self.rest, 0);
        self.rest = &self.rest[extent(self.rest, 0)..];
        Some(value)
    }
}
