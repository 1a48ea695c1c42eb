//! An entry that is owned: made, replaced, renamed, copied and freed. What changes a value in place is beside this, in `strings` and
//! `collections`.
//!
//! All of it is `unsafe` inside, under the one guarantee of [`super`]: the block that an [`OwnedEntry`] owns is described by its own
//! header, whenever anybody may look.

use std::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::shape::Shape;
use super::stored::{Owned, Stored};
use super::{Entry, KIND, LARGE, LONG_KEY, SHARED};
use crate::collection::{BodyRef, Large};
use crate::value::NewValue;

/// An entry and the duty to free it.
pub(crate) struct OwnedEntry {
    pub(super) block: NonNull<u8>,
}

// SAFETY: the block, the count of a shared buffer (an `Arc<Vec<u8>>`, itself Send) and a large collection (Send, as the
// assertion below says) belong to this value alone. It is not Sync, because `Entry::touch` writes through a shared handle.
unsafe impl Send for OwnedEntry {}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Large>();
};

impl OwnedEntry {
    pub(crate) fn new(key: &[u8], value: NewValue<'_>, deadline: Option<u64>, lru: u32) -> Self {
        let (stored, flags) = Stored::string(value);
        OwnedEntry::with(key, stored, flags, deadline, lru)
    }

    pub(super) fn with(key: &[u8], stored: Stored<'_>, flags: u64, deadline: Option<u64>, lru: u32) -> Self {
        let shape = stored.shape(flags, key.len(), deadline.is_some(), lru);
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

    /// Replaces value and deadline by a string and its deadline.
    pub(crate) fn set_value(&mut self, value: NewValue<'_>, deadline: Option<u64>) {
        let (stored, flags) = Stored::string(value);
        self.replace(stored, flags, deadline);
    }

    /// Replaces value and deadline. The block is reused when the new content has the same size class.
    pub(super) fn replace(&mut self, stored: Stored<'_>, flags: u64, deadline: Option<u64>) {
        let old = self.view().shape();
        let new = stored.shape(flags, old.key_len, deadline.is_some(), self.view().lru());
        let owned = self.take_owned(old);
        // SAFETY: `old` describes the live block and its key; a block of `new.block_bytes()` has room for all of `new`. The
        // key is moved before anything is written beside it, with a copy that allows overlap when the block stays. From
        // taking what the block owned to writing the new header nothing can unwind.
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
        drop(owned);
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

    /// Takes out what the block points to. The caller must overwrite the value before anyone looks.
    pub(super) fn take_owned(&mut self, shape: Shape) -> Owned {
        // SAFETY: the value stands at `value_offset`. One of SHARED is a pointer from `Arc::into_raw`, of whose counts this
        // block holds one, one of LARGE a pointer from `Box::into_raw` that it owns; either passes on to the result, for
        // callers replace the value or the block right after.
        unsafe {
            let value = self.block.byte_add(shape.value_offset());
            match shape.representation() {
                SHARED => Owned::Shared(Arc::from_raw(value.cast::<*const Vec<u8>>().read_unaligned())),
                LARGE => Owned::Large(Box::from_raw(value.cast::<*mut Large>().read_unaligned())),
                _ => Owned::Nothing,
            }
        }
    }

    /// Reallocates from the size of one shape to that of another, keeping the bytes that fit both.
    ///
    /// # Safety
    /// The block has `old`'s size, and the caller writes a header of `new`'s size before anyone looks.
    pub(super) unsafe fn resize(&mut self, old: Shape, new: Shape) {
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
        if let Some(BodyRef::Large(large)) = self.view().body() {
            let stored = Stored::Large(Box::new(large.clone()));
            let view = self.view();
            return OwnedEntry::with(view.key(), stored, shape.flags() & KIND, view.deadline(), view.lru());
        }
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
        drop(self.take_owned(shape));
        // SAFETY: the block was allocated with the layout that its header describes, and is freed once.
        unsafe { dealloc(self.block.as_ptr(), shape.layout()) };
    }
}

/// Writes header, deadline and long key length.
///
/// # Safety
/// `block` has the size of `shape`, whose header agrees with `deadline` about there being one.
#[inline]
pub(super) unsafe fn write_frame(block: NonNull<u8>, shape: Shape, deadline: Option<u64>) {
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

pub(super) fn allocate(shape: Shape) -> NonNull<u8> {
    let layout = shape.layout();
    // SAFETY: a size class is never 0.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

pub(super) fn bytes_of(bytes: &[u8]) -> NonNull<u8> {
    NonNull::from(bytes).cast()
}
