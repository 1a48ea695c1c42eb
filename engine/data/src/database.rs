//! A database: one dictionary, or one for each hash slot of a cluster.

use crate::dict::{DetachedEntry, Dict, Lookup, SweepReport};
use crate::entry::Entry;
use crate::hash::{HashSeed, KeyHash};
use crate::value::{Deadline, NewValue};

/// With several dictionaries a cursor has the dictionary above this bit and the position in it below.
const POSITION_BITS: u32 = 34;
/// Positions in a dictionary have 48 bits; with several dictionaries a cursor holds the upper 34.
const POSITION_GRAIN: u32 = 48 - POSITION_BITS;

/// The most dictionaries a database may have: the hash slots of a cluster.
pub const DICTS_MAX: usize = 16_384;

/// One numbered database.
pub struct Database {
    dicts: Vec<Dict>,
    /// The dictionary that the sweep visits next.
    sweep: usize,
    /// The dictionary in which hashes with due fields are looked for first.
    due: usize,
}

impl Database {
    /// An empty database of `dicts` dictionaries.
    ///
    /// # Panics
    /// When `dicts` is 0 or above [`DICTS_MAX`].
    #[must_use]
    pub fn new(dicts: usize, seed: HashSeed) -> Self {
        assert!((1..=DICTS_MAX).contains(&dicts), "a database has 1 to {DICTS_MAX} dictionaries");
        Database { dicts: (0..dicts).map(|_| Dict::new(seed)).collect(), sweep: 0, due: 0 }
    }

    /// How many dictionaries there are.
    #[must_use]
    pub fn dicts(&self) -> usize {
        self.dicts.len()
    }

    /// The dictionary of a hash slot; slot 0 outside cluster mode.
    #[inline]
    #[must_use]
    pub fn dict(&self, slot: usize) -> &Dict {
        &self.dicts[slot]
    }

    /// The dictionary of a hash slot, to change it.
    #[inline]
    pub fn dict_mut(&mut self, slot: usize) -> &mut Dict {
        &mut self.dicts[slot]
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dicts.iter().map(Dict::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dicts.iter().all(Dict::is_empty)
    }

    /// How many keys have a deadline.
    #[must_use]
    pub fn volatile_len(&self) -> usize {
        self.dicts.iter().map(Dict::volatile_len).sum()
    }

    /// The share of [`Database::memory`] that entries take.
    #[must_use]
    pub fn entry_memory(&self) -> usize {
        self.dicts.iter().map(Dict::entry_memory).sum()
    }

    /// How many keys the present buckets have slots for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.dicts.iter().map(Dict::slots).sum()
    }

