//! Remarkable commands: those that took long, were sent large, or were answered large. The first kind is Redis's slow log.
//!
//! A log is bounded in entries, and an entry in size: 32 arguments of 128 bytes, of whatever was sent. Secrets are not kept
//! (see [`crate::redaction`]). Ids count up from 0 for as long as the server runs; a reset does not start them again.

use std::collections::VecDeque;

use crate::call::Args;
use crate::redaction;
use crate::session::Session;
use crate::table::Command;

/// Arguments that an entry keeps; the last of them says how many there were beyond.
const ARGUMENTS_MAX: usize = 32;

/// Bytes of an argument that an entry keeps.
const ARGUMENT_BYTES_MAX: usize = 128;

/// What makes a command remarkable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// It took long.
    Slow,
    /// It was sent large.
    LargeRequest,
    /// It was answered large.
    LargeReply,
}

impl LogKind {
    /// All kinds.
    pub const ALL: [LogKind; 3] = [LogKind::Slow, LogKind::LargeRequest, LogKind::LargeReply];

    /// The name in `COMMANDLOG GET`.
    pub const fn name(self) -> &'static str {
        match self {
            LogKind::Slow => "slow",
            LogKind::LargeRequest => "large-request",
            LogKind::LargeReply => "large-reply",
        }
    }
}

/// One remarkable command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Counts up from 0.
    pub id: u64,
    /// Unix time at which it ended, seconds.
    pub unix_s: u64,
    /// Microseconds that it took, or bytes of the request or of the reply.
    pub amount: u64,
    /// Its arguments, cut and with secrets hidden.
    pub args: Vec<Box<[u8]>>,
    /// The client's address.
    pub address: Box<str>,
    /// The client's name.
    pub client: Box<[u8]>,
}

impl LogEntry {
    /// Bytes that it takes.
    fn memory(&self) -> usize {
        let args: usize = self.args.iter().map(|arg| arg.len() + size_of::<Box<[u8]>>()).sum();
        size_of::<LogEntry>() + args + self.address.len() + self.client.len()
    }
}

/// The latest remarkable commands of one kind.
#[derive(Debug, Default)]
pub struct CommandLog {
    /// The latest first.
    entries: VecDeque<LogEntry>,
    /// Bytes that they take.
    bytes: usize,
    next_id: u64,
}

impl CommandLog {
    /// Enters a command, and forgets the oldest beyond `max`.
    pub fn push(&mut self, session: &Session, command: &Command, args: Args<'_>, unix_s: u64, amount: u64, max: u64) {
        let entry = LogEntry {
            id: self.next_id,
            unix_s,
            amount,
            args: kept(command, args),
            address: session.origin.remote.as_str().into(),
            client: session.name.clone(),
        };
        self.next_id += 1;
        self.bytes += entry.memory();
        self.entries.push_front(entry);
        self.trim(max);
    }

    /// Forgets the oldest beyond `max`.
    pub fn trim(&mut self, max: u64) {
        while self.entries.len() as u64 > max {
            let oldest = self.entries.pop_back().expect("there are more than none");
            self.bytes -= oldest.memory();
        }
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The latest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &LogEntry> {
        self.entries.iter()
    }

    /// Bytes that the entries take.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

fn kept(command: &Command, args: Args<'_>) -> Vec<Box<[u8]>> {
    let kept = if args.len() > ARGUMENTS_MAX { ARGUMENTS_MAX - 1 } else { args.len() };
    let mut list: Vec<Box<[u8]>> = (0..kept).map(|i| cut(redaction::shown(command, args, i))).collect();
    if kept < args.len() {
        list.push(format!("... ({} more arguments)", args.len() - kept).into_bytes().into());
    }
    list
}

fn cut(arg: &[u8]) -> Box<[u8]> {
    match arg.len().checked_sub(ARGUMENT_BYTES_MAX) {
        None | Some(0) => arg.into(),
        Some(more) => [&arg[..ARGUMENT_BYTES_MAX], format!("... ({more} more bytes)").as_bytes()].concat().into(),
    }
}
