//! The keyspace: all numbered databases, and snapshot walks over them.
//!
//! A walk sees every database as it was at one point in time. FLUSH and SWAPDB take no more than constant time for each
//! dictionary, also during a walk: the tables of a flushed database stay here until the walks over them end.

use crate::database::Database;
use crate::dict::DetachedEntry;
use crate::entry::Entry;
use crate::hash::{HashSeed, KeyHash};
use crate::walk::{TooManyWalks, WalkId, WalkProgress};

/// The numbered databases.
pub struct Keyspace {
    databases: Vec<Held>,
    /// Flushed databases that walks still visit.
    flushed: Vec<Held>,
    dicts_per_database: usize,
    seed: HashSeed,
    next_identity: u64,
}

/// A database, known to walks by an identity that SWAPDB and FLUSH don't change.
struct Held {
    identity: u64,
    walkers: usize,
    database: Database,
}

/// A walk over the keyspace, which [`Keyspace::end_walk`] takes back.
#[derive(Debug)]
pub struct KeyspaceWalk {
    /// What is left to visit, the next one last.
    parts: Vec<Part>,
}

/// A dictionary to visit, and the number that its database had when the walk began.
#[derive(Debug)]
struct Part {
    number: usize,
    identity: u64,
    slot: usize,
    walk: WalkId,
}

/// Tables and values that nothing refers to any more. Freeing them takes long; drop it where that does no harm.
#[must_use = "dropping it frees every entry, which may take long"]
#[derive(Default)]
pub struct Detached {
    databases: Vec<Database>,
    entries: Vec<DetachedEntry>,
}

impl Detached {
    /// How many keys there are to free.
    #[must_use]
    pub fn len(&self) -> usize {
        self.databases.iter().map(Database::len).sum::<usize>() + self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.databases.iter().all(Database::is_empty) && self.entries.is_empty()
    }
}

impl Keyspace {
    /// Empty databases.
    #[must_use]
    pub fn new(databases: usize, dicts_per_database: usize, seed: HashSeed) -> Self {
        let mut keyspace =
            Keyspace { databases: Vec::new(), flushed: Vec::new(), dicts_per_database, seed, next_identity: 0 };
        for _ in 0..databases {
            let held = keyspace.empty_database();
            keyspace.databases.push(held);
        }
        keyspace
    }

    fn empty_database(&mut self) -> Held {
        self.next_identity += 1;
        let database = Database::new(self.dicts_per_database, self.seed);
        Held { identity: self.next_identity, walkers: 0, database }
    }

    /// The secret of the hash.
    #[must_use]
    pub fn seed(&self) -> &HashSeed {
        &self.seed
    }

