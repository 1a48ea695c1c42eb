//! INFO: what the server says of itself, section by section, under Redis's field names.
//!
//! A field is printed only when something stands behind it.

use std::fmt::Write as _;

use crate::call::{Call, Outcome};
use crate::hooks::ProcessReport;
use crate::pubsub::Kind;
use crate::state::State;
use crate::{REDIS_VERSION, REFRAIN_VERSION};

/// A section's name and what prints it.
type Section = (&'static str, fn(&State, &ProcessReport, usize, &mut String));

/// Sections in the order of printing. Those behind the first `DEFAULT_SECTIONS` are printed only when asked for.
const SECTIONS: &[Section] = &[
    ("server", server),
    ("clients", clients),
    ("memory", memory),
    ("stats", stats),
    ("replication", replication),
    ("cpu", cpu),
    ("modules", modules),
    ("errorstats", errorstats),
    ("cluster", cluster),
    ("keyspace", keyspace),
    ("refrain", refrain),
    ("commandstats", commandstats),
];

const DEFAULT_SECTIONS: usize = 11;

/// INFO [section [section ...]]
pub fn info(call: &mut Call<'_>) -> Outcome {
    let words: Vec<Vec<u8>> = call.args.iter().skip(1).map(<[u8]>::to_ascii_lowercase).collect();
    let has = |name: &str| words.iter().any(|w| w == name.as_bytes());
    let everything = has("all") || has("everything");
    let default = words.is_empty() || has("default");
    let process = call.hooks.process();
    let mut text = String::new();
    for (i, (name, print)) in SECTIONS.iter().enumerate() {
        if everything || (default && i < DEFAULT_SECTIONS) || has(name) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let mut title = (*name).to_owned();
            title[..1].make_ascii_uppercase();
            if *name == "cpu" {
                title.make_ascii_uppercase();
            }
            let _ = write!(text, "# {title}\r\n");
            let own = call.session.memory();
            print(call.state, &process, own, &mut text);
        }
    }
    call.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

macro_rules! fields {
    ($out:expr; $($name:literal => $value:expr),* $(,)?) => {
        $( let _ = write!($out, concat!($name, ":{}\r\n"), $value); )*
    };
}

fn server(state: &State, process: &ProcessReport, _: usize, out: &mut String) {
    let uptime_s = state.now.mono_us.saturating_sub(state.started.mono_us) / 1_000_000;
    fields! { out;
        "redis_version" => REDIS_VERSION,
        "refrain_version" => REFRAIN_VERSION,
        "redis_mode" => "standalone",
        "os" => std::env::consts::OS,
        "arch_bits" => usize::BITS,
        "process_id" => process.pid,
        "run_id" => state.run_id,
        "tcp_port" => state.config.network.port,
        "server_time_usec" => state.now.unix_us,
        "uptime_in_seconds" => uptime_s,
        "uptime_in_days" => uptime_s / 86_400,
        "hz" => state.config.process.hz,
        "configured_hz" => state.config.process.hz,
        "lru_clock" => state.now.unix_s() & 0xff_ffff,
    }
}

fn clients(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    let watching = state.sessions.iter().filter(|s| !s.watch.keys.is_empty()).count();
    fields! { out;
        "connected_clients" => state.sessions.len(),
        "cluster_connections" => 0,
        "maxclients" => state.config.limits.maxclients,
        "client_recent_max_input_buffer" => state.recent_peaks.input(),
        "client_recent_max_output_buffer" => state.recent_peaks.output(),
        "blocked_clients" => state.pause.waiting(),
        "watching_clients" => watching,
        "total_watched_keys" => state.watchers.len(),
        "tracking_clients" => state.tracking.clients(),
        "pubsub_clients" => state.pubsub.clients(),
    }
}

/// Bytes as people read them: `1.50M`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

fn memory(state: &State, process: &ProcessReport, own: usize, out: &mut String) {
    let used = state.used_memory() + own as u64;
    let peak = state.stats.peak_memory.max(used);
    let dataset = state.keyspace.memory() as u64;
    let clients = used - dataset;
    fields! { out;
        "used_memory" => used,
        "used_memory_human" => human(used),
        "used_memory_rss" => process.resident,
        "used_memory_rss_human" => human(process.resident),
        "used_memory_peak" => peak,
        "used_memory_peak_human" => human(peak),
        "used_memory_overhead" => clients,
        "used_memory_dataset" => dataset,
        "allocator_allocated" => process.allocated,
        "allocator_active" => process.active,
        "allocator_resident" => process.resident,
        "mem_clients_normal" => clients,
        "mem_allocator" => "jemalloc-5.3.1",
        "mem_fragmentation_ratio" => format_args!("{:.2}", process.resident as f64 / used.max(1) as f64),
        "lazyfree_pending_objects" => 0,
    }
}

fn stats(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    let s = &state.stats;
    fields! { out;
        "total_connections_received" => s.connections_received,
        "total_commands_processed" => s.commands_processed,
        "instantaneous_ops_per_sec" => s.rates.per_second(0),
        "total_net_input_bytes" => s.net_input_bytes,
        "total_net_output_bytes" => s.net_output_bytes,
        "instantaneous_input_kbps" => format_args!("{:.2}", s.rates.per_second(1) as f64 / 1024.0),
        "instantaneous_output_kbps" => format_args!("{:.2}", s.rates.per_second(2) as f64 / 1024.0),
        "rejected_connections" => s.rejected_connections,
        "expired_keys" => s.expired_keys,
        "keyspace_hits" => s.keyspace_hits,
        "keyspace_misses" => s.keyspace_misses,
        "pubsub_channels" => state.pubsub.count(Kind::Channel),
        "pubsub_patterns" => state.pubsub.count(Kind::Pattern),
        "pubsubshard_channels" => state.pubsub.count(Kind::Shard),
        "tracking_total_keys" => state.tracking.keys(),
        "tracking_total_items" => state.tracking.items(),
        "tracking_total_prefixes" => state.tracking.prefixes(),
        "client_query_buffer_limit_disconnections" => s.query_buffer_disconnections,
        "client_output_buffer_limit_disconnections" => s.output_buffer_disconnections,
        "acl_access_denied_auth" => s.access_denied_auth,
        "acl_access_denied_cmd" => s.access_denied_cmd,
        "acl_access_denied_key" => s.access_denied_key,
        "acl_access_denied_channel" => s.access_denied_channel,
        "total_error_replies" => s.error_replies,
    }
}

fn replication(_: &State, _: &ProcessReport, _: usize, out: &mut String) {
    fields! { out; "role" => "master", "connected_slaves" => 0 }
}

fn cpu(_: &State, process: &ProcessReport, _: usize, out: &mut String) {
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    fields! { out;
        "used_cpu_sys" => seconds(process.cpu_sys_us),
        "used_cpu_user" => seconds(process.cpu_user_us),
        "used_cpu_main_thread_us" => process.thread_us,
    }
}

fn modules(_: &State, _: &ProcessReport, _: usize, _: &mut String) {}

fn errorstats(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    for (code, count) in &state.stats.errors {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

fn cluster(_: &State, _: &ProcessReport, _: usize, out: &mut String) {
    fields! { out; "cluster_enabled" => 0 }
}

fn keyspace(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    for db in 0..state.keyspace.len() {
        let database = state.keyspace.db(db);
        if !database.is_empty() {
            let _ = write!(out, "db{db}:keys={},expires={}\r\n", database.len(), database.volatile_len());
        }
    }
}

fn refrain(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    fields! { out;
        "refrain_rounds" => state.stats.rounds,
        "refrain_longest_round_cpu_usec" => state.stats.longest_round_us,
        "refrain_protocol_errors" => state.stats.protocol_errors,
    }
}

fn commandstats(state: &State, _: &ProcessReport, _: usize, out: &mut String) {
    let table = &state.table;
    for found in table.commands().flat_map(|found| table.with_subcommands(found)) {
        let s = &state.observer.commands[found.id.index()];
        if s.calls + s.rejected + s.failed == 0 {
            continue;
        }
        let usec = state.observer.micros(s.ticks);
        let per_call = usec as f64 / s.calls.max(1) as f64;
        let _ = write!(
            out,
            "cmdstat_{}:calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}\r\n",
            found.command.name, s.calls, s.rejected, s.failed
        );
    }
}
