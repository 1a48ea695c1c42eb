//! The harness judged: every scenario holds, every planted bug is caught, every run repeats, every plan can be kept.
#![expect(clippy::disallowed_methods, reason = "a test reads and writes its own files and runs the tool itself")]

mod command_line;
mod determinism;
mod plans;
mod planted;
mod scenarios;

use refrain_harness::plan::Plan;
use refrain_harness::planted::Planted;
use refrain_harness::run::{Outcome, RunOptions, run};
use refrain_harness::scenario::library;

/// The plan of a seed.
fn plan(scenario: &str, seed: u64) -> Plan {
    library::load(scenario).unwrap_or_else(|why| panic!("{why}")).plan(seed)
}

fn run_planted(plan: &Plan, planted: Planted) -> Outcome {
    run(plan, RunOptions { planted: Some(planted), log: false })
}

fn run_well(plan: &Plan) -> Outcome {
    run(plan, RunOptions::default())
}

/// What the oracles said.
fn words(outcome: &Outcome) -> String {
    outcome.violations.iter().map(|v| format!("{}: {}\n", v.oracle, v.what)).collect()
}
