//! CLIENT PAUSE: commands held back for a while, of all clients, without anything being lost or reordered.
//!
//! A command that may not run now is not executed, not queued and not answered: its bytes stay with its session, nothing
//! behind them is parsed, and the session waits in the order in which it was held back. When the pause ends (UNPAUSE, or its
//! deadline) all who wait become runnable in that order; no readiness will come for them. A blocked client whose command would
//! have to wait is not served either, until then. A transaction that has begun is
//! executed to its end, also when a pause begins inside it.
//!
//! While writes are held back nothing may change by itself either: keys whose deadline has come read as missing, but nobody
//! deletes them.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::hooks::{Bug, Hooks};
use crate::session::{Session, SessionId};
use crate::table::{Command, Flags};
use crate::transaction::Transaction;

/// What a pause holds back; a later one includes the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Held {
    /// There is no pause.
    #[default]
    Nothing,
    /// Commands that write, or that reach replicas by another way.
    Writes,
    /// Every command.
    Everything,
}

/// The pause of an engine, and who waits for its end.
#[derive(Debug, Default)]
pub struct Pause {
    held: Held,
    until_us: u64,
    /// By the order in which they were held back.
    waiting: BTreeMap<u64, SessionId>,
    next: u64,
}

impl Pause {
    /// Whether anything is held back: the one question that ordinary commands pay for.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.held != Held::Nothing
    }

    /// How many clients wait with a command.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What is held back now.
    pub fn held(&self) -> Held {
        self.held
    }

    /// Microseconds of monotonic time at which the pause ends by itself.
    pub fn until_us(&self) -> Option<u64> {
        self.is_on().then_some(self.until_us)
    }

    /// Pauses, or makes a pause that is on longer and stricter: never shorter, never laxer.
    pub fn extend(&mut self, held: Held, until_us: u64, now_us: u64) {
        self.until_us = self.until_us.max(until_us);
        self.held = self.held.max(held);
        if self.until_us <= now_us {
            self.held = Held::Nothing;
        }
    }

    /// Whether a command (EXEC of this transaction, perhaps) has to wait now.
    pub(crate) fn holds(&self, command: &Command, transaction: Option<&Transaction>) -> bool {
        match self.held {
            Held::Nothing => false,
            Held::Everything => true,
            Held::Writes => may_replicate(command, transaction),
        }
    }

    fn hold_back(&mut self, session: &mut Session) {
        if session.held_back.is_none() {
            session.held_back = Some(self.next);
            self.waiting.insert(self.next, session.handle);
            self.next += 1;
        }
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: &Session) {
        if let Some(turn) = session.held_back {
            self.waiting.remove(&turn);
        }
    }
}

impl<H: Hooks> Engine<H> {
    /// Whether this command, which nothing else stands against, must wait. The session is then among those who wait.
    #[cold]
    pub(crate) fn is_held_back(&mut self, session: &mut Session, command: &'static Command) -> bool {
        let leaks = self.state.pause.held() == Held::Writes && self.hooks.planted(Bug::PauseLeaksWrite);
        let held = !leaks && self.state.pause.holds(command, session.transaction.as_deref());
        if held {
            session.last_command = Some(command);
            self.state.pause.hold_back(session);
        }
        held
    }

    /// Ends a pause whose time has come.
    pub(crate) fn end_pause_if_due(&mut self) {
        if self.state.pause.is_on() && self.state.pause.until_us <= self.state.now.mono_us {
            self.end_pause();
        }
    }

    /// Lets everybody go on, in the order in which they were held back, and before anything else of the present round.
    pub(crate) fn end_pause(&mut self) {
        self.state.pause.held = Held::Nothing;
        self.state.pause.until_us = 0;
        self.state.waiters.serve_held_back();
        for id in std::mem::take(&mut self.state.pause.waiting).into_values() {
            let session =
                self.state.sessions.get_mut(id).expect("who disconnects stops waiting, and nobody executes now");
            session.held_back = None;
            self.runnable.push(session);
            self.round_is_over = true;
        }
    }
}

/// Whether the command, or what EXEC would execute, may change the data set or reach replicas.
fn may_replicate(command: &Command, transaction: Option<&Transaction>) -> bool {
    const REPLICATED: Flags = Flags::of(&[Flags::WRITE, Flags::MAY_REPLICATE]);
    match transaction {
        Some(transaction) if command.name == "exec" => {
            transaction.queue.iter().any(|queued| queued.found.command.flags.intersects(REPLICATED))
        }
        _ => command.flags.intersects(REPLICATED),
    }
}
