//! What the engine knows of files: which snapshot is under way, what was saved when, how the append-only file fares, and
//! whether the data set is being loaded.
//!
//! The engine never touches a file. What it wants done it leaves as an [`Ask`] among its effects; what has become of that the
//! node reports through the methods of [`Engine`](crate::Engine) in this module. Everything that users see of persistence is
//! decided here, so it is the same whatever the disk is: when a snapshot is due, what waits for what, which commands are
//! refused meanwhile, and every field of INFO.
//!
//! One snapshot or rewrite is taken at a time. A second one waits, as Redis makes it wait. Intervals are measured by the
//! monotonic clock: a wall clock that jumps saves nothing.

mod gate;
mod loading;
mod replay;
mod report;
mod schedule;
mod snapshots;
mod standing;
mod waitaof;

use std::collections::BTreeSet;

use self::gate::Gate;
pub(crate) use self::gate::tells_nothing;
use self::loading::{Arrivals, LastLoad, Loading};
pub use self::loading::{LoadError, LoadRule};
pub use self::replay::ReplayError;
pub(crate) use self::replay::Replayer;
pub(crate) use self::schedule::Begun;
use self::schedule::RewriteLimit;
pub(crate) use self::standing::Standing;
pub use self::standing::{APPEND_ONLY_NOT_LOADED, NOT_SAVED, SNAPSHOT_NOT_LOADED};
use crate::clock::Now;
use crate::session::SessionId;

/// What the engine wants done with files. The node takes these after every round and tick, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A snapshot in the background. It is noted as being under way: its end, if only a failure to begin, is to be reported.
    Snapshot,
    /// A snapshot while everything stands still. At its end the client is to be answered.
    Save {
        /// Who waits.
        client: SessionId,
    },
    /// A rewrite of the append-only file, which begins the file if it is to be there and is not yet. As for a snapshot its end
    /// is to be reported.
    Rewrite,
    /// What is under way in the background is no longer wanted: [`crate::Engine::snapshot_cancelled`] once it has stopped.
    Cancel(Purpose),
    /// What is under way in the background is to fail: a test wants to see that.
    FailSnapshot,
    /// The data set replaced by what the snapshot's file holds, while everything stands still. At its end the client is to be
    /// answered.
    Reload {
        /// Who waits.
        client: SessionId,
        /// The file is written first.
        save: bool,
        /// What is there is dropped first.
        flush: bool,
        /// A key that the file holds replaces one that is there; otherwise that is an error.
        merge: bool,
    },
    /// The data set replaced by what the append-only file holds, while everything stands still. At its end the client is to be
    /// answered.
    LoadAof {
        /// Who waits.
        client: SessionId,
    },
}

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The snapshot's own file.
    Save,
    /// A new base of the append-only file.
    Rewrite,
}

/// How the append-only file fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AofReport {
    /// It is written, or is to be as soon as its first base is there.
    pub enabled: bool,
    /// It was turned on, and its first base is not there yet: what is written is durable only with that.
    pub awaits_base: bool,
    /// It was turned off: it ends when everything that was executed before is in it, and takes nothing more.
    pub closing: bool,
    /// Bytes of all its parts.
    pub current_size: u64,
    /// The same when it was last rewritten, or loaded.
    pub base_size: u64,
    /// Bytes that wait to be written.
    pub buffer_length: u64,
    /// An fsync waits or is under way.
    pub pending_fsync: bool,
    /// How often a write has had to wait for an fsync, since the start.
    pub delayed_fsync: u64,
    /// The last write or fsync failed, for this reason, and what it was about is not in the file.
    pub write_error: Option<String>,
    /// Position of the propagation stream up to which it was written; see [`crate::Stream::position`].
    pub appended: u64,
    /// Position up to which it is durable. 0 while nothing is, for want of a base.
    pub durable: u64,
}

/// A snapshot or a rewrite that has begun or is about to.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    /// Clients go on meanwhile.
    in_background: bool,
    /// Monotonic microseconds.
    began_us: u64,
    /// [`crate::State::dirty`] of the moment that it holds.
    dirty: u64,
    /// Its end was asked for.
    is_cancelled: bool,
    /// It follows from FLUSHALL, and no client knows of it.
    is_for_flush: bool,
}

/// How many keys of how many.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    done: u64,
    total: u64,
}

