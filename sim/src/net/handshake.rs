//! How a connection comes to be: three packets, each of which may be lost, cut off, refused or ignored.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use refrain_runtime::{Address, Interest, Peer};

use super::connection::{Connection, ConnectionId, End, Holder, Side};
use super::pipe::{Item, Pipe};
use crate::config::{SECOND, nanos};
use crate::events::Event;
use crate::process::Descriptor;
use crate::state::State;
use crate::trace::Kind;
use crate::world::NodeId;

impl State {
    /// Creates the connection and sends its first packet. The caller gives the client's end its slot.
    pub(crate) fn connect(&mut self, now: u64, from: NodeId, to: &Address) -> ConnectionId {
        let target = self.host_of(from, to);
        let local = match to {
            Address::Tcp(a) => {
                let ip = if a.ip().is_loopback() { a.ip() } else { self.node(from).ip };
                Address::Tcp(SocketAddr::new(ip, self.node(from).ephemeral_port()))
            }
            unix @ Address::Unix { .. } => unix.clone(),
        };
        let end = |node, alive, remote: &Address, local: &Address| End {
            node,
            holder: Holder::Nobody,
            alive,
            established: false,
            error: None,
            peer: Peer { remote: remote.clone(), local: local.clone(), descriptor: -1 },
        };
        // A host that doesn't exist is one that never answers.
        let server = target.unwrap_or(from);
        let connect_until = now.saturating_add(nanos(self.net.connect_timeout));
        let id = self.connections.add(Connection {
            ends: [end(from, true, to, &local), end(server, false, &local, to)],
            pipes: [Pipe::new(), Pipe::new()],
            listener: None,
            half_open: false,
            connect_until,
        });
        self.record(now, from, Kind::Connect, server.index() as u64, u64::from(id.serial));
        if target.is_some() {
            self.syn_retry(now, id, 0);
        } else {
            self.push(now, connect_until, Event::SynRetry(id, u32::MAX));
        }
        id
    }

    fn host_of(&self, from: NodeId, to: &Address) -> Option<NodeId> {
        match to {
            Address::Unix { .. } => Some(from),
            Address::Tcp(a) if a.ip().is_loopback() => Some(from),
            Address::Tcp(a) => self.nodes.iter().position(|n| n.ip == a.ip()).map(NodeId::new),
        }
    }

    /// Sends the first packet, once more after 1, 2, 4 … seconds, until the connect times out.
    pub(crate) fn syn_retry(&mut self, now: u64, id: ConnectionId, attempt: u32) {
        let Some((from, to)) = self.route(id, Side::Client) else { return };
        let Some(connection) = self.connections.get(id) else { return };
        let until = connection.connect_until;
        let end = connection.end(Side::Client);
        if !end.alive || end.established {
            return;
        }
        if now >= until {
            self.record(now, from, Kind::TimedOut, to.index() as u64, u64::from(id.serial));
            self.node(from).counters.timeouts += 1;
            self.connect_fails(now, id, ErrorKind::TimedOut);
            return;
        }
        if let Some(at) = self.links.once((from, to), now, &mut self.chance) {
            self.push(now, at, Event::Syn(id));
        }
        let next = now.saturating_add(SECOND << attempt.min(6)).min(until);
        self.push(now, next, Event::SynRetry(id, attempt + 1));
    }

    pub(crate) fn syn_arrives(&mut self, now: u64, id: ConnectionId) {
        let Some((from, to)) = self.route(id, Side::Client) else { return };
        if self.links.is_cut(from, to) || !self.nodes[to.index()].is_powered() {
            return;
        }
        let Some(connection) = self.connections.get(id) else { return };
        if connection.end(Side::Client).established {
            // A late copy of the packet that began what is there already.
            return;
        }
        if connection.end(Side::Server).alive {
            // A repeated first packet: the answer was lost.
            self.answer(now, (to, from), Event::SynAck(id));
            return;
        }
        let address = connection.end(Side::Server).peer.local.clone();
        let backlog = self.net.backlog;
        let life = self.nodes[to.index()].life;
        let process = self.nodes[to.index()].process.as_mut();
        let Some((slot, generation, full)) = process.and_then(|p| {
            let slot = find_listener(&p.listeners, &address)?;
            let generation = p.token(slot).generation();
            let listener = p.listener(slot, generation)?;
            let full = listener.backlog.len() + listener.half_open >= backlog;
            listener.half_open += usize::from(!full);
            Some((slot, generation, full))
        }) else {
            self.answer(now, (to, from), Event::Refused(id));
            return;
        };
        if full {
            self.record(now, to, Kind::BacklogFull, from.index() as u64, u64::from(id.serial));
            return;
        }
        let give_up = now.saturating_add(nanos(self.net.connect_timeout));
        if let Some(connection) = self.connections.get(id) {
            connection.listener = Some((slot, generation, life));
            connection.half_open = true;
            connection.end(Side::Server).alive = true;
        }
        self.answer(now, (to, from), Event::SynAck(id));
        self.push(now, give_up, Event::HalfOpenTimeout(id));
    }

    fn answer(&mut self, now: u64, route: (NodeId, NodeId), event: Event) {
        if let Some(at) = self.links.once(route, now, &mut self.chance) {
            self.push(now, at, event);
        }
    }

