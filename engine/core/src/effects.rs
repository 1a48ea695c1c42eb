//! What the engine wants done outside: data that the node drains after every round.
//!
//! The buffers are reused. The propagation stream is the one record of what changed: deterministic commands in RESP, in the
//! order of execution, for append-only files and replicas alike. Executing the stream on an empty engine gives an equal data
//! set; expiry reaches it as DEL, relative times as absolute ones, a transaction between MULTI and EXEC.

use refrain_data::Detached;
use refrain_resp::encode_command;

use crate::persistence::Ask;
use crate::session::{Session, SessionId};

/// What is to be done outside.
#[derive(Default)]
pub struct Effects {
    /// Sessions that have something to send, or that are to be closed.
    pub attend: Vec<SessionId>,
    /// Whole tables that a flush took out: to be dropped where it stalls nobody.
    pub detached: Vec<Detached>,
    /// Lines for the log.
    pub log: Vec<LogLine>,
    /// The log level has changed to this.
    pub log_level: Option<String>,
    /// What is to be done with files, in this order.
    pub asks: Vec<Ask>,
    /// The process is asked to end.
    pub shutdown: Option<Shutdown>,
    /// The process is asked to fail, as if by a bug of its own.
    pub crash: Option<Crash>,
    /// Commands that reproduce what was changed. Empty unless somebody listens.
    pub stream: Stream,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// Without line end.
    pub text: String,
}

/// Levels of `loglevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of interest to a developer.
    Debug,
    /// Of interest now and then.
    Verbose,
    /// What an operator should see.
    Notice,
    /// What an operator must see.
    Warning,
}

/// How the process is to fail: for whoever wants to see what happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// As by an access to memory that is not there (DEBUG SEGFAULT).
    Segfault,
    /// By an assertion that does not hold (DEBUG ASSERT).
    Assert,
    /// By a panic (DEBUG PANIC).
    Panic,
}

/// How the process is to end. Everything stands still until it has, or until [`crate::Engine::shutdown_failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// The data set is to be saved first.
    pub save: bool,
    /// Do not wait for anything.
    pub now: bool,
    /// Go down even if something could not be kept.
    pub force: bool,
}

/// The propagation stream.
pub struct Stream {
    enabled: bool,
    bytes: Vec<u8>,
    /// Position of the first of them.
    from: u64,
    db: Option<usize>,
    /// Start of the open transaction, and how many commands it holds.
    transaction: Option<(usize, usize)>,
}

/// Where a command begins in the stream: a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start(u64);

/// A MULTI on the wire; taken out again when its transaction turns out to hold one command.
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

impl Default for Stream {
    fn default() -> Stream {
        // Positions begin at 1, so that nothing that was ever written is durable at 0.
        Stream { enabled: false, bytes: Vec::new(), from: 1, db: None, transaction: None }
    }
}

