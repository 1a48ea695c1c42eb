//! What must hold, one oracle a file. An [`Invariant`] looks at the server after every round; the other oracles judge the
//! record when the world has ended.

pub mod cached_values;
pub mod deadlines;
pub mod deliveries;
pub mod expired_within;
pub mod guesses;
pub mod latency;
pub mod ledger;
pub mod linearizable;
pub mod message_order;
pub mod monotone_wall;
pub mod output;
pub mod overload;
pub mod pauses;
pub mod possible_replies;
pub mod propagation;
pub mod queues;
pub mod recovery;
pub mod rights;
pub mod strangers;
pub mod stream_groups;
pub mod tracking_table;
pub mod watched_values;
pub mod whole_transactions;

use crate::oracles::deadlines::Readings;
use crate::oracles::overload::Work;
use crate::plan::Plan;
use crate::record::Record;
use crate::server::ServerEngine;

/// Something did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The oracle that says so, by the name of its file.
    pub oracle: &'static str,
    /// Its words. May have several lines.
    pub what: String,
}

impl Violation {
    /// What `oracle` has to say.
    pub fn new(oracle: &'static str, what: impl Into<String>) -> Violation {
        Violation { oracle, what: what.into() }
    }
}

/// Something that holds after every round of the server's loop.
pub trait Invariant {
    /// The server has started and has executed nothing.
    fn begin(&mut self, _engine: &mut ServerEngine) {}

    /// A round is over; `at` is the world's true time in nanoseconds.
    fn look(&mut self, at: u64, engine: &mut ServerEngine);

    /// What was seen that must not be.
    fn violations(&self) -> Vec<Violation>;
}

/// The invariants that a plan asks for.
pub fn invariants(plan: &Plan) -> Vec<Box<dyn Invariant>> {
    let mut invariants: Vec<Box<dyn Invariant>> = Vec::new();
    if plan.oracles.propagation {
        invariants.push(Box::new(propagation::Propagation::default()));
    }
    if plan.oracles.monotone_wall {
        invariants.push(Box::new(monotone_wall::MonotoneWall::default()));
    }
    if let Some(bound) = &plan.oracles.output {
        invariants.push(Box::new(output::Output::new(bound.clone())));
    }
    if plan.oracles.tracking_table {
        invariants.push(Box::new(tracking_table::TrackingTable::default()));
    }
    if let Some(bound_ms) = plan.oracles.expired_within_ms {
        invariants.push(Box::new(expired_within::ExpiredWithin::new(bound_ms)));
    }
    invariants
}

/// What was seen of the server while it ran.
#[derive(Debug, Default)]
pub struct Seen {
    /// Its wall clock.
    pub readings: Readings,
    /// Its work.
    pub work: Work,
}

/// Everything that the record shows, with what was seen of the server.
pub fn judge(plan: &Plan, record: &Record, seen: &Seen) -> Vec<Violation> {
    let mut violations = possible_replies::judge(record);
    violations.extend(recovery::judge(plan, record));
    violations.extend(watched_values::judge(record));
    if plan.oracles.whole_transactions {
        violations.extend(whole_transactions::judge(record));
    }
    violations.extend(latency::judge(plan, record));
    violations.extend(overload::judge(plan, record, &seen.work));
    if plan.oracles.deadlines {
        violations.extend(deadlines::judge(record, &seen.readings));
    }
    if plan.oracles.deliveries {
        violations.extend(deliveries::judge(record));
        violations.extend(message_order::judge(record));
    }
    if let Some(bound) = &plan.oracles.cached_values {
        violations.extend(cached_values::judge(bound, record));
    }
    if plan.oracles.strangers {
        violations.extend(strangers::judge(record));
    }
    if let Some(bound) = &plan.oracles.guesses {
        violations.extend(guesses::judge(bound, record));
    }
    if plan.oracles.rights {
        violations.extend(rights::judge(record));
    }
    if plan.oracles.stream_groups {
        violations.extend(stream_groups::judge(record));
    }
    if plan.oracles.queues {
        violations.extend(queues::judge(record));
    }
    if plan.oracles.pauses {
        violations.extend(pauses::judge(record));
    }
    if plan.oracles.linearizable {
        violations.extend(linearizable::judge(plan, record));
    }
    violations
}
