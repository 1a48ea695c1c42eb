//! What is known of a command between parsing and execution.
//!
//! Offsets, hashes and the table's entry: nothing in here points into the keyspace, for what executes before may change it.

use refrain_resp::ProtocolError;

use crate::table::{BeginSearch, Command, FindKeys, Found, Group, KeySpec, Unresolved};

/// Keys of one command that are hashed ahead. Those beyond are hashed when they are looked up.
const HASHES_AHEAD_MAX: usize = 16;

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
    /// Of a command on collections: the argument that names an element, or [`NO_ELEMENT`]. Otherwise 0.
    pub(crate) element: u8,
    /// The argument that says what score the element gets, or 0.
    pub(crate) score: u8,
}

impl Ahead {
    /// One of which nothing is known yet but where it begins, in its cursor's bytes and in the round's buffers.
    #[inline(always)]
    pub(crate) fn at(start: usize, cursor: usize, args_from: usize, hashes_from: usize, rare: usize) -> Ahead {
        Ahead {
            start,
            len: 0,
            what: What::Rare(rare as u32),
            cursor: cursor as u32,
            args_from: args_from as u32,
            args: 0,
            hashes_from: hashes_from as u32,
            hashes: 0,
            first_key: 0,
            key_step: 0,
            element: 0,
            score: 0,
        }
    }
}

/// A command on collections names no element.
pub(crate) const NO_ELEMENT: u8 = u8::MAX;

/// Keys at fixed places from some argument on: what can be hashed ahead without knowing the command any better.
#[derive(Clone, Copy)]
pub(crate) struct KeyRange {
    pub(crate) first: usize,
    /// Relative to the first when not negative, to the number of arguments otherwise.
    pub(crate) last: i32,
    pub(crate) step: usize,
}

impl KeyRange {
    pub(crate) fn of(command: &Command) -> Option<KeyRange> {
        match command.keys {
            [KeySpec { begin: BeginSearch::Index(first), find: FindKeys::Range { last, step, .. }, .. }, ..] => {
                Some(KeyRange { first: *first as usize, last: *last, step: (*step).max(1) as usize })
            }
            _ => None,
        }
    }

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

/// What is known of a command when its name and the number of its arguments are.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) found: Found,
    pub(crate) barrier: bool,
    /// The first of the keys that are hashed ahead, how far apart they are, and how many.
    pub(crate) first_key: u8,
    pub(crate) key_step: u8,
    pub(crate) keys: u8,
    /// As in [`Ahead`].
    pub(crate) element: u8,
    pub(crate) score: u8,
}

impl Known {
    pub(crate) fn of(found: Found, argc: usize) -> Known {
        let element = match (found.command.group, found.command.element) {
            (_, element @ 1..) if element < argc => element as u8,
            (Group::Hash | Group::Set | Group::SortedSet | Group::List, _) => NO_ELEMENT,
            _ => 0,
        };
        let mut known =
            Known { found, barrier: found.command.barrier, first_key: 0, key_step: 0, keys: 0, element, score: 0 };
        if element != NO_ELEMENT {
            known.score = found.command.score as u8;
        }
        if let Some(range) = KeyRange::of(found.command) {
            (known.first_key, known.key_step) = (range.first as u8, range.step as u8);
            let last = range.last(argc);
            if range.first <= last {
                known.keys = ((last - range.first) / range.step + 1).min(HASHES_AHEAD_MAX) as u8;
            }
        }
        known
    }
}

/// The command that was named last. Pipelines repeat themselves, and comparing one word is cheaper than any index.
#[derive(Default)]
pub(crate) struct RecentCommand {
    word: u64,
    len: usize,
    argc: usize,
    known: Option<Known>,
}

impl RecentCommand {
    /// The command that `args` name, when it is known without a look at the table: the same word as before, in the same case,
    /// of a command without subcommands that takes so many arguments.
    #[inline]
    pub(crate) fn find(&mut self, name: &[u8], argc: usize) -> Option<Known> {
        let known = self.known?;
        if name.len() != self.len || word_of(name) != self.word {
            return None;
        }
        if argc == self.argc { Some(known) } else { self.find_longer(argc) }
    }

    /// The same command with another number of arguments.
    #[inline(never)]
    fn find_longer(&mut self, argc: usize) -> Option<Known> {
        let found = self.known?.found;
        found.command.takes(argc).then(|| {
            self.argc = argc;
            *self.known.insert(Known::of(found, argc))
        })
    }

    pub(crate) fn remember(&mut self, name: &[u8], argc: usize, known: Known) {
        let command = known.found.command;
        // A subcommand's full name is longer than the word that its container was called by.
        if name.len() <= 8 && name.len() == command.name.len() && command.subcommands.is_empty() {
            *self = RecentCommand { word: word_of(name), len: name.len(), argc, known: Some(known) };
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
