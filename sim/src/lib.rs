//! The simulated world: every node, link and clock of a cluster on one thread, in virtual time, from one seed.

#[cfg(not(madsim))]
compile_error!(
    "refrain-sim needs `--cfg madsim`, which .cargo/config.toml sets for the whole workspace. The environment variable \
     RUSTFLAGS (or CARGO_ENCODED_RUSTFLAGS, or --config build.rustflags) replaces what is set there: unset it, or add \
     `--cfg madsim` to it."
);

mod clock;
mod config;
mod entropy;
mod events;
mod kernel;
mod mixer;
mod net;
mod node;
mod partition;
mod process;
mod runtime;
mod simulation;
mod sockets;
mod state;
mod trace;
mod world;

pub use config::{ClockConfig, LinkConfig, NetConfig, NodeConfig};
pub use entropy::Stream;
pub use node::{Counters, Status};
pub use partition::Cuts;
pub use runtime::SimRuntime;
pub use simulation::{Failure, Report, Simulation};
pub use sockets::SimSockets;
pub use trace::{Divergence, Event, Kind, LOG_MAX, Recording, Trace};
pub use world::{NodeId, Sleep, World};
