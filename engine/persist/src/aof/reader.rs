//! The commands of an append-only file, as they arrive.
//!
//! Every byte is looked at once. What is kept is what belongs to the command that has not ended yet. Commands are written by
//! servers, so there is one form of them: arrays of bulk strings, whose lengths are plain decimals.

use std::fmt;
use std::ops::Range;

use super::error::{AofError, AofErrorKind};
use crate::incoming::Incoming;
use crate::seal::{SALT_PREFIX, SEAL_BYTES_MAX, SEAL_PREFIX, STAMP_PREFIX, Salt, Seal, is_stamp};

/// The longest annotation, its line end included.
const ANNOTATION_MAX: usize = 1024;

/// Arguments of a command.
const ARGUMENTS_MAX: u64 = i32::MAX as u64;

/// Digits of a number.
const DIGITS_MAX: usize = 19;

/// Reads an append-only file that is fed to it.
pub struct AofReader {
    incoming: Incoming,
    argument_bytes_max: u64,
    file_len: u64,
    ended: bool,
    command: Option<Unfinished>,
    /// The arguments of the command, relative to its beginning.
    arguments: Vec<Range<usize>>,
    /// A MULTI has come whose EXEC has not.
    in_transaction: bool,
    valid_up_to: u64,
    line: u64,
    failed: Option<AofError>,
    /// What the file has said that goes into the checksums of its seals.
    salt: Option<Salt>,
    /// Where it said that last.
    salted_up_to: u64,
    /// Where the last sealed piece ends, if there was one.
    sealed_up_to: Option<u64>,
    /// Where a stamp ends that stands in the place of a seal: that of another server, which has gone on.
    stamped_up_to: Option<u64>,
    /// Where the seal begins that was looked at with its stamp, and what it says.
    looked_at: Option<(u64, Sealed)>,
    /// Up to where seals say that the file was durable, if there were any.
    claimed: Option<u64>,
}

/// A command that has not all arrived.
#[derive(Clone, Copy)]
struct Unfinished {
    /// How many arguments are still to come.
    missing: u64,
    /// How many of its bytes have been looked at.
    seen: usize,
    /// The length of the argument that is arriving, if that is known.
    len: Option<usize>,
}

/// Something of an append-only file.
#[derive(Debug, PartialEq, Eq)]
pub enum AofItem<'a> {
    /// A command.
    Command(AofCommand<'a>),
    /// A line that is no command: `#TS:` and a time in seconds, or something that is not known yet. Without its line end.
    Annotation(&'a [u8]),
}

/// A command with its arguments, of which there is at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AofCommand<'a> {
    bytes: &'a [u8],
    arguments: &'a [Range<usize>],
}

impl<'a> AofCommand<'a> {
    /// The name and the arguments.
    pub fn arguments(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.arguments.iter().map(move |at| &self.bytes[at.clone()])
    }

    /// Where in [`AofCommand::bytes`] the name and the arguments lie.
    #[must_use]
    pub fn ranges(self) -> &'a [Range<usize>] {
        self.arguments
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'a [u8] {
        &self.bytes[self.arguments[0].clone()]
    }

    /// The command as the file has it.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn is(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for AofCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.arguments().map(<[u8]>::escape_ascii)).finish()
    }
}

/// Most sealed pieces are not longer. One that is may be a transaction, which is never in two; but to wait for its end where there is
/// none is to hold all of the file.
const SEALED_MOST: u64 = 4 << 30;

/// What an annotation is.
#[derive(Clone, Copy)]
enum Sealed {
    /// No seal.
    Not,
    /// The seal of what follows, or its stamp: where what is sealed ends, and how much was durable then.
    Holds { end: u64, durable: u64 },
    /// No seal, but what seals behind it are made with.
    Salt(Salt),
    /// What it seals has not all arrived.
    Incomplete,
    /// A seal of something else, or none where one should be.
    Broken,
}

enum Step {
    Annotation(usize),
    Command(usize),
}

