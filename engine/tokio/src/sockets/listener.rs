//! Sockets that wait for connections: binding them as Redis does, and taking connections off them.
//!
//! A Unix socket's file is given its permissions before anyone can connect, and is removed with its listener. A file left
//! behind by a dead process is replaced; one that somebody still answers on is not.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use refrain_runtime::{Address, Peer};
use socket2::{Domain, SockAddr, Socket, Type};

use super::options::{SocketOptions, tune};
use super::retried;
use super::stream::Stream;

/// A listening socket.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener, SocketFile),
}

impl Listener {
    pub(super) fn bind(address: &Address, options: &SocketOptions) -> io::Result<Listener> {
        match address {
            Address::Tcp(address) => bind_tcp(*address, options),
            Address::Unix { path, mode } => bind_unix(path, *mode, options),
        }
    }

    /// Takes one pending connection.
    pub(super) fn accept(&self, options: &SocketOptions) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, remote) = past_broken_ones(|| listener.accept())?;
                let socket = Socket::from(OwnedFd::from(stream));
                tune(&socket, options);
                let local = local_tcp_address(&socket)?;
                let descriptor = socket.as_raw_fd().into();
                Ok(Stream::accepted(socket, Peer { remote: Address::Tcp(remote), local, descriptor }))
            }
            Listener::Unix(listener, file) => {
                let (stream, _) = past_broken_ones(|| listener.accept())?;
                // The other end of a Unix socket has no name of its own; Redis shows the path for both.
                let address = Address::Unix { path: file.path.clone(), mode: None };
                let socket = Socket::from(OwnedFd::from(stream));
                let descriptor = socket.as_raw_fd().into();
                Ok(Stream::accepted(socket, Peer { remote: address.clone(), local: address, descriptor }))
            }
        }
    }

    /// Takes one pending connection, only to close it.
    pub(super) fn refuse(&self) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => past_broken_ones(|| listener.accept()).map(drop),
            Listener::Unix(listener, _) => past_broken_ones(|| listener.accept()).map(drop),
        }
    }

    /// Where it listens, with the port that the system chose if none was asked for.
    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Listener::Unix(_, file) => Ok(Address::Unix { path: file.path.clone(), mode: None }),
        }
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Unix(listener, _) => listener.as_raw_fd(),
        }
    }
}

/// A connection may break while it waits to be accepted, and accept(2) then reports *its* error. That says nothing of the
/// listener, so the next connection is tried. Each failure takes one connection away; the bound is for broken kernels.
fn past_broken_ones<T>(mut accept: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const BROKEN_MAX: usize = 1024;
    for _ in 0..BROKEN_MAX {
        match retried(&mut accept) {
            Err(error) if is_of_the_connection(&error) => {}
            outcome => return outcome,
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

fn is_of_the_connection(error: &io::Error) -> bool {
    let codes = [
        libc::ECONNABORTED,
        libc::EPROTO,
        libc::ENOPROTOOPT,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::ENONET,
        libc::EPERM,
    ];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

fn bind_tcp(address: SocketAddr, options: &SocketOptions) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
    // A restart may not wait for the last process's connections to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `bind * -::*` asks for both families by two sockets on one port.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog(options))?;
    Ok(Listener::Tcp(mio::net::TcpListener::from_std(socket.into())))
}

fn bind_unix(path: &Path, mode: Option<u32>, options: &SocketOptions) -> io::Result<Listener> {
    let address = SockAddr::unix(path)?;
    remove_if_stale(path, &address)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    socket.bind(&address)?;
    let file = SocketFile::of(path)?;
    if let Some(mode) = mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    socket.listen(backlog(options))?;
    Ok(Listener::Unix(mio::net::UnixListener::from_std(socket.into()), file))
}

fn backlog(options: &SocketOptions) -> i32 {
    i32::try_from(options.backlog).unwrap_or(i32::MAX)
}

fn local_tcp_address(socket: &Socket) -> io::Result<Address> {
    let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    Ok(Address::Tcp(address))
}

/// Removes a socket file that nobody listens on. Anything else at `path` is left for bind(2) to complain about.
fn remove_if_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    match retried(|| probe.connect(address)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()),
    }
}

/// The file of a Unix socket, removed when its listener goes, unless another process has put its own there by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let data = fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_path_buf(), device: data.dev(), inode: data.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|data| data.dev() == self.device && data.ino() == self.inode);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!("can't remove the socket file {}: {error}", self.path.display());
        }
    }
}