/// What the engine knows of files.
#[derive(Debug)]
pub struct Persistence {
    saving: Option<UnderWay>,
    rewriting: Option<UnderWay>,
    progress: Progress,
    save_is_scheduled: bool,
    /// Nobody but FLUSHALL has scheduled it.
    is_scheduled_for_flush: bool,
    rewrite_is_scheduled: bool,
    /// [`crate::State::dirty`] of what the last snapshot holds.
    saved_dirty: u64,
    /// Changes that FLUSHALL has made meaningless, but that come to count again if the empty data set is not saved.
    excused_changes: u64,
    last_save_unix_s: u64,
    last_save_us: u64,
    /// When a background save was last begun.
    last_try_us: Option<u64>,
    last_save_failed: bool,
    last_save_took_us: Option<u64>,
    /// How many have begun since the start.
    saves: u64,
    last_rewrite_failed: bool,
    last_rewrite_took_us: Option<u64>,
    /// How many have begun since the start.
    rewrites: u64,
    rewrite_failures: u64,
    rewrite_limit: RewriteLimit,
    aof: AofReport,
    /// Saves, rewrites, and writes that had waited for an fsync, when counters were last reset.
    saves_before: u64,
    rewrites_before: u64,
    delayed_fsync_before: u64,
    /// What `appendonly` said when it was last looked at.
    wants_aof: bool,
    /// Microseconds for which everything stands still before something is appended (`DEBUG AOF-FLUSH-SLEEP`).
    pub flush_sleep_us: u64,
    loading: Option<Loading>,
    /// Keys of the file that have yet to be put in their places.
    arriving: Arrivals,
    last_load: LastLoad,
    /// Whether something refuses commands now.
    gate: Gate,
    standing: Option<Standing>,
    /// Clients that wait until the data set that they have flushed is empty on the disk, too.
    flushing: Vec<SessionId>,
    /// Clients that wait for a position to be durable.
    awaiting: BTreeSet<(u64, SessionId)>,
}

impl Persistence {
    /// Nothing is under way, and what there is counts as saved: a crash would leave just that.
    pub(crate) fn new(now: Now, wants_aof: bool) -> Persistence {
        Persistence {
            saving: None,
            rewriting: None,
            progress: Progress::default(),
            save_is_scheduled: false,
            is_scheduled_for_flush: false,
            rewrite_is_scheduled: false,
            saved_dirty: 0,
            excused_changes: 0,
            last_save_unix_s: now.unix_s(),
            last_save_us: now.mono_us,
            last_try_us: None,
            last_save_failed: false,
            last_save_took_us: None,
            saves: 0,
            last_rewrite_failed: false,
            last_rewrite_took_us: None,
            rewrites: 0,
            rewrite_failures: 0,
            rewrite_limit: RewriteLimit::default(),
            aof: AofReport::default(),
            saves_before: 0,
            rewrites_before: 0,
            delayed_fsync_before: 0,
            wants_aof,
            flush_sleep_us: 0,
            loading: None,
            arriving: Arrivals::default(),
            last_load: LastLoad::default(),
            gate: Gate::default(),
            standing: None,
            flushing: Vec::new(),
            awaiting: BTreeSet::new(),
        }
    }

    /// Whether a snapshot or a rewrite is under way.
    pub fn is_busy(&self) -> bool {
        self.saving.is_some() || self.rewriting.is_some()
    }

    /// Whether a snapshot or a rewrite is under way that a client has to wait for. Where FLUSHALL is over when its snapshot is, there is
    /// none behind it: the one that is taken here refuses nobody.
    pub(crate) fn is_busy_for_clients(&self) -> bool {
        self.is_saving_for_clients() || self.rewriting.is_some()
    }

    /// The same of a snapshot: it is not FLUSHALL's, or that has yet to stop before the one that a client has asked for begins.
    pub(crate) fn is_saving_for_clients(&self) -> bool {
        let waits = self.save_is_scheduled && !self.is_scheduled_for_flush;
        self.saving.is_some_and(|saving| !saving.is_for_flush || (saving.is_cancelled && waits))
    }

    /// Whether one of this purpose is.
    pub fn is_under_way(&self, purpose: Purpose) -> bool {
        self.under_way(purpose).is_some()
    }

    /// Whether one is under way whose end was not asked for: what will not be finished is in nobody's way.
    pub(crate) fn is_going_on(&self, purpose: Purpose) -> bool {
        self.under_way(purpose).is_some_and(|under_way| !under_way.is_cancelled)
    }

    fn under_way(&self, purpose: Purpose) -> Option<&UnderWay> {
        match purpose {
            Purpose::Save => self.saving.as_ref(),
            Purpose::Rewrite => self.rewriting.as_ref(),
        }
    }

    /// Of the snapshot that is under way, when it was asked for, in monotonic microseconds, and the count of changes that it holds: together
    /// they tell it from any other.
    pub fn save_under_way(&self) -> Option<(u64, u64)> {
        self.saving.map(|saving| (saving.began_us, saving.dirty))
    }

    /// Whether the data set is being loaded.
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Whether something refuses commands now: the one question that ordinary commands pay for.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        self.gate.is_closed
    }

    /// Whether something must come to its end first, whatever is asked for: but a loading need not.
    pub(crate) fn awaits_node(&self) -> bool {
        self.standing.is_some() && self.loading.is_none()
    }

    /// What was last reported of the append-only file.
    pub fn aof(&self) -> &AofReport {
        &self.aof
    }

    /// When the data set was last saved, in seconds of unix time.
    pub fn last_save_unix_s(&self) -> u64 {
        self.last_save_unix_s
    }

    /// CONFIG RESETSTAT: what counts from the start or from the last reset.
    pub(crate) fn reset_counters(&mut self) {
        (self.saves_before, self.rewrites_before, self.rewrite_failures) = (self.saves, self.rewrites, 0);
        self.delayed_fsync_before = self.aof.delayed_fsync;
    }
}