impl AofReader {
    /// Reads a file from `offset` on: behind a preamble that is not made of commands, if there is one. No argument may be longer
    /// than `argument_bytes_max`.
    #[must_use]
    pub fn new(offset: u64, argument_bytes_max: u64) -> AofReader {
        AofReader {
            incoming: Incoming::new(offset, false),
            argument_bytes_max,
            file_len: u64::MAX,
            ended: false,
            command: None,
            arguments: Vec::new(),
            in_transaction: false,
            valid_up_to: offset,
            line: 1,
            failed: None,
            salt: None,
            salted_up_to: 0,
            sealed_up_to: None,
            stamped_up_to: None,
            looked_at: None,
            claimed: None,
        }
    }

    /// The file is so long, or was when it was opened: a piece that says that it is very long and doesn't end there is damaged.
    #[must_use]
    pub fn of_len(mut self, file_len: u64) -> AofReader {
        self.file_len = file_len;
        self
    }

    /// The next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.incoming.feed(bytes);
    }

    /// There are no more.
    pub fn end_of_input(&mut self) {
        self.ended = true;
    }

    /// Where the next item begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.incoming.offset()
    }

    /// Up to where the file is whole: behind the last command or annotation that is not within an unfinished transaction.
    #[must_use]
    pub fn valid_up_to(&self) -> u64 {
        self.valid_up_to
    }

    /// Up to where the seals that were read say that the file was durable; `None` if there were none.
    #[must_use]
    pub fn claimed(&self) -> Option<u64> {
        self.claimed
    }

    /// What the file has said that goes into the checksums of its seals, if it has said it.
    #[must_use]
    pub fn salt(&self) -> Option<Salt> {
        self.salt
    }

    /// The same, if it says that in the part that is whole.
    #[must_use]
    pub fn valid_salt(&self) -> Option<Salt> {
        self.salt.filter(|_| self.salted_up_to <= self.valid_up_to)
    }

    /// What was fed and not understood.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.incoming.rest()
    }

    /// Whether a MULTI has been read whose EXEC has not.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// The line that is being read, counted from 1; lines within arguments don't count.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next item; `None` when more must be fed first, or at the end.
    ///
    /// # Errors
    /// See [`AofErrorKind`]. Every further call gives the same.
    #[expect(clippy::should_implement_trait, reason = "an item borrows from the reader, which an iterator's can't")]
    pub fn next(&mut self) -> Result<Option<AofItem<'_>>, AofError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        match self.step() {
            Err((seen, kind)) => Err(self.fail(seen, kind)),
            Ok(None) if self.ended && !self.incoming.rest().is_empty() => {
                let seen = self.incoming.rest().len();
                Err(self.fail(seen, AofErrorKind::Truncated))
            }
            Ok(None) if self.ended && self.in_transaction => Err(self.fail(0, AofErrorKind::OpenTransaction)),
            Ok(None) => Ok(None),
            Ok(Some(Step::Annotation(len))) => {
                let at = self.incoming.offset();
                let sealed = self.check_seal(len);
                match sealed {
                    Sealed::Not if self.sealed_up_to == Some(at) => self.stamped_up_to = Some(at + len as u64),
                    Sealed::Not => {}
                    Sealed::Salt(salt) => {
                        self.salt = Some(salt);
                        self.salted_up_to = at + len as u64;
                        // A seal follows, as it does a piece.
                        self.sealed_up_to = Some(self.salted_up_to);
                    }
                    Sealed::Holds { end, durable } => {
                        self.sealed_up_to = Some(end);
                        self.claimed = self.claimed.max(Some(durable));
                    }
                    Sealed::Incomplete if !self.ended => return Ok(None),
                    Sealed::Incomplete | Sealed::Broken => return Err(self.fail(0, AofErrorKind::BrokenSeal)),
                }
                self.line += 1;
                self.incoming.advance(len);
                // A salt is written together with the first seal that is made with it, and is worth nothing without.
                if !matches!(sealed, Sealed::Salt(_)) {
                    self.note_valid();
                }
                Ok(Some(AofItem::Annotation(self.incoming.last(len).trim_ascii_end())))
            }
            Ok(Some(Step::Command(len))) => {
                self.command = None;
                let command = AofCommand { bytes: &self.incoming.rest()[..len], arguments: &self.arguments };
                let (multi, exec) = (command.is("MULTI"), command.is("EXEC"));
                if multi && self.in_transaction {
                    return Err(self.fail(0, AofErrorKind::UnexpectedMulti));
                }
                if exec && !self.in_transaction {
                    return Err(self.fail(0, AofErrorKind::UnexpectedExec));
                }
                self.in_transaction = (self.in_transaction || multi) && !exec;
                self.incoming.advance(len);
                self.note_valid();
                let bytes = self.incoming.last(len);
                Ok(Some(AofItem::Command(AofCommand { bytes, arguments: &self.arguments })))
            }
        }
    }

    /// Looks at the annotation that stands in front, of so many bytes.
    fn check_seal(&mut self, len: usize) -> Sealed {
        let offset = self.incoming.offset();
        let rest = self.incoming.rest();
        let should_be = self.sealed_up_to == Some(offset);
        if let Some((at, sealed)) = self.looked_at
            && at == offset
        {
            return sealed;
        }
        if rest.starts_with(SEAL_PREFIX) {
            return check_piece(rest, 0, self.salt, [offset, self.file_len]);
        }
        if rest.starts_with(SALT_PREFIX) {
            let salt = Salt::parse(&rest[..len]).filter(|salt| self.salt.is_none_or(|known| known == *salt));
            return salt.map_or(Sealed::Broken, Sealed::Salt);
        }
        if !rest.starts_with(STAMP_PREFIX) {
            // Where a seal should stand, nothing else that looks like an annotation is one, but a time that another server wrote.
            let broken = should_be || self.stamped_up_to == Some(offset);
            return if broken { Sealed::Broken } else { Sealed::Not };
        }
        // What comes behind a stamp says whether it is one of another server or belongs to a seal.
        let behind = &rest[len..];
        if !behind.starts_with(SEAL_PREFIX) {
            return match SEAL_PREFIX.starts_with(behind) {
                true if !(self.ended && behind.is_empty()) => Sealed::Incomplete,
                _ if should_be && !is_stamp(&rest[..len]) => Sealed::Broken,
                _ => Sealed::Not,
            };
        }
        let sealed = match Seal::parse(behind) {
            Some(seal) if seal.stamp_len == 0 && (is_stamp(&rest[..len]) || !should_be) => Sealed::Not,
            None if behind.len() < SEAL_BYTES_MAX && !behind.contains(&b'\n') => Sealed::Incomplete,
            _ => check_piece(rest, len, self.salt, [offset, self.file_len]),
        };
        if let Sealed::Holds { .. } = sealed {
            self.looked_at = Some((offset + len as u64, sealed));
        }
        sealed
    }

    fn note_valid(&mut self) {
        if !self.in_transaction {
            self.valid_up_to = self.incoming.offset();
        }
    }

    fn fail(&mut self, seen: usize, kind: AofErrorKind) -> AofError {
        // Right behind a sealed piece stands another or nothing, unless the power was lost or another server has gone on.
        let offset = Some(self.incoming.offset());
        let is_behind_seal = self.sealed_up_to == offset || self.stamped_up_to == offset;
        let kind = if is_behind_seal && !kind.may_be_unsynced() { AofErrorKind::Unsealed } else { kind };
        let error = AofError { offset: self.incoming.offset() + seen as u64, kind };
        self.failed.insert(error).clone()
    }

    /// Looks at what has arrived, up to the end of a command or annotation. An error comes with how far in it is.
    fn step(&mut self) -> Result<Option<Step>, (usize, AofErrorKind)> {
        let rest = self.incoming.rest();
        let mut command = match self.command {
            Some(command) => command,
            None if rest.first() == Some(&b'#') => return self.annotation(),
            None => {
                let Some((count, seen)) = number(rest, 0, b'*')? else { return Ok(None) };
                if !(1..=ARGUMENTS_MAX).contains(&count) {
                    return Err((0, AofErrorKind::Number));
                }
                self.arguments.clear();
                self.line += 1;
                Unfinished { missing: count, seen, len: None }
            }
        };
        loop {
            if command.missing == 0 {
                return Ok(Some(Step::Command(command.seen)));
            }
            self.command = Some(command);
            let len = match command.len {
                Some(len) => len,
                None => {
                    let Some((len, seen)) = number(rest, command.seen, b'$')? else { return Ok(None) };
                    if len > self.argument_bytes_max {
                        return Err((command.seen, AofErrorKind::Number));
                    }
                    let len = usize::try_from(len).map_err(|_| (command.seen, AofErrorKind::Number))?;
                    command = Unfinished { seen, len: Some(len), ..command };
                    self.command = Some(command);
                    self.line += 1;
                    len
                }
            };
            let end = command.seen.saturating_add(len);
            let Some(found) = rest.get(end..).and_then(|rest| rest.first_chunk::<2>()) else { return Ok(None) };
            if found != b"\r\n" {
                return Err((end, AofErrorKind::LineEnd { found: *found }));
            }
            self.line += 1;
            self.arguments.push(command.seen..end);
            command = Unfinished { missing: command.missing - 1, seen: end + 2, len: None };
        }
    }

    fn annotation(&self) -> Result<Option<Step>, (usize, AofErrorKind)> {
        let rest = self.incoming.rest();
        let window = &rest[..rest.len().min(ANNOTATION_MAX)];
        match window.iter().position(|byte| *byte == b'\n') {
            Some(end) => Ok(Some(Step::Annotation(end + 1))),
            None if window.len() == ANNOTATION_MAX => Err((0, AofErrorKind::LongAnnotation)),
            None => Ok(None),
        }
    }
}

