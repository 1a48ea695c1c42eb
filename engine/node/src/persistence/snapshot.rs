//! A snapshot on its way to a file: slices of it are taken by the loop, encoded by an offloaded job and written by the disk, each
//! while the others go on.
//!
//! The loop never waits for the file, which `sink` writes. While much waits to be encoded no further slice is taken; entries that are about to
//! change are kept meanwhile, and when those have grown beyond the bound the snapshot is given up.

mod sink;

use std::path::{Path, PathBuf};
use std::time::Duration;

use refrain_core::{Bug, KeptUsage, Purpose, REDIS_VERSION, Slice, Snapshot};
use refrain_persist::rdb::{Aux, RdbOptions};
use refrain_runtime::{Disk, Mono, Runtime};

use self::sink::{FileOptions, Sink, UsageKept};
use super::FilesDone;
use super::files::{put_in_place, snapshot_aside};
use super::log::Order;
use crate::hooks::Probe;
use crate::node::Node;

/// Units of work that a slice is given: some tens of microseconds of it.
const SLICE_UNITS: u64 = 1024;

/// The same while everybody waits for the snapshot anyway.
const STANDING_UNITS: u64 = 16_384;

/// The most that a slice is given to catch up with entries that were copied before they changed.
const CATCH_UP_UNITS: u64 = 8192;

/// Bytes that a copied entry has at least, for an estimate of how many wait.
const ENTRY_BYTES: u64 = 32;

/// Bytes of entries that are handed on together.
const HAND_ON: usize = 64 << 10;

/// By so much the last slice of them mostly goes beyond that.
const SLICE_ROOM: usize = 16 << 10;

/// Copied entries that no slice has taken may hold so many bytes, and a part of all memory, before the snapshot is given up.
const PENDING_MAX: u64 = 64 << 20;
const PENDING_PART: u64 = 20;

/// While copied entries hold more than this, and what encodes them is at work and behind, clients wait for it: what they change
/// would only add to them.
const PRESSING: u64 = 8 << 20;

/// What has not moved for so long is not behind, but stuck: nobody waits for it.
const STUCK: Duration = Duration::from_millis(50);

/// A snapshot under way.
pub struct Running {
    pub purpose: Purpose,
    /// It makes the first base of a file, at the start: nobody has asked for it.
    pub is_first: bool,
    snapshot: Option<Snapshot>,
    sink: Sink,
    slice: Slice,
    keys: u64,
    keys_done: u64,
    failed: Option<String>,
    cancelled: bool,
    /// The file is complete and on its way to its place.
    placing: bool,
    /// No further slice before this moment: `rdb-key-save-delay`.
    not_before: Mono,
    waits: bool,
    /// Copied entries hold much, and clients wait for them to become fewer.
    presses: bool,
    /// Bytes that were encoded, and when they last became more.
    encoded: (u64, Mono),
    temp: PathBuf,
    /// Where a snapshot of its own belongs: as it was configured when it began, as if a process had been forked off for it.
    to: PathBuf,
    /// What the file is made of.
    is_rdb: bool,
}

impl Running {
    /// Whether the loop should take a slice at once.
    pub fn wants_slice(&self) -> bool {
        self.snapshot.is_some() && !self.waits && !self.sink.is_full()
    }

    /// Whether clients should wait for it to catch up.
    pub fn presses(&self) -> bool {
        self.presses && self.sink.is_full()
    }

    /// When the next slice is due, if it has to wait for a moment.
    pub fn next_slice(&self) -> Mono {
        if self.snapshot.is_some() && self.waits { self.not_before } else { Mono::NEVER }
    }

    /// Whether its file has ended.
    pub fn has_outcome(&self) -> bool {
        self.sink.has_outcome()
    }

    /// Nobody wants it any more.
    pub fn cancel(&mut self) {
        if !self.placing {
            self.cancelled = true;
        }
    }

    /// It can't be completed.
    pub fn fail(&mut self, why: String) {
        if !self.placing {
            self.failed.get_or_insert(why);
        }
    }
}

impl<R: Runtime, P: Probe> Node<R, P> {
    /// Begins a snapshot of its own file.
    pub(super) fn begin_save(&mut self) {
        let temp = snapshot_aside(&self.engine.config().persistence.dbfilename, &self.engine.state().run_id);
        let temp = self.runtime.disk().absolute(Path::new(&temp));
        self.begin_snapshot(Purpose::Save, temp, None, false);
    }

