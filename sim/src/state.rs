//! Everything that a world knows, and how its events are carried out. The transport's part is in [`crate::net`].

use std::rc::Rc;

use crate::config::NetConfig;
use crate::entropy::Stream;
use crate::events::{Event, Events};
use crate::kernel::Kernel;
use crate::net::connection::{ConnectionId, Connections, Side};
use crate::net::links::Links;
use crate::net::pipe::NEVER;
use crate::node::Node;
use crate::trace::{Kind, Trace};
use crate::world::NodeId;

/// The most events a run may have waiting at once: beyond it something breeds.
const WAITING_MAX: usize = 8 << 20;

pub(crate) struct State {
    pub(crate) kernel: Rc<dyn Kernel>,
    pub(crate) events: Events,
    pub(crate) events_left: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Links,
    pub(crate) connections: Connections,
    pub(crate) net: NetConfig,
    /// Draws of the network.
    pub(crate) chance: Stream,
    /// Draws of when things run.
    pub(crate) schedule: Stream,
    pub(crate) trace: Trace,
}

impl State {
    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// Queues an event, and sees to it that the driver is woken for it.
    pub(crate) fn push(&mut self, now: u64, at: u64, event: Event) {
        debug_assert_ne!(at, NEVER, "what never happens is not queued");
        self.events.push(at, event);
        assert!(self.events.len() < WAITING_MAX, "too many events are waiting");
        if let Some(at) = self.events.arm(now) {
            self.kernel.arm(at);
        }
    }

    pub(crate) fn record(&mut self, now: u64, node: NodeId, kind: Kind, a: u64, b: u64) {
        self.trace.event(now, Some(node), kind, a, b, &[]);
    }

    /// Tells a process that something happened on one of its sockets.
    pub(crate) fn notify(&mut self, now: u64, node: NodeId, slot: u32, bits: u8) {
        let node = &mut self.nodes[node.index()];
        let busy = node.busy_until > now;
        if let Some(process) = &mut node.process {
            process.mark(slot, bits);
            // A busy process looks at its sockets when it is done, for which its timer is set already.
            if !busy {
                process.wake();
            }
        }
    }

    /// Ends the node's present wait at `at`, or earlier.
    pub(crate) fn wait_until(&mut self, now: u64, id: NodeId, at: u64) {
        let node = &mut self.nodes[id.index()];
        let life = node.life;
        let Some(process) = &mut node.process else { return };
        process.until = at;
        if at < process.timer_at {
            process.timer_at = at;
            self.push(now, at, Event::Timer(id, life));
        }
    }

    fn timer(&mut self, now: u64, at: u64, id: NodeId, life: u32) {
        let node = &mut self.nodes[id.index()];
        if node.life != life {
            return;
        }
        let Some(process) = &mut node.process else { return };
        if process.timer_at == at {
            process.timer_at = NEVER;
        }
        if process.until <= now {
            process.until = NEVER;
            process.wake();
        } else if process.until < process.timer_at {
            let until = process.until;
            process.timer_at = until;
            self.push(now, until, Event::Timer(id, life));
        }
    }

    /// Carries one event out. `at` is when it was due, which its owner compares to tell a stale one.
    pub(crate) fn carry_out(&mut self, now: u64, at: u64, event: Event) {
        self.events_left = self.events_left.checked_sub(1).expect("the run is within its limit of events");
        match event {
            Event::Delivery(id, side) => self.delivery(now, at, id, side),
            Event::AckCheck(id, side) => self.ack_check(now, at, id, side),
            Event::Window(id, side) => self.window_opened(now, at, id, side),
            Event::GiveUp(id, side) => self.give_up(now, at, id, side),
            Event::Syn(id) => self.syn_arrives(now, id),
            Event::SynRetry(id, attempt) => self.syn_retry(now, id, attempt),
            Event::SynAck(id) => self.syn_ack_arrives(now, id),
            Event::Refused(id) => self.refused(now, id),
            Event::HalfOpenTimeout(id) => self.half_open_timeout(id),
            Event::Reset(id, side) => self.reset_arrives(now, id, side),
            Event::Timer(node, life) => self.timer(now, at, node, life),
            Event::Wake(waker) => {
                if let Some(waker) = waker.take() {
                    waker.wake();
                }
            }
            Event::Call(_) => unreachable!("calls are made by the world, with nothing borrowed"),
        }
    }

    /// Whether the way from an end to the other and back is broken: a cut either way, or no power at the far end.
    pub(crate) fn path_is_broken(&self, from: NodeId, to: NodeId) -> bool {
        self.links.is_cut(from, to) || self.links.is_cut(to, from) || !self.nodes[to.index()].is_powered()
    }

    /// The two ends' nodes, sender first.
    pub(crate) fn route(&mut self, id: ConnectionId, side: Side) -> Option<(NodeId, NodeId)> {
        self.connections.get(id).map(|c| (c.node(side), c.node(side.other())))
    }
}
