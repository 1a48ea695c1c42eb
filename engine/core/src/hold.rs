//! Commands that have to wait for a moment: as if they had not come yet.
//!
//! A handler that finds its command too early asks for it ([`crate::Request::HoldUntil`]) before it has done or answered
//! anything. The command and whatever follows it stay with the session, which is not executed for until the tick finds that
//! the moment has come. Nobody sleeps and nobody else waits.
//!
//! Only barriers may be held: nothing of their connection was parsed after them.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::session::{Closing, Session, SessionId};
use crate::table::Found;

/// Who waits, by when.
pub(crate) type Held = BTreeSet<(u64, SessionId)>;

impl<H: Hooks> Engine<H> {
    /// Takes a command back that was begun too early.
    pub(crate) fn hold(&mut self, session: &mut Session, found: Found, until_us: u64) {
        assert!(found.command.barrier, "what is held must be the last that was parsed of its connection");
        session.held_until_us = Some(until_us);
        self.held.insert((until_us, session.handle));
    }

    /// Forgets that a session waits.
    pub(crate) fn release(held: &mut Held, session: &mut Session) {
        if let Some(until_us) = session.held_until_us.take() {
            held.remove(&(until_us, session.handle));
        }
    }

    /// Makes everybody runnable whose moment has come.
    pub(crate) fn wake_held(&mut self) {
        let now_us = self.state.now.mono_us;
        while let Some((until_us, id)) = self.held.first().copied()
            && until_us <= now_us
        {
            self.held.pop_first();
            let Some(session) = self.state.sessions.get_mut(id) else { continue };
            session.held_until_us = None;
            if session.closing == Closing::Open {
                self.runnable.push(session);
            }
        }
    }
}
