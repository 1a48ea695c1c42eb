//! Snapshot walks against snapshots of the model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::model::{Change, Content, World, changes, content};
use super::*;
use crate::walk::{MAX_WALKS, TooManyWalks, WalkId};

#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    Begin,
    Slice { walk: usize, budget: u64 },
    GiveUp { walk: usize },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => changes().prop_map(Step::Change),
        2 => Just(Step::Begin),
        6 => (0..MAX_WALKS, 1..600u64).prop_map(|(walk, budget)| Step::Slice { walk, budget }),
        1 => (0..MAX_WALKS).prop_map(|walk| Step::GiveUp { walk }),
    ]
}

/// A walk under way, what it must give and what it gave.
struct Watched {
    id: WalkId,
    expected: BTreeMap<Vec<u8>, Content>,
    given: BTreeMap<Vec<u8>, Content>,
}

impl Watched {
    fn begin(world: &mut World) -> Self {
        let id = world.dict.begin_walk().expect("fewer than the maximum are active");
        Watched { id, expected: world.model.clone(), given: BTreeMap::new() }
    }

    /// Goes on; true when the walk is done, and right.
    fn slice(&mut self, dict: &mut Dict, budget: u64) -> bool {
        let given = &mut self.given;
        let progress = dict.walk_slice(self.id, budget, &mut |entry| {
            let twice = given.insert(entry.key().to_vec(), content(entry)).is_some();
            assert!(!twice, "an entry is given once");
        });
        assert!(progress.units < budget + 8, "a slice keeps to its budget");
        if progress.done {
            assert!(self.given == self.expected, "a walk gives what there was when it began");
            assert_eq!(dict.walk_pending_bytes(self.id), 0);
            dict.end_walk(self.id);
        }
        progress.done
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_walk_gives_exactly_what_there_was(
        first in prop::collection::vec(changes(), 0..4),
        script in prop::collection::vec(steps(), 1..60),
    ) {
        let mut world = World::new();
        first.iter().for_each(|change| world.apply(change));
        let mut walks: Vec<Watched> = Vec::new();
        for step in &script {
            match step {
                Step::Change(change) => world.apply(change),
                Step::Begin if walks.len() < MAX_WALKS => walks.push(Watched::begin(&mut world)),
                Step::Begin => prop_assert_eq!(world.dict.begin_walk(), Err(TooManyWalks)),
                Step::Slice { walk, budget } if *walk < walks.len() => {
                    if walks[*walk].slice(&mut world.dict, *budget) {
                        walks.remove(*walk);
                    }
                }
                Step::GiveUp { walk } if *walk < walks.len() => world.dict.end_walk(walks.remove(*walk).id),
                Step::Slice { .. } | Step::GiveUp { .. } => {}
            }
            world.dict.check();
        }
        // The table may be taken away under the walks.
        let mut detached = world.dict.detach();
        prop_assert!(world.dict.is_empty() && world.dict.memory() == 0);
        for mut walk in walks {
            while !walk.slice(&mut detached, 1000) {}
        }
    }
}

#[test]
fn a_write_behind_the_walk_copies_nothing() {
    let mut world = World::new();
    world.apply(&Change::Fill { from: 0, keys: 1000, deadline: None });
    let mut walk = Watched::begin(&mut world);
    let id = walk.id;
    world.apply(&Change::Set { key: 5, value: 1, deadline: Deadline::Keep });
    let copied = world.dict.walk_pending_bytes(id);
    assert!(copied > 0, "the write came before the walk");
    world.apply(&Change::Set { key: 5, value: 2, deadline: Deadline::Keep });
    assert_eq!(world.dict.walk_pending_bytes(id), copied, "a bucket is copied once");
    while !walk.slice(&mut world.dict, 50) {}
    assert_eq!(world.dict.walks.version(), 0, "without walks a write compares with zero");
}
