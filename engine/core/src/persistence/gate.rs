//! What refuses commands: a data set that is being loaded, and a disk that does not take what is to be kept.
//!
//! A write that could not be kept is refused before it executes, never afterwards: an error for a command that took effect
//! would be a lie. Which refusals apply is worked out when something changes, so that a command pays for one question.

use super::Persistence;
use crate::call::Outcome;
use crate::error::{ErrorReply, LOADING};
use crate::session::Session;
use crate::state::State;
use crate::table::{Command, Flags};

/// What a client is told whose write could not be kept by snapshots.
const SNAPSHOTS_FAIL: ErrorReply = ErrorReply::new(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify \
     the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails \
     (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);

/// Why writes could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DiskTrouble {
    /// The last snapshot has failed.
    Snapshot,
    /// The append-only file was not written, for this reason.
    Append(String),
}

/// Whether something refuses commands.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Something does.
    pub(super) is_closed: bool,
    trouble: Option<DiskTrouble>,
}

impl Persistence {
    /// Whether writes are refused because the last snapshot has failed.
    pub(super) fn refuses_for_snapshots(&self) -> bool {
        self.gate.trouble == Some(DiskTrouble::Snapshot)
    }
}

impl State {
    /// Works out anew whether writes can be kept.
    pub(crate) fn judge_disk(&mut self) {
        let (persistence, config) = (&mut self.persistence, &self.config.persistence);
        let needs_snapshots = config.stop_writes_on_bgsave_error && !config.save.points.is_empty();
        // What is executed from now on is not for a file that was turned off.
        let appends = persistence.aof.enabled && !persistence.aof.closing;
        let appends = appends.then_some(persistence.aof.write_error.as_ref()).flatten();
        persistence.gate.trouble = match appends {
            _ if needs_snapshots && persistence.last_save_failed => Some(DiskTrouble::Snapshot),
            Some(why) => Some(DiskTrouble::Append(why.clone())),
            None => None,
        };
        persistence.gate.is_closed = persistence.gate.trouble.is_some() || persistence.loading.is_some();
    }

    /// Refuses what would change the data set while that could not be kept; and PING, by which monitoring finds out.
    pub(crate) fn check_disk(&self, session: &Session, command: &Command) -> Outcome {
        let Some(trouble) = &self.persistence.gate.trouble else { return Ok(()) };
        if command.name != "ping" && !any(session, command, |flags| flags.contains(Flags::WRITE)) {
            return Ok(());
        }
        Err(match trouble {
            DiskTrouble::Snapshot => SNAPSHOTS_FAIL,
            DiskTrouble::Append(why) => ErrorReply::owned(format!("MISCONF Errors writing to the AOF file: {why}")),
        })
    }

    /// Refuses what may not run while the data set is being loaded.
    pub(crate) fn check_loading(&self, session: &Session, command: &Command) -> Outcome {
        if self.persistence.is_loading() && any(session, command, |flags| !flags.contains(Flags::LOADING)) {
            return Err(LOADING);
        }
        Ok(())
    }
}

/// Whether a command's reply tells nothing of what the data set holds or of what was done to it (but for the figures of INFO), so that
/// operators get it while nobody is told what could still be lost. CONFIG SET promises something of what was executed before it.
pub(crate) fn tells_nothing(command: &Command) -> bool {
    let touches_data = Flags::of(&[Flags::READONLY, Flags::WRITE, Flags::MAY_REPLICATE]);
    let (container, _) = command.name.split_once('|').unwrap_or((command.name, ""));
    (command.flags.contains(Flags::LOADING) || matches!(command.name, "bgrewriteaof" | "bgsave"))
        && !command.flags.intersects(touches_data)
        && !matches!(container, "exec" | "debug" | "monitor" | "slowlog" | "commandlog")
        && command.name != "config|set"
}

/// Whether `holds` is true of the flags of a command, or, if it is EXEC, of one that it would execute.
fn any(session: &Session, command: &Command, holds: impl Fn(Flags) -> bool) -> bool {
    let queued = match &session.transaction {
        Some(transaction) if command.name == "exec" => transaction.queue.as_slice(),
        _ => &[],
    };
    holds(command.flags) || queued.iter().any(|queued| holds(queued.found.command.flags))
}
