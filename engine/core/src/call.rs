//! What a command's handler sees: its arguments, its session, and the engine's state.
//!
//! A handler reads arguments through [`Args`], names keys through [`Call::key`] (which carries the hash computed ahead),
//! looks them up through [`crate::state::State`], and appends its reply to the session. It never keeps a reference beyond
//! its own run, and it never executes another command: what only the engine can do (run a queue, end the process) it asks
//! for with a [`Request`].

use std::sync::Arc;

use refrain_data::{KeyHash, NewValue};
use refrain_resp::{Arg, Encoder, parse_i64};

use crate::blocked::{Run, Wish};
use crate::effects::Start;
use crate::error::{DB_OUT_OF_RANGE, ErrorReply, NOT_AN_INTEGER};
use crate::hooks::Hooks;
use crate::session::{Closing, Session};
use crate::state::State;
use crate::table::Command;

/// What a handler returns: its reply is written, or this error is the reply.
pub type Outcome = Result<(), ErrorReply>;

/// A command's code.
pub type Handler = fn(&mut Call<'_>) -> Outcome;

/// The arguments of one command, its name first: offsets into the bytes that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    offsets: &'a [Arg],
    /// The argument that lies in a buffer of its own.
    long: Option<&'a Arc<Vec<u8>>>,
}

/// How many digits a number has.
#[inline]
fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

impl<'a> Args<'a> {
    /// Arguments at `offsets` of `bytes`, which is the request and no more.
    #[inline]
    pub fn new(bytes: &'a [u8], offsets: &'a [Arg]) -> Args<'a> {
        Args { bytes, offsets, long: None }
    }

    /// The same with one argument, at [`Args::long_arg`], that lies in a buffer of its own.
    pub(crate) fn with_long(bytes: &'a [u8], offsets: &'a [Arg], long: &'a Arc<Vec<u8>>) -> Args<'a> {
        Args { bytes, offsets, long: Some(long) }
    }

    /// The offsets of an argument that lies in a buffer of its own: no request reaches so far.
    pub(crate) fn long_arg(len: u32) -> Arg {
        Arg { start: u32::MAX, len }
    }

    #[inline]
    fn find(&self, arg: Arg) -> &'a [u8] {
        let (start, len) = (arg.start as usize, arg.len as usize);
        match self.bytes.get(start..start + len) {
            Some(bytes) => bytes,
            None => self.find_long(),
        }
    }

    #[cold]
    fn find_long(&self) -> &'a [u8] {
        self.long.expect("all other arguments lie in the request")
    }

    /// Argument `i` as a string to be stored: a buffer of its own is kept, and anything else copied.
    #[inline]
    pub fn new_value(&self, i: usize) -> NewValue<'a> {
        match self.long {
            Some(buffer) if self.offsets[i] == Args::long_arg(self.offsets[i].len) => NewValue::Shared(buffer),
            _ => NewValue::parse(self.at(i)),
        }
    }

    /// How many, the name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Never true for a parsed command.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Argument `i`; 0 is the name.
    ///
    /// # Panics
    /// When there is none: handlers rely on the arity that dispatch has checked.
    #[inline]
    pub fn at(&self, i: usize) -> &'a [u8] {
        self.find(self.offsets[i])
    }

    /// Argument `i`, if there is one.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        self.offsets.get(i).map(|arg| self.find(*arg))
    }

    /// The request as it came, if that is just what [`encode_command`](refrain_resp::encode_command) would make of the arguments.
    pub(crate) fn encoded(&self) -> Option<&'a [u8]> {
        // Numbers that are as short as can be are written in the one way that there is, for the parser has read them.
        let mut at = 1 + decimal_digits(self.len());
        let mut is_framed = self.bytes.first() == Some(&b'*');
        for arg in self.offsets {
            let (len, start) = (arg.len as usize, arg.start as usize);
            is_framed &= self.bytes.get(at..at + 3) == Some(b"\r\n$");
            at += 3 + decimal_digits(len);
            is_framed &= self.bytes.get(at..at + 2) == Some(b"\r\n") && start == at + 2;
            if !is_framed {
                return None;
            }
            at = start + len;
        }
        (is_framed && self.bytes.get(at..) == Some(b"\r\n")).then_some(self.bytes)
    }

    /// The length of the request, as it came or as it was queued.
    #[inline]
    pub fn extent(&self) -> usize {
        self.bytes.len() + self.long.map_or(0, |long| long.len())
    }

    /// True when argument `i` is `word` in any case. `word` is given in upper case.
    #[inline]
    pub fn is(&self, i: usize, word: &str) -> bool {
        self.at(i).eq_ignore_ascii_case(word.as_bytes())
    }

    /// All arguments.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.offsets.iter().map(move |arg| self.find(*arg))
    }
}

