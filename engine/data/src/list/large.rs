//! Lists that are too large to be packed: a tree of strips, and a few elements before and behind it.
//!
//! What is pushed gathers in a packed list of at most [`EDGE_BYTES`] at its end of the list, and goes into the tree as a
//! whole; what is popped comes from there, and is taken out of the tree many elements at a time. So an operation at an end
//! moves a few hundred bytes at the most, whichever end it is, and strips are filled to the last element.

use std::ops::Range;

use super::strip::{STRIP_BYTES_MAX, Strip};
use crate::list::End;
use crate::packed_list::codec::extent;
use crate::packed_list::{Needle, Packed, PackedList, packed_bytes_of};
use crate::tree::{Page, Tree};
use crate::value::Value;

/// How long a packed list at an end of the list may be.
const EDGE_BYTES: usize = 512;
/// Longer elements go into the tree at once.
const EDGE_ELEMENT_BYTES: usize = 200;
/// What an element of that length takes at the most beside its bytes.
const EDGE_OVERHEAD_BYTES: usize = 8;

/// A large list. Cloning one takes constant time.
#[derive(Clone, Default)]
pub struct LargeList {
    front: PackedList,
    tree: Tree<Strip>,
    back: PackedList,
}

impl LargeList {
    /// The list of these elements.
    #[must_use]
    pub fn of_packed(list: Packed<'_>) -> Self {
        list.iter().collect()
    }

    /// How many elements there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.front.len() + self.tree.len() + self.back.len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory beside the value itself, in bytes by the allocator's size classes.
    #[inline]
    #[must_use]
    pub fn memory(&self) -> usize {
        self.front.memory() + self.tree.memory() + self.back.memory()
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, element: &[u8]) {
        let edge = self.edge_mut(end);
        if element.len() > EDGE_ELEMENT_BYTES {
            return self.push_long(end, element);
        }
        if edge.total_bytes() + element.len() + EDGE_OVERHEAD_BYTES > EDGE_BYTES {
            self.spill(end, EDGE_BYTES - EDGE_ELEMENT_BYTES - EDGE_OVERHEAD_BYTES);
        }
        match end {
            End::Left => self.front.push_front(element),
            End::Right => self.back.push_back(element),
        }
    }

    /// Adds the elements of a packed list at the right end: whole strips of them at once.
    pub fn append_packed(&mut self, list: Packed<'_>) {
        self.spill(End::Right, 0);
        let mut rest = list.body();
        while !rest.is_empty() {
            let mut strip = Strip::take_first(&mut rest, STRIP_BYTES_MAX);
            if strip.is_empty() {
                let first = extent(rest, 0);
                strip = Strip::take_first(&mut rest, first);
            }
            self.put(End::Right, strip);
        }
    }

    fn push_long(&mut self, end: End, element: &[u8]) {
        self.spill(end, 0);
        let mut strip = Strip::default();
        strip.push_back(Value::Bytes(element));
        self.put(end, strip);
    }

    #[inline]
    fn edge_mut(&mut self, end: End) -> &mut PackedList {
        match end {
            End::Left => &mut self.front,
            End::Right => &mut self.back,
        }
    }

    /// Moves elements from an end into the tree until no more than `left` bytes of them are left there. A strip that is not
    /// full takes as many as it has room for.
    fn spill(&mut self, end: End, left: usize) {
        while !self.edge_mut(end).is_empty() && self.edge_mut(end).total_bytes() > left {
            let room = match end {
                End::Left => self.tree.first(),
                End::Right => self.tree.last(),
            };
            let room = room.map_or(0, Strip::room);
            let edge = match end {
                End::Left => self.front.view(),
                End::Right => self.back.view(),
            };
            let mut moved = match end {
                End::Left => Strip::of_last(edge, room),
                End::Right => Strip::of_first(edge, room),
            };
            if moved.is_empty() {
                moved = Strip::of_packed(edge);
            }
            let count = moved.len();
            let edge = self.edge_mut(end);
            let rest = edge.len() - count;
            edge.remove_range(if end == End::Left { rest } else { 0 }, count);
            self.put(end, moved);
        }
    }

