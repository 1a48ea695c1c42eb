//! What is recorded while a world runs: everything that the oracles judge when it has ended. Plain data.

pub mod access;
pub mod caching;
pub mod entries;
pub mod groups;
pub mod messages;
pub mod overload;
pub mod pauses;
pub mod queues;

use std::collections::BTreeMap;

use refrain_jepsen::models::ModelKind;
use refrain_jepsen::{Call, Clock, History, OperationId, Reply};

use crate::client::Loss;
use crate::record::access::Access;
use crate::record::caching::Caching;
use crate::record::entries::Entries;
use crate::record::groups::Groups;
use crate::record::messages::Messages;
use crate::record::overload::Overload;
use crate::record::pauses::Pause;
use crate::record::queues::Queues;

/// Unix time, in nanoseconds, at the simulator's zero.
const UNIX_ORIGIN_NS: i64 = 1_767_225_600 * 1_000_000_000;

/// Operations of unknown outcome after which all keys are left for fresh ones. Each doubles what a checker may have to
/// consider.
const UNKNOWN_IN_ERA_MAX: u64 = 24;

/// The most complaints kept of one kind; more of them say nothing new.
pub const COMPLAINTS_MAX: usize = 20;

/// The record of one run.
pub struct Record {
    /// Operations on single keys.
    pub strings: History,
    /// Transactions on groups of keys, each group seen as one register.
    pub groups: History,
    /// Operations on lists, sets, sorted sets, hashes and streams.
    pub collections: History,
    /// What transactions saw that read a whole group.
    pub group_reads: Vec<GroupRead>,
    /// What transactions under WATCH read of the key that they watch.
    pub watched_reads: Vec<WatchedRead>,
    /// Replies that their commands can't have.
    pub unexpected: Vec<String>,
    /// How long replies took, by group of clients.
    pub waits: BTreeMap<String, Vec<Wait>>,
    /// What was seen of keys with deadlines.
    pub sightings: Vec<Sighting>,
    /// Who may do what, and what he did.
    pub access: Access,
    /// Pauses that were acknowledged.
    pub pauses: Vec<Pause>,
    /// What was written, read and kept by client-side caches.
    pub caching: Caching,
    /// What was published, and what subscribers heard.
    pub messages: Messages,
    /// What was seen of a stream and its group of consumers.
    pub stream: Groups,
    /// What clients with slow commands got, and what SLOWLOG said of them.
    pub overload: Overload,
    /// What was pushed to queues, and who got what.
    pub queues: Queues,
    /// What bookkeepers were told of their entries.
    pub entries: Entries,
    /// The server's process may end before the run does.
    pub server_may_end: bool,
    /// How many clients there are.
    pub clients: usize,
    /// When the last fault had ended.
    pub healed: u64,
    /// When each client was served after the last fault.
    pub recovered: BTreeMap<String, u64>,
    /// Losses of replies, with their time and client.
    pub losses: u64,
    /// Connections that the server closed, by group of clients.
    pub hang_ups: BTreeMap<String, u64>,
    processes: u64,
    /// Counts up when too much is unknown of the keys in use: from then on, other keys are used.
    era: u64,
    unknown_in_era: u64,
    /// A test wants a lost reply to be taken for a failure.
    lost_is_failure: bool,
}

/// What a transaction saw that read all keys of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRead {
    /// When the reply came.
    pub at: u64,
    /// Who asked.
    pub process: u64,
    /// The group's name.
    pub group: String,
    /// The keys' values; `None` for one that does not exist.
    pub values: Vec<Option<Vec<u8>>>,
}

/// What a transaction that was executed under WATCH read of the watched key.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedRead {
    /// When EXEC was answered.
    pub at: u64,
    /// Who asked.
    pub client: String,
    /// The watched key.
    pub key: String,
    /// What GET gave after WATCH and before MULTI.
    pub before: refrain_resp::Reply,
    /// What GET gave inside EXEC.
    pub within: refrain_resp::Reply,
}

/// How long a client waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When the command was sent.
    pub sent: u64,
    /// Nanoseconds until its reply.
    pub ns: u64,
}

