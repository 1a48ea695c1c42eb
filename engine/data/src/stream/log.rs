//! The entries of a stream, and what it remembers of those that it had.

use super::StreamId;
use super::block::{Block, Cursor, Entry, Record};
use super::limits::{BLOCK_BYTES_MAX, StreamLimits};
use crate::tree::{Page, Pages, Tree};
use crate::value::{Value, parse_canonical_i64};

/// Up to where a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// So many entries may stay.
    Length(u64),
    /// Entries before this one go.
    Id(StreamId),
}

/// The entries of a stream in the order of their ids, which grow.
#[derive(Clone, Default)]
pub struct Log {
    blocks: Tree<Block>,
    blocks_len: usize,
    last_id: StreamId,
    first_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
}

/// What a value that a client sent is stored as.
#[inline]
fn stored(bytes: &[u8]) -> Value<'_> {
    parse_canonical_i64(bytes).map_or(Value::Bytes(bytes), Value::Int)
}

impl Log {
    /// How many entries there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are no entries.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn memory(&self) -> usize {
        self.blocks.memory()
    }

    /// The id of the entry that was added last, whether it is still there or not.
    #[inline]
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The id of the first entry; zero when there is none.
    #[must_use]
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The largest id of an entry that was deleted by its id; zero when none was.
    #[must_use]
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    #[must_use]
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// Says what [`Log::last_id`] is to be.
    pub fn set_last_id(&mut self, id: StreamId) {
        self.last_id = id;
    }

    /// Says what [`Log::first_id`] is to be: for streams that were stored with it.
    pub fn set_first_id(&mut self, id: StreamId) {
        self.first_id = id;
    }

    /// Says what [`Log::max_deleted_id`] is to be.
    pub fn set_max_deleted_id(&mut self, id: StreamId) {
        self.max_deleted_id = id;
    }

    /// Says what [`Log::entries_added`] is to be.
    pub fn set_entries_added(&mut self, count: u64) {
        self.entries_added = count;
    }

    /// Whether an entry with so many bytes of fields and values can be stored.
    #[must_use]
    pub fn is_storable(content: usize) -> bool {
        content <= BLOCK_BYTES_MAX
    }

    /// Adds an entry. Its id is above [`Log::last_id`], and [`Log::is_storable`] was asked.
    pub fn append<'v>(
        &mut self,
        id: StreamId,
        pairs: impl Iterator<Item = (&'v [u8], &'v [u8])> + Clone,
        limits: StreamLimits,
    ) {
        assert!(id > self.last_id, "ids of a stream grow");
        let content = pairs.clone().map(|(field, value)| field.len() + value.len()).sum();
        let pairs = pairs.map(|(field, value)| (stored(field), stored(value)));
        // Ids may be set back to before entries that are deleted: their places are given to others.
        if self.blocks.last().is_some_and(|block| block.last() >= id) {
            self.blocks.edit_last(|block| *block = block.without_tail(id));
        }
        match self.blocks.last() {
            Some(block) if block.has_room(content, limits) => {
                self.blocks.edit_last(|block| block.push(id, content, pairs));
            }
            last => {
                if last.is_some() {
                    self.blocks.edit_last(Block::seal);
                }
                let mut block = Block::begin(id, pairs.clone().map(|(field, _)| field));
                block.push(id, content, pairs);
                self.blocks.push_back(block);
                self.blocks_len += 1;
            }
        }
        self.last_id = id;
        self.entries_added = self.entries_added.wrapping_add(1);
        if self.len() == 1 {
            self.first_id = id;
        }
    }

    /// The entries from `start` to `end`, both included.
    #[must_use]
    pub fn range(&self, start: StreamId, end: StreamId) -> Entries<'_> {
        let pages = match self.blocks.page_of(&start) {
            Some((_, first)) if start <= end => self.blocks.pages_from(first),
            _ => self.blocks.pages(0..0),
        };
        Entries { pages, cursor: None, start, end }
    }

    /// The same, the last one first.
    #[must_use]
    pub fn range_back(&self, start: StreamId, end: StreamId) -> EntriesBack<'_> {
        let pages = match self.blocks.page_of(&end) {
            Some((page, first)) if start <= end => self.blocks.pages(0..first + Page::len(page)),
            _ => self.blocks.pages(0..0),
        };
        EntriesBack { pages, block: None, records: Vec::new(), start, end }
    }

    /// The entry with this id.
    #[must_use]
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let block = self.blocks.lookup(&id)?;
        block.find(id).map(|record| record.entry(block))
    }

    /// Whether there is an entry with this id.
    #[must_use]
    pub fn contains(&self, id: StreamId) -> bool {
        self.blocks.lookup(&id).is_some_and(|block| block.find(id).is_some())
    }

    /// The id of the last entry that is there.
    #[must_use]
    pub fn last_entry_id(&self) -> Option<StreamId> {
        self.blocks.last().and_then(Block::last_live)
    }

    /// Deletes the entry with this id. True if it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let found = self.trim_one(id);
        if found {
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
        found
    }

    /// Removes the entry with this id as trimming does: without remembering that it was deleted. True if it was there.
    pub fn trim_one(&mut self, id: StreamId) -> bool {
        let Some(record) = self.blocks.lookup(&id).and_then(|block| block.find(id)) else { return false };
        let left = self.blocks.edit_of(&id, |block| {
            block.delete(&record);
            block.len()
        });
        self.blocks_len -= usize::from(left == 0);
        if id == self.first_id {
            self.find_first();
        }
        true
    }

    fn find_first(&mut self) {
        self.first_id = self.blocks.first().and_then(|block| block.first_live()).unwrap_or_default();
    }

    /// Removes entries from the start on. With `whole_blocks` only blocks go of which nothing is to stay, and at most as many
    /// entries as `limit` says, if it isn't 0. Returns how many went.
    pub fn trim(&mut self, to: TrimTo, whole_blocks: bool, limit: u64) -> u64 {
        let len = self.len() as u64;
        let (mut gone, mut blocks_gone) = (0, 0);
        for (block, _) in self.blocks.pages_from(0) {
            let entries = Page::len(block) as u64;
            if matches!(to, TrimTo::Length(most) if len - gone <= most) || limit > 0 && gone + entries > limit {
                break;
            }
            let whole = match to {
                TrimTo::Length(most) => len - gone - entries >= most,
                TrimTo::Id(id) => block.last() < id,
            };
            if whole {
                gone += entries;
                blocks_gone += 1;
                continue;
            }
            if !whole_blocks {
                let of_block = match to {
                    TrimTo::Length(most) => len - gone - most,
                    TrimTo::Id(id) => block.live_before(id) as u64,
                };
                gone += of_block;
                blocks_gone += usize::from(of_block == entries);
            }
            break;
        }
        if gone > 0 {
            self.blocks.remove_range(0..gone as usize);
            self.blocks_len -= blocks_gone;
            self.find_first();
        }
        gone
    }

    /// The blocks in their order, to be stored.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.pages_from(0).map(|(block, _)| block)
    }

    /// Takes a stored block over. False if it does not follow the last one.
    pub fn push_block(&mut self, block: Block) -> bool {
        if self.blocks.last().is_some_and(|last| last.last() >= block.id()) {
            return false;
        }
        self.blocks.push_back(block);
        self.blocks_len += 1;
        true
    }

    /// How many blocks there are.
    #[must_use]
    pub fn count_blocks(&self) -> usize {
        self.blocks_len
    }

    /// How far `id` is from the first entry ever added, if that can be told without counting: it can for the last entry, and for
    /// what is at or before the first one while nothing was deleted behind that, nor behind `id`.
    #[must_use]
    pub fn distance_of(&self, id: StreamId) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if id == self.last_id || self.is_empty() && id < self.last_id {
            return Some(self.entries_added);
        }
        if id > self.last_id || !id.is_zero() && id < self.max_deleted_id {
            return None;
        }
        let whole = self.max_deleted_id.is_zero() || self.max_deleted_id < self.first_id;
        let before = self.entries_added.wrapping_sub(self.len() as u64);
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if whole => Some(before),
            std::cmp::Ordering::Equal if whole => Some(before.wrapping_add(1)),
            _ => None,
        }
    }

    /// Whether an entry at `id` or later may have been deleted that would have been delivered.
    #[must_use]
    pub fn has_gap_from(&self, id: StreamId) -> bool {
        let deleted = self.max_deleted_id;
        !self.is_empty() && !deleted.is_zero() && id <= deleted
    }

    /// Whether all entries behind `id` are still there, so that who counts from there counts them all.
    #[must_use]
    pub fn is_whole_behind(&self, id: StreamId) -> bool {
        id >= self.first_id && !self.has_gap_from(id)
    }

    /// Whether all that are left are behind `id`, none of them deleted.
    #[must_use]
    pub fn is_all_behind(&self, id: StreamId) -> bool {
        id < self.first_id && self.max_deleted_id < self.first_id
    }
}

