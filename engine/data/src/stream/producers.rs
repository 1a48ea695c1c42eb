//! What a stream remembers of those who add to it, so that an entry that is sent twice is added once: for each producer, the last
//! entries that it has sent, each by the name that the producer gave it, with the id that it got.
//!
//! ```text
//! producers   pid                 → number, how many records
//! names       (number, iid)       → arrival                    looked up by whoever adds
//! arrivals    (number, arrival)   → iid, id of the entry       the oldest goes when a producer has too many
//! oldest      (ms, number)        → pid                        the first goes when its time has come
//! ```
//!
//! All four are copy-on-write trees, so a clone costs four counts of references, and a change some pages. A record takes about 80
//! bytes and its iid; a producer about 70 and its pid. Recording and looking up take logarithmic time, whatever there is.
//!
//! What is kept is bounded for each producer by [`ProducerLimits::entries`] and in time by [`ProducerLimits::duration_s`]: of each
//! producer the records go in the order in which they came, and one is due when its entry's id is so old. Nothing in here knows the
//! time, and nothing goes unless [`Producers::forget_through`] is called: whoever asks for a record gets it until then. So who
//! repeats what was done decides as it was decided, whenever that is.

use super::StreamId;
use super::group::{Name, name_bytes};
use super::sorted::{Record, SortedTree};
use crate::size_class::size_class;

#[cfg(test)]
mod tests;

/// For how long, and of how many entries of each producer, a stream remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerLimits {
    duration_s: u32,
    entries: u32,
}

impl ProducerLimits {
    /// The longest duration, in seconds; the shortest is 1.
    pub const DURATION_S_MAX: u32 = 86_400;
    /// The most entries; the fewest are 1.
    pub const ENTRIES_MAX: u32 = 10_000;

    /// Limits that are in their ranges.
    #[must_use]
    pub fn new(duration_s: u64, entries: u64) -> Option<ProducerLimits> {
        let within = |value: u64, most: u32| u32::try_from(value).ok().filter(|value| (1..=most).contains(value));
        Some(ProducerLimits {
            duration_s: within(duration_s, Self::DURATION_S_MAX)?,
            entries: within(entries, Self::ENTRIES_MAX)?,
        })
    }

    /// Seconds.
    #[must_use]
    pub const fn duration_s(self) -> u32 {
        self.duration_s
    }

    /// Entries of one producer.
    #[must_use]
    pub const fn entries(self) -> u32 {
        self.entries
    }

    pub(super) fn duration_ms(self) -> u64 {
        u64::from(self.duration_s) * 1000
    }
}

/// Limits as a stream keeps them, if they are known: in eight bytes, of which one can tell more than two things, so that no more is
/// needed to tell a stream from what else a collection may be.
#[derive(Clone, Copy, Default)]
pub(super) struct KeptLimits {
    duration_s: u32,
    entries: u16,
    are_known: bool,
}

impl From<ProducerLimits> for KeptLimits {
    fn from(limits: ProducerLimits) -> Self {
        let entries = u16::try_from(limits.entries).expect("there are not that many in the range of the limit");
        KeptLimits { duration_s: limits.duration_s, entries, are_known: true }
    }
}

impl KeptLimits {
    pub(super) fn get(self) -> Option<ProducerLimits> {
        self.are_known.then(|| ProducerLimits { duration_s: self.duration_s, entries: self.entries.into() })
    }
}

impl Default for ProducerLimits {
    fn default() -> Self {
        ProducerLimits { duration_s: 100, entries: 100 }
    }
}

/// One that adds entries.
#[derive(Clone)]
struct Producer {
    pid: Name,
    /// Names it in the other orders. No two ever have the same.
    number: u64,
    len: u32,
}

impl Record for Producer {
    type Key = Name;
    const PAGE_MAX: usize = 100;
    const OWNS_HEAP: bool = true;

    fn key(&self) -> &Name {
        &self.pid
    }

    fn heap(&self) -> usize {
        name_bytes(&self.pid)
    }
}

/// A producer's name for an entry.
#[derive(Clone)]
struct Named {
    key: (u64, Name),
    arrival: u64,
}

impl Record for Named {
    type Key = (u64, Name);
    const PAGE_MAX: usize = 100;
    const OWNS_HEAP: bool = true;

    fn key(&self) -> &(u64, Name) {
        &self.key
    }

    fn heap(&self) -> usize {
        name_bytes(&self.key.1)
    }
}

/// The same entry by when it came. The name is shared, and counted above.
#[derive(Clone)]
struct Arrival {
    key: (u64, u64),
    iid: Name,
    id: StreamId,
}

impl Record for Arrival {
    type Key = (u64, u64);
    const PAGE_MAX: usize = 80;

    fn key(&self) -> &(u64, u64) {
        &self.key
    }
}

/// The milliseconds of the oldest record of a producer.
#[derive(Clone)]
struct Oldest {
    key: (u64, u64),
    pid: Name,
}

impl Record for Oldest {
    type Key = (u64, u64);
    const PAGE_MAX: usize = 100;

    fn key(&self) -> &(u64, u64) {
        &self.key
    }
}

/// What a stream remembers of its producers.
#[derive(Clone, Default)]
pub struct Producers {
    producers: SortedTree<Producer>,
    names: SortedTree<Named>,
    arrivals: SortedTree<Arrival>,
    oldest: SortedTree<Oldest>,
    /// Producers and arrivals so far.
    next: u64,
    /// How many entries were ever recorded.
    pub added: u64,
    /// How many came again.
    pub duplicates: u64,
}

