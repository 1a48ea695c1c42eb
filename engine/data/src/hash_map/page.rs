//! A page of a large hash: fields in the order of their hashes.
//!
//! ```text
//! slots: (bound, offset) …                                  ascending by bound
//! bytes: record …                                           in the order of arrival
//! record: 2 × name length + timed | 2 × value length + long | deadline u64, if timed | name | value, or its place if long
//! ```
//!
//! A search looks at the slots alone until the bound fits; a new field moves nothing but slots. Values beyond
//! [`LONG_VALUE_BYTES`] are kept beside the page, each behind a count of its own, so that a copy of the page copies none.

use std::ops::Range;
use std::sync::Arc;

use crate::size_class::size_class;
use crate::tree::Page;

/// Values above this are not copied with their page.
const LONG_VALUE_BYTES: usize = 1024;

/// A page above this is divided.
const PAGE_BYTES_MAX: usize = 4096;

/// A page below this is joined with a neighbour.
const PAGE_BYTES_MIN: usize = 1024;

/// Two pages that fill no more than this between them become one.
const JOINED_BYTES_MAX: usize = 3 * 1024;

/// Where the record of a field begins, and what orders it.
#[derive(Clone, Copy)]
struct Slot {
    bound: u32,
    at: u32,
}

/// Some fields of a hash whose hashes are next to each other.
#[derive(Clone, Default)]
pub(super) struct FieldPage {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    long: Vec<Arc<[u8]>>,
}

/// A field as it is stored.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) deadline: Option<u64>,
}

/// Where the parts of a record are.
struct Layout {
    deadline_at: Option<usize>,
    name: Range<usize>,
    /// Of a long value: of the four bytes of its place.
    value: Range<usize>,
    long: bool,
}

