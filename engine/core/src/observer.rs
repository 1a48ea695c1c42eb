//! What is written down of every command that ran: how often, how long, how it ended; and which were remarkable.
//!
//! A command costs a few additions, one histogram bucket, and one comparison with each of three thresholds that are computed
//! when the configuration changes. Only a command above one of them is looked at again.

use crate::call::Args;
use crate::commandlog::{CommandLog, LogKind};
use crate::config::Config;
use crate::histogram::Histogram;
use crate::latency::LatencyMonitor;
use crate::session::Session;
use crate::table::{Flags, Found};

/// Counters of one command.
#[derive(Debug, Clone, Default)]
pub struct CommandStats {
    /// Executions.
    pub calls: u64,
    /// Time of all of them, in ticks.
    pub ticks: u64,
    /// Refused before execution.
    pub rejected: u64,
    /// Executed and answered with an error.
    pub failed: u64,
    /// How long each took, from the first on that was tracked.
    pub histogram: Option<Histogram>,
}

/// How one execution went.
#[derive(Debug, Clone, Copy)]
pub struct Execution {
    /// Ticks that it took.
    pub ticks: u64,
    /// Bytes of its request.
    pub request: usize,
    /// Bytes of its reply.
    pub reply: usize,
    /// Whether it was answered with an error.
    pub failed: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Observer {
    /// By the table's index.
    pub commands: Vec<CommandStats>,
    /// Ticks of commands that others executed (EXEC): counted there, too.
    pub nested_ticks: u64,
    /// Spikes of latency.
    pub latency: LatencyMonitor,
    slow: CommandLog,
    large_requests: CommandLog,
    large_replies: CommandLog,
    thresholds: Thresholds,
    histograms: bool,
    ticks_per_second: u64,
}

/// From where on a command is remarkable, the lowest of what is configured.
#[derive(Debug)]
struct Thresholds {
    ticks: u64,
    request: usize,
    reply: usize,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { ticks: u64::MAX, request: usize::MAX, reply: usize::MAX }
    }
}

impl Observer {
    /// An observer of `commands` commands.
    pub fn new(commands: usize, ticks_per_second: u64) -> Observer {
        Observer { commands: vec![CommandStats::default(); commands], ticks_per_second, ..Observer::default() }
    }

    /// The configuration may have changed.
    pub fn configure(&mut self, config: &Config) {
        let slow_us = u64::try_from(config.monitoring.slowlog_log_slower_than).ok();
        let spike_us = u64::try_from(config.monitoring.latency_monitor_threshold).ok().filter(|ms| *ms > 0);
        let spike_us = spike_us.map(|ms| ms.saturating_mul(1000));
        let from = slow_us.into_iter().chain(spike_us).min();
        let size = |bytes: i64| usize::try_from(bytes).unwrap_or(usize::MAX);
        self.thresholds = Thresholds {
            ticks: from.map_or(u64::MAX, |us| self.ticks(us)),
            request: size(config.monitoring.commandlog_request_larger_than),
            reply: size(config.monitoring.commandlog_reply_larger_than),
        };
        self.histograms = config.monitoring.latency_tracking;
        self.slow.trim(config.monitoring.slowlog_max_len);
        self.large_requests.trim(config.monitoring.commandlog_large_request_max_len);
        self.large_replies.trim(config.monitoring.commandlog_large_reply_max_len);
    }

