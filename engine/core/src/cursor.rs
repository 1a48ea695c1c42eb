//! How far a round has come in the bytes of one session: opened over what has arrived or was left over, closed with what stays.
//!
//! Nothing is lost between two rounds and nothing is executed twice: what a round does not execute, whatever stopped it, stays
//! with its session, within `client-query-buffer-limit`.

use std::ops::Range;

use crate::effects::Level;
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::long_argument::{LONG_BYTES_MIN, LongArgument};
use crate::output::BufferPool;
use crate::session::{Closing, Session, SessionId};

/// How far one session's bytes have been parsed.
pub(crate) struct Cursor {
    pub(crate) session: SessionId,
    /// The session's own pending bytes, taken for the round; empty when the bytes lie in the arena.
    pub(crate) own: Vec<u8>,
    pub(crate) in_arena: bool,
    pub(crate) pos: usize,
    pub(crate) end: usize,
    /// Nothing is parsed from here on in this round.
    pub(crate) share_end: usize,
    /// Bytes that the last command still wants, when it is not complete.
    pub(crate) wanted: usize,
    pub(crate) state: Parsing,
}

impl Cursor {
    /// A cursor over fresh bytes in the arena, or else over what the session has pending, of which no more than `share` is
    /// executed.
    pub(crate) fn open(session: &mut Session, fresh: Option<Range<usize>>, share: usize) -> Cursor {
        session.stalled = false;
        let (own, range) = match fresh {
            Some(range) => {
                assert!(session.pending.is_empty(), "bytes of a session with pending ones must join them");
                (Vec::new(), range)
            }
            None => {
                let own = std::mem::take(&mut session.pending);
                let range = session.pending_from..own.len();
                session.pending_from = 0;
                (own, range)
            }
        };
        (session.in_round, session.lent) = (range.len(), own.capacity());
        session.room.input_peak = session.room.input_peak.max(range.len());
        Cursor {
            session: session.handle,
            in_arena: own.is_empty(),
            own,
            pos: range.start,
            end: range.end,
            share_end: range.start.saturating_add(share),
            wanted: 0,
            state: Parsing::Ready,
        }
    }
}

/// Whether a cursor can go on.
#[derive(PartialEq, Eq, Clone, Copy)]
pub(crate) enum Parsing {
    /// There may be another command.
    Ready,
    /// The rest is the beginning of a command.
    WantsMore,
    /// The session must not go on in this round.
    Stopped,
}

impl<H: Hooks> Engine<H> {
    /// What was not executed stays with its session.
    pub(crate) fn close_cursor(&mut self, arena: &[u8], cursor: Cursor) {
        let Cursor { session: id, mut own, in_arena, pos, end, wanted, state, .. } = cursor;
        let Some(session) = self.state.sessions.get_mut(id) else {
            self.state.pool.give(own);
            return;
        };
        (session.in_round, session.lent) = (0, 0);
        session.wanted = if state == Parsing::WantsMore { wanted } else { 0 };
        if session.closing != Closing::Open {
            session.parser.reset();
            self.state.pool.give(own);
            return;
        }
        if pos >= end && !session.has_long_command() {
            if BufferPool::takes(&own) {
                self.state.pool.give(own);
            } else if !in_arena {
                own.clear();
                session.pending = own;
            }
            let queues = session.transaction.is_some();
            if session.input_ended {
                Self::end(&mut self.state.effects, session);
            }
            if queues {
                self.check_query_buffer_limit(id);
            }
            return;
        }
        if state == Parsing::WantsMore
            && let Some(bulk) = session.parser.take_long_bulk(LONG_BYTES_MIN)
        {
            let input = if in_arena { &arena[pos..end] } else { &own[pos..end] };
            session.long = Some(Box::new(LongArgument::begin(input, bulk)));
            session.wanted = 0;
            self.state.pool.give(own);
            self.check_query_buffer_limit(id);
            return self.end_if_gone(id);
        }
        if in_arena {
            own = std::mem::take(&mut session.pending);
            if own.capacity() == 0 {
                own = self.state.pool.take();
            }
            Session::expect_input(&mut own, end - pos + session.wanted);
            own.extend_from_slice(&arena[pos..end]);
        } else if pos * 2 >= own.len() {
            own.drain(..pos);
        } else {
            session.pending_from = pos;
        }
        Session::expect_input(&mut own, session.wanted);
        session.pending = own;
        if self.check_query_buffer_limit(id) {
            return;
        }
        let Some(session) = self.state.sessions.get_mut(id) else { return };
        if state != Parsing::WantsMore && !session.runnable && !session.waits() {
            session.stalled = session.output.len() >= session.high_water();
            if !session.stalled {
                self.runnable.push(session);
            }
        }
        // Nobody waits for the answer of a waiting client that has gone.
        if session.input_ended && (state == Parsing::WantsMore || session.waits()) {
            Self::end(&mut self.state.effects, session);
        }
    }

    /// Lets a session go of whom nothing more can come.
    fn end_if_gone(&mut self, id: SessionId) {
        if let Some(session) = self.state.sessions.get_mut(id).filter(|session| session.input_ended) {
            Self::end(&mut self.state.effects, session);
        }
    }

    /// Closes a client whose unexecuted bytes and queued commands are more than it may send. Returns true when it is closed.
    pub(crate) fn check_query_buffer_limit(&mut self, id: SessionId) -> bool {
        const UNAUTHENTICATED_MAX: u64 = 1 << 20;
        let Some(session) = self.state.sessions.get_mut(id) else { return false };
        let long = session.long.as_ref().map_or(0, |long| long.received());
        let pending = session.pending.len() - session.pending_from + long;
        let queued = session.queued().map_or(0, |queued| queued.memory);
        let held = (pending + queued) as u64;
        let within = held <= self.state.config.limits.client_query_buffer_limit;
        if within && (held <= UNAUTHENTICATED_MAX || !session.must_log_in) {
            return false;
        }
        session.closing = Closing::Now;
        self.state.effects.attend(session);
        self.state.stats.query_buffer_disconnections += 1;
        let session = self.state.sessions.get(id).expect("it was there above");
        let line = self.state.client_line(session);
        let text = format!("Closing client that reached max query buffer length: {line}");
        self.state.effects.log(Level::Warning, text);
        true
    }
}
