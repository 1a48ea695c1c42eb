//! [`TokioSockets`]: all sockets of one node.
//!
//! Sockets are the kernel's own non-blocking ones, kept in a slab; tokio knows none of them (see `poller`). `WRITE` is
//! asked of the kernel only once a write has found no room, for most connections never come to that, and a Unix socket
//! would wake the loop for every reply its peer takes.

mod listener;
mod options;
mod poller;
mod reserve;
mod slab;
mod stream;

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::task::{Context, Poll};

use refrain_runtime::{Address, Mono, Peer, Readiness, Sockets, Token};

use self::listener::Listener;
pub use self::options::SocketOptions;
use self::poller::Poller;
use self::reserve::{Reserve, is_exhausted};
use self::slab::Slab;
use self::stream::Stream;
use crate::clock::Clock;

/// The sockets of one node.
#[derive(Debug)]
pub struct TokioSockets {
    entries: Slab<Entry>,
    poller: Poller,
    reserve: Reserve,
    options: Rc<Cell<SocketOptions>>,
}

#[derive(Debug)]
enum Entry {
    Listener(Listener),
    Stream(Stream),
}

impl TokioSockets {
    pub(crate) fn new(clock: Clock, options: Rc<Cell<SocketOptions>>) -> io::Result<TokioSockets> {
        Ok(TokioSockets { entries: Slab::new(), poller: Poller::new(clock)?, reserve: Reserve::new()?, options })
    }

    /// Where a listener listens: with the port that the system chose, if port 0 was asked for.
    ///
    /// # Errors
    /// `NotConnected` for a token that is not a listener's.
    pub fn listening_address(&self, token: Token) -> io::Result<Address> {
        match self.entries.get(token) {
            Some(Entry::Listener(listener)) => listener.address(),
            _ => Err(stale()),
        }
    }

    /// Gives a new socket its token and starts to watch it.
    fn admit(&mut self, entry: Entry) -> io::Result<Token> {
        let (fd, for_write) = match &entry {
            Entry::Listener(listener) => (listener.as_raw_fd(), false),
            Entry::Stream(stream) => (stream.as_raw_fd(), stream.watched_for_write),
        };
        let token = self.entries.insert(entry);
        if let Err(error) = self.poller.watch(fd, token, for_write) {
            self.entries.remove(token);
            return Err(error);
        }
        Ok(token)
    }

    #[inline]
    fn stream(&mut self, token: Token) -> io::Result<&mut Stream> {
        match self.entries.get_mut(token) {
            Some(Entry::Stream(stream)) => Ok(stream),
            _ => Err(stale()),
        }
    }
}

impl Sockets for TokioSockets {
    fn listen(&mut self, address: &Address) -> io::Result<Token> {
        let listener = Listener::bind(address, &self.options.get())?;
        self.admit(Entry::Listener(listener))
    }

    fn connect(&mut self, address: &Address) -> io::Result<Token> {
        let stream = Stream::connect(address, &self.options.get())?;
        self.admit(Entry::Stream(stream))
    }

    fn accept(&mut self, listener: Token) -> io::Result<Token> {
        let Some(Entry::Listener(listener)) = self.entries.get(listener) else {
            return Err(stale());
        };
        match listener.accept(&self.options.get()) {
            Ok(stream) => self.admit(Entry::Stream(stream)),
            Err(error) => {
                if is_exhausted(&error) {
                    self.reserve.refuse_one(listener);
                }
                Err(error)
            }
        }
    }

    fn is_exhausted(error: &io::Error) -> bool {
        is_exhausted(error)
    }

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>, until: Mono, out: &mut Vec<Readiness>) -> Poll<()> {
        let entries = &self.entries;
        self.poller.poll(cx, until, out, |token| entries.get(token).is_some())
    }

    #[inline]
    fn try_read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        self.stream(token)?.read(into)
    }

    #[inline]
    fn try_write(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(Entry::Stream(stream)) = self.entries.get_mut(token) else {
            return Err(stale());
        };
        let outcome = stream.write(from);
        let is_full = match &outcome {
            Ok(written) => !written.all,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if is_full && !stream.watched_for_write {
            stream.watched_for_write = true;
            self.poller.watch_for_write(stream.as_raw_fd(), token)?;
        }
        outcome.map(|written| written.bytes)
    }

    fn shutdown(&mut self, token: Token) {
        if let Ok(stream) = self.stream(token) {
            stream.shutdown();
        }
    }

    fn close(&mut self, token: Token) {
        // Closing its only descriptor takes a socket out of the epoll instance; readiness that was harvested before is
        // recognised by the token's generation.
        drop(self.entries.remove(token));
    }

    fn peer(&self, token: Token) -> Option<&Peer> {
        match self.entries.get(token)? {
            Entry::Stream(stream) => Some(stream.peer()),
            Entry::Listener(_) => None,
        }
    }
}

#[cold]
fn stale() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// Calls again for as long as a signal gets in the way.
#[inline]
fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux interrupts hardly any call that does not block, so no signal can show this from outside.
    #[test]
    fn an_interrupted_call_is_made_again_and_any_other_outcome_is_told() {
        for outcome in [Ok(7), Err(io::ErrorKind::WouldBlock)] {
            let mut interruptions = 3;
            let got = retried(|| {
                if interruptions > 0 {
                    interruptions -= 1;
                    return Err(io::ErrorKind::Interrupted.into());
                }
                outcome.map_err(io::Error::from)
            });
            assert_eq!(got.map_err(|error| error.kind()), outcome);
            assert_eq!(interruptions, 0);
        }
    }
}
