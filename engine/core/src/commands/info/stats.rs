//! Clients, and what the loop has done: sections Clients, Threads, Stats, Refrain and Debug.

use std::fmt::Write as _;

use super::{Report, fields};
use crate::pause::Held;
use crate::pubsub::Kind;
use crate::stats::Rate;

pub(super) fn clients(report: &Report<'_>, out: &mut String) {
    let state = report.state;
    let others = state.sessions.iter().filter(|s| !s.watch.keys.is_empty()).count();
    let watching = others + usize::from(report.asking_watches);
    let now_us = state.now.mono_us;
    let paused_ms = state.pause.until_us().map(|until_us| until_us.saturating_sub(now_us).div_ceil(1000));
    fields! { out;
        "connected_clients" => state.sessions.len(),
        "cluster_connections" => 0,
        "maxclients" => state.config.limits.maxclients,
        "client_recent_max_input_buffer" => state.recent_peaks.input(),
        "client_recent_max_output_buffer" => state.recent_peaks.output(),
        "blocked_clients" => state.pause.waiting() + state.waiters.sessions(),
        "tracking_clients" => state.tracking.clients(),
        "pubsub_clients" => state.pubsub.clients(),
        "watching_clients" => watching,
        "clients_in_timeout_table" => state.waiters.deadlines(),
        "total_watched_keys" => state.watchers.len(),
        "total_blocking_keys" => state.waiters.keys(),
        "total_blocking_keys_on_nokey" => state.waiters.keys_when_unusable(),
        "paused_reason" => if paused_ms.is_some() { "client_pause" } else { "none" },
        "paused_actions" => match state.pause.held() {
            Held::Nothing => "none",
            Held::Writes => "write",
            Held::Everything => "all",
        },
        "paused_timeout_milliseconds" => paused_ms.unwrap_or(0),
    }
}

/// The one thread that serves clients.
pub(super) fn threads(report: &Report<'_>, out: &mut String) {
    let (state, s) = (report.state, &report.state.stats);
    let clients = state.sessions.len();
    let _ = write!(out, "io_thread_0:clients={clients},reads={},writes={}\r\n", s.reads_processed, s.writes_processed);
}

pub(super) fn stats(report: &Report<'_>, out: &mut String) {
    let state = report.state;
    let s = &state.stats;
    let kibibytes = |rate| format!("{:.2}", s.rates.per_second(rate) as f64 / 1024.0);
    fields! { out;
        "total_connections_received" => s.connections_received,
        "total_commands_processed" => s.commands_processed,
        "instantaneous_ops_per_sec" => s.rates.per_second(Rate::Commands),
        "total_net_input_bytes" => s.net_input_bytes,
        "total_net_output_bytes" => s.net_output_bytes,
        "total_net_repl_input_bytes" => 0,
        "total_net_repl_output_bytes" => 0,
        "instantaneous_input_kbps" => kibibytes(Rate::Input),
        "instantaneous_output_kbps" => kibibytes(Rate::Output),
        "instantaneous_input_repl_kbps" => "0.00",
        "instantaneous_output_repl_kbps" => "0.00",
        "rejected_connections" => s.rejected_connections,
        "sync_full" => 0,
        "sync_partial_ok" => 0,
        "sync_partial_err" => 0,
        "expired_subkeys" => s.expired_subkeys,
        "expired_subkeys_active" => s.expired_subkeys_active,
        "expired_keys" => s.expired_keys,
        "expired_keys_active" => s.expired_keys_active,
        "expired_stale_perc" => format_args!("{:.2}", s.expired_stale_share * 100.0),
        "expired_time_cap_reached_count" => s.expire_cycles_cut_short,
        "expire_cycle_cpu_milliseconds" => s.expire_cycle_us / 1000,
        "evicted_keys" => 0,
        "evicted_clients" => s.evicted_clients,
        "total_eviction_exceeded_time" => 0,
        "current_eviction_exceeded_time" => 0,
        "keyspace_hits" => s.keyspace_hits,
        "keyspace_misses" => s.keyspace_misses,
        "pubsub_channels" => state.pubsub.count(Kind::Channel),
        "pubsub_patterns" => state.pubsub.count(Kind::Pattern),
        "pubsubshard_channels" => state.pubsub.count(Kind::Shard),
        "latest_fork_usec" => 0,
        "total_forks" => 0,
        "migrate_cached_sockets" => 0,
        "slave_expires_tracked_keys" => 0,
        "active_defrag_hits" => 0,
        "active_defrag_misses" => 0,
        "active_defrag_key_hits" => 0,
        "active_defrag_key_misses" => 0,
        "total_active_defrag_time" => 0,
        "current_active_defrag_time" => 0,
        "tracking_total_keys" => state.tracking.keys(),
        "tracking_total_items" => state.tracking.items(),
        "tracking_total_prefixes" => state.tracking.prefixes(),
        "unexpected_error_replies" => s.unexpected_errors,
        "total_error_replies" => s.error_replies,
        "dump_payload_sanitizations" => s.payload_checks,
        "total_reads_processed" => s.reads_processed,
        "total_writes_processed" => s.writes_processed,
        "io_threaded_reads_processed" => 0,
        "io_threaded_writes_processed" => 0,
        "client_query_buffer_limit_disconnections" => s.query_buffer_disconnections,
        "client_output_buffer_limit_disconnections" => s.output_buffer_disconnections,
        "reply_buffer_shrinks" => s.reply_buffer_shrinks,
        "reply_buffer_expands" => s.reply_buffer_expands,
        "eventloop_cycles" => s.cycles.count,
        "eventloop_duration_sum" => state.observer.micros(s.cycles.ticks),
        "eventloop_duration_cmd_sum" => state.observer.micros(state.observer.total_ticks()),
        "instantaneous_eventloop_cycles_per_sec" => s.rates.per_second(Rate::Cycles),
        "instantaneous_eventloop_duration_usec" => state.observer.micros(s.rates.ticks_per_cycle()),
        "acl_access_denied_auth" => s.access_denied_auth,
        "acl_access_denied_cmd" => s.access_denied_cmd,
        "acl_access_denied_key" => s.access_denied_key,
        "acl_access_denied_channel" => s.access_denied_channel,
    }
}

pub(super) fn refrain(report: &Report<'_>, out: &mut String) {
    let stats = &report.state.stats;
    fields! { out;
        "refrain_rounds" => stats.rounds,
        "refrain_longest_round_cpu_usec" => stats.longest_round_us,
        "refrain_protocol_errors" => stats.protocol_errors,
    }
}

pub(super) fn debug(report: &Report<'_>, out: &mut String) {
    let (stats, observer) = (&report.state.stats, &report.state.observer);
    fields! { out;
        "eventloop_duration_aof_sum" => 0,
        "eventloop_duration_cron_sum" => observer.micros(stats.cycles.periodic_ticks),
        "eventloop_duration_max" => observer.micros(stats.cycles.longest_ticks),
        "eventloop_cmd_per_cycle_max" => stats.cycles.most_commands,
    }
}
