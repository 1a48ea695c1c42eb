//! Commands, errors and keys: sections Commandstats, Errorstats, Latencystats and Keyspace.

use std::fmt::Write as _;

use super::Report;
use crate::observer::CommandStats;
use crate::table::Found;

/// Deadlines that the mean time to live is taken of.
const DEADLINES_SAMPLED: usize = 256;

/// Every command that can be called, with what is known of it.
fn commands<'r>(report: &Report<'r>) -> impl Iterator<Item = (Found, &'r CommandStats)> + 'r {
    let (table, observer) = (&report.state.table, &report.state.observer);
    let all = table.commands().flat_map(|found| table.with_subcommands(found));
    all.map(|found| (found, &observer.commands[found.id.index()]))
}

pub(super) fn commandstats(report: &Report<'_>, out: &mut String) {
    for (found, s) in commands(report).filter(|(_, s)| s.calls + s.rejected + s.failed > 0) {
        let usec = report.state.observer.micros(s.ticks);
        let per_call = usec as f64 / s.calls.max(1) as f64;
        let _ = write!(
            out,
            "cmdstat_{}:calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}\r\n",
            found.command.name, s.calls, s.rejected, s.failed
        );
    }
}

pub(super) fn latencystats(report: &Report<'_>, out: &mut String) {
    let config = &report.state.config.monitoring;
    if !config.latency_tracking {
        return;
    }
    for (found, stats) in commands(report) {
        let Some(histogram) = &stats.histogram else { continue };
        let count = histogram.count();
        let percentile = |percentile: crate::config::Percentile| {
            let ns = report.state.observer.nanos(histogram.at_rank(percentile.rank(count)));
            format!("p{percentile}={:.3}", ns as f64 / 1000.0)
        };
        let percentiles: Vec<String> = config.latency_tracking_info_percentiles.iter().map(percentile).collect();
        let _ = write!(out, "latency_percentiles_usec_{}:{}\r\n", found.command.name, percentiles.join(","));
    }
}

pub(super) fn errorstats(report: &Report<'_>, out: &mut String) {
    for (code, count) in &report.state.stats.errors {
        // What would break the line, or be taken for its structure, is neutralised.
        let code = code.replace(['#', ':', '\r', '\n'], "_");
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

pub(super) fn keyspace(report: &Report<'_>, out: &mut String) {
    let (keyspace, now_ms) = (&report.state.keyspace, report.state.now.unix_ms());
    for number in 0..keyspace.len() {
        let database = keyspace.db(number);
        if database.is_empty() {
            continue;
        }
        let (mut total_ms, mut count) = (0, 0);
        database.sample_deadlines(report.entropy, DEADLINES_SAMPLED, &mut |deadline| {
            total_ms += u128::from(deadline.saturating_sub(now_ms));
            count += 1;
        });
        let mean_ms = total_ms.checked_div(count).unwrap_or(0);
        let (keys, expires, subexpiry) = (database.len(), database.volatile_len(), database.hashes_with_deadlines());
        let _ = write!(out, "db{number}:keys={keys},expires={expires},avg_ttl={mean_ms},subexpiry={subexpiry}\r\n");
    }
}
