//! The node: one loop that owns an engine and all its sockets, the same source in both worlds.
//!
//! ```text
//! wait (jobs + signals + sockets + until) ─▶ completions ─▶ accept ─▶ read (fair: one chunk a connection, a bound a round)
//!      ─▶ parse, hash, prefetch, execute ─▶ write what may leave ─▶ tick
//! ```
//!
//! The loop's only await is the wait. Everything else is a phase that runs to its bound and returns: no locks, no tasks, no
//! scheduling order to get wrong. The crate must never name a concrete runtime, read a clock, or touch the outside but
//! through [`refrain_runtime::Runtime`].

mod connection;
mod doors;
mod hooks;
mod jobs;
mod node;
mod persistence;
mod phases;
mod shared;
mod wall;

pub use doors::{Listen, addresses};
pub use hooks::{NoProbe, NodeHooks, Probe};
pub use node::{Exit, Node, StartError};
