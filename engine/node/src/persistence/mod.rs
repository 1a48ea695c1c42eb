//! What a node keeps on disk: its append-only file, snapshots, and what it loads at the start.
//!
//! The engine asks ([`refrain_core::Ask`]), the node carries out and reports. Nothing here makes the loop wait: files are
//! written by tasks among the loop's jobs, and what they have come to is looked at once a round. While everything has to stand
//! still (SAVE, DEBUG RELOAD, the end of the process) the loop goes on turning, but reads and executes nothing.

mod aof_files;
mod files;
mod following;
mod gates;
mod loading;
mod log;
mod snapshot;
mod starting;

use std::collections::VecDeque;
use std::path::PathBuf;

use refrain_core::{Ask, NOT_SAVED, Purpose, SNAPSHOT_NOT_LOADED, SessionId, Shutdown};
use refrain_runtime::{Disk, Mono, Runtime};

pub use self::gates::Gates;
use self::log::Log;
use self::snapshot::Running;
use self::starting::{Opened, Plan, Start};
use crate::hooks::Probe;
use crate::node::{Done, Exit, Node};

/// The state of all that.
pub struct Files {
    /// The append-only file, while there is one.
    pub log: Option<Log>,
    /// The log has no base yet: nothing that is written to it counts.
    awaits_base: bool,
    /// A snapshot that is being written.
    running: Option<Running>,
    /// A snapshot for the append-only file begins as soon as there is a new file that goes on behind it.
    next_part: Option<NextPart>,
    /// What is to be taken as soon as the one that is under way has stopped, each once.
    next: VecDeque<Purpose>,
    /// What is being loaded, or made, before anything is executed.
    start: Start,
    /// When the start began.
    started: Mono,
    /// What the data set is being replaced by, for a client: no snapshot may be begun of what it is meanwhile. Whoever has asked for the
    /// end since still finds it whole.
    replacing: Option<Replacing>,
    /// Why everything stands still.
    standing: Option<Standing>,
    /// What the server's log was last told of why the append-only file is not written.
    said_error: Option<String>,
    /// How often a write has waited for a sync.
    delayed_fsync: u64,
    /// When the log is told that another second has passed.
    next_second: Mono,
    /// The log was told to close.
    closing: bool,
    /// A place for a new log is being looked for: there is none meanwhile, and nobody else looks.
    preparing: bool,
    /// A test wants the next bytes of the stream to be lost.
    loses_next: bool,
}

/// What is done while everything stands still.
#[derive(Debug, Clone, Copy)]
enum Standing {
    Save {
        client: SessionId,
    },
    Reload {
        client: SessionId,
        flush: bool,
        merge: bool,
    },
    LoadAof {
        client: SessionId,
    },
    /// `saves` until the last snapshot is there: then the append-only file is all that the end waits for.
    Shutdown {
        saves: bool,
    },
}

/// What a new file of the append-only file is being made for.
#[derive(Debug, Clone, Copy)]
struct NextPart {
    /// For the first base of all, at the start.
    is_first: bool,
}

/// What a data set is replaced by.
#[derive(Debug, Clone, Copy)]
enum Replacing {
    Snapshot { flush: bool, merge: bool },
    Log,
}

impl Default for Files {
    fn default() -> Files {
        Files {
            log: None,
            awaits_base: false,
            running: None,
            next_part: None,
            next: VecDeque::new(),
            start: Start::Served,
            started: Mono(0),
            replacing: None,
            standing: None,
            said_error: None,
            delayed_fsync: 0,
            next_second: Mono(0),
            closing: false,
            preparing: false,
            loses_next: false,
        }
    }
}

impl Files {
    /// When the next slice of a snapshot is due that is taken slowly on purpose.
    pub fn next_slice(&self) -> Mono {
        self.running.as_ref().map_or(Mono::NEVER, Running::next_slice)
    }

    /// Whether tasks have come to something that the loop has to look at.
    pub fn have_news(&self) -> bool {
        self.log.as_ref().is_some_and(Log::has_changed)
            || self.running.as_ref().is_some_and(|running| running.wants_slice() || running.has_outcome())
            || self.start.has_news()
    }
}

