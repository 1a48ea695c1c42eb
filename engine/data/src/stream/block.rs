//! Consecutive entries of a stream in one buffer, packed more tightly than Redis's nodes and holding the same.
//!
//! ```text
//! number of fields, field …           those of the block's first entry: others that have the same don't repeat them
//! entry …                             control, [milliseconds], [sequence], [number of fields, field, value …] | value …
//! ```
//!
//! The control byte says whether the entry is deleted, whether it has fields of its own, and how its id follows from the one
//! before it. A deleted entry stays where it is, marked, until its block goes. So that a block ends where a node of Redis
//! would, it knows how long the listpack would be that [`Block::to_listpack`] makes of it; nothing visible depends on the
//! form that is kept in memory.
//!
//! Reading trusts the bytes: what comes from elsewhere enters through [`Block::from_listpack`], which trusts nothing.

mod codec;
mod listpack;
mod read;

use std::ops::Range;

pub(super) use read::{Cursor, Record};
pub use read::{Entry, Fields};

use super::StreamId;
use super::limits::{BLOCK_BYTES_MAX, StreamLimits};
use crate::size_class::size_class;
use crate::tree::Page;
use crate::value::Value;

const DELETED: u8 = 1;
const OWN_FIELDS: u8 = 2;
const OWN_SEQUENCE: u8 = 4;
const MS_SHIFT: u32 = 3;
/// More milliseconds than this don't fit into the control byte.
const MS_INLINE_MAX: u64 = 29;
/// The milliseconds, less those that would fit, are in a byte behind the control byte.
const MS_BYTE: u8 = 30;
/// The milliseconds are in a number of any length behind the control byte.
const MS_VARINT: u8 = 31;

/// Some consecutive entries.
#[derive(Clone, Default)]
pub struct Block {
    first: StreamId,
    last: StreamId,
    live: u32,
    deleted: u32,
    /// Where the first entry begins.
    entries_at: u32,
    /// Length of the listpack without its two counts.
    listpack_bytes: u32,
    last_is_deleted: bool,
    bytes: Vec<u8>,
}