/// What one client saw of one key whose deadline is known exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The key.
    pub key: String,
    /// Its deadline, in milliseconds of the server's wall clock.
    pub deadline_ms: u64,
    /// When it was asked for.
    pub asked: u64,
    /// When the reply came.
    pub answered: u64,
    /// Whether it was there.
    pub alive: bool,
}

impl Record {
    /// An empty record. With `lost_is_failure`, it makes the mistake that every oracle here exists to catch.
    pub fn new(lost_is_failure: bool) -> Record {
        let clock = Clock { unix_origin_ns: UNIX_ORIGIN_NS };
        Record {
            strings: History::new(ModelKind::RedisString, clock),
            groups: History::new(ModelKind::Register, clock),
            collections: History::new(ModelKind::RedisCollection, clock),
            group_reads: Vec::new(),
            watched_reads: Vec::new(),
            unexpected: Vec::new(),
            waits: BTreeMap::new(),
            sightings: Vec::new(),
            access: Access::default(),
            pauses: Vec::new(),
            caching: Caching::default(),
            messages: Messages::default(),
            stream: Groups::default(),
            overload: Overload::default(),
            queues: Queues::default(),
            entries: Entries::default(),
            server_may_end: false,
            clients: 0,
            healed: 0,
            recovered: BTreeMap::new(),
            losses: 0,
            hang_ups: BTreeMap::new(),
            processes: 0,
            era: 0,
            unknown_in_era: 0,
            lost_is_failure,
        }
    }

    /// A number for a process, never given before.
    pub fn next_process(&mut self) -> u64 {
        self.processes += 1;
        self.processes
    }

    /// Part of the names of keys that a checker must decide: too many unknown outcomes, and it can't.
    pub fn era(&self) -> u64 {
        self.era
    }

    /// A reply that can't be.
    pub fn unexpected(&mut self, at: u64, client: &str, command: &str, reply: &refrain_resp::Reply) {
        if self.unexpected.len() < COMPLAINTS_MAX {
            let reply = shorten(&show(reply));
            self.unexpected.push(format!("{} {client}: {command} was answered with {reply}", seconds(at)));
        }
    }

    /// Replies were lost. What the network or a deadline took is nobody's fault; a server that ends a connection in good
    /// order while it owes replies, or sends what is no reply, is at fault. (The kernel of a process that has died ends its
    /// connections in good order, too.)
    pub fn lost(&mut self, at: u64, client: &str, loss: &Loss) {
        self.losses += 1;
        let at_fault = match loss {
            Loss::Garbled(_) => true,
            Loss::Ended => !self.server_may_end,
            Loss::TimedOut | Loss::Broken(_) => false,
        };
        if at_fault && self.unexpected.len() < COMPLAINTS_MAX {
            self.unexpected.push(format!("{} {client} is owed replies: {loss}", seconds(at)));
        }
    }

    /// The server has closed a connection that was still good to this client.
    pub fn hung_up(&mut self, group: &str) {
        *self.hang_ups.entry(group.to_owned()).or_default() += 1;
    }

    /// A reply took so long.
    pub fn waited(&mut self, group: &str, sent: u64, now: u64) {
        let wait = Wait { sent, ns: now - sent };
        match self.waits.get_mut(group) {
            Some(waits) => waits.push(wait),
            None => drop(self.waits.insert(group.to_owned(), vec![wait])),
        }
    }

