//! INFO: what the server says of itself, section by section, under Redis's field names and in Redis's order.
//!
//! A field is printed only when it is true: when something counts it, or when what it counts cannot happen here and the number
//! is what a Redis prints that does not use the feature either. Others are left out.

mod activity;
mod host;
mod memory;
mod persistence;
mod stats;

use std::fmt::Write as _;

use crate::call::{Call, Outcome};
use crate::hooks::{HostReport, ProcessReport};
use crate::memory_overview::MemoryOverview;
use crate::state::State;

/// What sections are written from.
struct Report<'a> {
    state: &'a State,
    process: ProcessReport,
    host: HostReport,
    memory: MemoryOverview,
    /// Whether who asks watches keys: it is not among the other sessions while it is being executed.
    asking_watches: bool,
    /// For what is drawn by lot.
    entropy: u64,
}

/// One section.
struct Section {
    /// As it is asked for.
    name: &'static str,
    /// As it is headed.
    title: &'static str,
    shown: Shown,
    write: fn(&Report<'_>, &mut String),
}

/// When a section is shown without being named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Always.
    ByDefault,
    /// With all others.
    WithAll,
    /// Never.
    ByName,
}

const fn section(
    name: &'static str,
    title: &'static str,
    shown: Shown,
    write: fn(&Report<'_>, &mut String),
) -> Section {
    Section { name, title, shown, write }
}

/// In the order of printing.
const SECTIONS: &[Section] = &[
    section("server", "Server", Shown::ByDefault, host::server),
    section("clients", "Clients", Shown::ByDefault, stats::clients),
    section("memory", "Memory", Shown::ByDefault, memory::memory),
    section("persistence", "Persistence", Shown::ByDefault, persistence::persistence),
    section("threads", "Threads", Shown::ByDefault, stats::threads),
    section("stats", "Stats", Shown::ByDefault, stats::stats),
    section("replication", "Replication", Shown::ByDefault, persistence::replication),
    section("cpu", "CPU", Shown::ByDefault, host::cpu),
    section("modules", "Modules", Shown::ByDefault, |_, _| {}),
    section("commandstats", "Commandstats", Shown::WithAll, activity::commandstats),
    section("errorstats", "Errorstats", Shown::ByDefault, activity::errorstats),
    section("latencystats", "Latencystats", Shown::WithAll, activity::latencystats),
    section("cluster", "Cluster", Shown::ByDefault, |_, out| out.push_str("cluster_enabled:0\r\n")),
    section("keyspace", "Keyspace", Shown::ByDefault, activity::keyspace),
    section("refrain", "Refrain", Shown::ByDefault, stats::refrain),
    section("debug", "Debug", Shown::ByName, stats::debug),
];

/// INFO [section ...]
pub fn info(call: &mut Call<'_>) -> Outcome {
    let words: Vec<Vec<u8>> = call.args.iter().skip(1).map(<[u8]>::to_ascii_lowercase).collect();
    let named = |name: &str| words.iter().any(|word| word == name.as_bytes());
    let all = named("all") || named("everything");
    let default = words.is_empty() || named("default");
    let memory = MemoryOverview::of(call.state, call.session);
    let report = Report {
        state: call.state,
        process: call.hooks.process(),
        host: call.hooks.host(),
        memory,
        asking_watches: !call.session.watch.keys.is_empty(),
        entropy: call.hooks.entropy(),
    };
    let mut text = String::new();
    for Section { name, title, shown, write } in SECTIONS {
        let asked = match shown {
            Shown::ByDefault => all || default || named(name) || (*name == "modules" && named("module_list")),
            Shown::WithAll => all || named(name),
            Shown::ByName => named(name),
        };
        if asked {
            let between = if text.is_empty() { "" } else { "\r\n" };
            let _ = write!(text, "{between}# {title}\r\n");
            write(&report, &mut text);
        }
    }
    call.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Writes lines of fields.
macro_rules! fields {
    ($out:expr; $($name:literal => $value:expr),* $(,)?) => {
        $( let _ = write!($out, concat!($name, ":{}\r\n"), $value); )*
    };
}
pub(crate) use fields;

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
