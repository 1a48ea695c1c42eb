//! Many keys in one region of the hash, memory over a life of growth and shrinking, and random keys.

use std::collections::BTreeMap;

use super::model::pool;
use super::*;

fn insert(dict: &mut Dict, key: &[u8]) {
    assert!(dict.set(SEED.hash(key), key, NewValue::Int(1), Deadline::Keep));
}

fn numbered(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    numbers.map(|number| format!("number:{number}").into_bytes())
}

#[test]
fn keys_of_one_bucket_are_found_far_from_home() {
    // 1,500 keys of one 4,096th of the hash: within a young segment all have the same home.
    let crowd: Vec<Vec<u8>> = numbered(0..u32::MAX).filter(|key| SEED.hash(key).0 >> 52 == 0xABC).take(1500).collect();
    let mut dict = Dict::new(SEED);
    for (i, key) in crowd.iter().enumerate() {
        insert(&mut dict, key);
        if i % 50 == 0 {
            dict.check();
        }
    }
    assert!(crowd.iter().all(|key| dict.get(SEED.hash(key), key).is_some()));
    assert!(dict.depth <= 13, "a crowd of a 4,096th needs no directory finer than that by much");
    for (i, key) in crowd.iter().enumerate() {
        assert!(dict.remove(SEED.hash(key), key));
        if i % 50 == 0 {
            dict.check();
        }
    }
    assert_eq!(dict.memory(), 0);
}

#[test]
fn memory_follows_the_number_of_keys_both_ways() {
    let mut dict = Dict::new(SEED);
    let mut before = 0;
    for (i, key) in numbered(0..60_000).enumerate() {
        insert(&mut dict, &key);
        let table = dict.memory() - dict.entry_bytes;
        assert!(table <= before + 16 * 1024 + dict.directory.len() * 4, "key {i}: {before} to {table} bytes");
        if i > 20_000 {
            assert!(table < (i + 1) * 15, "key {i}: {table} bytes of table");
        }
        before = table;
    }
    for (i, key) in numbered(0..60_000).enumerate() {
        assert!(dict.remove(SEED.hash(&key), &key));
        let left = 60_000 - i;
        let table = dict.memory() - dict.entry_bytes;
        assert!(table < left * 64 + 4096, "{left} keys left: {table} bytes of table");
    }
    assert_eq!(dict.memory(), 0);
}

#[test]
fn one_key_that_comes_and_goes_does_not_make_the_table_flap() {
    let mut dict = Dict::new(SEED);
    for key in numbered(0..5000) {
        insert(&mut dict, &key);
        let key = &pool()[0];
        insert(&mut dict, key);
        assert!(dict.remove(SEED.hash(key), key));
        let settled = dict.memory();
        for _ in 0..3 {
            insert(&mut dict, key);
            assert!(dict.remove(SEED.hash(key), key));
            assert_eq!(dict.memory(), settled);
        }
    }
}

#[test]
fn a_random_key_is_any_key_alike() {
    const KEYS: u32 = 3000;
    const DRAWS: u64 = 300_000;
    let mut dict = Dict::new(SEED);
    numbered(0..KEYS).for_each(|key| insert(&mut dict, &key));
    let mut drawn: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for entropy in 0..DRAWS {
        *drawn.entry(dict.random(entropy).expect("there are keys").key().to_vec()).or_default() += 1;
    }
    assert_eq!(drawn.len(), KEYS as usize);
    // A hundred draws each are expected, with a standard deviation of ten; the whole is a chi-square of 2,999 degrees.
    let chi_square: f64 = drawn.values().map(|&n| (n as f64 - 100.0).powi(2) / 100.0).sum();
    assert!((2600.0..3400.0).contains(&chi_square), "chi-square {chi_square}");
}

#[test]
fn an_empty_dictionary_holds_nothing_and_finds_nothing() {
    let mut dict = Dict::new(SEED);
    assert_eq!(dict.memory(), 0);
    assert!(dict.random(1).is_none() && dict.get(SEED.hash(b"k"), b"k").is_none());
    assert_eq!(dict.scan(0, 10, &mut |_| unreachable!()), 0);
    assert_eq!(dict.scan(77, 10, &mut |_| unreachable!()), 0);
    assert_eq!(dict.sweep_expired(u64::MAX, 10, &mut |_| unreachable!()), SweepReport::default());
    dict.prefetch_bucket(SEED.hash(b"k"));
    dict.prefetch_entry(SEED.hash(b"k"));
    insert(&mut dict, b"k");
    assert!(dict.memory() < 200, "one key takes {} bytes", dict.memory());
}

#[test]
fn a_detached_entry_outlives_the_dictionary() {
    let mut dict = Dict::new(SEED);
    dict.set(SEED.hash(b"k"), b"k", NewValue::Bytes(&[b'v'; 5000]), Deadline::At(9));
    let Lookup::Occupied(entry) = dict.lookup(SEED.hash(b"k"), b"k") else { panic!("the key was set") };
    let detached = entry.detach();
    assert_eq!((dict.len(), dict.volatile_len(), dict.memory()), (0, 0, 0));
    drop(dict);
    assert_eq!((detached.entry().value().len(), detached.entry().deadline()), (5000, Some(9)));
}
