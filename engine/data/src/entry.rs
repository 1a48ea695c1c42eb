//! One entry of the keyspace: key, value and deadline in one block of memory, behind one tagged pointer.
//!
//! ```text
//! header 8 | deadline 8, if any | key length 8, if above 65,535 | key | value
//! ```
//!
//! The header holds the flags (bits 0–7), the LRU / LFU field (8–31), the key's length (32–47) and the length of an
//! inline value (48–63). A value is a number (8 bytes), inline bytes (up to [`INLINE_BYTES_MAX`]), or a pointer to a
//! shared buffer, so that a snapshot takes a long value without copying it.
//!
//! This module owns all `unsafe` code about entries. What it guarantees: an [`OwnedEntry`] owns a live block that its own
//! header describes, of exactly the size that [`Shape::block_bytes`] recomputes from that header; an [`Entry`] borrows
//! one. Blocks are sized by [`size_class`], so a value may grow into the slack. The LRU field may be written through a
//! shared handle, which is why none of these types is `Sync`.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::dict::DetachedEntry;
use crate::prefetch::prefetch;
use crate::size_class::size_class;
use crate::value::{EMBSTR_BYTES_MAX, Encoding, IntBuffer, Kind, NewValue, Value};

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
const HAS_DEADLINE: u64 = 1 << 2;
const LONG_KEY: u64 = 1 << 3;
const NAMED_RAW: u64 = 1 << 4;
const LRU_SHIFT: u32 = 8;
/// The LRU field has 24 bits.
pub const LRU_MAX: u32 = 0xFF_FFFF;

/// A long value. Its bytes are copied on write, and only when a snapshot or a reply holds them too.
type SharedBytes = Arc<Vec<u8>>;

/// What a header says about its block: where things are, and how large it is.
#[derive(Clone, Copy)]
struct Shape {
    header: u64,
    key_len: usize,
}

impl Shape {
    fn new(representation: u64, key_len: usize, inline_len: usize, deadline: bool, lru: u32) -> Self {
        let long = key_len > usize::from(u16::MAX);
        let mut header = representation | (u64::from(lru & LRU_MAX) << LRU_SHIFT) | ((inline_len as u64) << 48);
        header |= if long { LONG_KEY } else { (key_len as u64) << 32 };
        header |= if deadline { HAS_DEADLINE } else { 0 };
        Shape { header, key_len }
    }

    #[inline]
    fn representation(self) -> u64 {
        self.header & REPRESENTATION
    }

    #[inline]
    fn has_deadline(self) -> bool {
        self.header & HAS_DEADLINE != 0
    }

    #[inline]
    fn inline_len(self) -> usize {
        (self.header >> 48) as usize
    }

    #[inline]
    fn key_offset(self) -> usize {
        8 + 2 * (self.header & HAS_DEADLINE) as usize + (self.header & LONG_KEY) as usize
    }

    #[inline]
    fn value_offset(self) -> usize {
        self.key_offset() + self.key_len
    }

    /// Bytes in use.
    #[inline]
    fn content_bytes(self) -> usize {
        self.value_offset() + if self.representation() == INLINE { self.inline_len() } else { 8 }
    }