    /// Begins a snapshot that will be written under a name that nobody reads.
    pub(super) fn begin_snapshot(&mut self, purpose: Purpose, temp: PathBuf, folder: Option<PathBuf>, is_first: bool) {
        if self.files.replacing.is_some() {
            return self.take_later(purpose);
        }
        if let Some(running) = &self.files.running {
            tracing::debug!("a snapshot waits for the end of another ({:?})", running.purpose);
            self.take_later(purpose);
            // Nobody else waits while everything stands still, and nobody stops what everybody waits for.
            if let Some(running) = &mut self.files.running
                && purpose == Purpose::Save
                && self.files.standing.is_some()
            {
                running.cancel();
            }
            return;
        }
        let snapshot = match self.engine.begin_snapshot() {
            Ok(snapshot) => snapshot,
            Err(error) => return self.snapshot_has_ended(purpose, is_first, Err(error.to_string())),
        };
        let config = self.engine.config();
        let file = FileOptions {
            path: temp.clone(),
            folder,
            as_commands: purpose == Purpose::Rewrite && !config.persistence.aof_use_rdb_preamble,
            version: self.engine.snapshot_version(),
            options: RdbOptions {
                compression: config.persistence.rdbcompression,
                checksum: config.persistence.rdbchecksum,
                aux: Aux {
                    ctime_unix_s: self.runtime.wall().0 / 1_000_000_000,
                    used_memory: self.engine.state().used_memory(),
                    aof_base: purpose == Purpose::Rewrite,
                    redis_version: REDIS_VERSION,
                },
            },
            synced: purpose == Purpose::Save || !self.engine.hooks().probe().planted(Bug::BaseIsNotDurable),
            piecewise: match purpose {
                Purpose::Save => config.persistence.rdb_save_incremental_fsync,
                Purpose::Rewrite => config.persistence.aof_rewrite_incremental_fsync,
            },
            usage: match self.engine.kept_usage() {
                KeptUsage::Nothing => UsageKept::Nothing,
                KeptUsage::Idle { now } => UsageKept::Idle(now),
                KeptUsage::Frequency => UsageKept::Frequency,
            },
        };
        let is_rdb = !file.as_commands;
        let (sink, task) = Sink::new(self.runtime.clone(), &snapshot, file);
        self.push_job(async move {
            task.await;
            FilesDone::Ended
        });
        let keys = snapshot.keys();
        if !is_first {
            self.engine.snapshot_began(purpose, keys);
        }
        self.files.running = Some(Running {
            purpose,
            is_first,
            snapshot: Some(snapshot),
            sink,
            slice: Slice::with_room(HAND_ON + SLICE_ROOM),
            keys,
            keys_done: 0,
            failed: None,
            cancelled: false,
            placing: false,
            not_before: Mono(0),
            waits: false,
            presses: false,
            encoded: (0, self.runtime.now()),
            temp,
            to: self.runtime.disk().absolute(&self.snapshot_path()),
            is_rdb,
        });
    }

