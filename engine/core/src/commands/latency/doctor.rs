//! LATENCY DOCTOR: the spikes of every event in words, and what may be done about them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::state::State;

/// What may help. In the order of printing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Advice {
    EnableSlowLog,
    LowerSlowLog,
    ReadSlowLog,
    Scheduling,
    Expiry,
}

/// The report.
pub fn report(state: &State) -> String {
    let threshold = state.config.monitoring.latency_monitor_threshold;
    let monitor = &state.observer.latency;
    if monitor.iter().len() == 0 {
        return match threshold {
            0 => "Latency is not monitored, so there is nothing to diagnose. CONFIG SET latency-monitor-threshold \
                  <milliseconds> starts it: whatever then holds up the server for that long is remembered.\n"
                .to_owned(),
            _ => format!("Nothing has held up this server for {threshold} ms or longer since monitoring began.\n"),
        };
    }
    let mut text = "These events held up the server:\n\n".to_owned();
    let mut advices = BTreeSet::new();
    for (number, (event, series)) in monitor.iter().enumerate() {
        let s = series.summary(state.now.unix_s());
        let _ = writeln!(
            text,
            "{}. {event}: {} latency spikes (average {}ms, mean deviation {}ms, period {:.2} sec). Worst all time event {}ms.",
            number + 1,
            s.spikes,
            s.mean_ms,
            s.deviation_ms,
            s.period_s as f64 / s.spikes.max(1) as f64,
            series.worst_ms
        );
        match event {
            "command" => {
                let slow_ms = state.config.monitoring.slowlog_log_slower_than / 1000;
                if state.config.monitoring.slowlog_log_slower_than < 0 {
                    advices.insert(Advice::EnableSlowLog);
                } else if slow_ms > threshold {
                    advices.insert(Advice::LowerSlowLog);
                }
                advices.insert(Advice::ReadSlowLog);
            }
            "fast-command" => {
                advices.insert(Advice::Scheduling);
            }
            "expire-cycle" => {
                advices.insert(Advice::Expiry);
            }
            _ => {}
        }
    }
    if !advices.is_empty() {
        text.push_str("\nWhat may help:\n\n");
    }
    for advice in advices {
        let _ = match advice {
            Advice::EnableSlowLog => writeln!(
                text,
                "- The slow log is off, so the commands at fault are not named. CONFIG SET slowlog-log-slower-than {} turns it \
                 on.",
                threshold.max(1).saturating_mul(1000)
            ),
            Advice::LowerSlowLog => writeln!(
                text,
                "- The slow log only takes commands above {} us, more than this monitor's threshold. CONFIG SET \
                 slowlog-log-slower-than {} makes both agree.",
                state.config.monitoring.slowlog_log_slower_than,
                threshold.max(1).saturating_mul(1000)
            ),
            Advice::ReadSlowLog => writeln!(
                text,
                "- SLOWLOG GET names the commands that took long. Those that walk all keys (KEYS, FLUSHALL SYNC), or very large \
                 values, can be replaced: SCAN, FLUSHALL ASYNC, UNLINK, several smaller keys."
            ),
            Advice::Scheduling => writeln!(
                text,
                "- Commands that never take long by themselves did: the process was probably not running. Look for other \
                 processes on its CPU, for swapping, and for a hypervisor that takes CPU away."
            ),
            Advice::Expiry => writeln!(
                text,
                "- Many keys expire at the same time. Spread their deadlines, or lower active-expire-effort, or raise hz for \
                 shorter slices."
            ),
        };
    }
    text
}
