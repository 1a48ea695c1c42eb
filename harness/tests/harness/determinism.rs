//! The same plan gives the same trace: twice, on threads side by side, in every build, and as it did before.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use refrain_harness::run::{RunOptions, run};
use refrain_sim::Trace;

use super::{plan, run_well, words};

const SCENARIOS: [(&str, u64); 15] = [
    ("single-node", 3),
    ("hot-key-storm", 1),
    ("slow-clients", 2),
    ("expiry-clock", 3),
    ("command-overload", 1),
    ("pubsub", 3),
    ("slow-subscribers", 1),
    ("tracking", 3),
    ("intrusion", 2),
    ("client-pause", 2),
    ("restart-durability", 3),
    ("restart-always", 2),
    ("slow-fsync", 2),
    ("slow-rewrite", 2),
    ("bit-rot", 2),
];

#[test]
fn a_seed_gives_the_same_run_twice_and_in_two_threads() {
    for (scenario, seeds) in SCENARIOS {
        for seed in 1..=seeds {
            let plan = plan(scenario, seed);
            let here = run_well(&plan);
            let [left, right] = std::thread::scope(|scope| {
                let threads = [0, 1].map(|_| scope.spawn(|| run_well(&plan)));
                threads.map(|thread| thread.join().expect("a run does not panic its caller"))
            });
            for other in [&left, &right] {
                if other.trace.hash() != here.trace.hash() {
                    let logged = || run(&plan, RunOptions { planted: None, log: true }).trace;
                    let apart = Trace::first_divergence(&logged(), &logged());
                    panic!("seed {seed} of {scenario} differs: {apart:?}");
                }
                assert_eq!(words(other), words(&here));
            }
        }
    }
}

#[test]
fn a_log_does_not_change_the_run() {
    let plan = plan("single-node", 1);
    let logged = run(&plan, RunOptions { planted: None, log: true });
    assert_eq!(logged.trace.hash(), run_well(&plan).trace.hash());
    assert!(!logged.trace.log().is_empty());
}

/// The hashes of a few runs, kept: whoever changes one says so.
#[test]
fn pinned_hashes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned-hashes.txt");
    let mut text = String::new();
    for (scenario, seeds) in SCENARIOS {
        for seed in 1..=seeds {
            let hash = run_well(&plan(scenario, seed)).trace.hash();
            writeln!(text, "{scenario} {seed} {hash:016x}").expect("a string takes all that is written");
        }
    }
    if std::env::var_os("REFRAIN_PIN").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let pinned = std::fs::read_to_string(&file).unwrap_or_default();
    let by_run = |text: &str| -> BTreeMap<String, String> {
        text.lines().filter_map(|l| l.rsplit_once(' ')).map(|(run, hash)| (run.to_owned(), hash.to_owned())).collect()
    };
    let (pinned, now) = (by_run(&pinned), by_run(&text));
    let changed: Vec<&String> = now.keys().filter(|run| pinned.get(*run) != now.get(*run)).collect();
    assert!(
        changed.is_empty(),
        "these runs are not what they were: {changed:?}\n\
         Expected whenever the engine, the simulator, a workload or a scenario was changed on purpose; then pin them anew:\n\
         \n    REFRAIN_PIN=1 cargo test -p refrain-harness pinned_hashes\n\n\
         If nothing of these was meant to change, or if builds or machines disagree, it is a bug of the first rank:\n\
         \n    cargo harness determinism {} --seeds 10\n",
        changed[0].split(' ').next().unwrap_or_default()
    );
}
