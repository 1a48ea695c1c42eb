//! Walks over several databases while they are flushed and swapped.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::value::{Deadline, NewValue};

const SEED: HashSeed = HashSeed([3, 4]);
const DATABASES: usize = 3;

type Model = [BTreeMap<Vec<u8>, u64>; DATABASES];

#[derive(Clone, Debug)]
enum Step {
    Set { database: usize, slot: usize, from: u32, keys: u32, value: u64 },
    Remove { database: usize, slot: usize, from: u32, keys: u32 },
    Swap(usize, usize),
    Flush(usize),
    FlushAll,
    Begin,
    Slice { walk: usize, budget: u64 },
    GiveUp { walk: usize },
}

fn steps(slots: usize) -> impl Strategy<Value = Step> {
    let range = (0..DATABASES, 0..slots, 0..500u32, 1..200u32);
    prop_oneof![
        6 => (range.clone(), any::<u64>()).prop_map(|((database, slot, from, keys), value)| {
            Step::Set { database, slot, from, keys, value }
        }),
        2 => range.prop_map(|(database, slot, from, keys)| Step::Remove { database, slot, from, keys }),
        1 => (0..DATABASES, 0..DATABASES).prop_map(|(a, b)| Step::Swap(a, b)),
        1 => (0..DATABASES).prop_map(Step::Flush),
        1 => Just(Step::FlushAll),
        2 => Just(Step::Begin),
        6 => (0..2usize, 1..200u64).prop_map(|(walk, budget)| Step::Slice { walk, budget }),
        1 => (0..2usize).prop_map(|walk| Step::GiveUp { walk }),
    ]
}

/// A walk with what it must give and what it gave, by database.
struct Watched {
    walk: KeyspaceWalk,
    expected: Model,
    given: Model,
}

impl Watched {
    fn slice(&mut self, keyspace: &mut Keyspace, budget: u64) -> bool {
        let given = &mut self.given;
        let progress = keyspace.walk_slice(&mut self.walk, budget, &mut |database, entry| {
            let value = entry.value().as_int().expect("the test stores numbers") as u64;
            assert!(given[database].insert(entry.key().to_vec(), value).is_none(), "an entry is given once");
        });
        assert!(!progress.done || self.given == self.expected, "a walk gives what there was when it began");
        progress.done
    }
}

fn key(slot: usize, number: u32) -> Vec<u8> {
    format!("{{{slot}}}:{number}").into_bytes()
}

fn run(slots: usize, script: &[Step]) {
    let mut keyspace = Keyspace::new(DATABASES, slots, SEED);
    let mut model = Model::default();
    let mut walks: Vec<Watched> = Vec::new();
    for step in script {
        match *step {
            Step::Set { database, slot, from, keys, value } => {
                for key in (from..from + keys).map(|number| key(slot, number)) {
                    let dict = keyspace.db_mut(database).dict_mut(slot);
                    dict.set(SEED.hash(&key), &key, NewValue::Int(value as i64), Deadline::Keep);
                    model[database].insert(key, value);
                }
            }
            Step::Remove { database, slot, from, keys } => {
                for key in (from..from + keys).map(|number| key(slot, number)) {
                    let removed = keyspace.db_mut(database).dict_mut(slot).remove(SEED.hash(&key), &key);
                    assert_eq!(removed, model[database].remove(&key).is_some());
                }
            }
            Step::Swap(a, b) => {
                keyspace.swap(a, b);
                model.swap(a, b);
            }
            Step::Flush(database) => {
                let len = model[database].len();
                model[database].clear();
                let detached = keyspace.flush(database);
                assert!(detached.len() == len || detached.is_empty() && !walks.is_empty());
            }
            Step::FlushAll => {
                drop(keyspace.flush_all());
                model = Model::default();
            }
            Step::Begin if walks.len() < 2 => {
                let walk = keyspace.begin_walk().expect("fewer than the maximum are active");
                walks.push(Watched { walk, expected: model.clone(), given: Model::default() });
            }
            Step::Slice { walk, budget } if walk < walks.len() => {
                if walks[walk].slice(&mut keyspace, budget) {
                    drop(keyspace.end_walk(walks.remove(walk).walk));
                }
            }
            Step::GiveUp { walk } if walk < walks.len() => drop(keyspace.end_walk(walks.remove(walk).walk)),
            Step::Begin | Step::Slice { .. } | Step::GiveUp { .. } => {}
        }
        for (database, model) in model.iter().enumerate() {
            assert_eq!(keyspace.db(database).len(), model.len());
        }
    }
    for mut watched in walks {
        while !watched.slice(&mut keyspace, 100) {}
        drop(keyspace.end_walk(watched.walk));
    }
    assert!(keyspace.flushed.is_empty(), "without walks nothing that was flushed is kept");
    drop(keyspace.flush_all());
    let empty = Keyspace::new(DATABASES, slots, SEED).memory();
    assert_eq!(keyspace.memory(), empty);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_walk_sees_all_databases_as_they_were(script in prop::collection::vec(steps(1), 1..60)) {
        run(1, &script);
    }

    #[test]
    fn with_a_dictionary_for_each_slot_too(script in prop::collection::vec(steps(4), 1..60)) {
        run(4, &script);
    }
}

#[test]
fn a_table_that_a_walk_needs_is_given_back_at_its_end() {
    let mut keyspace = Keyspace::new(1, 1, SEED);
    keyspace.db_mut(0).set(SEED.hash(b"k"), b"k", NewValue::Int(1), Deadline::Keep);
    let walk = keyspace.begin_walk().expect("no walk is active");
    assert!(keyspace.flush(0).is_empty(), "the walk needs it");
    assert!(keyspace.db(0).is_empty());
    assert_eq!(keyspace.end_walk(walk).len(), 1);
}
