//! What a header says about its block: where things are, and how large it is.

use std::alloc::Layout;

use super::{HAS_DEADLINE, INLINE, KIND, LONG_KEY, LRU_MAX, LRU_SHIFT, REPRESENTATION, SHARED, VARIANT};
use crate::size_class::size_class;

/// A header, and the length of the key that it goes with.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) header: u64,
    pub(super) key_len: usize,
}

impl Shape {
    /// `flags` are the representation, the type and the variant; where a key and an inline value end follows.
    pub(super) fn new(flags: u64, key_len: usize, inline_len: usize, deadline: bool, lru: u32) -> Self {
        let long = key_len > usize::from(u16::MAX);
        let mut header = flags | (u64::from(lru & LRU_MAX) << LRU_SHIFT) | ((inline_len as u64) << 48);
        header |= if long { LONG_KEY } else { (key_len as u64) << 32 };
        header |= if deadline { HAS_DEADLINE } else { 0 };
        Shape { header, key_len }
    }

    /// The representation, the type and the variant.
    #[inline]
    pub(super) fn flags(self) -> u64 {
        self.header & (REPRESENTATION | VARIANT | KIND)
    }

    #[inline]
    pub(super) fn representation(self) -> u64 {
        self.header & REPRESENTATION
    }

    #[inline]
    pub(super) fn has_deadline(self) -> bool {
        self.header & HAS_DEADLINE != 0
    }

    #[inline]
    pub(super) fn inline_len(self) -> usize {
        (self.header >> 48) as usize
    }

    #[inline]
    pub(super) fn key_offset(self) -> usize {
        8 + 2 * (self.header & HAS_DEADLINE) as usize + (self.header & LONG_KEY) as usize
    }

    #[inline]
    pub(super) fn value_offset(self) -> usize {
        self.key_offset() + self.key_len
    }

    /// Bytes in use.
    #[inline]
    pub(super) fn content_bytes(self) -> usize {
        self.value_offset() + if self.representation() == INLINE { self.inline_len() } else { 8 }
    }

    /// Bytes allocated.
    #[inline]
    pub(super) fn block_bytes(self) -> usize {
        size_class(self.content_bytes())
    }

    pub(super) fn layout(self) -> Layout {
        Layout::from_size_align(self.block_bytes(), 8).expect("a key and an inline value are far below isize::MAX")
    }

    /// The same block with a deadline or without.
    pub(super) fn with_deadline(self, deadline: bool) -> Self {
        let header = if deadline { self.header | HAS_DEADLINE } else { self.header & !HAS_DEADLINE };
        Shape { header, ..self }
    }

    /// The same block with another key's length.
    pub(super) fn with_key_len(self, key_len: usize) -> Self {
        let long = key_len > usize::from(u16::MAX);
        let rest = self.header & !(LONG_KEY | 0xFFFF << 32);
        let header = rest | if long { LONG_KEY } else { (key_len as u64) << 32 };
        Shape { header, key_len }
    }

    /// The same block while its value is out: as many bytes, which nobody reads or owns.
    pub(super) fn vacated(self) -> Self {
        debug_assert!(self.representation() >= SHARED);
        let rest = self.header & !(REPRESENTATION | 0xFFFF << 48);
        Shape { header: rest | INLINE | 8 << 48, ..self }
    }

    /// The same block with an inline string of `len` bytes that was changed in place.
    pub(super) fn with_changed_len(self, len: usize) -> Self {
        Shape { header: (self.header & !(0xFFFF << 48)) | VARIANT | ((len as u64) << 48), ..self }
    }
}
