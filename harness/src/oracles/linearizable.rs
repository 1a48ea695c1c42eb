//! Every key is linearizable, and so is every group of keys that transactions write as a whole.
//!
//! Source: Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects" (1990). One engine executes
//! one command after the other, so whatever its clients see must fit one order that respects real time. A search that
//! runs out of its budget is no verdict, and counts as a failure: a scenario must be decidable.

use refrain_jepsen::{Detail, History, Options, Verdict, check, details};

use super::Violation;
use crate::plan::Plan;
use crate::record::Record;

/// Steps of the search for one history: about a second.
const STEPS_MAX: u64 = 10_000_000;

/// Work units between two readings of the clock: half a millisecond at the processor's usual speed, and a transaction.
const CLOCK_AGE_UNITS_PER_SECOND: u64 = 2000;

/// Looks for an order of what clients saw.
pub fn judge(plan: &Plan, record: &Record) -> Vec<Violation> {
    let options = Options { clock_tolerance_ns: clock_tolerance_ns(plan), steps_max: STEPS_MAX, ..Options::default() };
    [("keys", &record.strings), ("groups", &record.groups), ("collections", &record.collections)]
        .into_iter()
        .filter_map(|(what, history)| illegal(what, history, &options))
        .collect()
}

fn illegal(what: &str, history: &History, options: &Options) -> Option<Violation> {
    let verdict = check(history, options);
    if verdict == Verdict::Linearizable {
        return None;
    }
    let words = details(history, &verdict, Detail::Short);
    Some(Violation::new("linearizable", format!("the history of {what} is {verdict}\n{}", words.trim_end())))
}

/// How old the time may be by which the server executes a command: it reads its clock once a round and again when it has
/// worked for half a millisecond, which takes longer on a slow processor.
fn clock_tolerance_ns(plan: &Plan) -> u64 {
    const EXEC_UNITS: u64 = 64;
    let usual = plan.server.ns_per_work_unit.value().max(1);
    let units = 1_000_000_000 / usual / CLOCK_AGE_UNITS_PER_SECOND + EXEC_UNITS;
    2_000_000 + units * plan.slowest_ns_per_work_unit()
}
