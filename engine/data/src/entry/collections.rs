//! Collections in entries: stored whole, and edited in place.

use std::sync::Arc;

use super::shape::Shape;
use super::stored::{Owned, Stored};
use super::{INLINE_BYTES_MAX, KIND_SHIFT, LARGE, OwnedEntry, SharedBytes, VARIANT};
use crate::collection::{Body, BodyRef, Collection};
use crate::value::Kind;

/// Capacity that a buffer may have to be kept for the next edit.
const SCRATCH_BYTES_MAX: usize = 4 * INLINE_BYTES_MAX;

impl OwnedEntry {
    /// A collection under a new key.
    pub(crate) fn new_collection(key: &[u8], kind: Kind, mut body: Body, deadline: Option<u64>, lru: u32) -> Self {
        assert_ne!(kind, Kind::String, "a string is no collection");
        let flags = flags(kind, &body);
        let stored = stored(&mut body, None);
        OwnedEntry::with(key, stored, flags, deadline, lru)
    }

    /// Replaces value and deadline by a collection and its deadline.
    pub(crate) fn set_collection<C: Collection>(&mut self, value: C, deadline: Option<u64>) {
        let mut body = value.into_body();
        let flags = flags(C::KIND, &body);
        self.replace(stored(&mut body, None), flags, deadline);
    }

    /// Changes a collection. Short packed bytes are edited in `scratch` and written back; what the entry points to is handed
    /// to the editor as it is, or as a copy when a snapshot holds it too.
    ///
    /// # Panics
    /// When the entry holds no `C`.
    pub(crate) fn edit<C: Collection, R>(&mut self, scratch: &mut Vec<u8>, editor: impl FnOnce(&mut C) -> R) -> R {
        assert_eq!(self.view().kind(), C::KIND, "an editor is given what it was made for");
        let old = self.view().shape();
        if old.representation() == LARGE {
            return self.edit_large(old, editor);
        }
        let deadline = self.view().deadline();
        let mut buffer = None;
        let body = match self.view().body() {
            Some(BodyRef::Packed(bytes)) if bytes.len() <= INLINE_BYTES_MAX => Body::Packed(borrow(scratch, bytes)),
            Some(BodyRef::Alternate(bytes)) if bytes.len() <= INLINE_BYTES_MAX => {
                Body::Alternate(borrow(scratch, bytes))
            }
            _ => self.take_body(old, &mut buffer),
        };
        let mut collection = C::from_body(body);
        let result = editor(&mut collection);
        let mut body = collection.into_body();
        let flags = flags(C::KIND, &body);
        self.replace(stored(&mut body, buffer), flags, deadline);
        if let Body::Packed(bytes) | Body::Alternate(bytes) = body
            && bytes.capacity() <= SCRATCH_BYTES_MAX
        {
            *scratch = bytes;
        }
        result
    }

    /// Changes a large collection. Mostly it stays one, and the block keeps what it has.
    #[inline]
    fn edit_large<C: Collection, R>(&mut self, old: Shape, editor: impl FnOnce(&mut C) -> R) -> R {
        let mut collection = C::from_body(self.take_body(old, &mut None));
        let result = editor(&mut collection);
        match collection.into_body() {
            Body::Large(large) => {
                // SAFETY: since `take_body` the block holds 8 bytes that nobody owns at `value_offset`, where the pointer was, and is
                // what `old` describes but for its header.
                unsafe {
                    Stored::Large(large).write(self.block.byte_add(old.value_offset()));
                    self.block.cast::<u64>().write(old.header);
                }
            }
            mut body => {
                let (flags, deadline) = (flags(C::KIND, &body), self.view().deadline());
                self.replace(stored(&mut body, None), flags, deadline);
            }
        }
        result
    }

    /// Takes a value out that the block points to. Until another is written the block says that it holds a few bytes that mean
    /// nothing, so that an editor's panic frees nothing twice.
    fn take_body(&mut self, shape: Shape, buffer: &mut Option<SharedBytes>) -> Body {
        let owned = self.take_owned(shape);
        let vacated = shape.vacated();
        // SAFETY: the block begins with its header. The new one describes a block of the same size (a pointer's bytes become
        // inline bytes), whose pointer was taken out just now.
        unsafe { self.block.cast::<u64>().write(vacated.header) };
        match owned {
            Owned::Large(large) => Body::Large(large),
            Owned::Shared(mut shared) => {
                let bytes = match Arc::get_mut(&mut shared) {
                    Some(bytes) => {
                        let bytes = std::mem::take(bytes);
                        *buffer = Some(shared);
                        bytes
                    }
                    None => shared.to_vec(),
                };
                if shape.header & VARIANT == 0 { Body::Packed(bytes) } else { Body::Alternate(bytes) }
            }
            Owned::Nothing => unreachable!("short bytes are edited in the scratch buffer"),
        }
    }
}

/// A copy of `bytes` in a buffer that was used before.
fn borrow(scratch: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    let mut copy = std::mem::take(scratch);
    copy.clear();
    copy.extend_from_slice(bytes);
    copy
}

fn flags(kind: Kind, body: &Body) -> u64 {
    let variant = if matches!(body, Body::Alternate(_)) { VARIANT } else { 0 };
    (kind as u64) << KIND_SHIFT | variant
}

/// The body in the form in which it is stored: bytes stay where they are if they are short. `buffer` is where long ones were.
fn stored(body: &mut Body, buffer: Option<SharedBytes>) -> Stored<'_> {
    let replaced = Body::Packed(Vec::new());
    match body {
        Body::Packed(bytes) | Body::Alternate(bytes) => {
            if bytes.len() <= INLINE_BYTES_MAX {
                return Stored::Inline(bytes);
            }
            let bytes = std::mem::take(bytes);
            let mut shared = buffer.unwrap_or_default();
            match Arc::get_mut(&mut shared) {
                Some(place) => *place = bytes,
                None => shared = Arc::new(bytes),
            }
            Stored::Shared(shared)
        }
        Body::Large(_) => match std::mem::replace(body, replaced) {
            Body::Large(large) => Stored::Large(large),
            _ => unreachable!("it was matched above"),
        },
    }
}
