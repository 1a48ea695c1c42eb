//! A database of many dictionaries as one.

use std::collections::BTreeSet;

use super::*;

const SEED: HashSeed = HashSeed([5, 6]);

/// 64 dictionaries, of which a few hold some keys and one holds many.
fn database() -> (Database, BTreeSet<Vec<u8>>) {
    let mut database = Database::new(64, SEED);
    let mut keys = BTreeSet::new();
    for (slot, count) in [(0, 3), (5, 20_000), (6, 1), (40, 300), (63, 7)] {
        for number in 0..count {
            let key = format!("{slot}:{number}").into_bytes();
            let deadline = if number % 2 == 0 { Deadline::At(100) } else { Deadline::Clear };
            database.dict_mut(slot).set(SEED.hash(&key), &key, NewValue::Int(number), deadline);
            keys.insert(key);
        }
    }
    (database, keys)
}

#[test]
fn a_scan_goes_through_all_dictionaries_once() {
    let (database, keys) = database();
    for count in [1, 10, 1_000_000] {
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            cursor = database.scan(cursor, count, &mut |entry| seen.push(entry.key().to_vec()));
            assert!(cursor < 1 << 48);
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), keys.len());
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), keys);
    }
    assert_eq!(database.scan(u64::MAX, 10, &mut |_| unreachable!()), 0, "a cursor from nowhere ends");
}

#[test]
fn random_keys_come_from_every_dictionary() {
    let (database, _) = database();
    let slots: BTreeSet<u8> = (0..100_000u64)
        .map(|i| database.random(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).expect("there are keys").key()[0])
        .collect();
    assert_eq!(slots, BTreeSet::from([b'0', b'5', b'6', b'4']));
    assert!(Database::new(64, SEED).random(1).is_none());
}

#[test]
fn a_sweep_in_small_steps_gets_through_all_dictionaries() {
    let (mut database, keys) = database();
    let mut removed = 0;
    loop {
        let report = database.sweep_expired(100, 40, &mut |entry| assert_eq!(entry.deadline(), Some(100)));
        removed += report.removed;
        if database.volatile_len() == 0 {
            break;
        }
        assert!(report.behind || report.removed > 0 || report.units >= 40);
    }
    assert_eq!(removed as usize + database.len(), keys.len());
}