impl Stream {
    /// Says whether anybody listens. Starting to listen starts with a SELECT.
    pub fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
        self.db = None;
    }

    /// Stops listening for a while, without that anything is to start again. Returns what [`Stream::resume`] is to be told.
    pub(crate) fn suspend(&mut self) -> bool {
        std::mem::take(&mut self.enabled)
    }

    /// Listens again, if it did.
    pub(crate) fn resume(&mut self, listening: bool) {
        self.enabled = listening;
    }

    /// The position behind all that was ever written: a count of bytes, beginning at 1.
    #[inline]
    pub fn position(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Whether commands need to be written at all.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Appends one command that acts on `db`, and says where it begins.
    pub fn push(&mut self, db: usize, command: &[&[u8]]) -> Start {
        if !self.enabled {
            return Start(self.position());
        }
        self.start(db);
        let start = Start(self.position());
        encode_command(&mut self.bytes, command);
        start
    }

    /// Appends one command as it came.
    pub fn push_args(&mut self, db: usize, args: crate::call::Args<'_>) {
        if !self.enabled {
            return;
        }
        self.start(db);
        if let Some(encoded) = args.encoded() {
            self.bytes.extend_from_slice(encoded);
            return;
        }
        let mut digits = itoa::Buffer::new();
        self.bytes.push(b'*');
        self.bytes.extend_from_slice(digits.format(args.len()).as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        for arg in args.iter() {
            self.bytes.push(b'$');
            self.bytes.extend_from_slice(digits.format(arg.len()).as_bytes());
            self.bytes.extend_from_slice(b"\r\n");
            self.bytes.extend_from_slice(arg);
            self.bytes.extend_from_slice(b"\r\n");
        }
    }

    fn start(&mut self, db: usize) {
        if self.db != Some(db) {
            // A SELECT goes before the MULTI that it would otherwise stand in: it is no part of what was asked.
            let text = db.to_string();
            let mut select = Vec::with_capacity(32);
            encode_command(&mut select, &[b"SELECT", text.as_bytes()]);
            match self.transaction {
                Some((start, 0)) => {
                    self.bytes.splice(start..start, select.iter().copied());
                    self.transaction = Some((start + select.len(), 0));
                }
                _ => self.bytes.extend_from_slice(&select),
            }
            self.db = Some(db);
        }
        if let Some((_, commands)) = &mut self.transaction {
            *commands += 1;
        }
    }

    /// Everything until [`Stream::commit`] is one transaction.
    pub fn begin(&mut self) {
        if self.enabled {
            self.transaction = Some((self.bytes.len(), 0));
            self.bytes.extend_from_slice(MULTI);
        }
    }

    /// What was written since `first` is a transaction, and all that follows until [`Stream::commit`]. There is none yet, and nothing
    /// has been taken since.
    pub(crate) fn begin_with(&mut self, first: Start) {
        assert!(self.transaction.is_none(), "transactions don't nest");
        if self.enabled {
            let start = (first.0 - self.from) as usize;
            self.bytes.splice(start..start, MULTI.iter().copied());
            self.transaction = Some((start, 1));
        }
    }

    /// Ends the transaction. One that changed nothing leaves nothing; one of a single command needs no MULTI.
    pub fn commit(&mut self) {
        let Some((start, commands)) = self.transaction.take() else { return };
        if commands <= 1 {
            self.bytes.drain(start..start + MULTI.len());
        } else {
            self.bytes.extend_from_slice(EXEC);
        }
    }

    /// What was written since it was last taken.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes what was written since the last time, to stand at the end of `behind`. Buffers are exchanged where that spares copying.
    pub fn take_to(&mut self, behind: &mut Vec<u8>) {
        match behind.is_empty() {
            true => {
                assert!(self.transaction.is_none(), "a stream is taken between commands, never inside a transaction");
                self.from = self.position();
                std::mem::swap(&mut self.bytes, behind);
            }
            false => {
                behind.extend_from_slice(&self.bytes);
                self.clear();
            }
        }
    }

    /// Says that the bytes have been taken.
    pub fn clear(&mut self) {
        assert!(self.transaction.is_none(), "a stream is taken between commands, never inside a transaction");
        self.from = self.position();
        self.bytes.clear();
    }
}

impl Effects {
    /// Asks for the process to fail, once this round's replies are out.
    pub fn crash(&mut self, crash: Crash) {
        self.crash = Some(crash);
    }

    /// Puts a session on the list that the node looks at after the round.
    #[inline]
    pub(crate) fn attend(&mut self, session: &mut Session) {
        if !session.attended {
            session.attended = true;
            self.attend.push(session.handle);
        }
    }

    /// Adds a line for the log. The queue is bounded: beyond it lines are dropped, for a log must not grow without end.
    pub fn log(&mut self, level: Level, text: impl Into<String>) {
        const LINES_MAX: usize = 1024;
        if self.log.len() < LINES_MAX {
            self.log.push(LogLine { level, text: text.into() });
        }
    }
}
