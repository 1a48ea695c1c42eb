//! Sorted sets against a sorted vector: every operation, both forms, thresholds at random, clones that stay as they are.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::score_page::compare;
use super::*;

fn limits(entries: usize, value: usize) -> SortedSetLimits {
    SortedSetLimits { entries, value, seed: HashSeed([7, 11]) }
}

/// The most naive sorted set there is.
#[derive(Clone, Default)]
struct Model(BTreeMap<Vec<u8>, f64>);

impl Model {
    fn sorted(&self) -> Vec<(Vec<u8>, f64)> {
        let mut all: Vec<(Vec<u8>, f64)> = self.0.iter().map(|(name, score)| (name.clone(), *score)).collect();
        all.sort_by(|a, b| compare((a.1, &a.0), (b.1, &b.0)));
        all
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, f64),
    InsertIfGreater(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
    Clone,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => (0u32..3).prop_map(|n| n.to_string().into_bytes()),
        8 => (0u32..400).prop_map(|n| n.to_string().into_bytes()),
        4 => (0u32..400).prop_map(|n| format!("member:{n}").into_bytes()),
        1 => (0u8..4, 0usize..1500).prop_map(|(byte, len)| vec![byte; len]),
        1 => Just(Vec::new()),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20i32..20).prop_map(f64::from),
        2 => (-20i32..20).prop_map(|n| f64::from(n) / 8.0),
        1 => any::<f64>().prop_filter("a number", |score| !score.is_nan()),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e300), Just(5e-324)],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (member(), score()).prop_map(|(member, score)| Step::Insert(member, score)),
        2 => (member(), score()).prop_map(|(member, score)| Step::InsertIfGreater(member, score)),
        5 => member().prop_map(Step::Remove),
        1 => (0usize..300, 0usize..20).prop_map(|(start, len)| Step::RemoveRange(start, len)),
        1 => Just(Step::Clone),
    ]
}

fn contents(set: SortedSetRef<'_>, backwards: bool) -> Vec<(Vec<u8>, f64)> {
    let mut all = Vec::new();
    set.visit(0..set.len(), backwards, |member, score| {
        all.push((member.to_vec(), score));
        true
    });
    all
}

