//! One node's view of the world: `refrain_runtime::Runtime`.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use refrain_runtime::{Mono, Runtime, Signal, UnixNanos};

use crate::config::SECOND;
use crate::disk::SimDisk;
use crate::sockets::SimSockets;
use crate::state::State;
use crate::trace::Kind;
use crate::world::{NodeId, Sleep, World};

/// How long an offloaded job takes at most, in nanoseconds of virtual time.
const OFFLOAD_MAX: u64 = 2_000_000;

/// One life of one node, as its process sees it.
#[derive(Clone)]
pub struct SimRuntime {
    world: World,
    node: NodeId,
    life: u32,
}

impl SimRuntime {
    pub(crate) fn new(world: World, node: NodeId, life: u32) -> SimRuntime {
        SimRuntime { world, node, life }
    }

    /// The node that this is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The world around it, for the harness's own processes. Nothing of the engine may use it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Looks into the world, unless this life is over.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(u64, &mut State) -> R) -> io::Result<R> {
        self.world.enter(|now, state| {
            let node = state.node(self.node);
            if node.life == self.life && node.process.is_some() {
                Ok(f(now, state))
            } else {
                Err(ErrorKind::NotConnected.into())
            }
        })
    }
}

impl Runtime for SimRuntime {
    type Sockets = SimSockets;
    type Disk = SimDisk;

    fn disk(&self) -> SimDisk {
        SimDisk::new(self.clone())
    }

    fn sockets(&self) -> SimSockets {
        SimSockets::new(self.clone())
    }

    fn now(&self) -> Mono {
        self.world.enter(|now, state| Mono(state.node(self.node).mono(now)))
    }

    fn wall(&self) -> UnixNanos {
        self.world.enter(|now, state| UnixNanos(state.node(self.node).wall(now)))
    }

    /// Units of work done so far. They stand still while the node is idle.
    fn ticks(&self) -> u64 {
        self.world.enter(|_, state| state.node(self.node).ticks)
    }

    /// From the node's configured cost of a unit; a CPU that a fault made slower does fewer of them.
    fn ticks_per_second(&self) -> u64 {
        self.world.enter(|_, state| (SECOND / state.node(self.node).config.ns_per_work_unit.max(1)).max(1))
    }

    fn work(&self, units: u64) {
        let _dead = self.enter(|now, state| {
            let node = state.node(self.node);
            node.ticks += units;
            node.busy_until = node.busy_until.max(now).saturating_add(units.saturating_mul(node.ns_per_unit));
            state.record(now, self.node, Kind::Work, units, 0);
        });
    }

    /// The node is busy for so long, whatever its speed.
    fn stall(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let _dead = self.enter(|now, state| {
            let node = state.node(self.node);
            let units = ns / node.config.ns_per_work_unit.max(1);
            node.ticks = node.ticks.saturating_add(units);
            node.busy_until = node.busy_until.max(now).saturating_add(ns);
            state.record(now, self.node, Kind::Work, units, 0);
        });
    }

    fn entropy(&self) -> u64 {
        self.world.enter(|now, state| {
            let bits = state.node(self.node).entropy.u64();
            state.record(now, self.node, Kind::Entropy, bits, 0);
            bits
        })
    }

    fn offload<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + 'static {
        let delay = self.world.enter(|_, state| state.schedule.below(OFFLOAD_MAX));
        let sleep = self.world.sleep_until(self.world.now() + delay);
        Offloaded { runtime: self.clone(), sleep: Box::pin(sleep), result: Some(job()) }
    }

    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.enter(|_, state| state.node(self.node).files.get(path).cloned())?.ok_or(ErrorKind::NotFound.into())
    }

    fn replace_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.enter(|_, state| state.node(self.node).files.insert(path.to_owned(), contents.to_vec())).map(drop)
    }

    fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        let signal = self.enter(|_, state| {
            let process = state.node(self.node).process.as_mut().expect("this life was just looked at");
            process.signal_waker = Some(cx.waker().clone());
            process.signals.pop_front()
        });
        signal.ok().flatten().map_or(Poll::Pending, Poll::Ready)
    }
}

/// A job that was done at once and whose result comes later.
struct Offloaded<T> {
    runtime: SimRuntime,
    sleep: Pin<Box<Sleep>>,
    result: Option<T>,
}

impl<T> Unpin for Offloaded<T> {}

impl<T> Future for Offloaded<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A process at work looks at what was done for it when it is done itself.
            let busy_until = self.runtime.enter(|_, state| state.node(self.runtime.node).busy_until);
            let world = &self.runtime.world;
            match busy_until {
                Ok(at) if at > world.now() => self.sleep = Box::pin(world.sleep_until(at)),
                _ => return Poll::Ready(self.result.take().expect("a future is not polled after its end")),
            }
        }
    }
}
