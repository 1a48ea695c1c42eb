//! One entry of the keyspace: key, value and deadline in one block of memory, behind one tagged pointer.
//!
//! ```text
//! header 8 | deadline 8, if any | key length 8, if above 65,535 | key | value
//! ```
//!
//! The header holds the flags (bits 0–7), the LRU / LFU field (8–31), the key's length (32–47) and the length of an
//! inline value (48–63). A value is a number (8 bytes), inline bytes (up to [`INLINE_BYTES_MAX`]: a string, or a collection
//! in its packed form), or a pointer: to a shared buffer of such bytes, or to a large collection. A snapshot takes either
//! without copying it.
//!
//! This module and its parts own all `unsafe` code about entries. What it guarantees: an [`OwnedEntry`] owns a live block that its own
//! header describes, of exactly the size that [`Shape::block_bytes`] recomputes from that header; an [`Entry`] borrows
//! one. Blocks are sized by [`size_class`], so a value may grow into the slack. The LRU field may be written through a
//! shared handle, which is why none of these types is `Sync`.

mod batch;
mod collections;
mod owned;
mod shape;
mod slot;
mod stored;
mod strings;

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::collection::{BodyRef, Collection, Large};
use crate::dict::DetachedEntry;
use crate::hash_map::Hash;
use crate::size_class::size_class;
use crate::stream::StreamBody;
use crate::value::{EMBSTR_BYTES_MAX, Encoding, Kind, Value};
pub use batch::EntryBatch;
pub(crate) use owned::OwnedEntry;
use shape::Shape;
pub(crate) use slot::Slot;

/// Longer values live in a buffer of their own.
pub const INLINE_BYTES_MAX: usize = 1024;

/// Above this size a buffer that must grow gets a quarter more than it needs, below it twice as much.
const DOUBLING_BYTES_MAX: usize = 1 << 20;

/// What a shared buffer costs beside its bytes: two counters, pointer, capacity and length.
const SHARED_OVERHEAD_BYTES: usize = 40;

const REPRESENTATION: u64 = 0b11;
const INT: u64 = 0;
const INLINE: u64 = 1;
const SHARED: u64 = 2;
const LARGE: u64 = 3;
const HAS_DEADLINE: u64 = 1 << 2;
const LONG_KEY: u64 = 1 << 3;
/// Of a string: it is named `raw` however short it is. Of a packed collection: it is in the type's other packed form.
const VARIANT: u64 = 1 << 4;
const KIND: u64 = 0b111 << KIND_SHIFT;
const KIND_SHIFT: u32 = 5;
const LRU_SHIFT: u32 = 8;
/// The LRU field has 24 bits.
pub const LRU_MAX: u32 = 0xFF_FFFF;

/// Long bytes. They are copied on write, and only when a snapshot or a reply holds them too.
type SharedBytes = Arc<Vec<u8>>;

/// A borrowed entry.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    block: NonNull<u8>,
    owner: PhantomData<&'a OwnedEntry>,
}

impl<'a> Entry<'a> {
    #[inline]
    fn shape(self) -> Shape {
        // SAFETY: the block of a live entry begins with its 8-byte header, aligned to 8.
        let header = unsafe { self.block.cast::<u64>().read() };
        let key_len =
            if header & LONG_KEY == 0 { usize::from((header >> 32) as u16) } else { self.long_key_len(header) };
        Shape { header, key_len }
    }

    #[cold]
    fn long_key_len(self, header: u64) -> usize {
        let offset = 8 + 2 * (header & HAS_DEADLINE) as usize;
        // SAFETY: LONG_KEY says that the 8 bytes of the length follow the header and the deadline, which keep it aligned.
        unsafe { self.block.byte_add(offset).cast::<u64>().read() as usize }
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn key(self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: the header says that `key_len` initialised bytes stand at `key_offset`; the owner is borrowed for 'a
        // and nothing writes to these bytes through a shared handle.
        unsafe { std::slice::from_raw_parts(self.block.byte_add(shape.key_offset()).as_ptr(), shape.key_len) }
    }

    /// The value of a string.
    ///
    /// # Panics
    /// When the key holds a collection: callers have looked at [`Entry::kind`].
    #[inline]
    #[must_use]
    pub fn value(self) -> Value<'a> {
        let shape = self.shape();
        assert!(shape.flags() & KIND == 0, "a collection is no string");
        match shape.representation() {
            // SAFETY: an INT value is 8 initialised bytes at `value_offset`, inside the block, at any alignment.
            INT => Value::Int(unsafe { self.block.byte_add(shape.value_offset()).cast::<i64>().read_unaligned() }),
            INLINE => Value::Bytes(self.inline_bytes(shape)),
            _ => Value::Bytes(self.shared_bytes(shape)),
        }
    }

