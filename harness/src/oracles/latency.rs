//! What some clients do keeps others waiting no longer than a bound.
//!
//! Source: one loop serves everybody, so fairness is the loop's duty: a share of each round for a connection (design rule:
//! a budget a connection and a round). Times are virtual; the server's work costs what the plan says.

use super::Violation;
use crate::plan::Plan;
use crate::record::{Record, Wait, seconds};
use crate::scenario::LatencyBound;

/// Compares every group's waits with its bound.
pub fn judge(plan: &Plan, record: &Record) -> Vec<Violation> {
    let none = Vec::new();
    plan.oracles
        .latency
        .iter()
        .filter(|bound| !bound.unless.iter().any(|(name, value)| plan.server.config.get(name) == Some(value)))
        .flat_map(|bound| exceeded(bound, record.waits.get(&bound.clients).unwrap_or(&none)))
        .map(|what| Violation::new("latency", what))
        .collect()
}

fn exceeded(bound: &LatencyBound, waits: &[Wait]) -> Vec<String> {
    let group = &bound.clients;
    let mut complaints = Vec::new();
    if (waits.len() as u64) < bound.replies_min {
        complaints.push(format!("{group}: {} replies, at least {} were to come", waits.len(), bound.replies_min));
    }
    let mut sorted: Vec<Wait> = waits.to_vec();
    sorted.sort_by_key(|wait| wait.ns);
    let Some(longest) = sorted.last() else { return complaints };
    let p99 = sorted[(sorted.len() - 1) * 99 / 100].ns / 1000;
    let max = longest.ns / 1000;
    if p99 > bound.p99_us {
        complaints
            .push(format!("{group}: one reply of a hundred took {p99} µs or longer, the bound is {}", bound.p99_us));
    }
    if max > bound.max_us {
        let sent = seconds(longest.sent);
        complaints.push(format!("{group}: the reply asked for at {sent} took {max} µs, the bound is {}", bound.max_us));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(waits_us: &[u64]) -> usize {
        let bound =
            LatencyBound { clients: "c".into(), p99_us: 10, max_us: 100, replies_min: 2, unless: Default::default() };
        let waits: Vec<Wait> = waits_us.iter().map(|us| Wait { sent: 0, ns: us * 1000 }).collect();
        exceeded(&bound, &waits).len()
    }

    #[test]
    fn each_bound_is_looked_at() {
        assert_eq!(complaints(&[5, 10]), 0);
        assert_eq!(complaints(&[5]), 1, "too few");
        assert_eq!(complaints(&[5, 11, 11]), 1, "the 99th percentile");
        assert_eq!(complaints(&[&[5; 200][..], &[101]].concat()), 1, "the longest");
    }
}
