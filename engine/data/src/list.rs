//! Lists: packed while they are small, a [`LargeList`] beyond.
//!
//! Which of the two a list is follows Redis's rules, by what would be in one of its nodes ([`ListLimits`]): it is made large
//! before elements are added that might be too many, and packed again when it has shrunk to half of what is allowed.

mod form;
mod large;
mod removal;
mod settle;
mod strip;
#[cfg(test)]
mod tests;
mod view;

use std::ops::Range;

pub use large::LargeList;
pub use view::ListRef;

use crate::collection::{Body, BodyRef, Collection, Large};
use crate::entry::INLINE_BYTES_MAX;
use crate::packed_list::{Needle, Packed, PackedList, Position};
use crate::value::{IntBuffer, Kind, Value};

/// One of the two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where it begins.
    Left,
    /// Where it ends.
    Right,
}

impl End {
    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> End {
        match self {
            End::Left => End::Right,
            End::Right => End::Left,
        }
    }
}

/// Up to which size a list is packed, and how a larger one is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    bytes: usize,
    count: usize,
    /// How many bytes a large list may have to be packed again.
    bytes_again: usize,
    /// From which length on an element of a large list has no others beside it in its strip.
    alone_from: usize,
    /// How many strips at either end of a large list are not compressed; if 0, none is.
    depth: usize,
}

impl ListLimits {
    /// A limit by count holds for short elements only: longer lists are large whatever their count is.
    const SAFETY_BYTES: usize = 8192;
    /// No packed list becomes longer than this by elements that count as nothing because they are empty.
    const PACKED_BYTES_MAX: usize = 128 * 1024;
    /// The sizes that -1 to -5 stand for.
    const CLASSES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
    /// Redis keeps a count in 15 bits.
    const COUNT_MAX: usize = (1 << 15) - 1;
    /// Redis's threshold unless it is told another one.
    pub const ALONE_FROM: usize = 1 << 30;
    /// Redis keeps the depth in 16 bits.
    const DEPTH_MAX: usize = (1 << 16) - 1;

    /// As `list-max-listpack-size` has it: a positive number is one of elements, a negative one a class of sizes.
    #[must_use]
    pub const fn new(size: i64) -> Self {
        if size < 0 {
            let class = if size < -5 { 4 } else { -(size + 1) as usize };
            let bytes = Self::CLASSES[class];
            return ListLimits { bytes, count: usize::MAX, bytes_again: bytes / 2, ..Self::UNLIMITED };
        }
        let count = if size > Self::COUNT_MAX as i64 { Self::COUNT_MAX } else { size as usize };
        let count = if count == 0 { 1 } else { count };
        ListLimits { bytes: Self::SAFETY_BYTES, count, bytes_again: Self::SAFETY_BYTES, ..Self::UNLIMITED }
    }

    const UNLIMITED: ListLimits = ListLimits {
        bytes: usize::MAX,
        count: usize::MAX,
        bytes_again: usize::MAX,
        alone_from: Self::ALONE_FROM,
        depth: 0,
    };

    /// With elements of so many bytes and more, one at least, alone in their strips.
    #[must_use]
    pub const fn with_alone_from(self, bytes: usize) -> Self {
        ListLimits { alone_from: if bytes == 0 { 1 } else { bytes }, ..self }
    }

    /// As `list-compress-depth` has it: so many strips at either end of a large list are not compressed; if 0, none is.
    #[must_use]
    pub const fn with_compress_depth(self, strips: i64) -> Self {
        let depth = if strips > Self::DEPTH_MAX as i64 { Self::DEPTH_MAX } else { strips as usize };
        ListLimits { depth: if strips < 0 { 0 } else { depth }, ..self }
    }

    /// Whether an element of so many bytes stands alone.
    #[inline]
    const fn has_alone(self, bytes: usize) -> bool {
        bytes >= self.alone_from
    }

    /// Up to which length elements gather at the ends of a large list.
    #[inline]
    const fn edge_element_bytes(self) -> usize {
        if self.alone_from > large::EDGE_ELEMENT_BYTES { large::EDGE_ELEMENT_BYTES } else { self.alone_from - 1 }
    }

    /// Whether so many bytes or elements are too many for a packed list.
    #[inline]
    const fn are_exceeded_by(self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes || count > self.count
    }
}

/// A list, owned while it is edited.
pub enum List {
    /// A small one.
    Packed(PackedList),
    /// A large one: the value is a [`Large::List`].
    Large(Box<Large>),
}

impl Collection for List {
    const KIND: Kind = Kind::List;

