//! What a node does before it serves: it finds out which files there are (`found`), loads them, and opens or makes the append-only file.
//!
//! Until that is done the engine answers that it is loading. A node that can't load what is there ends; it never begins with
//! less, and never writes over what it could not read.

mod found;

use std::path::PathBuf;
use std::time::Duration;

use refrain_core::Bug;
use refrain_persist::{Limits, Salt};
use refrain_runtime::{Disk, Mono, Runtime};

pub use self::found::{Opened, Plan};
use self::found::{Places, adopt_alone, find_aof, find_files, find_snapshot, open, plan_start, prepare};
use super::aof_files::AofFiles;
use super::files::temporary_name;
use super::loading::{ITEMS_A_STEP, LoadOptions, Loaded, Loader, Step};
use super::log::{Log, Order};
use super::{FilesDone, NextPart, Replacing};
use crate::hooks::Probe;
use crate::node::{Exit, Node};

/// How far the start has got.
#[derive(Default)]
pub enum Start {
    /// It is over.
    #[default]
    Served,
    /// It is found out what there is, or files are opened.
    Prepares,
    /// Files are being loaded.
    Loads { loader: Box<Loader>, waits: bool, not_before: Mono, aof: Option<AofFiles> },
    /// The first base of an append-only file is being made.
    MakesBase,
}

impl Start {
    /// Whether the loop should take a step at once.
    pub fn wants_step(&self) -> bool {
        matches!(self, Start::Loads { waits: false, .. })
    }

    /// Whether more has been read.
    pub fn has_news(&self) -> bool {
        matches!(self, Start::Loads { loader, waits: true, .. } if loader.has_more())
    }
}

impl<R: Runtime, P: Probe> Node<R, P> {
    /// Begins the start: nothing is executed until it is over.
    pub(crate) fn begin_start(&mut self) {
        self.engine.loading_began(0);
        self.files.started = self.runtime.now();
        self.files.start = Start::Prepares;
        let (disk, places) = (self.runtime.disk(), Places::of(self.engine.config()));
        self.push_job(async move { FilesDone::Planned(plan_start(&disk, &places).await) });
    }

    /// Everything is to be loaded again from the snapshot's file.
    pub(super) fn plan_snapshot(&mut self, flush: bool, merge: bool) {
        self.files.replacing = Some(Replacing::Snapshot { flush, merge });
        self.files.start = Start::Prepares;
        let (disk, places) = (self.runtime.disk(), Places::of(self.engine.config()));
        self.push_job(async move {
            let parts = find_snapshot(&disk, &places.snapshot).await;
            FilesDone::Planned(parts.and_then(|parts| match parts.is_empty() {
                true => Err(format!("Can't open {}: there is no such file", places.snapshot.display())),
                false => Ok(Plan::new(parts, None)),
            }))
        });
    }

    /// Everything is to be loaded again from the append-only file, as soon as everything is in it.
    pub(super) fn plan_aof(&mut self) {
        self.files.replacing = Some(Replacing::Log);
        self.files.start = Start::Prepares;
        let (disk, places) = (self.runtime.disk(), Places::of(self.engine.config()));
        let log = self.files.log.clone();
        self.push_job(async move {
            if let Some(log) = log {
                log.stand_still().await;
            }
            let found = find_aof(&disk, &places).await;
            FilesDone::Planned(found.and_then(|found| match found {
                Some((files, parts)) => Ok(Plan::new(parts, Some(files))),
                None => Err("there is no append-only file".to_owned()),
            }))
        });
    }

