//! The request parser: from the bytes of a connection to commands, as offsets into those bytes.
//!
//! Guarantees: no copy and no allocation for a command that is complete in the buffer (quoted inline requests apart);
//! the outcome does not depend on how the bytes were cut; feeding a command in pieces costs time linear in its length.
//! It must never keep a pointer into the input: between two calls the caller may move the bytes.
//!
//! Two quirks of Redis are kept on purpose, for clients exist that rely on them without knowing: after the `\r` of a
//! header any one byte is taken for the `\n`, and the two bytes behind a bulk are skipped unread. A third is kept because
//! what it means is *wait*: a NUL hides the end of the line it is in, which then ends only at the limit for lines.

use crate::multibulk::{Cursor, Progress};
use crate::{ProtocolError, inline, multibulk, steps};

/// One argument: where it lies, relative to the first byte of its command.
///
/// 32 bits, so that an argument is one word: a command that would not fit in 4 GiB is refused
/// ([`ProtocolError::CommandTooBig`]); `client-query-buffer-limit` (1 GiB unless configured) ends such clients earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arg {
    /// Offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Arg {
    /// The argument's bytes, given the bytes that its command began with.
    ///
    /// # Panics
    /// If `command` does not hold the argument: it is not the slice that was parsed.
    #[inline]
    pub fn of(self, command: &[u8]) -> &[u8] {
        &command[self.start as usize..][..self.len as usize]
    }
}

/// What a client may send at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument, in bytes (`proto-max-bulk-len`; for the link from a primary: `u64::MAX`).
    pub max_bulk: u64,
    /// The longest inline request, and the longest `*` or `$` line, in bytes.
    pub max_inline: usize,
    /// The most arguments of a command.
    pub max_multibulk: i64,
    /// Whether the client has authenticated, or need not. Until then 10 arguments of 16384 bytes are the most.
    pub authenticated: bool,
}

impl Limits {
    pub(crate) const UNAUTHENTICATED_MULTIBULK: u64 = 10;
    pub(crate) const UNAUTHENTICATED_BULK: u64 = 16384;
}

impl Default for Limits {
    /// Redis's defaults, for an authenticated client.
    fn default() -> Limits {
        Limits { max_bulk: 512 << 20, max_inline: 64 << 10, max_multibulk: i32::MAX as i64, authenticated: true }
    }
}

/// What [`RequestParser::parse`] found at the start of its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A command: `argc` (≥ 1) arguments were appended, as offsets into the input. It ends after `consumed` bytes.
    ///
    /// An unquoted inline request is one, too. Whoever must tell (the link from a primary refuses inline requests) looks
    /// whether the input began with `*`.
    Command {
        /// Bytes of the command.
        consumed: usize,
        /// How many arguments were appended.
        argc: usize,
    },
    /// An inline request with quotes or escapes: its `argc` (≥ 1) arguments are offsets into `bytes`, not into the input.
    Inline {
        /// Bytes of the request, line end included.
        consumed: usize,
        /// How many arguments were appended.
        argc: usize,
        /// The unquoted arguments, end to end.
        bytes: Box<[u8]>,
    },
    /// An empty line, or a command of no arguments (`*0`, `*-1`): skip `consumed` bytes, answer nothing.
    Nothing {
        /// Bytes to skip.
        consumed: usize,
    },
    /// The command goes on: call again with the same bytes and more.
    Incomplete {
        /// At least this many bytes (≥ 1) are missing. Large only inside a bulk, so that a buffer can be sized once and
        /// a big value read straight into its place.
        wanted: usize,
    },
}

/// A command whose last argument is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongBulk {
    /// The arguments before it.
    pub args: Vec<Arg>,
    /// Offset of its first byte.
    pub start: usize,
    /// Its length. Two bytes follow it, which end the command.
    pub len: u32,
}

/// The parser of one connection. One machine word while the connection stands between two commands.
#[derive(Debug, Default)]
pub struct RequestParser {
    partial: Option<Box<Partial>>,
}

/// What is known of a command that has begun and is not complete.
#[derive(Debug)]
struct Partial {
    cursor: Cursor,
    /// The arguments before the cursor. They grow with the bytes received (a bulk is at least 6), not with the count announced.
    args: Vec<Arg>,
}

impl RequestParser {
    /// A parser between two commands.
    pub const fn new() -> RequestParser {
        RequestParser { partial: None }
    }

