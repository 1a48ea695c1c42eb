//! The rules of `Sockets`, each against peers of the standard library over loopback.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the peers are plain blocking sockets")]

mod common;

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use refrain_runtime::{Address, Interest, Mono, Runtime, Sockets};
use refrain_tokio::SocketOptions;

use common::{Node, run, would_block};

#[test]
fn an_echo_goes_round() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        let peer = node.sockets.peer(server).unwrap().clone();
        assert_eq!(peer.remote, Address::Tcp(client.local_addr().unwrap()));
        assert_eq!(peer.local, Address::Tcp(address));
        client.write_all(b"PING\r\n").unwrap();
        assert_eq!(node.read_exactly(server, 6).await, b"PING\r\n");
        let slices = [IoSlice::new(b"+PO"), IoSlice::new(b""), IoSlice::new(b"NG\r\n")];
        assert_eq!(node.sockets.try_write(server, &slices).unwrap(), 7);
        let mut reply = [0; 7];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+PONG\r\n");
    });
}

#[test]
fn more_slices_than_the_kernel_takes_at_once_all_leave() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        let bytes: Vec<u8> = (0..2500u32).map(|n| (n % 251) as u8).collect();
        let slices: Vec<IoSlice<'_>> = bytes.chunks(1).map(IoSlice::new).collect();
        assert_eq!(node.sockets.try_write(server, &slices).unwrap(), bytes.len());
        let mut got = vec![0; bytes.len()];
        client.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes);
    });
}

#[test]
fn a_connect_tells_its_outcome_through_write() {
    run(|mut node: Node| async move {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let token = node.sockets.connect(&Address::Tcp(address)).unwrap();
        node.connected(token).await.unwrap();
        let (mut accepted, remote) = server.accept().unwrap();
        assert_eq!(node.sockets.peer(token).unwrap().local, Address::Tcp(remote));
        assert_eq!(node.write(token, b"hello").unwrap(), 5);
        let mut got = [0; 5];
        accepted.read_exact(&mut got).unwrap();
        accepted.write_all(b"back").unwrap();
        assert_eq!(node.read_exactly(token, 4).await, b"back");
    });
}