    /// Bytes allocated.
    #[inline]
    fn block_bytes(self) -> usize {
        size_class(self.content_bytes())
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.block_bytes(), 8).expect("a key and an inline value are far below isize::MAX")
    }

    /// The same block with a deadline or without.
    fn with_deadline(self, deadline: bool) -> Self {
        let header = if deadline { self.header | HAS_DEADLINE } else { self.header & !HAS_DEADLINE };
        Shape { header, ..self }
    }

    /// The same block with another key's length.
    fn with_key_len(self, key_len: usize) -> Self {
        let long = key_len > usize::from(u16::MAX);
        let rest = self.header & !(LONG_KEY | 0xFFFF << 32);
        let header = rest | if long { LONG_KEY } else { (key_len as u64) << 32 };
        Shape { header, key_len }
    }

    /// The same block with an inline value of `len` bytes that was changed in place.
    fn with_changed_len(self, len: usize) -> Self {
        Shape { header: (self.header & !(0xFFFF << 48)) | NAMED_RAW | ((len as u64) << 48), ..self }
    }
}

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

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(self) -> Value<'a> {
        let shape = self.shape();
        // SAFETY: the value stands at `value_offset`, inside the block.
        let value = unsafe { self.block.byte_add(shape.value_offset()) };
        match shape.representation() {
            // SAFETY: an INT value is 8 initialised bytes, at any alignment.
            INT => Value::Int(unsafe { value.cast::<i64>().read_unaligned() }),
            INLINE => {
                // SAFETY: an INLINE value is `inline_len` initialised bytes, which nothing writes to while 'a lasts.
                Value::Bytes(unsafe { std::slice::from_raw_parts(value.as_ptr(), shape.inline_len()) })
            }
            _ => Value::Bytes(self.shared_bytes(shape)),
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
    #[must_use]
    pub fn kind(self) -> Kind {
        Kind::String
    }

    /// How the value is stored.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        let shape = self.shape();
        match shape.representation() {
            INT => Encoding::Int,
            INLINE if shape.header & NAMED_RAW == 0 && shape.inline_len() <= EMBSTR_BYTES_MAX => Encoding::Embstr,
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

    /// The memory that the entry occupies, in bytes, by the allocator's size classes.
    #[must_use]
    pub fn memory(self) -> usize {
        let shape = self.shape();
        let shared = match shape.representation() {
            SHARED => SHARED_OVERHEAD_BYTES + size_class(self.shared_bytes(shape).capacity()),
            _ => 0,
        };
        shape.block_bytes() + shared
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
            .field("value", &self.value())
            .field("deadline", &self.deadline())
            .finish()
    }
}

/// An entry and the duty to free it.
pub(crate) struct OwnedEntry {
    block: NonNull<u8>,
}

// SAFETY: the block and the count of a shared buffer (an `Arc<Vec<u8>>`, itself Send) belong to this value alone. It is
// not Sync, because `Entry::touch` writes through a shared handle.
unsafe impl Send for OwnedEntry {}

impl OwnedEntry {
    pub(crate) fn new(key: &[u8], value: NewValue<'_>, deadline: Option<u64>, lru: u32) -> Self {
        let stored = Stored::new(value);
        let shape = stored.shape(key.len(), deadline.is_some(), lru);
        let block = allocate(shape);
        // SAFETY: the fresh block has room for `content_bytes` of this shape, and `key` can't overlap it.
        unsafe {
            block.byte_add(shape.key_offset()).copy_from_nonoverlapping(bytes_of(key), key.len());
            write_frame(block, shape, deadline);
            stored.write(block.byte_add(shape.value_offset()));
        }
        OwnedEntry { block }
    }

    #[inline]
    pub(crate) fn view(&self) -> Entry<'_> {
        Entry { block: self.block, owner: PhantomData }
    }

    /// Replaces value and deadline. The block is reused when the new content has the same size class.
    pub(crate) fn set_value(&mut self, value: NewValue<'_>, deadline: Option<u64>) {
        let old = self.view().shape();
        let stored = Stored::new(value);
        let new = stored.shape(old.key_len, deadline.is_some(), self.view().lru());
        drop(self.take_shared(old));
        // SAFETY: `old` describes the live block and its key; a block of `new.block_bytes()` has room for all of `new`. The
        // key is moved before anything is written beside it, with a copy that allows overlap when the block stays. From
        // taking the shared buffer to writing the new header nothing can unwind.
        unsafe {
            let key = self.block.byte_add(old.key_offset());
            if new.block_bytes() == old.block_bytes() {
                if new.key_offset() != old.key_offset() {
                    self.block.byte_add(new.key_offset()).copy_from(key, old.key_len);
                }
            } else {
                let block = allocate(new);
                block.byte_add(new.key_offset()).copy_from_nonoverlapping(key, old.key_len);
                dealloc(self.block.as_ptr(), old.layout());
                self.block = block;
            }
            write_frame(self.block, new, deadline);
            stored.write(self.block.byte_add(new.value_offset()));
        }
    }

    /// Sets or clears the deadline.
    pub(crate) fn set_deadline(&mut self, deadline: Option<u64>) {
        let old = self.view().shape();
        let new = old.with_deadline(deadline.is_some());
        let tail_bytes = old.content_bytes() - old.key_offset();
        // SAFETY: `tail_bytes` (key and value) are initialised at `old.key_offset()`. They are shifted while the block has
        // room for both shapes: before it shrinks, after it grew. A copied shared pointer stays the only one, because
        // the header makes no more of the old place. `write_frame` then describes the block as it is.
        unsafe {
            if new.key_offset() > old.key_offset() {
                self.resize(old, new);
                self.block.byte_add(new.key_offset()).copy_from(self.block.byte_add(old.key_offset()), tail_bytes);
            } else if new.key_offset() < old.key_offset() {
                self.block.byte_add(new.key_offset()).copy_from(self.block.byte_add(old.key_offset()), tail_bytes);
                self.resize(old, new);
            }
            write_frame(self.block, new, deadline);
        }
    }

    /// The same value and deadline under another key. A long value is handed over, not copied.
    pub(crate) fn renamed(self, key: &[u8], deadline: Option<u64>) -> Self {
        let old = self.view().shape();
        let new = old.with_key_len(key.len()).with_deadline(deadline.is_some());
        let value_bytes = old.content_bytes() - old.value_offset();
        let block = allocate(new);
        // SAFETY: the fresh block has room for `content_bytes` of the new shape, whose value has the size of the old one's;
        // key and value are initialised where they are read. What is freed is the old block alone: a shared buffer that it
        // pointed to belongs to the copied pointer now.
        unsafe {
            block.byte_add(new.key_offset()).copy_from_nonoverlapping(bytes_of(key), key.len());
            let value = self.block.byte_add(old.value_offset());
            block.byte_add(new.value_offset()).copy_from_nonoverlapping(value, value_bytes);
            write_frame(block, new, deadline);
            dealloc(self.block.as_ptr(), old.layout());
        }
        std::mem::forget(self);
        OwnedEntry { block }
    }

    /// Overwrites the string from `offset` on, with zeros before it where the string was shorter. Returns its new length.
    /// The encoding becomes `raw`.
    pub(crate) fn write_at(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let old = self.view().shape();
        let end = offset + bytes.len();
        if let Some(mut shared) = self.take_shared(old) {
            let len = end.max(shared.len());
            let whole = match Arc::get_mut(&mut shared) {
                Some(whole) => whole,
                None => {
                    shared = Arc::new(shared.to_vec());
                    Arc::get_mut(&mut shared).expect("nobody else has seen the copy")
                }
            };
            if whole.capacity() < len {
                whole.reserve_exact(grown_capacity(len) - whole.len());
            }
            whole.resize(len, 0);
            whole[offset..end].copy_from_slice(bytes);
            // SAFETY: the place of the pointer that `take_shared` read; the header still says SHARED, so ownership of the
            // count returns to the block.
            unsafe { Stored::Shared(shared).write(self.block.byte_add(old.value_offset())) };
            return len;
        }
        let deadline = self.view().deadline();
        let mut whole = self.view().value().to_vec();
        whole.resize(end.max(whole.len()), 0);
        whole[offset..end].copy_from_slice(bytes);
        self.set_value(NewValue::Raw(&whole), deadline);
        whole.len()
    }

    /// Appends to the string and returns its new length. The encoding becomes `raw`.
    pub(crate) fn append(&mut self, tail: &[u8]) -> usize {
        let old = self.view().shape();
        match old.representation() {
            SHARED => self.append_shared(old, tail),
            INLINE if old.inline_len() + tail.len() <= INLINE_BYTES_MAX => {
                let len = old.inline_len() + tail.len();
                let new = old.with_changed_len(len);
                // SAFETY: after the resize the block has room for the longer value; `tail` can't overlap a block that is
                // borrowed mutably; the header is written last and describes what is there.
                unsafe {
                    self.resize(old, new);
                    let end = self.block.byte_add(old.content_bytes());
                    end.copy_from_nonoverlapping(bytes_of(tail), tail.len());
                    self.block.cast::<u64>().write(new.header);
                }
                len
            }
            _ => {
                let deadline = self.view().deadline();
                let value = self.view().value();
                let len = value.len() + tail.len();
                let mut joined = Vec::with_capacity(len);
                joined.extend_from_slice(value.bytes(&mut IntBuffer::new()));
                joined.extend_from_slice(tail);
                self.set_value(NewValue::Raw(&joined), deadline);
                len
            }
        }
    }

    fn append_shared(&mut self, shape: Shape, tail: &[u8]) -> usize {
        let mut shared = self.take_shared(shape).expect("a SHARED value holds a buffer");
        let len = shared.len() + tail.len();
        match Arc::get_mut(&mut shared) {
            Some(bytes) => {
                if bytes.capacity() < len {
                    bytes.reserve_exact(grown_capacity(len) - bytes.len());
                }
                bytes.extend_from_slice(tail);
            }
            None => {
                let mut bytes = Vec::with_capacity(grown_capacity(len));
                bytes.extend_from_slice(&shared);
                bytes.extend_from_slice(tail);
                shared = Arc::new(bytes);
            }
        }
        // SAFETY: the place of the pointer that `take_shared` read; the header still says SHARED, so ownership of the
        // count returns to the block.
        unsafe { Stored::Shared(shared).write(self.block.byte_add(shape.value_offset())) };
        len
    }

    /// Takes the count of a shared buffer out of the block. The caller must overwrite the value before anyone looks.
    fn take_shared(&mut self, shape: Shape) -> Option<SharedBytes> {
        if shape.representation() != SHARED {
            return None;
        }
        // SAFETY: a SHARED value is a pointer from `Arc::into_raw`, and this block holds one count of it, which passes on
        // to the result; callers replace the value or the block right after.
        unsafe {
            let pointer = self.block.byte_add(shape.value_offset()).cast::<*const Vec<u8>>().read_unaligned();
            Some(Arc::from_raw(pointer))
        }
    }

    /// Reallocates from the size of one shape to that of another, keeping the bytes that fit both.
    ///
    /// # Safety
    /// The block has `old`'s size, and the caller writes a header of `new`'s size before anyone looks.
    unsafe fn resize(&mut self, old: Shape, new: Shape) {
        if new.block_bytes() != old.block_bytes() {
            // SAFETY: the block came from this allocator with `old`'s layout; a size class is never 0 and far below
            // isize::MAX.
            let block = unsafe { realloc(self.block.as_ptr(), old.layout(), new.block_bytes()) };
            self.block = NonNull::new(block).unwrap_or_else(|| handle_alloc_error(new.layout()));
        }
    }
}

