//! The sockets of one simulated process: `refrain_runtime::Sockets` over the world's transport.
//!
//! The semantics are those of the trait's documentation, taken at their harshest: readiness is reported once a change and may
//! be false, writes may be taken in part, and input may be cut anywhere.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll};

use refrain_runtime::{Address, Interest, Mono, Peer, Readiness, Sockets, Token};

use crate::net::connection::{ConnectionId, Holder, Side};
use crate::net::pipe::Fin;
use crate::process::{Descriptor, Listener};
use crate::runtime::SimRuntime;
use crate::state::State;
use crate::trace::Kind;

/// The sockets of one life of one node. What an earlier life still holds is dead: every call says `NotConnected`.
pub struct SimSockets {
    runtime: SimRuntime,
    peers: Vec<Option<(Token, Peer)>>,
}

/// No descriptor is left.
#[derive(Debug)]
struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many open files")
    }
}

impl std::error::Error for Exhausted {}

fn exhausted() -> io::Error {
    io::Error::other(Exhausted)
}

impl SimSockets {
    pub(crate) fn new(runtime: SimRuntime) -> SimSockets {
        SimSockets { runtime, peers: Vec::new() }
    }

    fn remember(&mut self, token: Token, peer: Peer) {
        if self.peers.len() <= token.slot() {
            self.peers.resize_with(token.slot() + 1, || None);
        }
        self.peers[token.slot()] = Some((token, peer));
    }

    fn is_full(&self, state: &mut State) -> bool {
        let node = state.node(self.runtime.node());
        node.process.as_ref().is_none_or(|p| p.open >= node.config.descriptors)
    }

    /// Gives one end of a connection to this process.
    fn hold(&mut self, state: &mut State, id: ConnectionId, side: Side) -> Option<(Token, Peer)> {
        let process = state.node(self.runtime.node()).process.as_mut()?;
        let token = process.add(Descriptor::Connection(id, side));
        let end = state.connections.get(id)?.end(side);
        end.holder = Holder::Slot(token.slot() as u32);
        Some((token, end.peer.clone()))
    }

