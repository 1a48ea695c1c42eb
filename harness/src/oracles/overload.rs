//! Clients with slow commands delay the others by one command's own time and a round, are served alike, and are named by
//! SLOWLOG.
//!
//! Source: F9, command overload: big or slow commands do not starve others beyond their own run time; limits and SLOWLOG
//! name the sender. A client whose commands are not known to be slow yet takes its turn among the others, so each that is
//! found out while somebody waits adds one command to what that one may wait. How long commands take is seen from the
//! statistics of commands after every round of the loop: in virtual time, the work charged for them.

use std::collections::BTreeMap;

use super::Violation;
use crate::plan::Plan;
use crate::record::overload::Overload;
use crate::record::{COMPLAINTS_MAX, Record, Wait, seconds};
use crate::scenario::OverloadBound;
use crate::server::ServerEngine;

/// What is seen of the server's work, after every round of its loop.
#[derive(Debug, Default)]
pub struct Work {
    /// Calls and ticks of every command so far.
    seen: Vec<(u64, u64)>,
    /// The longest that a command took, in units of work.
    pub longest: u64,
    /// How many clients had been found to be heavy by a moment: every change.
    pub found_heavy: Vec<(u64, u64)>,
}

impl Work {
    /// A round of the loop is over.
    pub fn look(&mut self, at: u64, engine: &ServerEngine) {
        let state = engine.state();
        self.seen.resize(state.observer.commands.len(), (0, 0));
        for (stats, seen) in state.observer.commands.iter().zip(&mut self.seen) {
            let (calls, ticks) = (stats.calls - seen.0, stats.ticks - seen.1);
            // Of several calls in one round the mean is known, which the longest is not below.
            if let Some(mean) = ticks.checked_div(calls) {
                self.longest = self.longest.max(mean);
                *seen = (stats.calls, stats.ticks);
            }
        }
        self.found(at, state.found_heavy);
    }

    fn found(&mut self, at: u64, count: u64) {
        if self.found_heavy.last().is_none_or(|(_, last)| *last != count) {
            self.found_heavy.push((at, count));
        }
    }

    /// How many clients were found to be heavy between two moments.
    fn found_between(&self, from: u64, to: u64) -> u64 {
        let by = |at: u64| {
            let behind = self.found_heavy.partition_point(|(found, _)| *found <= at);
            behind.checked_sub(1).map_or(0, |i| self.found_heavy[i].1)
        };
        by(to) - by(from)
    }
}

/// Compares waits, turns and SLOWLOG with what the plan asks for.
pub fn judge(plan: &Plan, record: &Record, work: &Work) -> Vec<Violation> {
    let Some(bound) = &plan.oracles.overload else { return Vec::new() };
    let no_waits = Vec::new();
    let waits = record.waits.get(&bound.light).unwrap_or(&no_waits);
    let mut complaints = too_long(bound, plan.server.ns_per_work_unit.value(), waits, work);
    complaints.extend(unfair(bound, &record.overload));
    if bound.slowlog {
        let us = plan.server.config.get("slowlog-log-slower-than").and_then(|us| us.parse().ok()).unwrap_or(10_000);
        complaints.extend(misnamed(bound, us, &record.overload));
    }
    complaints.into_iter().map(|what| Violation::new("overload", what)).collect()
}

/// Waits beyond the longest command and a round.
fn too_long(bound: &OverloadBound, ns_per_unit: u64, waits: &[Wait], work: &Work) -> Vec<String> {
    let mut complaints = Vec::new();
    if (waits.len() as u64) < bound.replies_min {
        complaints.push(format!(
            "{}: {} replies, at least {} were to come",
            bound.light,
            waits.len(),
            bound.replies_min
        ));
    }
    for Wait { sent, ns } in waits {
        let commands = 1 + work.found_between(*sent, sent + ns);
        let most = (commands * work.longest + bound.round_units) * ns_per_unit + bound.network_us * 1000;
        if *ns > most && complaints.len() < COMPLAINTS_MAX {
            complaints.push(format!(
                "{} {} waited {} µs; {commands} of the longest command, {} units, and a round are {} µs",
                seconds(*sent),
                bound.light,
                ns / 1000,
                work.longest,
                most / 1000,
            ));
        }
    }
    complaints
}

