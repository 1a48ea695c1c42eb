//! How commands reach keys: [`State::read`] and its like for those who ask, [`State::write`] for those who may change.
//!
//! All of them keep the one rule of expiry (see [`crate::expiry`]): a key whose deadline has come is not found. They differ in what is
//! counted, in whether it is a use of the key, and in who hears of a miss.

use refrain_data::{Entry, Lookup};

use crate::call::Key;
use crate::expiry::expired;
use crate::notify::NotifyClass;
use crate::state::State;

impl State {
    /// Looks a key up for a command that reads its value: counts a hit or a miss, and marks the key as used.
    #[inline(always)]
    pub fn read(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        if let Some(stamp) = self.usage.time_stamp()
            && self.touches
        {
            let found = self.inspect(key)?;
            found.touch(stamp);
            return Some(found);
        }
        self.read_rarely(key)
    }

    /// The same where uses are counted, or don't count.
    #[inline(never)]
    fn read_rarely(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        let mark = self.usage.mark(self.touches);
        let found = self.inspect(key)?;
        mark.on(found);
        Some(found)
    }

    /// Looks a key up for a command that asks about it (TYPE, TTL, EXISTS): as [`State::read`], but that is no use of it.
    #[inline]
    pub fn inspect(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        if self.heard {
            self.announce(key, NotifyClass::KEY_MISS);
        }
        self.counted(key)
    }

    /// Looks a key up for an operator (OBJECT): as [`State::inspect`], but a miss is nobody's news.
    pub fn examine(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        if self.heard {
            self.announce(key, NotifyClass::NONE);
        }
        self.counted(key)
    }

    /// The entry, unless its deadline has come; counted as a hit or a miss.
    #[inline]
    fn counted(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        let now_ms = self.deadlines_ms();
        match self.keyspace.db_mut(key.db).lookup(key.hash, key.name) {
            Lookup::Occupied(found) if !expired(found.deadline(), now_ms) || self.serve_expired => {
                self.stats.keyspace_hits += 1;
                Some(found.into_entry())
            }
            // It is missing already, and stays where it is until there may be writes again.
            Lookup::Occupied(_) if self.pause.is_on() => {
                self.stats.keyspace_misses += 1;
                None
            }
            Lookup::Occupied(found) => {
                found.remove();
                self.stats.keyspace_misses += 1;
                self.stats.expired_keys += 1;
                let State { effects, watchers, waiters, sessions, client_memory, .. } = self;
                Self::lost(effects, watchers, waiters, sessions, client_memory, key);
                None
            }
            Lookup::Vacant(_) => {
                self.stats.keyspace_misses += 1;
                None
            }
        }
    }

    /// Looks a key up without counting, and without marking it as used.
    #[inline]
    pub fn peek(&mut self, key: &Key<'_>) -> Option<Entry<'_>> {
        if self.pause.is_on() {
            let found = self.keyspace.db(key.db).get(key.hash, key.name);
            return found.filter(|entry| !expired(entry.deadline(), self.deadlines_ms()));
        }
        match self.live(key) {
            Lookup::Occupied(found) => Some(found.into_entry()),
            Lookup::Vacant(_) => None,
        }
    }

    /// Looks a key up for a command that may change it, and marks it as used. The command calls [`State::modified`] if it does.
    pub fn write<'s, 'k>(&'s mut self, key: &Key<'k>) -> Lookup<'s, 'k> {
        self.write_here(key)
    }

    /// The same as part of its caller: for the commands that are met most.
    #[inline(always)]
    pub(crate) fn write_here<'s, 'k>(&'s mut self, key: &Key<'k>) -> Lookup<'s, 'k> {
        if let Some(stamp) = self.usage.time_stamp()
            && self.touches
        {
            return match self.live(key) {
                Lookup::Occupied(found) => {
                    found.entry().touch(stamp);
                    Lookup::Occupied(found)
                }
                Lookup::Vacant(free) => Lookup::Vacant(free.stamped(stamp)),
            };
        }
        self.write_rarely(key)
    }

    /// The same where uses are counted, or don't count.
    #[inline(never)]
    fn write_rarely<'s, 'k>(&'s mut self, key: &Key<'k>) -> Lookup<'s, 'k> {
        let (mark, stamp) = (self.usage.mark(self.touches), self.usage.stamp());
        match self.live(key) {
            Lookup::Occupied(found) => {
                mark.on(found.entry());
                Lookup::Occupied(found)
            }
            Lookup::Vacant(free) => Lookup::Vacant(free.stamped(stamp)),
        }
    }

    /// The key's entry or its place; whoever's deadline has come is deleted first.
    #[inline(always)]
    fn live<'s, 'k>(&'s mut self, key: &Key<'k>) -> Lookup<'s, 'k> {
        if self.heard {
            self.announce(key, NotifyClass::NONE);
        }
        let (now_ms, serve_expired) = (self.deadlines_ms(), self.serve_expired);
        let State { keyspace, stats, effects, watchers, waiters, sessions, client_memory, .. } = self;
        let dead = |entry: Entry<'_>| expired(entry.deadline(), now_ms) && !serve_expired;
        let (found, gone) = keyspace.db_mut(key.db).lookup_live(key.hash, key.name, dead);
        if gone {
            stats.expired_keys += 1;
            Self::lost(effects, watchers, waiters, sessions, client_memory, key);
        }
        found
    }

    /// Deletes a key that a command names, and says so. True if it was there (and had not expired).
    pub fn delete(&mut self, key: &Key<'_>) -> bool {
        match self.write(key) {
            Lookup::Occupied(found) => found.remove(),
            Lookup::Vacant(_) => return false,
        }
        self.modified(key);
        self.notify(NotifyClass::GENERIC, "del", key);
        true
    }
}
