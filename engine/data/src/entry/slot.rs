//! A slot of a bucket: an entry's pointer, tagged with bits of the hash.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::{Entry, OwnedEntry};
use crate::prefetch::prefetch;
use crate::value::NewValue;

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

    /// The whole slot, hash bits on top; 0 if it is empty.
    #[inline]
    pub(crate) fn word(&self) -> u64 {
        self.0.addr() as u64
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

    /// Puts a string where one is, if nothing else changes by that; see [`OwnedEntry::overwrite`].
    #[inline]
    pub(crate) fn overwrite(&mut self, value: &NewValue<'_>) -> bool {
        let Some(Entry { block, .. }) = self.entry() else { return false };
        ManuallyDrop::new(OwnedEntry { block }).overwrite(value)
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

    /// Brings near what a small collection takes beyond that.
    #[inline]
    pub(crate) fn prefetch_rest(&self) {
        let block = self.0.map_addr(|address| address & ADDRESS);
        prefetch(block.wrapping_byte_add(144));
        prefetch(block.wrapping_byte_add(208));
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