#[test]
fn a_refused_connect_is_told_to_every_call_not_once() {
    run(|mut node: Node| async move {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let token = node.sockets.connect(&Address::Tcp(address)).unwrap();
        let error = node.connected(token).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(node.sockets.try_read(token, &mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(node.write(token, b"x").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        node.sockets.close(token);
        assert_eq!(node.write(token, b"x").unwrap_err().kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn a_read_may_come_first_and_does_not_swallow_the_refusal() {
    run(|mut node: Node| async move {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let token = node.sockets.connect(&Address::Tcp(address)).unwrap();
        let error = node.read_to_end(token).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(node.write(token, b"x").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn half_close_works_both_ways() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        client.write_all(b"last words").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let bits = loop {
            let bits = node.wait(server, Interest::READ).await;
            if bits & Interest::HUP != 0 {
                break bits;
            }
        };
        assert_eq!(bits & Interest::READ, Interest::READ, "a hang-up is something to read");
        assert_eq!(node.read_to_end(server).await.unwrap(), b"last words");
        // Their side is closed, ours is not.
        assert_eq!(node.write(server, b"answer").unwrap(), 6);
        node.sockets.shutdown(server);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"answer");
        assert_eq!(node.write(server, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe, "and no SIGPIPE");
    });
}

#[test]
fn closing_with_unread_input_resets_the_peer() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        client.write_all(b"never read").unwrap();
        node.wait(server, Interest::READ).await;
        node.sockets.close(server);
        let error = client.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_shows_as_a_hang_up_and_an_error() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        assert_eq!(node.write(server, b"x").unwrap(), 1);
        client.read_exact(&mut [0]).unwrap();
        assert_eq!(node.write(server, b"unread").unwrap(), 6);
        // Peeking makes sure that the bytes have arrived, so that closing sends a reset.
        client.peek(&mut [0]).unwrap();
        drop(client);
        while node.wait(server, Interest::READ).await & Interest::HUP == 0 {}
        assert_eq!(node.read_to_end(server).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_token_closed_while_its_readiness_waits_is_stale() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        let first = node.accept(listener).await;
        let second = node.accept(listener).await;
        for client in &mut clients {
            client.write_all(b"x").unwrap();
        }
        // Both are in one batch at the latest when both have been seen.
        let mut seen = Vec::new();
        while !(seen.contains(&first) && seen.contains(&second)) {
            node.poll(Mono::NEVER).await;
            seen.extend(node.ready.iter().map(|ready| ready.token));
        }
        // Handling the first closes the second, and a third takes its slot before the batch has been worked through.
        node.sockets.close(second);
        let _third_client = TcpStream::connect(address).unwrap();
        let third = node.accept(listener).await;
        assert_eq!(third.slot(), second.slot(), "the slot was not reused: this test tests nothing");
        assert_ne!(third, second);
        assert_eq!(node.sockets.try_read(second, &mut [0; 8]).unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(node.write(second, b"x").unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert!(node.sockets.peer(second).is_none());
        node.sockets.shutdown(second);
        node.sockets.close(second);
        assert!(would_block(&node.sockets.try_read(third, &mut [0; 8]).unwrap_err()), "the new tenant is untouched");
        assert_eq!(node.write(third, b"x").unwrap(), 1);
    });
}

#[test]
fn readiness_of_a_closed_socket_is_not_reported_even_while_its_description_lives() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        let mut other_client = TcpStream::connect(address).unwrap();
        let other = node.accept(listener).await;
        // A process between fork and exec holds copies of all descriptors, and epoll goes on reporting them.
        let copy = duplicate_of_peer(client.local_addr().unwrap());
        node.sockets.close(server);
        client.write_all(b"x").unwrap();
        other_client.write_all(b"y").unwrap();
        for _ in 0..100 {
            node.poll(Mono(0)).await;
            assert!(node.ready.iter().all(|ready| ready.token != server));
        }
        assert_eq!(node.read_exactly(other, 1).await, b"y");
        drop(copy);
    });
}

/// A copy of the descriptor, in this process, whose peer is `address`.
fn duplicate_of_peer(address: std::net::SocketAddr) -> socket2::Socket {
    use std::os::fd::BorrowedFd;
    for fd in 3..4096 {
        // SAFETY: the borrow ends before this thread could close anything; a number without a descriptor only gives EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let socket = socket2::SockRef::from(&fd);
        if socket.peer_addr().is_ok_and(|peer| peer.as_socket() == Some(address)) {
            return socket.try_clone().expect("there are descriptors left");
        }
    }
    panic!("no descriptor has the peer {address}");
}

#[test]
fn a_full_window_blocks_and_tells_when_it_opens() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        let block = vec![7u8; 256 * 1024];
        let mut sent = 0;
        // Three times over, for the kernel is asked to report `WRITE` only at the first.
        for _ in 0..3 {
            loop {
                match node.write(server, &block) {
                    Ok(n) => sent += n,
                    Err(error) => {
                        assert!(would_block(&error));
                        break;
                    }
                }
            }
            let mut left = sent;
            let mut buffer = vec![0; 1 << 20];
            while left > 0 {
                left -= client.read(&mut buffer).unwrap();
            }
            sent = 0;
            node.wait(server, Interest::WRITE).await;
        }
    });
}

#[test]
fn a_short_write_alone_is_enough_to_be_told_of_room() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        let huge = vec![1u8; 64 << 20];
        let sent = node.write(server, &huge).unwrap();
        assert!(sent < huge.len(), "no loopback buffer takes 64 MiB");
        let reader = thread::spawn(move || {
            let mut got = vec![0; 64 << 20];
            client.read_exact(&mut got).unwrap();
        });
        node.wait(server, Interest::WRITE).await;
        node.write_all(server, &huge[sent..]).await.unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn a_storm_of_connections_is_all_accepted() {
    const CLIENTS: usize = 400;
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let storm = thread::spawn(move || {
            let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|_| TcpStream::connect(address).unwrap()).collect();
            for (n, client) in clients.iter_mut().enumerate() {
                client.write_all(&(n as u32).to_le_bytes()).unwrap();
            }
            clients
        });
        let mut accepted = Vec::new();
        while accepted.len() < CLIENTS {
            accepted.push(node.accept(listener).await);
        }
        let clients = storm.join().unwrap();
        let mut numbers = Vec::new();
        for token in accepted {
            let bytes = node.read_exactly(token, 4).await;
            numbers.push(u32::from_le_bytes(bytes.try_into().unwrap()));
        }
        numbers.sort_unstable();
        assert!(numbers.iter().enumerate().all(|(n, number)| n == *number as usize));
        drop(clients);
    });
}

#[test]
fn polling_without_waiting_never_waits_and_lets_others_run() {
    run(|mut node: Node| async move {
        let flag = std::rc::Rc::new(std::cell::Cell::new(false));
        let others = tokio::task::LocalSet::new();
        let seen = std::rc::Rc::clone(&flag);
        others.spawn_local(async move { seen.set(true) });
        // Not awaited beside the loop: the loop itself must come back `Pending` now and then.
        let mut polls = 0;
        let mut looping = std::pin::pin!(async {
            loop {
                node.poll(Mono(0)).await;
                assert!(node.ready.is_empty());
                polls += 1;
                if flag.get() {
                    return polls;
                }
                assert!(polls < 100, "64 rounds went by and nobody else had a turn");
            }
        });
        let mut others = std::pin::pin!(others);
        let polls = std::future::poll_fn(|cx| {
            let outcome = looping.as_mut().poll(cx);
            if outcome.is_pending() {
                let _ = others.as_mut().poll(cx);
            }
            outcome
        })
        .await;
        assert!(polls >= 64, "it yielded after {polls} rounds, which is too often");
    });
}