    type View<'a> = ListRef<'a>;

    fn empty() -> Self {
        List::Packed(PackedList::new())
    }

    fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    fn from_body(body: Body) -> Self {
        match body {
            Body::Packed(bytes) | Body::Alternate(bytes) => List::Packed(PackedList::from_bytes(bytes)),
            Body::Large(large) => List::Large(large),
        }
    }

    fn into_body(self) -> Body {
        match self {
            List::Packed(list) => Body::Packed(list.into_bytes()),
            List::Large(large) => Body::Large(large),
        }
    }

    fn view(body: BodyRef<'_>) -> ListRef<'_> {
        match body {
            BodyRef::Packed(bytes) | BodyRef::Alternate(bytes) => ListRef::Packed(Packed::new(bytes)),
            BodyRef::Large(large) => ListRef::Large(large_of(large)),
        }
    }
}

/// The list that a large value is.
fn large_of(large: &Large) -> &LargeList {
    match large {
        Large::List(list) => list,
        _ => unreachable!("a list is made of a list"),
    }
}

fn large_of_mut(large: &mut Large) -> &mut LargeList {
    match large {
        Large::List(list) => list,
        _ => unreachable!("a list is made of a list"),
    }
}

impl From<LargeList> for List {
    fn from(list: LargeList) -> List {
        List::Large(Box::new(Large::List(list)))
    }
}

impl List {
    /// The list of these elements, packed if that is allowed.
    pub fn of<'a>(elements: impl Iterator<Item = Value<'a>>, limits: ListLimits) -> List {
        let mut packed = PackedList::new();
        let mut elements = elements.peekable();
        while let Some(element) = elements.peek() {
            if limits.are_exceeded_by(packed.total_bytes() + element.len(), packed.len() + 1) {
                let mut large = LargeList::of_packed(packed.view(), limits);
                elements.for_each(|element| large.push(End::Right, element.bytes(&mut IntBuffer::new()), limits));
                return large.into();
            }
            packed.push_back_value(*element);
            elements.next();
        }
        List::Packed(packed)
    }

