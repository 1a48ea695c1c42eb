//! MULTI: commands queued for EXEC.
//!
//! Queued commands are checked (existence, arity, rights) when they are queued, so that EXEC of a flawed queue is refused as
//! a whole. Each is kept as the bytes that were sent, in one allocation per command.

use crate::call::Args;
use crate::kept::KeptCommand;
use crate::table::Found;

/// The queue between MULTI and EXEC.
#[derive(Debug, Default)]
pub struct Transaction {
    /// In order of arrival.
    pub queue: Vec<KeptCommand>,
    /// A command was refused while queueing: EXEC discards all.
    pub flawed: bool,
    bytes: usize,
    arguments_len: usize,
}

impl Transaction {
    /// Appends a command with its arguments (the name included).
    pub fn push(&mut self, found: Found, args: Args<'_>) {
        let kept = KeptCommand::new(found, args.iter());
        self.arguments_len += kept.arguments_len();
        self.bytes += kept.memory();
        self.queue.push(kept);
    }

    /// How much is queued.
    pub(crate) fn extent(&self) -> Queued {
        Queued {
            commands: self.queue.len(),
            arguments_len: self.arguments_len,
            memory: self.bytes + self.queue.capacity() * size_of::<KeptCommand>(),
        }
    }
}

/// How much a queue holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued {
    pub(crate) commands: usize,
    /// Bytes of all arguments.
    pub(crate) arguments_len: usize,
    /// Bytes that the queue takes.
    pub(crate) memory: usize,
}
