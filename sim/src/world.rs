//! The handle on a simulated world: its nodes, its faults, its time. Everything that a harness does goes through here.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use refrain_runtime::{Address, Signal};

use crate::config::{LinkConfig, NetConfig, NodeConfig, nanos};
use crate::entropy::Stream;
use crate::events::Event;
use crate::kernel::{Kernel, Task};
use crate::net::connection::Side;
use crate::node::{Counters, Node, Status};
use crate::partition::Cuts;
use crate::process::Process;
use crate::runtime::SimRuntime;
use crate::state::State;
use crate::trace::{Kind, Recording, Trace};

/// Names a node of a world. Nodes are numbered from 0 in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    pub(crate) fn new(index: usize) -> NodeId {
        NodeId(index as u32)
    }

    /// Its number, good as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

type Boot = Rc<dyn Fn(SimRuntime) -> Task>;

struct Inner {
    seed: u64,
    kernel: Rc<dyn Kernel>,
    state: RefCell<State>,
    boots: RefCell<Vec<Option<Boot>>>,
}

/// A simulated world. Cheap to clone; lives on its simulation's thread.
#[derive(Clone)]
pub struct World(Rc<Inner>);

impl World {
    pub(crate) fn new(seed: u64, kernel: Rc<dyn Kernel>, state: State) -> World {
        World(Rc::new(Inner { seed, kernel, state: RefCell::new(state), boots: RefCell::default() }))
    }

