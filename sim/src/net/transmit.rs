//! Bytes on their way: from the writer's buffer through the link to the reader, and the acknowledgements back.

use refrain_runtime::Interest;

use super::connection::{Connection, ConnectionId, Holder, Side};
use super::links::next_retransmission;
use super::pipe::{Fin, InFlight, Item, NEVER, Pipe};
use crate::config::nanos;
use crate::events::Event;
use crate::state::State;
use crate::trace::Kind;
use crate::world::NodeId;

/// The second piece of a split segment follows within this many nanoseconds.
const SPLIT_DELAY: u64 = 200_000;

impl State {
    /// Takes up to `total` bytes of a write; `fill` appends those that fit. 0 means that the writer must wait.
    pub(crate) fn write(
        &mut self,
        now: u64,
        (id, side): (ConnectionId, Side),
        total: usize,
        fill: impl FnOnce(&mut Pipe, usize),
    ) -> usize {
        let send_buffer = self.net.send_buffer;
        let Some(connection) = self.connections.get(id) else { return 0 };
        let from = connection.node(side);
        let pipe = connection.pipe(side);
        pipe.settle(now);
        let room = send_buffer.saturating_sub((pipe.written - pipe.acked) as usize);
        let mut n = total.min(room);
        let mut early = false;
        if n > 1 && self.chance.chance(self.net.short_write) {
            n = 1 + self.chance.below(n as u64 - 1) as usize;
            early = true;
        }
        if n > 0 {
            fill(pipe, n);
        }
        if n < total {
            pipe.want_write = true;
        }
        let node = &mut self.nodes[from.index()];
        node.counters.written += n as u64;
        let ready = now.max(node.busy_until);
        if n > 0 {
            self.record(now, from, Kind::Send, n as u64, u64::from(id.serial));
            self.transmit(now, ready, id, side);
        }
        if early {
            self.expect_room(now, now + 1_000, id, side);
        } else if n < total {
            self.expect_next_ack(now, id, side);
        }
        n
    }

    /// Sends what the receiver's window takes, and the end of the stream after the last byte.
    pub(crate) fn transmit(&mut self, now: u64, ready: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        let net = self.net;
        while let Some(connection) = self.connections.get(id) {
            let pipe = connection.pipe(side);
            let room = (net.receive_window as u64).saturating_sub(pipe.sent - pipe.read);
            let n = (pipe.written - pipe.sent).min(room).min(net.segment as u64) as u32;
            if n > 0 {
                pipe.sent += u64::from(n);
                self.launch(now, (from, to), ready, id, side, Item::Data(n));
            } else {
                if pipe.sent == pipe.written && pipe.fin == Fin::Queued {
                    pipe.fin = Fin::Sent;
                    self.launch(now, (from, to), ready, id, side, Item::Fin);
                }
                break;
            }
        }
        self.schedule_delivery(now, id, side);
        self.watch_path(now, id, side);
    }

    /// Puts one item on its way behind those before it.
    pub(crate) fn launch(
        &mut self,
        now: u64,
        (from, to): (NodeId, NodeId),
        ready: u64,
        id: ConnectionId,
        side: Side,
        item: Item,
    ) {
        let cut = self.links.is_cut(from, to);
        let Some(connection) = self.connections.get(id) else { return };
        let pipe = connection.pipe(side);
        let bytes = if let Item::Data(n) = item { n } else { 0 };
        let arrive = if cut || pipe.is_frozen() {
            NEVER
        } else {
            self.links.arrival((from, to), ready, bytes, &self.net, &mut self.chance).max(pipe.last_arrival)
        };
        if arrive == NEVER {
            pipe.broken_since = pipe.broken_since.min(now);
        } else {
            pipe.last_arrival = arrive;
        }
        pipe.in_flight.push_back(InFlight { item, ready, arrive });
    }

    /// Queues the delivery of the oldest item in flight, unless it is queued or held up.
    pub(crate) fn schedule_delivery(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        let pipe = connection.pipe(side);
        let Some(arrive) = pipe.in_flight.front().map(|i| i.arrive) else { return };
        if pipe.delivery_at != arrive && arrive != NEVER {
            pipe.delivery_at = arrive;
            self.push(now, arrive, Event::Delivery(id, side));
        }
    }

