//! What a socket is given when it is opened.

use std::io;
use std::time::Duration;

use socket2::{Socket, TcpKeepalive};

/// Parameters of sockets opened from now on. `TCP_NODELAY` is not among them: replies are written whole, so delaying
/// them only adds latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketOptions {
    /// `tcp-backlog`: connections that may wait to be accepted. The kernel clips it to `net.core.somaxconn`.
    pub backlog: u32,
    /// `tcp-keepalive`: silence after which the kernel starts to probe whether the peer is alive, in whole seconds;
    /// `None` never probes.
    pub keepalive: Option<Duration>,
}

impl Default for SocketOptions {
    fn default() -> SocketOptions {
        SocketOptions { backlog: 511, keepalive: Some(Duration::from_secs(300)) }
    }
}

/// Prepares a TCP stream. Failures matter to latency and dead peers only, so the connection is kept.
pub(super) fn tune(stream: &Socket, options: &SocketOptions) {
    if let Err(error) = try_tune(stream, options) {
        tracing::debug!("can't tune a connection: {error}");
    }
}

fn try_tune(stream: &Socket, options: &SocketOptions) -> io::Result<()> {
    stream.set_tcp_nodelay(true)?;
    match options.keepalive {
        Some(idle) => stream.set_tcp_keepalive(&probes(idle)),
        None => stream.set_keepalive(false),
    }
}

/// Three probes, a third of the idle time apart: a dead peer is noticed after twice the idle time.
fn probes(idle: Duration) -> TcpKeepalive {
    let idle = idle.max(Duration::from_secs(1));
    let interval = Duration::from_secs((idle.as_secs() / 3).max(1));
    TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(3)
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn a_stream_gets_what_the_options_say() {
        for (asked, idle, interval) in [(300, 300, 100), (7, 7, 2), (2, 2, 1), (0, 1, 1)] {
            let stream = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let options = SocketOptions { keepalive: Some(Duration::from_secs(asked)), ..SocketOptions::default() };
            tune(&stream, &options);
            assert!(stream.tcp_nodelay().unwrap());
            assert!(stream.keepalive().unwrap());
            assert_eq!(stream.tcp_keepalive_time().unwrap(), Duration::from_secs(idle));
            assert_eq!(stream.tcp_keepalive_interval().unwrap(), Duration::from_secs(interval));
            assert_eq!(stream.tcp_keepalive_retries().unwrap(), 3);
        }
    }

    #[test]
    fn no_keepalive_means_no_probes() {
        let stream = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        tune(&stream, &SocketOptions { keepalive: None, ..SocketOptions::default() });
        assert!(!stream.keepalive().unwrap());
    }
}
