//! The last argument of a command, while it arrives, if it is long: it gets a buffer of its own, which a command that stores it
//! may keep.
//!
//! Nothing of it is copied but from the arena in which it arrives, and nothing is allocated on the word of a client that has
//! not sent a fair part of it.

use std::sync::Arc;

use refrain_resp::{Arg, LongBulk};

use crate::call::Args;

/// An argument of fewer bytes is none.
pub(crate) const LONG_BYTES_MIN: usize = 1 << 20;

/// From so many bytes on the rest of what a client has announced is believed. Room is doubled up to there.
const BELIEVED_FROM: usize = 16 << 20;

/// A command of which all but the end has come.
#[derive(Debug)]
pub(crate) struct LongArgument {
    /// The command up to the argument's first byte.
    head: Vec<u8>,
    /// All arguments; the last is the long one.
    args: Vec<Arg>,
    bytes: Arc<Vec<u8>>,
    len: usize,
    /// How many of the two bytes that follow it have come.
    behind: usize,
}

impl LongArgument {
    /// The beginning of a command, as the parser has understood it.
    pub(crate) fn begin(input: &[u8], bulk: LongBulk) -> LongArgument {
        let LongBulk { mut args, start, len } = bulk;
        args.push(Args::long_arg(len));
        let (head, bytes) = input.split_at(start);
        let mut long = LongArgument { head: head.to_vec(), args, bytes: Arc::default(), len: len as usize, behind: 0 };
        let rest = long.take(bytes);
        debug_assert!(rest.is_empty() && !long.is_complete(), "the parser has said that more is missing");
        long
    }

    /// Takes what belongs to it, and returns what does not.
    pub(crate) fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let buffer = Arc::get_mut(&mut self.bytes).expect("nobody keeps an argument that has not all come");
        let (own, rest) = bytes.split_at(bytes.len().min(self.len - buffer.len()));
        let len = buffer.len() + own.len();
        if len > buffer.capacity() {
            let wanted = if len < BELIEVED_FROM { (2 * len).max(LONG_BYTES_MIN) } else { self.len };
            buffer.reserve_exact(wanted.min(self.len) - buffer.len());
        }
        buffer.extend_from_slice(own);
        if len < self.len {
            return rest;
        }
        let (behind, rest) = rest.split_at(rest.len().min(2 - self.behind));
        self.behind += behind.len();
        rest
    }

    /// Whether the command has come as a whole.
    pub(crate) fn is_complete(&self) -> bool {
        self.behind == 2
    }

    /// Where its arguments are.
    pub(crate) fn offsets(&self) -> &[Arg] {
        &self.args
    }

    /// The arguments, once they are complete.
    pub(crate) fn args<'a>(&'a self, offsets: &'a [Arg]) -> Args<'a> {
        Args::with_long(&self.head, offsets, &self.bytes)
    }

    /// Bytes that have come.
    pub(crate) fn received(&self) -> usize {
        self.head.len() + self.bytes.len() + self.behind
    }

    /// Bytes of the argument and what follows it that have come: the parser has made arguments of all before.
    pub(crate) fn unparsed(&self) -> usize {
        self.bytes.len() + self.behind
    }

    /// Bytes that it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<LongArgument>()
            + self.head.capacity()
            + self.args.capacity() * size_of::<Arg>()
            + self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests;
