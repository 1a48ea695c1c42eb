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
    /// `keyspace_hits`.
    pub keyspace_hits: u64,
    /// `keyspace_misses`.
    pub keyspace_misses: u64,
    /// `expired_keys`.
    pub expired_keys: u64,
    /// Microseconds of active expiry.
    pub expire_cycle_us: u64,
    /// Slices of active expiry that ended before all that had expired was gone.
    pub expire_cycles_cut_short: u64,
    /// `client_query_buffer_limit_disconnections`.
    pub query_buffer_disconnections: u64,
    /// `client_output_buffer_limit_disconnections`.
    pub output_buffer_disconnections: u64,
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
    /// `unexpected_error_replies` has no meaning here; protocol errors are counted by themselves.
    pub protocol_errors: u64,
    /// Rounds of the loop that executed something.
    pub rounds: u64,
    /// Longest round, CPU microseconds of the loop's thread (ticks where the world has no CPU clock).
    pub longest_round_us: u64,
    /// Highest `used_memory` seen.
    pub peak_memory: u64,
    /// Samples for `instantaneous_*`.
    pub rates: Rates,
}

/// Rates over the last ticks.
#[derive(Debug, Default)]
pub struct Rates {
    last_us: u64,
    last: [u64; 3],
    samples: [[u64; Rates::SAMPLES]; 3],
    next: usize,
}

impl Rates {
    const SAMPLES: usize = 16;

    /// Takes a sample of (commands, input bytes, output bytes), all cumulative.
    pub fn sample(&mut self, now_us: u64, totals: [u64; 3]) {
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

    /// Mean per second of one of the three, over the last samples.
    pub fn per_second(&self, which: usize) -> u64 {
        self.samples[which].iter().sum::<u64>() / Rates::SAMPLES as u64
    }
}

impl Stats {
    /// CONFIG RESETSTAT: starts again, but for what Redis keeps: the highest memory seen, and refused logins.
    pub fn reset(&mut self) {
        let (peak_memory, access_denied_auth) = (self.peak_memory, self.access_denied_auth);
        *self = Stats { peak_memory, access_denied_auth, ..Stats::default() };
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
