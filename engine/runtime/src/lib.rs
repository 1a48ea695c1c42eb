//! The seam between the engine and the world.
//!
//! A node is one loop that owns the engine and every socket. It is generic over [`Runtime`], which is implemented twice:
//! by `refrain-tokio` (real sockets, real time) and by `refrain-sim` (a seeded world under the simulation kernel).
//! Everything a node learns of the outside comes through these traits, so that one seed gives one run.
//!
//! This crate holds traits and plain values only. It must never gain a dependency, an implementation, or a default that
//! reads the real world.

mod address;
mod disk;
mod sockets;
mod time;

pub use address::{Address, Peer};
pub use disk::{Appended, DirectoryEntry, Disk, File, Open};
pub use sockets::{Interest, Readiness, Sockets, Token};
pub use time::{Mono, UnixNanos};

use std::future::Future;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

/// One world as a node sees it. Cheap to clone; never `Send`, for a node lives on one thread.
pub trait Runtime: Clone + 'static {
    /// All the sockets of one node.
    type Sockets: Sockets;

    /// The disk of one node.
    type Disk: Disk;

    /// The disk of this node.
    fn disk(&self) -> Self::Disk;

    /// The sockets of this node. Called once, by the loop that will own them.
    fn sockets(&self) -> Self::Sockets;

    /// Monotonic time. Never runs backwards, has no meaning outside this process.
    fn now(&self) -> Mono;

    /// Wall-clock time since the Unix epoch. It may jump either way: whoever keeps deadlines by it guards against that.
    fn wall(&self) -> UnixNanos;

    /// A counter cheap enough to read around every command: the TSC in production, units of logical work in the simulator.
    fn ticks(&self) -> u64;

    /// How many [`Runtime::ticks`] make a second. Constant for the life of a node.
    fn ticks_per_second(&self) -> u64;

    /// Says that `units` of logical work were done since the last call. The simulator advances [`Runtime::ticks`] by them
    /// at once and keeps the node busy for as long as they cost at its drawn rate; production does nothing.
    fn work(&self, units: u64);

    /// Holds up the calling thread, and the loop with it, for so long: time passes, and nothing else happens.
    fn stall(&self, duration: Duration);

    /// 64 unpredictable bits: from the operating system in production, from the node's own seeded stream in the simulator.
    fn entropy(&self) -> u64;

    /// Runs CPU work away from the loop. Dropping the future does not cancel the job.
    fn offload<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static)
    -> impl Future<Output = T> + 'static;

    /// The contents of a small file of the operator's (a configuration, a list of users), read whole while the loop waits.
    ///
    /// # Errors
    /// As the system words them; a file of more than [`SMALL_FILE_MAX`] bytes is refused.
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>>;

    /// Replaces such a file as a whole: whoever reads it, also after a crash, finds the old contents or the new.
    ///
    /// # Errors
    /// As the system words them; the old file is then untouched.
    fn replace_file(&self, path: &str, contents: &[u8]) -> io::Result<()>;

    /// Ready with each signal that asks the process to do something; pending (and `cx` is woken) until there is one.
    fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal>;

    /// What signals have asked for so far was called off: the next one is the first again. Where a second signal means
    /// no more than the first there is nothing to do.
    fn forget_signals(&self) {}
}

/// A file larger than this is none that an operator writes: 64 MiB.
pub const SMALL_FILE_MAX: u64 = 64 << 20;

/// What the operator asks of the process from outside any connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: shut down gracefully.
    Terminate,
    /// SIGINT: shut down gracefully.
    Interrupt,
}