/// Everything that can be asked of the set is answered as the model does.
fn agree(
    set: SortedSetRef<'_>,
    model: &Model,
    probe: &(Vec<u8>, f64),
    other: &(Vec<u8>, f64),
) -> Result<(), TestCaseError> {
    set.check().map_err(TestCaseError::fail)?;
    let sorted = model.sorted();
    prop_assert_eq!(set.len(), sorted.len());
    prop_assert_eq!(&contents(set, false), &sorted);
    let mut backwards = contents(set, true);
    backwards.reverse();
    prop_assert_eq!(&backwards, &sorted);
    prop_assert_eq!(set.score(&probe.0), model.0.get(&probe.0).copied());
    let rank = sorted.iter().position(|(name, _)| *name == probe.0);
    prop_assert_eq!(set.rank(&probe.0).map(|(rank, _)| rank), rank);
    for (min, max) in [(false, false), (true, false), (false, true), (true, true)] {
        let range = ScoreRange {
            min: ScoreBound { score: probe.1, excluded: min },
            max: ScoreBound { score: other.1, excluded: max },
        };
        let ranks = set.score_ranks(&range);
        let expected: Vec<usize> = (0..sorted.len()).filter(|at| range.contains(sorted[*at].1)).collect();
        prop_assert_eq!(ranks.len(), expected.len(), "{:?}", range);
        prop_assert!(expected.is_empty() || ranks.start == expected[0]);
    }
    let mut scanned = Vec::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, 7, |member, score| scanned.push((member.to_vec(), score)));
        if cursor == 0 {
            break;
        }
    }
    scanned.sort_by(|a, b| compare((a.1, &a.0), (b.1, &b.0)));
    prop_assert_eq!(&scanned, &sorted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_set_agrees_with_the_model(
        entries in prop_oneof![0usize..4, Just(40), Just(1000)],
        value in prop_oneof![Just(0usize), Just(9), Just(2000)],
        steps in prop::collection::vec(step(), 1..600),
        probe in (member(), score()),
        other in (member(), score()),
    ) {
        let limits = limits(entries, value);
        let mut set = SortedSet::empty();
        let mut model = Model::default();
        let mut kept: Vec<(LargeSortedSet, Model)> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let was_large = matches!(set, SortedSet::Large(_));
            match step {
                Step::Insert(name, score) => {
                    let old = model.0.get(name).copied();
                    let updated = set.insert(name, *score, &limits);
                    prop_assert_eq!(updated.old, old);
                    if old != Some(*score) {
                        model.0.insert(name.clone(), *score);
                    }
                }
                Step::InsertIfGreater(name, score) => {
                    let decide = |old: Option<f64>| old.is_none_or(|old| *score > old).then_some(*score);
                    let updated = set.update(name, &limits, decide);
                    let old = model.0.get(name).copied();
                    prop_assert_eq!(updated, Updated { old, new: decide(old) });
                    if updated.new.is_some() {
                        model.0.insert(name.clone(), *score);
                    }
                }
                Step::Remove(name) => prop_assert_eq!(set.remove(name), model.0.remove(name)),
                Step::RemoveRange(start, len) => {
                    let sorted = model.sorted();
                    let ranks = (*start).min(sorted.len())..(start + len).min(sorted.len());
                    for (name, _) in &sorted[ranks.clone()] {
                        model.0.remove(name);
                    }
                    set.remove_range(ranks);
                }
                Step::Clone => {
                    if let SortedSetRef::Large(large) = set.as_ref() {
                        kept.push((large.clone(), model.clone()));
                    }
                }
            }
            prop_assert!(!was_large || matches!(set, SortedSet::Large(_)), "a large set stays one");
            if let SortedSet::Packed(_) = set {
                prop_assert!(model.0.len() <= entries && model.0.keys().all(|name| name.len() <= value));
            }
            if at % 50 == 0 {
                agree(set.as_ref(), &model, &probe, &other)?;
            }
        }
        agree(set.as_ref(), &model, &probe, &other)?;
        for (set, model) in &kept {
            agree(SortedSetRef::Large(set), model, &probe, &other)?;
        }
        // What is made at once is what was made step by step.
        let sorted = model.sorted();
        let mut members: Vec<Scored<'_>> =
            sorted.iter().rev().map(|(name, score)| Scored { member: Value::Bytes(name), score: *score }).collect();
        let made = SortedSet::of(&mut members, &limits);
        agree(made.as_ref(), &model, &probe, &other)?;
        if let SortedSet::Packed(list) = made {
            let read = SortedSet::from_packed(list, &limits);
            prop_assert_eq!(read.is_some(), !sorted.is_empty());
            if let Some(read) = read {
                agree(read.as_ref(), &model, &probe, &other)?;
            }
        }
        // Removed one by one, nothing is left.
        for (name, _) in &sorted {
            prop_assert!(set.remove(name).is_some());
        }
        prop_assert!(set.is_empty());
        if let SortedSetRef::Large(large) = set.as_ref() {
            prop_assert_eq!(large.memory(), 0);
        }
    }

    #[test]
    fn ranges_of_bytes_agree_with_a_filter(
        names in prop::collection::btree_set("[a-d]{0,3}|[0-9]{1,3}", 0..300),
        entries in prop_oneof![Just(0usize), Just(1000)],
        min in "[a-d]{0,3}",
        max in "[a-d0-9]{0,3}",
        kinds in (0u8..4, 0u8..4),
    ) {
        let limits = limits(entries, 100);
        let mut set = SortedSet::empty();
        for name in &names {
            set.insert(name.as_bytes(), 1.0, &limits);
        }
        let bound = |kind: u8, text: &'static str| match kind {
            0 => LexBound::Start,
            1 => LexBound::Included(text.as_bytes()),
            2 => LexBound::Excluded(text.as_bytes()),
            _ => LexBound::End,
        };
        let (min, max): (&'static str, &'static str) = (min.leak(), max.leak());
        let range = LexRange { min: bound(kinds.0, min), max: bound(kinds.1, max) };
        let inside = |name: &str| !range.is_below(name.as_bytes()) && range.is_not_above(name.as_bytes());
        let expected: Vec<usize> =
            names.iter().enumerate().filter(|(_, name)| inside(name)).map(|(at, _)| at).collect();
        let ranks = set.as_ref().lex_ranks(&range);
        prop_assert_eq!(ranks.len(), expected.len(), "{:?} {:?}", range, ranks);
        prop_assert!(expected.is_empty() || ranks.start == expected[0]);
    }

    #[test]
    fn a_walk_finds_whatever_stays(
        steps in prop::collection::vec((0u32..600, any::<bool>(), -5i32..5), 0..400),
        count in 1usize..40,
    ) {
        let limits = limits(0, 100);
        let mut set = SortedSet::empty();
        for n in 0..300 {
            set.insert(format!("stays:{n}").as_bytes(), f64::from(n % 7), &limits);
        }
        let mut found = std::collections::BTreeSet::new();
        let (mut cursor, mut steps) = (0, steps.into_iter());
        loop {
            cursor = set.as_ref().scan(cursor, count, |member, _| {
                found.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            for (n, insert, score) in steps.by_ref().take(9) {
                if insert {
                    set.insert(format!("comes:{n}").as_bytes(), f64::from(score), &limits);
                } else {
                    set.remove(format!("comes:{n}").as_bytes());
                }
                set.insert(format!("stays:{}", n % 300).as_bytes(), f64::from(score), &limits);
            }
        }
        for n in 0..300 {
            prop_assert!(found.contains(format!("stays:{n}").as_bytes()), "{n}");
        }
    }

    #[test]
    fn lists_of_strangers_are_taken_or_refused(elements in prop::collection::vec("[a-c]|[0-9]|-?[0-9]\\.5|nan|inf", 0..12)) {
        let list: PackedList = elements.iter().map(|text| Value::Bytes(text.as_bytes())).collect();
        if let Some(set) = SortedSet::from_packed(list, &limits(4, 100)) {
            prop_assert_eq!(set.as_ref().check(), Ok(()));
        }
    }
}

#[test]
fn zeros_are_equal_and_a_packed_set_knows_one() {
    let limits = limits(1, 10);
    let mut set = SortedSet::empty();
    set.insert(b"a", -0.0, &limits);
    assert!(set.as_ref().score(b"a").is_some_and(f64::is_sign_positive));
    set.insert(b"b", -0.0, &limits);
    assert!(set.as_ref().score(b"b").is_some_and(f64::is_sign_negative));
    let updated = set.insert(b"b", 0.0, &limits);
    assert!(!updated.is_changed());
    assert!(set.as_ref().score(b"b").is_some_and(f64::is_sign_negative));
    assert_eq!(set.as_ref().rank(b"b"), Some((1, 0.0)));
    assert_eq!(set.as_ref().check(), Ok(()));
}

#[test]
fn a_score_that_only_one_tree_knows_is_noticed() {
    let limits = limits(0, 0);
    let mut set = SortedSet::empty();
    for n in 0..1000 {
        set.insert(format!("m{n}").as_bytes(), f64::from(n), &limits);
    }
    assert_eq!(set.as_ref().check(), Ok(()));
    set.plant_stale_order(b"m500", 3.5);
    assert!(set.as_ref().check().is_err_and(|error| error.contains("by hash")));
}

#[test]
fn a_member_of_twelve_bytes_takes_less_than_55() {
    const MEMBERS: u64 = 100_000;
    let scramble = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    // Scores that are whole numbers and such that are not, in order and in none.
    for (shuffled, divisor, bound) in [(false, 1.0, 48.0), (true, 1.0, 48.0), (false, 7.0, 55.0), (true, 7.0, 55.0)] {
        let mut set = LargeSortedSet::new(HashSeed([1, 2]));
        for n in 0..MEMBERS {
            let n = if shuffled { scramble(n) } else { n };
            set.update(format!("mem:{n:08}").as_bytes(), |_| Some(n as f64 / divisor));
        }
        let each = set.memory() as f64 / set.len() as f64;
        println!("{each:.1} bytes a member, shuffled: {shuffled}, divided by {divisor}");
        assert!(each < bound, "{each} bytes a member, shuffled: {shuffled}, divided by {divisor}");
    }
}