impl Clone for OwnedEntry {
    /// Copies the block; a long value is shared, not copied.
    fn clone(&self) -> Self {
        let shape = self.view().shape();
        if shape.representation() == SHARED {
            // SAFETY: the value is a pointer from `Arc::into_raw` with a count of ours; the copy below owns the new one.
            unsafe { Arc::increment_strong_count(std::ptr::from_ref(self.view().shared_bytes(shape))) };
        }
        let block = allocate(shape);
        // SAFETY: both blocks have this shape's size, `content_bytes` of the source are initialised, and they differ.
        unsafe { block.copy_from_nonoverlapping(self.block, shape.content_bytes()) };
        OwnedEntry { block }
    }
}

impl Drop for OwnedEntry {
    fn drop(&mut self) {
        let shape = self.view().shape();
        drop(self.take_shared(shape));
        // SAFETY: the block was allocated with the layout that its header describes, and is freed once.
        unsafe { dealloc(self.block.as_ptr(), shape.layout()) };
    }
}

/// A value in the form in which it is stored.
enum Stored<'a> {
    Int(i64),
    Inline(&'a [u8], u64),
    Shared(SharedBytes),
}

impl<'a> Stored<'a> {
    fn new(value: NewValue<'a>) -> Self {
        match value {
            NewValue::Int(number) => Stored::Int(number),
            NewValue::Bytes(bytes) | NewValue::Raw(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                Stored::Shared(Arc::new(bytes.to_vec()))
            }
            NewValue::Bytes(bytes) => Stored::Inline(bytes, 0),
            NewValue::Raw(bytes) => Stored::Inline(bytes, NAMED_RAW),
        }
    }

