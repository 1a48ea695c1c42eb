//! A round: everything that the ready clients have sent, parsed in groups and executed in order.
//!
//! A group of about thirty commands is parsed (over as many connections as it takes), its keys are hashed and their cache
//! lines asked for, and only then is it executed: cache misses, which dominate, overlap. Parsing ahead yields offsets and
//! hashes, never slots or pointers; lookup repeats at execution. After a command that the table marks as a barrier, nothing
//! more of its connection is parsed until it has been executed. Clients whose commands cost far more than others' take
//! their turns after the round ([`crate::heavy`]).
//!
//! *Law*: any streams of any clients, cut anywhere, give byte-equal replies whether executed one command a round or grouped.

mod parsing;
mod prefetch;

use std::ops::Range;

use refrain_data::KeyHash;
use refrain_resp::{Arg, ProtocolError};

use crate::ahead::{Ahead, Rare, RecentCommand, What};
use crate::call::{Args, KeyHashes};
use crate::cursor::{Cursor, Parsing};
use crate::effects::Level;
use crate::engine::Engine;
use crate::hooks::{Bug, Hooks};
use crate::output::BufferPool;
use crate::push::Executing;
use crate::session::{Closing, Session, SessionId};

/// Commands parsed before the first of them is executed.
const GROUP: usize = 32;

/// Bytes that one connection may have executed in one round when it has just sent some: the rest of an earlier read with a
/// whole new one, so that a node which reads half of this in a round leaves nothing over.
const SHARE: usize = 32 * 1024;

/// Leftover bytes that are executed in one round, of whom it is the turn: with what arrives in it, a round stays short however
/// many connections have more, and a connection gets no more by leaving something over.
const LEFTOVERS: usize = 16 * 1024;

/// Fresh bytes of one session.
#[derive(Debug, Clone)]
pub struct Input {
    /// Who sent them.
    pub session: SessionId,
    /// Where they lie in the arena; `None` when they were appended to what the session had pending.
    pub bytes: Option<Range<usize>>,
    /// How many they are.
    pub len: usize,
}

/// Buffers that live from round to round to keep their capacity.
#[derive(Default)]
pub(crate) struct Scratch {
    cursors: Vec<Cursor>,
    group: Vec<Ahead>,
    args: Vec<Arg>,
    hashes: Vec<KeyHash>,
    rare: Vec<Rare>,
    recent: RecentCommand,
    /// There are commands on collections in the group.
    elements: bool,
}

impl<H: Hooks> Engine<H> {
    /// Executes what was left over and what has arrived. `arena` holds the bytes that `inputs` point at.
    ///
    /// Replies are appended to the sessions' outputs; [`Engine::take_attended`] says whose.
    pub fn round(&mut self, arena: &[u8], inputs: &[Input]) {
        self.look_at_the_clock();
        self.runnable.heavy_served = false;
        if inputs.is_empty() && self.runnable.ordinary.is_empty() && !self.state.waiters.are_due() {
            self.heavy_turn();
        } else {
            let budget = self.round_extra();
            self.execute_turns(arena, |engine, cursors| engine.open_cursors(arena, inputs, cursors), budget);
        }
    }

    /// Executes what `open` opens, until it is done or has caused so much extra work.
    pub(crate) fn execute_turns(
        &mut self,
        arena: &[u8],
        open: impl FnOnce(&mut Engine<H>, &mut Vec<Cursor>),
        extra_max: u64,
    ) {
        (self.state.extra_work, self.extra_max) = (0, extra_max);
        let mut scratch = std::mem::take(&mut self.scratch);
        open(self, &mut scratch.cursors);
        let mut next = 0;
        // Whoever waits to be served was there before all that has come now.
        self.round_is_over = false;
        self.round_is_over = self.state.waiters.are_due() && !self.serve_waiters();
        while next < scratch.cursors.len() && !self.round_is_over && self.state.extra_work < extra_max {
            self.parse_group(arena, &mut scratch, &mut next);
            self.execute_group(arena, &mut scratch);
            scratch.group.clear();
            scratch.args.clear();
            scratch.hashes.clear();
            scratch.rare.clear();
            scratch.elements = false;
        }
        self.state.gather_graves();
        for cursor in scratch.cursors.drain(..) {
            let id = cursor.session;
            self.close_cursor(arena, cursor);
            self.state.account(id);
        }
        if self.state.client_memory.is_over() {
            self.state.evict_clients();
        }
        self.scratch = scratch;
    }