/// Looks at what stands at the front, at this offset of a file of this length: a stamp of so many bytes, a seal, and the piece.
fn check_piece(rest: &[u8], stamp_len: usize, salt: Option<Salt>, [offset, file_len]: [u64; 2]) -> Sealed {
    let (stamp, line) = rest.split_at(stamp_len);
    let Some(seal) = Seal::parse(line).filter(|seal| seal.stamp_len == stamp_len) else { return Sealed::Broken };
    let in_file = file_len.saturating_sub(offset + (stamp_len + seal.line_len) as u64);
    let len = usize::try_from(seal.len).ok().filter(|_| seal.len <= SEALED_MOST.max(in_file));
    let Some(len) = len else { return Sealed::Broken };
    match line[seal.line_len..].get(..len) {
        None => Sealed::Incomplete,
        Some(piece) if seal.holds(salt, stamp, piece) => {
            let end = offset + (stamp_len + seal.line_len + len) as u64;
            Sealed::Holds { end, durable: seal.durable }
        }
        Some(_) => Sealed::Broken,
    }
}

/// Reads a prefix and a number with its line end, at `at`: the number, and where the line ends. `None` if that has not all
/// arrived.
pub(crate) fn number(bytes: &[u8], at: usize, prefix: u8) -> Result<Option<(u64, usize)>, (usize, AofErrorKind)> {
    let Some((found, rest)) = bytes[at..].split_first() else { return Ok(None) };
    if *found != prefix {
        return Err((at, AofErrorKind::Prefix { expected: prefix, found: *found }));
    }
    let mut number = 0;
    let mut digits = 0;
    for byte in rest {
        match byte {
            b'0'..=b'9' if digits < DIGITS_MAX => number = number * 10 + u64::from(byte - b'0'),
            _ if digits == 0 || byte.is_ascii_digit() => return Err((at, AofErrorKind::Number)),
            _ => break,
        }
        digits += 1;
    }
    let end = at + 1 + digits;
    match &bytes[end..] {
        [b'\r', b'\n', ..] => Ok(Some((number, end + 2))),
        [] | [b'\r'] => Ok(None),
        [a] => Err((end, AofErrorKind::LineEnd { found: [*a, 0] })),
        [a, b, ..] => Err((end, AofErrorKind::LineEnd { found: [*a, *b] })),
    }
}
