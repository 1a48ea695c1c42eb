//! Broadcasts: which clients want to hear of every change of keys with a prefix, and the changes that they have yet to hear of.

use std::collections::{BTreeMap, BTreeSet};

use refrain_resp::{Encoder, Protocol};

use crate::prefixes::Prefixes;
use crate::session::SessionId;

/// Who listens to which prefixes.
#[derive(Debug, Default)]
pub struct Broadcasts {
    groups: Prefixes<Group>,
    /// Prefixes with changes to tell, in order.
    changed: BTreeSet<Box<[u8]>>,
}

/// One prefix.
#[derive(Debug, Default)]
struct Group {
    listeners: BTreeSet<SessionId>,
    /// Changed keys, each with the client that changed it last, if one did.
    keys: Keys,
}

/// Keys that have changed, and by whom.
type Keys = BTreeMap<Box<[u8]>, Option<SessionId>>;

/// What has changed under one prefix, and who is to hear of it.
pub struct Broadcast {
    /// To whom.
    pub listeners: Vec<SessionId>,
    keys: Keys,
}

impl Broadcasts {
    /// How many prefixes somebody listens to.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True when nobody listens.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Bytes that prefixes and their listeners take.
    pub fn memory(&self) -> usize {
        let listeners: usize = self.groups.iter().map(|(_, group)| group.listeners.len()).sum();
        self.groups.memory() + listeners * size_of::<SessionId>() * 3 / 2
    }

    /// A client wants to hear of a prefix.
    pub fn listen(&mut self, prefix: &[u8], who: SessionId) {
        self.groups.enter(prefix).listeners.insert(who);
    }

    /// It does no longer.
    pub fn leave(&mut self, prefix: &[u8], who: SessionId) {
        let Some(group) = self.groups.get_mut(prefix) else { return };
        group.listeners.remove(&who);
        if group.listeners.is_empty() {
            self.groups.remove(prefix);
            self.changed.remove(prefix);
        }
    }

    /// A key was changed, by a client's command or by nobody's. False when nobody listens to it.
    pub fn gather(&mut self, key: &[u8], by: Option<SessionId>) -> bool {
        let (changed, mut heard) = (&mut self.changed, false);
        self.groups.change(key, |prefix, group| {
            if group.keys.is_empty() {
                changed.insert(prefix.into());
            }
            group.keys.insert(key.into(), by);
            heard = true;
        });
        heard
    }

    /// The changes under the first prefix that has some, which are then told.
    pub fn next(&mut self) -> Option<Broadcast> {
        let prefix = self.changed.pop_first()?;
        let group = self.groups.get_mut(&prefix)?;
        Some(Broadcast { listeners: group.listeners.iter().copied().collect(), keys: std::mem::take(&mut group.keys) })
    }
}

impl Broadcast {
    /// The keys as an array, those apart that `but` changed itself; `None` when none is left.
    pub fn encode(&self, but: Option<SessionId>) -> Option<Vec<u8>> {
        let told = || self.keys.iter().filter(|(_, by)| by.is_none() || **by != but).map(|(key, _)| key);
        let count = told().count();
        if count == 0 {
            return None;
        }
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, Protocol::Resp2);
        encoder.array(count);
        told().for_each(|key| encoder.bulk(key));
        Some(bytes)
    }
}
