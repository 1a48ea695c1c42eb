//! Where memory goes, by our own account: what INFO, MEMORY STATS and MEMORY DOCTOR tell, computed once for each.
//!
//! Our account is by structure, in the allocator's size classes, and the same in every world. The allocator's and the system's
//! figures are reported beside it and compared with it here.

use crate::hooks::ProcessReport;
use crate::session::Session;
use crate::state::State;

/// See the module. All in bytes unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryOverview {
    /// All of it.
    pub used: u64,
    /// The most that it was.
    pub peak: u64,
    /// What an engine without keys and clients takes.
    pub startup: u64,
    /// Clients: what they have sent, what they are owed, and what is kept about them.
    pub clients: u64,
    /// Everything but the data.
    pub overhead: u64,
    /// Keys, values and deadlines.
    pub dataset: u64,
    /// How many keys there are.
    pub keys: u64,
    /// Each database that is not empty.
    pub databases: Vec<DatabaseOverview>,
}

/// One database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseOverview {
    /// Its number.
    pub number: usize,
    /// What finds its keys.
    pub index: u64,
}

/// One figure compared with another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// How many times as much it is.
    pub ratio: f64,
    /// How much more it is.
    pub bytes: i64,
}

/// What is lost between one account and the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fragmentation {
    /// In pages that are only partly in use.
    pub allocator: Excess,
    /// In pages that the allocator holds and nobody uses.
    pub allocator_resident: Excess,
    /// In what of the process is not the allocator's.
    pub process: Excess,
    /// In all, from our account to the system's.
    pub total: Excess,
}

impl Excess {
    fn of(figure: u64, over: u64) -> Excess {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let ratio = if over == 0 { 0.0 } else { figure as f64 / over as f64 };
        Excess { ratio, bytes: signed(figure) - signed(over) }
    }
}

impl MemoryOverview {
    /// As it is while `executing` executes a command: that session is not among the state's. A new peak is remembered.
    pub fn of(state: &mut State, executing: &Session) -> MemoryOverview {
        let clients = state.client_memory.total_with(executing) as u64;
        let used = state.used_memory() - state.client_memory.total() as u64 + clients;
        state.stats.peak_memory = state.stats.peak_memory.max(used);
        let mut databases = Vec::new();
        let (mut entries, mut keys) = (0, 0);
        for number in 0..state.keyspace.len() {
            let database = state.keyspace.db(number);
            if database.is_empty() {
                continue;
            }
            let index = database.memory() - database.entry_memory();
            databases.push(DatabaseOverview { number, index: index as u64 });
            entries += database.entry_memory() as u64;
            keys += database.len() as u64;
        }
        MemoryOverview {
            used,
            peak: state.stats.peak_memory,
            startup: state.startup_memory,
            clients,
            overhead: used - entries,
            dataset: entries,
            keys,
            databases,
        }
    }

    /// What is used beyond what the start took; at least one, for others are divided by it.
    pub fn net(&self) -> u64 {
        self.used.saturating_sub(self.startup).max(1)
    }

    /// The data's part of what is used beyond the start.
    pub fn dataset_percent(&self) -> f64 {
        self.dataset as f64 * 100.0 / self.net() as f64
    }

    /// What is used, as a part of the most that it was.
    pub fn peak_percent(&self) -> f64 {
        self.used as f64 * 100.0 / self.peak.max(1) as f64
    }

    /// What is used beyond the start, for each key.
    pub fn bytes_per_key(&self) -> u64 {
        self.net().checked_div(self.keys).unwrap_or(0)
    }

    /// Our account beside the others.
    pub fn fragmentation(&self, process: &ProcessReport) -> Fragmentation {
        Fragmentation {
            allocator: Excess::of(process.active, process.allocated),
            allocator_resident: Excess::of(process.allocator_resident, process.active),
            process: Excess::of(process.resident, process.allocator_resident),
            total: Excess::of(process.resident, self.used),
        }
    }
}
