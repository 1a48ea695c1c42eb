//! Counters behind `INFO`. Each is incremented where the thing happens and never derived from another.

use std::collections::BTreeMap;

/// Counters since the start or the last reset.
#[derive(Debug, Default)]
pub struct Stats {
    /// `total_connections_received`.
    pub connections_received: u64,
    /// `total_commands_processed`.
    pub commands_processed: u64,
    /// `rejected_connections`.
    pub rejected_connections: u64,
    /// `total_net_input_bytes`.
    pub net_input_bytes: u64,
    /// `total_net_output_bytes`.
    pub net_output_bytes: u64,
    /// `total_reads_processed`: times that something was read of a client.
    pub reads_processed: u64,
    /// `total_writes_processed`: times that something was sent to a client.
    pub writes_processed: u64,
    /// `lazyfree_pending_objects`: keys taken out by a flush that are yet to be freed.
    pub lazyfree_pending: u64,
    /// `lazyfreed_objects`: those that were freed.
    pub lazyfreed: u64,
    /// `keyspace_hits`.
    pub keyspace_hits: u64,
    /// `keyspace_misses`.
    pub keyspace_misses: u64,
    /// `expired_keys`.
    pub expired_keys: u64,
    /// Those of them that periodic work removed (`expired_keys_active`).
    pub expired_keys_active: u64,
    /// `expired_subkeys`: fields of hashes.
    pub expired_subkeys: u64,
    /// Those of them that periodic work removed.
    pub expired_subkeys_active: u64,
    /// Microseconds of active expiry.
    pub expire_cycle_us: u64,
    /// Share of the keys with a deadline that were found expired, a running mean.
    pub expired_stale_share: f64,
    /// Slices of active expiry that ended before all that had expired was gone.
    pub expire_cycles_cut_short: u64,
    /// `client_query_buffer_limit_disconnections`.
    pub query_buffer_disconnections: u64,
    /// `evicted_clients`.
    pub evicted_clients: u64,
    /// `client_output_buffer_limit_disconnections`.
    pub output_buffer_disconnections: u64,
    /// `dump_payload_sanitizations`: payloads of RESTORE whose inner structure was checked, which it always is.
    pub payload_checks: u64,
    /// `reply_buffer_shrinks`: times that a client got less room for its replies.
    pub reply_buffer_shrinks: u64,
    /// `reply_buffer_expands`: times that one got more.
    pub reply_buffer_expands: u64,
    /// `acl_access_denied_auth`.
    pub access_denied_auth: u64,
    /// `acl_access_denied_cmd`.
    pub access_denied_cmd: u64,
    /// `acl_access_denied_key`.
    pub access_denied_key: u64,
    /// `acl_access_denied_channel`.
    pub access_denied_channel: u64,
    /// `total_error_replies`.
    pub error_replies: u64,
    /// `errorstat_*`, by code. Bounded: codes come from a fixed set of texts.
    pub errors: BTreeMap<String, u64>,
    /// `unexpected_error_replies`: commands of an append-only file that were answered with an error.
    pub unexpected_errors: u64,
    /// Requests that break the protocol.
    pub protocol_errors: u64,
    /// Rounds of the loop that executed something.
    pub rounds: u64,
    /// Longest round, CPU microseconds of the loop's thread (ticks where the world has no CPU clock).
    pub longest_round_us: u64,
    /// Highest `used_memory` seen.
    pub peak_memory: u64,
    /// Turns of the loop.
    pub cycles: Cycles,
    /// Samples for `instantaneous_*`.
    pub rates: Rates,
}

/// Turns of the loop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cycles {
    /// How many there were.
    pub count: u64,
    /// Ticks of all, without the waiting.
    pub ticks: u64,
    /// Ticks of the longest.
    pub longest_ticks: u64,
    /// Ticks of periodic work in them.
    pub periodic_ticks: u64,
    /// Most commands in one.
    pub most_commands: u64,
    /// Commands when the present one began.
    commands_before: u64,
}

/// What is told as a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Commands.
    Commands,
    /// Bytes received.
    Input,
    /// Bytes sent.
    Output,
    /// Turns of the loop.
    Cycles,
    /// Their ticks.
    CycleTicks,
}

/// Rates over the last ticks.
#[derive(Debug, Default)]
pub struct Rates {
    last_us: u64,
    last: [u64; Rates::COUNT],
    samples: [[u64; Rates::SAMPLES]; Rates::COUNT],
    next: usize,
}

impl Rates {
    const SAMPLES: usize = 16;
    const COUNT: usize = 5;

    /// Takes a sample of what is counted from the start on, in the order of [`Rate`].
    pub fn sample(&mut self, now_us: u64, totals: [u64; Rates::COUNT]) {
        let elapsed = now_us.saturating_sub(self.last_us);
        if elapsed == 0 {
            return;
        }
        for ((samples, last), total) in self.samples.iter_mut().zip(&mut self.last).zip(totals) {
            let delta = u128::from(total.saturating_sub(*last));
            samples[self.next] = u64::try_from(delta * 1_000_000 / u128::from(elapsed)).unwrap_or(u64::MAX);
            *last = total;
        }
        self.last_us = now_us;
        self.next = (self.next + 1) % Rates::SAMPLES;
    }

    /// Mean per second, over the last samples.
    pub fn per_second(&self, rate: Rate) -> u64 {
        self.samples[rate as usize].iter().sum::<u64>() / Rates::SAMPLES as u64
    }

    /// Mean length of a turn of the loop, over the last samples.
    pub fn ticks_per_cycle(&self) -> u64 {
        let total = |rate: Rate| self.samples[rate as usize].iter().sum::<u64>();
        total(Rate::CycleTicks).checked_div(total(Rate::Cycles)).unwrap_or(0)
    }
}

impl Stats {
    /// CONFIG RESETSTAT: starts again, but for what Redis keeps: the highest memory seen, what waits to be freed, and what users
    /// were refused.
    pub fn reset(&mut self) {
        let before = std::mem::take(self);
        *self = Stats {
            peak_memory: before.peak_memory,
            lazyfree_pending: before.lazyfree_pending,
            access_denied_auth: before.access_denied_auth,
            access_denied_cmd: before.access_denied_cmd,
            access_denied_key: before.access_denied_key,
            access_denied_channel: before.access_denied_channel,
            ..Stats::default()
        };
    }

    /// Counts a turn of the loop.
    #[inline]
    pub fn count_cycle(&mut self, ticks: u64) {
        let cycles = &mut self.cycles;
        cycles.count += 1;
        cycles.ticks += ticks;
        cycles.longest_ticks = cycles.longest_ticks.max(ticks);
        let commands = self.commands_processed.saturating_sub(cycles.commands_before);
        cycles.most_commands = cycles.most_commands.max(commands);
        cycles.commands_before = self.commands_processed;
    }

    /// Counts what a pass of active expiry found: so many of so many keys with a deadline.
    pub fn count_expired(&mut self, found: u64, of: u64) {
        const WEIGHT: f64 = 0.05;
        let share = if of == 0 { 0.0 } else { found as f64 / of as f64 };
        self.expired_stale_share += (share - self.expired_stale_share) * WEIGHT;
    }

    /// Counts an error reply by its code.
    pub fn count_error(&mut self, code: &str) {
        const CODES_MAX: usize = 128;
        self.error_replies += 1;
        if let Some(n) = self.errors.get_mut(code) {
            *n += 1;
        } else if self.errors.len() < CODES_MAX {
            self.errors.insert(code.to_owned(), 1);
        }
    }
}
