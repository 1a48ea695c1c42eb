//! A round: everything that the ready clients have sent, parsed in groups and executed in order.
//!
//! A group of about thirty commands is parsed (over as many connections as it takes), its keys are hashed and their cache
//! lines asked for, and only then is it executed: cache misses, which dominate, overlap. Parsing ahead yields offsets and
//! hashes, never slots or pointers; lookup repeats at execution. After a command that the table marks as a barrier, nothing
//! more of its connection is parsed until it has been executed.
//!
//! *Law*: any streams of any clients, cut anywhere, give byte-equal replies whether executed one command a round or grouped.

use std::ops::Range;

use refrain_data::KeyHash;
use refrain_resp::{Arg, Limits, Parsed, ProtocolError};

use crate::call::{Args, KeyHashes};
use crate::effects::Level;
use crate::engine::{Engine, OUTPUT_HIGH_WATER};
use crate::hooks::{Bug, Hooks};
use crate::session::{Closing, Session, SessionId};
use crate::table::{BeginSearch, Command, FindKeys, Found, KeySpec, Unresolved};

/// Commands parsed before the first of them is executed.
const GROUP: usize = 32;

/// Keys of one command that are hashed ahead. Those beyond are hashed when they are looked up.
const HASHES_AHEAD_MAX: usize = 16;

/// Bytes that one connection may have executed in one round, so that one with an endless supply can't starve the others.
const SHARE: usize = 16 * 1024;

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
    unquoted: Vec<Box<[u8]>>,
}

/// How far one session's bytes have been parsed.
struct Cursor {
    session: SessionId,
    /// The session's own pending bytes, taken for the round; empty when the bytes lie in the arena.
    own: Vec<u8>,
    in_arena: bool,
    pos: usize,
    end: usize,
    /// Nothing is parsed from here on in this round.
    share_end: usize,
    state: Parsing,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Parsing {
    /// There may be another command.
    Ready,
    /// The rest is the beginning of a command.
    WantsMore,
    /// The session must not go on in this round.
    Stopped,
}

/// A command parsed and not yet executed.
struct Ahead {
    cursor: usize,
    /// First byte, in the cursor's bytes: where execution resumes if the session is stopped before this command.
    start: usize,
    unquoted: Option<usize>,
    args: Range<usize>,
    hashes: Range<usize>,
    what: What,
}

/// Keys at fixed places from some argument on: what can be hashed ahead without knowing the command any better.
#[derive(Clone, Copy)]
struct KeyRange {
    first: usize,
    /// Relative to the first when not negative, to the number of arguments otherwise.
    last: i32,
    step: usize,
}

impl KeyRange {
    #[inline]
    fn of(command: &Command) -> Option<KeyRange> {
        match command.keys {
            [KeySpec { begin: BeginSearch::Index(first), find: FindKeys::Range { last, step, .. }, .. }, ..] => {
                Some(KeyRange { first: *first as usize, last: *last, step: (*step).max(1) as usize })
            }
            _ => None,
        }
    }

    #[inline]
    fn last(&self, argc: usize) -> usize {
        match self.last {
            0.. => (self.first + self.last as usize).min(argc - 1),
            _ => argc.saturating_sub(self.last.unsigned_abs() as usize),
        }
    }
}

enum What {
    Run(Result<Found, Unresolved>),
    Break(ProtocolError),
}

impl<H: Hooks> Engine<H> {
    /// Executes what was left over and what has arrived. `arena` holds the bytes that `inputs` point at.
    ///
    /// Replies are appended to the sessions' outputs; [`Engine::take_attended`] says whose.
    pub fn round(&mut self, arena: &[u8], inputs: &[Input]) {
        self.state.now = self.hooks.now();
        let mut scratch = std::mem::take(&mut self.scratch);
        self.open_cursors(inputs, &mut scratch.cursors);
        let mut next = 0;
        while next < scratch.cursors.len() {
            self.parse_group(arena, &mut scratch, &mut next);
            self.execute_group(arena, &mut scratch);
            scratch.group.clear();
            scratch.args.clear();
            scratch.hashes.clear();
            scratch.unquoted.clear();
        }
        for cursor in scratch.cursors.drain(..) {
            self.close_cursor(arena, cursor);
        }
        self.scratch = scratch;
    }

