//! What is known of a command between parsing and execution.
//!
//! Offsets, hashes and the table's entry: nothing in here points into the keyspace, for what executes before may change it.

use refrain_resp::ProtocolError;

use crate::table::{BeginSearch, Command, FindKeys, Found, KeySpec, Unresolved};

/// A command parsed and not yet executed. Positions are into the round's buffers; all of it fits a cache line.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    /// First byte, in the cursor's bytes: where execution resumes if the session is stopped before this command.
    pub(crate) start: usize,
    /// How many bytes it is.
    pub(crate) len: u32,
    pub(crate) what: What,
    pub(crate) cursor: u32,
    pub(crate) args_from: u32,
    pub(crate) args: u32,
    pub(crate) hashes_from: u32,
    pub(crate) hashes: u8,
    pub(crate) first_key: u8,
    pub(crate) key_step: u8,
}

/// Keys at fixed places from some argument on: what can be hashed ahead without knowing the command any better.
#[derive(Clone, Copy)]
pub(crate) struct KeyRange {
    pub(crate) first: usize,
    /// Relative to the first when not negative, to the number of arguments otherwise.
    pub(crate) last: i32,
    pub(crate) step: usize,
}

impl KeyRange {
    #[inline]
    pub(crate) fn of(command: &Command) -> Option<KeyRange> {
        match command.keys {
            [KeySpec { begin: BeginSearch::Index(first), find: FindKeys::Range { last, step, .. }, .. }, ..] => {
                Some(KeyRange { first: *first as usize, last: *last, step: (*step).max(1) as usize })
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn last(&self, argc: usize) -> usize {
        match self.last {
            0.. => (self.first + self.last as usize).min(argc - 1),
            _ => argc.saturating_sub(self.last.unsigned_abs() as usize),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum What {
    /// A command that lies in the cursor's bytes.
    Plain(Found),
    /// Anything else: the index of a [`Rare`].
    Rare(u32),
}

/// What is not one command after another as it came.
pub(crate) enum Rare {
    /// An inline request that had to be unquoted, with its arguments' bytes.
    Unquoted(Result<Found, Unresolved>, Box<[u8]>),
    /// A call that names no command, or with too few or too many arguments.
    Unresolved(Unresolved),
    /// A command whose last argument has a buffer of its own, which its session has.
    Long(Result<Found, Unresolved>),
    /// Bytes that are no request at all.
    Broken(ProtocolError),
}

/// The command that was named last. Pipelines repeat themselves, and comparing one word is cheaper than any index.
#[derive(Default)]
pub(crate) struct RecentCommand {
    word: u64,
    len: usize,
    found: Option<Found>,
}

impl RecentCommand {
    /// The command that `args` name, when it is known without a look at the table: the same word as before, in the same case,
    /// of a command without subcommands that takes so many arguments.
    #[inline]
    pub(crate) fn find(&self, name: &[u8], argc: usize) -> Option<Found> {
        let found = self.found?;
        (name.len() == self.len && word_of(name) == self.word && found.command.takes(argc)).then_some(found)
    }

    #[inline]
    pub(crate) fn remember(&mut self, name: &[u8], found: Found) {
        // A subcommand's full name is longer than the word that its container was called by.
        let is_whole_name = name.len() == found.command.name.len();
        if name.len() <= 8 && is_whole_name && found.command.subcommands.is_empty() {
            *self = RecentCommand { word: word_of(name), len: name.len(), found: Some(found) };
        }
    }
}

/// The first eight bytes of a name as one word; what is missing is zero.
#[inline]
fn word_of(name: &[u8]) -> u64 {
    match *name {
        [a, b, c, d, e, f, g, h, ..] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        _ => name.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}
