//! The harness: scenarios become plans, plans become worlds, worlds are judged.
//!
//! A scenario file ([`scenario`]) and a seed give a [`plan::Plan`]: explicit settings, workloads and timed faults.
//! [`run::run`] builds that world in the simulator, with a server and clients on nodes of their own, and gives a verdict:
//! what the [`oracles`] found, the trace's hash, and the record. Same plan, same outcome, on every machine and in every
//! build. Nothing here may look at a clock, at the environment, or at an iteration order that the seed does not decide.
//!
//! Clients and workloads are written against `refrain_runtime::Runtime`: of the simulator they know nothing but its named
//! random streams.

pub mod client;
pub mod faults;
pub mod oracles;
pub mod plan;
pub mod planted;
pub mod record;
mod recovery;
pub mod run;
pub mod scenario;
pub mod server;
pub mod shrink;
pub mod span;
pub mod timeline;
pub mod workloads;
pub mod world;
