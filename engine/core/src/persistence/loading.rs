//! Loading a data set: what the node reads from a file comes in key by key or command by command.
//!
//! Until it is over commands are refused that are not allowed meanwhile, nothing is saved, nobody is served who waits for a key,
//! and nothing expires: a deadline that comes while the file is read must decide no other than it decided when the file was
//! written. What has expired is found when the loading has ended.

use std::collections::VecDeque;

use refrain_data::{DetachedEntry, Entry, Hash, KeyHash, Kind};
use refrain_persist::rdb::LoadedKey;
use refrain_persist::{Limits, Restored, Usage};

use crate::call::Key;
use crate::commands::dump::value_limits;
use crate::effects::Level;
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::libraries::LibraryError;
use crate::state::State;

/// How far a loading has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loading {
    pub(crate) began_unix_s: u64,
    pub(crate) began_us: u64,
    pub(crate) total_bytes: u64,
    pub(crate) loaded_bytes: u64,
    /// Bytes of memory that the file says the data set took when it was written.
    pub(crate) used_memory: u64,
    /// Empty collections met in the present file, which no key holds.
    empty_keys: u64,
}

/// Keys of the last loading.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LastLoad {
    pub(crate) loaded: u64,
    pub(crate) expired: u64,
}

/// What the file was that a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadRule {
    /// A key replaces the one of its name that is there; otherwise there must be none.
    pub merge: bool,
    /// Keys are kept whose deadline has passed: what follows the file was written while they were there.
    pub keeps_expired: bool,
}

/// Why a key can't be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The file holds it twice, or the data set held it before.
    Duplicate {
        /// Its database.
        db: usize,
        /// Its name.
        key: Vec<u8>,
    },
    /// It belongs to a database that there is not.
    NoSuchDatabase {
        /// How many there are.
        databases: usize,
    },
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Duplicate { db, key } => write!(f, "RDB has duplicated key '{}' in DB {db}", key.escape_ascii()),
            LoadError::NoSuchDatabase { databases } => {
                write!(
                    f,
                    "Data file was created with a Redis server configured to handle more than {databases} databases"
                )
            }
        }
    }
}

impl std::error::Error for LoadError {}

impl<H: Hooks> Engine<H> {
    /// What values become when they are read: what commands of clients would have made of them.
    pub fn value_limits(&self) -> Limits {
        value_limits(&self.state)
    }

    /// A data set is going to be loaded, of so many bytes.
    pub fn loading_began(&mut self, total_bytes: u64) {
        let now = self.hooks.now();
        self.state.persistence.loading = Some(Loading {
            began_unix_s: now.unix_s(),
            began_us: now.mono_us,
            total_bytes,
            loaded_bytes: 0,
            used_memory: 0,
            empty_keys: 0,
        });
        self.state.persistence.last_load = LastLoad::default();
        self.state.set_now(now);
        self.state.judge_disk();
    }

    /// The file says how much memory its data set took when it was written.
    pub fn loading_found_used_memory(&mut self, bytes: u64) {
        if let Some(loading) = &mut self.state.persistence.loading {
            loading.used_memory = bytes;
        }
    }

    /// So many bytes of it are read, of all files together. To be called now and then, for it also looks at the clock and gives
    /// away what is to be freed.
    pub fn loading_progress(&mut self, loaded_bytes: u64) {
        if let Some(loading) = &mut self.state.persistence.loading {
            loading.loaded_bytes = loaded_bytes;
        }
        self.state.set_now(self.hooks.now());
        self.state.gather_graves();
    }

    /// One file of keys is read to its end.
    pub fn loaded_snapshot(&mut self) {
        let State { persistence, effects, .. } = &mut self.state;
        let Some(loading) = &mut persistence.loading else { return };
        let LastLoad { loaded, expired } = persistence.last_load;
        let empty = std::mem::take(&mut loading.empty_keys);
        let text =
            format!("Done loading RDB, keys loaded: {loaded}, keys expired: {expired}, empty keys skipped: {empty}.");
        effects.log(Level::Notice, text);
    }

    /// The data set is complete, or will not be completed: commands execute again.
    pub fn loading_ended(&mut self) {
        self.replay_ends();
        // Whoever has read a file to its end has heard of a key that is twice in it; of a file that was given up nobody asks.
        let _ = self.load_arrived(0);
        self.state.persistence.arriving = Arrivals::default();
        self.state.persistence.loading = None;
        self.state.set_now(self.hooks.now());
        self.state.judge_disk();
        self.state.gather_graves();
        let libraries = self.state.libraries.len();
        if libraries > 0 {
            let text =
                format!("Libraries of functions: {libraries}. They are kept for the files, but can't be called.");
            self.state.effects.log(Level::Warning, text);
        }
        if !self.state.pause.is_on() {
            self.state.waiters.serve_held_back();
        }
    }