    pub(super) fn planned(&mut self, plan: Result<Plan, String>) {
        let plan = match plan {
            Ok(plan) => plan,
            Err(why) => return self.load_ended(Err(why)),
        };
        match self.files.replacing {
            Some(Replacing::Log) if self.file_is_incomplete() => {
                // A sync has failed while it came to stand still.
                return self.load_ended(Err("the append-only file is not all that there is".to_owned()));
            }
            Some(Replacing::Log | Replacing::Snapshot { flush: true, .. }) => self.engine.empty_data_set(),
            _ => {}
        }
        self.engine.loading_began(plan.total);
        let config = &self.engine.config().persistence;
        let options = LoadOptions {
            // What was once written is read, whatever clients may send by now.
            limits: Limits { string_bytes: u64::MAX, ..self.engine.value_limits() },
            checksum: config.rdbchecksum,
            bytes_a_step: u64::try_from(config.loading_process_events_interval_bytes).unwrap_or(u64::MAX),
            items_a_step: if config.key_load_delay > 0 { 1 } else { ITEMS_A_STEP },
            cut_anywhere: self.engine.hooks().probe().planted(Bug::TruncationInTheMiddle),
            cut_allowed: config.aof_load_truncated && self.files.replacing.is_none(),
            merge: matches!(self.files.replacing, Some(Replacing::Snapshot { merge: true, .. })),
        };
        let (loader, task) = Loader::new(self.runtime.disk(), plan.parts, options);
        self.push_job(async move {
            task.await;
            FilesDone::Ended
        });
        let is_empty = plan.total == 0;
        self.files.start = Start::Loads { loader: Box::new(loader), waits: false, not_before: Mono(0), aof: plan.aof };
        if is_empty {
            // Nobody need hear that nothing is being loaded.
            self.step_start();
        }
    }

    /// Loads some more.
    pub(super) fn step_start(&mut self) {
        let now = self.runtime.now();
        let Start::Loads { loader, waits, not_before, .. } = &mut self.files.start else { return };
        if now < *not_before {
            *waits = true;
            return;
        }
        let delay_us = u64::try_from(self.engine.config().persistence.key_load_delay).unwrap_or(0);
        *not_before = now + Duration::from_micros(delay_us);
        match loader.step(&mut self.engine) {
            Ok(Step::More) => *waits = false,
            Ok(Step::Waits) => *waits = true,
            Ok(Step::Done(loaded)) => self.load_ended(Ok(loaded)),
            Err(why) => self.load_ended(Err(why)),
        }
    }

    fn load_ended(&mut self, outcome: Result<Loaded, String>) {
        let start = std::mem::take(&mut self.files.start);
        if self.files.replacing.is_some() {
            self.engine.loading_ended();
            return self.standing_load_ended(outcome.map(|_| ()));
        }
        let loaded = match outcome {
            Ok(loaded) => loaded,
            Err(why) => {
                if matches!(&start, Start::Loads { loader, .. } if loader.reads_keys()) {
                    tracing::warn!("Internal error in RDB reading: {why}");
                    tracing::warn!("Terminating server after rdb file reading failure.");
                }
                return self.start_failed(&why);
            }
        };
        let places = Places::of(self.engine.config());
        if !places.appendonly {
            if loaded.files > 0 {
                self.say_loaded("disk");
            }
            return self.start_ended();
        }
        self.files.start = Start::Prepares;
        let disk = self.runtime.disk();
        match start {
            Start::Loads { aof: Some(files), .. } => {
                self.say_loaded("append only file");
                let (salt, unix_s) = (self.new_salt(), self.stamp_second());
                self.push_job(async move { FilesDone::Opened(open(&disk, files, &loaded, salt, unix_s).await) });
            }
            _ => self.push_job(async move { FilesDone::Prepared(prepare(&disk, &places).await) }),
        }
    }

    fn say_loaded(&self, from: &str) {
        let took = self.runtime.now().since(self.files.started);
        tracing::info!("DB loaded from {from}: {:.3} seconds", took as f64 / 1e9);
    }

    fn start_failed(&mut self, why: &str) {
        self.exit = Some(Exit::Failed(format!("Fatal error loading the DB: {why}. Exiting.")));
    }

    fn start_ended(&mut self) {
        self.files.start = Start::Served;
        self.engine.loading_ended();
        (self.on_ready)();
    }

    /// There is an append-only file to go on with.
    pub(super) fn opened(&mut self, opened: Result<Opened<<R::Disk as Disk>::File>, String>) {
        match opened {
            Ok(opened) => {
                self.begin_log(opened);
                self.start_ended();
            }
            Err(why) => self.start_failed(&why),
        }
    }

    fn begin_log(&mut self, opened: Opened<<R::Disk as Disk>::File>) -> Log {
        let stream = &mut self.engine.effects().stream;
        stream.enable(true);
        let position = stream.position();
        let policy = self.engine.config().persistence.appendfsync;
        let (log, task) = Log::new(self.runtime.disk(), opened.files, opened.file, position, policy);
        let unix_s = self.stamp_second();
        let probe = self.engine.hooks().probe();
        log.look(|shared| {
            shared.unix_s = unix_s;
            (shared.size, shared.base_size) = (opened.size, opened.base_size);
            shared.ignores_sync_errors = probe.planted(Bug::SyncErrorIgnored);
            shared.cuts_transactions = probe.planted(Bug::HalfTransactionReplayed);
        });
        self.push_job(async move {
            task.await;
            FilesDone::Ended
        });
        self.files.log = Some(log.clone());
        self.report_log();
        log
    }

