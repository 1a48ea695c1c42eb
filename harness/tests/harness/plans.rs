//! Plans are data: they round-trip through TOML, repeat what their seed does, and shrink.

use proptest::prelude::*;
use refrain_core::Bug;
use refrain_harness::faults::Fault;
use refrain_harness::plan::Plan;
use refrain_harness::planted::Planted;
use refrain_harness::scenario::{Scenario, library};
use refrain_harness::shrink::shrink;

use super::{plan, run_planted, run_well};

proptest! {
    #[test]
    fn a_plan_is_read_back_as_it_was_written(which in 0..21_usize, seed in 0..=i64::MAX as u64) {
        let name = &library::names()[which];
        let drawn = plan(name, seed);
        let read = Plan::parse(&drawn.text()).expect("what was written can be read");
        prop_assert_eq!(&read, &drawn);
        prop_assert_eq!(&plan(name, seed), &drawn, "a seed gives one plan");
    }

    #[test]
    fn faults_strike_within_the_first_phase_and_in_order(seed in 0..10_000_u64) {
        let plan = plan("single-node", seed);
        prop_assert!(plan.faults.is_sorted_by_key(|timed| timed.at_ms));
        prop_assert!(plan.faults.iter().all(|timed| timed.at_ms < plan.duration_ms));
    }
}

#[test]
fn a_plan_that_was_written_and_read_runs_as_before() {
    let drawn = plan("single-node", 4);
    let read = Plan::parse(&drawn.text()).unwrap();
    assert_eq!(run_well(&drawn).trace.hash(), run_well(&read).trace.hash());
}

#[test]
fn seeds_draw_every_kind_of_fault_and_worlds_without_any() {
    let kind = |fault: &Fault| format!("{fault:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
    let scenarios = ["single-node", "expiry-clock", "restart-durability", "slow-fsync", "slow-rewrite", "bit-rot"];
    let plans: Vec<Plan> =
        (0..60).flat_map(|seed| scenarios.iter().map(move |scenario| plan(scenario, seed))).collect();
    let mut kinds: Vec<String> = plans.iter().flat_map(|plan| plan.faults.iter().map(|t| kind(&t.fault))).collect();
    kinds.sort();
    kinds.dedup();
    let all = [
        "CrashClient",
        "Cut",
        "Degrade",
        "Drift",
        "FullDisk",
        "HalfClose",
        "KillServer",
        "Pause",
        "PowerLoss",
        "Reset",
        "Rot",
        "SlowCpu",
        "SlowDisk",
        "StopServer",
        "StuckDisk",
        "SyncErrors",
        "WallJump",
        "WallSlew",
        "WriteErrors",
    ];
    assert_eq!(kinds, all);
    assert!(plans.iter().any(|plan| plan.faults.is_empty()));
    let text: String = plans.iter().map(Plan::text).collect();
    for shape in ["split", "isolate", "deafen", "mute", "one-way", "bridge", "ring"] {
        assert!(text.contains(&format!("shape = \"{shape}\"")), "no partition is a {shape}");
    }
}

#[test]
fn what_a_scenario_does_not_know_is_an_error() {
    let good = "description = \"d\"\nduration_ms = 1\nrecovery_ms = 1\n[server]\nns_per_work_unit = 1\n\
                [[clients]]\nname = \"c\"\ncount = 1\nworkload = { kind = \"steady\", timeout_ms = 1, pause_us = 1 }\n\
                [oracles]\n";
    assert!(Scenario::parse(good).is_ok());
    let wrong = |from: &str, to: &str| Scenario::parse(&good.replace(from, to)).expect_err("it is wrong");
    assert!(wrong("recovery_ms = 1", "recovery_ms = 1\nspeed = 2").contains("speed"));
    assert!(wrong("pause_us = 1", "pause_us = 1, paus = 2").contains("paus"));
    assert!(wrong("ns_per_work_unit = 1", "ns_per_work_unit = [2, 1]").contains("empty"));
    assert!(wrong("[oracles]", "[server.config]\nmaxclient = \"3\"\n[oracles]").contains("maxclients"));
    assert!(
        wrong("[oracles]", "[oracles]\nlatency = [{ clients = \"x\", p99_us = 1, max_us = 1, replies_min = 1 }]")
            .contains("`x`")
    );
}

#[test]
fn a_failing_plan_shrinks_and_still_fails() {
    let bug = Planted::Engine(Bug::MissedWatch);
    let failing =
        (1..).map(|seed| plan("single-node", seed)).find(|plan| !run_planted(plan, bug).violations.is_empty());
    let failing = failing.expect("a planted bug is caught sooner or later");
    let shrunk = shrink(&failing, 100, &mut |plan| run_planted(plan, bug).violations).expect("it fails");
    assert!(shrunk.runs <= 100);
    let (before, after) = (&failing, &shrunk.plan);
    assert!(after.duration_ms < before.duration_ms / 4, "{} ms of {}", after.duration_ms, before.duration_ms);
    assert!(after.faults.len() * 4 <= before.faults.len(), "{} faults of {}", after.faults.len(), before.faults.len());
    let kept = Plan::parse(&after.text()).unwrap();
    assert_eq!(run_planted(&kept, bug).violations, shrunk.violations);
    assert!(run_well(&kept).violations.is_empty(), "without the bug the same plan holds");
    assert!(shrink(&kept, 100, &mut |plan| run_well(plan).violations).is_none(), "what holds is not shrunk");
}
