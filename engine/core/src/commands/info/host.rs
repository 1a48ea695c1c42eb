//! The process and the machine: sections Server and CPU.

use std::fmt::Write as _;

use super::{Report, fields};
use crate::config::Config;
use crate::{REDIS_VERSION, REFRAIN_VERSION};

pub(super) fn server(report: &Report<'_>, out: &mut String) {
    let Report { state, process, host, .. } = report;
    let uptime_s = state.now.mono_us.saturating_sub(state.started.mono_us) / 1_000_000;
    fields! { out;
        "redis_version" => REDIS_VERSION,
        "refrain_version" => REFRAIN_VERSION,
        "redis_git_sha1" => host.commit,
        "redis_git_dirty" => host.modified,
        "redis_build_id" => host.build_id,
        "redis_mode" => "standalone",
        "os" => host.os,
        "arch_bits" => usize::BITS,
        "monotonic_clock" => host.monotonic_clock,
        "multiplexing_api" => host.poller,
        "atomicvar_api" => "core-atomic",
        // What a Redis prints that no GCC has built.
        "gcc_version" => "0.0.0",
        "process_id" => process.pid,
        "process_supervised" => host.supervised,
        "run_id" => state.run_id,
        "tcp_port" => state.config.network.port,
        "server_time_usec" => state.now.unix_us,
        "uptime_in_seconds" => uptime_s,
        "uptime_in_days" => uptime_s / 86_400,
        "hz" => state.hz(),
        "configured_hz" => state.config.process.hz,
        "lru_clock" => state.now.unix_s() & 0xff_ffff,
        "executable" => host.executable,
        "config_file" => state.config.start.file.as_deref().unwrap_or_default(),
        "io_threads_active" => 0,
    }
    if !state.config.process.availability_zone.is_empty() {
        fields! { out; "availability_zone" => state.config.process.availability_zone }
    }
    listeners(&state.config, out);
}

/// A line for each kind of socket that is listened on.
fn listeners(config: &Config, out: &mut String) {
    let network = &config.network;
    let binds = |addresses: &[String]| addresses.iter().map(|address| format!(",bind={address}")).collect::<String>();
    let tcp = (network.port != 0).then(|| format!("name=tcp{},port={}", binds(&network.bind.0), network.port));
    let unix = (!network.unixsocket.is_empty()).then(|| format!("name=unix,bind={}", network.unixsocket));
    for (number, listener) in tcp.into_iter().chain(unix).enumerate() {
        let _ = write!(out, "listener{number}:{listener}\r\n");
    }
}

pub(super) fn cpu(report: &Report<'_>, out: &mut String) {
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    let process = &report.process;
    fields! { out;
        "used_cpu_sys" => seconds(process.cpu_sys_us),
        "used_cpu_user" => seconds(process.cpu_user_us),
        "used_cpu_sys_children" => seconds(process.children_sys_us),
        "used_cpu_user_children" => seconds(process.children_user_us),
        "used_cpu_sys_main_thread" => seconds(process.thread_sys_us),
        "used_cpu_user_main_thread" => seconds(process.thread_user_us),
    }
}
