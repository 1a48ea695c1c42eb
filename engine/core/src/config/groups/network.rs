//! Where clients reach the server.

use super::declare::group;
use crate::config::values::BindAddresses;

group! {
    /// Where clients reach the server.
    network: Network {
        /// Addresses to listen on; a leading `-` means that its absence is no error.
        "bind" bind: BindAddresses = BindAddresses::default(), special().several();
        /// The address that outgoing connections come from.
        "bind-source-addr" bind_source_addr: String = String::new(), text_or_none().missing("replication");
        /// The TCP port; 0 means none.
        "port" port: u16 = 6379, integer(0, 65535);
        /// Whether clients from elsewhere are kept out while the default user needs no password.
        "protected-mode" protected_mode: bool = true, yes_no();
        /// The mark of every socket, for the system's routing.
        "socket-mark-id" socket_mark_id: u32 = 0, integer(0, u32::MAX as i64).fixed().missing("marking of sockets");
        /// Connections that may wait to be accepted.
        "tcp-backlog" tcp_backlog: i64 = 511, integer(0, i32::MAX as i64).fixed();
        /// Seconds of silence after which the system probes whether a peer is alive; 0 never probes.
        "tcp-keepalive" tcp_keepalive: i64 = 300, integer(0, i32::MAX as i64);
        /// The path of the Unix-domain socket; empty means none.
        "unixsocket" unixsocket: String = String::new(), text_or_none().fixed();
        /// Its group (Valkey); empty leaves that of the process.
        "unixsocketgroup" unixsocketgroup: String = String::new(), text_or_none().fixed().hidden().missing("groups of Unix-domain sockets");
        /// Its permission bits; 0 leaves the umask's.
        "unixsocketperm" unixsocketperm: u32 = 0, octal(0o777).fixed();
    }
}
