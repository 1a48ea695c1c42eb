//! What clients take in all, kept true as it changes, and `maxmemory-clients`: the largest clients are closed when it is more
//! than they may.
//!
//! A session is accounted for whenever one of its turns ends, when a message is pushed to it, when something of it was sent
//! and when the tick has looked at it; so the sums cost nothing to ask for. One that is to be closed counts nothing, for its
//! memory is on its way back. Those that may be evicted are sorted by powers of two of what they take: the largest go first,
//! and sorting again costs nothing while a client stays of its size.

use std::collections::BTreeSet;

use crate::config::ClientClass;
use crate::effects::Level;
use crate::session::{Closing, Session, SessionId};
use crate::state::State;

/// What was last known of one session.
#[derive(Debug, Default)]
pub(crate) struct Accounted {
    class: usize,
    bytes: usize,
    /// Its size among those that may be evicted.
    size: Option<u32>,
}

/// Sums over all sessions.
#[derive(Debug)]
pub struct ClientMemory {
    by_class: [usize; 3],
    /// Bytes of those that may be evicted, and from how many on they are.
    evictable: usize,
    limit: usize,
    by_size: BTreeSet<(u32, SessionId)>,
}

impl Default for ClientMemory {
    fn default() -> ClientMemory {
        ClientMemory { by_class: [0; 3], evictable: 0, limit: usize::MAX, by_size: BTreeSet::new() }
    }
}

impl ClientMemory {
    /// Bytes of all clients of a class.
    pub fn of(&self, class: ClientClass) -> usize {
        self.by_class[class as usize]
    }

    /// Bytes of all clients.
    pub fn total(&self) -> usize {
        self.by_class.iter().sum()
    }

    /// The same while `executing` executes a command, which is accounted for when its turn ends.
    pub(crate) fn total_with(&self, executing: &Session) -> usize {
        self.total() - executing.accounted.bytes + executing.memory()
    }

    /// Takes note of what a session takes now.
    pub(crate) fn account(&mut self, session: &mut Session) {
        let bytes = if session.closing == Closing::Now { 0 } else { session.memory() };
        let class = session.class() as usize;
        let before = &mut session.accounted;
        self.by_class[before.class] -= before.bytes;
        self.by_class[class] += bytes;
        if self.limit != usize::MAX || before.size.is_some() {
            let may_be_evicted = self.limit != usize::MAX && !session.no_evict && session.closing != Closing::Now;
            let size = may_be_evicted.then(|| bytes.ilog2());
            self.sort(session.handle, before, size, bytes);
        }
        (before.class, before.bytes) = (class, bytes);
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: &mut Session) {
        let before = &mut session.accounted;
        self.by_class[before.class] -= before.bytes;
        self.sort(session.handle, before, None, 0);
        *before = Accounted::default();
    }

    fn sort(&mut self, id: SessionId, before: &mut Accounted, size: Option<u32>, bytes: usize) {
        if before.size.is_some() {
            self.evictable -= before.bytes;
        }
        if size.is_some() {
            self.evictable += bytes;
        }
        if size != before.size {
            if let Some(size) = before.size {
                self.by_size.remove(&(size, id));
            }
            if let Some(size) = size {
                self.by_size.insert((size, id));
            }
            before.size = size;
        }
    }

    /// Whether clients take more than they may.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.evictable > self.limit
    }
}

impl State {
    /// Closes the largest clients until the others take no more than `maxmemory-clients`.
    #[cold]
    pub(crate) fn evict_clients(&mut self) {
        while self.client_memory.is_over() {
            let Some((_, id)) = self.client_memory.by_size.last().copied() else { return };
            let Some(mut session) = self.sessions.take(id) else { return };
            // Room that is kept for comfort goes before anybody has to.
            if session.pending.is_empty() && session.pending.capacity() > 0 {
                session.pending = Vec::new();
                self.client_memory.account(&mut session);
                self.sessions.put_back(session);
                continue;
            }
            let text = format!("Evicting client: {}", self.client_line(&session));
            self.effects.log(Level::Notice, text);
            session.closing = Closing::Now;
            session.output.discard();
            self.effects.attend(&mut session);
            self.client_memory.account(&mut session);
            self.sessions.put_back(session);
            self.stats.evicted_clients += 1;
        }
    }

    /// Derives from the configuration how much clients may take. Sorts them when that begins, or ends, to be limited.
    pub(crate) fn apply_client_memory_limit(&mut self) {
        let limit = self.config.limits.maxmemory_clients.limit(self.config.memory.maxmemory);
        let limit = limit.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX - 1));
        let was = std::mem::replace(&mut self.client_memory.limit, limit);
        if (was == usize::MAX) != (limit == usize::MAX) {
            let State { sessions, client_memory, .. } = self;
            sessions.iter_mut().for_each(|session| client_memory.account(session));
        }
    }

    /// What a client takes may have changed between two of its turns.
    pub(crate) fn account(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(id) {
            self.client_memory.account(session);
        }
    }
}