    /// There is a place for a new append-only file, which begins with a base of what there is now.
    pub(super) fn prepared(&mut self, prepared: Result<Opened<<R::Disk as Disk>::File>, String>) {
        // What a client has asked to be loaded again is no start.
        let is_first = !matches!(self.files.start, Start::Served) && self.files.replacing.is_none();
        self.files.preparing = false;
        if !is_first && !self.engine.config().persistence.appendonly {
            // It has been turned off meanwhile, and the rewrite for which this was has been cancelled.
            return;
        }
        let opened = match prepared {
            Ok(opened) => opened,
            Err(why) if is_first => return self.start_failed(&why),
            Err(why) => return self.snapshot_has_ended(refrain_core::Purpose::Rewrite, false, Err(why)),
        };
        if is_first {
            self.files.start = Start::MakesBase;
        }
        self.files.awaits_base = true;
        let log = self.begin_log(opened);
        self.make_next_part(&log, is_first);
    }

    /// The first base is there, or can't be made.
    pub(super) fn first_base_ended(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.start_ended(),
            Err(why) => self.start_failed(&format!("the append-only file can't be made: {why}")),
        }
    }

    /// A new base for the append-only file, and a new part that goes on behind it.
    pub(super) fn begin_rewrite(&mut self) {
        if self.files.running.is_some() {
            // What it would begin now is not what it holds.
            return self.take_later(refrain_core::Purpose::Rewrite);
        }
        match self.files.log.clone() {
            // It has been turned off, and is on again.
            Some(_) if self.files.closing => self.take_later(refrain_core::Purpose::Rewrite),
            Some(log) => self.make_next_part(&log, false),
            // It has been turned off and on again: what has been found is for this one.
            None if self.engine.config().persistence.appendonly && self.files.preparing => {}
            None if self.engine.config().persistence.appendonly => {
                self.files.preparing = true;
                let (disk, places) = (self.runtime.disk(), Places::of(self.engine.config()));
                self.push_job(async move { FilesDone::Prepared(prepare(&disk, &places).await) });
            }
            None => self.begin_base(false),
        }
    }

    /// Has a new file made that goes on behind the base. Writes go on meanwhile.
    fn make_next_part(&mut self, log: &Log, is_first: bool) {
        self.files.next_part = Some(NextPart { is_first });
        log.order(Order::MakeNext { salt: self.new_salt() });
    }

    /// The base has everything up to here, the new file everything from here on.
    pub(super) fn continue_in_next_part(&mut self, part: NextPart) {
        let log = self.files.log.clone().filter(|_| !self.files.closing);
        let Some(log) = log.filter(|_| self.files.running.is_none() && self.files.replacing.is_none()) else {
            // A new file belongs to the snapshot of the moment at which it begins, and to no other.
            return self.take_later(refrain_core::Purpose::Rewrite);
        };
        self.take_stream();
        // Each part says which database it begins in.
        self.engine.effects().stream.enable(true);
        log.order(Order::Switch { at: log.appended() });
        self.files.loses_next = self.engine.hooks().probe().planted(Bug::LostBehindSnapshot);
        self.begin_base(part.is_first);
    }

    /// What the seals of a new file are made with.
    fn new_salt(&self) -> Salt {
        Salt::new(self.runtime.entropy())
    }

    fn begin_base(&mut self, is_first: bool) {
        let folder = Places::of(self.engine.config()).folder;
        let temp = folder.join(temporary_name(&format!("{}.base", Places::of(self.engine.config()).name)));
        self.begin_snapshot(refrain_core::Purpose::Rewrite, temp, Some(folder), is_first);
    }

    /// A rewrite although nothing is appended to: the file is only a base then.
    pub(super) fn adopt_without_log(&mut self, temp: PathBuf, is_rdb: bool) {
        let (disk, places) = (self.runtime.disk(), Places::of(self.engine.config()));
        self.push_job(async move {
            let placed = match find_files(&disk, &places).await {
                Ok(files) => adopt_alone(&disk, &files, &temp, is_rdb).await.map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            FilesDone::Placed(placed)
        });
    }
}
