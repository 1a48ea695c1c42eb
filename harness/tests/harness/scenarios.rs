//! A bounded number of seeds of every scenario. REFRAIN_SEEDS sets how many, for a longer look.

use super::{plan, run_well, words};

fn holds(scenario: &str, seeds: u64) {
    let seeds = std::env::var("REFRAIN_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(seeds);
    for seed in 1..=seeds {
        let outcome = run_well(&plan(scenario, seed));
        let words = words(&outcome);
        assert!(words.is_empty(), "cargo harness replay {scenario} --seed {seed}\n{words}");
        assert!(outcome.commands > 100, "seed {seed} of {scenario} has hardly any commands: {}", outcome.commands);
    }
}

#[test]
fn single_node() {
    holds("single-node", 40);
}

#[test]
fn hot_key_storm() {
    holds("hot-key-storm", 6);
}

#[test]
fn command_overload() {
    holds("command-overload", 6);
}

#[test]
fn pubsub() {
    holds("pubsub", 20);
}

#[test]
fn slow_subscribers() {
    holds("slow-subscribers", 6);
}

#[test]
fn tracking() {
    holds("tracking", 20);
}

#[test]
fn intrusion() {
    holds("intrusion", 12);
}

#[test]
fn client_pause() {
    holds("client-pause", 20);
}

#[test]
fn slow_clients() {
    holds("slow-clients", 20);
}

#[test]
fn expiry_clock() {
    holds("expiry-clock", 20);
}

#[test]
fn stream_groups() {
    holds("stream-groups", 20);
}

#[test]
fn field_expiry() {
    holds("field-expiry", 20);
}

#[test]
fn blocking_queues() {
    holds("blocking-queues", 20);
}

#[test]
fn collections() {
    holds("collections", 10);
}

#[test]
fn restart_durability() {
    holds("restart-durability", 30);
}

#[test]
fn restart_always() {
    holds("restart-always", 12);
}

#[test]
fn slow_fsync() {
    holds("slow-fsync", 15);
}

#[test]
fn failed_fsync() {
    holds("failed-fsync", 15);
}

#[test]
fn slow_rewrite() {
    holds("slow-rewrite", 20);
}

#[test]
fn quick_switches() {
    holds("quick-switches", 30);
}

#[test]
fn bit_rot() {
    holds("bit-rot", 20);
}

#[test]
fn leases() {
    holds("leases", 10);
}

#[test]
fn every_scenario_file_can_be_read_and_every_one_is_tested() {
    let names = refrain_harness::scenario::library::names();
    let tested = [
        "bit-rot",
        "blocking-queues",
        "client-pause",
        "collections",
        "command-overload",
        "expiry-clock",
        "failed-fsync",
        "field-expiry",
        "hot-key-storm",
        "intrusion",
        "leases",
        "pubsub",
        "quick-switches",
        "restart-always",
        "restart-durability",
        "single-node",
        "slow-clients",
        "slow-fsync",
        "slow-rewrite",
        "slow-subscribers",
        "stream-groups",
        "tracking",
    ];
    assert_eq!(names, tested);
    for name in names {
        refrain_harness::scenario::library::load(&name).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// Every plan that once failed, and must not again.
#[test]
fn regressions() {
    for name in refrain_harness::scenario::library::regressions() {
        let words = words(&run_well(&plan(&name, 0)));
        assert!(words.is_empty(), "cargo harness replay {name}\n{words}");
    }
}
