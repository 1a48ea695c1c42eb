//! The simulated world: every node, link and clock of a cluster on one thread, in virtual time, from one seed.
//!
//! [`Simulation::run`] runs one seed on a fresh thread and gives a [`Report`]: what the main task gave or which panic ended
//! the run, and a [`Trace`] whose hash is the same whenever the seed is run again. The main task stands outside every node. It
//! builds the [`World`] (nodes, links, clocks), starts processes on the nodes, each of which sees a [`SimRuntime`], and does
//! to them what a test wants done: cuts, kills, power losses, pauses, clock jumps. Clients are processes on nodes too.
//!
//! madsim is the kernel only: executor, virtual time, the life and death of nodes. The network, the clocks, the random
//! streams and the trace are the world's own, so that nobody learns anything but through the network: see
//! [`World::cut`], [`World::kill`] and [`World::power_loss`].
//!
//! What must never happen here: anything that differs between two runs of a seed deciding, or being traced. There are no
//! statics; a simulation shares nothing with another that runs at the same time on another thread.
//!
//! ```
//! use std::{future::poll_fn, io::IoSlice, time::Duration};
//!
//! use refrain_runtime::{Address, Interest, Mono, Runtime, Sockets};
//! use refrain_sim::{Cuts, NodeConfig, SimRuntime, Simulation};
//!
//! /// Answers each connection with a greeting and closes it.
//! async fn greeter(rt: SimRuntime) {
//!     let mut sockets = rt.sockets();
//!     let listener = sockets.listen(&Address::Tcp(([0, 0, 0, 0], 79).into())).expect("the port is free");
//!     let mut ready = Vec::new();
//!     loop {
//!         poll_fn(|cx| sockets.poll_ready(cx, Mono::NEVER, &mut ready)).await;
//!         ready.clear();
//!         while let Ok(client) = sockets.accept(listener) {
//!             rt.work(20); // costs virtual time: the greeting leaves when the work is done
//!             sockets.try_write(client, &[IoSlice::new(b"hi")]).expect("there is room for two bytes");
//!             sockets.close(client);
//!         }
//!     }
//! }
//!
//! let run = || {
//!     Simulation::new(42).run(|world| async move {
//!         let (server, client) = (world.add_node(NodeConfig::new("server")), world.add_node(NodeConfig::new("client")));
//!         world.start(server, greeter);
//!         let address = world.address(server, 79);
//!         world.start(client, move |rt| {
//!             let address = address.clone();
//!             async move {
//!                 let mut sockets = rt.sockets();
//!                 let t = sockets.connect(&address).expect("a descriptor is free");
//!                 let (mut ready, mut got) = (Vec::new(), [0; 2]);
//!                 while sockets.try_read(t, &mut got).is_err() {
//!                     poll_fn(|cx| sockets.poll_ready(cx, Mono::NEVER, &mut ready)).await;
//!                 }
//!                 assert_eq!(&got, b"hi");
//!             }
//!         });
//!         let cut = Cuts::between(client, server);
//!         world.cut(&cut);
//!         world.sleep(Duration::from_secs(3)).await;
//!         world.heal(&cut);
//!         world.sleep(Duration::from_secs(3)).await;
//!         world.status(client)
//!     })
//! };
//! let (one, two) = (run(), run());
//! assert_eq!(one.trace.hash(), two.trace.hash());
//! assert_eq!(one.expect(), refrain_sim::Status::Exited);
//! ```

#[cfg(not(madsim))]
compile_error!(
    "refrain-sim needs `--cfg madsim`, which .cargo/config.toml sets for the whole workspace. The environment variable \
     RUSTFLAGS (or CARGO_ENCODED_RUSTFLAGS, or --config build.rustflags) replaces what is set there: unset it, or add \
     `--cfg madsim` to it."
);

mod clock;
mod config;
mod disk;
mod entropy;
mod events;
mod faults;
mod kernel;
mod lives;
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
pub use disk::{DiskConfig, SimDisk, SimFile};
pub use entropy::Stream;
pub use kernel::KernelChoice;
pub use node::{Counters, Status};
pub use partition::Cuts;
pub use runtime::SimRuntime;
pub use simulation::{Failure, Report, Simulation};
pub use sockets::SimSockets;
pub use trace::{Divergence, Event, Kind, LOG_MAX, Recording, Trace};
pub use world::{NodeId, Sleep, World};