    /// Whether a command has begun and is not complete. Its bytes must then be given again, from its first one.
    pub fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// Bytes held for a command that has begun, for the accounting of a client's memory.
    pub fn memory(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| size_of::<Partial>() + partial.args.capacity() * size_of::<Arg>())
    }

    /// How many bytes of a command that has begun have been understood, up to where a line or a bulk's payload begins.
    pub fn understood(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.cursor.pos)
    }

    /// Bytes of the arguments of a command that has begun, as far as they are complete.
    pub fn arguments_len(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.args.iter().map(|arg| arg.len as usize).sum())
    }

    /// Takes a command over that has begun, if all of it is there up to its last argument, and that has at least `min` bytes: what
    /// is missing is then for somebody else to wait for.
    pub fn take_long_bulk(&mut self, min: usize) -> Option<LongBulk> {
        let partial = self.partial.take()?;
        match partial.cursor.last_payload() {
            Some((start, len)) if len as usize >= min => Some(LongBulk { args: partial.args, start, len }),
            _ => {
                self.partial = Some(partial);
                None
            }
        }
    }

    /// Forgets a command that has begun: the connection's input was thrown away.
    pub fn reset(&mut self) {
        self.partial = None;
    }

    /// Parses one command, whose first byte is `input[0]`.
    ///
    /// Call again at `input[consumed..]` for the next one. After [`Parsed::Incomplete`] call again with the same bytes
    /// followed by more, at any address. `args` is appended to for a command only; it is left as it was otherwise.
    ///
    /// # Errors
    /// A request that breaks the protocol or a limit: answer the error and close, for the stream has lost its frame.
    #[inline(always)]
    pub fn parse(&mut self, input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> Result<Parsed, ProtocolError> {
        if self.partial.is_some() {
            return self.resume(input, args, limits);
        }
        let base = args.len();
        match multibulk::sprint(input, args, limits) {
            Ok(consumed) => Ok(Parsed::Command { consumed, argc: args.len() - base }),
            Err(cursor) => self.begin(cursor, input, args, base, limits),
        }
    }

    /// The rest of [`RequestParser::parse`] for a first call that the sprint did not complete.
    #[cold]
    fn begin(
        &mut self,
        mut cursor: Cursor,
        input: &[u8],
        args: &mut Vec<Arg>,
        base: usize,
        limits: &Limits,
    ) -> Result<Parsed, ProtocolError> {
        match advance(&mut cursor, input, args, limits) {
            Ok(Progress::Incomplete { wanted }) => {
                if !input.is_empty() {
                    self.partial = Some(Box::new(Partial { cursor, args: args[base..].to_vec() }));
                    args.truncate(base);
                }
                Ok(Parsed::Incomplete { wanted })
            }
            Ok(Progress::Complete) if args.len() == base => Ok(Parsed::Nothing { consumed: cursor.pos }),
            Ok(Progress::Complete) => Ok(Parsed::Command { consumed: cursor.pos, argc: args.len() - base }),
            Ok(Progress::Unquoted(bytes)) => {
                Ok(Parsed::Inline { consumed: cursor.pos, argc: args.len() - base, bytes })
            }
            Err(error) => {
                args.truncate(base);
                Err(error)
            }
        }
    }

    /// Goes on with a command that an earlier call left incomplete.
    #[cold]
    fn resume(&mut self, input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> Result<Parsed, ProtocolError> {
        let mut partial = self.partial.take().expect("parse looked");
        // The arguments stay with the partial command until it is complete: to hand them over and take them back at
        // every call would make a command of many small arguments quadratic.
        match advance(&mut partial.cursor, input, &mut partial.args, limits)? {
            Progress::Incomplete { wanted } => {
                self.partial = Some(partial);
                Ok(Parsed::Incomplete { wanted })
            }
            progress => {
                let (consumed, argc) = (partial.cursor.pos, partial.args.len());
                args.extend_from_slice(&partial.args);
                steps::count(argc);
                Ok(match progress {
                    Progress::Unquoted(bytes) => Parsed::Inline { consumed, argc, bytes },
                    _ if argc == 0 => Parsed::Nothing { consumed },
                    _ => Parsed::Command { consumed, argc },
                })
            }
        }
    }
}

/// Goes as far as the input allows, with every rule applied.
fn advance(cursor: &mut Cursor, input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> Result<Progress, ProtocolError> {
    match input.first() {
        None => Ok(Progress::Incomplete { wanted: 1 }),
        Some(b'*') => multibulk::advance(cursor, input, args, limits),
        Some(_) => inline::advance(cursor, input, args, limits),
    }
}
