//! The set against a BTreeSet, and against bytes that a redis-server made.

use std::collections::BTreeSet;

use proptest::prelude::*;
use quickcheck::quickcheck;

use super::*;

fn set(numbers: &[i64]) -> IntSet {
    let mut set = IntSet::new();
    numbers.iter().for_each(|number| {
        set.insert(*number);
    });
    set
}

/// What redis-server 7.0 put into the payload of DUMP for sets of these elements.
#[test]
fn the_bytes_are_those_of_a_redis_server() {
    let cases: [(&[i64], &str); 4] = [
        (&[1, 2, 3], "0200000003000000010002000300"),
        (&[-1, 70000, 5], "0400000003000000ffffffff0500000070110100"),
        (&[5, 4294967296, -7], "0800000003000000f9ffffffffffffff05000000000000000000000001000000"),
        (&[32768, -32769], "0400000002000000ff7fffff00800000"),
    ];
    for (numbers, expected) in cases {
        let expected: Vec<u8> =
            (0..expected.len()).step_by(2).map(|i| u8::from_str_radix(&expected[i..i + 2], 16).unwrap()).collect();
        assert_eq!(set(numbers).into_bytes(), expected);
    }
}

#[test]
fn wrong_bytes_are_refused() {
    let good = set(&[1, 5, 9]).into_bytes();
    assert!(Ints::validate(&good, true));
    let mut unordered = good.clone();
    unordered.swap(8, 10);
    assert!(Ints::validate(&unordered, false) && !Ints::validate(&unordered, true));
    let mut twice = good.clone();
    twice[10] = 1;
    assert!(!Ints::validate(&twice, true));
    for (at, byte) in [(0, 3), (0, 4), (0, 0), (3, 1), (4, 2), (4, 4), (7, 255)] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert!(!Ints::validate(&bad, true), "byte {at} = {byte}");
    }
    (0..good.len()).for_each(|len| assert!(!Ints::validate(&good[..len], true)));
    assert!(!Ints::validate(IntSet::new().view().bytes(), true), "an empty set is no value");
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -20i64..20,
        2 => -40_000i64..40_000,
        1 => prop::sample::select(vec![32_767, 32_768, -32_768, -32_769, 1 << 31, (1 << 31) - 1, -(1 << 31), i64::MIN, i64::MAX]),
        1 => any::<i64>(),
    ]
}

proptest! {
    #[test]
    fn it_does_what_an_ordered_set_does(steps in prop::collection::vec((0..6, number()), 0..80)) {
        let (mut set, mut model) = (IntSet::new(), BTreeSet::new());
        for (kind, number) in steps {
            match kind {
                0..=2 => prop_assert_eq!(set.insert(number), model.insert(number)),
                3 => prop_assert_eq!(set.remove(number), model.remove(&number)),
                4 if !model.is_empty() => {
                    let index = number.unsigned_abs() as usize % model.len();
                    let removed = set.remove_at(index);
                    prop_assert_eq!(Some(&removed), model.iter().nth(index));
                    model.remove(&removed);
                }
                _ => prop_assert_eq!(set.view().contains(number), model.contains(&number)),
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert!(set.view().iter().eq(model.iter().copied()));
            prop_assert!(model.is_empty() || Ints::validate(set.view().bytes(), true));
        }
    }
}

quickcheck! {
    fn random_bytes_are_refused_or_safe(bytes: Vec<u8>) -> bool {
        !Ints::validate(&bytes, true) || Ints::new(&bytes).iter().count() == Ints::new(&bytes).len()
    }
}
