//! What the world asks of whatever runs its tasks. Everything else (network, clocks, randomness, trace) is the world's own.

mod madsim;

use std::future::Future;
use std::pin::Pin;
use std::task::Waker;

pub(crate) use madsim::Madsim;

/// A task of a node or of the host side. It lives on the simulation's one thread.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// An executor with virtual time. Calls that may drop a task (`spawn`, `kill`) are made while nothing is borrowed, for a
/// dropped task's sockets reach into the world.
pub(crate) trait Kernel {
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
