//! Hashes against a naive model, in all forms and across their limits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::tree::Page;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

const SEED: HashSeed = HashSeed([7, 11]);

fn limits(entries: usize, value_bytes: usize) -> HashLimits {
    HashLimits { entries, value_bytes, seed: SEED }
}

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, Vec<u8>, Option<Option<u64>>),
    Remove(Vec<u8>),
    SetDeadline(Vec<u8>, Option<u64>),
    RemoveDue(u64, usize),
    Clone,
    Scan(usize),
}

fn name(of: u32) -> impl Strategy<Value = Vec<u8>> {
    (0..of).prop_map(|n| match n % 5 {
        0 => n.to_string().into_bytes(),
        1 => format!("-{n}").into_bytes(),
        2 => format!("field:{n}").into_bytes(),
        3 => [b"x".repeat(20), n.to_string().into_bytes()].concat(),
        _ => vec![n as u8, 0, 255, (n >> 8) as u8],
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        (-5i64..200).prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..30),
        (0usize..3000).prop_map(|len| vec![b'v'; len]),
    ]
}

fn deadline() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![2 => Just(None), 5 => (1u64..40).prop_map(Some), 1 => (1u64..1 << 46).prop_map(Some)]
}

fn step(names: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (name(names), value(), prop::option::of(deadline())).prop_map(|(n, v, d)| Step::Set(n, v, d)),
        4 => name(names).prop_map(Step::Remove),
        4 => (name(names), deadline()).prop_map(|(n, d)| Step::SetDeadline(n, d)),
        2 => (0u64..45, 0usize..20).prop_map(|(now, most)| Step::RemoveDue(now, most)),
        1 => Just(Step::Clone),
        1 => (1usize..30).prop_map(Step::Scan),
    ]
}

fn contents(hash: HashRef<'_>) -> Model {
    hash.iter().map(|f| (f.name.to_vec(), (f.value.to_vec(), f.deadline))).collect()
}

