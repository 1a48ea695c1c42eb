//! All the sockets of one node, polled for readiness and never awaited one by one.
//!
//! Readiness is edge-like: after a token was reported, it is reported again only when something new happens, or when the
//! caller has seen `WouldBlock` (or a short read) on it since. So a caller reads a token until `WouldBlock` or a short read
//! (with [`Interest::HUP`]: until 0 or an error), or remembers by itself that there is more. Readiness may be spurious.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use crate::{Address, Mono, Peer};

/// Names one socket: a slot (low 32 bits) and the slot's generation (high 32 bits), so that a token kept beyond its
/// socket's life is recognised instead of naming the slot's next tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// Builds a token. Only implementations of [`Sockets`] do.
    pub const fn new(slot: u32, generation: u32) -> Token {
        Token((generation as u64) << 32 | slot as u64)
    }

    /// The slot: small and dense, good as an index.
    pub const fn slot(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    /// Which tenant of the slot.
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Bits of [`Readiness`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest;

impl Interest {
    /// Reading (or accepting) may bring something.
    pub const READ: u8 = 1;
    /// Writing may be accepted; also the outcome of a connect.
    pub const WRITE: u8 = 2;
    /// The peer has closed its sending side, or the connection is broken: read on until 0 or an error.
    pub const HUP: u8 = 4;
}

/// One report of [`Sockets::poll_ready`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// Which socket.
    pub token: Token,
    /// A union of [`Interest`] bits.
    pub bits: u8,
}

/// All the sockets of one node. Every call returns at once; a stale token gives `NotConnected` and does nothing.
/// `EINTR` is retried below this trait and never seen above it.
pub trait Sockets {
    /// Starts to listen. Incoming connections show as `READ` on the token.
    ///
    /// # Errors
    /// Whatever the system says of the address: in use, not available, not permitted.
    fn listen(&mut self, address: &Address) -> io::Result<Token>;

    /// Starts to connect. The outcome comes with the first `WRITE` or `HUP`, and is what [`Sockets::try_write`] then says.
    ///
    /// # Errors
    /// Only what is known at once, such as no descriptor being left.
    fn connect(&mut self, address: &Address) -> io::Result<Token>;

    /// Takes one pending connection off a listener.
    ///
    /// # Errors
    /// `WouldBlock` when none is pending. When the process is out of descriptors, an error for which
    /// [`Sockets::is_exhausted`] holds: the pending connection was refused politely with the reserve descriptor,
    /// and the caller should leave the listener alone until its next tick.
    fn accept(&mut self, listener: Token) -> io::Result<Token>;

    /// True for the error that [`Sockets::accept`] gives when descriptors have run out.
    fn is_exhausted(error: &io::Error) -> bool;

    /// Appends to `out` what has become ready, and is ready itself when there was something or `until` has come
    /// (`Mono(0)` polls without waiting, `Mono::NEVER` waits for readiness alone). `Ready` may bring nothing.
    fn poll_ready(&mut self, cx: &mut Context<'_>, until: Mono, out: &mut Vec<Readiness>) -> Poll<()>;

    /// Reads what has arrived, at most `into.len()` bytes. `Ok(0)` is the peer's orderly end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has arrived; `ConnectionReset` and its like when the connection is gone.
    fn try_read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize>;

    /// Writes as much as the peer's window takes.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing now; after `connect`, the outcome of the connect (`NotConnected` before it is
    /// known); `BrokenPipe`, `ConnectionReset` when the connection is gone.
    fn try_write(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ends our sending side: the peer reads what was written, then 0.
    fn shutdown(&mut self, token: Token);

    /// Forgets the socket. Unread input makes the peer see a reset, as in TCP. The token is stale from here on.
    fn close(&mut self, token: Token);

    /// Both ends of an accepted or connected socket; `None` for a stale token or a listener.
    fn peer(&self, token: Token) -> Option<&Peer>;
}