    /// Leftovers first, in turn and up to a bound, then what has arrived. A session whose leftovers have yet to get their turn
    /// waits with all it has.
    fn open_cursors(&mut self, arena: &[u8], inputs: &[Input], cursors: &mut Vec<Cursor>) {
        let unlimited = self.hooks.planted(Bug::NoRoundBudget);
        let mut open = |session: &mut Session, bytes: Option<Range<usize>>, share: usize| {
            cursors.push(Cursor::open(session, bytes, if unlimited { usize::MAX } else { share }));
        };
        let keep = |session: &mut Session, input: &Input, pool: &mut BufferPool| {
            if let Some(range) = input.bytes.clone() {
                if session.pending.capacity() == 0 {
                    session.pending = pool.take();
                }
                session.pending.extend_from_slice(&arena[range]);
            }
        };
        let mut left = if unlimited { usize::MAX } else { LEFTOVERS };
        while left > 0
            && let Some(id) = self.runnable.ordinary.pop_front()
        {
            if let Some(session) = self.state.sessions.get_mut(id) {
                session.runnable = false;
                if session.closing == Closing::Open && session.has_input() {
                    let share = left.min(session.pending.len() - session.pending_from);
                    left -= share;
                    open(session, None, share);
                }
            }
        }
        let now_us = self.state.now.mono_us;
        for input in inputs {
            let Some(session) = self.state.sessions.get_mut(input.session) else { continue };
            session.active_us = now_us;
            self.state.stats.net_input_bytes += input.len as u64;
            self.state.stats.reads_processed += 1;
            // A session that was runnable had its pending bytes, the new ones among them, taken above, or will in its turn.
            // One that waits for a moment, for the end of a pause or to be served keeps what it sends, up to its limit.
            if session.waits() {
                keep(session, input, &mut self.state.pool);
                self.check_query_buffer_limit(input.session);
                self.state.account(input.session);
                continue;
            }
            if session.runnable || (input.bytes.is_none() && !session.has_input()) {
                if session.long.is_some() {
                    self.check_query_buffer_limit(input.session);
                    self.state.account(input.session);
                }
                continue;
            }
            if session.is_heavy() {
                keep(session, input, &mut self.state.pool);
                self.runnable.push(session);
                continue;
            }
            open(session, input.bytes.clone(), SHARE);
        }
    }

    /// What the next heavy client has left: its turn ends when it has caused enough work, or with its share.
    pub(crate) fn open_heavy_cursor(&mut self, cursors: &mut Vec<Cursor>) {
        self.runnable.heavy_served = true;
        while let Some(id) = self.runnable.heavy.pop_front() {
            if let Some(session) = self.state.sessions.get_mut(id) {
                session.runnable = false;
                if session.closing == Closing::Open && session.has_input() {
                    cursors.push(Cursor::open(session, None, SHARE));
                    return;
                }
            }
        }
    }

