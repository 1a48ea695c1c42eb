//! Strings, deadlines and databases against the most naive model there is: maps, and a clock that the test turns.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

#[path = "../fixture/mod.rs"]
mod fixture;
mod model;
mod steps;
mod tables;
mod whole;

use std::collections::BTreeSet;

use fixture::{Bench, command, fileless};
use model::{DATABASES, Model};
use proptest::prelude::*;
use refrain_core::SessionId;
use refrain_resp::{Reply, decode};
use steps::{Step, step};

/// The engine, driven like the model.
struct Pair {
    bench: Bench,
    client: SessionId,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        let mut bench = Bench::new(fileless(), None);
        bench.engine.effects().stream.enable(false);
        let client = bench.connect();
        Pair { bench, client, model: Model::new() }
    }

    fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        let reply = self.bench.send(self.client, command(&words));
        decode(&reply).unwrap().expect("a whole reply").0
    }

    fn settle(&mut self) {
        for _ in 0..40 {
            self.bench.tick();
        }
    }

    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Command(words) => {
                let expected = self.model.apply(words);
                let bytes: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
                let got = self.bench.send(self.client, command(&bytes));
                prop_assert_eq!(String::from_utf8_lossy(&got), expected, "{:?}", words);
            }
            Step::Advance(ms) => {
                self.bench.advance_ms(*ms);
                self.model.now_ms += *ms as i64;
            }
            Step::Tick => drop(self.bench.tick()),
            Step::Settle => {
                self.settle();
                self.model.bury();
                for db in 0..DATABASES {
                    let keyspace = &self.bench.engine.state().keyspace;
                    prop_assert_eq!(keyspace.db(db).len(), self.model.databases[db].len(), "keys of {}", db);
                    let volatile = self.model.databases[db].values().filter(|(_, at)| at.is_some()).count();
                    prop_assert_eq!(keyspace.db(db).volatile_len(), volatile, "deadlines in {}", db);
                }
                let here = self.model.here().len() as i64;
                prop_assert_eq!(self.ask(&["DBSIZE"]), Reply::Integer(here));
            }
            Step::Keys => {
                self.model.bury();
                let Reply::Array(keys) = self.ask(&["KEYS", "*"]) else { panic!("KEYS gives an array") };
                let got: BTreeSet<String> = keys.iter().map(name).collect();
                prop_assert_eq!(got.len(), keys.len(), "each key once");
                let expected: BTreeSet<String> = self.model.here().keys().cloned().collect();
                prop_assert_eq!(got, expected);
            }
            Step::Random => {
                self.model.bury();
                let reply = self.ask(&["RANDOMKEY"]);
                match reply {
                    Reply::Null => prop_assert!(self.model.here().is_empty()),
                    key => prop_assert!(self.model.here().contains_key(&name(&key))),
                }
            }
        }
        Ok(())
    }
}

fn name(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("no key: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(steps in prop::collection::vec(step(), 1..250)) {
        let mut pair = Pair::new();
        let empty = pair.bench.engine.state().keyspace.memory();
        for step in &steps {
            pair.play(step)?;
        }
        pair.play(&Step::Settle)?;
        // Deleted one by one, nothing of the entries is left in the account; flushed, nothing of the tables either.
        for db in 0..DATABASES {
            pair.ask(&["SELECT", &db.to_string()]);
            for key in pair.model.databases[db].keys() {
                let words: [&[u8]; 2] = [b"DEL", key.as_bytes()];
                pair.bench.send(pair.client, command(&words));
            }
            prop_assert_eq!(pair.bench.engine.state().keyspace.db(db).len(), 0);
        }
        prop_assert_eq!(pair.bench.engine.state().keyspace.memory(), empty, "memory after deleting everything");
        pair.ask(&["FLUSHALL"]);
        prop_assert_eq!(pair.bench.engine.state().keyspace.memory(), empty, "memory after flushing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// All commands in one round, two clients in turn: what was looked up for one of them must not outlive the next.
    #[test]
    fn grouped_commands_agree_with_the_model(steps in prop::collection::vec(step(), 1..120), cut in 0usize..120) {
        let mut pair = Pair::new();
        let (mut streams, mut expected) = ([Vec::new(), Vec::new()], [String::new(), String::new()]);
        for (i, step) in steps.iter().enumerate() {
            // The second client has database 0 as well, so SELECT is left out.
            let Step::Command(words) = step else { continue };
            // A share of 16 KiB ends the round of one who sends more; then the order between the two is not the model's.
            if words[0] == "SELECT" || words.iter().any(|w| w.len() > 100) {
                continue;
            }
            // A few keys only, so that commands of one group meet on them.
            let few = |w: &String| match w.strip_prefix("key:").and_then(|n| n.parse::<usize>().ok()) {
                Some(n) => format!("key:{}", n % 4),
                None => w.clone(),
            };
            let words: Vec<String> = words.iter().map(few).collect();
            let bytes: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
            let who = usize::from(i >= cut);
            streams[who].extend(command(&bytes));
            expected[who].push_str(&pair.model.apply(&words));
        }
        let second = pair.bench.connect();
        let inputs = [(pair.client, streams[0].as_slice()), (second, streams[1].as_slice())];
        pair.bench.round(&inputs);
        prop_assert_eq!(String::from_utf8_lossy(&pair.bench.received[&pair.client]), expected[0].as_str());
        prop_assert_eq!(String::from_utf8_lossy(&pair.bench.received[&second]), expected[1].as_str());
    }
}
