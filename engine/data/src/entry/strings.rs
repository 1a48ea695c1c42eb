//! Strings changed in place.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::owned::bytes_of;
use super::shape::Shape;
use super::stored::{Owned, Stored};
use super::{
    DOUBLING_BYTES_MAX, HAS_DEADLINE, INLINE, INLINE_BYTES_MAX, INT, KIND, OwnedEntry, REPRESENTATION, SHARED,
    SharedBytes, VARIANT,
};
use crate::size_class::size_class;
use crate::value::{IntBuffer, NewValue};

impl OwnedEntry {
    /// Replaces the value by a string, if there is one of the same representation that lies in the block, the block keeps its size
    /// and there is no deadline. Otherwise nothing changes.
    #[inline]
    pub(crate) fn overwrite(&mut self, value: &NewValue<'_>) -> bool {
        let old = self.view().shape();
        let is_plain = |representation| old.header & (REPRESENTATION | KIND | HAS_DEADLINE) == representation;
        match value {
            NewValue::Bytes(bytes) if is_plain(INLINE) && bytes.len() <= INLINE_BYTES_MAX => {
                let new = Shape { header: old.with_changed_len(bytes.len()).header & !VARIANT, ..old };
                if bytes.len() != old.inline_len() && new.block_bytes() != old.block_bytes() {
                    return false;
                }
                // SAFETY: the block, whose size is that of both shapes, has room for `bytes` at `value_offset`, and `bytes` can't
                // overlap a block that is borrowed mutably. The old value owned nothing.
                unsafe {
                    self.block.cast::<u64>().write(new.header);
                    let at = self.block.byte_add(new.value_offset());
                    at.copy_from_nonoverlapping(bytes_of(bytes), bytes.len());
                }
                true
            }
            NewValue::Int(number) if is_plain(INT) => {
                // SAFETY: an INT value is 8 bytes at `value_offset`, at any alignment, which own nothing.
                unsafe { self.block.byte_add(old.value_offset()).cast::<i64>().write_unaligned(*number) };
                true
            }
            _ => false,
        }
    }

    /// Replaces value and deadline by bytes that the caller need not keep, encoded as `raw`. Long ones are not copied.
    pub(crate) fn set_bytes(&mut self, bytes: Vec<u8>, deadline: Option<u64>) {
        if bytes.len() > INLINE_BYTES_MAX {
            self.replace(Stored::Shared(Arc::new(bytes)), 0, deadline);
        } else {
            self.set_value(NewValue::Raw(&bytes), deadline);
        }
    }

    /// Lets the string's bytes be changed where they are, with zeros behind them if there were fewer than `len_min`. The encoding
    /// becomes `raw`.
    pub(crate) fn change<R>(&mut self, len_min: usize, change: impl FnOnce(&mut [u8]) -> R) -> R {
        let old = self.view().shape();
        if old.representation() == INLINE && len_min <= INLINE_BYTES_MAX {
            let (len_before, len) = (old.inline_len(), old.inline_len().max(len_min));
            let new = old.with_changed_len(len);
            // SAFETY: after the resize the block has room for `len` bytes at `value_offset`, which is the same in both shapes. Those
            // that were not there before are written before the header says that they are, and before the slice is made.
            // The entry is borrowed mutably, so nobody else reads or writes the bytes while `change` has them.
            let bytes = unsafe {
                self.resize(old, new);
                let value = self.block.byte_add(new.value_offset());
                value.byte_add(len_before).write_bytes(0, len - len_before);
                self.block.cast::<u64>().write(new.header);
                std::slice::from_raw_parts_mut(value.as_ptr(), len)
            };
            return change(bytes);
        }
        if old.representation() != SHARED {
            let deadline = self.view().deadline();
            let value = self.view().value();
            let len = value.len().max(len_min);
            // Asked of the allocator, zeros of a long string cost nothing until somebody reads them.
            let mut whole = vec![0; len];
            let mut digits = IntBuffer::new();
            let bytes = value.bytes(&mut digits);
            whole[..bytes.len()].copy_from_slice(bytes);
            self.set_bytes(whole, deadline);
            return self.change(0, change);
        }
        self.make_own(old, len_min);
        // The count stays the block's: it was not written out, and is not given up here either, whatever `change` does.
        let mut shared = ManuallyDrop::new(self.take_shared(old));
        change(Arc::get_mut(&mut shared).expect("nobody else holds a buffer that was just made the entry's own"))
    }

    /// Makes a shared buffer the entry's own, of at least `len_min` bytes.
    fn make_own(&mut self, shape: Shape, len_min: usize) {
        let mut shared = self.take_shared(shape);
        let len = shared.len().max(len_min);
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
        // SAFETY: the place of the pointer that `take_shared` read; the header still says SHARED, so ownership of the count returns
        // to the block.
        unsafe { Stored::Shared(shared).write(self.block.byte_add(shape.value_offset())) };
    }

    /// Overwrites the string from `offset` on, with zeros before it where the string was shorter. Returns its new length.
    /// The encoding becomes `raw`.
    pub(crate) fn write_at(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let end = offset + bytes.len();
        self.change(end, |whole| {
            whole[offset..end].copy_from_slice(bytes);
            whole.len()
        })
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
        let mut shared = self.take_shared(shape);
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

    /// The shared buffer of a string that is about to be changed; the caller writes it back before anyone looks.
    fn take_shared(&mut self, shape: Shape) -> SharedBytes {
        match self.take_owned(shape) {
            Owned::Shared(shared) => shared,
            Owned::Nothing | Owned::Large(_) => unreachable!("the shape says SHARED"),
        }
    }
}

/// The capacity for a buffer that has grown to `len` and may go on growing.
fn grown_capacity(len: usize) -> usize {
    size_class(if len < DOUBLING_BYTES_MAX { len * 2 } else { len + len / 4 })
}