    /// What a collection is made of; `None` for a string.
    fn body(self) -> Option<BodyRef<'a>> {
        let shape = self.shape();
        if shape.flags() & KIND == 0 {
            return None;
        }
        let bytes = match shape.representation() {
            INLINE => self.inline_bytes(shape),
            SHARED => self.shared_bytes(shape),
            // SAFETY: a LARGE value is a pointer from `Box::into_raw` that this entry owns, so what it points to lives as
            // long as the owner, which is borrowed for 'a, and nobody changes it meanwhile.
            _ => unsafe {
                let large = self.block.byte_add(shape.value_offset()).cast::<*const Large>().read_unaligned();
                return Some(BodyRef::Large(&*large));
            },
        };
        Some(if shape.header & VARIANT == 0 { BodyRef::Packed(bytes) } else { BodyRef::Alternate(bytes) })
    }

    /// The value of a large collection, whatever its type.
    #[inline]
    #[must_use]
    pub fn large(self) -> Option<&'a Large> {
        if self.shape().representation() != LARGE {
            return None;
        }
        match self.body() {
            Some(BodyRef::Large(large)) => Some(large),
            _ => None,
        }
    }

    /// The value of a collection of type `C`; `None` when the key holds something else.
    #[inline]
    #[must_use]
    pub fn view<C: Collection>(self) -> Option<C::View<'a>> {
        if self.kind() != C::KIND {
            return None;
        }
        self.body().map(C::view)
    }

    #[inline]
    fn inline_bytes(self, shape: Shape) -> &'a [u8] {
        debug_assert_eq!(shape.representation(), INLINE);
        // SAFETY: an INLINE value is `inline_len` initialised bytes at `value_offset`, which nothing writes to while 'a
        // lasts.
        unsafe {
            let value = self.block.byte_add(shape.value_offset());
            std::slice::from_raw_parts(value.as_ptr(), shape.inline_len())
        }
    }

    fn shared_bytes(self, shape: Shape) -> &'a Vec<u8> {
        debug_assert_eq!(shape.representation(), SHARED);
        // SAFETY: a SHARED value is a pointer from `Arc::into_raw` whose count this entry holds, so the Vec lives at least
        // as long as the owner, which is borrowed for 'a.
        unsafe { &*self.block.byte_add(shape.value_offset()).cast::<*const Vec<u8>>().read_unaligned() }
    }

    /// When the key expires, in Unix milliseconds.
    #[inline]
    #[must_use]
    pub fn deadline(self) -> Option<u64> {
        // SAFETY: HAS_DEADLINE says that the 8 bytes after the header are the deadline; the block is aligned to 8.
        self.shape().has_deadline().then(|| unsafe { self.block.byte_add(8).cast::<u64>().read() })
    }

    /// The type of the value.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind {
        Kind::ALL[((self.shape().header & KIND) >> KIND_SHIFT) as usize]
    }

    /// How the value is stored.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        if let Some(body) = self.body() {
            return body.encoding(self.kind());
        }
        let shape = self.shape();
        match shape.representation() {
            INT => Encoding::Int,
            INLINE if shape.header & VARIANT == 0 && shape.inline_len() <= EMBSTR_BYTES_MAX => Encoding::Embstr,
            _ => Encoding::Raw,
        }
    }

    /// The 24 bits that eviction keeps about the key.
    #[inline]
    #[must_use]
    pub fn lru(self) -> u32 {
        (self.shape().header >> LRU_SHIFT) as u32 & LRU_MAX
    }

    /// Sets the 24 bits that eviction keeps about the key; higher bits of `lru` are ignored.
    #[inline]
    pub fn touch(self, lru: u32) {
        let old = self.shape().header;
        let header = (old & !(u64::from(LRU_MAX) << LRU_SHIFT)) | (u64::from(lru & LRU_MAX) << LRU_SHIFT);
        // A line that is not written need not be written back.
        if header != old {
            // SAFETY: the header is 8 aligned bytes of a live block. No reference to it is ever made (it is read and
            // written by value), and entries are not Sync, so nobody reads it at the same time.
            unsafe { self.block.cast::<u64>().write(header) }
        }
    }

    /// A copy of the entry, to be inserted under another key. A long value is shared until one of the two changes.
    #[must_use]
    pub fn duplicate(self) -> DetachedEntry {
        let borrowed = std::mem::ManuallyDrop::new(OwnedEntry { block: self.block });
        DetachedEntry(OwnedEntry::clone(&borrowed))
    }

    /// The buffer of a long string, to be kept without copying it for as long as somebody wants it.
    #[must_use]
    pub fn share(self) -> Option<Arc<Vec<u8>>> {
        let shape = self.shape();
        if shape.representation() != SHARED || self.kind() != Kind::String {
            return None;
        }
        let buffer = std::ptr::from_ref(self.shared_bytes(shape));
        // SAFETY: a SHARED value is a pointer from `Arc::into_raw` of whose counts this entry holds one, so it is alive; the
        // count that is added here belongs to the result.
        unsafe {
            Arc::increment_strong_count(buffer);
            Some(Arc::from_raw(buffer))
        }
    }

    /// The memory that the entry occupies, in bytes, by the allocator's size classes.
    #[must_use]
    pub fn memory(self) -> usize {
        let shape = self.shape();
        if shape.representation() <= INLINE {
            return shape.block_bytes();
        }
        let outside = match shape.representation() {
            SHARED => SHARED_OVERHEAD_BYTES + size_class(self.shared_bytes(shape).capacity()),
            LARGE => match self.body() {
                Some(BodyRef::Large(large)) => size_class(size_of::<Large>()) + large.memory(),
                _ => unreachable!("only a collection is LARGE"),
            },
            _ => 0,
        };
        shape.block_bytes() + outside
    }

    /// The memory that a copy for a snapshot takes: of a large collection only what refers to it, for its pages are shared until they
    /// change.
    pub(crate) fn copied_memory(self) -> usize {
        let shape = self.shape();
        match shape.representation() {
            LARGE => shape.block_bytes() + size_class(size_of::<Large>()),
            _ => self.memory(),
        }
    }

    /// The earliest deadline of what this holds, if that has such.
    #[inline]
    pub(crate) fn inner_deadline(self) -> Option<InnerDeadline> {
        const HASH: u64 = (Kind::Hash as u64) << KIND_SHIFT;
        const STREAM: u64 = (Kind::Stream as u64) << KIND_SHIFT;
        let shape = self.shape();
        match shape.header & KIND {
            // In the first of the packed forms there is no room for deadlines.
            HASH if shape.representation() == LARGE || shape.header & VARIANT != 0 => {
                self.view::<Hash>()?.earliest_deadline().map(InnerDeadline::Field)
            }
            STREAM => self.view::<StreamBody>()?.earliest_record_due().map(InnerDeadline::Record),
            _ => None,
        }
    }

    /// Whether freeing it takes longer than a command should.
    pub(crate) fn is_slow_to_free(self) -> bool {
        /// Elements of a collection that are freed at once.
        const ELEMENTS: usize = 64;
        /// Bytes that are: the system takes its time to take back more.
        const BYTES: usize = 4 << 20;
        let shape = self.shape();
        match shape.representation() {
            LARGE => matches!(self.body(), Some(BodyRef::Large(large)) if large.parts() > ELEMENTS),
            SHARED => self.shared_bytes(shape).capacity() > BYTES,
            _ => false,
        }
    }

    /// Whether `key` is this entry's key.
    #[inline]
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        self.key() == key
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("kind", &self.kind())
            .field("deadline", &self.deadline())
            .finish()
    }
}

/// The earliest deadline of what an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InnerDeadline {
    /// Of a field of a hash.
    Field(u64),
    /// Of what a stream remembers of a producer.
    Record(u64),
}

#[cfg(test)]
mod tests;
