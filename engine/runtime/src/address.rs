//! Where sockets listen and whom they talk to.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// An address to listen on or to connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A TCP address. Names are resolved above the seam.
    Tcp(SocketAddr),
    /// A Unix-domain socket. The mode is set on the file when listening (`None` leaves the umask's).
    Unix {
        /// Path of the socket file.
        path: PathBuf,
        /// Permission bits, as `unixsocketperm` gives them.
        mode: Option<u32>,
    },
}

impl fmt::Display for Address {
    /// As Redis prints addresses in `CLIENT LIST`: `127.0.0.1:6379`, `[::1]:6379`, `/path:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(a) => write!(f, "{a}"),
            Address::Unix { path, .. } => write!(f, "{}:0", path.display()),
        }
    }
}

/// Both ends of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The other side.
    pub remote: Address,
    /// Our side.
    pub local: Address,
    /// The descriptor that the process has for it; -1 in a world without descriptors.
    pub descriptor: i64,
}

impl Peer {
    /// True when the connection did not come over a network: loopback, or a Unix-domain socket.
    pub fn is_local(&self) -> bool {
        match &self.remote {
            Address::Tcp(a) => a.ip().to_canonical().is_loopback(),
            Address::Unix { .. } => true,
        }
    }
}
