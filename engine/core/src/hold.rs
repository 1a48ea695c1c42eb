//! Commands that have to wait for a moment: as if they had not come yet.
//!
//! A handler that finds its command too early asks for it ([`crate::Request::HoldUntil`]) before it has done or answered
//! anything. The command and whatever follows it stay with the session, which is not executed for until the tick finds that
//! the moment has come. Nobody sleeps and nobody else waits. Of those who wait for the same moment the one comes first who has waited
//! longest: whoever is held again keeps his turn.
//!
//! Only barriers may be held: nothing of their connection was parsed after them.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::session::{Closing, Session, SessionId};
use crate::table::Found;

/// Who waits.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// By the moment, and for the same moment by turn.
    waiting: BTreeSet<(u64, u64, SessionId)>,
    turns: u64,
}

impl Held {
    /// The next moment for which somebody waits.
    pub(crate) fn next_moment_us(&self) -> Option<u64> {
        self.waiting.first().map(|(until_us, ..)| *until_us)
    }

    /// Whose moment has come by now, one after the other.
    fn pop_due(&mut self, now_us: u64) -> Option<SessionId> {
        self.waiting.first().filter(|(until_us, ..)| *until_us <= now_us)?;
        self.waiting.pop_first().map(|(.., id)| id)
    }
}

impl<H: Hooks> Engine<H> {
    /// Takes a command back that was begun too early.
    pub(crate) fn hold(&mut self, session: &mut Session, found: Found, until_us: u64) {
        assert!(found.command.barrier, "what is held must be the last that was parsed of its connection");
        let turn = *session.turn.get_or_insert_with(|| {
            self.held.turns += 1;
            self.held.turns
        });
        session.held_until_us = Some(until_us);
        self.held.waiting.insert((until_us, turn, session.handle));
    }

    /// Forgets that a session waits.
    pub(crate) fn release(held: &mut Held, session: &mut Session) {
        if let (Some(until_us), Some(turn)) = (session.held_until_us.take(), session.turn.take()) {
            held.waiting.remove(&(until_us, turn, session.handle));
        }
    }

    /// Makes everybody runnable whose moment has come.
    pub(crate) fn wake_held(&mut self) {
        let now_us = self.state.now.mono_us;
        while let Some(id) = self.held.pop_due(now_us) {
            let Some(session) = self.state.sessions.get_mut(id) else { continue };
            session.held_until_us = None;
            if session.closing == Closing::Open {
                self.runnable.push(session);
            }
        }
    }
}
