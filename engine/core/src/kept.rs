//! A command kept beyond the bytes that it came in: one queued for EXEC, or one that waits to be served.

use refrain_resp::Arg;

use crate::call::Args;
use crate::table::Found;

/// A command with arguments of its own, all of them in one allocation.
#[derive(Debug)]
pub struct KeptCommand {
    /// What to execute.
    pub found: Found,
    bytes: Box<[u8]>,
    args: Box<[Arg]>,
}

impl KeptCommand {
    /// Keeps a command with these arguments (the name included).
    pub fn new<'a>(found: Found, args: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> KeptCommand {
        let mut bytes = Vec::with_capacity(args.clone().map(<[u8]>::len).sum());
        let mut offsets = Vec::with_capacity(args.len());
        for arg in args {
            let narrow = |n: usize| u32::try_from(n).expect("the parser bounds a command to 4 GiB");
            offsets.push(Arg { start: narrow(bytes.len()), len: narrow(arg.len()) });
            bytes.extend_from_slice(arg);
        }
        KeptCommand { found, bytes: bytes.into(), args: offsets.into() }
    }

    /// The arguments, the name included.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.args)
    }

    /// Bytes of all arguments.
    pub fn arguments_len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that it takes, itself apart.
    pub fn memory(&self) -> usize {
        self.bytes.len() + self.args.len() * size_of::<Arg>()
    }
}