    /// Puts a strip to an end of the tree: into the strip that is there if there is room.
    fn put(&mut self, end: End, strip: Strip) {
        match end {
            End::Left => match self.tree.first() {
                Some(first) if first.room() >= strip.total_bytes() => {
                    self.tree.edit_first(|page| page.join(&strip, true))
                }
                _ => self.tree.push_front(strip),
            },
            End::Right => match self.tree.last() {
                Some(last) if last.room() >= strip.total_bytes() => {
                    self.tree.edit_last(|page| page.join(&strip, false))
                }
                _ => self.tree.push_back(strip),
            },
        }
    }

    /// Takes elements out of the tree for an end that has none.
    #[cold]
    fn refill(&mut self, end: End) {
        if self.tree.is_empty() {
            // What is left is at the other end.
            return std::mem::swap(&mut self.front, &mut self.back);
        }
        let edge = match end {
            End::Left => &mut self.front,
            End::Right => &mut self.back,
        };
        let fits = |element: Value<'_>, edge: &PackedList| {
            edge.total_bytes() + element.len() + EDGE_OVERHEAD_BYTES <= EDGE_BYTES
        };
        match end {
            End::Left => self.tree.edit_first(|page| {
                let mut count = 0;
                for element in page.elements(0) {
                    if !fits(element, edge) {
                        break;
                    }
                    edge.push_back_value(element);
                    count += 1;
                }
                page.remove_records(0..count);
            }),
            End::Right => self.tree.edit_last(|page| {
                let len = page.len();
                let mut count = 0;
                let mut taken = Vec::new();
                let mut bytes = edge.total_bytes();
                for element in page.elements_before(len) {
                    bytes += element.len() + EDGE_OVERHEAD_BYTES;
                    if bytes > EDGE_BYTES {
                        break;
                    }
                    taken.push(element);
                    count += 1;
                }
                taken.into_iter().rev().for_each(|element| edge.push_back_value(element));
                page.remove_records(len - count..len);
            }),
        }
    }

    /// Takes the element at an end out, after `read` has seen it. `None` if there are no elements.
    #[inline]
    pub fn pop<R>(&mut self, end: End, read: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        if self.edge_mut(end).is_empty() {
            if self.next_is_long(end) {
                return Some(self.pop_long(end, read));
            }
            self.refill(end);
        }
        let edge = self.edge_mut(end);
        let position = match end {
            End::Left => edge.view().first()?,
            End::Right => edge.view().last()?,
        };
        let result = read(edge.view().get(position));
        edge.remove(position, 1);
        Some(result)
    }

    /// Whether the tree's element at an end is too long for the list there.
    #[cold]
    fn next_is_long(&self, end: End) -> bool {
        let next = match end {
            End::Left => self.tree.first().and_then(|page| page.get(0)),
            End::Right => self.tree.last().and_then(|page| page.get(page.len() - 1)),
        };
        next.is_some_and(|element| element.len() > EDGE_ELEMENT_BYTES)
    }

    fn pop_long<R>(&mut self, end: End, read: impl FnOnce(Value<'_>) -> R) -> R {
        let take = |page: &mut Strip| {
            let index = if end == End::Left { 0 } else { page.len() - 1 };
            let result = read(page.get(index).expect("the page is not empty"));
            page.remove_records(index..index + 1);
            result
        };
        match end {
            End::Left => self.tree.edit_first(take),
            End::Right => self.tree.edit_last(take),
        }
    }

    /// Where the element at `index` is: in front of the tree, in it, or behind it.
    #[inline]
    fn place(&self, index: usize) -> Place {
        let front = self.front.len();
        if index < front {
            return Place::Front(index);
        }
        let index = index - front;
        if index < self.tree.len() { Place::Tree(index) } else { Place::Back(index - self.tree.len()) }
    }

    /// The element at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value<'_>> {
        let packed = |list: &PackedList, index: usize| list.view().seek(i64::try_from(index).ok()?);
        match self.place(index) {
            Place::Front(index) => packed(&self.front, index).map(|position| self.front.view().get(position)),
            Place::Tree(index) => self.tree.page_at(index).and_then(|(page, offset)| page.get(offset)),
            Place::Back(index) => packed(&self.back, index).map(|position| self.back.view().get(position)),
        }
    }

    /// Puts another element where the one at `index` is. False if there is none.
    pub fn set(&mut self, index: usize, element: &[u8]) -> bool {
        if element.len() > EDGE_ELEMENT_BYTES {
            self.empty_edges();
        }
        let replace = |list: &mut PackedList, index: usize| {
            let position = i64::try_from(index).ok().and_then(|index| list.view().seek(index));
            position.map(|position| list.replace(position, element)).is_some()
        };
        let done = match self.place(index) {
            Place::Front(index) => replace(&mut self.front, index),
            Place::Tree(index) => self.tree.edit_at(index, |page, offset| page.set(offset, element)).is_some(),
            Place::Back(index) => replace(&mut self.back, index),
        };
        self.confine_edges();
        done
    }

    /// Adds an element before the one at `index`, which may be one beyond the last.
    pub fn insert(&mut self, index: usize, element: &[u8]) {
        if index == self.len() {
            return self.push(End::Right, element);
        }
        if element.len() > EDGE_ELEMENT_BYTES {
            self.empty_edges();
        }
        let add = |list: &mut PackedList, index: usize| {
            let position = i64::try_from(index).ok().and_then(|index| list.view().seek(index));
            match position {
                Some(position) => _ = list.insert_before(position, element),
                None => unreachable!("a place is in one of the three"),
            }
        };
        match self.place(index) {
            Place::Front(index) => add(&mut self.front, index),
            Place::Tree(index) => _ = self.tree.edit_at(index, |page, offset| page.insert(offset, element)),
            Place::Back(index) => add(&mut self.back, index),
        }
        self.confine_edges();
    }

    /// Moves all into the tree: an element that is too long for an edge is going to be beside them.
    fn empty_edges(&mut self) {
        self.spill(End::Left, 0);
        self.spill(End::Right, 0);
    }

    /// Moves into the tree what has become too much at an end.
    fn confine_edges(&mut self) {
        self.spill(End::Left, EDGE_BYTES);
        self.spill(End::Right, EDGE_BYTES);
    }

    /// Removes up to `limit` elements that equal `needle`, from the first on or from the last. Returns how many.
    pub fn remove(&mut self, needle: &[u8], limit: usize, from: End) -> usize {
        let first = self.remove_from_edge(from, needle, limit, from);
        let middle = self.remove_from_tree(needle, limit - first, from);
        let last = self.remove_from_edge(from.other(), needle, limit - first - middle, from);
        first + middle + last
    }

    fn remove_from_edge(&mut self, edge: End, needle: &[u8], limit: usize, from: End) -> usize {
        let edge = self.edge_mut(edge);
        if edge.is_empty() || limit == 0 {
            return 0;
        }
        super::remove_equal(edge, needle, limit, from)
    }

    fn remove_from_tree(&mut self, needle: &[u8], limit: usize, from: End) -> usize {
        let needle = Needle::new(needle);
        let mut removed = 0;
        // What has not been looked at.
        let mut rest = 0..self.tree.len();
        while removed < limit && !rest.is_empty() {
            let index = if from == End::Left { rest.start } else { rest.end - 1 };
            let Some((page, offset)) = self.tree.page_at(index) else { break };
            let looked_at = if from == End::Left { offset..page.len() } else { 0..offset + 1 };
            let found = page.matches(looked_at.clone(), &needle);
            let gone = found.min(limit - removed);
            if gone > 0 {
                let which = if from == End::Left { 0..gone } else { found - gone..found };
                let range = looked_at.clone();
                self.tree.edit_at(index, |page, _| page.remove_matches(range, &needle, which));
            }
            removed += gone;
            match from {
                End::Left => rest = rest.start + looked_at.len() - gone..self.tree.len(),
                End::Right => rest.end -= looked_at.len(),
            }
        }
        removed
    }

    /// Removes all elements but those at `range`.
    pub fn keep(&mut self, range: Range<usize>) {
        let len = self.len();
        let end = range.end.min(len);
        let start = range.start.min(end);
        self.remove_last(len - end);
        self.remove_first(start);
    }

    fn remove_first(&mut self, mut count: usize) {
        count -= take_off(&mut self.front, count, End::Left);
        let middle = count.min(self.tree.len());
        self.tree.remove_range(0..middle);
        take_off(&mut self.back, count - middle, End::Left);
    }

    fn remove_last(&mut self, mut count: usize) {
        count -= take_off(&mut self.back, count, End::Right);
        let len = self.tree.len();
        let middle = count.min(len);
        self.tree.remove_range(len - middle..len);
        take_off(&mut self.front, count - middle, End::Right);
    }

    /// Gives the elements from the one at `start` on to `visit`, until it says false.
    #[inline]
    pub fn visit<'a>(&'a self, start: usize, visit: &mut impl FnMut(Value<'a>) -> bool) {
        let front = self.front.len();
        if start < front && !self.front.view().iter().skip(start).all(&mut *visit) {
            return;
        }
        let start = start.saturating_sub(front);
        for (page, first) in self.tree.pages_from(start) {
            if !page.elements(start.saturating_sub(first)).all(&mut *visit) {
                return;
            }
        }
        let skipped = start.saturating_sub(self.tree.len());
        self.back.view().iter().skip(skipped).all(visit);
    }

    /// Gives the elements before the one at `end` to `visit`, the last first, until it says false.
    pub fn visit_back<'a>(&'a self, end: usize, visit: &mut impl FnMut(Value<'a>) -> bool) {
        let (front, tree) = (self.front.len(), self.tree.len());
        let beyond = (front + tree + self.back.len()).saturating_sub(end);
        if beyond < self.back.len() && !self.back.view().iter().rev().skip(beyond).all(&mut *visit) {
            return;
        }
        let before = end.saturating_sub(front).min(tree);
        for (page, first) in self.tree.pages(0..before).rev() {
            if !page.elements_before(before - first).all(&mut *visit) {
                return;
            }
        }
        let skipped = front - end.min(front);
        self.front.view().iter().rev().skip(skipped).all(visit);
    }

    /// Whether a packed list of these elements would be no longer than `limit`.
    pub(super) fn fits_packed(&self, limit: usize) -> bool {
        // Strips are at least half as full as what they occupy, but for a few.
        if self.memory() / 2 > limit.saturating_add(2 * STRIP_BYTES_MAX) {
            return false;
        }
        let strips: usize = self.tree.pages_from(0).map(|(page, _)| page.total_bytes()).sum();
        let edges = self.front.view().body().len() + self.back.view().bytes().len();
        if edges + strips + self.tree.len() > limit {
            return false;
        }
        let mut total = PackedList::new().total_bytes();
        self.visit(0, &mut |element| {
            total += packed_bytes_of(element);
            total <= limit
        });
        total <= limit
    }
}

#[derive(Clone, Copy)]
enum Place {
    Front(usize),
    Tree(usize),
    Back(usize),
}

/// Removes up to `count` elements at an end of a packed list. Returns how many.
fn take_off(list: &mut PackedList, count: usize, end: End) -> usize {
    let len = list.len();
    let count = count.min(len);
    if count > 0 {
        list.remove_range(if end == End::Left { 0 } else { len - count }, count);
        list.give_back();
    }
    count
}

impl<'a> FromIterator<Value<'a>> for LargeList {
    fn from_iter<T: IntoIterator<Item = Value<'a>>>(elements: T) -> Self {
        let mut list = LargeList::default();
        let mut strip = Strip::default();
        for element in elements {
            if element.len() + EDGE_OVERHEAD_BYTES > strip.room() && !strip.is_empty() {
                list.tree.push_back(std::mem::take(&mut strip));
            }
            strip.push_back(element);
        }
        if !strip.is_empty() {
            list.tree.push_back(strip);
        }
        list
    }
}
