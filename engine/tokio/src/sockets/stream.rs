//! One connection: reading and writing without blocking, and the outcome of a connect.
//!
//! The outcome of a connect is told once it is known, by whatever is called first, and stays: the kernel forgets an error
//! once it was asked for, so it is kept here.

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use refrain_runtime::{Address, Peer};
use socket2::{Domain, SockAddr, Socket, Type};

use super::options::{SocketOptions, tune};
use super::retried;

/// sendmsg(2) takes this many slices at most (`UIO_MAXIOV`).
const SLICES_MAX: usize = 1024;

/// A connection, or one in the making.
#[derive(Debug)]
pub(super) struct Stream {
    socket: Socket,
    peer: Peer,
    state: State,
    /// Whether the poller reports `WRITE` for it.
    pub(super) watched_for_write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    /// The connect failed with this system error.
    Failed(i32),
}

impl Stream {
    pub(super) fn accepted(socket: Socket, peer: Peer) -> Stream {
        Stream { socket, peer, state: State::Open, watched_for_write: false }
    }

    /// Starts to connect.
    pub(super) fn connect(address: &Address, options: &SocketOptions) -> io::Result<Stream> {
        let (domain, target) = match address {
            Address::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
            Address::Unix { path, .. } => (Domain::UNIX, SockAddr::unix(path)?),
        };
        let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
        if let Address::Tcp(_) = address {
            tune(&socket, options);
        }
        match socket.connect(&target) {
            Ok(()) => {}
            // An interrupted connect goes on by itself, and must not be started again.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => {}
            // Only a Unix socket says this, when its listener's backlog is full; waiting would bring nothing.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Err(error) => return Err(error),
        }
        let local = match socket.local_addr()?.as_socket() {
            Some(local) => Address::Tcp(local),
            None => Address::Unix { path: Default::default(), mode: None },
        };
        let peer = Peer { remote: address.clone(), local, descriptor: socket.as_raw_fd().into() };
        Ok(Stream { socket, peer, state: State::Connecting, watched_for_write: true })
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    #[inline]
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        assert!(!into.is_empty(), "a read into nothing would look like the peer's end");
        if self.state != State::Open {
            self.settle().map_err(|error| match error.kind() {
                io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
                _ => error,
            })?;
        }
        retried(|| (&self.socket).read(into))
    }

    #[inline]
    pub(super) fn write(&mut self, from: &[IoSlice<'_>]) -> io::Result<Written> {
        if self.state != State::Open {
            self.settle()?;
        }
        if let [one] = from {
            if one.is_empty() {
                return Ok(Written { bytes: 0, all: true });
            }
            // A third cheaper than the form with slices, and replies of one round mostly are one slice.
            let bytes = retried(|| self.socket.send_with_flags(one, libc::MSG_NOSIGNAL))?;
            return Ok(Written { bytes, all: bytes == one.len() });
        }
        self.write_slices(from)
    }

    fn write_slices(&mut self, from: &[IoSlice<'_>]) -> io::Result<Written> {
        let mut written = 0;
        for slices in from.chunks(SLICES_MAX) {
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            if offered == 0 {
                continue;
            }
            match retried(|| self.socket.send_vectored_with_flags(slices, libc::MSG_NOSIGNAL)) {
                Ok(bytes) => {
                    written += bytes;
                    if bytes < offered {
                        return Ok(Written { bytes: written, all: false });
                    }
                }
                Err(error) if written == 0 => return Err(error),
                // The error comes again with the next write; what has left must be told now.
                Err(_) => return Ok(Written { bytes: written, all: false }),
            }
        }
        Ok(Written { bytes: written, all: true })
    }

    pub(super) fn shutdown(&self) {
        // Fails only when the connection is gone already, which reading tells.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Learns whether the connect has ended, and how. `NotConnected` while it has not.
    #[cold]
    fn settle(&mut self) -> io::Result<()> {
        if let State::Failed(code) = self.state {
            return Err(io::Error::from_raw_os_error(code));
        }
        if let Some(error) = self.socket.take_error()? {
            self.state = State::Failed(error.raw_os_error().unwrap_or(libc::EIO));
            return Err(error);
        }
        self.socket.peer_addr()?;
        self.state = State::Open;
        Ok(())
    }
}

/// What a write achieved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) bytes: usize,
    /// Everything offered was taken. If not, the kernel's buffer is full, and it will tell when there is room.
    pub(super) all: bool,
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
