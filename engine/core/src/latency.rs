//! The latency monitor: when something held up the loop for longer than `latency-monitor-threshold`, and for how long.
//!
//! Kept per event (a kind of work, by Redis's name), for the last 160 seconds in which it happened: within one second only
//! the worst. Events are a fixed set of names, so the monitor is bounded.

use std::collections::BTreeMap;

/// Seconds with a spike that are remembered of an event.
const SAMPLES_MAX: usize = 160;

/// The worst of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spike {
    /// Unix time, seconds.
    pub unix_s: u64,
    /// How long it took.
    pub ms: u64,
}

/// What is remembered of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The oldest first.
    spikes: std::collections::VecDeque<Spike>,
    /// The longest since the last reset, in milliseconds.
    pub worst_ms: u64,
}

/// What the spikes of an event look like together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many there are.
    pub spikes: usize,
    /// Mean length.
    pub mean_ms: u64,
    /// Mean distance from the mean.
    pub deviation_ms: u64,
    /// Shortest.
    pub min_ms: u64,
    /// Longest.
    pub max_ms: u64,
    /// Seconds since the first.
    pub period_s: u64,
}

impl Series {
    fn add(&mut self, spike: Spike) {
        self.worst_ms = self.worst_ms.max(spike.ms);
        if let Some(last) = self.spikes.back_mut().filter(|last| last.unix_s == spike.unix_s) {
            last.ms = last.ms.max(spike.ms);
            return;
        }
        if self.spikes.len() == SAMPLES_MAX {
            self.spikes.pop_front();
        }
        self.spikes.push_back(spike);
    }

    /// The oldest first.
    pub fn spikes(&self) -> impl ExactSizeIterator<Item = Spike> + '_ {
        self.spikes.iter().copied()
    }

    /// The latest; every series has one.
    pub fn latest(&self) -> Option<Spike> {
        self.spikes.back().copied()
    }

    /// All spikes together, as seen at `unix_s`.
    pub fn summary(&self, unix_s: u64) -> Summary {
        let count = self.spikes.len().max(1) as u64;
        let lengths = || self.spikes.iter().map(|spike| spike.ms);
        let mean_ms = lengths().sum::<u64>() / count;
        let first = self.spikes.front().map_or(unix_s, |spike| spike.unix_s);
        Summary {
            spikes: self.spikes.len(),
            mean_ms,
            deviation_ms: lengths().map(|ms| ms.abs_diff(mean_ms)).sum::<u64>() / count,
            min_ms: lengths().min().unwrap_or(0),
            max_ms: lengths().max().unwrap_or(0),
            period_s: unix_s.saturating_sub(first).max(1),
        }
    }
}

/// Spikes by event.
#[derive(Debug, Default)]
pub struct LatencyMonitor {
    events: BTreeMap<&'static str, Series>,
}

impl LatencyMonitor {
    /// Enters a spike.
    pub fn add(&mut self, event: &'static str, unix_s: u64, ms: u64) {
        self.events.entry(event).or_default().add(Spike { unix_s, ms });
    }

    /// What is known of `event`.
    pub fn get(&self, event: &[u8]) -> Option<(&'static str, &Series)> {
        let event = std::str::from_utf8(event).ok()?;
        self.events.get_key_value(event).map(|(name, series)| (*name, series))
    }

    /// All events with spikes, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Series)> {
        self.events.iter().map(|(name, series)| (*name, series))
    }

    /// Forgets an event, named in any case. True if there was something to forget.
    pub fn reset(&mut self, event: &[u8]) -> bool {
        let before = self.events.len();
        self.events.retain(|name, _| !name.as_bytes().eq_ignore_ascii_case(event));
        self.events.len() < before
    }

    /// Forgets everything, and says how many events that were.
    pub fn reset_all(&mut self) -> usize {
        std::mem::take(&mut self.events).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_second_only_the_worst_is_kept() {
        let mut monitor = LatencyMonitor::default();
        for (unix_s, ms) in [(10, 3), (10, 7), (10, 5), (12, 4)] {
            monitor.add("command", unix_s, ms);
        }
        let (_, series) = monitor.get(b"command").unwrap();
        assert_eq!(series.spikes().collect::<Vec<_>>(), [Spike { unix_s: 10, ms: 7 }, Spike { unix_s: 12, ms: 4 }]);
        assert_eq!((series.worst_ms, series.latest().unwrap().ms), (7, 4));
        let summary = series.summary(20);
        assert_eq!((summary.mean_ms, summary.deviation_ms, summary.period_s), (5, 1, 10));
        assert_eq!((summary.min_ms, summary.max_ms), (4, 7));
    }

    #[test]
    fn old_spikes_make_room_but_the_worst_is_remembered() {
        let mut monitor = LatencyMonitor::default();
        monitor.add("command", 0, 1000);
        (1..=200).for_each(|second| monitor.add("command", second, 1));
        let (_, series) = monitor.get(b"command").unwrap();
        assert_eq!((series.spikes().len(), series.worst_ms), (160, 1000));
        assert_eq!(series.spikes().next().unwrap().unix_s, 41);
    }

    #[test]
    fn events_are_forgotten_by_name_in_any_case() {
        let mut monitor = LatencyMonitor::default();
        monitor.add("command", 1, 1);
        monitor.add("fast-command", 1, 1);
        assert!(!monitor.reset(b"comman"));
        assert!(monitor.reset(b"COMMAND") && !monitor.reset(b"command"));
        assert_eq!((monitor.reset_all(), monitor.reset_all()), (1, 0));
    }
}
