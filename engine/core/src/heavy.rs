//! Heavy clients: those whose commands cost many times what an ordinary one does take their turns after everybody else.
//!
//! A round is bounded in bytes, which bounds the work of ordinary commands. KEYS on a large database, or an MGET of ten
//! thousand keys, is few bytes and much work: a round of such commands would keep everybody waiting for the sum of them. So a
//! round is also bounded in *extra* work, what a command costs beyond one unit. A client that was seen to cause much of it is
//! heavy for a while: what it sends is queued apart, and one such client has one turn after each round, when the round's
//! replies have left. Who is not heavy waits for the one command that runs, and for a round; heavy clients wait for each
//! other in turn, and starve nobody and are not starved.
//!
//! A command is never interrupted: its own time is what the others wait.

use std::collections::VecDeque;

use crate::engine::Engine;
use crate::hooks::{Bug, Hooks};
use crate::session::{Session, SessionId};

/// Extra work after which a round ends: what is left of it waits for the next one.
pub(crate) const ROUND_EXTRA: u64 = 1024;

/// Extra work in one turn that makes a client heavy, and that ends a heavy client's turn.
const HEAVY: u64 = 512;

/// Turns without such work after which a client is like any other again.
const PROBATION: u8 = 100;

/// Arguments, keys most of them, that take a unit of work.
const ARGS_PER_UNIT_LOG: u32 = 3;

/// Bytes, taken in or given out, that take a unit of work.
const BYTES_PER_UNIT_LOG: u32 = 12;

/// What a command costs beyond one unit for the arguments and bytes that it brings and the bytes of its reply, whatever it
/// does with them. What it does beyond that its handler charges.
#[inline(always)]
pub(crate) fn extra_of(args: usize, bytes: usize) -> u64 {
    (args as u64 >> ARGS_PER_UNIT_LOG) + (bytes as u64 >> BYTES_PER_UNIT_LOG)
}

/// Sessions with bytes that can be executed now, in the order of their turns.
#[derive(Default)]
pub(crate) struct Runnable {
    /// Those of ordinary clients.
    pub(crate) ordinary: VecDeque<SessionId>,
    /// Those of heavy ones.
    pub(crate) heavy: VecDeque<SessionId>,
    /// Since the last round began a heavy client has had its turn.
    pub(crate) heavy_served: bool,
}

impl Runnable {
    pub(crate) fn is_empty(&self) -> bool {
        self.ordinary.is_empty() && self.heavy.is_empty()
    }

    /// Puts a session at the end of the queue where it belongs, unless it stands in it.
    pub(crate) fn push(&mut self, session: &mut Session) {
        if !session.runnable {
            session.runnable = true;
            let queue = if session.is_heavy() { &mut self.heavy } else { &mut self.ordinary };
            queue.push_back(session.handle);
        }
    }
}

impl Session {
    /// Whether its turns come after everybody else's.
    #[inline]
    pub(crate) fn is_heavy(&self) -> bool {
        self.heavy_turns > 0
    }

    /// A turn has caused so much extra work. True when that makes it heavy and it was not.
    #[inline]
    pub(crate) fn had_turn(&mut self, extra: u64) -> bool {
        let was_heavy = self.is_heavy();
        if extra >= HEAVY {
            self.heavy_turns = PROBATION;
        } else {
            self.heavy_turns = self.heavy_turns.saturating_sub(1);
        }
        !was_heavy && self.is_heavy()
    }
}

impl<H: Hooks> Engine<H> {
    /// Gives one heavy client its turn, if one waits and none has had a turn since the last round began. To be called when
    /// that round's replies have been sent. True if there may be something to send.
    pub fn heavy_turn(&mut self) -> bool {
        if self.runnable.heavy.is_empty() || self.runnable.heavy_served {
            return false;
        }
        self.look_at_the_clock();
        self.execute_turns(&[], |engine, cursors| engine.open_heavy_cursor(cursors), HEAVY);
        true
    }

    /// How much extra work ends a round.
    pub(crate) fn round_extra(&self) -> u64 {
        if self.hooks.planted(Bug::NoWorkBudget) { u64::MAX } else { ROUND_EXTRA }
    }
}