    /// A file says how many keys this database will have; `bytes` that it still has bound what is believed.
    pub fn loading_expects(&mut self, db: u64, keys: u64, bytes: u64) {
        /// No key takes fewer in a file: a type, a length, a value's length.
        const KEY_BYTES_MIN: u64 = 4;
        let keyspace = &mut self.state.keyspace;
        if let Some(db) = usize::try_from(db).ok().filter(|db| *db < keyspace.len()) {
            let keys = keys.min(bytes / KEY_BYTES_MIN);
            keyspace.db_mut(db).reserve(usize::try_from(keys).unwrap_or(usize::MAX));
        }
    }

    /// Adds a key as it was read. One whose deadline has passed, or that of each of its fields, is left out, unless `rule` keeps it; so
    /// is an empty collection, which old servers have written by mistake.
    ///
    /// # Errors
    /// When the file can't be what a server has written for this data set. It is not to be read any further.
    pub fn load_key(&mut self, key: LoadedKey<'_>, rule: LoadRule) -> Result<(), LoadError> {
        const EMPTY_KEYS_LOGGED: u64 = 10;
        let LoadedKey { db, key: name, value, deadline_ms: deadline, usage, .. } = key;
        let name: &[u8] = &name;
        let state = &mut self.state;
        let databases = state.keyspace.len();
        let db = usize::try_from(db).ok().filter(|db| *db < databases);
        let db = db.ok_or(LoadError::NoSuchDatabase { databases })?;
        if matches!(value, Restored::Nothing) {
            if let Some(loading) = &mut state.persistence.loading {
                loading.empty_keys += 1;
                if loading.empty_keys <= EMPTY_KEYS_LOGGED {
                    let text = format!("rdbLoadObject skipping empty key: {}", name.escape_ascii());
                    state.effects.log(Level::Notice, text);
                }
            }
            return Ok(());
        }
        if !rule.keeps_expired && deadline.is_some_and(|at| at < state.now.unix_ms()) {
            state.persistence.last_load.expired += 1;
            return Ok(());
        }
        let bits = match usage {
            Usage::Nothing => None,
            Usage::Idle { seconds } => state.usage.idle_for(seconds),
            Usage::Frequency(count) => state.usage.counted(count),
        };
        let bits = bits.unwrap_or_else(|| state.usage.stamp());
        let hash = state.keyspace.hash(name);
        state.keyspace.db(db).prefetch_bucket(hash);
        state.has_had_consumers |= value.has_consumers();
        state.has_had_producers |= value.remembers_producers();
        let entry = match value {
            Restored::String(value) => DetachedEntry::string(name, value.to_new_value(), deadline, bits),
            Restored::Collection(kind, body) => DetachedEntry::collection(name, kind, body, deadline, bits),
            Restored::Nothing => unreachable!("it was left out above"),
        };
        if !rule.keeps_expired && all_fields_have_expired(entry.entry(), state.now.unix_ms()) {
            state.persistence.last_load.expired += 1;
            return Ok(());
        }
        let arriving = &mut state.persistence.arriving.0;
        arriving.push_back(Arriving { db, hash, entry, merge: rule.merge });
        match arriving.len() > ARRIVING_MAX {
            true => self.load_arrived(ARRIVING_MAX),
            false => Ok(()),
        }
    }

    /// Adds a library of functions as it was read: it is kept for the files that will be written, for nothing here runs it.
    ///
    /// # Errors
    /// When the file can't be what a server has written for this data set. It is not to be read any further.
    pub fn load_library(&mut self, source: &[u8], rule: LoadRule) -> Result<(), LibraryError> {
        self.state.libraries.add(source, rule.merge)
    }

    /// Puts keys that were read in their places, until no more than `left` have yet to be: at the end of a file, none.
    ///
    /// # Errors
    /// As [`Engine::load_key`].
    pub fn load_arrived(&mut self, left: usize) -> Result<(), LoadError> {
        let state = &mut self.state;
        while state.persistence.arriving.0.len() > left
            && let Some(Arriving { db, hash, entry, merge }) = state.persistence.arriving.0.pop_front()
        {
            state.also_modified(&Key { db, name: entry.entry().key(), hash });
            let database = state.keyspace.db_mut(db);
            if let Err(entry) = database.insert_whole(hash, entry) {
                if !merge {
                    return Err(LoadError::Duplicate { db, key: entry.entry().key().to_vec() });
                }
                database.remove(hash, entry.entry().key());
                assert!(database.insert_whole(hash, entry).is_ok(), "the key was removed");
            }
            state.persistence.last_load.loaded += 1;
        }
        Ok(())
    }
}

/// Whether an entry is a hash that has no field any more.
fn all_fields_have_expired(entry: Entry<'_>, now_ms: u64) -> bool {
    if entry.kind() != Kind::Hash {
        return false;
    }
    let hash = entry.view::<Hash>().expect("an entry of a type is viewed as one");
    hash.earliest_deadline().is_some_and(|at| at <= now_ms) && hash.due(now_ms) == hash.len()
}

/// Keys that were read and whose places are being brought near: a cache miss takes as long as reading some keys more.
const ARRIVING_MAX: usize = 16;

/// A key that was read.
struct Arriving {
    db: usize,
    hash: KeyHash,
    entry: DetachedEntry,
    merge: bool,
}

/// Keys that were read, in their order.
#[derive(Default)]
pub(super) struct Arrivals(VecDeque<Arriving>);

impl std::fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}
