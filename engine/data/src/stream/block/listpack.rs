//! Blocks as Redis's RDB has them: a listpack whose elements are two counts, the fields of the first entry, and the entries.
//!
//! ```text
//! entries | deleted ones | number of fields | field … | 0
//! flags | milliseconds and sequence less those of the block's id | [number of fields] | [field,] value … | elements so far
//! ```

use super::Block;
use crate::packed_list::{Iter, Packed, PackedList};
use crate::stream::StreamId;
use crate::value::Value;

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

/// Header and end of a listpack.
pub(super) const FRAME_BYTES: usize = 7;

/// What an integer takes in a listpack.
#[inline]
pub(super) const fn int_bytes(number: i64) -> usize {
    match number {
        0..=0x7F => 2,
        -0x1000..=0xFFF => 3,
        -0x8000..=0x7FFF => 4,
        -0x80_0000..=0x7F_FFFF => 5,
        -0x8000_0000..=0x7FFF_FFFF => 6,
        _ => 10,
    }
}

/// What a value takes in a listpack. Strings are no decimals of integers.
#[inline]
pub(super) fn element_bytes(value: Value<'_>) -> usize {
    match value {
        Value::Int(number) => int_bytes(number),
        Value::Bytes(bytes) => {
            let len = bytes.len();
            let content = len
                + match len {
                    0..=0x3F => 1,
                    0x40..=0xFFF => 2,
                    _ => 5,
                };
            content
                + match content {
                    0..=127 => 1,
                    128..16_383 => 2,
                    16_383..2_097_151 => 3,
                    2_097_151..268_435_455 => 4,
                    _ => 5,
                }
        }
    }
}

/// What an entry takes in the listpack of the block with id `first`.
pub(super) fn entry_bytes<'v>(
    first: StreamId,
    id: StreamId,
    own_fields: bool,
    pairs: impl Iterator<Item = (Value<'v>, Value<'v>)>,
) -> usize {
    let (mut count, mut bytes) = (0, 0);
    for (field, value) in pairs {
        count += 1;
        bytes += element_bytes(value);
        if own_fields {
            bytes += element_bytes(field);
        }
    }
    if own_fields {
        bytes += int_bytes(count);
    }
    let (ms, seq) = differences(first, id);
    bytes + int_bytes(0) + int_bytes(ms) + int_bytes(seq) + int_bytes(elements(count, own_fields))
}

/// The differences by which an entry says its id.
fn differences(first: StreamId, id: StreamId) -> (i64, i64) {
    (id.ms.wrapping_sub(first.ms) as i64, id.seq.wrapping_sub(first.seq) as i64)
}

/// How many elements an entry has before its last one, which says so.
fn elements(fields: i64, own_fields: bool) -> i64 {
    3 + if own_fields { 2 * fields + 1 } else { fields }
}

impl Block {
    /// The block as Redis's RDB has it.
    #[must_use]
    pub fn to_listpack(&self) -> Vec<u8> {
        let mut list = PackedList::with_capacity(self.listpack_bytes());
        let mut push = |value: Value<'_>| list.push_back_value(value);
        push(Value::Int(i64::from(self.live)));
        push(Value::Int(i64::from(self.deleted)));
        let mut at = 0;
        let count = super::codec::read_varint(&self.bytes, &mut at);
        push(Value::Int(count as i64));
        for _ in 0..count {
            push(super::codec::read(&self.bytes, at));
            at += super::codec::step(&self.bytes, at);
        }
        push(Value::Int(0));
        let mut cursor = self.cursor();
        while let Some(record) = cursor.next() {
            let own = record.has_own_fields();
            let deleted = if record.is_deleted() { FLAG_DELETED } else { 0 };
            let (ms, seq) = differences(self.first, record.id);
            let fields = record.entry(self).fields();
            let count = fields.len() as i64;
            push(Value::Int(deleted | if own { 0 } else { FLAG_SAME_FIELDS }));
            push(Value::Int(ms));
            push(Value::Int(seq));
            if own {
                push(Value::Int(count));
            }
            for (field, value) in fields {
                if own {
                    push(field);
                }
                push(value);
            }
            push(Value::Int(elements(count, own)));
        }
        let mut listpack = Vec::with_capacity(list.view().listpack_bytes());
        list.view().write_listpack(&mut listpack);
        listpack
    }

    /// The block that a listpack filed under `id` is, if it is one: whole, its counts right, its ids ascending.
    #[must_use]
    pub fn from_listpack(id: StreamId, bytes: &[u8]) -> Option<Block> {
        let mut reader = Reader { elements: Packed::of_listpack(bytes)?.iter(), left: bytes.len() };
        let live = reader.count()?;
        let deleted = reader.count()?;
        let fields = reader.count()?;
        let names = reader.elements.clone().take(fields).map(stored);
        reader.skip(fields)?;
        if reader.int()? != 0 {
            return None;
        }
        let mut block = Block::begin(id, names);
        for _ in 0..live.checked_add(deleted)? {
            reader.entry(id, fields, &mut block)?;
        }
        let exhausted = reader.elements.next().is_none();
        if !exhausted || block.live as usize != live || block.deleted as usize != deleted || live == 0 {
            return None;
        }
        block.seal();
        Some(block)
    }
}

/// Takes a listpack of unknown origin apart.
struct Reader<'a> {
    elements: Iter<'a>,
    /// More elements than this can't follow.
    left: usize,
}

impl<'a> Reader<'a> {
    fn int(&mut self) -> Option<i64> {
        match self.elements.next()? {
            Value::Int(number) => Some(number),
            Value::Bytes(_) => None,
        }
    }

    /// A number of things that follow, each of which is an element or more.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.int()?).ok().filter(|count| *count <= self.left)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        match count.checked_sub(1) {
            Some(last) => self.elements.nth(last).map(|_| ()),
            None => Some(()),
        }
    }

    fn entry(&mut self, first: StreamId, master_fields: usize, block: &mut Block) -> Option<()> {
        let flags = self.int()?;
        if !(0..4).contains(&flags) {
            return None;
        }
        let (ms, seq) = (self.int()?, self.int()?);
        let id = StreamId::new(first.ms.wrapping_add(ms as u64), first.seq.wrapping_add(seq as u64));
        if id < first || block.records() > 0 && id <= block.last {
            return None;
        }
        let own = flags & FLAG_SAME_FIELDS == 0;
        let count = if own { self.count()? } else { master_fields };
        let contents = self.elements.clone();
        self.skip(if own { count.checked_mul(2)? } else { count })?;
        if self.int()? != elements(count as i64, own) {
            return None;
        }
        let deleted = flags & FLAG_DELETED != 0;
        if own {
            let pairs = Pairs { elements: contents, left: count };
            let content = pairs.clone().map(|(field, value)| field.len() + value.len()).sum();
            block.push_record(id, deleted, true, content, pairs);
        } else {
            // The fields are the block's, and what stands for them is not looked at.
            let pairs = contents.take(count).map(|value| (Value::Int(0), stored(value)));
            let content = pairs.clone().map(|(_, value)| value.len()).sum();
            block.push_record(id, deleted, false, content, pairs);
        }
        Some(())
    }
}

/// Fields and values in turns.
#[derive(Clone)]
struct Pairs<'a> {
    elements: Iter<'a>,
    left: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((stored(self.elements.next()?), stored(self.elements.next()?)))
    }
}

/// The form in which a value is stored: canonical decimals are numbers.
fn stored(value: Value<'_>) -> Value<'_> {
    value.as_int().map_or(value, Value::Int)
}
