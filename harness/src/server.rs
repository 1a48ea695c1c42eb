//! The node under test as a process of the simulated world, with its invariants looking on after every round.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use refrain_core::{Config, Engine};
use refrain_node::{Listen, Node, NodeHooks};
use refrain_runtime::Address;
use refrain_sim::SimRuntime;

use crate::oracles::Invariant;
use crate::oracles::deadlines::Readings;
use crate::oracles::overload::Work;
use crate::planted::{Planted, PlantingProbe};

/// The port that the server listens on.
pub const PORT: u16 = 6379;

/// The engine of a simulated server.
pub type ServerEngine = Engine<NodeHooks<SimRuntime, PlantingProbe>>;

/// What the harness sees of a server.
#[derive(Default)]
pub struct Observed {
    /// Commands executed.
    pub commands: u64,
    /// Rounds looked at.
    pub rounds: u64,
    /// The most bytes in use at the end of a round, by structure.
    pub most_used: u64,
    /// What the server's wall clock showed after rounds, where that is asked for.
    pub readings: Option<Readings>,
    /// What was seen of its work, where that is asked for.
    pub work: Option<Work>,
    /// The invariants, with what they have seen.
    pub invariants: Vec<Box<dyn Invariant>>,
}

/// Runs a server until the world ends it.
pub async fn serve(runtime: SimRuntime, config: Config, planted: Option<Planted>, observed: Rc<RefCell<Observed>>) {
    let listen = Listen { address: Address::Tcp(SocketAddr::from(([0, 0, 0, 0], PORT))), optional: false };
    let world = runtime.world().clone();
    let started = Node::start(runtime, config, PlantingProbe(planted), &[listen]);
    let mut node = started.unwrap_or_else(|error| panic!("the server does not start: {error}"));
    for invariant in &mut observed.borrow_mut().invariants {
        invariant.begin(node.engine());
    }
    node.run_while(|engine| {
        let mut observed = observed.borrow_mut();
        let now = world.now();
        observed.rounds += 1;
        observed.commands = engine.state().stats.commands_processed;
        observed.most_used = observed.most_used.max(engine.state().used_memory());
        if let Some(readings) = &mut observed.readings {
            readings.push((now, engine.state().now.unix_ms()));
        }
        if let Some(work) = &mut observed.work {
            work.look(now, engine);
        }
        for invariant in &mut observed.invariants {
            invariant.look(now, engine);
        }
        true
    })
    .await;
}
