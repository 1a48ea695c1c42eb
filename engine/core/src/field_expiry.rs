//! Deadlines of the fields of hashes. A field whose deadline has come does not exist for any command, whether it is still
//! there or not. It goes when somebody changes its hash, or when periodic work comes round; the propagation stream is told
//! then, and a hash that loses its last field so is removed.
//!
//! Readers never remove anything: they leave out what is due. So nothing changes while writes are paused.

use refrain_data::{Hash, HashLimits};

use crate::call::Key;
use crate::notify::NotifyClass;
use crate::state::State;

/// Fields that are removed from one hash before others have their turn.
const FIELDS_AT_ONCE: usize = 256;

/// Units of periodic work for a hash that is visited, and for a field that is removed.
const UNITS_PER_HASH: u64 = 8;
const UNITS_PER_FIELD: u64 = 4;

impl State {
    /// The moment by which deadlines of fields are judged.
    #[inline]
    pub(crate) fn fields_now(&self) -> u64 {
        if self.serve_expired_fields { 0 } else { self.deadlines_ms() }
    }

    /// What decides how hashes are stored.
    #[inline]
    pub(crate) fn hash_limits(&self) -> HashLimits {
        let encodings = &self.config.encodings;
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        HashLimits {
            entries: size(encodings.hash_max_listpack_entries),
            value_bytes: size(encodings.hash_max_listpack_value),
            seed: *self.keyspace.seed(),
        }
    }

    /// What follows from the removal of fields whose deadline had come; `emptied` if the key went with them. It is no change
    /// by the command that met them: that says its own.
    #[cold]
    pub(crate) fn fields_gone(&mut self, key: &Key<'_>, names: &[Vec<u8>], emptied: bool) {
        if self.effects.stream.is_enabled() {
            let mut command: Vec<&[u8]> = vec![b"HDEL", key.name];
            command.extend(names.iter().map(Vec::as_slice));
            self.effects.stream.push(key.db, &command);
        }
        self.stats.expired_subkeys += names.len() as u64;
        self.break_watches_on(key);
        self.notify(NotifyClass::HASH, "hexpired", key);
        if emptied {
            self.notify(NotifyClass::GENERIC, "del", key);
        }
        self.invalidate(key, None);
    }

    /// Removes fields that are due from all hashes, `units` of work at the most, the earliest of each database first. Returns
    /// the units used, and whether such fields may be left.
    pub(crate) fn expire_fields(&mut self, units: u64) -> (u64, bool) {
        if self.pause.is_on() {
            return (0, false);
        }
        let now = self.fields_now();
        let touches = std::mem::replace(&mut self.touches, false);
        let (mut used, mut behind) = (0, false);
        for db in 0..self.keyspace.len() {
            while let Some(name) = self.keyspace.db_mut(db).due_hash(now).map(|entry| entry.key().to_vec()) {
                if used >= units {
                    behind = true;
                    break;
                }
                let key = Key { db, name: &name, hash: self.keyspace.hash(&name) };
                used += self.expire_fields_of(&key, now);
            }
        }
        self.touches = touches;
        self.send_gathered_invalidations();
        (used, behind)
    }

    /// Removes some fields that are due from a hash. Returns the units used.
    fn expire_fields_of(&mut self, key: &Key<'_>, now: u64) -> u64 {
        let mut gone = Vec::new();
        let spare = usize::from(self.expiry_takes_a_neighbour);
        let edited = self.edit(key, |hash: &mut Hash| {
            hash.remove_due(now, FIELDS_AT_ONCE, &mut |name| gone.push(name.to_vec()));
            for _ in 0..spare {
                let next = hash.view().at(0).map(|field| field.name.to_vec());
                next.inspect(|name| gone.extend(hash.remove(name).then(|| name.clone())));
            }
        });
        // A key whose own deadline had come is gone as a whole, and that has been said.
        if let Ok(Some(edited)) = edited {
            self.stats.expired_subkeys_active += gone.len() as u64;
            self.fields_gone(key, &gone, edited.emptied);
        }
        UNITS_PER_HASH + UNITS_PER_FIELD * gone.len() as u64
    }
}
