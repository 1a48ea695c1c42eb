//! Plans: one seed of a scenario, spelled out.
//!
//! A plan says everything that is to happen but the network's and the clients' own draws, which follow from its seed by
//! named streams: taking a fault or an operation out of a plan shifts no other. So a plan can be printed, edited, shrunk and
//! kept as a regression test.

use refrain_sim::Stream;
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, TimedFault};
use crate::scenario::network::Network;
use crate::scenario::{Oracles, Scenario, Server};
use crate::span::Draw;
use crate::workloads::Workload;

/// The server's name among the nodes.
pub const SERVER: &str = "server";

/// The most faults of one kind in a plan.
const FAULTS_MAX: usize = 1000;

/// An explicit run. Every [`crate::span::Span`] in it is narrowed, but for those drawn anew for each operation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The scenario that it was drawn from.
    pub scenario: String,
    /// The seed of every stream. At most 2⁶³ - 1, which is what TOML can write.
    pub seed: u64,
    /// How long faults may strike.
    pub duration_ms: u64,
    /// Within how long everything must serve again.
    pub recovery_ms: u64,
    /// The server.
    pub server: Server,
    /// The network.
    pub network: Network,
    /// What must hold.
    pub oracles: Oracles,
    /// The clients.
    pub clients: Vec<ClientPlan>,
    /// The faults, in order of time.
    #[serde(default)]
    pub faults: Vec<TimedFault>,
}

/// One client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientPlan {
    /// Its node's name.
    pub name: String,
    /// The group that it belongs to.
    pub group: String,
    /// With which user name and password it logs in.
    pub login: Option<[String; 2]>,
    /// What it does.
    pub workload: Workload,
    /// Batches of operations that it leaves out, `[first, behind the last]`. It waits as if it had done them.
    #[serde(default)]
    pub skip: Vec<[u64; 2]>,
}

impl ClientPlan {
    /// Whether this batch is left out.
    pub fn skips(&self, batch: u64) -> bool {
        self.skip.iter().any(|[first, end]| (*first..*end).contains(&batch))
    }
}

impl Plan {
    /// What `seed` makes of a scenario. The same arguments give the same plan.
    pub fn draw(name: &str, scenario: &Scenario, seed: u64) -> Plan {
        let mut settings = Stream::new(seed, "plan/settings");
        let duration_ms = scenario.duration_ms.pick_u64(&mut settings);
        let mut server = Server {
            ns_per_work_unit: scenario.server.ns_per_work_unit.draw(&mut settings),
            skew_ms: scenario.server.skew_ms.draw(&mut settings),
            drift_ppm: scenario.server.drift_ppm.draw(&mut settings),
            ..scenario.server.clone()
        };
        for (name, values) in std::mem::take(&mut server.choices) {
            server.config.insert(name, settings.pick(&values).clone());
        }
        server.disk = scenario.server.disk.draw(&mut Stream::new(seed, "plan/disk"));
        let network = scenario.network.draw(&mut settings);
        let clients = draw_clients(scenario, seed);
        let names: Vec<String> = clients.iter().map(|client| client.name.clone()).collect();
        let faults = draw_faults(scenario, seed, duration_ms, &names);
        Plan {
            scenario: name.to_owned(),
            seed,
            duration_ms,
            recovery_ms: scenario.recovery_ms,
            server,
            network,
            oracles: scenario.oracles.clone(),
            clients,
            faults,
        }
    }

    /// Reads a plan's text.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let plan: Plan = toml::from_str(text).map_err(|error| error.to_string())?;
        plan.server.configuration()?;
        Ok(plan)
    }

    /// The plan as TOML, which [`Plan::parse`] reads back.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("a plan has nothing in it that TOML can't write")
    }

    /// Whether the server's process may end, or its host lose power, before the run does.
    pub fn server_may_end(&self) -> bool {
        self.faults.iter().any(|timed| timed.fault.may_end_server())
    }

    /// The slowest that the server's processor ever is, in nanoseconds a unit of work.
    pub fn slowest_ns_per_work_unit(&self) -> u64 {
        let slow = self.faults.iter().map(|timed| match &timed.fault {
            Fault::SlowCpu { ns_per_work_unit, .. } => *ns_per_work_unit,
            _ => 0,
        });
        slow.max().unwrap_or(0).max(self.server.ns_per_work_unit.value())
    }
}

fn draw_clients(scenario: &Scenario, seed: u64) -> Vec<ClientPlan> {
    let mut clients = Vec::new();
    for group in &scenario.clients {
        let mut stream = Stream::new(seed, &format!("plan/clients/{}", group.name));
        let count = group.count.pick_u64(&mut stream);
        // Clients of one group differ in what they draw, not in how: what they share (keys) must be the same.
        let workload = group.workload.draw(&mut stream);
        for number in 1..=count {
            clients.push(ClientPlan {
                name: format!("{}-{number}", group.name),
                group: group.name.clone(),
                login: group.login.clone(),
                workload: workload.clone(),
                skip: Vec::new(),
            });
        }
    }
    clients
}

fn draw_faults(scenario: &Scenario, seed: u64, duration_ms: u64, clients: &[String]) -> Vec<TimedFault> {
    let mut faults = Vec::new();
    for (index, menu) in scenario.faults.iter().enumerate() {
        // A stream for each entry: editing one leaves the others as they were.
        let mut stream = Stream::new(seed, &format!("plan/faults/{index}"));
        if clients.is_empty() || stream.below(100) >= menu.percent {
            continue;
        }
        let mut at_ms = menu.every_ms.pick_u64(&mut stream);
        let mut count = 0;
        while at_ms < duration_ms && count < FAULTS_MAX {
            faults.push(TimedFault { at_ms, fault: menu.fault.draw(&mut stream, clients) });
            at_ms += menu.every_ms.pick_u64(&mut stream).max(1);
            count += 1;
        }
    }
    faults.sort_by_key(|timed| timed.at_ms);
    faults
}
