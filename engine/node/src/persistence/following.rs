//! How the loop and the append-only file get on: what the engine has written goes to the log, the log is told what the configuration says, and what
//! it has come to is passed on to the engine, to the server's log, and to those whose output waits.
//!
//! Nothing here waits. It decides what is durable for nobody: the log says so.

use refrain_core::config::AppendFsync;
use refrain_core::{AofReport, Bug, Purpose};
use refrain_runtime::Runtime;

use super::log::{Carried, Order};
use super::starting::Start;
use crate::hooks::Probe;
use crate::node::{Exit, Node};

impl<R: Runtime, P: Probe> Node<R, P> {
    /// What the engine has written since the last call goes to the append-only file.
    pub(crate) fn take_stream(&mut self) {
        if let Some(log) = &self.files.log
            && !self.engine.effects().stream.bytes().is_empty()
        {
            let sleep_us = self.engine.state().persistence.flush_sleep_us;
            if sleep_us > 0 {
                self.runtime.stall(std::time::Duration::from_micros(sleep_us));
            }
            let stream = &mut self.engine.effects().stream;
            match std::mem::take(&mut self.files.loses_next) {
                false => log.append(|waiting| stream.take_to(waiting)),
                true => stream.clear(),
            }
        }
    }

    /// What output must wait for, if it must: the offset up to which the file must be durable, and up to which it is.
    pub(crate) fn gate(&self) -> Option<(u64, u64)> {
        if self.engine.hooks().probe().planted(Bug::AnswersBeforeSync) {
            return None;
        }
        let log = self.files.log.as_ref().filter(|_| !self.files.awaits_base)?;
        // The log learns of a change once a round; what has been executed behind it waits already.
        let waits = log.look(|shared| shared.policy == AppendFsync::Always) || self.policy() == AppendFsync::Always;
        waits.then(|| (log.appended(), log.durable()))
    }

    /// When the append-only file is synced, as the configuration says now.
    fn policy(&self) -> AppendFsync {
        let config = &self.engine.config().persistence;
        let rests = config.no_appendfsync_on_rewrite && self.files.running.is_some();
        if rests { AppendFsync::No } else { config.appendfsync }
    }

    /// Looks at what the log has done, and brings it to what the configuration says.
    pub(super) fn follow_log(&mut self) {
        let wanted = self.engine.config().persistence.appendonly;
        if !wanted && self.files.log.is_some() && !self.files.closing && matches!(self.files.start, Start::Served) {
            self.take_stream();
            self.engine.effects().stream.enable(false);
            self.close_log();
        }
        let Some(log) = self.files.log.clone() else { return };
        if let Some(why) = log.look(|shared| shared.fatal.clone()) {
            // Before any gate: a policy that has been changed since must not let out what waited for that sync.
            self.exit = Some(Exit::Failed(format!(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': {why}. Exiting..."
            )));
            return;
        }
        let policy = self.policy();
        let keeps_history = self.engine.config().persistence.aof_disable_auto_gc;
        let unix_s = self.stamp_second();
        let (was, kept_history) = log.look(|shared| {
            shared.unix_s = unix_s;
            (std::mem::replace(&mut shared.policy, policy), std::mem::replace(&mut shared.keeps_history, keeps_history))
        });
        if was != policy {
            self.open_gates();
        }
        if kept_history && !keeps_history {
            log.order(Order::ForgetHistory);
        }
        let now = self.runtime.now();
        if now >= self.files.next_second {
            self.files.next_second = now + std::time::Duration::from_secs(1);
            self.files.delayed_fsync += u64::from(log.second_has_passed());
            self.report_log();
            if self.files.running.is_none() && log.look(|shared| shared.sync_error.is_some()) {
                // Nothing is known of what the failed sync was to cover: everything is written anew.
                self.engine.want_rewrite();
            }
        }
        if self.files.closing
            && self.ends_with_log()
            && let Some(why) = log.look(|shared| shared.refusal().cloned())
        {
            tracing::warn!("Error writing the append-only file, what was written last is lost: {why}. Exit anyway.");
            return self.end();
        }
        if !log.take_changed() {
            return;
        }
        for carried in log.take_carried() {
            self.log_has(carried);
        }
        self.report_log();
        self.open_gates();
    }

    /// The second of unix time, if the append-only file is to say when it was written.
    pub(super) fn stamp_second(&self) -> Option<u64> {
        let stamps = self.engine.config().persistence.aof_timestamp_enabled;
        stamps.then(|| self.runtime.wall().0 / 1_000_000_000)
    }

    /// Has the log closed when everything is in it, once.
    pub(super) fn close_log(&mut self) {
        if let Some(log) = self.files.log.as_ref().filter(|_| !self.files.closing) {
            log.order(Order::Close);
            self.files.closing = true;
            self.report_log();
        }
    }

    fn log_has(&mut self, carried: Carried) {
        match carried {
            Carried::NextMade => {
                if let Some(part) = self.files.next_part.take() {
                    self.continue_in_next_part(part);
                }
            }
            Carried::NextNotMade(why) => {
                if let Some(part) = self.files.next_part.take() {
                    self.snapshot_has_ended(Purpose::Rewrite, part.is_first, Err(not_continued(&why)));
                }
            }
            Carried::Switched => {}
            Carried::NotSwitched(why) => {
                if let Some(running) = &mut self.files.running
                    && running.purpose == Purpose::Rewrite
                {
                    running.fail(not_continued(&why));
                }
            }
            Carried::Adopted => {
                self.files.awaits_base = false;
                self.report_log();
                self.placed(Ok(()));
            }
            Carried::NotAdopted(why) => self.placed(Err(why)),
            Carried::Closed => {
                (self.files.log, self.files.said_error) = (None, None);
                (self.files.closing, self.files.awaits_base) = (false, false);
                self.engine.aof_reported(AofReport { delayed_fsync: self.files.delayed_fsync, ..AofReport::default() });
                self.open_gates();
                if self.ends_with_log() {
                    self.end();
                } else if self.files.running.is_none() {
                    self.begin_next_snapshot();
                }
            }
        }
    }

    /// Tells the engine how the append-only file fares.
    pub(super) fn report_log(&mut self) {
        let Some(log) = &self.files.log else { return };
        let awaits_base = self.files.awaits_base;
        let closing = self.files.closing && !self.shuts_down();
        let delayed_fsync = self.files.delayed_fsync;
        let report = log.look(|shared| AofReport {
            enabled: true,
            awaits_base,
            closing,
            current_size: shared.size,
            base_size: shared.base_size,
            buffer_length: shared.waiting_len(),
            pending_fsync: shared.is_syncing(),
            delayed_fsync,
            write_error: shared.error().cloned(),
            appended: shared.appended(),
            durable: if awaits_base { 0 } else { shared.durable() },
        });
        self.say_whether_it_is_written(report.write_error.as_deref());
        self.engine.aof_reported(report);
    }

    /// Into the server's log, whenever that has changed.
    fn say_whether_it_is_written(&mut self, error: Option<&str>) {
        if self.files.said_error.as_deref() == error {
            return;
        }
        match error {
            Some(why) => tracing::warn!("Error writing to the AOF file: {why}"),
            None => tracing::warn!("AOF write error looks solved. The server can write again."),
        }
        self.files.said_error = error.map(str::to_owned);
    }

    /// Sends what may leave now that more is durable.
    fn open_gates(&mut self) {
        for token in self.connections.take_gated() {
            self.flush(token);
        }
    }
}

fn not_continued(why: &str) -> String {
    format!("the append-only file could not be continued in a new one: {why}")
}
