//! Changes of a page, and what a tree asks of it.

use std::ops::Range;
use std::sync::Arc;

use super::{
    BESIDE, CROWDED_BYTES, CROWDED_LONG_BYTES, FULL_BYTES, HashPage, JOINED_BYTES, LONG_BYTES, MIDDLING, PLACE_BYTES,
    Record, SHORT_BYTES_MAX, SPARSE_BYTES, TIMED,
};
use crate::size_class::size_class;
use crate::spread::Between;
use crate::tree::Page;

/// A key or a value as it is to be written: in the page, or beside it.
enum Part<'a> {
    Here(&'a [u8]),
    Beside(Arc<[u8]>),
}

impl Part<'_> {
    /// How many bytes it takes in the page.
    fn bytes(&self) -> usize {
        match self {
            Part::Here(bytes) if bytes.len() <= usize::from(SHORT_BYTES_MAX) => 1 + bytes.len(),
            Part::Here(bytes) => 3 + bytes.len(),
            Part::Beside(_) => 3,
        }
    }
}

impl<const VALUES: bool> HashPage<VALUES> {
    /// Adds a record whose key is not there, and says at which index.
    pub fn insert(&mut self, hash: u32, record: Record<'_>) -> usize {
        let index = self.count_below(hash);
        self.insert_at(index, hash, record);
        index
    }

    /// Adds a record whose key is not there, where [`HashPage::seek`] says that it goes.
    pub fn insert_at(&mut self, index: usize, hash: u32, record: Record<'_>) {
        let key = self.to_part(record.key);
        let value = VALUES.then(|| self.to_part(record.value));
        let deadline = record.deadline.filter(|_| VALUES);
        let bytes = key.bytes() + value.as_ref().map_or(0, Part::bytes) + if deadline.is_some() { 8 } else { 0 };
        self.make_room(bytes + PLACE_BYTES);
        let offset = self.records_end;
        self.push_part(key);
        if let Some(value) = value {
            self.push_part(value);
        }
        self.push_deadline(deadline);
        self.insert_place(index, hash, offset | if deadline.is_some() { TIMED } else { 0 });
    }

    /// Gives a record another value and another deadline, or none.
    pub fn replace(&mut self, index: usize, value: &[u8], deadline: Option<u64>) {
        let (hash, place) = self.place(index);
        let value_at = self.part(usize::from(place & !TIMED)).1;
        if self.buffer[value_at] <= MIDDLING && (place & TIMED != 0) == deadline.is_some() {
            let (old, end) = self.part(value_at);
            if old.len() == value.len() {
                self.buffer[end - value.len()..end].copy_from_slice(value);
                if let Some(deadline) = deadline {
                    self.buffer[end..end + 8].copy_from_slice(&deadline.to_le_bytes());
                }
                return;
            }
        }
        let part = self.to_part(value);
        self.rewrite(index, hash, part, deadline);
    }

    /// Gives a record another deadline, or none.
    pub fn set_deadline(&mut self, index: usize, deadline: Option<u64>) {
        let (hash, place) = self.place(index);
        let value_at = self.part(usize::from(place & !TIMED)).1;
        if let (true, Some(deadline)) = (place & TIMED != 0, deadline) {
            let end = self.part(value_at).1;
            self.buffer[end..end + 8].copy_from_slice(&deadline.to_le_bytes());
            return;
        }
        let copied;
        let part = match self.long_at(value_at) {
            Some(shared) => Part::Beside(shared),
            None => {
                copied = self.part(value_at).0.to_vec();
                self.to_part(&copied)
            }
        };
        self.rewrite(index, hash, part, deadline);
    }

    /// Writes the record at `index` anew behind all others, with another value.
    fn rewrite(&mut self, index: usize, hash: u32, value: Part<'_>, deadline: Option<u64>) {
        let offset = self.offset(index);
        let key_bytes = self.part(offset).1 - offset;
        self.make_room(key_bytes + value.bytes() + if deadline.is_some() { 8 } else { 0 });
        // Making room may have moved the record.
        let (offset, end) = (self.offset(index), self.end(index));
        self.release(offset + key_bytes);
        let new = self.records_end;
        self.buffer.copy_within(offset..offset + key_bytes, usize::from(new));
        self.records_end += key_bytes as u16;
        self.push_part(value);
        self.push_deadline(deadline);
        self.wasted += (end - offset) as u16;
        self.write_place(index, hash, new | if deadline.is_some() { TIMED } else { 0 });
    }

