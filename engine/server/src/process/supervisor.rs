//! `supervised`: telling systemd or upstart how the server is.
//!
//! systemd is told through the datagram socket that `NOTIFY_SOCKET` names, in the protocol of sd_notify(3): that it is
//! loading, ready, stopping, and, where the unit asks for it (`WatchdogSec`), that its loop still turns. A supervisor that can't be told is
//! a line in the log, and the server serves.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use refrain_core::config::Supervised;

use super::reason;

/// Who watches over this process.
#[derive(Debug)]
pub enum Supervisor {
    /// Nobody.
    Nobody,
    /// upstart, which was told everything it wants to know by a stop of the process.
    Upstart,
    /// systemd.
    Systemd(Notifier),
}

/// The way to systemd.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Supervisor {
    /// Turns to the supervisor that is asked for, as far as it is there.
    pub fn engage(asked: Supervised) -> Supervisor {
        let is_set = |name: &str| std::env::var_os(name).is_some();
        match asked {
            Supervised::Upstart => Supervisor::upstart(),
            Supervised::Systemd => Supervisor::systemd(),
            Supervised::Auto if is_set("UPSTART_JOB") => {
                tracing::debug!("Upstart supervision detected.");
                Supervisor::upstart()
            }
            Supervised::Auto if is_set("NOTIFY_SOCKET") => {
                tracing::debug!("Systemd supervision detected.");
                Supervisor::systemd()
            }
            Supervised::Auto | Supervised::No => Supervisor::Nobody,
        }
    }

    /// upstart (`expect stop`) takes a stop of the process for its readiness, and lets it go on.
    fn upstart() -> Supervisor {
        if std::env::var_os("UPSTART_JOB").is_none() {
            tracing::warn!("upstart supervision requested, but UPSTART_JOB not found!");
            return Supervisor::Nobody;
        }
        tracing::info!("supervised by upstart, will stop to signal readiness.");
        // SAFETY: stops this process until somebody continues it; touches no memory.
        unsafe { libc::raise(libc::SIGSTOP) };
        Supervisor::Upstart
    }

    fn systemd() -> Supervisor {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
            tracing::warn!("systemd supervision error: NOTIFY_SOCKET not found!");
            return Supervisor::Nobody;
        };
        let notifier = match Notifier::to(name.as_bytes()) {
            Ok(notifier) => notifier,
            Err(error) => {
                tracing::warn!("systemd supervision error: sd_notify: {}", reason(&error));
                return Supervisor::Nobody;
            }
        };
        let supervisor = Supervisor::Systemd(notifier);
        supervisor.tell("STATUS=Refrain is loading...\n");
        tracing::info!(
            "Supervised by systemd. TimeoutStartSec and TimeoutStopSec of the unit must leave time to start and to stop."
        );
        supervisor
    }

    /// Whether there is one: then the server stays in the foreground, whatever `daemonize` says.
    pub fn is_there(&self) -> bool {
        !matches!(self, Supervisor::Nobody)
    }

    /// Connections are accepted.
    pub fn ready(&self) {
        self.tell("STATUS=Ready to accept connections\n");
        self.tell("READY=1\n");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\n");
    }

    /// The loop still turns.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1\n");
    }

    /// How often systemd wants to hear that the loop turns: twice in the time after which it would end the process.
    pub fn watchdog(&self) -> Option<Duration> {
        if !matches!(self, Supervisor::Systemd(_)) {
            return None;
        }
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        if number("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(std::process::id())) {
            return None;
        }
        number("WATCHDOG_USEC").filter(|us| *us > 0).map(|us| Duration::from_micros(us / 2))
    }

    fn tell(&self, state: &str) {
        if let Supervisor::Systemd(notifier) = self
            && let Err(error) = notifier.send(state)
        {
            tracing::warn!("systemd supervision error: sd_notify: {}", reason(&error));
        }
    }
}

impl Notifier {
    /// To the socket of that name: a path, or `@` and the name of an abstract one.
    fn to(name: &[u8]) -> io::Result<Notifier> {
        let address = match name {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
            _ => return Err(io::Error::from(io::ErrorKind::Unsupported)),
        };
        let socket = UnixDatagram::unbound()?;
        // A supervisor that does not read must not hold up the loop.
        socket.set_nonblocking(true)?;
        Ok(Notifier { socket, address })
    }

    fn send(&self, state: &str) -> io::Result<()> {
        self.socket.send_to_addr(state.as_bytes(), &self.address).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_sockets_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("refrain-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&abstract_name).unwrap();
        for (socket, name) in [(by_path, path.to_str().unwrap().to_owned()), (by_name, format!("@{name}"))] {
            let supervisor = Supervisor::Systemd(Notifier::to(name.as_bytes()).unwrap());
            let mut buffer = [0; 64];
            supervisor.ready();
            let n = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..n], b"STATUS=Ready to accept connections\n", "{name}");
            let n = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..n], b"READY=1\n", "{name}");
        }
    }

    #[test]
    fn an_address_of_another_kind_is_an_error() {
        assert!(Notifier::to(b"vsock:2:1").is_err());
        assert!(Notifier::to(b"").is_err());
    }
}
