//! All sessions of an engine, by slot.
//!
//! While a command executes, its session is taken out, so that the handler can change it and look at all the others at once.

use crate::session::{Session, SessionId};

/// Slots for sessions. A slot is used again with the next generation.
#[derive(Default)]
pub struct Sessions {
    slots: Vec<Slot>,
    free: Vec<u32>,
    len: usize,
    taken_broken: bool,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    session: Option<Box<Session>>,
}

impl Sessions {
    /// How many clients are connected.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when no client is connected.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many slots there are, used or not.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Puts a new session into a free slot.
    pub fn insert(&mut self, make: impl FnOnce(SessionId) -> Session) -> SessionId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, session: None });
            u32::try_from(self.slots.len() - 1).expect("maxclients bounds the sessions far below 2^32")
        });
        let entry = &mut self.slots[slot as usize];
        let id = SessionId { slot, generation: entry.generation };
        entry.session = Some(Box::new(make(id)));
        self.len += 1;
        id
    }

    /// Ends a session and frees its slot.
    pub fn remove(&mut self, id: SessionId) -> Option<Box<Session>> {
        let slot = self.slots.get_mut(id.slot as usize).filter(|s| s.generation == id.generation)?;
        let session = slot.session.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        self.len -= 1;
        Some(session)
    }

    /// The session of that name, unless it has ended or is taken out.
    #[inline]
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        let slot = self.slots.get(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        slot.session.as_deref()
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        slot.session.as_deref_mut()
    }

    /// Takes a session out while one of its commands executes.
    #[inline]
    pub fn take(&mut self, id: SessionId) -> Option<Box<Session>> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        slot.session.take()
    }

    /// Puts back what [`Sessions::take`] took.
    #[inline]
    pub fn put_back(&mut self, session: Box<Session>) {
        let slot = &mut self.slots[session.handle.slot as usize];
        debug_assert!(slot.session.is_none() && slot.generation == session.handle.generation);
        slot.session = Some(session);
    }

    /// Remembers that a key watched by the session that is taken out was modified.
    pub fn mark_taken_broken(&mut self) {
        self.taken_broken = true;
    }

    /// Whether [`Sessions::mark_taken_broken`] was called since this was last asked.
    #[inline]
    pub fn take_broken(&mut self) -> bool {
        std::mem::take(&mut self.taken_broken)
    }

    /// All sessions that are not taken out, in order of slot.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(|s| s.session.as_deref())
    }

    /// The same, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.slots.iter_mut().filter_map(|s| s.session.as_deref_mut())
    }

    /// The session in slot `slot`, if there is one.
    pub fn at_slot_mut(&mut self, slot: usize) -> Option<&mut Session> {
        self.slots.get_mut(slot)?.session.as_deref_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Origin;

    fn session(id: SessionId) -> Session {
        let origin =
            Origin { remote: String::new(), local: String::new(), is_local: true, is_unix: false, descriptor: -1 };
        Session::new(id, 1, origin, 0)
    }

    #[test]
    fn an_id_kept_beyond_its_session_is_recognised() {
        let mut sessions = Sessions::default();
        let first = sessions.insert(session);
        assert!(sessions.remove(first).is_some());
        let second = sessions.insert(session);
        assert_eq!(first.slot, second.slot);
        assert!(sessions.get(first).is_none());
        assert!(sessions.remove(first).is_none());
        assert!(sessions.get(second).is_some());
        assert_eq!(sessions.len(), 1);
    }
}