    fn shape(&self, key_len: usize, deadline: bool, lru: u32) -> Shape {
        let (representation, inline_len) = match self {
            Stored::Int(_) => (INT, 0),
            Stored::Inline(bytes, name) => (INLINE | name, bytes.len()),
            Stored::Shared(_) => (SHARED, 0),
        };
        Shape::new(representation, key_len, inline_len, deadline, lru)
    }

    /// Writes the value to its place; ownership of a shared buffer passes to the block.
    ///
    /// # Safety
    /// `at` is valid for writes of the value's length: 8 bytes, or those of the inline bytes, which it must not overlap.
    unsafe fn write(self, at: NonNull<u8>) {
        // SAFETY: by the caller's promise.
        unsafe {
            match self {
                Stored::Int(number) => at.cast::<i64>().write_unaligned(number),
                Stored::Inline(bytes, _) => at.copy_from_nonoverlapping(bytes_of(bytes), bytes.len()),
                Stored::Shared(shared) => at.cast::<*const Vec<u8>>().write_unaligned(Arc::into_raw(shared)),
            }
        }
    }
}

/// Writes header, deadline and long key length.
///
/// # Safety
/// `block` has the size of `shape`, whose header agrees with `deadline` about there being one.
#[inline]
unsafe fn write_frame(block: NonNull<u8>, shape: Shape, deadline: Option<u64>) {
    debug_assert_eq!(shape.has_deadline(), deadline.is_some());
    // SAFETY: the header, the deadline and the long length stand before `key_offset`, each aligned to 8.
    unsafe {
        block.cast::<u64>().write(shape.header);
        if let Some(deadline) = deadline {
            block.byte_add(8).cast::<u64>().write(deadline);
        }
        if shape.header & LONG_KEY != 0 {
            block.byte_add(shape.key_offset() - 8).cast::<u64>().write(shape.key_len as u64);
        }
    }
}

