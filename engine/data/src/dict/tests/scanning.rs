//! What SCAN promises while the table changes between its calls.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::model::{Change, World, changes, pool};

fn apply_between(world: &mut World, script: &[Change], stayed: &mut BTreeSet<Vec<u8>>) {
    for change in script {
        world.apply(change);
        // What is removed and set again has not stayed; a drain is the only change with both a key gone and many.
        stayed.retain(|key| world.model.contains_key(key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_key_that_stays_is_never_missed(
        first in prop::collection::vec(changes(), 1..6),
        between in prop::collection::vec((prop::collection::vec(changes(), 0..3), 1..400usize), 1..30),
    ) {
        let mut world = World::new();
        first.iter().for_each(|change| world.apply(change));
        let mut stayed: BTreeSet<Vec<u8>> = world.model.keys().cloned().collect();
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        for (script, count) in between {
            cursor = world.dict.scan(cursor, count, &mut |entry| { seen.insert(entry.key().to_vec()); });
            prop_assert!(cursor < 1 << 48);
            if cursor == 0 {
                break;
            }
            apply_between(&mut world, &script, &mut stayed);
        }
        if cursor != 0 {
            cursor = world.dict.scan(cursor, usize::MAX, &mut |entry| { seen.insert(entry.key().to_vec()); });
            prop_assert_eq!(cursor, 0);
        }
        prop_assert!(stayed.is_subset(&seen), "{} keys missed", stayed.difference(&seen).count());
    }

    #[test]
    fn growth_in_mid_scan_repeats_nothing(fills in prop::collection::vec((0..POOL_THIRD, 1..300usize), 1..40)) {
        let mut world = World::new();
        world.apply(&Change::Fill { from: 0, keys: 500, deadline: None });
        let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut cursor = 0;
        for (from, count) in fills {
            cursor = world.dict.scan(cursor, count, &mut |e| *seen.entry(e.key().to_vec()).or_default() += 1);
            if cursor == 0 {
                break;
            }
            world.apply(&Change::Fill { from, keys: 300, deadline: None });
        }
        prop_assert!(seen.values().all(|&times| times == 1));
    }
}

const POOL_THIRD: usize = super::model::POOL / 3;

#[test]
fn a_scan_of_a_table_at_rest_sees_each_key_once() {
    let mut world = World::new();
    world.apply(&Change::Fill { from: 0, keys: pool().len(), deadline: None });
    for count in [1, 7, 1000] {
        let (mut cursor, mut seen, mut calls) = (0, Vec::new(), 0);
        loop {
            let before = seen.len();
            cursor = world.dict.scan(cursor, count, &mut |entry| seen.push(entry.key().to_vec()));
            assert!(seen.len() - before < count + 200, "a call stays near its count");
            calls += 1;
            if cursor == 0 {
                break;
            }
        }
        assert!(calls > 1);
        seen.sort();
        assert_eq!(seen, world.model.keys().cloned().collect::<Vec<_>>());
    }
}