    /// The memory of all dictionaries, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let inline = if self.dicts.len() == 1 { 0 } else { self.dicts.len() * size_of::<Dict>() };
        inline + self.dicts.iter().map(Dict::memory).sum::<usize>()
    }

    /// [`Dict::get`] of the only dictionary.
    #[inline]
    #[must_use]
    pub fn get(&self, hash: KeyHash, key: &[u8]) -> Option<Entry<'_>> {
        self.dicts[0].get(hash, key)
    }

    /// [`Dict::lookup`] in the only dictionary.
    #[inline]
    pub fn lookup<'d, 'k>(&'d mut self, hash: KeyHash, key: &'k [u8]) -> Lookup<'d, 'k> {
        self.dicts[0].lookup(hash, key)
    }

    /// [`Dict::lookup_live`] in the only dictionary.
    #[inline]
    pub fn lookup_live<'d, 'k>(
        &'d mut self,
        hash: KeyHash,
        key: &'k [u8],
        dead: impl FnOnce(Entry<'_>) -> bool,
    ) -> (Lookup<'d, 'k>, bool) {
        self.dicts[0].lookup_live(hash, key, dead)
    }

    /// [`Dict::set`] in the only dictionary.
    pub fn set(&mut self, hash: KeyHash, key: &[u8], value: NewValue<'_>, deadline: Deadline) -> bool {
        self.dicts[0].set(hash, key, value, deadline)
    }

    /// [`Dict::remove`] from the only dictionary.
    pub fn remove(&mut self, hash: KeyHash, key: &[u8]) -> bool {
        self.dicts[0].remove(hash, key)
    }

    /// [`Dict::reserve`] of the only dictionary; of several nobody knows how keys are shared out.
    pub fn reserve(&mut self, keys: usize) {
        if let [dict] = &mut self.dicts[..] {
            dict.reserve(keys);
        }
    }

    /// [`Dict::take_graves`] of all dictionaries, appended to `graves`.
    pub fn take_graves(&mut self, graves: &mut Vec<DetachedEntry>) {
        for dict in &mut self.dicts {
            graves.append(&mut dict.take_graves());
        }
    }

    /// [`Dict::insert_whole`] of the only dictionary.
    ///
    /// # Errors
    /// See there.
    pub fn insert_whole(&mut self, hash: KeyHash, entry: DetachedEntry) -> Result<(), DetachedEntry> {
        self.dicts[0].insert_whole(hash, entry)
    }

    /// [`Dict::prefetch_bucket`] of the only dictionary.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        self.dicts[0].prefetch_bucket(hash);
    }

    /// [`Dict::prefetch_entry`] of the only dictionary.
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        self.dicts[0].prefetch_entry(hash);
    }

    /// [`Dict::prefetch_collection`] of the only dictionary.
    #[inline]
    pub fn prefetch_collection(&self, hash: KeyHash) {
        self.dicts[0].prefetch_collection(hash);
    }

    /// [`Dict::scan`] over all dictionaries, one after the other. Cursors are below 2^48 here too.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Entry<'_>)) -> u64 {
        if let [only] = self.dicts.as_slice() {
            return only.scan(cursor, count, visit);
        }
        let mut index = usize::try_from(cursor >> POSITION_BITS).unwrap_or(usize::MAX);
        let mut position = (cursor & ((1 << POSITION_BITS) - 1)) << POSITION_GRAIN;
        let mut visited = 0;
        while let Some(dict) = self.dicts.get(index) {
            if !dict.is_empty() {
                let mut counting = |entry: Entry<'_>| {
                    visited += 1;
                    visit(entry);
                };
                position = dict.scan_aligned(position, 1 << POSITION_GRAIN, count, &mut counting);
                if position != 0 {
                    return (index as u64) << POSITION_BITS | position >> POSITION_GRAIN;
                }
            }
            (index, position) = (index + 1, 0);
            if visited >= count && index < self.dicts.len() {
                return (index as u64) << POSITION_BITS;
            }
        }
        0
    }

    /// A random entry: of a dictionary in proportion to its keys, as [`Dict::random`] chooses.
    #[must_use]
    pub fn random(&self, entropy: u64) -> Option<Entry<'_>> {
        if let [only] = self.dicts.as_slice() {
            return only.random(entropy);
        }
        let mut rest = usize::try_from(entropy.checked_rem(self.len() as u64)?).ok()?;
        let chosen = self.dicts.iter().find(|dict| {
            let here = rest < dict.len();
            rest = rest.saturating_sub(dict.len());
            here
        })?;
        chosen.random(entropy)
    }

    /// Visits up to `count` deadlines, as [`Dict::sample_deadlines`] chooses them.
    pub fn sample_deadlines(&self, entropy: u64, count: usize, visit: &mut dyn FnMut(u64)) {
        let mut left = count;
        for dict in &self.dicts {
            left -= dict.sample_deadlines(entropy, left, visit);
        }
    }

    /// How many keys hold a hash with fields that have deadlines.
    #[must_use]
    pub fn hashes_with_deadlines(&self) -> usize {
        self.dicts.iter().map(Dict::hashes_with_deadlines).sum()
    }

    /// How many keys hold a stream that remembers what producers have sent.
    #[must_use]
    pub fn streams_with_records(&self) -> usize {
        self.dicts.iter().map(Dict::streams_with_records).sum()
    }

    /// [`Dict::due_hash`] of one of the dictionaries that have such, the one that had the last if possible.
    pub fn due_hash(&mut self, now: u64) -> Option<Entry<'_>> {
        self.due = self.find_dict(|dict| dict.due_hash(now).is_some())?;
        self.dicts[self.due].due_hash(now)
    }

    /// [`Dict::due_stream`] in the same way.
    pub fn due_stream(&mut self, now: u64) -> Option<Entry<'_>> {
        self.due = self.find_dict(|dict| dict.due_stream(now).is_some())?;
        self.dicts[self.due].due_stream(now)
    }

    /// The first dictionary from [`Database::due`] on that is such.
    fn find_dict(&self, is_such: impl Fn(&Dict) -> bool) -> Option<usize> {
        let count = self.dicts.len();
        (0..count).map(|step| (self.due + step) % count).find(|slot| is_such(&self.dicts[*slot]))
    }

    /// [`Dict::sweep_expired`] over all dictionaries, from where the last sweep ended. Passing over a dictionary without
    /// deadlines costs a unit.
    pub fn sweep_expired(
        &mut self,
        now_ms: u64,
        budget_units: u64,
        removing: &mut dyn FnMut(Entry<'_>),
    ) -> SweepReport {
        let mut total = SweepReport::default();
        for _ in 0..self.dicts.len() {
            if total.units >= budget_units {
                total.behind = true;
                break;
            }
            let report = self.dicts[self.sweep].sweep_expired(now_ms, budget_units - total.units, removing);
            total.units += report.units.max(1);
            total.removed += report.removed;
            if report.behind {
                total.behind = true;
                break;
            }
            self.sweep = (self.sweep + 1) % self.dicts.len();
        }
        total
    }
}

#[cfg(test)]
mod tests;