impl Producers {
    /// How many producers have records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.producers.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.producers.len() == 0
    }

    /// How many records there are of all producers.
    #[must_use]
    pub fn records_len(&self) -> usize {
        self.names.len()
    }

    /// The memory of all this, with the block that holds it.
    pub(super) fn memory(&self) -> usize {
        let trees = self.producers.memory() + self.names.memory() + self.arrivals.memory() + self.oldest.memory();
        size_class(size_of::<Self>()) + trees
    }

    fn producer(&self, pid: &[u8]) -> Option<&Producer> {
        self.producers.find(|other| (**other).cmp(pid))
    }

    fn named(&self, number: u64, iid: &[u8]) -> Option<&Named> {
        self.names.find(|(owner, name)| owner.cmp(&number).then_with(|| (**name).cmp(iid)))
    }

    /// Whether there are records of a producer.
    #[must_use]
    pub fn knows(&self, pid: &[u8]) -> bool {
        self.producer(pid).is_some()
    }

    /// The entry that a producer calls so, if that is remembered.
    #[must_use]
    pub fn find(&self, pid: &[u8], iid: &[u8]) -> Option<StreamId> {
        let number = self.producer(pid)?.number;
        let named = self.named(number, iid)?;
        self.arrivals.get(&(number, named.arrival)).map(|arrival| arrival.id)
    }

    /// Remembers an entry as the last one of a producer, which has no more than `most` then: its oldest go. What it called so before
    /// is forgotten.
    pub fn record(&mut self, pid: &[u8], iid: &[u8], id: StreamId, most: u32) {
        let iid: Name = iid.into();
        if let Some(found) = self.producer(pid) {
            let number = found.number;
            if let Some(arrival) = self.named(number, &iid).map(|named| named.arrival) {
                self.forget(pid, (number, arrival));
            }
        }
        while self.producer(pid).is_some_and(|producer| producer.len >= most.max(1)) {
            self.forget_oldest(pid);
        }
        let arrival = self.count_one();
        let number = match self.producers.edit(
            |other| (**other).cmp(pid),
            |producer| {
                producer.len += 1;
                producer.number
            },
        ) {
            Some(number) => number,
            None => {
                let (number, pid): (u64, Name) = (self.count_one(), pid.into());
                self.oldest.insert(Oldest { key: (id.ms, number), pid: pid.clone() });
                self.producers.insert(Producer { pid, number, len: 1 });
                number
            }
        };
        self.names.insert(Named { key: (number, iid.clone()), arrival });
        self.arrivals.insert(Arrival { key: (number, arrival), iid, id });
        self.added = self.added.wrapping_add(1);
    }

    fn count_one(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The first record of a producer.
    fn first_of(&self, number: u64) -> Option<&Arrival> {
        self.arrivals.iter_from(&(number, 0)).next().filter(|arrival| arrival.key.0 == number)
    }

    fn forget_oldest(&mut self, pid: &[u8]) {
        let first = self.producer(pid).and_then(|producer| self.first_of(producer.number));
        let key = first.expect("a producer that is there has records").key;
        self.forget(pid, key);
    }

    /// Takes a record out, and the producer with its last one.
    fn forget(&mut self, pid: &[u8], key: (u64, u64)) {
        let number = key.0;
        let first = self.first_of(number).map(|first| (first.key, first.id.ms));
        let gone = self.arrivals.remove_key(&key).expect("who forgets a record has found it");
        self.names.remove(|(owner, name)| owner.cmp(&number).then_with(|| name.cmp(&gone.iid)));
        if let Some((first, ms)) = first
            && first == key
        {
            let oldest = self.oldest.remove_key(&(ms, number)).expect("each producer has an oldest record");
            if let Some(ms) = self.first_of(number).map(|first| first.id.ms) {
                self.oldest.insert(Oldest { key: (ms, number), pid: oldest.pid });
            }
        }
        let left = self.producers.edit(
            |other| (**other).cmp(pid),
            |producer| {
                producer.len -= 1;
                producer.len
            },
        );
        if left == Some(0) {
            self.producers.remove(|other| (**other).cmp(pid));
        }
    }

    /// Milliseconds of the id that is the oldest among the first records of producers.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<u64> {
        self.oldest.first().map(|oldest| oldest.key.0)
    }

    /// Forgets records with ids of `ms` milliseconds or before, `at_most` so many, those of each producer in their order: one behind
    /// a younger one waits for it. Returns how many went.
    pub fn forget_through(&mut self, ms: u64, at_most: usize) -> usize {
        let mut gone = 0;
        while gone < at_most
            && let Some(oldest) = self.oldest.first()
            && oldest.key.0 <= ms
        {
            let pid = oldest.pid.clone();
            self.forget_oldest(&pid);
            gone += 1;
        }
        gone
    }

    /// Forgets all records; what was counted stays.
    pub fn clear(&mut self) {
        *self = Producers { added: self.added, duplicates: self.duplicates, ..Producers::default() };
    }

    /// The producers by pid: the pid, how many records, and these in the order in which they came, each the iid and the entry.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], usize, impl Iterator<Item = (&[u8], StreamId)>)> {
        self.producers.iter().map(|producer| {
            let records = self.arrivals.iter_from(&(producer.number, 0)).take(producer.len as usize);
            (&*producer.pid, producer.len as usize, records.map(|arrival| (&*arrival.iid, arrival.id)))
        })
    }
}