/// Everything that a hash says of itself, against the model.
fn compare(hash: &Hash, model: &Model) {
    let view = hash.view();
    assert_eq!(contents(view), *model);
    assert_eq!((view.len(), view.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(view.earliest_deadline(), model.values().filter_map(|(_, at)| *at).min());
    for now in [0, 1, 20, 39, 1 << 30, u64::MAX] {
        assert_eq!(view.due(now), model.values().filter(|(_, at)| at.is_some_and(|at| at <= now)).count());
    }
    let by_index: Vec<Vec<u8>> = (0..view.len()).map(|i| view.at(i).expect("below the length").name.to_vec()).collect();
    assert!(view.iter().map(|field| field.name.to_vec()).eq(by_index));
    assert!(view.at(view.len()).is_none());
    match hash {
        Hash::Packed(list) => assert!(list.view().is_whole()),
        Hash::Timed(list) => {
            assert!(list.view().is_whole());
            let ranks: Vec<u64> = view.iter().map(|field| field.deadline.unwrap_or(u64::MAX)).collect();
            assert!(ranks.is_sorted());
        }
        Hash::Large(large) => large_hash(large).check(),
    }
}

fn scanned(hash: HashRef<'_>, count: usize) -> Vec<Vec<u8>> {
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        cursor = hash.scan(cursor, count, &mut |field| all.push(field.name.to_vec()));
        if cursor == 0 {
            return all;
        }
    }
}

/// Through the bytes that an entry would keep.
fn stored_and_taken_out(hash: Hash) -> Hash {
    Hash::from_body(hash.into_body())
}

fn copy(hash: &Hash) -> Hash {
    match hash {
        Hash::Packed(list) => Hash::Packed(list.clone()),
        Hash::Timed(list) => Hash::Timed(list.clone()),
        Hash::Large(large) => Hash::Large(large.clone()),
    }
}

fn run(limits: HashLimits, steps: Vec<Step>) {
    let (mut hash, mut model) = (Hash::empty(), Model::new());
    let mut copies: Vec<(Hash, Model)> = Vec::new();
    for step in steps {
        match step {
            Step::Set(name, value, deadline) => {
                let change = match deadline {
                    None => Deadline::Keep,
                    Some(None) => Deadline::Clear,
                    Some(Some(at)) => Deadline::At(at),
                };
                let old = model.get(&name).map(|(_, at)| *at);
                assert_eq!(hash.set(&name, &value, change, &limits), old.is_none());
                model.insert(name, (value, change.over(old.flatten())));
            }
            Step::Remove(name) => assert_eq!(hash.remove(&name), model.remove(&name).is_some()),
            Step::SetDeadline(name, at) => {
                let found = model.get_mut(&name);
                assert_eq!(hash.set_deadline(&name, at, &limits), found.is_some());
                found.into_iter().for_each(|found| found.1 = at);
                hash.expect_deadlines(&limits);
            }
            Step::RemoveDue(now, most) => {
                let mut due: Vec<u64> = model.values().filter_map(|(_, at)| *at).filter(|at| *at <= now).collect();
                due.sort_unstable();
                due.truncate(most);
                let mut removed = Vec::new();
                hash.remove_due(now, most, &mut |name| removed.push(name.to_vec()));
                let deadlines: Vec<u64> =
                    removed.iter().map(|name| model.remove(name).and_then(|(_, at)| at).expect("it was due")).collect();
                assert_eq!(deadlines, due, "the earliest go first");
            }
            Step::Clone => copies.push((copy(&hash), model.clone())),
            Step::Scan(count) => {
                let all = scanned(hash.view(), count);
                assert_eq!(all.len(), model.len());
                assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), model.keys().cloned().collect());
            }
        }
        hash = stored_and_taken_out(hash);
        for name in model.keys().take(3) {
            let found = hash.view().get(name).expect("it is in the model");
            assert_eq!((found.value.to_vec(), found.deadline), model[name]);
        }
        if !matches!(hash, Hash::Large(_)) {
            assert!(model.len() <= limits.entries.max(1), "a packed hash keeps to its limit");
        }
    }
    compare(&hash, &model);
    for (copy, then) in &copies {
        compare(copy, then);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn hashes_do_as_the_model(entries in 1usize..40, value_bytes in 8usize..80, steps in prop::collection::vec(step(40), 1..80)) {
        run(limits(entries, value_bytes), steps);
    }

    #[test]
    fn packed_hashes_do_as_the_model(steps in prop::collection::vec(step(60), 1..60)) {
        run(limits(512, 10_000), steps);
    }

    #[test]
    fn what_a_packed_hash_is_made_of_is_one_again(steps in prop::collection::vec(step(30), 1..30)) {
        let limits = limits(512, 10_000);
        let mut hash = Hash::empty();
        for step in steps {
            if let Step::Set(name, value, deadline) = step {
                hash.set(&name, &value, deadline.flatten().map_or(Deadline::Keep, Deadline::At), &limits);
            }
        }
        let before = contents(hash.view());
        let (bytes, timed) = match hash.into_body() {
            Body::Packed(bytes) => (bytes, false),
            Body::Alternate(bytes) => (bytes, true),
            Body::Large(_) => unreachable!("the limits allow all"),
        };
        let again = Hash::from_packed(PackedList::from_bytes(bytes.clone()), timed, &limits).expect("it was one");
        compare(&again, &before);
        let grown = Hash::from_packed(PackedList::from_bytes(bytes), timed, &super::tests::limits(2, 5)).expect("it was one");
        prop_assert!(matches!(grown, Hash::Large(_)) || before.len() <= 2);
        compare(&grown, &before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn large_hashes_do_as_the_model(steps in prop::collection::vec(step(2000), 1000..2500)) {
        run(limits(0, 0), steps);
    }
}

#[test]
fn bytes_that_are_no_hash_are_refused() {
    let list = |elements: &[&str]| {
        let mut list = PackedList::new();
        elements.iter().for_each(|element| list.push_back(element.as_bytes()));
        list.into_bytes()
    };
    let limits = limits(512, 64);
    let valid =
        |elements: &[&str], timed| Hash::from_packed(PackedList::from_bytes(list(elements)), timed, &limits).is_some();
    assert!(valid(&["a", "1", "b", "2"], false));
    assert!(!valid(&["a", "1", "b"], false));
    assert!(!valid(&["a", "1", "a", "2"], false));
    assert!(!valid(&["7", "1", "7", "2"], false));
    assert!(valid(&["a", "1", "5", "b", "2", "6", "c", "3", "0"], true));
    assert!(!valid(&["a", "1", "6", "b", "2", "5"], true));
    assert!(!valid(&["a", "1", "0", "b", "2", "5"], true));
    assert!(!valid(&["a", "1", "-1"], true));
    assert!(!valid(&["a", "1", "x"], true));
    assert!(!valid(&["a", "1", "5", "b", "2"], true));
}

#[test]
fn a_field_that_stays_is_met_by_a_scan_whatever_else_comes_and_goes() {
    let limits = limits(0, 0);
    let mut hash = Hash::empty();
    let name = |n: u32| format!("field:{n}").into_bytes();
    for n in 0..3000 {
        hash.set(&name(n), b"v", Deadline::Clear, &limits);
    }
    let mut met = BTreeSet::new();
    let (mut cursor, mut round) = (0, 0);
    loop {
        cursor = hash.view().scan(cursor, 17, &mut |field| {
            met.insert(field.name.to_vec());
        });
        if cursor == 0 {
            break;
        }
        // Those below 1000 stay; the rest goes, and others come.
        for n in 0..40 {
            hash.remove(&name(1000 + round * 40 + n));
            hash.set(&name(100_000 + round * 40 + n), b"v", Deadline::Clear, &limits);
        }
        round += 1;
    }
    assert!((0..1000).all(|n| met.contains(&name(n))));
}

#[test]
fn memory_is_what_the_pages_say_and_ends_at_nothing() {
    let limits = limits(0, 0);
    let mut hash = Hash::empty();
    for n in 0..5000u64 {
        hash.set(format!("field:{n}").as_bytes(), &vec![b'v'; (n % 7 * 300) as usize], Deadline::At(1 + n), &limits);
    }
    let Hash::Large(large) = &hash else { panic!("the limits make it large") };
    let pages: usize = large_hash(large).pages().map(Page::memory).sum();
    assert!(large.memory() >= pages, "{} < {pages}", large.memory());
    assert!(large.memory() < pages + pages / 5, "{} is far from {pages}", large.memory());
    hash.remove_due(u64::MAX, 5000, &mut |_| {});
    assert!(hash.is_empty());
    let Hash::Large(large) = &hash else { panic!("a hash never goes back") };
    assert_eq!(large.memory(), 0);
}
