//! Scenario files: which nodes there are, what the clients do, which faults may befall them, and what must hold.
//!
//! A scenario is a family of worlds. Numbers are values or ranges `[low, high]`; a seed narrows every range, picks which
//! features are in play and when faults strike ([`crate::plan::Plan::draw`]), so that every seed is a different world
//! (swarm testing). Durations carry their unit in their name. Unknown names are errors. The file:
//!
//! | table | what it says |
//! | --- | --- |
//! | top level | `description`; `duration_ms` of the phase with faults; `recovery_ms`, the bound of the phase without |
//! | `[server]` | `ns_per_work_unit`, `skew_ms` and `drift_ppm` of its clocks; `config`, names and values of redis.conf; `choices`, a list of values for each name, of which a seed picks one; `disk`, see [`disk::Disk`] |
//! | `[network]` | see [`network::Network`] |
//! | `[[clients]]` | groups: `name`, `count`, and a `workload` with its `kind` (see [`crate::workloads`]) |
//! | `[[faults]]` | `percent` of the seeds in which it occurs, `every_ms` from one to the next, and the `fault` (see [`menu::FaultTemplate`]) |
//! | `[oracles]` | see [`Oracles`] |

pub mod disk;
pub mod library;
pub mod menu;
pub mod network;

use std::collections::BTreeMap;

use refrain_core::Config;
use serde::{Deserialize, Serialize};

use crate::scenario::disk::Disk;
use crate::scenario::menu::FaultMenu;
use crate::scenario::network::Network;
use crate::span::Span;
use crate::workloads::Workload;

/// A scenario as its file says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, for `list`.
    pub description: String,
    /// How long faults may strike, in milliseconds of virtual time.
    pub duration_ms: Span,
    /// Within how long everything must serve again after the last fault.
    pub recovery_ms: u64,
    /// The server.
    pub server: Server,
    /// The network.
    #[serde(default)]
    pub network: Network,
    /// Groups of clients, each client on a node of its own.
    pub clients: Vec<ClientGroup>,
    /// What may go wrong.
    #[serde(default)]
    pub faults: Vec<FaultMenu>,
    /// What must hold.
    pub oracles: Oracles,
}

/// The node under test.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// What a unit of work (about a command) costs, in nanoseconds of virtual time.
    pub ns_per_work_unit: Span,
    /// What its wall clock is ahead or behind at the start.
    #[serde(default = "zero")]
    pub skew_ms: Span,
    /// How much faster or slower its clocks run, in parts per million.
    #[serde(default = "zero")]
    pub drift_ppm: Span,
    /// Directives of redis.conf.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// Directives of which a seed picks the value.
    #[serde(default)]
    pub choices: BTreeMap<String, Vec<String>>,
    /// Its disk.
    #[serde(default)]
    pub disk: Disk,
}

pub(crate) fn zero() -> Span {
    Span::fixed(0)
}

impl Server {
    /// The server's configuration, as a configuration file with these directives would give it.
    ///
    /// # Errors
    /// The directive that is refused, and why.
    pub fn configuration(&self) -> Result<Config, String> {
        // Clients come from other hosts.
        let mut config = Config::default();
        config.network.protected_mode = false;
        for (name, value) in &self.config {
            let words: Vec<&[u8]> = value.split_ascii_whitespace().map(str::as_bytes).collect();
            let whole = [value.as_bytes()];
            let values: &[&[u8]] = if words.len() > 1 { &words } else { &whole };
            config.set_at_start(name, values).map_err(|why| format!("{name} {value}: {why}"))?;
        }
        Ok(config)
    }
}

/// Clients that do the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientGroup {
    /// What they are called, with a number behind it.
    pub name: String,
    /// How many there are.
    pub count: Span,
    /// With which user name and password they log in, those that do; all need it to be served in the end.
    pub login: Option<[String; 2]>,
    /// What they do.
    pub workload: Workload,
}

