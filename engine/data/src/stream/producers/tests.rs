//! Records of producers against a naive model and against their clones.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The records of each producer, in the order in which they came.
type Model = BTreeMap<Vec<u8>, Vec<(Vec<u8>, StreamId)>>;

#[derive(Clone, Debug)]
enum Step {
    Record { pid: u8, iid: u16, ms: u64, most: u32 },
    Forget { ms: u64, at_most: usize },
    Clear,
    Clone,
}

fn step() -> impl Strategy<Value = Step> {
    let iid = prop_oneof![3 => 0u16..12, 1 => 0u16..400];
    prop_oneof![
        30 => (0u8..6, iid, 0u64..50, prop_oneof![1u32..6, Just(100)])
            .prop_map(|(pid, iid, ms, most)| Step::Record { pid, iid, ms, most }),
        4 => (0u64..50, 0usize..20).prop_map(|(ms, at_most)| Step::Forget { ms, at_most }),
        1 => Just(Step::Clear),
        1 => Just(Step::Clone),
    ]
}

fn pid_of(pid: u8) -> Vec<u8> {
    vec![b'p'; usize::from(pid)]
}

fn contents(producers: &Producers) -> Model {
    producers
        .iter()
        .map(|(pid, len, records)| {
            let records: Vec<_> = records.map(|(iid, id)| (iid.to_vec(), id)).collect();
            assert_eq!(len, records.len());
            (pid.to_vec(), records)
        })
        .collect()
}

fn check(producers: &Producers, model: &Model) {
    assert_eq!(&contents(producers), model);
    assert_eq!(producers.len(), model.len());
    assert_eq!(producers.is_empty(), model.is_empty());
    assert_eq!(producers.records_len(), model.values().map(Vec::len).sum::<usize>());
    assert_eq!(producers.oldest_ms(), model.values().map(|records| records[0].1.ms).min());
    for (pid, records) in model {
        for (iid, id) in records {
            assert_eq!(producers.find(pid, iid), Some(*id));
        }
        assert_eq!(producers.find(pid, b"nothing is called so"), None);
    }
    assert_eq!(producers.find(b"nobody", b"1"), None);
}

/// What the model forgets: of each producer the first ones that are due, the oldest of all first.
fn forget(model: &mut Model, ms: u64, at_most: usize) -> usize {
    for gone in 0..at_most {
        let first = model.iter().map(|(pid, records)| (records[0].1.ms, pid.clone()));
        let Some(oldest) = first.map(|(ms, _)| ms).min().filter(|oldest| *oldest <= ms) else { return gone };
        // Which of those that are equally old goes first shows only while others are left: all of them go here.
        let pid = model.iter().find(|(_, records)| records[0].1.ms == oldest).map(|(pid, _)| pid.clone()).unwrap();
        model.get_mut(&pid).unwrap().remove(0);
        model.retain(|_, records| !records.is_empty());
    }
    at_most
}

proptest! {
    #[test]
    fn records_are_those_of_the_model(steps in vec(step(), 1..250)) {
        let (mut producers, mut model) = (Producers::default(), Model::new());
        let (mut clones, mut added) = (Vec::new(), 0);
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Record { pid, iid, ms, most } => {
                    // An id tells by its sequence which step it is of.
                    let (pid, iid, id) = (pid_of(pid), iid.to_string().into_bytes(), StreamId::new(ms, i as u64));
                    producers.record(&pid, &iid, id, most);
                    let records = model.entry(pid).or_default();
                    records.retain(|(other, _)| *other != iid);
                    records.drain(..(records.len() + 1).saturating_sub(most as usize));
                    records.push((iid, id));
                    added += 1;
                }
                Step::Forget { ms, .. } if i % 2 == 0 => {
                    let gone = producers.forget_through(ms, usize::MAX);
                    prop_assert_eq!(gone, forget(&mut model, ms, usize::MAX));
                }
                Step::Forget { ms, at_most } => {
                    let due = forget(&mut model.clone(), ms, usize::MAX);
                    prop_assert_eq!(producers.forget_through(ms, at_most), at_most.min(due));
                    prop_assert!(at_most >= due || producers.oldest_ms().is_some_and(|oldest| oldest <= ms));
                    prop_assert_eq!(producers.forget_through(ms, usize::MAX), due - at_most.min(due));
                    forget(&mut model, ms, usize::MAX);
                }
                Step::Clear => {
                    producers.clear();
                    model.clear();
                }
                Step::Clone => clones.push((producers.clone(), model.clone())),
            }
            prop_assert_eq!(producers.added, added);
        }
        check(&producers, &model);
        for (clone, model) in clones {
            check(&clone, &model);
        }
    }
}

#[test]
fn memory_is_counted_and_comes_back() {
    let mut producers = Producers::default();
    let empty = producers.memory();
    for i in 0..5_000u64 {
        producers.record(format!("producer {}", i % 500).as_bytes(), i.to_string().as_bytes(), StreamId::new(i, 0), 8);
    }
    assert_eq!(producers.records_len(), 4_000);
    let full = producers.memory();
    let each = (full - empty) / 4_000;
    assert!((80..200).contains(&each), "{each} bytes for a record");
    assert_eq!(producers.forget_through(u64::MAX, usize::MAX), 4_000);
    assert_eq!(producers.memory(), empty);
    assert_eq!((producers.len(), producers.oldest_ms(), producers.added), (0, None, 5_000));
}

#[test]
fn limits_have_ranges() {
    assert_eq!(ProducerLimits::new(100, 100), Some(ProducerLimits::default()));
    assert!(ProducerLimits::new(1, 1).is_some() && ProducerLimits::new(86_400, 10_000).is_some());
    for (duration_s, entries) in [(0, 1), (1, 0), (86_401, 1), (1, 10_001), (u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(ProducerLimits::new(duration_s, entries), None);
    }
}