    /// Items arrive at the other end of what `side` sends.
    pub(crate) fn delivery(&mut self, now: u64, at: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        let powered = self.nodes[to.index()].is_powered();
        let Some(connection) = self.connections.get(id) else { return };
        if connection.pipe(side).delivery_at != at {
            return;
        }
        connection.pipe(side).delivery_at = NEVER;
        if !powered {
            connection.pipe(side).freeze(0, now);
            self.watch_path(now, id, side);
            return;
        }
        let mut bits = 0;
        while let Some(connection) = self.connections.get(id) {
            let pipe = connection.pipe(side);
            let Some(first) = pipe.in_flight.front().copied().filter(|i| i.arrive <= now) else { break };
            pipe.in_flight.pop_front();
            match first.item {
                Item::Established => self.handshake_ends(now, id),
                Item::Fin => bits |= self.fin_arrives(now, to, id, side),
                Item::Data(n) => {
                    if !self.data_arrives(now, (from, to), id, side, n) {
                        return;
                    }
                    bits |= Interest::READ;
                }
            }
        }
        self.acknowledge(now, (from, to), id, side);
        self.schedule_delivery(now, id, side);
        if bits != 0 {
            self.tell(now, id, side.other(), bits);
        }
        self.finish_orphan(id, side);
    }

    /// True when somebody took the bytes; otherwise they were answered with a reset.
    fn data_arrives(&mut self, now: u64, (from, to): (NodeId, NodeId), id: ConnectionId, side: Side, n: u32) -> bool {
        let split = n > 1 && self.chance.chance(self.net.split);
        let first = if split { 1 + self.chance.below(u64::from(n) - 1) as u32 } else { n };
        let later = if split { now + 1 + self.chance.below(SPLIT_DELAY) } else { 0 };
        let Some(connection) = self.connections.get(id) else { return false };
        let end = connection.end(side.other());
        if !end.alive || end.holder == Holder::Nobody {
            end.alive = false;
            connection.pipe(side).break_off();
            // What the dead end had sent is still on its way, and races the reset.
            connection.pipe(side.other()).forget_unsent(|_| true);
            self.send_reset(now, (to, from), id, side);
            return false;
        }
        let pipe = connection.pipe(side);
        pipe.delivered += u64::from(first);
        if split {
            let rest = InFlight { item: Item::Data(n - first), ready: now, arrive: later };
            pipe.in_flight.push_front(rest);
            pipe.last_arrival = pipe.last_arrival.max(later);
            // Within a connection nothing overtakes: what follows waits for the rest.
            for item in pipe.in_flight.iter_mut().take_while(|i| i.arrive < later) {
                item.arrive = later;
            }
        }
        self.nodes[to.index()].counters.deliveries += 1;
        let bytes = pipe.newest_delivered(first as usize);
        self.trace.event(now, Some(to), Kind::Deliver, u64::from(first), u64::from(id.serial), bytes);
        true
    }

    fn fin_arrives(&mut self, now: u64, to: NodeId, id: ConnectionId, side: Side) -> u8 {
        let Some(connection) = self.connections.get(id) else { return 0 };
        connection.pipe(side).fin = Fin::Delivered;
        self.record(now, to, Kind::Fin, 0, u64::from(id.serial));
        Interest::READ | Interest::HUP
    }

    /// The receiver's kernel acknowledges what it has.
    fn acknowledge(&mut self, now: u64, (from, to): (NodeId, NodeId), id: ConnectionId, side: Side) {
        let back = if self.links.is_cut(to, from) { NEVER } else { now + self.links.least_delay(to, from) };
        let Some(connection) = self.connections.get(id) else { return };
        let pipe = connection.pipe(side);
        // Those that have come home are of no use any more, and the list stays short without a writer.
        pipe.settle(now);
        if pipe.delivered > pipe.acked {
            pipe.acks.push_back((back, pipe.delivered));
        }
        if pipe.want_write {
            self.expect_next_ack(now, id, side);
        }
        if back == NEVER {
            self.watch_path(now, id, side);
        }
    }

    /// Tells whoever holds an end what became of it.
    pub(crate) fn tell(&mut self, now: u64, id: ConnectionId, side: Side, bits: u8) {
        let Some(connection) = self.connections.get(id) else { return };
        let node = connection.node(side);
        if let Holder::Slot(slot) = connection.end(side).holder {
            self.notify(now, node, slot, bits);
        }
    }

    fn expect_next_ack(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        if let Some(at) = connection.pipe(side).acks.front().map(|a| a.0).filter(|at| *at != NEVER) {
            self.expect_room(now, at.max(now), id, side);
        }
    }

    fn expect_room(&mut self, now: u64, at: u64, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get(id) else { return };
        let pipe = connection.pipe(side);
        if at < pipe.ack_check_at {
            pipe.ack_check_at = at;
            self.push(now, at, Event::AckCheck(id, side));
        }
    }

