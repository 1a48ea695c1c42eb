//! Strings changed in place.

use std::sync::Arc;

use super::shape::Shape;
use super::stored::{Owned, Stored};
use super::{DOUBLING_BYTES_MAX, INLINE, INLINE_BYTES_MAX, OwnedEntry, SHARED, SharedBytes, bytes_of};
use crate::size_class::size_class;
use crate::value::{IntBuffer, NewValue};

impl OwnedEntry {
    /// Overwrites the string from `offset` on, with zeros before it where the string was shorter. Returns its new length.
    /// The encoding becomes `raw`.
    pub(crate) fn write_at(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let old = self.view().shape();
        let end = offset + bytes.len();
        if old.representation() == SHARED {
            let mut shared = self.take_shared(old);
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