    /// Hashes a key, for any database.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        self.seed.hash(key)
    }

    /// How many databases there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.databases.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty()
    }

    /// A database by its number.
    ///
    /// # Panics
    /// When `number` is not below [`Keyspace::len`].
    #[inline]
    #[must_use]
    pub fn db(&self, number: usize) -> &Database {
        &self.databases[number].database
    }

    /// A database by its number, to change it.
    ///
    /// # Panics
    /// When `number` is not below [`Keyspace::len`].
    #[inline]
    pub fn db_mut(&mut self, number: usize) -> &mut Database {
        &mut self.databases[number].database
    }

    /// Exchanges two databases (SWAPDB).
    pub fn swap(&mut self, a: usize, b: usize) {
        self.databases.swap(a, b);
    }

    /// Empties a database. What walks still need is kept until they end.
    pub fn flush(&mut self, number: usize) -> Detached {
        let empty = self.empty_database();
        let old = std::mem::replace(&mut self.databases[number], empty);
        if old.walkers > 0 {
            self.flushed.push(old);
            return Detached::default();
        }
        Detached { databases: vec![old.database], entries: Vec::new() }
    }

    /// Empties all databases.
    pub fn flush_all(&mut self) -> Detached {
        let databases = (0..self.databases.len()).flat_map(|number| self.flush(number).databases).collect();
        Detached { databases, entries: Vec::new() }
    }

    /// The memory of all databases, in bytes; those that only walks still hold included.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.databases.iter().chain(&self.flushed).map(|held| held.database.memory()).sum()
    }

    /// Takes out the values that were removed or replaced one by one and would take long to free.
    #[must_use = "dropping it frees large collections"]
    pub fn take_graves(&mut self) -> Detached {
        let mut detached = Detached::default();
        for held in self.databases.iter_mut().chain(&mut self.flushed) {
            held.database.take_graves(&mut detached.entries);
        }
        detached
    }

    /// Begins a walk over all databases as they are now. Give it back with [`Keyspace::end_walk`], finished or not.
    ///
    /// # Errors
    /// [`TooManyWalks`] when [`crate::MAX_WALKS`] are active.
    pub fn begin_walk(&mut self) -> Result<KeyspaceWalk, TooManyWalks> {
        let mut walk = KeyspaceWalk { parts: Vec::new() };
        for number in (0..self.databases.len()).rev() {
            let held = &mut self.databases[number];
            for slot in (0..held.database.dicts()).rev() {
                let dict = held.database.dict_mut(slot);
                // What is empty now has nothing to show later.
                if dict.is_empty() {
                    continue;
                }
                match dict.begin_walk() {
                    Ok(id) => {
                        held.walkers += 1;
                        walk.parts.push(Part { number, identity: held.identity, slot, walk: id });
                    }
                    Err(too_many) => {
                        drop(self.end_walk(walk));
                        return Err(too_many);
                    }
                }
            }
        }
        Ok(walk)
    }

    /// Makes walks give entries that change meanwhile as they are later, for a test to see what comes of it.
    pub fn plant_late_copies(&mut self) {
        for held in &mut self.databases {
            for slot in 0..held.database.dicts() {
                held.database.dict_mut(slot).plant_late_copies();
            }
        }
    }

    /// Goes on with a walk until `budget_units` are spent. Each entry there was is given to `sink` exactly once, with the
    /// number that its database had then; databases come in the order of their numbers.
    pub fn walk_slice(
        &mut self,
        walk: &mut KeyspaceWalk,
        budget_units: u64,
        sink: &mut dyn FnMut(usize, Entry<'_>),
    ) -> WalkProgress {
        let mut units = 0;
        while let Some(part) = walk.parts.last() {
            if units >= budget_units {
                return WalkProgress { done: false, units };
            }
            let held = self.held_mut(part.identity);
            let dict = held.database.dict_mut(part.slot);
            let progress = dict.walk_slice(part.walk, budget_units - units, &mut |entry| sink(part.number, entry));
            units += progress.units;
            if progress.done {
                dict.end_walk(part.walk);
                held.walkers -= 1;
                walk.parts.pop();
            }
        }
        WalkProgress { done: true, units }
    }

    /// The bytes of entries that were copied before a write and that no slice has taken yet.
    #[must_use]
    pub fn walk_pending_bytes(&self, walk: &KeyspaceWalk) -> usize {
        let pending = |part: &Part| self.held(part.identity).database.dict(part.slot).walk_pending_bytes(part.walk);
        walk.parts.iter().map(pending).sum()
    }

    /// Ends a walk, finished or not, and gives back the flushed tables that only it had kept.
    pub fn end_walk(&mut self, walk: KeyspaceWalk) -> Detached {
        for part in walk.parts {
            let held = self.held_mut(part.identity);
            held.database.dict_mut(part.slot).end_walk(part.walk);
            held.walkers -= 1;
        }
        let (unneeded, needed) = std::mem::take(&mut self.flushed).into_iter().partition(|held| held.walkers == 0);
        self.flushed = needed;
        let databases = unneeded.into_iter().map(|held: Held| held.database).collect();
        Detached { databases, entries: Vec::new() }
    }

    fn held(&self, identity: u64) -> &Held {
        let mut all = self.databases.iter().chain(&self.flushed);
        all.find(|held| held.identity == identity).expect("a database stays while a walk visits it")
    }

    fn held_mut(&mut self, identity: u64) -> &mut Held {
        let mut all = self.databases.iter_mut().chain(&mut self.flushed);
        all.find(|held| held.identity == identity).expect("a database stays while a walk visits it")
    }
}

#[cfg(test)]
mod tests;
