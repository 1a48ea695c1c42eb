//! A consumer group: how far it has read, its consumers, and what was delivered and not acknowledged.
//!
//! A pending entry is in two orders, both by id: all of the group, with who has it, since when, and how often it was
//! delivered; and the ids of each consumer. A third, by the time of delivery, comes into being when somebody first asks for what
//! has been idle for long, and is kept from then on. The orders always hold the same entries; no change leaves them apart.
//!
//! Cloning a group copies a few counts of references.

use std::sync::Arc;

use super::StreamId;
use super::log::Log;
use super::sorted::{Record, SortedTree};
use crate::size_class::size_class;

/// A name of a group or a consumer.
pub(super) type Name = Arc<[u8]>;

/// The two counters before what an `Arc` holds.
const COUNTERS_BYTES: usize = 16;

/// What a name takes on the heap.
pub(super) fn name_bytes(name: &Name) -> usize {
    size_class(COUNTERS_BYTES + name.len())
}

/// Names a consumer among those of its group, as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerNumber(u32);

/// An entry that was delivered and is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The entry.
    pub id: StreamId,
    /// When it was delivered last, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// Who has it.
    pub consumer: ConsumerNumber,
}

impl Record for Pending {
    type Key = StreamId;
    const PAGE_MAX: usize = 100;

    fn key(&self) -> &StreamId {
        &self.id
    }
}

impl Record for StreamId {
    type Key = StreamId;
    const PAGE_MAX: usize = 250;

    fn key(&self) -> &StreamId {
        self
    }
}

/// A pending entry by the time of its delivery.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Delivery {
    ms: i64,
    id: StreamId,
}

impl Record for Delivery {
    type Key = Delivery;
    const PAGE_MAX: usize = 170;

    fn key(&self) -> &Delivery {
        self
    }
}

/// One consumer of a group.
#[derive(Clone)]
pub struct Consumer {
    name: Name,
    number: ConsumerNumber,
    /// When it last asked for something, in Unix milliseconds.
    pub seen_ms: i64,
    /// When it last got something; `None` if it never did.
    pub active_ms: Option<i64>,
    pending: SortedTree<StreamId>,
}

impl Consumer {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> ConsumerNumber {
        self.number
    }

    /// How many entries it has.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The entries that it has, from `start` on.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = StreamId> + Clone + use<'_> {
        self.pending.iter_from(&start).copied()
    }
}

impl Record for Consumer {
    type Key = Name;
    const PAGE_MAX: usize = 32;
    const OWNS_HEAP: bool = true;

    fn key(&self) -> &Name {
        &self.name
    }

    fn heap(&self) -> usize {
        name_bytes(&self.name) + self.pending.memory()
    }
}

/// Names by number. Numbers of consumers that are gone are given again.
#[derive(Clone)]
enum Slot {
    Taken(Name),
    /// The next free one.
    Free(Option<u32>),
}

#[derive(Clone, Default)]
struct Numbers {
    slots: Vec<Slot>,
    free: Option<u32>,
}

impl Numbers {
    fn give(&mut self, name: &Name) -> ConsumerNumber {
        let taken = Slot::Taken(name.clone());
        match self.free {
            Some(number) => {
                let slot = &mut self.slots[number as usize];
                if let Slot::Free(next) = std::mem::replace(slot, taken) {
                    self.free = next;
                }
                ConsumerNumber(number)
            }
            None => {
                let len = self.slots.len();
                if len == self.slots.capacity() {
                    self.slots.reserve_exact(len / 4 + 1);
                }
                self.slots.push(taken);
                ConsumerNumber(u32::try_from(len).expect("that many consumers don't fit into memory"))
            }
        }
    }

    fn take_back(&mut self, ConsumerNumber(number): ConsumerNumber) {
        self.slots[number as usize] = Slot::Free(self.free.replace(number));
    }

    fn name(&self, ConsumerNumber(number): ConsumerNumber) -> &Name {
        match &self.slots[number as usize] {
            Slot::Taken(name) => name,
            Slot::Free(_) => unreachable!("a pending entry belongs to a consumer that is there"),
        }
    }

    fn memory(&self) -> usize {
        let slots = self.slots.capacity() * size_of::<Slot>();
        size_class(COUNTERS_BYTES + size_of::<Self>()) + if slots == 0 { 0 } else { size_class(slots) }
    }
}

