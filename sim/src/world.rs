//! The handle on a simulated world. Everything that a harness does goes through it: what concerns nodes is in
//! [`crate::lives`], faults are in [`crate::faults`], and time, chance and trace are here.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::config::nanos;
use crate::entropy::Stream;
use crate::events::Event;
use crate::kernel::{Kernel, Task};
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

/// How a node's process begins.
pub(crate) type Boot = Rc<dyn Fn(SimRuntime) -> Task>;

pub(crate) struct Inner {
    seed: u64,
    pub(crate) kernel: Rc<dyn Kernel>,
    state: RefCell<State>,
    pub(crate) boots: RefCell<Vec<Option<Boot>>>,
}

/// A simulated world. Cheap to clone; lives on its simulation's thread.
#[derive(Clone)]
pub struct World(pub(crate) Rc<Inner>);

impl World {
    pub(crate) fn new(seed: u64, kernel: Rc<dyn Kernel>, state: State) -> World {
        World(Rc::new(Inner { seed, kernel, state: RefCell::new(state), boots: RefCell::default() }))
    }

    /// Looks into the state. Nothing of the caller's may run inside.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(u64, &mut State) -> R) -> R {
        let now = self.0.kernel.now();
        f(now, &mut self.0.state.borrow_mut())
    }

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