/// What must hold. Absent is not asked; that the server never panics, that every reply is one that the command can have,
/// and that every client is served after the last fault is always asked. Each is explained in its file under
/// `harness/src/oracles`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Oracles {
    /// What clients saw of each key can be put into one order, and of each group of keys that transactions write.
    #[serde(default)]
    pub linearizable: bool,
    /// No transaction that reads what others write as a whole sees parts of two.
    #[serde(default)]
    pub whole_transactions: bool,
    /// What the ledger of the bookkeepers holds after each start is what was promised to be kept.
    #[serde(default)]
    pub ledger: bool,
    /// The propagation stream gives an equal data set.
    #[serde(default)]
    pub propagation: bool,
    /// Bounds on how long the clients of a group wait.
    #[serde(default)]
    pub latency: Vec<LatencyBound>,
    /// Subscribers get what is published: once, in one order, without gaps.
    #[serde(default)]
    pub deliveries: bool,
    /// No cache serves what an invalidation told, or must have told, to be gone.
    pub cached_values: Option<CacheBound>,
    /// The table of keys that clients may have kept is bounded.
    #[serde(default)]
    pub tracking_table: bool,
    /// Without credentials nothing is answered but refusals.
    #[serde(default)]
    pub strangers: bool,
    /// Who guesses passwords is slowed down and written down.
    pub guesses: Option<GuessBound>,
    /// Changes of users' rights apply at once, on every connection.
    #[serde(default)]
    pub rights: bool,
    /// A group of consumers loses no entry, and gets none as new twice.
    #[serde(default)]
    pub stream_groups: bool,
    /// Elements of queues are taken once and in order, and none is lost but with a reply.
    #[serde(default)]
    pub queues: bool,
    /// While clients are paused, what is held back has no effect.
    #[serde(default)]
    pub pauses: bool,
    /// Clients with slow commands delay the others by no more than one command.
    pub overload: Option<OverloadBound>,
    /// Bounds on what the server holds for clients.
    pub output: Option<OutputBound>,
    /// The server's wall clock never runs backwards.
    #[serde(default)]
    pub monotone_wall: bool,
    /// No value is seen after its deadline, and none is gone before it, by the server's own clock.
    #[serde(default)]
    pub deadlines: bool,
    /// Expired keys that nobody reads are gone within this many milliseconds.
    pub expired_within_ms: Option<u64>,
}

/// How long clients of one group may wait for a reply, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyBound {
    /// The group.
    pub clients: String,
    /// Of every hundred replies, ninety-nine come within this, in microseconds.
    pub p99_us: u64,
    /// Every reply comes within this, in microseconds.
    pub max_us: u64,
    /// There are at least so many replies: a group that is starved of connections shows here.
    pub replies_min: u64,
    /// Not asked where the server's configuration has one of these.
    #[serde(default)]
    pub unless: BTreeMap<String, String>,
}

/// What client-side caches may serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CacheBound {
    /// A value is gone from caches so many milliseconds after its deadline.
    pub expired_within_ms: u64,
    /// At least so many values are served from caches.
    pub hits_min: u64,
}

/// How many guesses at passwords one address has answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuessBound {
    /// The first ones, which cost nothing.
    pub free: u64,
    /// Then so many, each costing twice as much as the one before,
    pub doublings: u64,
    /// and from then on one in so many milliseconds.
    pub longest_ms: u64,
}

/// What clients with slow commands may do to others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OverloadBound {
    /// The group that has nothing slow to ask.
    pub light: String,
    /// The work of a round, beyond the longest command.
    pub round_units: u64,
    /// What the network adds to a wait, in microseconds.
    pub network_us: u64,
    /// The light group gets at least so many replies.
    pub replies_min: u64,
    /// Of a heavy group, nobody gets more than so many times what another gets,
    pub fairness_ratio: u64,
    /// and so many replies more.
    pub fairness_slack: u64,
    /// Whether SLOWLOG is read, and must name every heavy client and no light one.
    pub slowlog: bool,
}

/// What the server may hold, and what must become of a client that makes it hold more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutputBound {
    /// The most bytes in use at the end of any round.
    pub used_memory_max: u64,
    /// At least so many clients were closed for what they were owed.
    pub disconnections_min: u64,
}

impl Scenario {
    /// Reads a scenario file's text.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn parse(text: &str) -> Result<Scenario, String> {
        let scenario: Scenario = toml::from_str(text).map_err(|error| error.to_string())?;
        scenario.check()?;
        Ok(scenario)
    }

    /// What the schema alone can't say.
    fn check(&self) -> Result<(), String> {
        self.server.configuration()?;
        for (name, values) in &self.server.choices {
            for value in values {
                let mut server = self.server.clone();
                server.config.insert(name.clone(), value.clone());
                server.configuration()?;
            }
            if values.is_empty() {
                return Err(format!("{name}: no choices"));
            }
        }
        for bound in &self.oracles.latency {
            if !self.clients.iter().any(|group| group.name == bound.clients) {
                return Err(format!("a latency bound for `{}`, and no such clients", bound.clients));
            }
        }
        Ok(())
    }
}