/// A consumer group.
#[derive(Clone)]
pub struct Group {
    name: Name,
    last_id: StreamId,
    entries_read: Option<u64>,
    pending: SortedTree<Pending>,
    by_time: Option<SortedTree<Delivery>>,
    consumers: SortedTree<Consumer>,
    numbers: Arc<Numbers>,
}

impl Record for Group {
    type Key = Name;
    const PAGE_MAX: usize = 16;
    const OWNS_HEAP: bool = true;

    fn key(&self) -> &Name {
        &self.name
    }

    fn heap(&self) -> usize {
        let by_time = self.by_time.as_ref().map_or(0, SortedTree::memory);
        name_bytes(&self.name) + self.pending.memory() + by_time + self.consumers.memory() + self.numbers.memory()
    }
}

impl Group {
    pub(super) fn new(name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> Group {
        Group {
            name: name.into(),
            last_id,
            entries_read,
            pending: SortedTree::default(),
            by_time: None,
            consumers: SortedTree::default(),
            numbers: Arc::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The last entry that was delivered.
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries of the stream were read, up to the last one delivered; `None` when that is not known.
    #[must_use]
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Moves the group to an entry.
    pub fn set_position(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// Moves the group forward to an entry of which nothing is known. True if it was not there yet.
    pub fn advance(&mut self, last_id: StreamId) -> bool {
        let ahead = last_id > self.last_id;
        self.last_id = self.last_id.max(last_id);
        ahead
    }

    /// Moves the group forward to an entry of `log` that is delivered to it. True if it was not there yet.
    pub fn advance_over(&mut self, log: &Log, id: StreamId) -> bool {
        if id <= self.last_id {
            return false;
        }
        match self.entries_read {
            // A client may have said that it was more than it can have been; nobody reads more than was added.
            Some(read) if log.is_whole_behind(self.last_id) => {
                self.entries_read = Some(read.saturating_add(1).min(log.entries_added()));
            }
            _ if log.entries_added() > 0 => self.entries_read = log.distance_of(id),
            _ => {}
        }
        self.last_id = id;
        true
    }

    /// How many entries the group has yet to read; `None` when that is not known.
    #[must_use]
    pub fn lag(&self, log: &Log) -> Option<i64> {
        let added = log.entries_added();
        if log.is_empty() {
            return Some(0);
        }
        if log.is_all_behind(self.last_id) {
            return Some(log.len() as i64);
        }
        let known = self.entries_read.filter(|_| !log.has_gap_from(self.last_id));
        let read = known.or_else(|| log.distance_of(self.last_id))?;
        Some(added.wrapping_sub(read) as i64)
    }

    /// How many consumers there are.
    #[must_use]
    pub fn consumers_len(&self) -> usize {
        self.consumers.len()
    }

    /// The consumers, by name.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> + Clone {
        self.consumers.iter()
    }

    /// The consumer with this name.
    #[must_use]
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.find(|other| (**other).cmp(name))
    }

    /// The name of a consumer.
    #[must_use]
    pub fn consumer_name(&self, number: ConsumerNumber) -> &[u8] {
        self.numbers.name(number)
    }

    /// Adds a consumer that is seen now; `None` if there is one of that name.
    pub fn add_consumer(&mut self, name: &[u8], now_ms: i64) -> Option<ConsumerNumber> {
        if self.consumer(name).is_some() {
            return None;
        }
        let name = Name::from(name);
        let number = Arc::make_mut(&mut self.numbers).give(&name);
        let pending = SortedTree::default();
        self.consumers.insert(Consumer { name, number, seen_ms: now_ms, active_ms: None, pending });
        Some(number)
    }

    /// Changes what is known of a consumer.
    pub fn edit_consumer(&mut self, number: ConsumerNumber, change: impl FnOnce(&mut Consumer)) {
        let name = self.numbers.name(number);
        self.consumers.edit(|other| other.cmp(name), change);
    }

    /// Removes a consumer with all that it has, and returns how much that was; `None` if there is none.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(|other| (**other).cmp(name))?;
        for id in consumer.pending.iter() {
            if let Some(gone) = self.pending.remove_key(id) {
                self.forget_delivery(&gone);
            }
        }
        Arc::make_mut(&mut self.numbers).take_back(consumer.number);
        Some(consumer.pending.len())
    }

    /// How many entries are pending.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The pending entry with this id.
    #[must_use]
    pub fn pending(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// The pending entries from `start` on.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = &Pending> + Clone + use<'_> {
        self.pending.iter_from(&start)
    }

    /// The first pending entry.
    #[must_use]
    pub fn first_pending(&self) -> Option<&Pending> {
        self.pending.first()
    }

    /// The last pending entry.
    #[must_use]
    pub fn last_pending(&self) -> Option<&Pending> {
        self.pending.last()
    }

    /// Makes an entry pending, or what is said of a pending one true. Returns what was known of it before.
    pub fn assign(&mut self, pending: Pending) -> Option<Pending> {
        let Pending { id, delivered_ms, consumer, .. } = pending;
        let old = self.pending.insert(pending);
        if old.is_none_or(|old| old.consumer != consumer) {
            if let Some(old) = old {
                self.edit_consumer(old.consumer, |consumer| {
                    consumer.pending.remove_key(&id);
                });
            }
            self.edit_consumer(consumer, |consumer| {
                consumer.pending.insert(id);
            });
        }
        if let Some(by_time) = &mut self.by_time
            && old.is_none_or(|old| old.delivered_ms != delivered_ms)
        {
            if let Some(old) = old {
                by_time.remove_key(&Delivery { ms: old.delivered_ms, id });
            }
            by_time.insert(Delivery { ms: delivered_ms, id });
        }
        old
    }

    /// Forgets that an entry is pending.
    pub fn acknowledge(&mut self, id: StreamId) -> Option<Pending> {
        let gone = self.pending.remove_key(&id)?;
        self.edit_consumer(gone.consumer, |consumer| {
            consumer.pending.remove_key(&id);
        });
        self.forget_delivery(&gone);
        Some(gone)
    }

    fn forget_delivery(&mut self, gone: &Pending) {
        if let Some(by_time) = &mut self.by_time {
            by_time.remove_key(&Delivery { ms: gone.delivered_ms, id: gone.id });
        }
    }

    /// Pending entries by the time of their delivery, the oldest first, up to those of `until_ms`. The first call costs
    /// as much as there are pending entries.
    pub fn idle_since(&mut self, until_ms: i64) -> impl Iterator<Item = StreamId> {
        self.by_time().iter().take_while(move |delivery| delivery.ms <= until_ms).map(|delivery| delivery.id)
    }

    /// The time of the first delivery after `ms` that is pending, and of an entry that is still in the log.
    pub fn next_delivery_after(&mut self, ms: i64, log: &Log) -> Option<i64> {
        let first = Delivery { ms: ms.checked_add(1)?, id: StreamId::MIN };
        self.by_time().iter_from(&first).find(|delivery| log.contains(delivery.id)).map(|delivery| delivery.ms)
    }

    fn by_time(&mut self) -> &SortedTree<Delivery> {
        let pending = &self.pending;
        self.by_time.get_or_insert_with(|| {
            let mut deliveries: Vec<Delivery> =
                pending.iter().map(|entry| Delivery { ms: entry.delivered_ms, id: entry.id }).collect();
            deliveries.sort_unstable();
            let mut by_time = SortedTree::default();
            for delivery in deliveries {
                by_time.insert(delivery);
            }
            by_time
        })
    }

    /// Whether [`Group::idle_since`] has been asked for before.
    #[must_use]
    pub fn is_ordered_by_time(&self) -> bool {
        self.by_time.is_some()
    }

    /// Whether an entry is done with, as far as this group goes: it was delivered, and is not pending.
    #[must_use]
    pub fn is_done_with(&self, id: StreamId) -> bool {
        id <= self.last_id && self.pending(id).is_none()
    }
}

#[cfg(test)]
impl Group {
    /// Whether all orders hold the same.
    pub(super) fn is_consistent(&self) -> bool {
        let mut of_consumers = 0;
        for consumer in self.consumers() {
            of_consumers += consumer.pending_len();
            let has = |id: StreamId| self.pending(id).is_some_and(|entry| entry.consumer == consumer.number);
            if !consumer.pending_from(StreamId::MIN).all(has) || self.consumer_name(consumer.number) != consumer.name()
            {
                return false;
            }
        }
        let by_time = self.by_time.as_ref().is_none_or(|by_time| {
            by_time.len() == self.pending.len()
                && by_time.iter().all(|one| self.pending(one.id).is_some_and(|entry| entry.delivered_ms == one.ms))
        });
        by_time && of_consumers == self.pending.len()
    }
}