/// A key as a command names it.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub name: &'a [u8],
    /// Its hash, computed once.
    pub hash: KeyHash,
}

/// What a handler asks the engine to do after it has returned.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Execute the session's queue (EXEC): the queue was taken out of the session.
    ExecuteQueue,
    /// Put a changed configuration into effect.
    ApplyConfiguration,
    /// Execute this command later, not before this moment of the monotonic clock: as if it had not come yet.
    HoldUntil(u64),
    /// Let everybody go on whom a pause holds back.
    EndPause,
    /// Keep this command, and run it again when it can be served: see [`Call::block`].
    Block(Box<Wish>),
}

/// How a write reaches the propagation stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// As it came, if it changed something.
    Verbatim,
    /// Not at all.
    Nothing,
    /// As one command, which begins here.
    One(Start),
    /// As several commands, of which whoever repeats them gets all or nothing.
    Several,
}

/// Hashes of a command's keys, computed when it was parsed.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyHashes<'a> {
    /// One for each of the first keys of the command's leading range.
    pub hashes: &'a [KeyHash],
    /// Argument index of the first.
    pub first: usize,
    /// Distance between keys.
    pub step: usize,
}

impl KeyHashes<'_> {
    /// The hash of the key that argument `i` is, if it was computed.
    #[inline]
    pub fn of(&self, i: usize) -> Option<KeyHash> {
        let offset = i.checked_sub(self.first)?;
        match self.step {
            0 => None,
            1 => self.hashes.get(offset).copied(),
            step if offset.is_multiple_of(step) => self.hashes.get(offset / step).copied(),
            _ => None,
        }
    }
}

/// One execution of one command.
pub struct Call<'a> {
    /// Everything but the session that executes.
    pub state: &'a mut State,
    /// The session that executes, taken out of the state.
    pub session: &'a mut Session,
    /// Random bits, and what the process uses.
    pub hooks: &'a dyn Hooks,
    /// Its arguments.
    pub args: Args<'a>,
    /// Its entry in the table.
    pub command: &'static Command,
    /// Hashes known ahead.
    pub hashes: KeyHashes<'a>,
    /// Why it runs.
    pub run: Run,
    /// What the propagation stream gets.
    pub propagation: Propagation,
    /// What the engine is asked to do next.
    pub request: Option<Request>,
}

