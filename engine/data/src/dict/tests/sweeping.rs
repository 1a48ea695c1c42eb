//! Active expiry: nothing too early, everything in the end.

use proptest::prelude::*;

use super::model::{Change, World, changes};
use super::*;

/// A sweep that also removes from the model, and asserts that what goes has expired.
fn sweep(world: &mut World, now: u64, budget: u64) -> SweepReport {
    let model = &mut world.model;
    let mut removed = 0;
    let report = world.dict.sweep_expired(now, budget, &mut |entry| {
        let (_, deadline) = model.remove(entry.key()).expect("what is removed was there");
        assert!(deadline.is_some_and(|deadline| deadline <= now), "an entry that has not expired stays");
        removed += 1;
    });
    assert_eq!(report.removed, removed);
    assert!(report.units <= budget.saturating_add(14), "a sweep keeps to its budget");
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_has_expired_goes_and_nothing_else(
        script in prop::collection::vec((changes(), 0..40u64, 1..300u64), 1..40),
    ) {
        let mut world = World::new();
        let mut now = 0;
        for (change, later, budget) in &script {
            world.apply(change);
            now += later;
            sweep(&mut world, now, *budget);
            world.dict.check();
        }
        // Two rounds to the end: the first finishes what the last slice began.
        for _ in 0..2 {
            while sweep(&mut world, now, 500).behind {}
        }
        prop_assert!(world.model.values().all(|(_, deadline)| deadline.is_none_or(|deadline| deadline > now)));
        world.check();
    }
}

#[test]
fn segments_with_nothing_due_cost_one_unit() {
    let mut world = World::new();
    world.apply(&Change::Fill { from: 0, keys: 6000, deadline: Some(500) });
    sweep(&mut world, 499, u64::MAX);
    let report = sweep(&mut world, 499, u64::MAX);
    let segments = u64::from(world.dict.segments.len());
    assert_eq!(report, SweepReport { units: segments + 1, removed: 0, behind: false });
    let mut removed = 0;
    loop {
        let report = sweep(&mut world, 500, u64::MAX);
        removed += report.removed;
        if !report.behind {
            break;
        }
    }
    assert_eq!(removed, 6000);
    assert_eq!(world.dict.memory(), 0);
}

#[test]
fn a_bound_that_is_too_low_is_found_out_in_one_round() {
    let mut world = World::new();
    world.apply(&Change::Fill { from: 0, keys: 6000, deadline: Some(10) });
    world.apply(&Change::Fill { from: 0, keys: 6000, deadline: Some(500) });
    assert!(sweep(&mut world, 20, u64::MAX).units > 6000);
    let segments = u64::from(world.dict.segments.len());
    assert_eq!(sweep(&mut world, 20, u64::MAX).units, segments + 1);
}

#[test]
fn a_key_expires_at_its_deadline_and_not_before() {
    let mut world = World::new();
    for (key, deadline) in [(0, 9), (1, 10), (2, 11)] {
        world.apply(&Change::Set { key, value: 0, deadline: Deadline::At(deadline) });
    }
    assert_eq!(sweep(&mut world, 10, 100).removed, 2);
    world.check();
}
