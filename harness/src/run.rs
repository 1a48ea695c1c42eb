//! Runs a plan: builds the world, lets faults strike while clients work, heals everything, and asks the oracles.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use refrain_sim::{ClockConfig, DiskConfig, NodeConfig, Recording, Simulation, Trace, World};

use crate::client::Client;
use crate::faults;
use crate::oracles::ledger::Ledger;
use crate::oracles::overload::Work;
use crate::oracles::{self, Seen, Violation};
use crate::plan::{Plan, SERVER};
use crate::planted::Planted;
use crate::record::Record;
use crate::server::{self, Observed, PORT};
use crate::workloads;
use crate::world::{Context, Control, Nodes, Phase};

/// How often the harness looks whether everybody is served.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What passes after the recovery, so that the server's slowest tick has been and its invariants have looked once more.
const SETTLE: Duration = Duration::from_millis(1100);

/// Within how long the server's first start has ended, in nanoseconds.
const START_MAX: u64 = 10_000_000_000;

/// Events of a world after which something runs in circles.
const EVENTS_MAX: u64 = 200_000_000;

/// How one run ended.
pub struct Outcome {
    /// The plan's seed.
    pub seed: u64,
    /// What did not hold; empty is good.
    pub violations: Vec<Violation>,
    /// The trace, with a log if it was asked for.
    pub trace: Trace,
    /// What was recorded; absent if the run panicked.
    pub record: Option<Record>,
    /// Commands that the server executed.
    pub commands: u64,
    /// Virtual time.
    pub elapsed: Duration,
    /// Figures for people: what the bounds of the oracles are compared with.
    pub figures: Vec<String>,
}

/// What does not belong to the plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOptions {
    /// A bug to plant.
    pub planted: Option<Planted>,
    /// Keep a log of every event.
    pub log: bool,
}

/// What comes out of a world.
struct Harvest {
    record: Record,
    violations: Vec<Violation>,
    seen: Seen,
    commands: u64,
    most_used: u64,
    figures: Vec<String>,
}

/// Runs a plan to its verdict. The same plan and options give the same outcome, on any thread.
pub fn run(plan: &Plan, options: RunOptions) -> Outcome {
    let recording = if options.log { Recording::Log } else { Recording::Hash };
    let time_max = Duration::from_millis(plan.duration_ms + plan.recovery_ms) + Duration::from_secs(60);
    let simulation = Simulation::new(plan.seed)
        .net(plan.network.config())
        .recording(recording)
        .time_max(time_max)
        .events_max(EVENTS_MAX);
    let report = simulation.run({
        let plan = plan.clone();
        move |world| harvest(world, plan, options.planted)
    });
    let mut outcome = Outcome {
        seed: plan.seed,
        violations: Vec::new(),
        trace: report.trace,
        record: None,
        commands: 0,
        elapsed: report.elapsed,
        figures: Vec::new(),
    };
    match report.outcome {
        Ok(Harvest { record, violations, seen, commands, most_used, figures }) => {
            outcome.violations = violations;
            outcome.violations.extend(oracles::judge(plan, &record, &seen));
            outcome.figures = record.figures();
            outcome.figures.extend(figures);
            outcome.figures.push(format!("the server held {} bytes at the most", most_used));
            outcome.record = Some(record);
            outcome.commands = commands;
        }
        Err(failure) => outcome.violations.push(Violation::new("no-panic", failure.message)),
    }
    outcome
}

