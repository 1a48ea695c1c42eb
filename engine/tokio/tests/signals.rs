//! Signals reach a node however busy it is. Alone in its process: any tokio runtime of a process passes signals on to all.
#![expect(clippy::disallowed_types, reason = "the peers are plain blocking sockets")]

mod common;

use std::io::Write;
use std::net::TcpStream;

use refrain_runtime::{Mono, Runtime, Signal, Sockets};

use common::{Node, run};

#[test]
fn a_busy_socket_does_not_starve_the_runtime() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut clients: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut servers = Vec::new();
        for _ in 0..4 {
            servers.push(node.accept(listener).await);
        }
        let signalled = std::cell::Cell::new(false);
        // SAFETY: raise(3) takes no memory; tokio's handler for SIGTERM is in place since the runtime began.
        assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
        let mut rounds = 0;
        while !signalled.get() {
            rounds += 1;
            assert!(rounds < 1000, "a thousand rounds, all with work, and no signal came through");
            for (client, server) in clients.iter_mut().zip(&servers) {
                client.write_all(b"x").unwrap();
                let mut buffer = [0; 8];
                let _ = node.sockets.try_read(*server, &mut buffer);
            }
            std::future::poll_fn(|cx| {
                if let std::task::Poll::Ready(signal) = node.runtime.poll_signal(cx) {
                    assert_eq!(signal, Signal::Terminate);
                    signalled.set(true);
                }
                node.ready.clear();
                node.sockets.poll_ready(cx, Mono(0), &mut node.ready)
            })
            .await;
        }
    });
}