impl FieldPage {
    /// The field at a place in the order.
    pub(super) fn record(&self, index: usize) -> Record<'_> {
        let layout = self.layout(index);
        Record { name: &self.bytes[layout.name.clone()], value: self.value(&layout), deadline: self.deadline(&layout) }
    }

    /// The bound of the field at a place in the order.
    #[inline]
    pub(super) fn bound(&self, index: usize) -> u32 {
        self.slots[index].bound
    }

    /// How many fields come before this bound.
    #[inline]
    pub(super) fn count_below(&self, bound: u32) -> usize {
        self.slots.partition_point(|slot| slot.bound < bound)
    }

    /// The place of a field.
    #[inline]
    pub(super) fn find(&self, bound: u32, name: &[u8]) -> Option<usize> {
        let mut index = self.count_below(bound);
        while self.slots.get(index)?.bound == bound {
            if self.bytes[self.layout(index).name] == *name {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    /// Adds a field that is not there.
    pub(super) fn insert(&mut self, bound: u32, record: Record<'_>) {
        let index = self.slots.partition_point(|slot| slot.bound <= bound);
        let at = self.push(record);
        reserve(&mut self.slots, 1);
        self.slots.insert(index, Slot { bound, at });
    }

    /// Gives a field another value and another deadline.
    pub(super) fn replace(&mut self, index: usize, value: &[u8], deadline: Option<u64>) {
        let layout = self.layout(index);
        let in_place = !layout.long && value.len() == layout.value.len() && value.len() <= LONG_VALUE_BYTES;
        if in_place && deadline.is_some() == layout.deadline_at.is_some() {
            self.bytes[layout.value].copy_from_slice(value);
            self.write_deadline(layout.deadline_at, deadline);
            return;
        }
        let name = self.bytes[layout.name].to_vec();
        self.rewrite(index, Record { name: &name, value, deadline });
    }

    /// Gives a field another deadline.
    pub(super) fn set_deadline(&mut self, index: usize, deadline: Option<u64>) {
        let layout = self.layout(index);
        if deadline.is_some() == layout.deadline_at.is_some() {
            return self.write_deadline(layout.deadline_at, deadline);
        }
        let Layout { name, value, long, .. } = layout;
        let (name, value) = (self.bytes[name].to_vec(), self.bytes[value].to_vec());
        if !long {
            return self.rewrite(index, Record { name: &name, value: &value, deadline });
        }
        // The value stays where it is; only its place is written anew.
        let old = self.slots[index].at as usize;
        let value_bytes = self.long[place_of(&value)].len();
        self.slots[index].at = self.push_head(name.len(), value_bytes, true, deadline);
        self.bytes.extend_from_slice(&name);
        self.bytes.extend_from_slice(&value);
        self.cut(old);
    }

    /// Removes a field.
    pub(super) fn remove(&mut self, index: usize) {
        let layout = self.layout(index);
        let gone = self.slots.remove(index);
        self.release(&layout);
        self.cut(gone.at as usize);
        self.give_back();
    }

    /// Puts another record in the place of one.
    fn rewrite(&mut self, index: usize, record: Record<'_>) {
        let layout = self.layout(index);
        let old = self.slots[index].at as usize;
        self.slots[index].at = self.push(record);
        self.release(&layout);
        self.cut(old);
    }

    /// Writes a record behind the others, and says where.
    fn push(&mut self, record: Record<'_>) -> u32 {
        let Record { name, value, deadline } = record;
        let long = value.len() > LONG_VALUE_BYTES;
        let at = self.push_head(name.len(), value.len(), long, deadline);
        self.bytes.extend_from_slice(name);
        if long {
            let place = self.long.len() as u32;
            self.long.push(value.into());
            self.bytes.extend_from_slice(&place.to_le_bytes());
        } else {
            self.bytes.extend_from_slice(value);
        }
        at
    }

    /// Writes what stands before a name, and makes room for the rest.
    fn push_head(&mut self, name: usize, value: usize, long: bool, deadline: Option<u64>) -> u32 {
        const HEAD_BYTES_MAX: usize = 2 * LENGTH_BYTES_MAX + 8;
        let mut head = [0; HEAD_BYTES_MAX];
        let mut used = write_length(&mut head, 0, name, deadline.is_some());
        used = write_length(&mut head, used, value, long);
        if let Some(deadline) = deadline {
            head[used..used + 8].copy_from_slice(&deadline.to_le_bytes());
            used += 8;
        }
        reserve(&mut self.bytes, used + name + if long { 4 } else { value });
        let at = u32::try_from(self.bytes.len()).expect("names of a page take less than 4 GiB");
        self.bytes.extend_from_slice(&head[..used]);
        at
    }

    fn layout(&self, index: usize) -> Layout {
        self.layout_at(self.slots[index].at as usize)
    }

    #[inline]
    fn layout_at(&self, at: usize) -> Layout {
        let (name, timed, at) = read_length(&self.bytes, at);
        let (value, long, mut at) = read_length(&self.bytes, at);
        let deadline_at = timed.then_some(at);
        at += if timed { 8 } else { 0 };
        let name = at..at + name;
        let value = name.end..name.end + if long { 4 } else { value };
        Layout { deadline_at, name, value, long }
    }

    fn value(&self, layout: &Layout) -> &[u8] {
        let stored = &self.bytes[layout.value.clone()];
        if layout.long { &self.long[place_of(stored)] } else { stored }
    }

    fn deadline(&self, layout: &Layout) -> Option<u64> {
        let at = layout.deadline_at?;
        let bytes = self.bytes[at..].first_chunk().expect("a timed record has a deadline");
        Some(u64::from_le_bytes(*bytes))
    }

    fn write_deadline(&mut self, at: Option<usize>, deadline: Option<u64>) {
        if let (Some(at), Some(deadline)) = (at, deadline) {
            self.bytes[at..at + 8].copy_from_slice(&deadline.to_le_bytes());
        }
    }

    /// Lets go of a long value of a record that no slot names any more.
    fn release(&mut self, layout: &Layout) {
        if !layout.long {
            return;
        }
        let place = place_of(&self.bytes[layout.value.clone()]);
        self.long.swap_remove(place);
        let moved = self.long.len();
        if place == moved {
            return;
        }
        for index in 0..self.slots.len() {
            let other = self.layout(index);
            if other.long && place_of(&self.bytes[other.value.clone()]) == moved {
                self.bytes[other.value].copy_from_slice(&(place as u32).to_le_bytes());
                return;
            }
        }
    }

    /// Takes the bytes of a record out that no slot names any more.
    fn cut(&mut self, at: usize) {
        let end = self.layout_at(at).value.end;
        self.bytes.drain(at..end);
        let gone = (end - at) as u32;
        for slot in &mut self.slots {
            if slot.at as usize > at {
                slot.at -= gone;
            }
        }
    }

    /// Bytes that decide about division: those of the page itself.
    fn fill(&self) -> usize {
        self.slots.len() * size_of::<Slot>() + self.bytes.len()
    }

    fn give_back(&mut self) {
        if self.bytes.capacity() > 2 * self.bytes.len() + 64 {
            self.bytes.shrink_to(size_class(self.bytes.len()));
        }
        if self.slots.capacity() > 2 * self.slots.len() + 8 {
            self.slots.shrink_to(size_class(self.slots.len() * size_of::<Slot>()) / size_of::<Slot>());
        }
    }

    /// The fields at `range` as a page of their own.
    fn part(&self, range: Range<usize>) -> FieldPage {
        let mut part = FieldPage::default();
        part.take_over(self, range);
        part
    }

    /// Adds fields of a page that follows this one.
    fn take_over(&mut self, from: &FieldPage, range: Range<usize>) {
        let size = |index: usize| from.layout(index).value.end - from.slots[index].at as usize;
        reserve(&mut self.bytes, range.clone().map(size).sum());
        reserve(&mut self.slots, range.len());
        for index in range {
            let (layout, slot) = (from.layout(index), from.slots[index]);
            let at = self.bytes.len() as u32;
            self.bytes.extend_from_slice(&from.bytes[slot.at as usize..layout.value.end]);
            if layout.long {
                let place = self.long.len() as u32;
                self.long.push(from.long[place_of(&from.bytes[layout.value])].clone());
                let end = self.bytes.len();
                self.bytes[end - 4..].copy_from_slice(&place.to_le_bytes());
            }
            self.slots.push(Slot { bound: slot.bound, at });
        }
    }
}

impl Page for FieldPage {
    type Bound = u32;

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn memory(&self) -> usize {
        let long: usize = self.long.iter().map(|value| size_class(2 * size_of::<usize>() + value.len())).sum();
        size_of::<FieldPage>() + heap(&self.slots) + heap(&self.bytes) + heap(&self.long) + long
    }

    fn lowest(&self) -> u32 {
        self.slots[0].bound
    }

    fn is_over_full(&self) -> bool {
        self.fill() > PAGE_BYTES_MAX
    }

    fn is_under_full(&self) -> bool {
        self.fill() < PAGE_BYTES_MIN
    }

    /// In the middle of its bytes, or where the bounds next to it differ: arrivals are scattered, whatever came last.
    fn split(&mut self, _at_end: bool) -> Option<FieldPage> {
        let half = self.fill() / 2;
        let (mut filled, mut middle) = (0, 0);
        while filled < half && middle < self.slots.len() {
            filled += size_of::<Slot>() + self.layout(middle).value.end - self.slots[middle].at as usize;
            middle += 1;
        }
        let parts = |at: &usize| self.slots[*at - 1].bound != self.slots[*at].bound;
        let before = (1..middle.min(self.slots.len())).rev().find(parts);
        let after = (middle.max(1)..self.slots.len()).find(parts);
        let at = match (before, after) {
            (Some(before), Some(after)) if middle - before > after - middle => after,
            (Some(at), _) | (None, Some(at)) => at,
            (None, None) => return None,
        };
        let upper = self.part(at..self.slots.len());
        *self = self.part(0..at);
        Some(upper)
    }

    fn may_absorb(&self, next: &FieldPage) -> bool {
        self.fill() + next.fill() <= JOINED_BYTES_MAX
    }

    fn absorb(&mut self, next: FieldPage) -> Option<FieldPage> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        self.take_over(&next, 0..next.slots.len());
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        for index in range.rev() {
            self.remove(index);
        }
    }
}

/// Makes room for `more` elements, up to the next size class.
fn reserve<T>(vec: &mut Vec<T>, more: usize) {
    let needed = vec.len() + more;
    if vec.capacity() < needed {
        let fitting = size_class(needed * size_of::<T>()) / size_of::<T>();
        vec.reserve_exact(fitting - vec.len());
    }
}

fn heap<T>(vec: &Vec<T>) -> usize {
    match vec.capacity() * size_of::<T>() {
        0 => 0,
        bytes => size_class(bytes),
    }
}

/// The place of a long value.
fn place_of(stored: &[u8]) -> usize {
    let place = stored.first_chunk().expect("the place of a long value has four bytes");
    u32::from_le_bytes(*place) as usize
}

/// A length and a mark, seven bits a byte, the lowest first; all but the last byte are marked.
const LENGTH_BYTES_MAX: usize = 10;

fn write_length(out: &mut [u8], mut at: usize, length: usize, mark: bool) -> usize {
    let mut rest = length << 1 | usize::from(mark);
    while rest >= 0x80 {
        out[at] = rest as u8 | 0x80;
        (at, rest) = (at + 1, rest >> 7);
    }
    out[at] = rest as u8;
    at + 1
}

#[inline]
fn read_length(bytes: &[u8], mut at: usize) -> (usize, bool, usize) {
    let (mut whole, mut shift) = (0, 0);
    loop {
        let byte = bytes[at];
        at += 1;
        whole |= usize::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return (whole >> 1, whole & 1 != 0, at);
        }
        shift += 7;
    }
}
