//! How a connection ends: closed, half-closed, reset, timed out, or left behind by a dead process or host.

use std::io::ErrorKind;

use refrain_runtime::{Interest, Token};

use super::connection::{ConnectionId, Holder, Side};
use super::pipe::{Fin, NEVER};
use crate::events::Event;
use crate::process::{Descriptor, Process};
use crate::state::State;
use crate::trace::Kind;
use crate::world::NodeId;

impl State {
    /// Ends what `side` sends, after what it wrote.
    pub(crate) fn shutdown(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        let node = connection.node(side);
        if connection.end(side).alive && connection.end(side).established && connection.pipe(side).fin == Fin::None {
            connection.pipe(side).fin = Fin::Queued;
            let ready = now.max(self.node(node).busy_until);
            self.transmit(now, ready, id, side);
        }
    }

    /// The process lets go of its end.
    pub(crate) fn close(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        let node = connection.node(side);
        connection.end(side).holder = Holder::Nobody;
        let unread = connection.pipe(side.other()).readable() > 0;
        let end = connection.end(side);
        let (alive, established) = (end.alive, end.established);
        if alive && !established {
            end.alive = false;
        } else if alive && unread {
            self.abort(now, id, side);
        } else if alive {
            self.shutdown(now, id, side);
            self.finish_orphan(id, side);
        }
        self.record(now, node, Kind::Close, 0, u64::from(id.serial));
        self.forget_if_over(id);
    }

    /// Ends a connection at once; the other end gets a reset.
    pub(crate) fn abort(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        self.leave_half_open(id);
        let Some(connection) = self.connections.get(id) else { return };
        connection.end(side).holder = Holder::Nobody;
        if std::mem::take(&mut connection.end(side).alive) {
            // What was sent before the reset may still arrive, up to the moment when the reset does.
            connection.pipe(side).forget_unsent(|_| true);
            connection.pipe(side.other()).break_off();
            self.send_reset(now, (from, to), id, side.other());
        }
        self.forget_if_over(id);
    }

    /// Sends a reset to the end `side`. Nobody repeats it: a cut swallows it.
    pub(crate) fn send_reset(&mut self, now: u64, (from, to): (NodeId, NodeId), id: ConnectionId, side: Side) {
        let ready = now.max(self.node(from).busy_until);
        if let Some(at) = self.links.once((from, to), ready, &mut self.chance) {
            self.push(now, at, Event::Reset(id, side));
        }
    }

    pub(crate) fn reset_arrives(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some((to, from)) = self.route(id, side) else { return };
        if self.links.is_cut(from, to) || !self.nodes[to.index()].is_powered() {
            return;
        }
        self.reset_end(now, id, side);
    }

    /// An end learns that the connection was reset.
    pub(crate) fn reset_end(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some((to, from)) = self.route(id, side) else { return };
        let Some(connection) = self.connections.get(id) else { return };
        if !connection.end(side).alive {
            return;
        }
        let error =
            if connection.end(side).established { ErrorKind::ConnectionReset } else { ErrorKind::ConnectionRefused };
        self.node(to).counters.resets += 1;
        self.record(now, to, Kind::Reset, from.index() as u64, u64::from(id.serial));
        self.end_breaks(now, id, side, error);
    }

    /// The sender's patience is over.
    pub(crate) fn give_up(&mut self, now: u64, at: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        let Some(connection) = self.connections.get(id) else { return };
        if connection.pipe(side).give_up_at != at {
            return;
        }
        connection.pipe(side).give_up_at = NEVER;
        connection.pipe(side).settle(now);
        if connection.end(side).alive && connection.pipe(side).unacknowledged() {
            self.node(from).counters.timeouts += 1;
            self.record(now, from, Kind::TimedOut, to.index() as u64, u64::from(id.serial));
            self.end_breaks(now, id, side, ErrorKind::TimedOut);
        }
    }

    /// An end's kernel gives the connection up; whoever holds it is told.
    fn end_breaks(&mut self, now: u64, id: ConnectionId, side: Side, error: ErrorKind) {
        self.leave_half_open(id);
        let Some(connection) = self.connections.get(id) else { return };
        let end = connection.end(side);
        end.alive = false;
        end.error = Some(error);
        connection.pipe(side).break_off();
        connection.pipe(side.other()).break_off();
        self.tell(now, id, side, Interest::READ | Interest::WRITE | Interest::HUP);
        self.forget_if_over(id);
    }

    /// An end that no process holds is done when everything it sent, and its end of stream, has arrived.
    pub(crate) fn finish_orphan(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        if connection.end(side).holder == Holder::Nobody && connection.pipe(side).fin == Fin::Delivered {
            connection.end(side).alive = false;
            self.forget_if_over(id);
        }
    }

    pub(crate) fn forget_if_over(&mut self, id: ConnectionId) {
        if self.connections.get(id).is_some_and(|c| c.is_over()) {
            self.connections.remove(id);
        }
    }

    /// Closes one descriptor of a node's process.
    pub(crate) fn close_descriptor(&mut self, now: u64, node: NodeId, token: Token) {
        let Some(process) = self.node(node).process.as_mut() else { return };
        match process.remove(token) {
            Some(Descriptor::Connection(id, side)) => self.close(now, id, side),
            Some(Descriptor::Listener(listener)) => {
                process.listeners.remove(&listener.address);
                for id in listener.backlog {
                    self.abort(now, id, Side::Server);
                }
            }
            Some(Descriptor::Free) | None => {}
        }
    }

    /// A process is gone, and its kernel closes what it had open. What it would have written after `now`, being still at
    /// work, was never written.
    pub(crate) fn bury_process(&mut self, now: u64, node: NodeId) {
        for id in self.connections.which(|c| Side::BOTH.iter().any(|s| c.node(*s) == node)) {
            for side in Side::BOTH {
                if let Some(c) = self.connections.get(id)
                    && c.node(side) == node
                    && c.pipe(side).in_flight.iter().any(|i| i.ready > now)
                {
                    c.pipe(side).forget_unsent(|i| i.ready <= now);
                }
            }
        }
        self.node(node).busy_until = 0;
        let tokens = self.node(node).process.as_ref().map_or(Vec::new(), Process::tokens);
        for token in tokens {
            self.close_descriptor(now, node, token);
        }
        self.node(node).process = None;
    }

    /// A host without power forgets everything and says nothing.
    pub(crate) fn go_dark(&mut self, now: u64, node: NodeId) {
        let n = self.node(node);
        n.busy_until = 0;
        n.process = None;
        for id in self.connections.which(|c| Side::BOTH.iter().any(|s| c.node(*s) == node)) {
            for side in Side::BOTH {
                let Some(c) = self.connections.get(id) else { continue };
                if c.node(side) == node {
                    c.end(side).alive = false;
                    c.end(side).holder = Holder::Nobody;
                    c.end(side).established = false;
                    c.half_open &= side == Side::Client;
                    c.pipe(side).forget_unsent(|i| i.ready <= now);
                }
            }
            for side in Side::BOTH {
                self.watch_path(now, id, side);
            }
            self.forget_if_over(id);
        }
    }
}
