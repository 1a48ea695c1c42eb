//! What the world asks of whatever runs its tasks. Everything else (network, clocks, randomness, trace) is the world's own.

mod madsim;
mod own;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Waker;

use madsim::Madsim;
use own::Own;

use crate::entropy::Stream;

/// A task of a node or of the host side. It lives on the simulation's one thread.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Which kernel runs a simulation. The same seed gives different runs on different kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KernelChoice {
    /// madsim: it also intercepts libc's clocks and randomness.
    #[default]
    Madsim,
    /// The small kernel of this crate: for cross-checks.
    Own,
}

/// A fresh kernel, which must be on a fresh thread.
pub(crate) fn new(choice: KernelChoice, mut chance: Stream) -> Rc<dyn Kernel> {
    match choice {
        KernelChoice::Madsim => Madsim::new(chance.u64()),
        KernelChoice::Own => Own::new(chance),
    }
}

/// Runs a future of any output.
pub(crate) fn block_on<T>(kernel: &dyn Kernel, main: impl Future<Output = T>) -> T {
    let mut output = None;
    kernel.block_on(Box::pin(async { output = Some(main.await) }));
    output.expect("the kernel runs the main task to its end")
}

/// An executor with virtual time. Calls that may drop a task (`spawn`, `kill`) are made while nothing is borrowed, for a
/// dropped task's sockets reach into the world.
pub(crate) trait Kernel {
    /// Runs `main` to its end, and everything else meanwhile. Panics when nothing can happen any more.
    fn block_on(&self, main: Pin<Box<dyn Future<Output = ()> + '_>>);
    /// Nanoseconds since the simulation began. Constant within one poll of one task.
    fn now(&self) -> u64;
    /// Says who is woken by [`Kernel::arm`].
    fn drive(&self, driver: &Waker);
    /// Wakes the driver once, at `at` or a little later. Never taken back.
    fn arm(&self, at: u64);
    /// Makes room for one more node.
    fn add_node(&self, name: &str);
    /// Starts a life on a node, after ending the one before.
    fn spawn(&self, node: usize, task: Task);
    /// Starts a task outside every node.
    fn spawn_host(&self, task: Task);
    /// Ends all tasks outside the nodes, the driver among them.
    fn end_host_tasks(&self);
    /// Ends the node's life: its task is never polled again and is dropped soon.
    fn kill(&self, node: usize);
    /// Stops polling the node's task.
    fn pause(&self, node: usize);
    /// Goes on polling it.
    fn resume(&self, node: usize);
}
