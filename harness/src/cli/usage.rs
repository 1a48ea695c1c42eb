//! What a run costs this process, to say how fast the simulator is.
#![expect(clippy::disallowed_methods, reason = "measures the tool itself; nothing simulated sees it")]

/// CPU seconds that this process has used, user and system; 0 where the system does not say.
pub fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of proc(5)'s stat, counted behind the command's name, which may hold spaces. In ticks of 10 ms,
    // which is what USER_HZ is on every Linux.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split_ascii_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}
