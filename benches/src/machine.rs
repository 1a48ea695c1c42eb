//! What a reader must know of the machine and the load to make sense of a figure.

use std::fs;

use crate::cli::Shape;

/// The machine in one line, as far as it can be read.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpus = info.lines().filter(|line| line.starts_with("processor")).count();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} × {}, Linux {}", cpus, model.unwrap_or("unknown CPU").trim(), kernel.trim())
}

/// The machine, as the first condition of every report.
pub fn condition() -> (String, String) {
    ("machine".to_owned(), machine())
}

/// The machine and the load.
pub fn conditions(shape: &Shape) -> Vec<(String, String)> {
    let keys = match shape.zipf {
        Some(theta) => format!("drawn by Zipf's law, exponent {theta}"),
        None => "drawn uniformly".to_owned(),
    };
    let load = format!(
        "{} connections, {} keys of 16 bytes with values of {} bytes, {keys}",
        shape.connections, shape.keys, shape.value_size
    );
    let pinning = if shape.pin { "servers on CPU 0, the generator on CPU 1" } else { "none" };
    vec![condition(), ("load".to_owned(), load), ("pinning".to_owned(), pinning.to_owned())]
}
