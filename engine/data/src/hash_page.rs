//! A page of a large collection whose records are found by the hash of their keys: the members of a set, the fields of a hash.
//!
//! ```text
//! record … record | free | place … place        records as they came; places ascend by hash from the end of the buffer down
//! place:  hash u32 | offset u15, timed
//! record: key | value, if there are values | deadline u64, if timed          key, value: length and bytes, or a number beyond
//! ```
//!
//! A record is ordered by the upper half of its key's hash alone, and found by interpolation, for such hashes are evenly
//! spread. Adding one moves places, never records. What a removal leaves behind is counted and swept up when it is an eighth of the
//! buffer. Parts beyond [`LONG_BYTES`] are kept beside the buffer, each behind a count of its own, so that a page is copied at the
//! price of 4 KiB, whatever it holds.
//!
//! It must never separate records of equal hash, and never depend on where hashes come from.

mod long;
mod page;
#[cfg(test)]
mod tests;

use crate::prefetch::prefetch;
use crate::size_class::size_class;
use crate::spread;
use long::Long;

/// Longer keys and values are kept beside their page.
const LONG_BYTES: usize = 1024;

/// A page that holds more is divided.
const FULL_BYTES: usize = 4096;

/// A page that holds less is joined with a neighbour.
const SPARSE_BYTES: usize = 1024;

/// Two pages that hold no more than this between them may be joined.
const JOINED_BYTES: usize = 3072;

/// A page with so many bytes of records holds many of one hash, which only chance or a test brings about: it keeps nearly
/// everything beside itself, so that offsets go on having enough bits.
const CROWDED_BYTES: usize = 8192;

/// Above this a crowded page keeps parts beside itself.
const CROWDED_LONG_BYTES: usize = 8;

const PLACE_BYTES: usize = 6;

/// How far from where it is guessed a place mostly is.
const GUESS_ERROR: usize = 3;

/// Marks a record with a deadline, in the offset of its place.
const TIMED: u16 = 1 << 15;

/// A part of up to this many bytes begins with its length.
const SHORT_BYTES_MAX: u8 = 0xFC;
/// Begins a part whose length takes 16 bits.
const MIDDLING: u8 = 0xFD;
/// Begins a part that is kept beside the page under a number of 16 bits.
const BESIDE: u8 = 0xFE;

/// Some records of a hash-ordered collection, with values or without.
#[derive(Clone, Default)]
pub struct HashPage<const VALUES: bool> {
    buffer: Box<[u8]>,
    long: Option<Box<Long>>,
    /// The hashes of the first and the last record.
    low: u32,
    high: u32,
    len: u16,
    /// Where the next record goes.
    records_end: u16,
    /// Bytes before that which belong to no record.
    wasted: u16,
}

/// What a page holds of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its value; empty where there are none.
    pub value: &'a [u8],
    /// When it ends; never where there are no values.
    pub deadline: Option<u64>,
}

impl<'a> Record<'a> {
    /// A key alone.
    #[inline]
    #[must_use]
    pub const fn of_key(key: &'a [u8]) -> Self {
        Record { key, value: &[], deadline: None }
    }
}

impl<const VALUES: bool> HashPage<VALUES> {
    /// How many records there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The places, those of the highest hashes first.
    #[inline(always)]
    fn places(&self) -> &[[u8; PLACE_BYTES]] {
        let start = self.buffer.len() - self.len() * PLACE_BYTES;
        self.buffer[start..].as_chunks().0
    }

