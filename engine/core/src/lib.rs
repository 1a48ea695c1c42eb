//! The engine: sessions, the command table, dispatch and transactions over one keyspace.
//!
//! Pure: no I/O, no clock, no randomness, no threads, no async. Bytes and time come in ([`Engine::round`], [`Engine::tick`]),
//! replies and effects go out ([`Engine::unsent`], [`Engine::effects`]); what must be asked in between comes through
//! [`Hooks`]. Given the same calls, an engine gives the same bytes, in both worlds, on every machine.

pub mod acl;
mod ahead;
mod ask;
mod blocked;
mod call;
mod client_buffers;
mod client_memory;
mod clock;
mod collections;
mod commandlog;
pub mod commands;
pub mod config;
mod cursor;
mod dispatch;
mod double;
mod effects;
mod engine;
mod error;
mod expiry;
mod field_expiry;
mod glob;
mod heavy;
mod histogram;
mod hold;
mod hooks;
mod kept;
mod latency;
mod libraries;
mod long_argument;
mod long_double;
mod lookups;
mod memory_overview;
mod monitor;
mod names;
mod notify;
mod observer;
mod output;
mod output_limit;
mod pause;
mod persistence;
mod prefixes;
mod pubsub;
mod push;
mod redaction;
mod round;
mod session;
mod sessions;
mod sha1;
mod snapshot;
mod state;
mod stats;
pub mod table;
mod tick;
mod tracking;
mod transaction;
mod usage;
mod watch;

pub use blocked::{Block, Run, Timeout, Waiters};
pub use call::{Args, Call, Handler, Key, Outcome, Request};
pub use client_buffers::{BufferPolicy, READ_CHUNK, RecentPeaks};
pub use client_memory::ClientMemory;
pub use clock::Now;
pub use collections::Edited;
pub use commandlog::{CommandLog, LogEntry, LogKind};
pub use commands::shutdown::ShutdownSignal;
pub use config::{Config, ConfigError};
pub use effects::{Crash, Effects, Level, LogLine, Shutdown, Stream};
pub use engine::{Engine, OUTPUT_HIGH_WATER, ReadInto};
pub use error::{ErrorReply, system_text};
pub use hooks::{Bug, Hooks, HostReport, NotApplied, ProcessReport};
pub use libraries::{Libraries, LibraryError};
pub use notify::NotifyClass;
pub use observer::{CommandStats, Observer};
pub use pause::{Held, Pause};
pub use persistence::{
    APPEND_ONLY_NOT_LOADED, AofReport, Ask, LoadError, LoadRule, NOT_SAVED, Persistence, Purpose, ReplayError,
    SNAPSHOT_NOT_LOADED,
};
pub use pubsub::{Kind as SubscriptionKind, PubSub, Subscriptions};
pub use push::Executing;
pub use redaction::{REDACTED, hides, shown};
pub use round::Input;
pub use session::{Closing, Origin, Session, SessionId};
pub use snapshot::{DatabaseSize, KeptUsage, Slice, Snapshot};
pub use state::State;
pub use stats::Stats;

/// The version of Redis whose behaviour is offered: what clients decide by.
pub const REDIS_VERSION: &str = "7.2.4";

/// Our own version.
pub const REFRAIN_VERSION: &str = env!("CARGO_PKG_VERSION");
