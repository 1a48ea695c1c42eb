//! What the engine asks of the world while it runs, and where tests reach into it.
//!
//! The engine is a value: bytes and time go in, replies and effects come out. The few things it must ask *during* a round
//! (how much work was done, whether the clock has moved, what the process uses) come through [`Hooks`], a type parameter,
//! so that production pays nothing for what only tests use. No cargo feature selects a hook: features unify across a
//! workspace and would ship planted bugs.

use std::io;
use std::time::Duration;

use crate::call::Args;
use crate::clock::Now;
use crate::config::{Config, Parameter};
use crate::table::Command;

/// The engine's one window on the world. Every method must be cheap: some are called once a command.
pub trait Hooks: 'static {
    /// Time of both kinds. Called once a round, and again when a round has taken half a millisecond of work.
    fn now(&self) -> Now;

    /// A cheap counter, read once a command (the TSC in production, units of work in the simulator).
    fn ticks(&self) -> u64;

    /// How many ticks make a second.
    fn ticks_per_second(&self) -> u64;

    /// Says that logical work was done, in units of about a microsecond of an ordinary command.
    fn work(&self, units: u64);

    /// Holds everything up for so long: the loop stands still, and with it all clients (`DEBUG SLEEP`).
    fn stall(&self, duration: Duration) {
        self.work(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// 64 unpredictable bits.
    fn entropy(&self) -> u64;

    /// What the process uses, for `INFO`.
    fn process(&self) -> ProcessReport;

    /// What the process is and what it runs on, for `INFO`.
    fn host(&self) -> HostReport {
        HostReport::default()
    }

    /// What the allocator says of itself, for developers; `None` where there is nothing to say.
    fn allocator_report(&self) -> Option<String> {
        None
    }

    /// A number of the allocator's by its name, set to `new` first if that is given (`DEBUG MALLCTL`).
    ///
    /// # Errors
    /// As the system words them; `Unsupported` where nothing can be asked.
    fn allocator_number(&self, _name: &str, _new: Option<i64>) -> io::Result<i64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same of a text, which cannot be set (`DEBUG MALLCTL-STR`).
    ///
    /// # Errors
    /// As the system words them; `Unsupported` where nothing can be asked.
    fn allocator_text(&self, _name: &str) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Asks the allocator to give back to the system what nobody uses.
    fn purge_allocator(&self) {}

    /// The contents of a small file of the operator's: a configuration, a list of users.
    ///
    /// # Errors
    /// As the system words them; a file of more than 64 MiB is refused. `Unsupported` where there are no files.
    fn read_file(&self, _path: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Replaces such a file as a whole: whoever reads it, also after a crash, finds the old contents or the new.
    ///
    /// # Errors
    /// As the system words them; the old file is then untouched.
    fn replace_file(&self, _path: &str, _contents: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A client's command is about to be executed. Whoever wants to know the last commands after a crash remembers it;
    /// this is called for every command and has to cost next to nothing.
    #[inline(always)]
    fn command_begins(&self, _client: u64, _command: &'static Command, _args: Args<'_>) {}

    /// Puts parameters into effect that reach beyond the engine: all of `changed`, in this order, or none. Brings `new` to what
    /// the system made of it.
    ///
    /// # Errors
    /// The first that can't be had; everything is then as it was under `old`.
    fn apply(&self, _changed: &[&'static Parameter], _old: &Config, _new: &mut Config) -> Result<(), NotApplied> {
        Ok(())
    }

    /// True when a test wants this bug present. Production's is constant `false`, and the branch disappears.
    #[inline(always)]
    fn planted(&self, _bug: Bug) -> bool {
        false
    }
}

/// A parameter that was accepted and could not be put into effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplied {
    /// Its name.
    pub parameter: &'static str,
    /// What CONFIG SET says of it.
    pub why: String,
}

/// What `INFO` says of the process; zeros where the world has none (the simulator).
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessReport {
    /// Resident set, bytes.
    pub resident: u64,
    /// Bytes that the allocator has handed out.
    pub allocated: u64,
    /// Bytes in pages that hold at least one allocation.
    pub active: u64,
    /// Bytes that the allocator holds of the system.
    pub allocator_resident: u64,
    /// System CPU time of the process, microseconds.
    pub cpu_sys_us: u64,
    /// User CPU time of the process, microseconds.
    pub cpu_user_us: u64,
    /// System CPU time of the calling thread, microseconds.
    pub thread_sys_us: u64,
    /// User CPU time of the calling thread, microseconds.
    pub thread_user_us: u64,
    /// System CPU time of processes that it started and that have ended, microseconds.
    pub children_sys_us: u64,
    /// User CPU time of those, microseconds.
    pub children_user_us: u64,
    /// Process id; 0 in the simulator, where it would differ between runs.
    pub pid: u32,
}

/// What `INFO` says that does not change while the process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Kernel, its release, and the machine's architecture.
    pub os: String,
    /// Path of the binary.
    pub executable: String,
    /// The first digits of the commit that it was built of.
    pub commit: &'static str,
    /// 1 if that commit had been changed.
    pub modified: &'static str,
    /// Tells builds apart.
    pub build_id: &'static str,
    /// What measures durations.
    pub monotonic_clock: &'static str,
    /// What waits for sockets.
    pub poller: &'static str,
    /// Who supervises the process, or `no`.
    pub supervised: &'static str,
    /// The allocator, with its version.
    pub allocator: &'static str,
    /// The machine's memory, bytes.
    pub total_memory: u64,
}

impl Default for HostReport {
    /// That of a world without machines.
    fn default() -> HostReport {
        HostReport {
            os: "simulated".to_owned(),
            executable: String::new(),
            commit: "00000000",
            modified: "0",
            build_id: "0000000000000000",
            monotonic_clock: "simulated",
            poller: "simulated",
            supervised: "no",
            allocator: "none",
            total_memory: 0,
        }
    }
}

/// Bugs that tests plant to see their oracles fail. Each names what it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// `INCR` is applied twice.
    DoubleIncrement,
    /// An expired key is served as if it were alive.
    ServeExpired,
    /// A field of a hash whose deadline has come is served as if it were alive.
    ServeExpiredField,
    /// A field that HSET gives a new value keeps the deadline that HEXPIRE gave it.
    DeadlineSurvivesHset,
    /// With the fields that are due, periodic work removes one that is not.
    ExpiryTakesNeighbour,
    /// EXEC does not notice that a watched key has expired or changed.
    MissedWatch,
    /// The share of a round that one connection may take is unlimited.
    NoRoundBudget,
    /// Slow commands have no budget in a round, and nobody is heavy.
    NoWorkBudget,
    /// Output limits are not enforced.
    NoOutputLimit,
    /// EXEC leaves out the last command of its queue and says that it was done.
    HalfTransaction,
    /// A client is told of a key that a transaction changes when the change is queued, and not when it is executed.
    InvalidationBeforeWrite,
    /// Now and then the last subscriber of a channel does not get a message.
    MessageLost,
    /// A restricted user's call is checked with its first key in the place of all others.
    AclChecksWrongKey,
    /// Connections keep the rights that their user had when they logged in.
    RevokedKeepsRights,
    /// Readers of a key are not told that its deadline has come.
    ForgottenInvalidation,
    /// A subscriber by pattern gets each message twice.
    PatternMessageTwice,
    /// CLIENT PAUSE WRITE holds nothing back.
    PauseLeaksWrite,
    /// A blocked client whose connection has ended is served all the same, and what it got is lost.
    ServesTheDead,
    /// A blocked client is served twice.
    ServedTwice,
    /// What is pushed to a list by itself is pushed twice.
    DoublePush,
    /// The node's wall clock follows a jump backwards.
    WallRunsBackwards,
    /// Under `appendfsync always` output leaves before what it tells of is durable.
    AnswersBeforeSync,
    /// A failed sync of the append-only file is taken for one that ended well.
    SyncErrorIgnored,
    /// The base of an append-only file is named by the manifest before it was synced.
    BaseIsNotDurable,
    /// What is executed right after a rewrite has begun is in neither of its files.
    LostBehindSnapshot,
    /// Transactions are cut in two where they are appended, and of one whose end is missing the beginning is executed.
    HalfTransactionReplayed,
    /// A part of an append-only file that is not the last may end early.
    TruncationInTheMiddle,
    /// A snapshot holds a later value of entries that changed while it was taken.
    LateCopies,
    /// XAUTOCLAIM forgets entries that are no longer in the stream, and does not say so.
    ForgottenDeletions,
    /// An entry that its producer sends again is added again.
    AddedAgain,
}
