//! The nodes of a world: how their processes begin, stop, go on and end.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use refrain_runtime::{Address, Signal};

use crate::config::NodeConfig;
use crate::entropy::Stream;
use crate::net::connection::Side;
use crate::node::{Counters, Node, Status};
use crate::process::Process;
use crate::runtime::SimRuntime;
use crate::state::State;
use crate::trace::Kind;
use crate::world::{NodeId, World};

impl World {
    /// Adds a host, switched on and without a process. Its address is 10.0.0.1 for the first, and so on.
    pub fn add_node(&self, config: NodeConfig) -> NodeId {
        self.0.kernel.add_node(&config.name);
        self.0.boots.borrow_mut().push(None);
        self.enter(|now, state| {
            let id = NodeId::new(state.nodes.len());
            let entropy = Stream::new(self.seed(), &format!("node/{}", config.name));
            state.trace.name(&config.name);
            let disk = Stream::new(self.seed(), &format!("disk/{}", config.name));
            state.nodes.push(Node::new(id.index(), config, now, entropy, disk));
            let net = state.net;
            state.links.add_node(&net);
            state.record(now, id, Kind::NodeAdded, id.index() as u64, 0);
            id
        })
    }

    /// The node's IP address.
    pub fn ip(&self, node: NodeId) -> IpAddr {
        self.enter(|_, state| state.node(node).ip)
    }

    /// A TCP address on a node.
    pub fn address(&self, node: NodeId, port: u16) -> Address {
        Address::Tcp(SocketAddr::new(self.ip(node), port))
    }

    /// Starts the node's process and remembers how, for [`World::restart`]. A process that runs is killed first.
    pub fn start<F>(&self, node: NodeId, boot: impl Fn(SimRuntime) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        self.0.boots.borrow_mut()[node.index()] = Some(Rc::new(move |runtime| Box::pin(boot(runtime))));
        self.restart(node);
    }

    /// Starts the node's process again as [`World::start`] said, and the host too if it was without power. A process that
    /// runs is killed first.
    pub fn restart(&self, node: NodeId) {
        let boot = self.0.boots.borrow()[node.index()].clone().expect("a node is started before it is restarted");
        self.kill(node);
        let life = self.enter(|now, state| {
            let others: Vec<NodeId> = (0..state.nodes.len()).map(NodeId::new).collect();
            let n = state.node(node);
            let was_off = !n.is_powered();
            n.life += 1;
            n.status = Status::Running;
            n.process = Some(Process::new());
            n.volume.close_all();
            let life = n.life;
            if was_off {
                n.reboot(now);
                others.into_iter().for_each(|o| state.go_on(now, o, node));
            }
            state.record(now, node, Kind::Boot, u64::from(life), 0);
            life
        });
        let process = boot(SimRuntime::new(self.clone(), node, life));
        let world = self.clone();
        let task = Box::pin(async move {
            process.await;
            world.exited(node, life);
        });
        self.0.kernel.spawn(node.index(), task);
    }

    fn exited(&self, node: NodeId, life: u32) {
        self.enter(|now, state| {
            if state.node(node).life == life {
                state.record(now, node, Kind::Exit, 0, 0);
                state.bury_process(now, node);
                state.node(node).status = Status::Exited;
            }
        });
    }

    /// SIGKILL: the process is gone at once and its kernel closes its sockets; peers learn of it through the network.
    /// Without effect unless the process runs or is paused.
    pub fn kill(&self, node: NodeId) {
        let died = self.enter(|now, state| {
            let lives = matches!(state.node(node).status, Status::Running | Status::Paused);
            if lives {
                state.record(now, node, Kind::Kill, 0, 0);
                state.bury_process(now, node);
                state.node(node).status = Status::Killed;
            }
            lives
        });
        if died {
            self.0.kernel.kill(node.index());
        }
    }

    /// The host loses power: silence. What was in flight towards it is lost, what it had sent still arrives; peers learn
    /// nothing until they run into a timeout, or into a reset from the host after [`World::restart`].
    pub fn power_loss(&self, node: NodeId) {
        let died = self.enter(|now, state| {
            let was_on = state.node(node).is_powered();
            if was_on {
                state.record(now, node, Kind::PowerLoss, 0, 0);
                state.node(node).status = Status::Off;
                state.node(node).volume.lose_power();
                state.go_dark(now, node);
            }
            was_on
        });
        if died {
            self.0.kernel.kill(node.index());
        }
    }

    /// SIGSTOP: the process does nothing; its kernel still accepts and acknowledges up to its windows.
    pub fn pause(&self, node: NodeId) {
        if self.change(node, Status::Running, Status::Paused, Kind::Pause) {
            self.0.kernel.pause(node.index());
        }
    }

    /// SIGCONT.
    pub fn resume(&self, node: NodeId) {
        if self.change(node, Status::Paused, Status::Running, Kind::Resume) {
            self.0.kernel.resume(node.index());
        }
    }

    fn change(&self, node: NodeId, from: Status, to: Status, kind: Kind) -> bool {
        self.enter(|now, state| {
            let changes = state.node(node).status == from;
            if changes {
                state.node(node).status = to;
                state.record(now, node, kind, 0, 0);
            }
            changes
        })
    }

    /// SIGTERM.
    pub fn terminate(&self, node: NodeId) {
        self.signal(node, Signal::Terminate);
    }

    /// Sends a signal to the node's process, if there is one.
    pub fn signal(&self, node: NodeId, signal: Signal) {
        self.enter(|now, state| {
            state.record(now, node, Kind::Signal, signal as u64, 0);
            if let Some(process) = state.node(node).process.as_mut() {
                process.signals.push_back(signal);
                if let Some(waker) = process.signal_waker.take() {
                    waker.wake();
                }
            }
        });
    }

    /// What became of the node's process.
    pub fn status(&self, node: NodeId) -> Status {
        self.enter(|_, state| state.node(node).status)
    }

    /// All nodes, in the order in which they were added.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.enter(|_, state| (0..state.nodes.len()).map(NodeId::new).collect())
    }

    /// From now on a unit of the node's work costs `ns` nanoseconds.
    pub fn set_cpu(&self, node: NodeId, ns: u64) {
        self.enter(|now, state| {
            state.node(node).ns_per_unit = ns.max(1);
            state.record(now, node, Kind::CpuSpeed, ns, 0);
        });
    }

    /// From now on the node's process may have `descriptors` sockets open; what is open beyond that stays open.
    pub fn set_descriptors(&self, node: NodeId, descriptors: usize) {
        self.enter(|_, state| state.node(node).config.descriptors = descriptors);
    }

    /// What a node did and holds.
    pub fn counters(&self, node: NodeId) -> Counters {
        self.enter(|_, state| counters(state, node))
    }

    /// What all nodes did and hold together.
    pub fn total(&self) -> Counters {
        self.enter(|_, state| {
            let mut sum = Counters::default();
            for n in 0..state.nodes.len() {
                sum.add(&counters(state, NodeId::new(n)));
            }
            sum
        })
    }
}

fn counters(state: &mut State, node: NodeId) -> Counters {
    let mut c = state.node(node).counters;
    c.open = state.node(node).process.as_ref().map_or(0, |p| p.open as u64);
    for (_, connection) in state.connections.iter() {
        for side in Side::BOTH {
            let sent = &connection.pipes[side as usize];
            if connection.node(side) == node {
                c.in_flight += sent.bytes_in_flight();
                c.buffered += sent.written - sent.acked.max(sent.delivered);
            }
            if connection.node(side.other()) == node {
                c.buffered += sent.readable() as u64;
            }
        }
    }
    c
}
