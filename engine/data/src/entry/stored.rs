//! A value in the form in which a block holds it.

use std::ptr::NonNull;
use std::sync::Arc;

use super::owned::bytes_of;
use super::shape::Shape;
use super::{INLINE, INLINE_BYTES_MAX, INT, LARGE, SHARED, SharedBytes, VARIANT};
use crate::collection::Large;
use crate::value::NewValue;

/// A value on its way into a block.
pub(super) enum Stored<'a> {
    Int(i64),
    Inline(&'a [u8]),
    Shared(SharedBytes),
    Large(Box<Large>),
}

impl<'a> Stored<'a> {
    /// A string, and the flags that go with it.
    pub(super) fn string(value: NewValue<'a>) -> (Self, u64) {
        match value {
            NewValue::Int(number) => (Stored::Int(number), 0),
            NewValue::Bytes(bytes) | NewValue::Raw(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                (Stored::Shared(Arc::new(bytes.to_vec())), 0)
            }
            NewValue::Shared(buffer) if buffer.len() > INLINE_BYTES_MAX => (Stored::Shared(Arc::clone(buffer)), 0),
            NewValue::Bytes(bytes) => (Stored::Inline(bytes), 0),
            NewValue::Shared(buffer) => (Stored::Inline(buffer), 0),
            NewValue::Raw(bytes) => (Stored::Inline(bytes), VARIANT),
        }
    }

    fn representation(&self) -> u64 {
        match self {
            Stored::Int(_) => INT,
            Stored::Inline(_) => INLINE,
            Stored::Shared(_) => SHARED,
            Stored::Large(_) => LARGE,
        }
    }

    /// The shape of a block with this value; `flags` are the type and the variant.
    pub(super) fn shape(&self, flags: u64, key_len: usize, deadline: bool, lru: u32) -> Shape {
        let inline_len = if let Stored::Inline(bytes) = self { bytes.len() } else { 0 };
        Shape::new(self.representation() | flags, key_len, inline_len, deadline, lru)
    }

    /// Writes the value to its place; ownership of what it points to passes to the block.
    ///
    /// # Safety
    /// `at` is valid for writes of the value's length: 8 bytes, or those of the inline bytes, which it must not overlap.
    pub(super) unsafe fn write(self, at: NonNull<u8>) {
        // SAFETY: by the caller's promise.
        unsafe {
            match self {
                Stored::Int(number) => at.cast::<i64>().write_unaligned(number),
                Stored::Inline(bytes) => at.copy_from_nonoverlapping(bytes_of(bytes), bytes.len()),
                Stored::Shared(shared) => at.cast::<*const Vec<u8>>().write_unaligned(Arc::into_raw(shared)),
                Stored::Large(large) => at.cast::<*mut Large>().write_unaligned(Box::into_raw(large)),
            }
        }
    }
}

/// What a block pointed to, and points to no more.
pub(super) enum Owned {
    Nothing,
    Shared(SharedBytes),
    Large(Box<Large>),
}