    /// Leftovers first, then what has arrived; a session in both stands once.
    fn open_cursors(&mut self, inputs: &[Input], cursors: &mut Vec<Cursor>) {
        let mut runnable = std::mem::take(&mut self.runnable);
        let unlimited = self.hooks.planted(Bug::NoRoundBudget);
        let mut open = |session: &mut Session, bytes: Option<Range<usize>>| {
            let (own, range) = match bytes {
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
            cursors.push(Cursor {
                session: session.handle,
                in_arena: own.is_empty(),
                own,
                pos: range.start,
                end: range.end,
                share_end: if unlimited { usize::MAX } else { range.start + SHARE },
                state: Parsing::Ready,
            });
        };
        for id in runnable.drain(..) {
            if let Some(session) = self.state.sessions.get_mut(id) {
                session.runnable = false;
                if session.closing == Closing::Open && !session.pending.is_empty() {
                    open(session, None);
                }
            }
        }
        self.runnable = runnable;
        let now_us = self.state.now.mono_us;
        for input in inputs {
            let Some(session) = self.state.sessions.get_mut(input.session) else { continue };
            session.active_us = now_us;
            self.state.stats.net_input_bytes += input.len as u64;
            // A session that was runnable had its pending bytes, the new ones among them, taken above.
            if input.bytes.is_some() || !session.pending.is_empty() {
                open(session, input.bytes.clone());
            }
        }
    }

    fn parse_group(&mut self, arena: &[u8], scratch: &mut Scratch, next: &mut usize) {
        while *next < scratch.cursors.len() && scratch.group.len() < GROUP {
            let index = *next;
            let cursor = &mut scratch.cursors[index];
            if cursor.state != Parsing::Ready || cursor.pos >= cursor.end || cursor.pos >= cursor.share_end {
                *next += 1;
                continue;
            }
            let Some(session) = self.state.sessions.get_mut(cursor.session) else {
                cursor.state = Parsing::Stopped;
                continue;
            };
            let limits = Limits {
                max_bulk: self.state.config.proto_max_bulk_len,
                authenticated: session.authenticated,
                ..Limits::default()
            };
            let bytes = if cursor.in_arena { arena } else { &cursor.own };
            let start = cursor.pos;
            let input = &bytes[start..cursor.end];
            let first_arg = scratch.args.len();
            let unquoted = match session.parser.parse(input, &mut scratch.args, &limits) {
                Ok(Parsed::Command { consumed, .. }) => {
                    cursor.pos += consumed;
                    None
                }
                Ok(Parsed::Inline { consumed, bytes, .. }) => {
                    cursor.pos += consumed;
                    scratch.unquoted.push(bytes);
                    Some(scratch.unquoted.len() - 1)
                }
                Ok(Parsed::Nothing { consumed }) => {
                    cursor.pos += consumed;
                    continue;
                }
                Ok(Parsed::Incomplete { .. }) => {
                    cursor.state = Parsing::WantsMore;
                    continue;
                }
                Err(error) => {
                    // Whatever else was sent has lost its frame. The replies of what came before go first.
                    let what = What::Break(error);
                    let args = first_arg..first_arg;
                    let hashes = scratch.hashes.len()..scratch.hashes.len();
                    scratch.group.push(Ahead { cursor: index, start, unquoted: None, args, hashes, what });
                    return;
                }
            };
            let args_range = first_arg..scratch.args.len();
            let text = match unquoted {
                Some(i) => &scratch.unquoted[i][..],
                None => &bytes[start..cursor.end],
            };
            let args = Args::new(text, &scratch.args[args_range.clone()]);
            let resolution = self.state.table.resolve(args.len(), |i| args.at(i));
            let first_hash = scratch.hashes.len();
            let mut barrier = false;
            if let Ok(found) = &resolution {
                barrier = found.command.barrier;
                if let Some(range) = KeyRange::of(found.command) {
                    let database = self.state.keyspace.db(session.db);
                    for i in (range.first..=range.last(args.len())).step_by(range.step).take(HASHES_AHEAD_MAX) {
                        let hash = self.state.keyspace.hash(args.at(i));
                        database.prefetch_bucket(hash);
                        scratch.hashes.push(hash);
                    }
                }
            }
            let hashes = first_hash..scratch.hashes.len();
            scratch.group.push(Ahead {
                cursor: index,
                start,
                unquoted,
                args: args_range,
                hashes,
                what: What::Run(resolution),
            });
            if barrier {
                return;
            }
        }
    }

    fn execute_group(&mut self, arena: &[u8], scratch: &mut Scratch) {
        let Scratch { cursors, group, args, hashes, unquoted } = scratch;
        for ahead in group.iter() {
            let Some(session) = self.state.sessions.get(cursors[ahead.cursor].session) else { continue };
            let database = self.state.keyspace.db(session.db);
            for hash in &hashes[ahead.hashes.clone()] {
                database.prefetch_entry(*hash);
            }
        }
        for ahead in group.drain(..) {
            let cursor = &mut cursors[ahead.cursor];
            if cursor.state == Parsing::Stopped {
                continue;
            }
            let Some(mut session) = self.state.sessions.take(cursor.session) else {
                cursor.state = Parsing::Stopped;
                continue;
            };
            if session.closing != Closing::Open || session.output.len() >= OUTPUT_HIGH_WATER {
                cursor.pos = ahead.start;
                cursor.state = Parsing::Stopped;
                session.parser.reset();
                self.state.sessions.put_back(session);
                continue;
            }
            session.output.adopt(&mut self.pool);
            match ahead.what {
                What::Run(resolution) => {
                    let bytes = match ahead.unquoted {
                        Some(i) => &unquoted[i][..],
                        None if cursor.in_arena => &arena[ahead.start..],
                        None => &cursor.own[ahead.start..],
                    };
                    let args = Args::new(bytes, &args[ahead.args]);
                    let range = resolution.as_ref().ok().and_then(|found| KeyRange::of(found.command));
                    let (first, step) = range.map_or((0, 0), |range| (range.first, range.step));
                    let hashes = KeyHashes { hashes: &hashes[ahead.hashes], first, step };
                    self.dispatch(&mut session, resolution, args, hashes);
                }
                What::Break(error) => {
                    session.reply().error([b"ERR ".as_slice(), &error.message()].concat());
                    session.closing = Closing::AfterReplies;
                    self.state.stats.protocol_errors += 1;
                    let text = format!(
                        "Protocol error ({}) from client: id={} addr={}",
                        String::from_utf8_lossy(&error.message()),
                        session.id,
                        session.origin.remote
                    );
                    self.state.effects.log(Level::Verbose, text);
                    cursor.state = Parsing::Stopped;
                }
            }
            if !session.output.is_empty() || session.closing != Closing::Open {
                Self::attend(&mut self.state.effects, &mut session);
            }
            let (id, owed) = (session.handle, session.output.len());
            self.state.sessions.put_back(session);
            if owed > self.tick.output_check_from {
                self.check_output_limit(id);
            }
        }
    }

    /// What was not executed stays with its session.
    fn close_cursor(&mut self, arena: &[u8], cursor: Cursor) {
        let Cursor { session: id, mut own, in_arena, pos, end, state, .. } = cursor;
        let Some(session) = self.state.sessions.get_mut(id) else {
            self.pool.give(own);
            return;
        };
        if session.closing != Closing::Open {
            session.parser.reset();
            self.pool.give(own);
            return;
        }
        if pos >= end {
            self.pool.give(own);
            if session.input_ended {
                Self::end(&mut self.state.effects, session);
            }
            return;
        }
        if in_arena {
            own = self.pool.take();
            own.extend_from_slice(&arena[pos..end]);
        } else if pos * 2 >= own.len() {
            own.drain(..pos);
        } else {
            session.pending_from = pos;
        }
        session.pending = own;
        let pending = session.pending.len() - session.pending_from;
        let queued = session.transaction.as_ref().map_or(0, |t| t.memory());
        let limit = self.state.config.client_query_buffer_limit;
        const UNAUTHENTICATED_MAX: u64 = 1 << 20;
        let held = (pending + queued) as u64;
        if held > limit || (held > UNAUTHENTICATED_MAX && !session.authenticated) {
            session.closing = Closing::Now;
            self.state.stats.query_buffer_disconnections += 1;
            let text = format!(
                "Closing client that reached max query buffer length: id={} addr={} qbuf={held}",
                session.id, session.origin.remote
            );
            Self::attend(&mut self.state.effects, session);
            self.state.effects.log(Level::Warning, text);
            return;
        }
        let waits_for_reader = session.output.len() >= OUTPUT_HIGH_WATER;
        if state != Parsing::WantsMore && !waits_for_reader && !session.runnable {
            session.runnable = true;
            self.runnable.push(id);
        }
        if session.input_ended && state == Parsing::WantsMore {
            Self::end(&mut self.state.effects, session);
        }
    }
}
