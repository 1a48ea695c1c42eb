//! WATCH: optimistic locking by key.
//!
//! A watched key is entered in one map per database. Whatever modifies a key (a command, expiry, a flush, a swap) marks the
//! sessions that watch it; EXEC of a marked session is refused. A key that has expired by the time of EXEC counts as
//! modified, whether or not anybody has deleted it yet. One that had already expired when it was watched is deleted by WATCH
//! itself, like by any command that meets it: so an entry that is there under a watched name was alive, or is new.

use std::collections::BTreeMap;

use crate::session::SessionId;

/// What one session watches.
#[derive(Debug, Default)]
pub struct WatchList {
    /// Each key once per database.
    pub keys: Vec<WatchedKey>,
    /// A watched key was modified: EXEC will be refused.
    pub broken: bool,
    names_len: usize,
}

impl WatchList {
    /// Bytes that the list takes, and its entries where watchers are looked up.
    pub fn memory(&self) -> usize {
        self.names_len * 2 + self.keys.len() * (2 * size_of::<WatchedKey>() + size_of::<Vec<SessionId>>())
    }

    /// Adds a key.
    pub fn push(&mut self, watched: WatchedKey) {
        self.names_len += watched.key.len();
        self.keys.push(watched);
    }

    /// Takes all keys out.
    pub fn take(&mut self) -> Vec<WatchedKey> {
        self.names_len = 0;
        std::mem::take(&mut self.keys)
    }
}

/// One watched key.
#[derive(Debug)]
pub struct WatchedKey {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
    /// It had expired when it was watched, in a pause, when nobody may delete it: that it has is no change.
    pub was_expired: bool,
}

/// Who watches what, by database.
#[derive(Debug, Default)]
pub struct Watchers {
    databases: Vec<BTreeMap<Box<[u8]>, Vec<SessionId>>>,
    keys: usize,
}

impl Watchers {
    /// For that many databases.
    pub fn new(databases: usize) -> Watchers {
        Watchers { databases: (0..databases).map(|_| BTreeMap::new()).collect(), keys: 0 }
    }

    /// True when nobody watches anything: the one check that ordinary writes pay for.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Number of keys that are watched by somebody.
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Enters one watch. The caller makes sure that a session enters each key once.
    pub fn add(&mut self, db: usize, key: &[u8], who: SessionId) {
        let watchers = self.databases[db].entry(key.into()).or_insert_with(|| {
            self.keys += 1;
            Vec::new()
        });
        watchers.push(who);
    }

    /// Takes one watch back.
    pub fn remove(&mut self, db: usize, key: &[u8], who: SessionId) {
        let Some(watchers) = self.databases[db].get_mut(key) else { return };
        watchers.retain(|w| *w != who);
        if watchers.is_empty() {
            self.databases[db].remove(key);
            self.keys -= 1;
        }
    }

    /// Who watches this key.
    pub fn of(&self, db: usize, key: &[u8]) -> &[SessionId] {
        self.databases[db].get(key).map_or(&[], |w| w.as_slice())
    }

    /// Every watched key of a database, with its watchers.
    pub fn in_database(&self, db: usize) -> impl Iterator<Item = (&[u8], &[SessionId])> {
        self.databases[db].iter().map(|(k, w)| (&**k, w.as_slice()))
    }
}