    /// What was recorded, in numbers.
    pub fn figures(&self) -> Vec<String> {
        let operations =
            self.strings.operations().len() + self.groups.operations().len() + self.collections.operations().len();
        let mut lines = vec![format!(
            "{operations} operations in histories, {} reads of keys with deadlines, {} losses",
            self.sightings.len(),
            self.losses
        )];
        let Record { messages, access, pauses, .. } = self;
        let heard: usize = messages.listeners.iter().map(|listener| listener.events.len()).sum();
        if !messages.publications.is_empty() {
            let (published, connections) = (messages.publications.len(), messages.listeners.len());
            lines.push(format!(
                "{published} messages published, {heard} events on {connections} subscribers' connections"
            ));
        }
        if !access.probes.is_empty() {
            let probes: u64 = access.probes.values().sum();
            let guesses: usize = access.guesses.values().map(Vec::len).sum();
            let changes: usize = access.accounts.iter().map(|account| account.changes.len()).sum();
            let refused = access.acts.iter().filter(|act| !act.allowed).count();
            let acts = access.acts.len();
            lines.push(format!(
                "{probes} probes and {guesses} guesses answered, {changes} changes of rights, {acts} acts of users, {refused} \
                 of them refused"
            ));
        }
        let Caching { writes, sights, hits } = &self.caching;
        if !writes.is_empty() {
            let (writes, sights, hits) = (writes.len(), sights.len(), hits.len());
            lines.push(format!("{writes} writes, {sights} reads, {hits} values served from caches"));
        }
        let Groups { added, deliveries, deletions, reported, .. } = &self.stream;
        if !added.is_empty() {
            let (added, deliveries, deletions, told) = (added.len(), deliveries.len(), deletions.len(), reported.len());
            lines.push(format!(
                "{added} entries added, {deliveries} deliveries, {deletions} deletions, of which {told} were told to consumers"
            ));
        }
        if !self.queues.pushed.is_empty() {
            let Queues { pushed, takes, .. } = &self.queues;
            let got: usize = takes.iter().filter_map(|take| take.got.as_ref()).map(|(_, got)| got.len()).sum();
            let given_up = takes.iter().filter(|take| take.given_up).count();
            lines.push(format!(
                "{} elements pushed, {got} taken by {} requests, {given_up} of them given up",
                pushed.len(),
                takes.len()
            ));
        }
        if !pauses.is_empty() {
            lines.push(format!("{} pauses", pauses.len()));
        }
        for (group, waits) in &self.waits {
            let mut us: Vec<u64> = waits.iter().map(|wait| wait.ns / 1000).collect();
            us.sort_unstable();
            let at = |percent: usize| us.get((us.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0);
            let (count, p50, p99, max) = (us.len(), at(50), at(99), at(100));
            lines.push(format!("{group}: {count} replies, median {p50} µs, 99 % within {p99} µs, all within {max} µs"));
        }
        for (group, count) in &self.hang_ups {
            lines.push(format!("{group}: {count} connections closed by the server"));
        }
        lines
    }

    /// Which of the histories an operation belongs to.
    pub fn history(&mut self, which: Which) -> &mut History {
        match which {
            Which::Strings => &mut self.strings,
            Which::Groups => &mut self.groups,
            Which::Collections => &mut self.collections,
        }
    }

    /// An operation begins.
    pub fn invoke(&mut self, which: Which, process: u64, at: u64, key: &str, call: Call) -> OperationId {
        self.history(which).invoke(process, at, key, call)
    }

    /// It was answered.
    pub fn answer(&mut self, which: Which, operation: OperationId, at: u64, reply: Reply) {
        self.history(which).ok(operation, at, reply);
    }

    /// It was refused, without effect.
    pub fn refuse(&mut self, which: Which, operation: OperationId, at: u64) {
        self.history(which).fail(operation, at);
    }

    /// Its reply was lost. It may have taken effect, may take effect later, or never.
    pub fn lose(&mut self, which: Which, operation: OperationId, at: u64) {
        self.unknown_in_era += 1;
        if self.unknown_in_era >= UNKNOWN_IN_ERA_MAX {
            self.unknown_in_era = 0;
            self.era += 1;
        }
        let mistaken = self.lost_is_failure;
        let history = self.history(which);
        if mistaken { history.fail(operation, at) } else { history.info(operation, at) }
    }
}

/// The histories of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// [`Record::strings`].
    Strings,
    /// [`Record::groups`].
    Groups,
    /// [`Record::collections`].
    Collections,
}

/// A moment of virtual time for people.
pub fn seconds(at: u64) -> String {
    format!("{:>4}.{:06}", at / 1_000_000_000, at % 1_000_000_000 / 1000)
}

/// A reply for people.
pub fn show(reply: &refrain_resp::Reply) -> String {
    use refrain_resp::Reply as Wire;
    match reply {
        Wire::Simple(text) => text.escape_ascii().to_string(),
        Wire::Error(text) => format!("the error {}", text.escape_ascii()),
        Wire::Integer(number) => number.to_string(),
        Wire::Bulk(value) => format!("\"{}\"", value.escape_ascii()),
        Wire::Null => "nil".to_owned(),
        Wire::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

/// A text that people still read.
pub fn shorten(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}
