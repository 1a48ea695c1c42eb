//! Lists that are too large to be packed: a tree of strips, and a few elements before and behind it.
//!
//! What is pushed gathers in a packed list of at most [`EDGE_BYTES`] at its end of the list, and goes into the tree as a
//! whole; what is popped comes from there, and is taken out of the tree many elements at a time. So an operation at an end
//! moves a few hundred bytes at the most, whichever end it is, and strips are filled to the last element.
//!
//! [`ListLimits`] say which elements stand alone in their strips, and which strips are kept compressed ([`super::settle`]).

use super::strip::{STRIP_BYTES_MAX, Strip};
use crate::list::{End, ListLimits};
use crate::packed_list::codec::extent;
use crate::packed_list::{Packed, PackedList, packed_bytes_of};
use crate::tree::{Page, Tree};
use crate::value::{IntBuffer, Value};

/// How long a packed list at an end of the list may be.
const EDGE_BYTES: usize = 512;
/// Longer elements go into the tree at once.
pub(super) const EDGE_ELEMENT_BYTES: usize = 200;
/// What an element of that length takes at the most beside its bytes.
const EDGE_OVERHEAD_BYTES: usize = 8;

/// A large list. Cloning one takes constant time.
#[derive(Clone, Default)]
pub struct LargeList {
    pub(super) front: PackedList,
    pub(super) tree: Tree<Strip>,
    pub(super) back: PackedList,
}

impl LargeList {
    /// The list of these elements, which are as many as a packed list may hold.
    #[must_use]
    pub fn of_packed(packed: Packed<'_>, limits: ListLimits) -> Self {
        let mut list = LargeList::default();
        let mut strip = Strip::default();
        for element in packed.iter() {
            let is_alone = limits.has_alone(element.len());
            if is_alone || element.len() + EDGE_OVERHEAD_BYTES > strip.room() {
                list.push_strip(&mut strip);
            }
            strip.push_back(element);
            if is_alone {
                strip.set_alone(true);
                list.push_strip(&mut strip);
            }
        }
        list.push_strip(&mut strip);
        list.settle_all(limits);
        list
    }