/// The run itself, inside its world.
async fn harvest(world: World, plan: Plan, planted: Option<Planted>) -> Harvest {
    let phase = Rc::new(Cell::new(Phase::Faults));
    let lost_is_failure = planted == Some(Planted::LostReplyIsFailure);
    let record = Rc::new(RefCell::new(Record::new(lost_is_failure)));
    record.borrow_mut().clients = plan.clients.len();
    record.borrow_mut().server_may_end = plan.server_may_end();
    let readings = plan.oracles.deadlines.then(Vec::new);
    let work = plan.oracles.overload.is_some().then(Work::default);
    let invariants = oracles::invariants(&plan);
    let ledger = plan.oracles.ledger.then(|| Ledger::new(&plan));
    let observed = Rc::new(RefCell::new(Observed { invariants, readings, work, ledger, ..Observed::default() }));
    let nodes = Rc::new(build(&world, &plan, planted, &phase, &record, &observed).await);
    faults::schedule(&world, &plan, &nodes);
    world.sleep(Duration::from_millis(plan.duration_ms)).await;
    world.note(None, "everything heals");
    faults::heal(&world, &nodes);
    phase.set(Phase::Recovery);
    record.borrow_mut().healed = world.now();
    let bound = world.now() + plan.recovery_ms * 1_000_000;
    while record.borrow().recovered.len() < plan.clients.len() && world.now() < bound {
        world.sleep(LOOK_EVERY).await;
    }
    world.sleep(SETTLE).await;
    let mut observed = observed.borrow_mut();
    let seen =
        Seen { readings: observed.readings.take().unwrap_or_default(), work: observed.work.take().unwrap_or_default() };
    let mut violations: Vec<Violation> =
        observed.invariants.iter().flat_map(|invariant| invariant.violations()).collect();
    violations.extend(std::mem::take(&mut observed.complaints));
    let mut figures = Vec::new();
    if let Some(ledger) = &observed.ledger {
        violations.extend(ledger.judge(&record.borrow().entries));
        figures.push(ledger.figures());
    }
    let empty = Record::new(false);
    Harvest {
        record: record.replace(empty),
        violations,
        seen,
        commands: observed.commands,
        most_used: observed.most_used,
        figures,
    }
}

async fn build(
    world: &World,
    plan: &Plan,
    planted: Option<Planted>,
    phase: &Rc<Cell<Phase>>,
    record: &Rc<RefCell<Record>>,
    observed: &Rc<RefCell<Observed>>,
) -> Nodes {
    let ns_per_work_unit = plan.server.ns_per_work_unit.value();
    let server = world.add_node(NodeConfig {
        ns_per_work_unit,
        clock: ClockConfig {
            skew_ns: plan.server.skew_ms.signed().saturating_mul(1_000_000),
            drift_ppm: plan.server.drift_ppm.signed(),
        },
        ..NodeConfig::new(SERVER)
    });
    let config = plan.server.configuration().expect("a plan's configuration was checked when it was read");
    let seen = observed.clone();
    let disk =
        DiskConfig { forgets_names: planted == Some(Planted::DirectoryIsNotSynced), ..plan.server.disk.config() };
    world.set_disk(server, |set| *set = disk);
    world.start(server, move |runtime| server::serve(runtime, config.clone(), planted, seen.clone()));
    // Clients come when it serves: what a start is like when they are there already is seen when it is started again.
    let bound = world.now() + START_MAX;
    while !observed.borrow().ready && world.now() < bound {
        world.sleep(Duration::from_micros(100)).await;
    }
    let mut clients = BTreeMap::new();
    for client in &plan.clients {
        let node = world.add_node(NodeConfig::new(&client.name));
        let control = Rc::new(Control { phase: phase.clone(), half_close: Cell::new(false) });
        clients.insert(client.name.clone(), (node, control.clone()));
        let (clock, notes) = (world.clone(), world.clone());
        let context = Rc::new(Context {
            plan: client.clone(),
            seed: plan.seed,
            control,
            record: record.clone(),
            clock: Box::new(move || clock.now()),
            note: Box::new(move |text| notes.note(Some(node), text)),
            batch: Cell::new(0),
            process: Cell::new(0),
        });
        let address = world.address(server, PORT);
        world.start(node, move |runtime| {
            let (client, context) = (Client::new(runtime, address.clone()), context.clone());
            async move { workloads::live(client, &context).await }
        });
    }
    Nodes {
        server,
        clients,
        ns_per_work_unit,
        link: plan.network.config().link,
        disk,
        observed: observed.clone(),
        healed: Cell::new(false),
    }
}
