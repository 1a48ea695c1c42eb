//! Lost wake-ups: a peer thread writes, reads, pauses and closes in any order over many connections, while the node does
//! exactly what the contract of `Sockets` asks of it and nothing more. A wake-up that is lost hangs, and fails.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the peers are plain blocking sockets on threads, and helpers of tests may panic"
)]

mod common;

use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use proptest::prelude::*;
use refrain_runtime::{Interest, Mono, Readiness, Sockets, Token};

use common::{Node, run, would_block};

/// What the peer does with one of its connections.
#[derive(Debug, Clone)]
enum Step {
    /// Sends so many bytes.
    Write(usize),
    /// Reads as many echoed bytes as this part of what is owed.
    Read(u8),
    /// Lets the node go first, perhaps.
    Yield,
    /// Says that nothing more comes, reads the rest, and starts a new connection in its place.
    Renew,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        4 => (1usize..200).prop_map(Step::Write),
        2 => (1usize..100_000).prop_map(Step::Write),
        4 => any::<u8>().prop_map(Step::Read),
        2 => Just(Step::Yield),
        1 => Just(Step::Renew),
    ];
    (any::<usize>(), step)
}

/// A connection of the peer's: what it has sent and has got back is a counter's bytes.
struct Peer {
    stream: TcpStream,
    sent: usize,
    echoed: usize,
}

fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

impl Peer {
    /// More than this is never owed, so that neither side waits for room that only the other can make.
    const OWED_MAX: usize = 32 * 1024;

    fn connect(address: SocketAddr) -> Peer {
        Peer { stream: TcpStream::connect(address).unwrap(), sent: 0, echoed: 0 }
    }

    fn write(&mut self, len: usize) {
        for part in (0..len).collect::<Vec<_>>().chunks(Peer::OWED_MAX) {
            let excess = (self.sent + part.len() - self.echoed).saturating_sub(Peer::OWED_MAX);
            self.read(excess);
            let bytes: Vec<u8> = (self.sent..self.sent + part.len()).map(pattern).collect();
            self.stream.write_all(&bytes).unwrap();
            self.sent += part.len();
        }
    }

    fn read(&mut self, len: usize) {
        let mut bytes = vec![0; len];
        self.stream.read_exact(&mut bytes).unwrap();
        assert!(bytes.iter().enumerate().all(|(n, byte)| *byte == pattern(self.echoed + n)), "not the bytes sent");
        self.echoed += len;
    }

    fn finish(mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
        self.read(self.sent - self.echoed);
        assert_eq!(self.stream.read(&mut [0]).unwrap(), 0, "more came back than was sent");
    }
}

/// Plays the steps; returns how many connections it made.
fn play(address: SocketAddr, connections: usize, steps: &[(usize, Step)]) -> usize {
    let mut peers: Vec<Peer> = (0..connections).map(|_| Peer::connect(address)).collect();
    let mut made = connections;
    for (which, step) in steps {
        let which = which % connections;
        let peer = &mut peers[which];
        match step {
            Step::Write(len) => peer.write(*len),
            Step::Read(part) => peer.read((peer.sent - peer.echoed) * usize::from(*part) / 255),
            Step::Yield => thread::yield_now(),
            Step::Renew => {
                std::mem::replace(peer, Peer::connect(address)).finish();
                made += 1;
            }
        }
    }
    peers.into_iter().for_each(Peer::finish);
    made
}

/// One connection of the node: bytes to echo, and whether the peer has ended.
#[derive(Default)]
struct Echo {
    owed: Vec<u8>,
    ended: bool,
}

/// Reads until `WouldBlock`, a short read (but with a hang-up until 0), and writes until all is written or there is no
/// room: the least that the contract asks for. Returns false when the connection is over.
fn serve(node: &mut Node, ready: Readiness, echo: &mut Echo, buffer: &mut [u8]) -> bool {
    if ready.bits & (Interest::READ | Interest::HUP) != 0 && !echo.ended {
        loop {
            match node.sockets.try_read(ready.token, buffer) {
                Ok(0) => {
                    echo.ended = true;
                    break;
                }
                Ok(n) => {
                    echo.owed.extend_from_slice(&buffer[..n]);
                    if n < buffer.len() && ready.bits & Interest::HUP == 0 {
                        break;
                    }
                }
                Err(error) => {
                    assert!(would_block(&error), "{error}");
                    break;
                }
            }
        }
    }
    if !echo.owed.is_empty() {
        match node.sockets.try_write(ready.token, &[IoSlice::new(&echo.owed)]) {
            Ok(n) => drop(echo.owed.drain(..n)),
            Err(error) => assert!(would_block(&error), "{error}"),
        }
    }
    !(echo.ended && echo.owed.is_empty())
}

fn torture(connections: usize, buffer_len: usize, steps: Vec<(usize, Step)>) {
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut peer = Some(thread::spawn(move || play(address, connections, &steps)));
        let mut echoes: Vec<(Token, Echo)> = Vec::new();
        let mut buffer = vec![0; buffer_len];
        let mut served = 0;
        while peer.is_some() || !echoes.is_empty() {
            if echoes.is_empty() && peer.as_ref().is_some_and(|peer| peer.is_finished()) {
                let made = peer.take().expect("checked just now").join().unwrap();
                // Its last connections may be in the backlog no longer: all of them ended in order.
                assert_eq!(served, made);
                return;
            }
            // While nothing is open the peer may have ended without a word, so that wait has an end.
            let until = match echoes.is_empty() {
                true => refrain_runtime::Runtime::now(&node.runtime) + std::time::Duration::from_millis(1),
                false => Mono::NEVER,
            };
            node.poll(until).await;
            for ready in std::mem::take(&mut node.ready) {
                if ready.token == listener {
                    while let Ok(token) = node.sockets.accept(listener) {
                        echoes.push((token, Echo::default()));
                    }
                } else if let Some(at) = echoes.iter().position(|(token, _)| *token == ready.token) {
                    let (_, mut echo) = echoes.swap_remove(at);
                    if serve(&mut node, ready, &mut echo, &mut buffer) {
                        echoes.push((ready.token, echo));
                    } else {
                        node.sockets.close(ready.token);
                        served += 1;
                    }
                }
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_wake_up_is_lost(
        connections in 1usize..40,
        buffer_len in prop_oneof![Just(7usize), Just(300), Just(16 * 1024)],
        steps in prop::collection::vec(step(), 0..150),
    ) {
        torture(connections, buffer_len, steps);
    }
}

/// More sockets become ready at once than one harvest takes, and no new edge will come for those left over.
#[test]
fn a_harvest_that_fills_the_buffer_is_followed_by_another() {
    const SOCKETS: usize = 2500;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are to a live rlimit.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    if limit.rlim_cur < 2 * SOCKETS as libc::rlim_t + 100 {
        eprintln!("too few descriptors on this machine: nothing to test");
        return;
    }
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        let mut clients = Vec::new();
        let mut waiting = std::collections::BTreeSet::new();
        for _ in 0..SOCKETS {
            clients.push(TcpStream::connect(address).unwrap());
            waiting.insert(node.accept(listener).await);
        }
        for client in &mut clients {
            client.write_all(b"x").unwrap();
        }
        while !waiting.is_empty() {
            node.poll(Mono::NEVER).await;
            for ready in &node.ready {
                if ready.bits & Interest::READ != 0 {
                    waiting.remove(&ready.token);
                }
            }
        }
    });
}