impl Block {
    /// A block without entries, to which such are most likely to be added as have these fields.
    pub(super) fn begin<'v>(first: StreamId, fields: impl Iterator<Item = Value<'v>> + Clone) -> Block {
        let count = fields.clone().count();
        let mut bytes = Vec::with_capacity(size_class(fields.clone().map(|field| field.len() + 1).sum::<usize>() + 1));
        codec::push_varint(&mut bytes, count as u64);
        let mut listpack_bytes = listpack::FRAME_BYTES + listpack::int_bytes(count as i64) + listpack::int_bytes(0);
        for field in fields {
            listpack_bytes += listpack::element_bytes(field);
            codec::push(&mut bytes, field);
        }
        Block {
            first,
            last: StreamId { ms: first.ms, seq: first.seq.wrapping_sub(1) },
            live: 0,
            deleted: 0,
            entries_at: bytes.len() as u32,
            listpack_bytes: listpack_bytes as u32,
            last_is_deleted: false,
            bytes,
        }
    }

    /// The id that Redis would file the block under.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.first
    }

    /// The id of its last entry, deleted or not.
    #[must_use]
    pub fn last(&self) -> StreamId {
        self.last
    }

    /// How many entries there are, deleted ones included.
    fn records(&self) -> usize {
        (self.live + self.deleted) as usize
    }

    /// How many of its entries are there.
    #[must_use]
    pub fn live_len(&self) -> usize {
        self.live as usize
    }

    /// How long the listpack would be.
    pub(super) fn listpack_bytes(&self) -> usize {
        let counts = [self.live, self.deleted].map(|count| listpack::int_bytes(i64::from(count)));
        self.listpack_bytes as usize + counts[0] + counts[1]
    }

    /// Whether an entry whose fields and values have `content` bytes in all belongs into this block.
    pub(super) fn has_room(&self, content: usize, limits: StreamLimits) -> bool {
        self.listpack_bytes() + content < limits.block_bytes()
            && limits.block_entries().is_none_or(|most| self.records() < most)
    }

    /// Adds an entry, whose id is above all others, with `content` bytes of fields and values in all.
    pub(super) fn push<'v>(
        &mut self,
        id: StreamId,
        content: usize,
        pairs: impl Iterator<Item = (Value<'v>, Value<'v>)> + Clone,
    ) {
        let own = !self.has_fields(pairs.clone().map(|(field, _)| field));
        self.push_record(id, false, own, content, pairs);
    }

    /// Adds an entry, deleted perhaps, with fields of its own or with the block's.
    fn push_record<'v>(
        &mut self,
        id: StreamId,
        deleted: bool,
        own: bool,
        content: usize,
        pairs: impl Iterator<Item = (Value<'v>, Value<'v>)> + Clone,
    ) {
        debug_assert!(id > self.last || self.records() == 0);
        let count = pairs.clone().count();
        self.reserve(content + 2 * count + 24);
        let listed = listpack::entry_bytes(self.first, id, own, pairs.clone());
        self.push_head(id, if deleted { DELETED } else { 0 } | if own { OWN_FIELDS } else { 0 });
        if own {
            codec::push_varint(&mut self.bytes, count as u64);
        }
        for (field, value) in pairs {
            if own {
                codec::push(&mut self.bytes, field);
            }
            codec::push(&mut self.bytes, value);
        }
        (self.last, self.last_is_deleted) = (id, deleted);
        *(if deleted { &mut self.deleted } else { &mut self.live }) += 1;
        self.listpack_bytes += listed as u32;
    }

    fn push_head(&mut self, id: StreamId, flags: u8) {
        let ms = id.ms - self.last.ms;
        let implied = implied_seq(self.last, ms);
        let flags = if id.seq == implied { flags } else { flags | OWN_SEQUENCE };
        match ms {
            0..=MS_INLINE_MAX => self.bytes.push(flags | (ms as u8) << MS_SHIFT),
            _ if ms - MS_INLINE_MAX <= 256 => {
                self.bytes.extend_from_slice(&[flags | MS_BYTE << MS_SHIFT, (ms - MS_INLINE_MAX - 1) as u8]);
            }
            _ => {
                self.bytes.push(flags | MS_VARINT << MS_SHIFT);
                codec::push_varint(&mut self.bytes, ms);
            }
        }
        if id.seq != implied {
            codec::push_varint(&mut self.bytes, id.seq.wrapping_sub(implied));
        }
    }

    /// Whether these are the fields that entries need not repeat.
    fn has_fields<'v>(&self, fields: impl Iterator<Item = Value<'v>>) -> bool {
        let mut at = 0;
        let mut left = codec::read_varint(&self.bytes, &mut at);
        for field in fields {
            if left == 0 || codec::read(&self.bytes, at) != field {
                return false;
            }
            at += codec::step(&self.bytes, at);
            left -= 1;
        }
        left == 0
    }

    /// Room for `more` bytes, by half as much again, so that many appended entries are moved few times.
    fn reserve(&mut self, more: usize) {
        let wanted = self.bytes.len() + more;
        if wanted > self.bytes.capacity() {
            let capacity = size_class(wanted.max(self.bytes.len() + self.bytes.len() / 2));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// The block without its entries from `id` on.
    pub(super) fn without_tail(&self, id: StreamId) -> Block {
        let mut block = Block::begin(self.first, self.names());
        let mut cursor = self.cursor();
        while let Some(record) = cursor.next().filter(|record| record.id < id) {
            let pairs = record.entry(self).fields();
            let content = pairs.clone().map(|(field, value)| field.len() + value.len()).sum();
            block.push_record(record.id, record.is_deleted(), record.has_own_fields(), content, pairs);
        }
        block
    }

    /// The fields that entries need not repeat.
    fn names(&self) -> impl Iterator<Item = Value<'_>> + Clone {
        let mut at = 0;
        let count = if self.bytes.is_empty() { 0 } else { codec::read_varint(&self.bytes, &mut at) };
        (0..count).scan(at, |at, _| {
            let name = codec::read(&self.bytes, *at);
            *at += codec::step(&self.bytes, *at);
            Some(name)
        })
    }

    /// Gives back what entries that won't come would have taken.
    pub(super) fn seal(&mut self) {
        self.bytes.shrink_to(size_class(self.bytes.len()));
    }

    /// Its entries from the first on, deleted ones among them.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self)
    }

    /// The entry of that id, unless it is deleted.
    pub(super) fn find(&self, id: StreamId) -> Option<Record> {
        if id > self.last || id < self.first {
            return None;
        }
        let mut cursor = self.cursor();
        loop {
            let record = cursor.next()?;
            if record.id >= id {
                return (record.id == id && !record.is_deleted()).then_some(record);
            }
        }
    }

    /// Marks an entry that is not deleted as such.
    pub(super) fn delete(&mut self, record: &Record) {
        self.bytes[record.at as usize] |= DELETED;
        self.last_is_deleted |= record.id == self.last;
        self.live -= 1;
        self.deleted += 1;
    }

    /// How many entries before `id` there are, deleted ones not counted.
    pub(super) fn live_before(&self, id: StreamId) -> usize {
        let mut cursor = self.cursor();
        std::iter::from_fn(|| cursor.next())
            .take_while(|record| record.id < id)
            .filter(|record| !record.is_deleted())
            .count()
    }

    /// The first entry that is not deleted.
    pub(super) fn first_live(&self) -> Option<StreamId> {
        let mut cursor = self.cursor();
        std::iter::from_fn(|| cursor.next()).find(|record| !record.is_deleted()).map(|record| record.id)
    }

    /// The last entry that is not deleted.
    pub(super) fn last_live(&self) -> Option<StreamId> {
        if !self.last_is_deleted && self.live > 0 {
            return Some(self.last);
        }
        let mut cursor = self.cursor();
        std::iter::from_fn(|| cursor.next()).filter(|record| !record.is_deleted()).last().map(|record| record.id)
    }
}