/// What jobs of this module come to.
pub enum FilesDone<F> {
    /// What is to be loaded.
    Planned(Result<Plan, String>),
    /// An append-only file to go on with.
    Opened(Result<Opened<F>, String>),
    /// Where a new one would begin.
    Prepared(Result<Opened<F>, String>),
    /// A file was put in its place.
    Placed(Result<(), String>),
    /// A task has ended; what it came to lies elsewhere.
    Ended,
}

impl<R: Runtime, P: Probe> Node<R, P> {
    /// Whether nothing of clients may be read or executed.
    pub(crate) fn stands_still(&self) -> bool {
        self.files.standing.is_some()
            || matches!(self.files.start, Start::Prepares | Start::MakesBase)
            || self.files.log.as_ref().is_some_and(Log::is_full)
            || self.files.running.as_ref().is_some_and(Running::presses)
    }

    /// Whether the process is about to end, as soon as what has to be kept is.
    pub(crate) fn shuts_down(&self) -> bool {
        matches!(self.files.standing, Some(Standing::Shutdown { .. }))
    }

    /// Whether it ends when the append-only file is closed. One that is closed while the last snapshot is written, because it was turned
    /// off, ends nothing.
    pub(super) fn ends_with_log(&self) -> bool {
        matches!(self.files.standing, Some(Standing::Shutdown { saves: false }))
    }

    /// Whether the loop has something to do at once for files.
    pub(crate) fn has_file_work(&self) -> bool {
        self.files.running.as_ref().is_some_and(Running::wants_slice) || self.files.start.wants_step()
    }

    /// Everything that concerns files, once a round.
    pub(crate) fn look_after_files(&mut self) {
        self.take_stream();
        for ask in std::mem::take(&mut self.engine.effects().asks) {
            self.carry_out_ask(ask);
        }
        self.step_start();
        self.step_snapshot();
        self.follow_log();
    }