    fn push_strip(&mut self, strip: &mut Strip) {
        if !strip.is_empty() {
            self.tree.push_back(std::mem::take(strip));
        }
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
    pub fn push(&mut self, end: End, element: &[u8], limits: ListLimits) {
        let edge = self.edge_mut(end);
        if element.len() > limits.edge_element_bytes() {
            return self.push_long(end, element, limits);
        }
        if edge.total_bytes() + element.len() + EDGE_OVERHEAD_BYTES > EDGE_BYTES {
            self.spill(end, EDGE_BYTES - EDGE_ELEMENT_BYTES - EDGE_OVERHEAD_BYTES);
            self.settle(limits, None);
        }
        match end {
            End::Left => self.front.push_front(element),
            End::Right => self.back.push_back(element),
        }
    }

    /// Adds the elements of a packed list at the right end: whole strips of them at once.
    pub fn append_packed(&mut self, list: Packed<'_>, limits: ListLimits) {
        if limits.has_alone(list.body().len()) {
            return list.iter().for_each(|element| self.push(End::Right, element.bytes(&mut IntBuffer::new()), limits));
        }
        self.spill(End::Right, 0);
        let mut rest = list.body();
        while !rest.is_empty() {
            let mut strip = Strip::take_first(&mut rest, STRIP_BYTES_MAX);
            if strip.is_empty() {
                let first = extent(rest, 0);
                strip = Strip::take_first(&mut rest, first);
            }
            self.put(End::Right, strip);
            self.settle(limits, None);
        }
    }

    fn push_long(&mut self, end: End, element: &[u8], limits: ListLimits) {
        self.spill(end, 0);
        let mut strip = Strip::default();
        strip.push_back(Value::Bytes(element));
        strip.set_alone(limits.has_alone(element.len()));
        self.put(end, strip);
        self.settle(limits, None);
    }

    #[inline]
    pub(super) fn edge_mut(&mut self, end: End) -> &mut PackedList {
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
                Some(first) if !strip.is_alone() && first.room() >= strip.total_bytes() => {
                    self.tree.edit_first(|page| page.join(&strip, true))
                }
                _ => self.tree.push_front(strip),
            },
            End::Right => match self.tree.last() {
                Some(last) if !strip.is_alone() && last.room() >= strip.total_bytes() => {
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
                page.open();
                for element in page.opened().elements(0) {
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
                page.open();
                let mut taken = Vec::new();
                let mut bytes = edge.total_bytes();
                for element in page.opened().elements_before(len) {
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
    pub fn pop<R>(&mut self, end: End, limits: ListLimits, read: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        if self.edge_mut(end).is_empty() {
            if self.next_is_long(end) {
                let result = self.pop_long(end, read);
                self.settle(limits, None);
                return Some(result);
            }
            self.refill(end);
            self.settle(limits, None);
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
        let page = match end {
            End::Left => self.tree.first(),
            End::Right => self.tree.last(),
        };
        page.is_some_and(|page| {
            let index = if end == End::Left { 0 } else { page.len() - 1 };
            let is_long = |element: Value<'_>| element.len() > EDGE_ELEMENT_BYTES;
            page.view(&mut Vec::new()).get(index).is_some_and(is_long)
        })
    }

    fn pop_long<R>(&mut self, end: End, read: impl FnOnce(Value<'_>) -> R) -> R {
        let take = |page: &mut Strip| {
            let index = if end == End::Left { 0 } else { page.len() - 1 };
            page.open();
            let result = read(page.opened().get(index).expect("the page is not empty"));
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

    /// What `read` makes of the element at `index`.
    #[must_use]
    pub fn read<R>(&self, index: usize, read: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        let packed = |list: &PackedList, index: usize| list.view().seek(i64::try_from(index).ok()?);
        match self.place(index) {
            Place::Front(index) => packed(&self.front, index).map(|position| read(self.front.view().get(position))),
            Place::Tree(index) => {
                let (page, offset) = self.tree.page_at(index)?;
                page.view(&mut Vec::new()).get(offset).map(read)
            }
            Place::Back(index) => packed(&self.back, index).map(|position| read(self.back.view().get(position))),
        }
    }

    /// Puts another element where the one at `index` is. False if there is none.
    pub fn set(&mut self, index: usize, element: &[u8], limits: ListLimits) -> bool {
        if index >= self.len() {
            return false;
        }
        if element.len() > limits.edge_element_bytes() {
            self.empty_edges();
        }
        let replace = |list: &mut PackedList, index: usize| {
            let position = i64::try_from(index).ok().and_then(|index| list.view().seek(index));
            position.map(|position| list.replace(position, element)).is_some()
        };
        let done = match self.place(index) {
            Place::Front(index) => replace(&mut self.front, index),
            Place::Tree(index) => {
                let is_alone = limits.has_alone(element.len());
                let set = |page: &mut Strip, offset: usize, following: &mut Vec<Strip>| match is_alone {
                    true => page.isolate(offset..offset + 1, element, following),
                    false => page.set(offset, element),
                };
                let done = self.tree.part_at(index, set).is_some();
                self.settle(limits, Some(index));
                done
            }
            Place::Back(index) => replace(&mut self.back, index),
        };
        self.confine_edges(limits);
        done
    }

    /// Adds an element before the one at `index`, which may be one beyond the last.
    pub fn insert(&mut self, index: usize, element: &[u8], limits: ListLimits) {
        if index == self.len() {
            return self.push(End::Right, element, limits);
        }
        if element.len() > limits.edge_element_bytes() {
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
            Place::Tree(index) => {
                self.insert_into_tree(index, element, limits.has_alone(element.len()));
                self.settle(limits, Some(index));
            }
            Place::Back(index) => add(&mut self.back, index),
        }
        self.confine_edges(limits);
    }

    fn insert_into_tree(&mut self, index: usize, element: &[u8], is_alone: bool) {
        if is_alone {
            self.tree.part_at(index, |page, offset, following| page.isolate(offset..offset, element, following));
            return;
        }
        let stands_alone = |index: usize| self.tree.page_at(index).is_some_and(|(page, _)| page.is_alone());
        if !stands_alone(index) {
            self.tree.edit_at(index, |page, offset| page.insert(offset, element));
        } else if index > 0 && !stands_alone(index - 1) {
            self.tree.edit_at(index - 1, |page, offset| page.insert(offset + 1, element));
        } else {
            self.tree.part_at(index, |page, _, following| {
                following.push(std::mem::take(page));
                page.push_back(Value::Bytes(element));
            });
        }
    }

    /// Moves all into the tree: an element that is too long for an edge is going to be beside them.
    fn empty_edges(&mut self) {
        self.spill(End::Left, 0);
        self.spill(End::Right, 0);
    }

    /// Moves into the tree what has become too much at an end.
    fn confine_edges(&mut self, limits: ListLimits) {
        let before = self.tree.len();
        self.spill(End::Left, EDGE_BYTES);
        self.spill(End::Right, EDGE_BYTES);
        if self.tree.len() != before {
            self.settle(limits, None);
        }
    }

    /// Gives the elements from the one at `start` on to `visit`, until it says false.
    #[inline]
    pub fn visit(&self, start: usize, visit: &mut impl FnMut(Value<'_>) -> bool) {
        let front = self.front.len();
        if start < front && !self.front.view().iter().skip(start).all(&mut *visit) {
            return;
        }
        let start = start.saturating_sub(front);
        let mut buffer = Vec::new();
        for (page, first) in self.tree.pages_from(start) {
            if !page.view(&mut buffer).elements(start.saturating_sub(first)).all(&mut *visit) {
                return;
            }
        }
        let skipped = start.saturating_sub(self.tree.len());
        self.back.view().iter().skip(skipped).all(visit);
    }

    /// Gives the elements before the one at `end` to `visit`, the last first, until it says false.
    pub fn visit_back(&self, end: usize, visit: &mut impl FnMut(Value<'_>) -> bool) {
        let (front, tree) = (self.front.len(), self.tree.len());
        let beyond = (front + tree + self.back.len()).saturating_sub(end);
        if beyond < self.back.len() && !self.back.view().iter().rev().skip(beyond).all(&mut *visit) {
            return;
        }
        let before = end.saturating_sub(front).min(tree);
        let mut buffer = Vec::new();
        for (page, first) in self.tree.pages(0..before).rev() {
            if !page.view(&mut buffer).elements_before(before - first).all(&mut *visit) {
                return;
            }
        }
        let skipped = front - end.min(front);
        self.front.view().iter().rev().skip(skipped).all(visit);
    }

    /// What is before the tree and behind it.
    #[cfg(test)]
    pub(super) fn edges(&self) -> [Packed<'_>; 2] {
        [self.front.view(), self.back.view()]
    }

    /// Whether a packed list of these elements would be no longer than `limit`.
    pub(super) fn fits_packed(&self, limit: usize) -> bool {
        // Strips are at least half as full as what they occupy, but for a few; compressed ones hold more than that.
        if self.memory() / 2 > limit.saturating_add(2 * STRIP_BYTES_MAX) {
            return false;
        }
        let mut bytes = self.front.view().body().len() + self.back.view().bytes().len() + self.tree.len();
        for (page, _) in self.tree.pages_from(0) {
            bytes += page.total_bytes();
            if page.is_alone() || bytes > limit {
                return false;
            }
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
