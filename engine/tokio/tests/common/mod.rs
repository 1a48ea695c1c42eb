//! What the tests of the sockets share: a node-like loop in a few lines, and a limit on every wait.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use refrain_runtime::{Address, Interest, Mono, Readiness, Runtime, Sockets, Token};
use refrain_tokio::{TokioRuntime, TokioSockets};

/// A lost wake-up would hang the test; this turns it into a failure. It bounds, and never decides, what a test sees.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test's node to its end.
pub fn run<F: Future>(test: impl FnOnce(Node) -> F) -> F::Output {
    refrain_tokio::block_on(|runtime| async {
        let sockets = runtime.sockets();
        let node = Node { runtime, sockets, ready: Vec::new() };
        tokio::time::timeout(PATIENCE, test(node)).await.expect("the node waited for something that never came")
    })
    .unwrap()
}

/// A runtime, its sockets, and readiness not looked at yet.
pub struct Node {
    pub runtime: TokioRuntime,
    pub sockets: TokioSockets,
    pub ready: Vec<Readiness>,
}

impl Node {
    pub fn listen(&mut self) -> (Token, SocketAddr) {
        let token = self.sockets.listen(&Address::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
        let Address::Tcp(address) = self.sockets.listening_address(token).unwrap() else { panic!("not TCP") };
        (token, address)
    }

    /// One round's wait; what it brought is in `ready`.
    pub async fn poll(&mut self, until: Mono) {
        self.ready.clear();
        poll_fn(|cx| self.sockets.poll_ready(cx, until, &mut self.ready)).await;
    }

    /// Rounds until `token` reports one of `bits`.
    pub async fn wait(&mut self, token: Token, bits: u8) -> u8 {
        loop {
            self.poll(Mono::NEVER).await;
            if let Some(ready) = self.ready.iter().find(|ready| ready.token == token && ready.bits & bits != 0) {
                return ready.bits;
            }
        }
    }

    pub async fn accept(&mut self, listener: Token) -> Token {
        loop {
            match self.sockets.accept(listener) {
                Ok(token) => return token,
                Err(error) if would_block(&error) => {
                    self.wait(listener, Interest::READ).await;
                }
                Err(error) => panic!("accept: {error}"),
            }
        }
    }

    /// Reads until `len` bytes are there.
    pub async fn read_exactly(&mut self, token: Token, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while bytes.len() < len {
            let room = buffer.len().min(len - bytes.len());
            match self.sockets.try_read(token, &mut buffer[..room]) {
                Ok(0) => panic!("the peer ended after {} of {len} bytes", bytes.len()),
                Ok(n) => bytes.extend_from_slice(&buffer[..n]),
                Err(error) if would_block(&error) => {
                    self.wait(token, Interest::READ).await;
                }
                Err(error) => panic!("read: {error}"),
            }
        }
        bytes
    }

    /// Reads until the peer's end, or the error that took its place.
    pub async fn read_to_end(&mut self, token: Token) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.sockets.try_read(token, &mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(n) => bytes.extend_from_slice(&buffer[..n]),
                Err(error) if would_block(&error) => {
                    self.wait(token, Interest::READ).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all of `bytes`, waiting for room where there is none.
    pub async fn write_all(&mut self, token: Token, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(token, bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if would_block(&error) => {
                    self.wait(token, Interest::WRITE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub fn write(&mut self, token: Token, bytes: &[u8]) -> io::Result<usize> {
        self.sockets.try_write(token, &[IoSlice::new(bytes)])
    }

    /// Waits for the outcome of a connect.
    pub async fn connected(&mut self, token: Token) -> io::Result<()> {
        loop {
            match self.sockets.try_write(token, &[]) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    self.wait(token, Interest::WRITE | Interest::HUP).await;
                }
                outcome => return outcome.map(|_| ()),
            }
        }
    }
}

pub fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
