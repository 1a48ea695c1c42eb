//! Reading a block: entry after entry, for an id is told by the one before it.

use super::{
    Block, DELETED, MS_BYTE, MS_INLINE_MAX, MS_SHIFT, MS_VARINT, OWN_FIELDS, OWN_SEQUENCE, codec, implied_seq,
};
use crate::stream::StreamId;
use crate::value::Value;

/// Where an entry is in its block.
#[derive(Clone, Copy)]
pub(in crate::stream) struct Record {
    /// Its id.
    pub(in crate::stream) id: StreamId,
    /// Its control byte.
    pub(super) at: u32,
    /// Its first value, or its first field if it has its own.
    contents_at: u32,
    /// How many fields it has.
    count: u32,
    flags: u8,
}

impl Record {
    /// Whether it is deleted.
    #[inline]
    pub(in crate::stream) fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    /// Whether it has fields of its own.
    pub(super) fn has_own_fields(&self) -> bool {
        self.flags & OWN_FIELDS != 0
    }

    /// The entry, of the block that the record is of.
    #[inline]
    pub(in crate::stream) fn entry<'a>(&self, block: &'a Block) -> Entry<'a> {
        let names_at = if self.flags & OWN_FIELDS == 0 {
            let mut at = 0;
            codec::read_varint(&block.bytes, &mut at);
            Some(at)
        } else {
            None
        };
        let fields = Fields { bytes: &block.bytes, names_at, at: self.contents_at as usize, left: self.count as usize };
        Entry { id: self.id, fields }
    }
}

/// An entry, borrowed from its stream.
#[derive(Clone)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    fields: Fields<'a>,
}

impl<'a> Entry<'a> {
    /// Its fields, each with its value.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        self.fields.clone()
    }
}

/// Fields and values of an entry.
#[derive(Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    /// Where the next field is, if fields and values are apart.
    names_at: Option<usize>,
    at: usize,
    left: usize,
}

impl<'a> Fields<'a> {
    #[inline]
    fn take(&mut self) -> Value<'a> {
        let value = codec::read(self.bytes, self.at);
        self.at += codec::step(self.bytes, self.at);
        value
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Value<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let name = match &mut self.names_at {
            Some(at) => {
                let name = codec::read(self.bytes, *at);
                *at += codec::step(self.bytes, *at);
                name
            }
            None => self.take(),
        };
        Some((name, self.take()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// Walks a block.
#[derive(Clone)]
pub(in crate::stream) struct Cursor<'a> {
    block: &'a Block,
    at: usize,
    previous: StreamId,
    /// How many fields entries have that don't say so.
    fields: u32,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(block: &'a Block) -> Self {
        let StreamId { ms, seq } = block.first;
        let fields = if block.bytes.is_empty() { 0 } else { codec::read_varint(&block.bytes, &mut 0) as u32 };
        Cursor { block, at: block.entries_at as usize, previous: StreamId { ms, seq: seq.wrapping_sub(1) }, fields }
    }

    /// The block that it walks.
    #[inline]
    pub(in crate::stream) fn block(&self) -> &'a Block {
        self.block
    }

    /// The next entry, deleted or not.
    #[inline]
    pub(in crate::stream) fn next(&mut self) -> Option<Record> {
        let bytes = self.block.bytes.as_slice();
        let control = *bytes.get(self.at)?;
        let start = self.at;
        let mut at = start + 1;
        let ms = match control >> MS_SHIFT {
            MS_BYTE => {
                at += 1;
                u64::from(bytes[at - 1]) + MS_INLINE_MAX + 1
            }
            MS_VARINT => codec::read_varint(bytes, &mut at),
            inline => u64::from(inline),
        };
        let mut seq = implied_seq(self.previous, ms);
        if control & OWN_SEQUENCE != 0 {
            seq = seq.wrapping_add(codec::read_varint(bytes, &mut at));
        }
        let id = StreamId { ms: self.previous.ms.wrapping_add(ms), seq };
        let (count, elements) = if control & OWN_FIELDS == 0 {
            (self.fields, self.fields)
        } else {
            let count = codec::read_varint(bytes, &mut at) as u32;
            (count, 2 * count)
        };
        let record = Record { id, at: start as u32, contents_at: at as u32, count, flags: control };
        for _ in 0..elements {
            at += codec::step(bytes, at);
        }
        (self.at, self.previous) = (at, id);
        Some(record)
    }
}
