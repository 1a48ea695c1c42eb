//! A point in time of the whole data set, taken a slice at a time while commands go on.
//!
//! What a slice yields is copies of entries, as they were when the snapshot began; encoding and writing them is the
//! node's business, and happens elsewhere. Nothing here waits: a snapshot that is taken too slowly holds on to more and more
//! entries that were changed meanwhile ([`Engine::snapshot_pending_bytes`]), and it is the node that gives it up.

use std::sync::Arc;

use refrain_data::{Detached, EntryBatch, KeyspaceWalk, TooManyWalks};
use refrain_persist::Version;

use crate::engine::Engine;
use crate::hooks::{Bug, Hooks};

/// A snapshot under way. Give it back with [`Engine::end_snapshot`], finished or not.
#[derive(Debug)]
pub struct Snapshot {
    walk: KeyspaceWalk,
    /// The databases that had keys, in the order in which they come.
    databases: Vec<DatabaseSize>,
    /// Keys of all of them.
    keys: u64,
    libraries: Vec<Arc<[u8]>>,
}

/// What a snapshot holds of keys' use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptUsage {
    /// Nothing.
    Nothing,
    /// For how long each has not been used, given the 24 bits of one that is used now.
    Idle {
        /// Those bits.
        now: u32,
    },
    /// How often each is used.
    Frequency,
}

/// How large a database was when a snapshot began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseSize {
    /// Its number.
    pub number: usize,
    /// Its keys.
    pub keys: u64,
    /// Those of them that have a deadline.
    pub with_deadline: u64,
}

/// Entries of one slice: those of each database apart.
#[derive(Default)]
pub struct Slice {
    /// A database's number, and entries of it. Databases come in the order of their numbers.
    pub parts: Vec<(usize, EntryBatch)>,
    /// Bytes for which there is room at once in each.
    room: usize,
}

impl Slice {
    /// An empty slice that is expected to come to so many bytes: what grows to that piece by piece is copied on the way.
    #[must_use]
    pub fn with_room(bytes: usize) -> Slice {
        Slice { parts: Vec::new(), room: bytes }
    }

    /// Bytes that the entries take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|(_, batch)| batch.bytes()).sum()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|(_, batch)| batch.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|(_, batch)| batch.is_empty())
    }
}

impl Snapshot {
    /// The databases that had keys, in the order in which they come.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseSize] {
        &self.databases
    }

    /// Keys of all of them.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The sources of all libraries of functions.
    #[must_use]
    pub fn libraries(&self) -> &[Arc<[u8]>] {
        &self.libraries
    }
}

impl<H: Hooks> Engine<H> {
    /// Begins a snapshot of everything as it is now.
    ///
    /// # Errors
    /// When as many are under way as there may be.
    pub fn begin_snapshot(&mut self) -> Result<Snapshot, TooManyWalks> {
        let keyspace = &mut self.state.keyspace;
        if self.hooks.planted(Bug::LateCopies) {
            keyspace.plant_late_copies();
        }
        let walk = keyspace.begin_walk()?;
        let databases: Vec<DatabaseSize> = (0..keyspace.len())
            .map(|number| {
                let db = keyspace.db(number);
                DatabaseSize { number, keys: db.len() as u64, with_deadline: db.volatile_len() as u64 }
            })
            .filter(|db| db.keys > 0)
            .collect();
        let keys = databases.iter().map(|db| db.keys).sum();
        Ok(Snapshot { walk, databases, keys, libraries: self.state.libraries.sources() })
    }

    /// Goes on with a snapshot until so many units of work are spent, and adds what it comes to to `slice`. True once everything
    /// was given.
    pub fn snapshot_slice(&mut self, snapshot: &mut Snapshot, units: u64, slice: &mut Slice) -> bool {
        let Slice { parts, room } = slice;
        let progress =
            self.state.keyspace.walk_slice(&mut snapshot.walk, units, &mut |number, entry| match parts.last_mut() {
                Some((last, batch)) if *last == number => batch.push(entry),
                _ => {
                    let mut batch = EntryBatch::with_room(*room);
                    batch.push(entry);
                    parts.push((number, batch));
                }
            });
        self.hooks.work(progress.units / UNITS_PER_WORK);
        progress.done
    }

    /// Bytes of entries that were copied before a change and that no slice has taken yet.
    #[must_use]
    pub fn snapshot_pending_bytes(&self, snapshot: &Snapshot) -> usize {
        self.state.keyspace.walk_pending_bytes(&snapshot.walk)
    }

    /// The oldest version of the format that can hold all that there is now: what streams remember of producers needs the newest, hashes
    /// with deadlines of fields the one before it, and what is known of consumers of streams the one before that.
    #[must_use]
    pub fn snapshot_version(&self) -> Version {
        let keyspace = &self.state.keyspace;
        if self.state.has_had_producers {
            Version::V13
        } else if (0..keyspace.len()).any(|number| keyspace.db(number).hashes_with_deadlines() > 0) {
            Version::V12
        } else if self.state.has_had_consumers {
            Version::V11
        } else {
            Version::V10
        }
    }

    /// What a snapshot should hold of keys' use: only what eviction goes by.
    #[must_use]
    pub fn kept_usage(&self) -> KeptUsage {
        let policy = self.state.config.memory.maxmemory_policy;
        if policy.is_lfu() {
            KeptUsage::Frequency
        } else if policy.is_lru() {
            KeptUsage::Idle { now: self.state.usage.stamp() }
        } else {
            KeptUsage::Nothing
        }
    }

    /// Ends a snapshot, finished or not. What only it had kept is to be freed.
    pub fn end_snapshot(&mut self, snapshot: Snapshot) {
        let detached: Detached = self.state.keyspace.end_walk(snapshot.walk);
        if !detached.is_empty() {
            self.state.effects.detached.push(detached);
        }
        self.state.gather_graves();
    }
}

/// Buckets looked at and entries copied for a unit of work, which is about a microsecond.
const UNITS_PER_WORK: u64 = 16;