    /// The list, to be read.
    #[must_use]
    pub fn view(&self) -> ListRef<'_> {
        match self {
            List::Packed(list) => ListRef::Packed(list.view()),
            List::Large(large) => ListRef::Large(large_of(large)),
        }
    }

    /// How many elements there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// Adds the elements of a packed list at the right end.
    pub fn append_packed(&mut self, more: PackedList, limits: ListLimits) {
        match self {
            List::Packed(list) if list.is_empty() && !limits.are_exceeded_by(more.total_bytes(), more.len()) => {
                *list = more;
            }
            List::Packed(list)
                if !limits.are_exceeded_by(list.total_bytes() + more.total_bytes(), list.len() + more.len()) =>
            {
                more.view().iter().for_each(|element| list.push_back_value(element));
            }
            List::Packed(list) => {
                let mut large = LargeList::of_packed(list.view(), limits);
                large.append_packed(more.view(), limits);
                *self = large.into();
            }
            List::Large(large) => large_of_mut(large).append_packed(more.view(), limits),
        }
    }

    /// Makes the list large if it would be too long for a packed one with these elements.
    fn make_room<'a>(&mut self, elements: impl Iterator<Item = &'a [u8]>, limits: ListLimits) {
        let List::Packed(list) = self else { return };
        let (bytes, count) = elements.fold((0, 0), |(bytes, count), element| (bytes + element.len(), count + 1));
        let total = list.total_bytes() + bytes;
        if limits.are_exceeded_by(total, list.len() + count) || total + 2 * count > ListLimits::PACKED_BYTES_MAX {
            *self = LargeList::of_packed(list.view(), limits).into();
        }
    }

    /// Packs the list again if it is small enough.
    fn shrink(&mut self, limits: ListLimits) {
        let List::Large(large) = self else { return };
        let list = large_of(large);
        if list.len() <= limits.count / 2 && list.fits_packed(limits.bytes_again) {
            let mut packed = PackedList::new();
            list.visit(0, &mut |element| {
                packed.push_back_value(element);
                true
            });
            *self = List::Packed(packed);
        }
    }

    /// Adds elements at an end, one after another.
    #[inline]
    pub fn push<'a>(&mut self, end: End, elements: impl Iterator<Item = &'a [u8]> + Clone, limits: ListLimits) {
        self.make_room(elements.clone(), limits);
        match self {
            List::Packed(list) => match end {
                End::Left => elements.for_each(|element| list.push_front(element)),
                End::Right => elements.for_each(|element| list.push_back(element)),
            },
            List::Large(large) => {
                let list = large_of_mut(large);
                elements.for_each(|element| list.push(end, element, limits));
            }
        }
    }

    /// Takes up to `count` elements out at an end, each of which `read` sees before. Returns how many.
    #[inline]
    pub fn pop(&mut self, end: End, count: usize, limits: ListLimits, mut read: impl FnMut(Value<'_>)) -> usize {
        let mut taken = 0;
        match self {
            List::Packed(list) => {
                let view = list.view();
                match end {
                    End::Left => view.iter().take(count).for_each(|element| {
                        read(element);
                        taken += 1;
                    }),
                    End::Right => view.iter().rev().take(count).for_each(|element| {
                        read(element);
                        taken += 1;
                    }),
                }
                let first = if end == End::Left { 0 } else { list.len() - taken };
                list.remove_range(first, taken);
                give_back(list);
            }
            List::Large(large) => {
                let list = large_of_mut(large);
                while taken < count && list.pop(end, limits, &mut read).is_some() {
                    taken += 1;
                }
                self.shrink(limits);
            }
        }
        taken
    }

    /// Puts another element where the one at `index` is. False if there is none.
    pub fn set(&mut self, index: usize, element: &[u8], limits: ListLimits) -> bool {
        self.make_room(std::iter::once(element), limits);
        let done = match self {
            List::Packed(list) => match seek(list, index) {
                Some(position) => {
                    list.replace(position, element);
                    true
                }
                None => false,
            },
            List::Large(large) => large_of_mut(large).set(index, element, limits),
        };
        self.shrink(limits);
        done
    }

    /// Adds an element on one side of the first one that equals `pivot`. False if there is none.
    pub fn insert(&mut self, side: End, pivot: &[u8], element: &[u8], limits: ListLimits) -> bool {
        self.make_room(std::iter::once(element), limits);
        let found = self.view().find(pivot);
        let Some(found) = found else { return false };
        let index = if side == End::Left { found } else { found + 1 };
        match self {
            List::Packed(list) => match seek(list, index) {
                Some(position) => _ = list.insert_before(position, element),
                None => list.push_back(element),
            },
            List::Large(large) => large_of_mut(large).insert(index, element, limits),
        }
        true
    }

    /// Removes up to `limit` elements that equal `needle`, from the first on or from the last. Returns how many.
    pub fn remove(&mut self, needle: &[u8], limit: usize, from: End, limits: ListLimits) -> usize {
        let removed = match self {
            List::Packed(list) => remove_equal(list, needle, limit, from),
            List::Large(large) => large_of_mut(large).remove(needle, limit, from, limits),
        };
        if removed > 0 {
            self.shrink(limits);
        }
        removed
    }

    /// Removes all elements but those at `range`.
    pub fn keep(&mut self, range: Range<usize>, limits: ListLimits) {
        match self {
            List::Packed(list) => {
                let len = list.len();
                let end = range.end.min(len);
                list.remove_range(end, len - end);
                list.remove_range(0, range.start.min(end));
                give_back(list);
            }
            List::Large(large) => {
                large_of_mut(large).keep(range, limits);
                self.shrink(limits);
            }
        }
    }
}

/// Gives memory back that a list has too much of. A short one is about to be copied beside its key.
fn give_back(list: &mut PackedList) {
    if list.total_bytes() > INLINE_BYTES_MAX && list.memory() > 2 * list.total_bytes() {
        list.give_back();
    }
}

fn seek(list: &PackedList, index: usize) -> Option<Position> {
    list.view().seek(i64::try_from(index).ok()?)
}

/// Removes up to `limit` elements that equal `needle` from a packed list, from the first on or from the last. Returns how
/// many.
fn remove_equal(list: &mut PackedList, needle: &[u8], limit: usize, from: End) -> usize {
    let equal = Needle::new(needle);
    let found = list.view().positions().filter(|position| equal.is_in(list.view(), *position)).count();
    let gone = found.min(limit);
    if gone == 0 {
        return 0;
    }
    let which = if from == End::Left { 0..gone } else { found - gone..found };
    let mut seen = 0;
    let view = list.view();
    let mut rest = PackedList::with_capacity(view.bytes().len());
    for position in view.positions() {
        let equal = equal.is_in(view, position);
        if !equal || !which.contains(&seen) {
            rest.push_back_value(view.get(position));
        }
        seen += usize::from(equal);
    }
    rest.give_back();
    *list = rest;
    gone
}
