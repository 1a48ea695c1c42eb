//! WATCH: optimistic locking by key.
//!
//! A watched key is entered in one map per database. Whatever modifies a key (a command, expiry, a flush, a swap) marks the
//! sessions that watch it; EXEC of a marked session is refused, so all its watches end with the first that is broken. A key that has expired by the time of EXEC counts as
//! modified, whether or not anybody has deleted it yet. One that had already expired when it was watched is deleted by WATCH
//! itself, like by any command that meets it: so an entry that is there under a watched name was alive, or is new.

use std::collections::BTreeMap;

use refrain_data::Keyspace;

use crate::client_memory::ClientMemory;
use crate::session::{Session, SessionId};
use crate::sessions::Sessions;

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

    /// Whether a session watches this key.
    pub fn has(&self, db: usize, key: &[u8], who: SessionId) -> bool {
        self.databases[db].get(key).is_some_and(|watchers| watchers.contains(&who))
    }

    /// Every watched key of a database.
    pub fn in_database(&self, db: usize) -> impl Iterator<Item = &[u8]> {
        self.databases[db].keys().map(|key| &**key)
    }

    /// Ends all watches of a session. Whether one was broken stays known.
    pub fn forget(&mut self, session: &mut Session) {
        for watched in session.watch.take() {
            self.remove(watched.db, &watched.key, session.handle);
        }
    }

    /// Breaks the watches on a key that was modified. The executing session is taken out and breaks its own, when it asks
    /// [`Sessions::take_broken`]: what a client does to a key that it watches counts, too.
    pub(crate) fn break_on(&mut self, sessions: &mut Sessions, memory: &mut ClientMemory, db: usize, key: &[u8]) {
        let Some(watching) = self.databases[db].remove(key) else { return };
        self.keys -= 1;
        for who in watching {
            match sessions.get_mut(who) {
                Some(session) => {
                    session.watch.broken = true;
                    self.forget(session);
                    memory.account(session);
                }
                None => sessions.mark_taken_broken(),
            }
        }
    }

    /// Breaks the watches on keys of a database that exist there, expired or not, or in the one that is about to take its place.
    pub(crate) fn break_on_existing(
        &mut self,
        sessions: &mut Sessions,
        memory: &mut ClientMemory,
        keyspace: &Keyspace,
        (db, successor): (usize, Option<usize>),
    ) {
        let exists = |key: &&[u8]| {
            let hash = keyspace.hash(key);
            std::iter::once(db).chain(successor).any(|db| keyspace.db(db).get(hash, key).is_some())
        };
        let existing: Vec<Box<[u8]>> = self.in_database(db).filter(exists).map(Box::from).collect();
        for key in existing {
            self.break_on(sessions, memory, db, &key);
        }
    }
}