    /// A slice of the snapshot that is under way, and what its file has come to.
    pub(super) fn step_snapshot(&mut self) {
        let standing = self.files.standing.is_some();
        let Some(running) = &mut self.files.running else { return };
        if running.placing {
            return;
        }
        running.waits = self.runtime.now() < running.not_before;
        let wants_slice = running.wants_slice();
        if running.cancelled || running.failed.is_some() {
            if let Some(snapshot) = running.snapshot.take() {
                self.engine.end_snapshot(snapshot);
            }
            running.sink.give_up();
        } else if let Some(snapshot) = &mut running.snapshot {
            let pending = self.engine.snapshot_pending_bytes(snapshot) as u64;
            let bound = PENDING_MAX + self.engine.state().used_memory() / PENDING_PART;
            let now = self.runtime.now();
            let encoded = running.sink.encoded();
            if encoded > running.encoded.0 {
                running.encoded = (encoded, now);
            }
            running.presses = pending > PRESSING && now < running.encoded.1 + STUCK;
            if pending > bound {
                running.failed = Some(format!(
                    "{pending} bytes of entries that have changed since wait to be written: the disk is too slow"
                ));
            } else if wants_slice {
                let delay_us = u64::try_from(self.engine.config().persistence.rdb_key_save_delay).unwrap_or(0);
                let units = match (delay_us, standing) {
                    (0, true) => STANDING_UNITS,
                    (0, false) => SLICE_UNITS + (pending / ENTRY_BYTES).min(CATCH_UP_UNITS),
                    _ => 1,
                };
                let had = running.slice.len() as u64;
                let done = self.engine.snapshot_slice(snapshot, units, &mut running.slice);
                let taken = running.slice.len() as u64 - had;
                running.keys_done += taken;
                running.not_before = now + Duration::from_micros(delay_us.saturating_mul(taken));
                running.waits = delay_us > 0 && taken > 0;
                if done || running.slice.bytes() >= HAND_ON {
                    running.sink.push(std::mem::replace(&mut running.slice, Slice::with_room(HAND_ON + SLICE_ROOM)));
                }
                if done {
                    running.sink.complete();
                    let snapshot = running.snapshot.take().expect("it is being taken");
                    self.engine.end_snapshot(snapshot);
                }
                if !running.is_first {
                    self.engine.snapshot_progress(running.keys_done.min(running.keys));
                }
            }
        }
        let Some(running) = &mut self.files.running else { return };
        let Some(outcome) = running.sink.take_outcome() else { return };
        if let Some(snapshot) = running.snapshot.take() {
            self.engine.end_snapshot(snapshot);
        }
        let (purpose, is_first) = (running.purpose, running.is_first);
        if running.cancelled {
            return self.snapshot_has_stopped(purpose);
        }
        match (running.failed.take(), outcome) {
            (Some(why), _) | (None, Err(why)) => {
                self.files.running = None;
                self.snapshot_has_ended(purpose, is_first, Err(why));
            }
            (None, Ok(_)) => {
                running.placing = true;
                let (temp, to, is_rdb) = (running.temp.clone(), running.to.clone(), running.is_rdb);
                self.place(purpose, temp, to, is_rdb);
            }
        }
    }

    /// Puts the complete file where it belongs.
    fn place(&mut self, purpose: Purpose, temp: PathBuf, to: PathBuf, is_rdb: bool) {
        match (purpose, &self.files.log) {
            (Purpose::Save, _) => {
                let disk = self.runtime.disk();
                self.push_job(async move {
                    let placed = put_in_place(&disk, &temp, &to).await;
                    if placed.is_err() {
                        // It is of no use to anybody, if it is still called so.
                        let _ = disk.remove(&temp).await;
                    }
                    FilesDone::Placed(placed.map_err(|error| error.to_string()))
                });
            }
            // Behind the order to close the log carries out no other.
            (Purpose::Rewrite, Some(_)) if self.files.closing => {
                let disk = self.runtime.disk();
                self.push_job(async move {
                    // One that stays is swept at the next start.
                    let _ = disk.remove(&temp).await;
                    FilesDone::Ended
                });
                self.snapshot_has_stopped(purpose);
            }
            (Purpose::Rewrite, Some(log)) => log.order(Order::Adopt { base: temp, is_rdb }),
            (Purpose::Rewrite, None) => self.adopt_without_log(temp, is_rdb),
        }
    }

    /// The file is in its place, or could not be put there.
    pub(super) fn placed(&mut self, outcome: Result<(), String>) {
        if let Some(running) = self.files.running.take() {
            self.snapshot_has_ended(running.purpose, running.is_first, outcome);
        }
    }

    /// A snapshot has stopped that nobody wants any more.
    fn snapshot_has_stopped(&mut self, purpose: Purpose) {
        self.files.running = None;
        self.engine.snapshot_cancelled(purpose);
        self.begin_next_snapshot();
    }

    /// A snapshot is over.
    pub(super) fn snapshot_has_ended(&mut self, purpose: Purpose, is_first: bool, outcome: Result<(), String>) {
        if is_first {
            return self.first_base_ended(outcome);
        }
        self.engine.snapshot_ended(purpose, outcome.clone());
        if purpose == Purpose::Save && !self.files.next.contains(&Purpose::Save) {
            self.standing_save_ended(outcome);
        }
        self.begin_next_snapshot();
    }

    /// Takes a snapshot as soon as the one that is under way has stopped, or the append-only file is closed.
    pub(super) fn take_later(&mut self, purpose: Purpose) {
        if !self.files.next.contains(&purpose) {
            self.files.next.push_back(purpose);
        }
    }

    /// What had to wait for the end of another, or of what everything stands still for.
    pub(super) fn begin_next_snapshot(&mut self) {
        if self.files.replacing.is_some() {
            return;
        }
        match self.files.next.pop_front() {
            Some(Purpose::Save) => self.begin_save(),
            Some(Purpose::Rewrite) => self.begin_rewrite(),
            None => {}
        }
    }
}
