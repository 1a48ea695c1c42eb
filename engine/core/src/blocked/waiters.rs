//! Who waits for which key, until when, and what has become ready for whom.
//!
//! Every entry stands for a session that waits: one that is served, gives up or goes takes its entries out at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use refrain_data::{KeyHash, Kind};

use super::alarms::{Aging, Alarms};
use super::{AtEnd, Blocked, Ending};
use crate::call::Key;
use crate::names::Names;
use crate::session::{Closing, Session, SessionId};

/// See the module.
#[derive(Debug, Default)]
pub struct Waiters {
    databases: Vec<Names<Queue>>,
    sessions: usize,
    /// Keys that somebody waits for, and those of whose end somebody wants to know.
    keys: usize,
    keys_when_unusable: usize,
    next_ticket: u64,
    deadlines: BTreeSet<(u64, SessionId)>,
    alarms: Alarms,
    /// Keys that were changed, in that order.
    ready: VecDeque<ReadyKey>,
    /// The key whose waiters are being looked at, and the ticket of the last that was.
    current: Option<(ReadyKey, Option<u64>)>,
    /// Keys with waiters that a pause or a loading holds back.
    held_back: Vec<ReadyKey>,
    /// Waits that end without being served.
    ended: VecDeque<(SessionId, Ending)>,
}

/// All who wait for one key, by their places in time.
#[derive(Debug, Default)]
struct Queue {
    /// By the kind of value that they can use: few kinds, so a list.
    by_kind: Vec<(Kind, BTreeMap<u64, SessionId>)>,
    when_unusable: BTreeMap<u64, SessionId>,
    /// Those of them for whom what is there has to be of some age.
    aging: Aging,
    /// It is in the list of ready keys.
    is_ready: bool,
}

/// A key that was changed while somebody waited for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadyKey {
    pub(super) db: usize,
    pub(super) hash: KeyHash,
    pub(super) name: Box<[u8]>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }

    /// The first after `last` whom a value of this kind, or its absence, may concern.
    fn next(&self, kind: Option<Kind>, last: Option<u64>) -> Option<(u64, SessionId)> {
        let from = last.map_or(0, |ticket| ticket + 1);
        let first = |queue: &BTreeMap<u64, SessionId>| queue.range(from..).next().map(|(ticket, id)| (*ticket, *id));
        let usable = self.by_kind.iter().find(|(of, _)| Some(*of) == kind).and_then(|(_, queue)| first(queue));
        usable.into_iter().chain(first(&self.when_unusable)).min_by_key(|(ticket, _)| *ticket)
    }
}

impl Waiters {
    /// For that many databases.
    pub fn new(databases: usize) -> Waiters {
        Waiters { databases: (0..databases).map(|_| Names::default()).collect(), ..Waiters::default() }
    }

    /// True when nobody waits for any key: the one check that ordinary writes pay for.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// How many sessions wait.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// How many keys are waited for.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// How many of them are waited for by somebody who also wants to know when they are gone.
    pub fn keys_when_unusable(&self) -> usize {
        self.keys_when_unusable
    }

