//! MULTI: commands queued for EXEC.
//!
//! Queued commands are checked (existence, arity, rights) when they are queued, so that EXEC of a flawed queue is refused as
//! a whole. Each is kept as the bytes that were sent, in one allocation per command.

use refrain_resp::Arg;

use crate::call::Args;
use crate::table::Found;

/// The queue between MULTI and EXEC.
#[derive(Debug, Default)]
pub struct Transaction {
    /// In order of arrival.
    pub queue: Vec<Queued>,
    /// A command was refused while queueing: EXEC discards all.
    pub flawed: bool,
    bytes: usize,
    arguments_len: usize,
}

/// One queued command.
#[derive(Debug)]
pub struct Queued {
    /// What to execute.
    pub found: Found,
    bytes: Vec<u8>,
    args: Vec<Arg>,
}

impl Transaction {
    /// Appends a command with its arguments (the name included).
    pub fn push(&mut self, found: Found, args: Args<'_>) {
        let mut bytes = Vec::with_capacity(args.iter().map(<[u8]>::len).sum());
        let mut offsets = Vec::with_capacity(args.len());
        for arg in args.iter() {
            let narrow = |n: usize| u32::try_from(n).expect("the parser bounds a command to 4 GiB");
            offsets.push(Arg { start: narrow(bytes.len()), len: narrow(arg.len()) });
            bytes.extend_from_slice(arg);
        }
        self.arguments_len += bytes.len();
        self.bytes += bytes.len() + offsets.len() * size_of::<Arg>();
        self.queue.push(Queued { found, bytes, args: offsets });
    }

    /// Bytes of all queued arguments.
    pub fn arguments_len(&self) -> usize {
        self.arguments_len
    }

    /// Bytes that the queue takes.
    pub fn memory(&self) -> usize {
        self.bytes + self.queue.capacity() * size_of::<Queued>()
    }
}

impl Queued {
    /// The arguments, the name included.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.args)
    }
}
