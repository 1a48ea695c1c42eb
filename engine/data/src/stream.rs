//! Streams: entries in the order of their ids, and groups of consumers that share the work on them.
//!
//! Entries are packed into blocks, which are the pages of a counted copy-on-write tree; groups, consumers and pending entries
//! are in trees of the same kind. So a clone of a stream is a few counts of references, whatever its size, and its memory is
//! known at any time.
//!
//! Beside them it may remember what its producers have sent: see [`Producers`].
//!
//! Nothing here knows the time, or which id comes next: those who call do. A stream without entries remains a stream.

mod block;
mod body;
mod group;
mod id;
mod limits;
mod log;
mod producers;
mod radix;
mod sorted;
#[cfg(test)]
mod tests;

pub use block::{Block, Entry, Fields};
pub use body::StreamBody;
pub use group::{Consumer, ConsumerNumber, Group, Pending};
pub use id::{IdText, StreamId};
pub use limits::StreamLimits;
pub use log::{Entries, EntriesBack, Log, TrimTo};
pub use producers::{ProducerLimits, Producers};

use producers::KeptLimits;
use sorted::{Record, SortedTree};

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {
    /// Its entries.
    pub log: Log,
    groups: SortedTree<Group>,
    /// There if anything was ever remembered, or to be remembered for another time than is usual.
    producers: Option<Box<Producers>>,
    producer_limits: KeptLimits,
}

// It is the largest of the collections, so what all of them take in memory.
const _: () = assert!(size_of::<Stream>() <= 128 && size_of::<crate::Large>() <= 128);

impl Stream {
    /// A stream without entries.
    #[must_use]
    pub fn new() -> Stream {
        Stream::default()
    }

    /// How many entries there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// The memory beside the value itself, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.log.memory() + self.groups.memory() + self.producers.as_ref().map_or(0, |producers| producers.memory())
    }

    /// How many nodes Redis's radix tree over the blocks would have; beyond some hundred blocks about as many.
    #[must_use]
    pub fn radix_nodes(&self) -> usize {
        const COUNTED_MAX: usize = 512;
        let mut ids: Vec<_> = self.log.blocks().take(COUNTED_MAX + 1).map(|block| block.id().to_be_bytes()).collect();
        if ids.len() > COUNTED_MAX {
            let blocks = self.log.count_blocks();
            ids.truncate(COUNTED_MAX);
            return blocks * radix::nodes(&ids) / COUNTED_MAX;
        }
        radix::nodes(&ids)
    }

    /// How many groups there are.
    #[must_use]
    pub fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// The groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> + Clone {
        self.groups.iter()
    }

    /// The group with this name.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.find(|other| (**other).cmp(name))
    }

    /// Changes a group, with a view of the entries. `None` if there is no such group.
    pub fn edit_group<R>(&mut self, name: &[u8], change: impl FnOnce(&mut Group, &Log) -> R) -> Option<R> {
        let log = &self.log;
        self.groups.edit(|other| (**other).cmp(name), |group| change(group, log))
    }

    /// Changes a group, and the entries with it. `None` if there is no such group.
    pub fn edit_group_and_log<R>(&mut self, name: &[u8], change: impl FnOnce(&mut Group, &mut Log) -> R) -> Option<R> {
        let log = &mut self.log;
        self.groups.edit(|other| (**other).cmp(name), |group| change(group, log))
    }

    /// Adds a group. False if there is one of that name.
    pub fn add_group(&mut self, name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> bool {
        let absent = self.group(name).is_none();
        if absent {
            self.groups.insert(Group::new(name, last_id, entries_read));
        }
        absent
    }

    /// Removes a group. True if it was there.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        self.groups.remove(|other| (**other).cmp(name)).is_some()
    }

    /// Whether every group is done with an entry.
    #[must_use]
    pub fn is_done_with(&self, id: StreamId) -> bool {
        self.groups().all(|group| group.is_done_with(id))
    }

    /// Makes all groups forget that an entry is pending. True if it was for any.
    pub fn acknowledge_everywhere(&mut self, id: StreamId) -> bool {
        let holds = |group: &&Group| group.pending(id).is_some();
        let names: Vec<_> = self.groups().filter(holds).map(|group| group.key().clone()).collect();
        for name in &names {
            self.groups.edit(|other| other.cmp(name), |group| group.acknowledge(id));
        }
        !names.is_empty()
    }

    /// What is remembered of producers. `None` if there is nothing that a copy of the stream had to know.
    #[must_use]
    pub fn producers(&self) -> Option<&Producers> {
        self.producers.as_deref()
    }

    /// The same to be changed; from here on there is something.
    pub fn producers_mut(&mut self) -> &mut Producers {
        self.producers.get_or_insert_default()
    }

    /// For how long, and of how many entries, producers are remembered; `None` if that was not decided yet.
    #[must_use]
    pub fn producer_limits(&self) -> Option<ProducerLimits> {
        self.producer_limits.get()
    }

    /// Says it. All records are forgotten: they were kept for another time.
    pub fn set_producer_limits(&mut self, limits: ProducerLimits) {
        self.producer_limits = limits.into();
        if let Some(producers) = &mut self.producers {
            producers.clear();
        }
    }

    /// When the first record is due, in Unix milliseconds.
    #[inline]
    #[must_use]
    pub fn earliest_record_due(&self) -> Option<u64> {
        let oldest_ms = self.producers.as_ref()?.oldest_ms()?;
        Some(oldest_ms.saturating_add(self.producer_limits.get().unwrap_or_default().duration_ms()))
    }

    /// Forgets records that are due at `now_ms`, `at_most` so many. Returns how many went.
    pub fn forget_due(&mut self, now_ms: u64, at_most: usize) -> usize {
        let duration_ms = self.producer_limits.get().unwrap_or_default().duration_ms();
        match (&mut self.producers, now_ms.checked_sub(duration_ms)) {
            (Some(producers), Some(through_ms)) => producers.forget_through(through_ms, at_most),
            _ => 0,
        }
    }
}