    /// Lets a waiting writer know when a third of its buffer is free, so that it isn't woken for crumbs.
    pub(crate) fn ack_check(&mut self, now: u64, at: u64, id: ConnectionId, side: Side) {
        let send_buffer = self.net.send_buffer;
        let Some(connection) = self.connections.get(id) else { return };
        let pipe = connection.pipe(side);
        if pipe.ack_check_at != at {
            return;
        }
        pipe.ack_check_at = NEVER;
        pipe.settle(now);
        if !pipe.want_write {
            return;
        }
        let used = (pipe.written - pipe.acked) as usize;
        if used * 3 <= send_buffer * 2 {
            pipe.want_write = false;
            self.tell(now, id, side, Interest::WRITE);
        } else {
            self.expect_next_ack(now, id, side);
        }
    }

    /// Takes bytes out for the reading process at `side`; a stalled sender will hear that there is room.
    pub(crate) fn read(&mut self, now: u64, id: ConnectionId, side: Side, into: &mut [u8]) -> usize {
        let Some((to, from)) = self.route(id, side) else { return 0 };
        let back = self.links.least_delay(to, from);
        let cut = self.links.is_cut(to, from);
        let Some(connection) = self.connections.get(id) else { return 0 };
        let pipe = connection.pipe(side.other());
        let n = pipe.read_into(into);
        let stalled = pipe.written > pipe.sent || pipe.fin == Fin::Queued;
        if stalled && !cut && pipe.window_at == NEVER {
            pipe.window_at = now + back;
            self.push(now, now + back, Event::Window(id, side.other()));
        }
        self.nodes[to.index()].counters.read += n as u64;
        n
    }

    pub(crate) fn window_opened(&mut self, now: u64, at: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        let cut = self.links.is_cut(to, from);
        let Some(connection) = self.connections.get(id) else { return };
        if connection.pipe(side).window_at == at {
            connection.pipe(side).window_at = NEVER;
            if !cut && connection.end(side).alive {
                self.transmit(now, now, id, side);
            }
        }
    }

    /// While the path is broken and something is unacknowledged, the sender's patience runs.
    pub(crate) fn watch_path(&mut self, now: u64, id: ConnectionId, side: Side) {
        let Some((from, to)) = self.route(id, side) else { return };
        let patience = nanos(self.net.user_timeout);
        let broken = self.path_is_broken(from, to);
        let Some(connection) = self.connections.get(id) else { return };
        let waits = connection.end(side).alive && connection.pipe(side).unacknowledged();
        let pipe = connection.pipe(side);
        if waits && (broken || pipe.is_frozen()) && pipe.give_up_at == NEVER {
            pipe.give_up_at = now.saturating_add(patience);
            self.push(now, now.saturating_add(patience), Event::GiveUp(id, side));
        }
    }

    /// A link was cut: what is in flight on it stays where it is.
    pub(crate) fn stall(&mut self, now: u64, from: NodeId, to: NodeId) {
        for id in self.connections.which(|c| joins(c, from, to)) {
            for side in Side::BOTH {
                let Some(connection) = self.connections.get(id) else { continue };
                if connection.node(side) == from {
                    connection.pipe(side).freeze(now, now);
                } else {
                    connection.pipe(side).freeze_acks(now);
                }
                self.watch_path(now, id, side);
            }
        }
    }

    /// A path may be whole again: what it held up goes on with the sender's next retransmission.
    pub(crate) fn go_on(&mut self, now: u64, a: NodeId, b: NodeId) {
        let net = self.net;
        for id in self.connections.which(|c| joins(c, a, b)) {
            for side in Side::BOTH {
                let Some((from, to)) = self.route(id, side) else { continue };
                let there = self.links.is_cut(from, to) || !self.nodes[to.index()].is_powered();
                let back = self.links.is_cut(to, from);
                let least = self.links.least_delay(from, to);
                let Some(connection) = self.connections.get(id) else { continue };
                let alive = connection.end(side).alive;
                let pipe = connection.pipe(side);
                let wait = next_retransmission(now.saturating_sub(pipe.broken_since), &net);
                if !alive {
                    // Nobody is left to send again what was held up.
                    pipe.forget_unsent(|i| i.arrive != NEVER);
                }
                if !there && pipe.is_frozen() {
                    pipe.thaw(now + wait + least);
                }
                if !there && !back {
                    pipe.thaw_acks(now + wait + 2 * least);
                    pipe.broken_since = NEVER;
                    pipe.give_up_at = NEVER;
                }
                if alive {
                    self.transmit(now, now, id, side);
                    self.expect_next_ack(now, id, side);
                } else {
                    self.schedule_delivery(now, id, side);
                }
            }
        }
    }
}

fn joins(c: &Connection, a: NodeId, b: NodeId) -> bool {
    let ends = (c.node(Side::Client), c.node(Side::Server));
    ends == (a, b) || ends == (b, a)
}