impl<'a> Call<'a> {
    /// The key that argument `i` names, in the selected database.
    #[inline(always)]
    pub fn key(&self, i: usize) -> Key<'a> {
        let name = self.args.at(i);
        let hash = match self.hashes.hashes.first() {
            Some(hash) if i == self.hashes.first => *hash,
            _ => self.hash_of(i, name),
        };
        Key { db: self.session.db, name, hash }
    }

    /// The hash of a key that is not the first.
    #[inline(never)]
    fn hash_of(&self, i: usize, name: &[u8]) -> KeyHash {
        self.hashes.of(i).unwrap_or_else(|| self.state.keyspace.hash(name))
    }

    /// Appends to the reply.
    #[inline]
    pub fn reply(&mut self) -> Encoder<'_> {
        self.session.reply()
    }

    /// Charges work beyond what every command costs and beyond what its arguments and its reply cost by their number and size,
    /// in units of about a microsecond: whoever causes much of it waits for the others.
    pub fn work(&mut self, units: u64) {
        self.state.extra_work += units;
        self.hooks.work(units);
    }

    /// Whether it makes sense to add to a reply that may become long: not once the client is to be closed for what it is owed.
    /// What it is still sent doesn't matter then, so the reply may be left in pieces.
    #[inline]
    pub fn reply_may_grow(&mut self) -> bool {
        self.session.output.len() <= self.state.output_check_from
            || (!self.state.exceeds_output_limit(self.session) && self.session.closing != Closing::Now)
    }

    /// The same, to be asked beforehand by who cannot ask it in between: unsent bytes of the client from which a reply of any length
    /// needs no more.
    pub fn reply_end(&self) -> usize {
        self.state.reply_end(self.session)
    }

    /// Whether what the client is owed has a limit, at which a reply of any length ends with the connection.
    pub fn reply_is_limited(&self) -> bool {
        self.state.config.limits.client_output_buffer_limit.of(self.session.class()).hard > 0
    }

    /// Argument `i` as an integer.
    ///
    /// # Errors
    /// `ERR value is not an integer or out of range`.
    #[inline]
    pub fn integer(&self, i: usize) -> Result<i64, ErrorReply> {
        parse_i64(self.args.at(i)).ok_or(NOT_AN_INTEGER)
    }

    /// Argument `i` as an integer that C's `int` holds.
    ///
    /// # Errors
    /// Of two kinds, as Redis tells them apart: no integer, or one out of range.
    pub fn int(&self, i: usize) -> Result<i32, ErrorReply> {
        const OUT_OF_RANGE: &str = "ERR value is out of range, value must between -2147483648 and 2147483647";
        i32::try_from(self.integer(i)?).map_err(|_| ErrorReply::new(OUT_OF_RANGE))
    }

    /// The database that argument `i` names.
    ///
    /// # Errors
    /// When it is no number, or there is no such database.
    pub fn database(&self, i: usize) -> Result<usize, ErrorReply> {
        let index = usize::try_from(self.int(i)?).ok();
        index.filter(|index| *index < self.state.keyspace.len()).ok_or(DB_OUT_OF_RANGE)
    }

    /// Writes `command` to the propagation stream instead of what came. May be called several times: all that is written is one
    /// transaction then.
    pub fn propagate(&mut self, command: &[&[u8]]) {
        let stream = &mut self.state.effects.stream;
        self.propagation = match self.propagation {
            Propagation::Verbatim | Propagation::Nothing => Propagation::One(stream.push(self.session.db, command)),
            already => {
                // A transaction that is executed is one already.
                if let Propagation::One(first) = already
                    && !self.session.in_exec()
                {
                    stream.begin_with(first);
                }
                stream.push(self.session.db, command);
                Propagation::Several
            }
        };
    }

    /// Says that nothing of this command is to be propagated.
    pub fn propagate_nothing(&mut self) {
        if self.propagation == Propagation::Verbatim {
            self.propagation = Propagation::Nothing;
        }
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use refrain_resp::{Limits, Parsed, RequestParser, encode_command};

    use super::Args;

    /// What is found of the request in the input, if that is a whole one: as it came if it may be taken over so, and made anew.
    fn encodings(input: &[u8]) -> Option<(Option<Vec<u8>>, Vec<u8>)> {
        let mut offsets = Vec::new();
        let Ok(Parsed::Command { consumed, .. }) =
            RequestParser::default().parse(input, &mut offsets, &Limits::default())
        else {
            return None;
        };
        let args = Args::new(&input[..consumed], &offsets);
        let mut anew = Vec::new();
        encode_command(&mut anew, &args.iter().collect::<Vec<_>>());
        Some((args.encoded().map(<[u8]>::to_vec), anew))
    }

    quickcheck! {
        fn a_request_is_taken_over_as_it_came(first: Vec<u8>, rest: Vec<Vec<u8>>, long: usize) -> bool {
            let mut request = Vec::new();
            let long = vec![b'x'; long % 20_000];
            let all: Vec<&[u8]> = [&first[..], &long].into_iter().chain(rest.iter().map(|arg| &arg[..])).collect();
            encode_command(&mut request, &all);
            encodings(&request) == Some((Some(request.clone()), request))
        }

        fn whatever_a_client_sends_only_its_encoding_is_taken_over(args: Vec<Vec<u8>>, at: usize, byte: u8, more: bool) -> bool {
            let mut request = Vec::new();
            encode_command(&mut request, &args.iter().map(|arg| &arg[..]).collect::<Vec<_>>());
            let at = at % request.len();
            match more {
                true => request.insert(at, byte),
                false => request[at] = byte,
            }
            encodings(&request).is_none_or(|(as_it_came, anew)| as_it_came.is_none_or(|bytes| bytes == anew))
        }
    }

    #[test]
    fn other_ways_to_say_the_same_are_not_taken_over() {
        for request in [
            &b"GET k\r\n"[..],
            b"GET    k\r\n",
            b"*02\r\n$3\r\nGET\r\n$1\r\nk\r\n",
            b"*2\r\n$03\r\nGET\r\n$1\r\nk\r\n",
            b"*2\rx$3\rxGET\rx$1\rxk\rx",
        ] {
            assert!(
                encodings(request).is_none_or(|(as_it_came, _)| as_it_came.is_none()),
                "{}",
                request.escape_ascii()
            );
        }
    }
}
