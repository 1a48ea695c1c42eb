//! Deadlines of keys. One whose deadline has come does not exist for any command: the first one to meet it deletes it and says so to
//! the propagation stream, and periodic work removes what nobody meets.
//!
//! While writes are paused nothing is removed: such a key is left out, and stays where it is. While a data set is loaded no deadline
//! comes.

use crate::blocked::Waiters;
use crate::call::Key;
use crate::client_memory::ClientMemory;
use crate::effects::Effects;
use crate::notify::NotifyClass;
use crate::sessions::Sessions;
use crate::state::State;
use crate::watch::Watchers;

/// A deadline has come when the clock shows it or later.
#[inline]
pub fn expired(deadline: Option<u64>, now_ms: u64) -> bool {
    deadline.is_some_and(|at| at <= now_ms)
}

impl State {
    /// While somebody may be listening: deletes the key if its deadline has come, and says what a lookup would find out about
    /// it, before that lookup borrows the state. What is missing is said to be `missing`, a class or none.
    #[cold]
    pub(crate) fn announce(&mut self, key: &Key<'_>, missing: NotifyClass) {
        let deadline = match self.keyspace.db(key.db).get(key.hash, key.name) {
            Some(entry) => entry.deadline(),
            None => return self.notify(missing, "keymiss", key),
        };
        if expired(deadline, self.deadlines_ms()) && !self.serve_expired {
            if self.pause.is_on() {
                return self.notify(missing, "keymiss", key);
            }
            self.keyspace.db_mut(key.db).remove(key.hash, key.name);
            self.stats.expired_keys += 1;
            let State { effects, watchers, waiters, sessions, client_memory, .. } = self;
            Self::lost(effects, watchers, waiters, sessions, client_memory, key);
            self.notify(NotifyClass::EXPIRED, "expired", key);
            self.invalidate(key, None);
            self.notify(missing, "keymiss", key);
        }
    }

    /// What follows from the removal of a key whose deadline has come.
    #[cold]
    #[inline(never)]
    pub(crate) fn lost(
        effects: &mut Effects,
        watchers: &mut Watchers,
        waiters: &mut Waiters,
        sessions: &mut Sessions,
        client_memory: &mut ClientMemory,
        key: &Key<'_>,
    ) {
        effects.stream.push(key.db, &[b"DEL", key.name]);
        waiters.key_lost(key);
        if !watchers.is_empty() {
            watchers.break_on(sessions, client_memory, key.db, key.name);
        }
    }

    /// Removes expired keys of every database, `units` of work at the most. Returns the units used, and whether keys that
    /// have expired may be left.
    pub fn expire(&mut self, units: u64) -> (u64, bool) {
        if self.pause.is_on() || self.persistence.is_loading() {
            return (0, false);
        }
        let now_ms = self.deadlines_ms();
        let (mut used, mut behind) = (0, false);
        let (mut found, mut volatile) = (0, 0);
        let announced = self.notified.intersects(NotifyClass::EXPIRED)
            || self.tracking.is_active()
            || self.waiters.keys_when_unusable() > 0;
        let mut names: Vec<Box<[u8]>> = Vec::new();
        for db in 0..self.keyspace.len() {
            let State { keyspace, effects, watchers, sessions, client_memory, stats, .. } = self;
            let database = keyspace.db_mut(db);
            if database.volatile_len() == 0 {
                continue;
            }
            if used >= units {
                behind = true;
                break;
            }
            volatile += database.volatile_len() as u64;
            let report = database.sweep_expired(now_ms, units - used, &mut |entry| {
                effects.stream.push(db, &[b"DEL", entry.key()]);
                if !watchers.is_empty() {
                    watchers.break_on(sessions, client_memory, db, entry.key());
                }
                if announced {
                    names.push(entry.key().into());
                }
            });
            used += report.units;
            behind |= report.behind;
            stats.expired_keys += report.removed;
            stats.expired_keys_active += report.removed;
            found += report.removed;
            for name in names.drain(..) {
                let hash = self.keyspace.hash(&name);
                let key = Key { db, name: &name, hash };
                self.waiters.key_lost(&key);
                self.notify(NotifyClass::EXPIRED, "expired", &key);
                self.invalidate(&key, None);
            }
        }
        self.stats.count_expired(found, volatile);
        self.send_gathered_invalidations();
        (used, behind)
    }
}