#[test]
fn a_deadline_ends_the_wait_and_not_before() {
    run(|mut node: Node| async move {
        for millis in [0, 1, 3, 20] {
            let until = node.runtime.now() + std::time::Duration::from_millis(millis);
            while node.runtime.now() < until {
                node.poll(until).await;
                assert!(node.ready.is_empty());
            }
        }
        // A later deadline leaves the timer alone, an earlier one moves it, and a past one needs none.
        let far = node.runtime.now() + std::time::Duration::from_secs(3600);
        let waker = std::task::Waker::noop();
        let mut cx = std::task::Context::from_waker(waker);
        assert!(node.sockets.poll_ready(&mut cx, far, &mut node.ready).is_pending());
        let near = node.runtime.now() + std::time::Duration::from_millis(5);
        node.poll(near).await;
        assert!(node.runtime.now() >= near);
        node.poll(Mono(1)).await;
    });
}

#[test]
fn a_unix_socket_has_its_mode_and_goes_with_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refrain.sock");
    run(|mut node: Node| async move {
        let address = Address::Unix { path: path.clone(), mode: Some(0o700) };
        let listener = node.sockets.listen(&address).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let mut client = UnixStream::connect(&path).unwrap();
        let server = node.accept(listener).await;
        assert_eq!(node.sockets.peer(server).unwrap().remote.to_string(), format!("{}:0", path.display()));
        assert!(node.sockets.peer(server).unwrap().is_local());
        client.write_all(b"x").unwrap();
        assert_eq!(node.read_exactly(server, 1).await, b"x");
        let ours = node.sockets.connect(&Address::Unix { path: path.clone(), mode: None }).unwrap();
        node.connected(ours).await.unwrap();
        node.sockets.close(listener);
        assert!(!path.exists(), "the file goes with the listener");
    });
}

#[test]
fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refrain.sock");
    let address = Address::Unix { path: path.clone(), mode: None };
    run(|mut node: Node| async move {
        // Std leaves the file behind, like a killed process does.
        let other = UnixListener::bind(&path).unwrap();
        let error = node.sockets.listen(&address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(other);
        let listener = node.sockets.listen(&address).unwrap();
        // Someone put a file of their own there: it is not ours to remove.
        std::fs::remove_file(&path).unwrap();
        let _theirs = UnixListener::bind(&path).unwrap();
        node.sockets.close(listener);
        assert!(path.exists());
        // What is no socket is never removed.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(node.sockets.listen(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    });
}

#[test]
fn a_unix_socket_does_not_wake_the_loop_for_replies_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refrain.sock");
    run(|mut node: Node| async move {
        let listener = node.sockets.listen(&Address::Unix { path: path.clone(), mode: None }).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        let server = node.accept(listener).await;
        assert_eq!(node.write(server, b"reply").unwrap(), 5);
        client.read_exact(&mut [0; 5]).unwrap();
        for _ in 0..10 {
            node.poll(Mono(0)).await;
            assert!(node.ready.iter().all(|ready| ready.bits & Interest::WRITE == 0));
        }
    });
}

#[test]
fn both_families_share_a_port_and_options_apply() {
    run(|mut node: Node| async move {
        node.runtime.set_socket_options(SocketOptions { backlog: 7, keepalive: None });
        let Ok(six) = node.sockets.listen(&Address::Tcp("[::1]:0".parse().unwrap())) else {
            eprintln!("this machine has no IPv6 loopback: nothing to test");
            return;
        };
        let Address::Tcp(address) = node.sockets.listening_address(six).unwrap() else { panic!("not TCP") };
        // Other tests take ports at the same time, so a port that is free in one family need not be in the other. If the IPv6
        // wildcard took the IPv4 one as well, none of them would be.
        let mut wildcards = |port: u16| {
            ["[::]", "0.0.0.0"].iter().all(|host| {
                let wildcard = format!("{host}:{port}").parse().expect("an address and a port");
                node.sockets.listen(&Address::Tcp(wildcard)).is_ok()
            })
        };
        let ports = (1..=20).filter_map(|step| address.port().checked_add(step));
        assert!(ports.into_iter().any(&mut wildcards), "the IPv6 wildcard takes the IPv4 one as well");
        let error = node.sockets.listen(&Address::Tcp(address)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let _client = TcpStream::connect(address).unwrap();
        let server = node.accept(six).await;
        assert!(node.sockets.peer(server).unwrap().is_local());
    });
}

#[test]
fn listeners_are_not_streams_and_streams_are_not_listeners() {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let _client = TcpStream::connect(address).unwrap();
        let server = node.accept(listener).await;
        assert_eq!(node.sockets.try_read(listener, &mut [0]).unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(node.write(listener, b"x").unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(node.sockets.accept(server).unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert!(node.sockets.peer(listener).is_none());
    });
}