/// The sequence of an entry that comes so many milliseconds after `previous`, if the server chose it.
#[inline]
fn implied_seq(previous: StreamId, ms: u64) -> u64 {
    if ms == 0 { previous.seq.wrapping_add(1) } else { 0 }
}

impl Page for Block {
    type Bound = StreamId;

    fn len(&self) -> usize {
        self.live as usize
    }

    fn memory(&self) -> usize {
        let heap = if self.bytes.capacity() == 0 { 0 } else { size_class(self.bytes.capacity()) };
        size_of::<Self>() + heap
    }

    fn lowest(&self) -> StreamId {
        self.first
    }

    /// Where a block ends is decided when an entry is added, and stays.
    fn is_over_full(&self) -> bool {
        false
    }

    fn is_under_full(&self) -> bool {
        false
    }

    fn split(&mut self, _: bool) -> Option<Self> {
        None
    }

    fn may_absorb(&self, _: &Self) -> bool {
        false
    }

    fn absorb(&mut self, next: Self) -> Option<Self> {
        Some(next)
    }

    fn remove_records(&mut self, range: Range<usize>) {
        let mut cursor = self.cursor();
        let live = std::iter::from_fn(|| cursor.next()).filter(|record| !record.is_deleted());
        let gone: Vec<Record> = live.skip(range.start).take(range.len()).collect();
        gone.iter().for_each(|record| self.delete(record));
    }
}

const _: () = assert!(BLOCK_BYTES_MAX <= u32::MAX as usize / 2, "offsets in a block have 32 bits");