    fn carry_out_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Snapshot => self.begin_save(),
            Ask::Rewrite => self.begin_rewrite(),
            Ask::Cancel(purpose) => match &mut self.files.running {
                Some(running) if running.purpose == purpose => running.cancel(),
                _ => {
                    if purpose == Purpose::Rewrite {
                        self.files.next_part = None;
                    }
                    // What stands still for a snapshot still waits for it.
                    self.files.next.retain(|waits| purpose == Purpose::Save || *waits != purpose);
                    self.engine.snapshot_cancelled(purpose);
                }
            },
            // Where a process takes a snapshot there is one to be killed only when the file has been switched.
            Ask::FailSnapshot if self.snapshot_has_yet_to_begin() => self.engine.effects().asks.push(ask),
            Ask::FailSnapshot => {
                if let Some(running) = &mut self.files.running {
                    running.fail("it was stopped by DEBUG STOP-SNAPSHOT".to_owned());
                }
            }
            Ask::Save { client } => {
                self.files.standing = Some(Standing::Save { client });
                self.begin_save();
            }
            Ask::Reload { client, save, flush, merge } => {
                self.files.standing = Some(Standing::Reload { client, flush, merge });
                match save {
                    true => self.begin_save(),
                    false => self.plan_snapshot(flush, merge),
                }
            }
            Ask::LoadAof { client } if self.file_is_incomplete() => {
                // What is in the file is not all that there is.
                tracing::warn!("The append-only file does not hold everything yet: nothing is loaded from it");
                self.engine.answer(client, Err(refrain_core::APPEND_ONLY_NOT_LOADED));
            }
            Ask::LoadAof { client } => {
                self.files.standing = Some(Standing::LoadAof { client });
                self.plan_aof();
            }
        }
    }

    /// Whether what is known to be under way has not begun, or its part of the append-only file has not.
    fn snapshot_has_yet_to_begin(&self) -> bool {
        let is_switching = self.files.log.as_ref().is_some_and(Log::is_switching);
        match &self.files.running {
            Some(running) => running.purpose == Purpose::Rewrite && is_switching,
            None => self.engine.state().persistence.is_busy(),
        }
    }

    /// Whether what the manifest names is not all that there should be: it has no base yet, or a part that is not named before a new
    /// base is there, because nobody knows what a failed sync has left of the one before it.
    pub(super) fn file_is_incomplete(&self) -> bool {
        match &self.files.log {
            Some(_) if self.files.awaits_base => true,
            // It ends, and nothing more goes to it: there will be a new one.
            Some(_) if self.files.closing => self.engine.config().persistence.appendonly,
            Some(log) => log.look(|shared| shared.sync_error.is_some()),
            None => self.engine.config().persistence.appendonly,
        }
    }

    /// The process is to end: what has to be kept is, first.
    pub(crate) fn begin_shutdown(&mut self, shutdown: Shutdown) {
        self.files.standing = Some(Standing::Shutdown { saves: shutdown.save });
        if shutdown.save {
            self.begin_save();
            return;
        }
        if let Some(running) = &mut self.files.running {
            running.cancel();
        }
        self.close_log_and_exit();
    }

    fn close_log_and_exit(&mut self) {
        self.files.standing = Some(Standing::Shutdown { saves: false });
        match self.files.log {
            Some(_) => self.close_log(),
            None => self.end(),
        }
    }

    fn end(&mut self) {
        self.exit = Some(self.signal.take().map_or(Exit::Command, Exit::Signal));
    }

    /// A save has ended for which something stands still.
    fn standing_save_ended(&mut self, outcome: Result<(), String>) {
        match self.files.standing {
            Some(Standing::Save { client }) => {
                self.files.standing = None;
                self.engine.answer(client, outcome.map_err(|_| NOT_SAVED));
            }
            Some(Standing::Reload { client, flush, merge }) => match outcome {
                Ok(()) => self.plan_snapshot(flush, merge),
                Err(_) => {
                    self.files.standing = None;
                    self.engine.answer(client, Err(NOT_SAVED));
                }
            },
            Some(Standing::Shutdown { .. }) => match outcome {
                Ok(()) => self.close_log_and_exit(),
                Err(why) if self.engine.shutdown_failed(&why) => self.close_log_and_exit(),
                Err(_) => {
                    self.files.standing = None;
                    self.signal = None;
                }
            },
            Some(Standing::LoadAof { .. }) | None => {}
        }
    }

    /// What was to be loaded while everything stands still is, or can't be.
    fn standing_load_ended(&mut self, outcome: Result<(), String>) {
        if let Err(why) = &outcome {
            tracing::warn!("{why}");
        }
        if let Some(log) = &self.files.log {
            log.go_on();
        }
        self.files.replacing = None;
        match self.files.standing.take() {
            Some(Standing::Reload { client, .. }) => {
                self.engine.answer(client, outcome.map_err(|_| SNAPSHOT_NOT_LOADED));
            }
            Some(Standing::LoadAof { client }) => {
                self.engine.answer(client, outcome.map_err(|_| refrain_core::APPEND_ONLY_NOT_LOADED));
            }
            other => self.files.standing = other,
        }
        if self.files.running.is_none() {
            self.begin_next_snapshot();
        }
    }

    /// What a job of this module has come to.
    pub(crate) fn files_done(&mut self, done: FilesDone<<R::Disk as Disk>::File>) {
        match done {
            FilesDone::Planned(plan) => self.planned(plan),
            FilesDone::Opened(opened) => self.opened(opened),
            FilesDone::Prepared(prepared) => self.prepared(prepared),
            FilesDone::Placed(outcome) => self.placed(outcome),
            FilesDone::Ended => {}
        }
    }

    pub(crate) fn push_job(&mut self, job: impl Future<Output = FilesDone<<R::Disk as Disk>::File>> + 'static) {
        self.jobs.push(async move { Done::Files(job.await) });
    }

    fn snapshot_path(&self) -> PathBuf {
        PathBuf::from(&self.engine.config().persistence.dbfilename)
    }
}
