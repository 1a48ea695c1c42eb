//! A snapshot on its way to a file: slices of it are taken by the loop, encoded by an offloaded job and written by the disk, each
//! while the others go on.
//!
//! The loop never waits for the file. It is encoded and written in small pieces, so that neither keeps a CPU for long that the loop
//! needs. While more waits to be encoded than [`QUEUED_MAX`] no further slice is taken; entries that are about to change are kept
//! meanwhile, and when those have grown beyond the bound the snapshot is given up.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;

use std::time::Duration;

use refrain_core::{Bug, DatabaseSize, KeptUsage, Purpose, REDIS_VERSION, Slice, Snapshot};
use refrain_persist::aof::commands;
use refrain_persist::rdb::{Aux, RdbOptions, RdbWriter, Usage, Version};
use refrain_runtime::{Disk, File, Mono, Open, Runtime};

use super::FilesDone;
use super::files::{make_folder, put_in_place, snapshot_aside};
use super::log::Order;
use crate::hooks::Probe;
use crate::node::Node;

/// Bytes of entries that wait to be encoded at which no further slice is taken.
pub const QUEUED_MAX: usize = 4 << 20;

/// Bytes of entries after which what is encoded together ends, and is written: neither keeps a CPU for long then.
const BATCH: usize = 64 << 10;

/// Bytes written between two syncs, where a file is synced piecewise: a single sync at the end would write back everything at
/// once, in the way of whoever else uses the disk.
const SYNC_EVERY: u64 = 4 << 20;

/// What the loop and the task that writes share.
#[derive(Default)]
struct Shared {
    queue: VecDeque<Slice>,
    queued: usize,
    /// Bytes that were encoded.
    encoded: u64,
    /// Nothing more will come.
    complete: bool,
    /// Nobody wants it any more.
    given_up: bool,
    outcome: Option<Result<u64, String>>,
}

/// Slices on their way to a file: the loop's end.
#[derive(Clone)]
pub struct Sink {
    shared: Rc<RefCell<Shared>>,
}

/// How a file is to be written.
pub struct FileOptions {
    pub path: PathBuf,
    /// It is in this folder, which need not be there yet.
    pub folder: Option<PathBuf>,
    pub version: Version,
    pub options: RdbOptions,
    /// As commands and not as RDB.
    pub as_commands: bool,
    /// Sync it every few megabytes.
    pub piecewise: bool,
    /// Sync it when it is complete.
    pub synced: bool,
    /// What is written of keys' use.
    pub usage: UsageKept,
}

/// What is written of a key's use.
#[derive(Debug, Clone, Copy)]
pub enum UsageKept {
    Nothing,
    /// Seconds since the last use; the low 24 bits of the present second are these.
    Idle(u32),
    /// The counter of uses.
    Frequency,
}

impl UsageKept {
    fn of(self, lru: u32) -> Usage {
        match self {
            UsageKept::Nothing => Usage::Nothing,
            UsageKept::Idle(now) => Usage::Idle { seconds: u64::from(now.wrapping_sub(lru) & refrain_data::LRU_MAX) },
            UsageKept::Frequency => Usage::Frequency(lru as u8),
        }
    }
}

/// What turns slices into bytes; it travels with the jobs.
struct Encoder {
    form: Form,
    databases: Vec<DatabaseSize>,
    current: Option<usize>,
    usage: UsageKept,
}

enum Form {
    Rdb(RdbWriter),
    Commands,
}