    pub(crate) fn refused(&mut self, now: u64, id: ConnectionId) {
        let Some((from, to)) = self.route(id, Side::Client) else { return };
        if self.links.is_cut(to, from) {
            return;
        }
        let Some(end) = self.connections.get(id).map(|c| c.end(Side::Client)) else { return };
        if end.alive && !end.established {
            self.record(now, from, Kind::Refused, to.index() as u64, u64::from(id.serial));
            self.node(from).counters.refused += 1;
            self.connect_fails(now, id, ErrorKind::ConnectionRefused);
        }
    }

    fn connect_fails(&mut self, now: u64, id: ConnectionId, error: ErrorKind) {
        let Some(connection) = self.connections.get(id) else { return };
        let end = connection.end(Side::Client);
        end.alive = false;
        end.error = Some(error);
        self.tell(now, id, Side::Client, Interest::WRITE | Interest::HUP);
        self.forget_if_over(id);
    }

    pub(crate) fn syn_ack_arrives(&mut self, now: u64, id: ConnectionId) {
        let Some((from, to)) = self.route(id, Side::Client) else { return };
        if self.links.is_cut(to, from) || !self.nodes[from.index()].is_powered() {
            return;
        }
        let Some(connection) = self.connections.get(id) else { return };
        let end = connection.end(Side::Client);
        if !end.alive {
            self.send_reset(now, (from, to), id, Side::Server);
            return;
        }
        if !std::mem::replace(&mut end.established, true) {
            self.record(now, from, Kind::Connected, to.index() as u64, u64::from(id.serial));
            self.launch(now, (from, to), now, id, Side::Client, Item::Established);
            self.schedule_delivery(now, id, Side::Client);
            self.watch_path(now, id, Side::Client);
            self.tell(now, id, Side::Client, Interest::WRITE);
        }
    }

    /// The handshake's last packet has reached the server: the connection joins its listener's backlog.
    pub(crate) fn handshake_ends(&mut self, now: u64, id: ConnectionId) {
        let Some((from, to)) = self.route(id, Side::Client) else { return };
        let Some(connection) = self.connections.get(id) else { return };
        let listener = connection.listener;
        if !connection.end(Side::Server).alive {
            self.send_reset(now, (to, from), id, Side::Client);
            return;
        }
        self.leave_half_open(id);
        let life = self.nodes[to.index()].life;
        let process = self.nodes[to.index()].process.as_mut();
        let found = process.zip(listener).and_then(|(p, (slot, generation, born))| {
            let listener = p.listener(slot, generation).filter(|_| born == life)?;
            listener.backlog.push_back(id);
            Some(slot)
        });
        let Some(connection) = self.connections.get(id) else { return };
        let end = connection.end(Side::Server);
        end.established = true;
        match found {
            Some(slot) => {
                end.holder = Holder::Backlog;
                self.notify(now, to, slot, Interest::READ);
            }
            None => self.abort(now, id, Side::Server),
        }
    }

    pub(crate) fn half_open_timeout(&mut self, id: ConnectionId) {
        let half_open = self.connections.get(id).is_some_and(|c| c.half_open);
        if half_open {
            self.leave_half_open(id);
            if let Some(connection) = self.connections.get(id) {
                connection.end(Side::Server).alive = false;
            }
            self.forget_if_over(id);
        }
    }

    /// The connection counts no longer among its listener's half-open ones.
    pub(crate) fn leave_half_open(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        if !std::mem::take(&mut connection.half_open) {
            return;
        }
        let Some((slot, generation, life)) = connection.listener else { return };
        let node = connection.node(Side::Server);
        let node = &mut self.nodes[node.index()];
        if node.life == life
            && let Some(listener) = node.process.as_mut().and_then(|p| p.listener(slot, generation))
        {
            listener.half_open -= 1;
        }
    }

    /// Whether a process may listen there: the address must be its host's, and free.
    pub(crate) fn may_listen(&mut self, node: NodeId, address: &Address) -> Result<(), ErrorKind> {
        let node = self.node(node);
        if let Address::Tcp(a) = address {
            let mine = a.ip().is_unspecified() || a.ip().is_loopback() || a.ip() == node.ip;
            if !mine {
                return Err(ErrorKind::AddrNotAvailable);
            }
        }
        let taken = node.process.as_ref().is_some_and(|p| p.listeners.keys().any(|l| overlap(l, address)));
        if taken { Err(ErrorKind::AddrInUse) } else { Ok(()) }
    }

    /// Takes the oldest connection that waits at a listener.
    pub(crate) fn take_pending(&mut self, node: NodeId, token: refrain_runtime::Token) -> Option<ConnectionId> {
        match self.node(node).process.as_mut()?.get(token)? {
            Descriptor::Listener(l) => l.backlog.pop_front(),
            _ => None,
        }
    }
}

fn find_listener(listeners: &std::collections::BTreeMap<Address, u32>, to: &Address) -> Option<u32> {
    let exact = listeners.iter().find(|(l, _)| same_place(l, to));
    exact.or_else(|| listeners.iter().find(|(l, _)| overlap(l, to))).map(|(_, slot)| *slot)
}

fn same_place(a: &Address, b: &Address) -> bool {
    match (a, b) {
        (Address::Tcp(a), Address::Tcp(b)) => a == b,
        (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
        _ => false,
    }
}

/// Whether a listener at one address would take what goes to the other.
fn overlap(a: &Address, b: &Address) -> bool {
    let any = |ip: IpAddr| ip.is_unspecified();
    match (a, b) {
        (Address::Tcp(x), Address::Tcp(y)) => {
            x.port() == y.port() && x.is_ipv4() == y.is_ipv4() && (x.ip() == y.ip() || any(x.ip()) || any(y.ip()))
        }
        _ => same_place(a, b),
    }
}