    /// How many of the waits have an end in time.
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }

    /// How many moments there are at which something is to be done about somebody who waits.
    #[inline]
    pub(super) fn moments(&self) -> usize {
        self.deadlines.len() + self.alarms.len()
    }

    /// Whether somebody may have to be served, or told that he is not.
    #[inline]
    pub(crate) fn are_due(&self) -> bool {
        !self.ready.is_empty() | !self.ended.is_empty() | self.current.is_some()
    }

    /// The place in time of one who begins to wait.
    pub(super) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Enters one who waits.
    pub(super) fn enter(&mut self, id: SessionId, db: usize, blocked: &Blocked) {
        self.sessions += 1;
        if let Some(deadline_us) = blocked.deadline_us {
            self.deadlines.insert((deadline_us, id));
        }
        for (name, hash) in &blocked.keys {
            let (_, queue) = self.databases[db].enter(*hash, name);
            self.keys += usize::from(queue.is_empty());
            match queue.by_kind.iter_mut().find(|(kind, _)| *kind == blocked.kind) {
                Some((_, of_kind)) => {
                    of_kind.insert(blocked.ticket, id);
                }
                None => queue.by_kind.push((blocked.kind, BTreeMap::from([(blocked.ticket, id)]))),
            }
            if let Some(age_ms) = blocked.age_ms {
                queue.aging.enter(age_ms);
            }
            if blocked.when_unusable {
                self.keys_when_unusable += usize::from(queue.when_unusable.is_empty());
                queue.when_unusable.insert(blocked.ticket, id);
            }
        }
    }

    /// Takes out one who waits no longer.
    pub(super) fn leave(&mut self, id: SessionId, db: usize, blocked: &Blocked) {
        self.sessions -= 1;
        if let Some(deadline_us) = blocked.deadline_us {
            self.deadlines.remove(&(deadline_us, id));
        }
        for (name, hash) in &blocked.keys {
            // A key that was named twice is gone already.
            let Some(queue) = self.databases[db].get_mut(*hash, name) else { continue };
            if blocked.age_ms.is_some() {
                self.alarms.leave(db, name, &mut queue.aging);
            }
            if queue.when_unusable.remove(&blocked.ticket).is_some() && queue.when_unusable.is_empty() {
                self.keys_when_unusable -= 1;
            }
            if let Some((_, of_kind)) = queue.by_kind.iter_mut().find(|(kind, _)| *kind == blocked.kind) {
                of_kind.remove(&blocked.ticket);
            }
            queue.by_kind.retain(|(_, of_kind)| !of_kind.is_empty());
            if queue.is_empty() {
                self.alarms.clear(db, name, &mut queue.aging);
                self.databases[db].remove(*hash, name);
                self.keys -= 1;
            }
        }
    }

    /// A key was changed. Whether that helps anybody is found out when those who wait for it are looked at.
    #[cold]
    pub(crate) fn key_changed(&mut self, key: &Key<'_>) {
        if let Some(queue) = self.databases[key.db].get_mut(key.hash, key.name)
            && !queue.is_ready
        {
            queue.is_ready = true;
            self.ready.push_back(ReadyKey { db: key.db, hash: key.hash, name: key.name.into() });
        }
    }

    /// A key is gone by itself.
    #[inline]
    pub(crate) fn key_lost(&mut self, key: &Key<'_>) {
        if self.keys_when_unusable > 0 {
            self.key_changed(key);
        }
    }

    /// Whatever is waited for in a database may have changed.
    pub(super) fn database_changed(&mut self, db: usize, hash: impl Fn(&[u8]) -> KeyHash) {
        let mut names: Vec<_> = self.databases[db].iter().map(|(name, _)| name.clone()).collect();
        // Their order is to depend on nothing but themselves.
        names.sort_unstable();
        for name in names {
            self.key_changed(&Key { db, name: &name, hash: hash(&name) });
        }
    }

    /// Decides how a session's wait ends. False if it does not wait, or has met its end.
    pub(super) fn end(&mut self, session: &mut Session, ending: Ending) -> bool {
        let open = session.closing == Closing::Open;
        let may_end = |blocked: &&mut Box<Blocked>| open && !blocked.ends && blocked.at_end != AtEnd::Never;
        let Some(blocked) = session.blocked.as_mut().filter(may_end) else { return false };
        blocked.ends = true;
        if let Some(deadline_us) = blocked.deadline_us.take() {
            self.deadlines.remove(&(deadline_us, session.handle));
        }
        self.ended.push_back((session.handle, ending));
        true
    }

    /// Keys that one who waits asks to be looked at again, each at its moment of monotonic time.
    pub(super) fn set_alarms(&mut self, db: usize, blocked: &Blocked, looks_us: &[Option<u64>]) {
        for ((name, hash), at_us) in blocked.keys.iter().zip(looks_us) {
            if let Some(at_us) = at_us
                && let Some(queue) = self.databases[db].get_mut(*hash, name)
            {
                self.alarms.set(&Key { db, name, hash: *hash }, &mut queue.aging, *at_us);
            }
        }
    }

    /// Something in a key has begun to age that somebody may wait for.
    #[cold]
    pub(crate) fn begins_to_age(&mut self, key: &Key<'_>, now_us: u64) {
        if let Some(queue) = self.databases[key.db].get_mut(key.hash, key.name) {
            self.alarms.set_for_new(key, &mut queue.aging, now_us);
        }
    }

    /// Has the keys looked at whose alarms ring at `now_us`.
    pub(super) fn ring(&mut self, now_us: u64) {
        while let Some((db, name, hash)) = self.alarms.take(now_us) {
            if let Some(queue) = self.databases[db].get_mut(hash, &name) {
                queue.aging.rang();
            }
            self.key_changed(&Key { db, name: &name, hash });
        }
    }

    /// Takes out the first deadline that has come at `now_us`, if there is one.
    pub(super) fn take_overdue(&mut self, now_us: u64) -> Option<SessionId> {
        let (_, id) = self.deadlines.first().copied().filter(|(deadline_us, _)| *deadline_us <= now_us)?;
        self.deadlines.pop_first();
        Some(id)
    }

    /// Microseconds of monotonic time at which somebody's time is up, or something is old enough.
    pub(crate) fn next_moment_us(&self) -> Option<u64> {
        let deadline_us = self.deadlines.first().map(|(deadline_us, _)| *deadline_us);
        deadline_us.into_iter().chain(self.alarms.next_us()).min()
    }

    /// The next whose wait ends without being served.
    pub(super) fn next_ended(&mut self) -> Option<(SessionId, Ending)> {
        self.ended.pop_front()
    }

    /// The key whose waiters are to be looked at.
    pub(super) fn current_key(&mut self) -> Option<&ReadyKey> {
        if self.current.is_none() {
            let key = self.ready.pop_front()?;
            if let Some(queue) = self.databases[key.db].get_mut(key.hash, &key.name) {
                // What changes it from here on makes it ready once more.
                queue.is_ready = false;
            }
            self.current = Some((key, None));
        }
        self.current.as_ref().map(|(key, _)| key)
    }

    /// Its next waiter, if the key holds a value of this kind (or nothing); without one the key is done with.
    pub(super) fn next_of_current(&mut self, kind: Option<Kind>) -> Option<SessionId> {
        let (key, last) = self.current.as_mut()?;
        let queue = self.databases[key.db].get(key.hash, &key.name);
        match queue.and_then(|queue| queue.next(kind, *last)) {
            Some((ticket, id)) => {
                *last = Some(ticket);
                Some(id)
            }
            None => {
                self.current = None;
                None
            }
        }
    }

    /// A pause, or a loading, holds back somebody who waits for the current key.
    pub(super) fn hold_current_back(&mut self) {
        if let Some((key, _)) = &self.current
            && self.held_back.last() != Some(key)
        {
            self.held_back.push(key.clone());
        }
    }

    /// What held them back is over: they may be served.
    pub(crate) fn serve_held_back(&mut self) {
        for key in std::mem::take(&mut self.held_back) {
            self.key_changed(&Key { db: key.db, hash: key.hash, name: &key.name });
        }
    }
}