    /// Looks into the state. Nothing of the caller's may run inside.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(u64, &mut State) -> R) -> R {
        let now = self.0.kernel.now();
        f(now, &mut self.0.state.borrow_mut())
    }

    // ── Nodes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Adds a host, switched on and without a process. Its address is 10.0.0.1 for the first, and so on.
    pub fn add_node(&self, config: NodeConfig) -> NodeId {
        self.0.kernel.add_node(&config.name);
        self.0.boots.borrow_mut().push(None);
        self.enter(|now, state| {
            let id = NodeId::new(state.nodes.len());
            let entropy = Stream::new(self.0.seed, &format!("node/{}", config.name));
            state.trace.name(&config.name);
            state.nodes.push(Node::new(id.index(), config, now, entropy));
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

    /// How many nodes there are.
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

    // ── Clocks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Moves the node's wall clock by `ns`, either way.
    pub fn jump_wall(&self, node: NodeId, ns: i64) {
        self.enter(|now, state| {
            state.node(node).clock.jump_wall(ns);
            state.record(now, node, Kind::ClockJump, ns as u64, 0);
        });
    }

    /// Lets both of the node's clocks run faster by `ppm` parts per million (slower if negative), from now on.
    pub fn set_drift(&self, node: NodeId, ppm: i64) {
        self.enter(|now, state| {
            state.node(node).clock.set_drift(now, ppm);
            state.record(now, node, Kind::ClockRate, ppm as u64, 0);
        });
    }

    /// Moves the node's wall clock by `ns` little by little over `during`, as a time daemon does.
    pub fn slew_wall(&self, node: NodeId, ns: i64, during: Duration) {
        let ppm = (i128::from(ns) * 1_000_000 / during.as_nanos().max(1) as i128) as i64;
        let rate = move |world: &World, ppm: i64| {
            world.enter(|now, state| {
                state.node(node).clock.slew_wall(now, ppm);
                state.record(now, node, Kind::ClockRate, ppm as u64, 1);
            });
        };
        rate(self, ppm);
        self.at(self.now().saturating_add(nanos(during)), move |world| rate(world, 0));
    }

    // ── Network ────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Gives one directed link its own configuration.
    pub fn set_link(&self, from: NodeId, to: NodeId, config: LinkConfig) {
        self.enter(|_, state| state.links.configure(from, to, config));
    }

    /// How one directed link is configured.
    pub fn link(&self, from: NodeId, to: NodeId) -> LinkConfig {
        self.enter(|_, state| state.links.config(from, to))
    }

    /// Changes what holds for every connection. Links keep their configurations.
    pub fn set_net(&self, change: impl FnOnce(&mut NetConfig)) {
        self.enter(|_, state| change(&mut state.net));
    }

    /// Cuts directed links. Faults overlap: a link cut twice must be healed twice.
    pub fn cut(&self, cuts: &Cuts) {
        self.enter(|now, state| {
            for (from, to) in cuts.links() {
                if from != to && state.links.cut(from, to) {
                    state.record(now, to, Kind::Cut, from.index() as u64, 0);
                    state.stall(now, from, to);
                }
            }
        });
    }

    /// Takes cuts back.
    pub fn heal(&self, cuts: &Cuts) {
        self.enter(|now, state| {
            for (from, to) in cuts.links() {
                if from != to && state.links.heal(from, to) {
                    state.record(now, from, Kind::Heal, to.index() as u64, 0);
                    state.go_on(now, from, to);
                }
            }
        });
    }

    /// Takes all cuts back, however often links were cut.
    pub fn heal_all(&self) {
        self.enter(|now, state| {
            for (from, to) in state.links.all_cut() {
                while state.links.is_cut(from, to) {
                    state.links.heal(from, to);
                }
                state.record(now, from, Kind::Heal, to.index() as u64, 0);
                state.go_on(now, from, to);
            }
        });
    }

    /// Resets every connection between two nodes at both ends at once. Gives how many there were.
    pub fn reset_between(&self, a: NodeId, b: NodeId) -> usize {
        self.reset_where(|x, y| (x, y) == (a, b) || (x, y) == (b, a), usize::MAX)
    }

    /// Resets one connection between two nodes, the `n`-th modulo their number. False if there is none.
    pub fn reset_one(&self, a: NodeId, b: NodeId, n: u64) -> bool {
        let all = self.connections_between(a, b) as u64;
        all > 0 && self.reset_where(|x, y| (x, y) == (a, b) || (x, y) == (b, a), (n % all) as usize) > 0
    }

    /// How many established connections there are between two nodes.
    pub fn connections_between(&self, a: NodeId, b: NodeId) -> usize {
        self.enter(|_, state| {
            let ends = |c: &crate::net::connection::Connection| (c.node(Side::Client), c.node(Side::Server));
            let wanted = |c: &crate::net::connection::Connection| {
                (ends(c) == (a, b) || ends(c) == (b, a)) && c.ends.iter().any(|e| e.alive)
            };
            state.connections.which(wanted).len()
        })
    }

    /// `only` picks one of those that match; `usize::MAX` takes all.
    fn reset_where(&self, matches: impl Fn(NodeId, NodeId) -> bool, only: usize) -> usize {
        self.enter(|now, state| {
            let wanted = |c: &crate::net::connection::Connection| {
                matches(c.node(Side::Client), c.node(Side::Server)) && c.ends.iter().any(|e| e.alive)
            };
            let mut ids = state.connections.which(wanted);
            if only != usize::MAX {
                ids = ids.into_iter().skip(only).take(1).collect();
            }
            for id in &ids {
                for side in Side::BOTH {
                    state.reset_end(now, *id, side);
                }
            }
            ids.len()
        })
    }

    // ── Time, chance, trace ────────────────────────────────────────────────────────────────────────────────────────

    /// Nanoseconds of virtual time since the world began: the one true time, which no node can read.
    pub fn now(&self) -> u64 {
        self.0.kernel.now()
    }

    /// The seed of this world.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The stream of random numbers of this name. It begins anew with every call: a name has one owner.
    pub fn stream(&self, name: &str) -> Stream {
        Stream::new(self.0.seed, name)
    }

    /// Waits for `d` of virtual time.
    pub fn sleep(&self, d: Duration) -> Sleep {
        self.sleep_until(self.now().saturating_add(nanos(d)))
    }

    /// Waits until a moment of virtual time.
    pub fn sleep_until(&self, at: u64) -> Sleep {
        Sleep { world: self.clone(), at, waker: None }
    }

    /// Calls `f` at a moment of virtual time, outside every node.
    pub fn at(&self, at: u64, f: impl FnOnce(&World) + 'static) {
        self.enter(|now, state| state.push(now, at.max(now), Event::Call(Box::new(f))));
    }

    /// Runs a task outside every node: a nemesis, an observer.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.kernel.spawn_host(Box::pin(task));
    }

    /// Adds a line to the trace; `node` is whom it is about.
    pub fn note(&self, node: Option<NodeId>, text: &str) {
        self.enter(|now, state| state.trace.event(now, node, Kind::Note, 0, 0, text.as_bytes()));
    }

    /// The hash of everything that happened so far.
    pub fn trace_hash(&self) -> u64 {
        self.enter(|_, state| state.trace.hash())
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

    /// Carries out all that is due, and arms the kernel for what comes next.
    pub(crate) fn pump(&self) {
        loop {
            let now = self.0.kernel.now();
            let mut state = self.0.state.borrow_mut();
            match state.events.pop(now) {
                Some((_, Event::Call(f))) => {
                    drop(state);
                    f(self);
                }
                Some((at, event)) => state.carry_out(now, at, event),
                None => {
                    if let Some(at) = state.events.arm(now) {
                        self.0.kernel.arm(at);
                    }
                    return;
                }
            }
        }
    }

    /// Starts the task that carries out the world's events.
    pub(crate) fn drive(&self) {
        let world = self.clone();
        let mut begun = false;
        self.0.kernel.spawn_host(Box::pin(poll_fn(move |cx| {
            world.0.kernel.drive(cx.waker());
            if !std::mem::replace(&mut begun, true) {
                world.enter(|_, state| state.events.disarm());
            }
            world.pump();
            Poll::Pending
        })));
    }

    /// The last event: no more is traced.
    pub(crate) fn end(&self) -> Trace {
        self.enter(|now, state| {
            state.trace.event(now, None, Kind::End, 0, 0, &[]);
            std::mem::replace(&mut state.trace, Trace::new(0, Recording::Hash))
        })
    }

    /// Ends all lives and lets go of everything that refers back to the world.
    pub(crate) fn shut_down(&self) {
        self.0.kernel.end_host_tasks();
        for n in self.nodes() {
            self.enter(|_, state| state.node(n).life += 1);
            self.0.kernel.kill(n.index());
        }
        self.0.boots.borrow_mut().clear();
        let (events, processes) = self.enter(|_, state| {
            let processes: Vec<_> = state.nodes.iter_mut().map(|n| n.process.take()).collect();
            (std::mem::take(&mut state.events), processes)
        });
        // Nothing is borrowed any more: what is dropped here may reach back into the world.
        events.let_go();
        drop(processes);
    }

    /// Waits until nobody else holds the world, for a bounded number of turns.
    pub(crate) async fn sweep(&self) {
        let mut turns = 0;
        poll_fn(|cx| {
            turns += 1;
            if Rc::strong_count(&self.0) == 1 || turns > 10_000 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
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

/// A wait for a moment of virtual time.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    world: World,
    at: u64,
    waker: Option<Rc<RefCell<Option<Waker>>>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.at {
            return Poll::Ready(());
        }
        if let Some(waker) = &self.waker {
            *waker.borrow_mut() = Some(cx.waker().clone());
        } else {
            let waker = Rc::new(RefCell::new(Some(cx.waker().clone())));
            self.waker = Some(waker.clone());
            let at = self.at;
            self.world.enter(|now, state| state.push(now, at, Event::Wake(waker)));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // The event stays queued; it must not keep the task's waker.
        if let Some(waker) = &self.waker {
            waker.borrow_mut().take();
        }
    }
}