    fn execute_group(&mut self, arena: &[u8], scratch: &mut Scratch) {
        self.prefetch_entries(scratch);
        if scratch.elements {
            self.prefetch_elements(arena, scratch);
        }
        let Scratch { cursors, group, args, hashes, rare, .. } = scratch;
        self.ticks_at = self.hooks.ticks();
        let mut at = 0;
        while at < group.len() {
            let index = group[at].cursor;
            let cursor = &mut cursors[index as usize];
            let session = match cursor.state {
                Parsing::Stopped => None,
                _ => self.state.sessions.take(cursor.session),
            };
            let Some(mut session) = session else {
                cursor.state = Parsing::Stopped;
                at += group[at..].iter().take_while(|ahead| ahead.cursor == index).count();
                continue;
            };
            session.output.adopt(&mut self.state.pool, session.room.reply);
            self.state.executing = Some(Executing::of(&session));
            self.state.touches = !session.no_touch;
            let bytes = if cursor.in_arena { arena } else { &cursor.own };
            let (mut extra_before, high_water) = (self.state.extra_work, session.high_water());
            while let Some(ahead) = group.get(at).filter(|ahead| ahead.cursor == index) {
                at += 1;
                if cursor.state == Parsing::Stopped {
                    continue;
                }
                if session.closing != Closing::Open
                    || self.round_is_over
                    || session.output.len() >= high_water
                    || self.state.extra_work >= self.extra_max
                {
                    cursor.pos = ahead.start;
                    cursor.state = Parsing::Stopped;
                    session.parser.reset();
                    continue;
                }
                let offsets = &args[ahead.args_from as usize..][..ahead.args as usize];
                let hashes = KeyHashes {
                    hashes: &hashes[ahead.hashes_from as usize..][..usize::from(ahead.hashes)],
                    first: usize::from(ahead.first_key),
                    step: usize::from(ahead.key_step),
                };
                let plain = &bytes[ahead.start..][..ahead.len as usize];
                let done = match ahead.what {
                    What::Plain(found) => self.dispatch(&mut session, Ok(found), Args::new(plain, offsets), hashes),
                    What::Rare(i) => match &rare[i as usize] {
                        Rare::Unquoted(resolution, bytes) => {
                            self.dispatch_rare(&mut session, *resolution, Args::new(bytes, offsets), hashes)
                        }
                        Rare::Unresolved(why) => {
                            self.dispatch_rare(&mut session, Err(*why), Args::new(plain, offsets), hashes)
                        }
                        Rare::Long(resolution) => {
                            let Some(long) = session.long.take() else { continue };
                            let done = self.dispatch_rare(&mut session, *resolution, long.args(offsets), hashes);
                            if !done || session.held_until_us.is_some() {
                                session.long = Some(long);
                            }
                            done
                        }
                        Rare::Broken(error) => {
                            self.lose_frame(&mut session, error);
                            cursor.state = Parsing::Stopped;
                            true
                        }
                    },
                };
                if !done {
                    cursor.pos = ahead.start;
                    cursor.state = Parsing::Stopped;
                    session.parser.reset();
                }
                if session.output.len() > self.state.output_check_from && self.state.exceeds_output_limit(&mut session)
                {
                    cursor.state = Parsing::Stopped;
                }
                if let Some(blocked) = &mut session.blocked {
                    blocked.has_more = cursor.pos < cursor.end;
                    cursor.state = Parsing::Stopped;
                }
                if self.state.waiters.are_due() {
                    session = self.serve_after(session, &mut extra_before);
                }
            }
            if (self.state.extra_work != extra_before || session.is_heavy()) && self.extra_max < u64::MAX {
                let found = session.had_turn(self.state.extra_work - extra_before);
                self.state.found_heavy += u64::from(found);
            }
            if session.held_until_us.is_some() {
                cursor.pos = group[at - 1].start;
                cursor.state = Parsing::Stopped;
                session.parser.reset();
            }
            if !session.output.is_empty() || session.closing != Closing::Open {
                self.state.effects.attend(&mut session);
            }
            self.state.client_memory.account(&mut session);
            self.state.sessions.put_back(session);
            if self.state.client_memory.is_over() {
                self.state.evict_clients();
            }
        }
        self.state.executing = None;
    }

    /// Serves those whom a command has made servable, while the session whose command it was is one among others. What serving
    /// costs is not counted as that one's work.
    #[cold]
    fn serve_after(&mut self, session: Box<Session>, extra_before: &mut u64) -> Box<Session> {
        let (id, extra) = (session.handle, self.state.extra_work);
        self.state.sessions.put_back(session);
        self.serve_waiters();
        *extra_before += self.state.extra_work - extra;
        let session = self.state.sessions.take(id).expect("nobody disconnects during a round");
        self.state.executing = Some(Executing::of(&session));
        self.state.touches = !session.no_touch;
        session
    }

    /// Answers a request that breaks the protocol: the stream has lost its frame, so the connection ends.
    #[cold]
    fn lose_frame(&mut self, session: &mut Session, error: &ProtocolError) {
        session.reply().error([b"ERR ".as_slice(), &error.message()].concat());
        session.closing = Closing::AfterReplies;
        self.state.stats.protocol_errors += 1;
        self.state.stats.count_error("ERR");
        let message = error.message();
        let what = message.strip_prefix(b"Protocol error: ").unwrap_or(&message);
        let client = self.state.client_line(session);
        let text = format!("Protocol error ({}) from client: {client}", String::from_utf8_lossy(what));
        self.state.effects.log(Level::Verbose, text);
    }
}
