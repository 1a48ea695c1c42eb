//! Runs one seed: a fresh thread, a fresh kernel, a fresh world, and a verdict that includes every panic.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::config::{NetConfig, nanos};
use crate::entropy::Stream;
use crate::events::Events;
use crate::kernel::{self, KernelChoice};
use crate::net::connection::Connections;
use crate::net::links::Links;
use crate::state::State;
use crate::trace::{Recording, Trace};
use crate::world::World;

/// The stack of a simulation's thread: scripts and deep values recurse.
const STACK: usize = 16 << 20;

/// One run to be: a seed and what doesn't depend on it.
#[derive(Debug, Clone)]
pub struct Simulation {
    seed: u64,
    kernel: KernelChoice,
    recording: Recording,
    net: NetConfig,
    events_max: u64,
    time_max: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct Report<T> {
    /// The seed that gives the same run again.
    pub seed: u64,
    /// What the main task gave, or why it gave nothing.
    pub outcome: Result<T, Failure>,
    /// What happened.
    pub trace: Trace,
    /// How long the run took, in virtual time.
    pub elapsed: Duration,
}

/// A panic in a run: in a node, in the harness, or of the simulator itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed that gives the same failure again.
    pub seed: u64,
    /// What the panic said.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.message)
    }
}

impl std::error::Error for Failure {}

impl<T> Report<T> {
    /// What the main task gave.
    ///
    /// # Panics
    /// With the seed and the message, if the run panicked.
    pub fn expect(self) -> T {
        match self.outcome {
            Ok(value) => value,
            Err(failure) => panic!("{failure}"),
        }
    }
}

impl Simulation {
    /// A run of `seed` with the default network, no log, at most 24 hours of virtual time and 2⁴⁰ events.
    pub fn new(seed: u64) -> Simulation {
        Simulation {
            seed,
            kernel: KernelChoice::Madsim,
            recording: Recording::Hash,
            net: NetConfig::default(),
            events_max: 1 << 40,
            time_max: Duration::from_secs(24 * 3600),
        }
    }

    /// What runs it: madsim unless told otherwise.
    #[must_use]
    pub fn kernel(self, kernel: KernelChoice) -> Simulation {
        Simulation { kernel, ..self }
    }

    /// Keeps a log or not. The trace's hash is the same either way.
    #[must_use]
    pub fn recording(self, recording: Recording) -> Simulation {
        Simulation { recording, ..self }
    }

    /// The network that nodes are added to.
    #[must_use]
    pub fn net(self, net: NetConfig) -> Simulation {
        Simulation { net, ..self }
    }

    /// The most events of the world that the run may take; beyond it the run fails.
    #[must_use]
    pub fn events_max(self, events_max: u64) -> Simulation {
        Simulation { events_max, ..self }
    }

    /// The most virtual time that the run may take; beyond it the run fails.
    #[must_use]
    pub fn time_max(self, time_max: Duration) -> Simulation {
        Simulation { time_max, ..self }
    }

    /// Runs `main` outside every node of a fresh world, on a fresh thread, and ends the world when it ends. Any number of
    /// simulations may run on threads at once; none may be run from inside another.
    pub fn run<T, F>(self, main: impl FnOnce(World) -> F + Send + 'static) -> Report<T>
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        let seed = self.seed;
        let builder = std::thread::Builder::new().name(format!("seed {seed}")).stack_size(STACK);
        let thread = builder.spawn(move || self.run_here(main)).expect("the system gives a thread");
        thread.join().unwrap_or_else(|panic| Report {
            seed,
            outcome: Err(Failure { seed, message: message(&*panic) }),
            trace: Trace::new(seed, Recording::Hash),
            elapsed: Duration::ZERO,
        })
    }

    fn run_here<T, F: Future<Output = T>>(self, main: impl FnOnce(World) -> F) -> Report<T> {
        let seed = self.seed;
        let kernel = kernel::new(self.kernel, Stream::new(seed, "kernel"));
        let state = State {
            kernel: kernel.clone(),
            events: Events::default(),
            events_left: self.events_max,
            nodes: Vec::new(),
            links: Links::default(),
            connections: Connections::default(),
            net: self.net,
            chance: Stream::new(seed, "net"),
            schedule: Stream::new(seed, "schedule"),
            trace: Trace::new(seed, self.recording),
        };
        let world = World::new(seed, kernel.clone(), state);
        let time_max = self.time_max;
        world.at(nanos(time_max), move |_| panic!("the run takes more than {time_max:?} of virtual time"));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            kernel::block_on(&*kernel, async {
                world.drive();
                main(world.clone()).await
            })
        }));
        let elapsed = world.now();
        let trace = world.end();
        // Every task holds the world and the world holds their wakers: let the kernel drop them, or each run would leak.
        let swept = catch_unwind(AssertUnwindSafe(|| {
            kernel::block_on(&*kernel, async {
                world.shut_down();
                world.sweep().await;
            });
        }));
        let outcome = outcome.and_then(|value| swept.map(|()| value));
        let outcome = outcome.map_err(|panic| Failure { seed, message: message(&*panic) });
        Report { seed, outcome, trace, elapsed: Duration::from_nanos(elapsed) }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}
