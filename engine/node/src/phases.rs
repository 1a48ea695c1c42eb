//! The phases of a round between the wait and the tick: accept, read, execute, write. Each has its bound.

use std::io::{ErrorKind, IoSlice};

use refrain_core::{Bug, Closing, Input, Origin, READ_CHUNK, ReadInto};
use refrain_runtime::{Address, Mono, Runtime, Sockets, Token};

use crate::hooks::Probe;
use crate::node::Node;

/// Connections accepted from one listener in one round: a storm of them must not keep those that are served waiting.
const ACCEPTS_A_ROUND: usize = 64;

/// Bytes read from one connection in one round.
const CHUNK: usize = READ_CHUNK;

/// Bytes of a round after which no further connection is read: some 200 short requests. A round then takes less than half a millisecond, and
/// still less than two where memory answers several times slower for a while, as it does in virtual machines.
const ROUND: usize = 8 * 1024;

/// Bytes sent to one connection at one go: a peer that reads as fast as they are written would otherwise be sent all that it is owed
/// before anybody else has his turn.
const SENT: usize = 1 << 20;

impl<R: Runtime, P: Probe> Node<R, P> {
    pub(crate) fn accept(&mut self) {
        for i in 0..self.listeners.len() {
            if !self.listeners[i].pending || self.listeners[i].parked {
                continue;
            }
            for _ in 0..ACCEPTS_A_ROUND {
                match self.sockets.accept(self.listeners[i].token) {
                    Ok(token) => self.welcome(token),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.listeners[i].pending = false;
                        break;
                    }
                    Err(error) if R::Sockets::is_exhausted(&error) => {
                        tracing::warn!("Accepting client connection: {error}");
                        self.listeners[i].parked = true;
                        break;
                    }
                    // A connection that was gone before it was accepted says nothing about the next one.
                    Err(error) => tracing::debug!("Accepting client connection: {error}"),
                }
            }
        }
    }

    fn welcome(&mut self, token: Token) {
        let Some(peer) = self.sockets.peer(token) else { return };
        let origin = Origin {
            remote: peer.remote.to_string(),
            local: peer.local.to_string(),
            is_local: peer.is_local(),
            is_unix: matches!(peer.remote, Address::Unix { .. }),
            descriptor: peer.descriptor,
        };
        match self.engine.connect(origin) {
            Ok(session) => {
                self.connections.insert(token, session);
                // Whatever arrived before the accept may have had its edge already.
                if let Some(connection) = self.connections.get_mut(token) {
                    connection.queued = true;
                    self.readable.push_back(token);
                }
            }
            Err(refusal) => {
                // The answer is a courtesy: whether it arrives changes nothing.
                let _ = self.sockets.try_write(token, &[IoSlice::new(refusal)]);
                self.sockets.close(token);
            }
        }
    }

    /// Reads connections in turn, a chunk each, until the round is full or nobody has more.
    pub(crate) fn read(&mut self) {
        let unlimited = self.engine.hooks().probe().planted(Bug::NoRoundBudget);
        self.inputs.clear();
        if self.arena.len() < ROUND + CHUNK {
            self.arena.resize(ROUND + CHUNK, 0);
        }
        // What lies in the arena, and what was read in all: bytes that join pending ones leave the arena again.
        let (mut used, mut taken) = (0, 0);
        let mut turns = self.readable.len();
        while turns > 0 && (taken < ROUND || unlimited) {
            turns -= 1;
            let Some(token) = self.readable.pop_front() else { break };
            if unlimited {
                self.arena.resize((used + ROUND).next_multiple_of(ROUND) + CHUNK, 0);
            }
            let Some(connection) = self.connections.get_mut(token) else { continue };
            let session = connection.session;
            if matches!(self.engine.read_into(session), ReadInto::Later) {
                self.readable.push_back(token);
                continue;
            }
            connection.queued = false;
            match self.sockets.try_read(token, &mut self.arena[used..used + CHUNK]) {
                Ok(0) => {
                    connection.ended = true;
                    self.engine.end_of_input(session);
                }
                Ok(n) => {
                    if n == CHUNK || connection.hup {
                        connection.queued = true;
                        if unlimited {
                            turns += 1;
                            self.readable.push_front(token);
                        } else {
                            self.readable.push_back(token);
                        }
                    }
                    taken += n;
                    let bytes = used..used + n;
                    match self.engine.read_into(session) {
                        ReadInto::Arena => {
                            used += n;
                            let known = self.inputs.iter_mut().rev().find(|i| unlimited && i.session == session);
                            match known.and_then(|i| i.bytes.as_mut()) {
                                Some(range) if range.end == bytes.start => range.end = bytes.end,
                                _ => self.inputs.push(Input { session, bytes: Some(bytes), len: n }),
                            }
                        }
                        ReadInto::Pending(pending) => {
                            pending.extend_from_slice(&self.arena[bytes]);
                            self.inputs.push(Input { session, bytes: None, len: n });
                        }
                        ReadInto::Long => {
                            self.engine.receive(session, &self.arena[bytes]);
                            self.inputs.push(Input { session, bytes: None, len: n });
                        }
                        ReadInto::Later | ReadInto::Nothing => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::debug!("Reading from client: {error}");
                    self.drop_connection(token);
                }
            }
        }
    }

    /// Lets the engine execute what was read, and what was left over, and release those whose moment has come.
    pub(crate) fn execute(&mut self) {
        if self.inputs.is_empty() && !self.engine.is_runnable() {
            let moment = self.next_moment();
            if moment == Mono::NEVER || self.runtime.now() < moment {
                return;
            }
        }
        let arena = std::mem::take(&mut self.arena);
        let inputs = std::mem::take(&mut self.inputs);
        self.engine.round(&arena, &inputs);
        self.arena = arena;
        self.inputs = inputs;
    }

    /// A heavy client's turn, now that the round's replies are out.
    pub(crate) fn serve_the_heavy(&mut self) {
        if self.engine.heavy_turn() {
            self.write();
        }
    }

    /// Sends what the engine says is owed, and closes what is to be closed.
    pub(crate) fn write(&mut self) {
        self.take_stream();
        // Whoever has a reply finds in the log what the command had to say.
        self.say_log();
        let gate = self.gate().filter(|(needs, durable)| needs > durable);
        let attended = self.engine.take_attended();
        // The last first: a command's own reply leaves before the messages that it caused to others. Clients of Redis have come
        // to expect that a publisher's answer is there when its message is.
        for session in attended.iter().rev() {
            let Some(connection) = self.connections.of_session(*session) else { continue };
            if let Some((needs, _)) = gate {
                connection.gates.close(self.engine.owed_blindly(*session), 0);
                connection.gates.close(self.engine.owed(*session), needs);
            }
            let (token, blocked) = (connection.token, connection.blocked);
            if !blocked || self.engine.closing(*session) == Closing::Now {
                self.flush(token);
            }
        }
        self.engine.recycle_attended(attended);
    }

    /// Goes on with those who would have taken more in the round before.
    pub(crate) fn flush_more(&mut self) {
        for token in std::mem::take(&mut self.unfinished) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.unfinished = false;
                if !connection.blocked {
                    self.flush(token);
                }
            }
        }
    }

    /// Sends as much as the peer takes now, up to a bound: what is left is sent in the next round.
    pub(crate) fn flush(&mut self, token: Token) {
        let mut left = SENT;
        let durable = self.gate().map_or(u64::MAX, |(_, durable)| durable);
        let Some(connection) = self.connections.get_mut(token) else { return };
        let session = connection.session;
        let closing = self.engine.closing(session);
        while closing != Closing::Now && !self.engine.unsent(session).is_empty() {
            if left == 0 {
                if !connection.unfinished {
                    connection.unfinished = true;
                    self.unfinished.push(token);
                }
                return;
            }
            let mut unsent = self.engine.unsent(session);
            unsent = &unsent[..unsent.len().min(left)];
            if !connection.gates.is_empty() {
                let free = connection.gates.free(self.engine.owed(session), durable);
                if free == 0 {
                    self.connections.wait_at_gate(token);
                    return;
                }
                unsent = &unsent[..unsent.len().min(free)];
            }
            let len = unsent.len();
            match self.sockets.try_write(token, &[IoSlice::new(unsent)]) {
                Ok(n) => {
                    left -= n;
                    self.engine.sent(session, n);
                    connection.gates.advance(n);
                    if n < len {
                        connection.blocked = true;
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    connection.blocked = true;
                    return;
                }
                Err(error) => {
                    tracing::debug!("Error writing to client: {error}");
                    self.drop_connection(token);
                    return;
                }
            }
        }
        if closing != Closing::Open {
            self.drop_connection(token);
        }
    }

    /// Ends a connection and its session.
    pub(crate) fn drop_connection(&mut self, token: Token) {
        if let Some(connection) = self.connections.remove(token) {
            self.engine.disconnect(connection.session);
            self.sockets.close(token);
        }
    }
}