    fn connection(&self, state: &mut State, token: Token) -> io::Result<(ConnectionId, Side)> {
        let process = state.node(self.runtime.node()).process.as_mut();
        process.and_then(|p| p.connection(token)).ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

impl Sockets for SimSockets {
    fn listen(&mut self, address: &Address) -> io::Result<Token> {
        let node = self.runtime.node();
        self.runtime.enter(|now, state| {
            if self.is_full(state) {
                return Err(exhausted());
            }
            state.may_listen(node, address)?;
            let process = state.node(node).process.as_mut().expect("a process that isn't full is there");
            let listener = Listener { address: address.clone(), backlog: Default::default(), half_open: 0 };
            let token = process.add(Descriptor::Listener(listener));
            process.listeners.insert(address.clone(), token.slot() as u32);
            state.record(now, node, Kind::Listen, token.slot() as u64, 0);
            Ok(token)
        })?
    }

    fn connect(&mut self, address: &Address) -> io::Result<Token> {
        let runtime = self.runtime.clone();
        let (token, peer) = runtime.enter(|now, state| {
            if self.is_full(state) {
                return Err(exhausted());
            }
            let id = state.connect(now, runtime.node(), address);
            Ok(self.hold(state, id, Side::Client).expect("the connection was just made by a live process"))
        })??;
        self.remember(token, peer);
        Ok(token)
    }

    fn accept(&mut self, listener: Token) -> io::Result<Token> {
        let runtime = self.runtime.clone();
        let (token, peer) = runtime.enter(|now, state| {
            let node = runtime.node();
            let known = state.node(node).process.as_mut().and_then(|p| p.get(listener));
            if !matches!(known, Some(Descriptor::Listener(_))) {
                return Err(ErrorKind::NotConnected.into());
            }
            let Some(id) = state.take_pending(node, listener) else { return Err(ErrorKind::WouldBlock.into()) };
            let Some((peer, _)) = state.route(id, Side::Client) else { return Err(ErrorKind::WouldBlock.into()) };
            let facts = (peer.index() as u64, u64::from(id.serial));
            if self.is_full(state) {
                state.record(now, node, Kind::Exhausted, facts.0, facts.1);
                state.close(now, id, Side::Server);
                return Err(exhausted());
            }
            state.record(now, node, Kind::Accept, facts.0, facts.1);
            let held = self.hold(state, id, Side::Server).expect("a connection in a backlog lives");
            let bits = state.connections.get(id).map_or(0, |c| {
                let broken = !c.end(Side::Server).alive;
                let input = c.pipe(Side::Client);
                let ended = broken || input.fin == Fin::Delivered;
                let readable = ended || input.readable() > 0;
                Interest::WRITE | if readable { Interest::READ } else { 0 } | if ended { Interest::HUP } else { 0 }
            });
            state.notify(now, node, held.0.slot() as u32, bits);
            Ok(held)
        })??;
        self.remember(token, peer);
        Ok(token)
    }

    fn is_exhausted(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|e| e.is::<Exhausted>())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>, until: Mono, out: &mut Vec<Readiness>) -> Poll<()> {
        let id = self.runtime.node();
        let polled = self.runtime.enter(|now, state| {
            let node = &mut state.nodes[id.index()];
            node.counters.polls += 1;
            let busy_until = node.busy_until;
            let mono = node.mono(now);
            let Some(process) = node.process.as_mut() else { return Poll::Pending };
            process.woken = false;
            match &mut process.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            if busy_until > now {
                state.wait_until(now, id, busy_until);
                return Poll::Pending;
            }
            let odd = state.chance.chance(state.net.spurious);
            if odd {
                let draw = state.chance.u64();
                process.mark_falsely(draw >> 2, draw & 1 == 1);
            }
            if process.has_ready() {
                process.harvest(|token, bits| out.push(Readiness { token, bits }));
                return Poll::Ready(());
            }
            if odd || until.0 <= mono {
                return Poll::Ready(());
            }
            let at = if until == Mono::NEVER { None } else { node.clock.when_mono(now, until.0) };
            match at {
                Some(at) => state.wait_until(now, id, at),
                None => node.process.as_mut().expect("it was just there").until = u64::MAX,
            }
            Poll::Pending
        });
        // A process that is gone waits until its task is dropped.
        polled.unwrap_or(Poll::Pending)
    }

    fn try_read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        self.runtime.enter(|now, state| {
            let (id, side) = self.connection(state, token)?;
            let connection = state.connections.get(id).ok_or(ErrorKind::NotConnected)?;
            let input = connection.pipe(side.other());
            if input.readable() > 0 {
                let n = state.read(now, id, side, into);
                state.record(now, self.runtime.node(), Kind::Read, n as u64, u64::from(id.serial));
                return Ok(n);
            }
            let ended = input.fin == Fin::Delivered;
            let end = connection.end(side);
            if let Some(error) = end.error.take() {
                return Err(error.into());
            }
            if ended || !end.alive { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) }
        })?
    }

    fn try_write(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        self.runtime.enter(|now, state| {
            let (id, side) = self.connection(state, token)?;
            let connection = state.connections.get(id).ok_or(ErrorKind::NotConnected)?;
            let end = connection.end(side);
            if let Some(error) = end.error.take() {
                return Err(error.into());
            }
            if end.alive && !end.established {
                return Err(ErrorKind::NotConnected.into());
            }
            if !end.alive || connection.pipe(side).fin != Fin::None {
                return Err(ErrorKind::BrokenPipe.into());
            }
            let total = from.iter().map(|s| s.len()).sum();
            if total == 0 {
                return Ok(0);
            }
            let n = state.write(now, (id, side), total, |pipe, mut left| {
                for slice in from {
                    let n = slice.len().min(left);
                    pipe.write(&slice[..n]);
                    left -= n;
                }
            });
            if n == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(n) }
        })?
    }

    fn shutdown(&mut self, token: Token) {
        let _gone = self.runtime.enter(|now, state| {
            if let Ok((id, side)) = self.connection(state, token) {
                state.shutdown(now, id, side);
            }
        });
    }

    fn close(&mut self, token: Token) {
        let node = self.runtime.node();
        let _gone = self.runtime.enter(|now, state| state.close_descriptor(now, node, token));
        if let Some(known) = self.peers.get_mut(token.slot())
            && known.as_ref().is_some_and(|(t, _)| *t == token)
        {
            *known = None;
        }
    }

    fn peer(&self, token: Token) -> Option<&Peer> {
        self.peers.get(token.slot())?.as_ref().filter(|(t, _)| *t == token).map(|(_, peer)| peer)
    }
}

impl Drop for SimSockets {
    fn drop(&mut self) {
        let node = self.runtime.node();
        let _gone = self.runtime.enter(|now, state| {
            let tokens = state.node(node).process.as_ref().map_or(Vec::new(), |p| p.tokens());
            for token in tokens {
                state.close_descriptor(now, node, token);
            }
        });
    }
}