/// Clients of one heavy group that got much less than another one of it.
fn unfair(bound: &OverloadBound, overload: &Overload) -> Vec<String> {
    let mut complaints = Vec::new();
    for (group, served) in &overload.served {
        let least = served.iter().min_by_key(|(_, count)| **count);
        let most = served.iter().max_by_key(|(_, count)| **count);
        if let (Some((poor, least)), Some((rich, most))) = (least, most)
            && *most > least * bound.fairness_ratio + bound.fairness_slack
        {
            complaints.push(format!("of {group}, {poor} got {least} replies and {rich} {most}"));
        }
    }
    complaints
}

/// Whether SLOWLOG names the right ones.
fn misnamed(bound: &OverloadBound, slower_than_us: i64, overload: &Overload) -> Vec<String> {
    let mut complaints: Vec<String> =
        overload.changed.iter().map(|id| format!("entry {id} of SLOWLOG was shown with two contents")).collect();
    let mut entries: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in overload.slow.values() {
        *entries.entry(&entry.client).or_default() += 1;
        if entry.us < slower_than_us {
            complaints.push(format!("SLOWLOG has {entry:?}, and only what takes {slower_than_us} µs was to be in it"));
        }
        if entry.client.starts_with(&format!("{}-", bound.light)) {
            complaints.push(format!("SLOWLOG blames {}, which does nothing slow: {entry:?}", entry.client));
        }
    }
    for client in overload.served.values().flat_map(BTreeMap::keys) {
        if !entries.contains_key(client.as_str()) {
            complaints.push(format!("SLOWLOG never names {client}"));
        }
    }
    complaints.truncate(COMPLAINTS_MAX);
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::overload::SlowEntry;

    fn bound() -> OverloadBound {
        OverloadBound {
            light: "light".into(),
            round_units: 10,
            network_us: 1,
            replies_min: 1,
            fairness_ratio: 2,
            fairness_slack: 0,
            slowlog: true,
        }
    }

    #[test]
    fn a_wait_is_one_command_and_one_for_each_client_found_out_meanwhile() {
        let work = Work { longest: 100, found_heavy: vec![(0, 0), (500_000, 1)], ..Work::default() };
        let complaints = |sent, ns| too_long(&bound(), 1000, &[Wait { sent, ns }], &work).len();
        assert_eq!(complaints(0, 111_000), 0);
        assert_eq!(complaints(0, 111_001), 1);
        assert_eq!(complaints(400_000, 211_000), 0, "one was found out");
        assert_eq!(complaints(400_000, 211_001), 1);
        assert_eq!(complaints(600_000, 111_001), 1);
        assert_eq!(too_long(&bound(), 1000, &[], &work).len(), 1, "nobody was served");
    }

    #[test]
    fn one_that_gets_much_less_than_its_like_shows() {
        let mut overload = Overload::default();
        (0..5).for_each(|_| overload.served("heavy", "heavy-1"));
        (0..10).for_each(|_| overload.served("heavy", "heavy-2"));
        assert!(unfair(&bound(), &overload).is_empty());
        overload.served("heavy", "heavy-2");
        assert_eq!(unfair(&bound(), &overload).len(), 1);
    }

    #[test]
    fn slowlog_names_every_sender_and_nobody_else() {
        let entry = |id, us, client: &str| SlowEntry { id, us, command: "KEYS".into(), client: client.into() };
        let said = |entries: &[SlowEntry]| {
            let mut overload = Overload::default();
            overload.served("heavy", "heavy-1");
            entries.iter().for_each(|entry| overload.logged(vec![entry.clone()]));
            misnamed(&bound(), 50, &overload).len()
        };
        assert_eq!(said(&[entry(1, 50, "heavy-1")]), 0);
        assert_eq!(said(&[]), 1, "the sender is not named");
        assert_eq!(said(&[entry(1, 49, "heavy-1")]), 1, "it was not slow");
        assert_eq!(said(&[entry(1, 60, "heavy-1"), entry(2, 60, "light-3")]), 1, "the wrong one is blamed");
        assert_eq!(said(&[entry(1, 60, "heavy-1"), entry(1, 61, "heavy-1")]), 1, "an entry never changes");
    }
}