/// Entries of a stream in order.
pub struct Entries<'a> {
    pages: Pages<'a, Block>,
    cursor: Option<Cursor<'a>>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                let (block, _) = self.pages.next()?;
                if block.last() >= self.start {
                    self.cursor = Some(block.cursor());
                }
                continue;
            };
            match cursor.next() {
                Some(record) if record.id > self.end => return None,
                Some(record) if record.id < self.start || record.is_deleted() => {}
                Some(record) => return Some(record.entry(cursor.block())),
                None => self.cursor = None,
            }
        }
    }
}

/// Entries of a stream, the last one first. An entry's place in its block is told by those before it, so a block is walked
/// forwards first.
pub struct EntriesBack<'a> {
    pages: Pages<'a, Block>,
    block: Option<&'a Block>,
    records: Vec<Record>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for EntriesBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let (Some(block), Some(record)) = (self.block, self.records.pop()) {
                return Some(record.entry(block));
            }
            let (block, _) = self.pages.next_back()?;
            if block.last() < self.start {
                return None;
            }
            self.block = Some(block);
            let mut cursor = block.cursor();
            while let Some(record) = cursor.next() {
                if record.id > self.end {
                    break;
                }
                if record.id >= self.start && !record.is_deleted() {
                    self.records.push(record);
                }
            }
        }
    }
}