impl Encoder {
    fn encode(&mut self, slices: &[Slice], out: &mut Vec<u8>) {
        let parts = slices.iter().flat_map(|slice| &slice.parts);
        let Form::Rdb(writer) = &mut self.form else {
            for (number, batch) in parts {
                if self.current != Some(*number) {
                    self.current = Some(*number);
                    commands::select(out, *number);
                }
                batch.iter().for_each(|entry| commands::create(out, entry));
            }
            return;
        };
        let mut file = writer.batch(out);
        for (number, batch) in parts {
            if self.current != Some(*number) {
                self.current = Some(*number);
                let size = self.databases.iter().find(|db| db.number == *number);
                let (keys, with_deadline) = size.map_or((0, 0), |db| (db.keys, db.with_deadline));
                file.database(*number, keys, with_deadline);
            }
            for entry in batch.iter() {
                file.entry(entry, self.usage.of(entry.lru()));
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Form::Rdb(writer) = &mut self.form {
            writer.finish(out);
        }
    }
}

impl Sink {
    /// The loop's end, and the task that writes the file: complete and durable when it has ended well, under the name that was
    /// given.
    pub fn new<R: Runtime>(
        runtime: R,
        snapshot: &Snapshot,
        file: FileOptions,
    ) -> (Sink, impl Future<Output = ()> + 'static) {
        let shared: Rc<RefCell<Shared>> = Rc::default();
        let encoder = Encoder {
            form: if file.as_commands { Form::Commands } else { Form::Rdb(RdbWriter::new(file.version, file.options)) },
            databases: snapshot.databases().to_vec(),
            current: None,
            usage: file.usage,
        };
        let ours = Rc::clone(&shared);
        let task = async move {
            match write(&runtime, &file.path, file.folder, [file.piecewise, file.synced], encoder, &ours).await {
                Ok((open, size)) => {
                    ours.borrow_mut().outcome = Some(Ok(size));
                    // Kept open until it has its name: before, a server that starts would take it for abandoned.
                    poll_fn(|_| if Rc::strong_count(&ours) > 1 { Poll::Pending } else { Poll::Ready(()) }).await;
                    drop(open);
                }
                Err(why) => {
                    // What is left of it is of no use to anybody.
                    let _ = runtime.disk().remove(&file.path).await;
                    ours.borrow_mut().outcome = Some(Err(why));
                }
            }
        };
        (Sink { shared }, task)
    }

    /// Adds entries.
    pub fn push(&self, slice: Slice) {
        let shared = &mut *self.shared.borrow_mut();
        shared.queued += slice.bytes();
        shared.queue.push_back(slice);
    }

    /// Whether so much waits that no further slice should be taken.
    pub fn is_full(&self) -> bool {
        self.shared.borrow().queued >= QUEUED_MAX
    }

    /// Bytes of entries that were encoded so far.
    pub fn encoded(&self) -> u64 {
        self.shared.borrow().encoded
    }

    /// Nothing more will come.
    pub fn complete(&self) {
        self.shared.borrow_mut().complete = true;
    }

    /// Nobody wants the file any more.
    pub fn give_up(&self) {
        let shared = &mut *self.shared.borrow_mut();
        shared.given_up = true;
        shared.queue.clear();
    }

    /// Whether the file has ended.
    pub fn has_outcome(&self) -> bool {
        self.shared.borrow().outcome.is_some()
    }

    /// How the file has ended: its size, or why there is none.
    pub fn take_outcome(&self) -> Option<Result<u64, String>> {
        self.shared.borrow_mut().outcome.take()
    }
}

impl Shared {
    /// The next slices, together about a batch; `None` once everything was taken.
    fn next(&mut self) -> Poll<Option<Vec<Slice>>> {
        if self.queue.is_empty() {
            return if self.complete || self.given_up { Poll::Ready(None) } else { Poll::Pending };
        }
        let mut bytes = 0;
        let taken = self.queue.iter().take_while(|slice| {
            let takes = bytes < BATCH;
            bytes += slice.bytes();
            takes
        });
        let taken = taken.count();
        Poll::Ready(Some(self.queue.drain(..taken).collect()))
    }
}

async fn write<R: Runtime>(
    runtime: &R,
    path: &Path,
    folder: Option<PathBuf>,
    [piecewise, synced]: [bool; 2],
    mut encoder: Encoder,
    shared: &Rc<RefCell<Shared>>,
) -> Result<(<R::Disk as Disk>::File, u64), String> {
    let said = |error: std::io::Error| error.to_string();
    if let Some(folder) = folder {
        make_folder(&runtime.disk(), &folder).await.map_err(said)?;
    }
    let file = runtime.disk().open(path, Open::Replace).await.map_err(said)?;
    let (mut size, mut unsynced) = (0u64, 0u64);
    let mut out = Vec::new();
    loop {
        let slices = poll_fn(|_| shared.borrow_mut().next()).await;
        if shared.borrow().given_up {
            return Err("it was given up".to_owned());
        }
        let is_last = slices.is_none();
        let mut taken = out;
        taken.clear();
        let bytes: usize = slices.iter().flatten().map(Slice::bytes).sum();
        (encoder, taken) = runtime
            .offload(move || {
                match slices {
                    Some(slices) => encoder.encode(&slices, &mut taken),
                    None => encoder.finish(&mut taken),
                }
                (encoder, taken)
            })
            .await;
        {
            let shared = &mut *shared.borrow_mut();
            shared.queued -= bytes;
            shared.encoded += bytes as u64;
        }
        unsynced += taken.len() as u64;
        let sync = (is_last && synced) || (piecewise && unsynced >= SYNC_EVERY);
        if sync {
            unsynced = 0;
        }
        let appended = file.append(taken, sync).await;
        appended.outcome.map_err(said)?;
        out = appended.bytes;
        size += out.len() as u64;
        if is_last {
            return Ok((file, size));
        }
    }
}

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
            slice: Slice::default(),
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
                running.sink.give_up();
            }
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
                    running.sink.push(std::mem::take(&mut running.slice));
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
