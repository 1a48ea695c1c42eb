//! Entries copied out of a keyspace, side by side in one buffer: what a slice of a snapshot hands to whoever encodes it.
//!
//! An entry that is short enough to lie in its block is copied byte for byte, which costs neither an allocation here nor a
//! release where the batch ends; a long value is shared and a large collection is the clone of its root, as everywhere.
//! A batch may be sent to another thread. What it holds never changes.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::{Entry, LARGE, SHARED};
use crate::collection::{BodyRef, Large};

/// Copies of entries, in the order in which they were added.
#[derive(Default)]
pub struct EntryBatch {
    /// One entry behind the other, each beginning at a word.
    words: Vec<u64>,
    entries: usize,
    /// Bytes that entries refer to outside.
    outside: usize,
    owned: PhantomData<Large>,
}

// Send by its fields: words, and large collections, which are Send themselves.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<EntryBatch>();
};

impl EntryBatch {
    /// An empty batch with room for so many bytes.
    #[must_use]
    pub fn with_room(bytes: usize) -> EntryBatch {
        EntryBatch { words: Vec::with_capacity(bytes.div_ceil(8)), ..EntryBatch::default() }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Bytes that the entries take, what they share included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.len() * 8 + self.outside
    }

    /// Adds a copy of an entry.
    pub fn push(&mut self, entry: Entry<'_>) {
        let shape = entry.shape();
        let (from, bytes) = (self.words.len(), shape.content_bytes());
        let large = match entry.body() {
            Some(BodyRef::Large(large)) => {
                self.outside += large.memory();
                Some(Box::new(large.clone()))
            }
            _ => None,
        };
        let words = bytes.div_ceil(8);
        self.words.reserve(words);
        // SAFETY: `content_bytes` of a live block are initialised, and at least a header's; behind the `from` words there is room for
        // `words`, as many bytes or more, which nobody else has, so they don't overlap. The last of them is written before
        // the copy, which may end within it. Nothing unwinds until the copy owns what it points to: a shared buffer
        // by a count of its own, a large collection by the pointer of the clone in the place of the original's.
        unsafe {
            let first = self.words.as_mut_ptr().add(from);
            first.add(words - 1).write(0);
            let copy = NonNull::new_unchecked(first.cast::<u8>());
            copy.copy_from_nonoverlapping(entry.block, bytes);
            self.words.set_len(from + words);
            let value = copy.byte_add(shape.value_offset());
            if let Some(large) = large {
                value.cast::<*mut Large>().write_unaligned(Box::into_raw(large));
            } else if shape.representation() == SHARED {
                let buffer = entry.shared_bytes(shape);
                self.outside += buffer.capacity();
                Arc::increment_strong_count(std::ptr::from_ref(buffer));
            }
        }
        self.entries += 1;
    }

    /// All entries, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let entry = self.entry_at(at)?;
            at += entry.shape().content_bytes().div_ceil(8);
            Some(entry)
        })
    }

    fn entry_at(&self, word: usize) -> Option<Entry<'_>> {
        let block = NonNull::from(self.words.get(word)?).cast::<u8>();
        Some(Entry { block, owner: PhantomData })
    }

    /// Empties the batch and keeps its buffer.
    pub fn clear(&mut self) {
        let mut at = 0;
        while let Some(entry) = self.entry_at(at) {
            let shape = entry.shape();
            at += shape.content_bytes().div_ceil(8);
            // SAFETY: `push` gave the copy a count of the shared buffer, or a clone of the large collection; it is given up
            // once, for the words are forgotten below and nothing between unwinds (dropping values does not).
            unsafe {
                let value = entry.block.byte_add(shape.value_offset());
                match shape.representation() {
                    SHARED => drop(Arc::from_raw(value.cast::<*const Vec<u8>>().read_unaligned())),
                    LARGE => drop(Box::from_raw(value.cast::<*mut Large>().read_unaligned())),
                    _ => {}
                }
            }
        }
        self.words.clear();
        (self.entries, self.outside) = (0, 0);
    }
}

impl Drop for EntryBatch {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashSeed;
    use crate::set::{Set, SetLimits};
    use crate::value::NewValue;
    use crate::{Deadline, Dict, Kind, Lookup};
    use proptest::prelude::*;

    fn set_of(members: u32) -> Set {
        let limits = SetLimits { int_entries: 4, entries: 4, value_bytes: 24, seed: HashSeed([1, 2]) };
        let mut set = Set::empty_packed();
        for member in 0..members {
            set.insert(format!("m{member}").as_bytes(), &limits);
        }
        set
    }

    fn described(entry: Entry<'_>) -> String {
        let value = match entry.kind() {
            Kind::String => entry.value().to_vec().escape_ascii().to_string(),
            _ => format!("{} members", entry.view::<Set>().map_or(0, |set| set.len())),
        };
        format!("{} {:?} {} {value}", entry.key().escape_ascii(), entry.deadline(), entry.lru())
    }

    proptest! {
        #[test]
        fn entries_come_out_as_they_went_in(
            keys in prop::collection::btree_map(
                prop::collection::vec(any::<u8>(), 0..40),
                (0..4u8, 0..3000usize, prop::option::of(1..9u64), 0..99u32),
                0..30,
            ),
        ) {
            let seed = HashSeed([1, 2]);
            let mut dict = Dict::new(seed);
            let (mut batch, mut expected) = (EntryBatch::default(), Vec::new());
            for (key, (kind, len, deadline, lru)) in keys {
                let Lookup::Vacant(free) = dict.lookup(seed.hash(&key), &key) else { unreachable!("keys differ") };
                let deadline = deadline.map_or(Deadline::Clear, Deadline::At);
                let free = free.stamped(lru);
                let entry = match kind {
                    0 => free.insert(NewValue::Int(len as i64), deadline).into_entry(),
                    1 => free.insert(NewValue::Bytes(&vec![b'x'; len]), deadline).into_entry(),
                    _ => free.insert_collection(set_of(1 + len as u32 % 300), deadline).into_entry(),
                };
                expected.push(described(entry));
                batch.push(entry);
            }
            // The originals may go: the copies own what they refer to.
            drop(dict);
            prop_assert_eq!(batch.len(), expected.len());
            prop_assert_eq!(batch.iter().map(described).collect::<Vec<_>>(), expected);
            batch.clear();
            prop_assert!(batch.is_empty() && batch.bytes() == 0 && batch.iter().next().is_none());
        }
    }

    #[test]
    fn a_batch_shares_long_values_and_gives_them_up() {
        let seed = HashSeed([1, 2]);
        let mut dict = Dict::new(seed);
        let Lookup::Vacant(free) = dict.lookup(seed.hash(b"k"), b"k") else { unreachable!("it is empty") };
        let entry = free.insert(NewValue::Bytes(&[b'v'; 5000]), Deadline::Clear).into_entry();
        let buffer = entry.share().expect("it is long");
        let mut batch = EntryBatch::default();
        batch.push(entry);
        assert_eq!(Arc::strong_count(&buffer), 3);
        assert!(batch.bytes() >= 5000);
        batch.clear();
        assert_eq!(Arc::strong_count(&buffer), 2);
    }
}
