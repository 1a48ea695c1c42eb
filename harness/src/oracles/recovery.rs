//! After the last fault every client is served within a bound: liveness.
//!
//! Source: a system that is safe because it has stopped is of no use. Every run has a second phase without faults for it.

use super::Violation;
use crate::plan::Plan;
use crate::record::Record;

/// Says which clients were not served.
pub fn judge(plan: &Plan, record: &Record) -> Vec<Violation> {
    let bound = record.healed + plan.recovery_ms * 1_000_000;
    let left: Vec<&str> = plan
        .clients
        .iter()
        .filter(|client| record.recovered.get(&client.name).is_none_or(|at| *at > bound))
        .map(|client| client.name.as_str())
        .collect();
    if left.is_empty() {
        return Vec::new();
    }
    let what = format!("{} ms after the last fault, not served: {}", plan.recovery_ms, left.join(", "));
    vec![Violation::new("recovery", what)]
}
