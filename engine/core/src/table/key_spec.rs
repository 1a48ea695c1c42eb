//! Where a command's keys are among its arguments, as data.
//!
//! A [`KeySpec`] says in two steps how to find some of the keys: where to begin, and how many to take from there. A
//! command may have several. [`super::keys`] interprets them; ACL, cluster routing and replies only read them.

use super::flags::bit_set;

bit_set! {
    /// How a command uses the keys of one spec: at most one of RO, RW, OW, RM (about the key with its metadata), and what is
    /// done to the value inside.
    KeyFlags(u16) {
        /// Read, never changed.
        RO = "RO",
        /// Changed, and what it held matters.
        RW = "RW",
        /// Overwritten whatever it held.
        OW = "OW",
        /// Removed.
        RM = "RM",
        /// The user's data comes back, is copied, or decides something.
        ACCESS = "access",
        /// The value is replaced or changed.
        UPDATE = "update",
        /// Something is added; nothing that was there is changed.
        INSERT = "insert",
        /// Something of the value is deleted.
        DELETE = "delete",
        /// Not a key, but routed as one: a shard channel.
        NOT_KEY = "not_key",
        /// The specs do not find every key; the command's own function does.
        INCOMPLETE = "incomplete",
        /// The flags depend on the arguments; the command's own function says which hold.
        VARIABLE_FLAGS = "variable_flags",
    }
}

/// Where the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginSearch {
    /// At this argument (0 is the command's name).
    Index(u32),
    /// At the argument after this word, looked for from an argument on, or backwards from one counted from the end
    /// (-1 is the last).
    Keyword {
        /// The word, in any case.
        keyword: &'static str,
        /// Where to start looking.
        start_from: i32,
    },
    /// Data can't say.
    Unknown,
}

/// Which arguments from the beginning on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindKeys {
    /// All up to a last one.
    Range {
        /// The last key relative to the first; negative counts from the end (-1 is the last argument).
        last: i32,
        /// Distance from one key to the next.
        step: u32,
        /// With a negative `last`: only the first 1/limit of what is left holds keys. 0 and 1 mean all of it.
        limit: u32,
    },
    /// As many as an argument says.
    KeyNum {
        /// Where the number is, relative to the beginning.
        number: u32,
        /// Where the first key is, relative to the beginning.
        first: u32,
        /// Distance from one key to the next.
        step: u32,
    },
    /// Data can't say.
    Unknown,
}

/// One way to find some of a command's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// What the command does with these keys.
    pub flags: KeyFlags,
    /// Where to begin.
    pub begin: BeginSearch,
    /// What to take from there.
    pub find: FindKeys,
    /// A remark for people, shown by `COMMAND`; empty for none.
    pub notes: &'static str,
}

impl KeySpec {
    /// One key, at argument `index`.
    pub const fn one(index: u32, flags: &[KeyFlags]) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Every argument from `index` on.
    pub const fn rest(index: u32, flags: &[KeyFlags]) -> KeySpec {
        KeySpec::range(index, -1, 1, flags)
    }

    /// Keys from argument `index` up to `last` (see [`FindKeys::Range`]), `step` apart.
    pub const fn range(index: u32, last: i32, step: u32, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            flags: KeyFlags::of(flags),
            begin: BeginSearch::Index(index),
            find: FindKeys::Range { last, step, limit: 0 },
            notes: "",
        }
    }

    /// As many keys as argument `index` says, right after it.
    pub const fn counted(index: u32, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            flags: KeyFlags::of(flags),
            begin: BeginSearch::Index(index),
            find: FindKeys::KeyNum { number: 0, first: 1, step: 1 },
            notes: "",
        }
    }

    /// Keys after the word `keyword` (see [`BeginSearch::Keyword`]) up to `last`, in the first 1/`limit` of what is left.
    pub const fn keyword(keyword: &'static str, start_from: i32, last: i32, limit: u32, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            flags: KeyFlags::of(flags),
            begin: BeginSearch::Keyword { keyword, start_from },
            find: FindKeys::Range { last, step: 1, limit },
            notes: "",
        }
    }

    /// The same with a remark.
    pub const fn notes(self, notes: &'static str) -> KeySpec {
        KeySpec { notes, ..self }
    }
}

/// The keys of a command as one range of arguments, as clients from before key specs read them. All zero for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegacyRange {
    /// The first key's argument.
    pub first: i32,
    /// The last key's argument; negative counts from the end (-1 is the last argument).
    pub last: i32,
    /// Distance from one key to the next.
    pub step: i32,
}

impl LegacyRange {
    /// The smallest range that covers the specs that begin at an index, and whether it tells the whole truth: when some
    /// keys are found otherwise, a client must ask `COMMAND GETKEYS`.
    pub fn covering(specs: &[KeySpec]) -> (LegacyRange, bool) {
        let ranges = specs.iter().filter_map(|spec| match (spec.begin, spec.find) {
            (BeginSearch::Index(first), FindKeys::Range { last, step, .. }) => {
                let last = if last >= 0 { first as i32 + last } else { last };
                Some(LegacyRange { first: first as i32, last, step: step as i32 })
            }
            _ => None,
        });
        let whole = ranges.clone().count() == specs.len();
        // As unsigned numbers, ends counted from the end of the arguments are beyond all others.
        let wider = |a: LegacyRange, b: LegacyRange| LegacyRange {
            first: a.first.min(b.first),
            last: (a.last as u32).max(b.last as u32) as i32,
            step: 1,
        };
        (ranges.reduce(wider).unwrap_or_default(), whole)
    }
}