    #[inline(always)]
    fn place(&self, index: usize) -> (u32, u16) {
        let places = self.places();
        let [a, b, c, d, e, f] = places[places.len() - 1 - index];
        (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]))
    }

    /// The hash of the record at `index`.
    #[inline(always)]
    #[must_use]
    pub fn hash(&self, index: usize) -> u32 {
        self.place(index).0
    }

    #[inline(always)]
    fn offset(&self, index: usize) -> usize {
        usize::from(self.place(index).1 & !TIMED)
    }

    /// Whether a hash lies between those of the first and the last record.
    #[inline]
    #[must_use]
    pub fn spans(&self, hash: u32) -> bool {
        self.len > 0 && self.low <= hash && hash <= self.high
    }

    /// How many records have a lower hash.
    #[inline]
    #[must_use]
    pub fn count_below(&self, hash: u32) -> usize {
        let Some(below) = hash.checked_sub(1) else { return 0 };
        spread::count_up_to(self.len(), (self.low, self.high), |index| self.hash(index), below)
    }

    /// The index of a key's record.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        self.find_from(self.count_below(hash), hash, key)
    }

    /// The index of a key's record, or where one goes: what [`HashPage::insert_at`] asks for.
    #[inline]
    pub fn seek(&self, hash: u32, key: &[u8]) -> Result<usize, usize> {
        let first = self.count_below(hash);
        self.find_from(first, hash, key).ok_or(first)
    }

    /// When the record at `index` ends.
    #[inline]
    #[must_use]
    pub fn deadline(&self, index: usize) -> Option<u64> {
        if self.place(index).1 & TIMED == 0 { None } else { self.get(index).deadline }
    }

    /// The index of a key's record, given that of the first record with its hash.
    #[inline]
    #[must_use]
    pub fn find_from(&self, mut index: usize, hash: u32, key: &[u8]) -> Option<usize> {
        while index < self.len() {
            let (found, offset) = self.place(index);
            if found != hash {
                return None;
            }
            if self.has_key(usize::from(offset & !TIMED), key) {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    #[inline(always)]
    fn has_key(&self, offset: usize, key: &[u8]) -> bool {
        match self.buffer[offset] {
            short @ 0..=SHORT_BYTES_MAX => {
                usize::from(short) == key.len() && self.buffer[offset + 1..offset + 1 + key.len()] == *key
            }
            _ => self.part(offset).0 == key,
        }
    }

    /// The part at `offset`, and where the next begins.
    #[inline]
    fn part(&self, offset: usize) -> (&[u8], usize) {
        let number = |at: usize| usize::from(u16::from_le_bytes([self.buffer[at], self.buffer[at + 1]]));
        match self.buffer[offset] {
            BESIDE => {
                let long = self.long.as_ref().expect("a part that is kept beside the page is there");
                (long.get(number(offset + 1)), offset + 3)
            }
            MIDDLING => {
                let end = offset + 3 + number(offset + 1);
                (&self.buffer[offset + 3..end], end)
            }
            short => {
                let end = offset + 1 + usize::from(short);
                (&self.buffer[offset + 1..end], end)
            }
        }
    }

    /// The record at `index`.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Record<'_> {
        let offset = self.place(index).1;
        let (key, mut at) = self.part(usize::from(offset & !TIMED));
        let mut record = Record::of_key(key);
        if VALUES {
            (record.value, at) = self.part(at);
            if offset & TIMED != 0 {
                record.deadline = self.buffer[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
            }
        }
        record
    }

    /// The key at `index`.
    #[inline]
    #[must_use]
    pub fn key(&self, index: usize) -> &[u8] {
        self.part(self.offset(index)).0
    }

    /// The records in the order of their hashes.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Record<'_>> + ExactSizeIterator {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Where the record at `index` ends.
    fn end(&self, index: usize) -> usize {
        let offset = self.place(index).1;
        let mut at = self.part(usize::from(offset & !TIMED)).1;
        if VALUES {
            at = self.part(at).1;
        }
        at + if offset & TIMED != 0 { 8 } else { 0 }
    }

    /// Starts loading what a search for this hash looks at first.
    #[inline]
    pub fn prefetch_place(&self, hash: u32) {
        if let (false, Some(last)) = (self.is_empty(), self.buffer.last()) {
            let guess = spread::guess(self.len(), (self.low, self.high), hash.clamp(self.low, self.high));
            let place = std::ptr::from_ref(last).wrapping_sub(guess * PLACE_BYTES + PLACE_BYTES / 2);
            prefetch(place.wrapping_sub(GUESS_ERROR * PLACE_BYTES));
            prefetch(place.wrapping_add(GUESS_ERROR * PLACE_BYTES));
        }
    }

    /// Starts loading the first record with this hash, and says whether there is one.
    #[inline]
    #[must_use]
    pub fn prefetch_record(&self, hash: u32) -> Option<usize> {
        let index = self.count_below(hash);
        if index == self.len() {
            return None;
        }
        let (found, offset) = self.place(index);
        if found != hash {
            return None;
        }
        prefetch(&raw const self.buffer[usize::from(offset & !TIMED)]);
        Some(index)
    }

    /// Starts loading the record of this hash, or else where a new one goes.
    #[inline]
    pub(crate) fn prefetch_element(&self, hash: u32) {
        let index = self.count_below(hash);
        let mut offset = usize::from(self.records_end);
        if index < self.len() && self.hash(index) == hash {
            offset = self.offset(index);
        }
        let record = self.buffer.as_ptr().wrapping_add(offset);
        prefetch(record);
        prefetch(record.wrapping_add(64));
    }

    /// Bytes that are in use.
    #[inline]
    fn fill(&self) -> usize {
        usize::from(self.records_end - self.wasted) + self.len() * PLACE_BYTES
    }

    /// Bytes between records and places.
    #[inline]
    fn free(&self) -> usize {
        self.buffer.len() - self.len() * PLACE_BYTES - usize::from(self.records_end)
    }

    /// What the page occupies, with its own size.
    #[must_use]
    pub fn memory(&self) -> usize {
        let buffer = if self.buffer.is_empty() { 0 } else { size_class(self.buffer.len()) };
        size_of::<Self>() + buffer + self.long.as_ref().map_or(0, |long| long.memory())
    }
}