fn allocate(shape: Shape) -> NonNull<u8> {
    let layout = shape.layout();
    // SAFETY: a size class is never 0.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

fn bytes_of(bytes: &[u8]) -> NonNull<u8> {
    NonNull::from(bytes).cast()
}

/// The capacity for a buffer that has grown to `len` and may go on growing.
fn grown_capacity(len: usize) -> usize {
    size_class(if len < DOUBLING_BYTES_MAX { len * 2 } else { len + len / 4 })
}

/// A slot of a bucket: empty, or an entry with the 16 hash bits that place it inside its segment.
///
/// The bits use the part of the pointer that user addresses leave free (16 of 64).
#[repr(transparent)]
pub(crate) struct Slot(*mut u8);

// SAFETY: a slot owns its entry, like the OwnedEntry it was made of.
unsafe impl Send for Slot {}

const ADDRESS_BITS: u32 = 48;
const ADDRESS: usize = (1 << ADDRESS_BITS) - 1;

impl Slot {
    pub(crate) const EMPTY: Slot = Slot(std::ptr::null_mut());

    #[inline]
    pub(crate) fn new(entry: OwnedEntry, fraction: u16) -> Self {
        let pointer = entry.block.as_ptr();
        std::mem::forget(entry);
        assert!(pointer.addr() <= ADDRESS, "user addresses have 48 bits");
        Slot(pointer.map_addr(|address| address | usize::from(fraction) << ADDRESS_BITS))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// The hash bits; 0 in an empty slot.
    #[inline]
    pub(crate) fn fraction(&self) -> u16 {
        (self.0.addr() >> ADDRESS_BITS) as u16
    }

    #[inline]
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        NonNull::new(self.0.map_addr(|address| address & ADDRESS)).map(|block| Entry { block, owner: PhantomData })
    }

    /// Takes the entry out and leaves the slot empty.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<OwnedEntry> {
        let pointer = std::mem::replace(&mut self.0, std::ptr::null_mut());
        NonNull::new(pointer.map_addr(|address| address & ADDRESS)).map(|block| OwnedEntry { block })
    }

    /// The same entry under other hash bits.
    #[inline]
    pub(crate) fn with_fraction(mut self, fraction: u16) -> Self {
        self.take().map_or(Slot::EMPTY, |entry| Slot::new(entry, fraction))
    }

    /// Changes the entry in place.
    #[inline]
    pub(crate) fn update<R>(&mut self, change: impl FnOnce(&mut OwnedEntry) -> R) -> R {
        let fraction = self.fraction();
        let mut entry = self.take().expect("only a full slot is updated");
        let result = change(&mut entry);
        *self = Slot::new(entry, fraction);
        result
    }

    /// A copy of the entry for a snapshot.
    pub(crate) fn snapshot(&self) -> Option<OwnedEntry> {
        Some(self.entry()?.duplicate().0)
    }

    /// Brings the beginning of the entry near.
    #[inline]
    pub(crate) fn prefetch(&self) {
        let block = self.0.map_addr(|address| address & ADDRESS);
        prefetch(block);
        // Blocks are not aligned to cache lines: of the common ones of 40 bytes half reach into a second line, a quarter
        // with their key: without the second hint groups of lookups took a tenth longer. Values of 64 bytes end in the line of
        // the third address as often as not; with it, a pipelined GET of them costs a sixth less.
        prefetch(block.wrapping_byte_add(32));
        prefetch(block.wrapping_byte_add(80));
    }
}

impl Default for Slot {
    fn default() -> Self {
        Slot::EMPTY
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
mod tests;