    /// Removes a record.
    pub fn remove(&mut self, index: usize) {
        let (offset, end) = (self.offset(index), self.end(index));
        let value_at = self.part(offset).1;
        self.release(offset);
        if VALUES {
            self.release(value_at);
        }
        if end == usize::from(self.records_end) {
            self.records_end = offset as u16;
        } else {
            self.wasted += (end - offset) as u16;
        }
        let (start, whole) = (self.places_start(), self.buffer.len());
        self.buffer.copy_within(start..whole - (index + 1) * PLACE_BYTES, start + PLACE_BYTES);
        self.len -= 1;
        self.see_ends();
        if self.is_empty() {
            *self = HashPage::default();
        } else if usize::from(self.wasted) * 4 > whole || self.fill() * 2 < whole {
            self.sweep(self.fill());
        }
    }

    /// How a key or value is to be written.
    fn to_part<'a>(&self, bytes: &'a [u8]) -> Part<'a> {
        let crowded = usize::from(self.records_end) > CROWDED_BYTES;
        if bytes.len() > if crowded { CROWDED_LONG_BYTES } else { LONG_BYTES } {
            Part::Beside(bytes.into())
        } else {
            Part::Here(bytes)
        }
    }

    /// What is kept beside the page for the part at `offset`.
    fn long_at(&self, offset: usize) -> Option<Arc<[u8]>> {
        (self.buffer[offset] == BESIDE).then(|| {
            let number = u16::from_le_bytes([self.buffer[offset + 1], self.buffer[offset + 2]]);
            self.long.as_ref().expect("the part is there").shared(usize::from(number)).clone()
        })
    }

    /// Lets go of what is kept beside the page for the part at `offset`.
    fn release(&mut self, offset: usize) {
        if self.buffer[offset] == BESIDE {
            let number = u16::from_le_bytes([self.buffer[offset + 1], self.buffer[offset + 2]]);
            if let Some(long) = &mut self.long {
                long.release(usize::from(number));
            }
        }
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.records_end);
        self.buffer[start..start + bytes.len()].copy_from_slice(bytes);
        self.records_end += bytes.len() as u16;
    }

    #[inline]
    fn push_part(&mut self, part: Part<'_>) {
        match part {
            Part::Here(bytes) => {
                match u8::try_from(bytes.len()) {
                    Ok(short) if short <= SHORT_BYTES_MAX => self.push(&[short]),
                    _ => {
                        let [low, high] = (bytes.len() as u16).to_le_bytes();
                        self.push(&[MIDDLING, low, high]);
                    }
                }
                self.push(bytes);
            }
            Part::Beside(shared) => {
                let [low, high] = self.long.get_or_insert_default().keep(shared).to_le_bytes();
                self.push(&[BESIDE, low, high]);
            }
        }
    }

    fn push_deadline(&mut self, deadline: Option<u64>) {
        if let Some(deadline) = deadline {
            self.push(&deadline.to_le_bytes());
        }
    }

    #[inline]
    fn places_start(&self) -> usize {
        self.buffer.len() - self.len() * PLACE_BYTES
    }

    /// Makes a place for a record; those of higher hashes move down.
    #[inline]
    fn insert_place(&mut self, index: usize, hash: u32, offset: u16) {
        let start = self.places_start();
        let end = self.buffer.len() - index * PLACE_BYTES;
        self.buffer.copy_within(start..end, start - PLACE_BYTES);
        self.len += 1;
        self.write_place(index, hash, offset);
        if index == 0 {
            self.low = hash;
        }
        if index + 1 == self.len() {
            self.high = hash;
        }
    }

    #[inline]
    fn write_place(&mut self, index: usize, hash: u32, offset: u16) {
        let at = self.buffer.len() - (index + 1) * PLACE_BYTES;
        self.buffer[at..at + 4].copy_from_slice(&hash.to_le_bytes());
        self.buffer[at + 4..at + PLACE_BYTES].copy_from_slice(&offset.to_le_bytes());
    }

    fn see_ends(&mut self) {
        if let Some(last) = self.len().checked_sub(1) {
            (self.low, self.high) = (self.hash(0), self.hash(last));
        }
    }

    /// Sees that `more` bytes are free.
    #[inline]
    fn make_room(&mut self, more: usize) {
        if self.free() < more {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let unswept = size_class(self.buffer.len() - self.free() + more);
        let wasted = usize::from(self.wasted);
        if wasted > 0 && (wasted * 8 >= self.buffer.len() || unswept > FULL_BYTES) {
            return self.sweep(self.fill() + more);
        }
        assert!(unswept < usize::from(TIMED), "so many records of one hash are not to be met");
        let places = &self.buffer[self.places_start()..];
        let mut buffer = Vec::with_capacity(unswept);
        buffer.extend_from_slice(&self.buffer[..usize::from(self.records_end)]);
        buffer.resize(unswept - places.len(), 0);
        buffer.extend_from_slice(places);
        self.buffer = buffer.into_boxed_slice();
    }

    /// Copies the page into a buffer for `bytes`, without what is wasted.
    fn sweep(&mut self, bytes: usize) {
        let mut swept = HashPage { buffer: vec![0; size_class(bytes)].into_boxed_slice(), ..HashPage::default() };
        swept.append(self, 0..self.len());
        *self = swept;
    }

    /// Bytes that the records at `range` take with their places.
    fn bytes_of(&self, range: Range<usize>) -> usize {
        range.map(|index| self.end(index) - self.offset(index) + PLACE_BYTES).sum()
    }

    /// The records at `range`, which take so many bytes, as a page of their own.
    fn part_of(&self, range: Range<usize>, bytes: usize) -> Self {
        debug_assert_eq!(bytes, self.bytes_of(range.clone()));
        let mut part = HashPage { buffer: vec![0; size_class(bytes)].into_boxed_slice(), ..HashPage::default() };
        part.append(self, range);
        part
    }

    /// Adds records of a page whose hashes are not lower. There is room for them.
    fn append(&mut self, from: &Self, range: Range<usize>) {
        for index in range {
            let (hash, place) = from.place(index);
            let (start, end) = (usize::from(place & !TIMED), from.end(index));
            let offset = self.records_end;
            self.push(&from.buffer[start..end]);
            if from.long.is_some() {
                let mut parts = [Some(start), None];
                if VALUES {
                    parts[1] = Some(from.part(start).1);
                }
                for part in parts.into_iter().flatten() {
                    if let Some(shared) = from.long_at(part) {
                        let number = self.long.get_or_insert_default().keep(shared);
                        let at = usize::from(offset) + part - start;
                        self.buffer[at + 1..at + 3].copy_from_slice(&number.to_le_bytes());
                    }
                }
            }
            self.insert_place(self.len(), hash, offset | (place & TIMED));
        }
    }
}