    /// The fewest ticks that are so many microseconds.
    fn ticks(&self, us: u64) -> u64 {
        let ticks = (u128::from(us) * u128::from(self.ticks_per_second)).div_ceil(1_000_000);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Whole microseconds of so many ticks.
    pub fn micros(&self, ticks: u64) -> u64 {
        let us = u128::from(ticks) * 1_000_000 / u128::from(self.ticks_per_second.max(1));
        u64::try_from(us).unwrap_or(u64::MAX)
    }

    /// Nanoseconds of so many ticks.
    pub fn nanos(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_per_second.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Counts an execution. True when it must be looked at by [`Observer::inspect`].
    #[inline]
    pub fn count(&mut self, found: Found, execution: &Execution) -> bool {
        let stats = &mut self.commands[found.id.index()];
        stats.calls += 1;
        stats.ticks += execution.ticks;
        stats.failed += u64::from(execution.failed);
        if self.histograms {
            match &mut stats.histogram {
                Some(histogram) => histogram.record(execution.ticks),
                None => first_of_histogram(stats, execution.ticks),
            }
        }
        execution.ticks >= self.thresholds.ticks
            || execution.request >= self.thresholds.request
            || execution.reply >= self.thresholds.reply
    }

    /// Enters a remarkable command where it belongs.
    #[cold]
    pub fn inspect(
        &mut self,
        config: &Config,
        session: &Session,
        found: Found,
        args: Args<'_>,
        execution: &Execution,
        unix_s: u64,
    ) {
        let us = self.micros(execution.ticks);
        let fast = found.command.flags.contains(Flags::FAST);
        self.spike(config, if fast { "fast-command" } else { "command" }, us, unix_s);
        if found.command.flags.contains(Flags::SKIP_SLOWLOG) {
            return;
        }
        for kind in LogKind::ALL {
            let (amount, from, max) = match kind {
                LogKind::Slow => (us, config.monitoring.slowlog_log_slower_than, config.monitoring.slowlog_max_len),
                LogKind::LargeRequest => {
                    let from = config.monitoring.commandlog_request_larger_than;
                    (execution.request as u64, from, config.monitoring.commandlog_large_request_max_len)
                }
                LogKind::LargeReply => {
                    let from = config.monitoring.commandlog_reply_larger_than;
                    (execution.reply as u64, from, config.monitoring.commandlog_large_reply_max_len)
                }
            };
            if u64::try_from(from).is_ok_and(|from| amount >= from) {
                self.log_mut(kind).push(session, found.command, args, unix_s, amount, max);
            }
        }
    }

    /// Something held up the loop for so long: a spike, if it was long enough for one.
    pub fn spike(&mut self, config: &Config, event: &'static str, us: u64, unix_s: u64) {
        let ms = us / 1000;
        if u64::try_from(config.monitoring.latency_monitor_threshold).is_ok_and(|from| from > 0 && ms >= from) {
            self.latency.add(event, unix_s, ms);
        }
    }

    /// The log of remarkable commands of a kind.
    pub fn log(&self, kind: LogKind) -> &CommandLog {
        match kind {
            LogKind::Slow => &self.slow,
            LogKind::LargeRequest => &self.large_requests,
            LogKind::LargeReply => &self.large_replies,
        }
    }

    /// The same, to change it.
    pub fn log_mut(&mut self, kind: LogKind) -> &mut CommandLog {
        match kind {
            LogKind::Slow => &mut self.slow,
            LogKind::LargeRequest => &mut self.large_requests,
            LogKind::LargeReply => &mut self.large_replies,
        }
    }

    /// Ticks of all commands, those of a transaction counted once.
    pub fn total_ticks(&self) -> u64 {
        self.commands.iter().map(|stats| stats.ticks).sum::<u64>().saturating_sub(self.nested_ticks)
    }

    /// CONFIG RESETSTAT: forgets what was counted of commands. Logs and spikes have resets of their own.
    pub fn reset_counters(&mut self) {
        self.commands.fill(CommandStats::default());
        self.nested_ticks = 0;
    }

    /// Bytes that all of it takes.
    pub fn memory(&self) -> usize {
        let histograms = self.commands.iter().filter(|stats| stats.histogram.is_some()).count() * Histogram::MEMORY;
        let logs: usize = LogKind::ALL.iter().map(|kind| self.log(*kind).memory()).sum();
        self.commands.len() * size_of::<CommandStats>() + histograms + logs
    }
}

#[cold]
fn first_of_histogram(stats: &mut CommandStats, ticks: u64) {
    stats.histogram.insert(Histogram::default()).record(ticks);
}
