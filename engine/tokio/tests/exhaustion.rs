//! Out of descriptors: alone in its process, because the limit is the process's.
#![expect(clippy::disallowed_types, reason = "the peers are plain blocking sockets")]

mod common;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use refrain_runtime::Sockets;
use refrain_tokio::TokioSockets;

use common::{Node, run, would_block};

fn limit_descriptors(limit: libc::rlim_t) {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are to a live rlimit.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut now), 0);
        now.rlim_cur = limit;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &now), 0);
    }
}

#[test]
fn without_descriptors_connections_are_refused_politely_and_later_accepted() {
    limit_descriptors(128);
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut waiting: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut hoard = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        // Every try turns one client away, and keeps the reserve for the next.
        let mut accepted = waiting.split_off(3);
        for client in &mut waiting {
            let error = loop {
                match node.sockets.accept(listener) {
                    Err(error) if would_block(&error) => node.poll(refrain_runtime::Mono::NEVER).await,
                    outcome => break outcome.unwrap_err(),
                }
            };
            assert!(TokioSockets::is_exhausted(&error), "{error}");
            client.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
            assert_eq!(client.read(&mut [0]).unwrap(), 0, "an orderly end, not a hang and not a reset");
        }
        assert!(File::open("/dev/null").is_err(), "the reserve was given back to the hoard");
        // Connecting needs a descriptor too, and is told so at once.
        let error = node.sockets.connect(&refrain_runtime::Address::Tcp(address)).unwrap_err();
        assert!(TokioSockets::is_exhausted(&error), "{error}");
        drop(hoard);
        for client in &mut accepted {
            let server = node.accept(listener).await;
            client.write_all(b"x").unwrap();
            assert_eq!(node.read_exactly(server, 1).await, b"x");
        }
        assert!(would_block(&node.sockets.accept(listener).unwrap_err()));
        assert!(!TokioSockets::is_exhausted(&ErrorKind::WouldBlock.into()));
    });
}