impl<const VALUES: bool> Page for HashPage<VALUES> {
    type Bound = u32;

    fn len(&self) -> usize {
        self.len()
    }

    fn memory(&self) -> usize {
        self.memory()
    }

    fn lowest(&self) -> u32 {
        self.low
    }

    #[inline]
    fn last_at_or_before<'b>(len: usize, at: impl Fn(usize) -> &'b u32, hash: &u32, between: &mut Between) -> usize {
        between.narrow(len, |index| *at(index), *hash)
    }

    #[inline]
    fn guess(len: usize, hash: &u32, between: Between) -> usize {
        between.guess(len, *hash)
    }

    fn is_over_full(&self) -> bool {
        self.fill() > FULL_BYTES
    }

    fn is_under_full(&self) -> bool {
        self.fill() < SPARSE_BYTES
    }

    /// In the middle of the bytes (near the end, if records come in order), or next to that where two hashes differ.
    fn split(&mut self, at_end: bool) -> Option<Self> {
        let fill = self.fill();
        let wanted = if at_end { fill - fill / 16 } else { fill / 2 };
        let (mut bytes, mut middle) = (0, 0);
        while bytes < wanted && middle < self.len() {
            bytes += self.bytes_of(middle..middle + 1);
            middle += 1;
        }
        let differ = |at: &usize| self.hash(*at - 1) != self.hash(*at);
        let after = (middle.max(1)..self.len()).find(differ);
        let before = (1..middle.min(self.len())).rev().find(differ);
        let at = match (before, after) {
            (Some(before), Some(after)) => {
                if after - middle > middle - before {
                    before
                } else {
                    after
                }
            }
            (before, after) => before.or(after)?,
        };
        let below = if at == middle { bytes } else { self.bytes_of(0..at) };
        let upper = self.part_of(at..self.len(), fill - below);
        *self = self.part_of(0..at, below);
        Some(upper)
    }

    fn may_absorb(&self, next: &Self) -> bool {
        self.fill() + next.fill() <= JOINED_BYTES
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        if !self.may_absorb(&next) {
            return Some(next);
        }
        self.sweep(self.fill() + next.fill());
        self.append(&next, 0..next.len());
        None
    }

    fn remove_records(&mut self, range: Range<usize>) {
        let bytes = self.bytes_of(0..range.start) + self.bytes_of(range.end..self.len());
        if bytes == 0 {
            *self = HashPage::default();
            return;
        }
        let mut kept = HashPage { buffer: vec![0; size_class(bytes)].into_boxed_slice(), ..HashPage::default() };
        kept.append(self, 0..range.start);
        kept.append(self, range.end..self.len());
        *self = kept;
    }
}
