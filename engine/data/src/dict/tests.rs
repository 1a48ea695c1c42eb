//! The dictionary against a naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SEED: HashSeed = HashSeed([1, 2]);

fn key(number: u32) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

#[test]
fn a_million_keys_come_and_go() {
    let mut dict = Dict::new(SEED);
    for i in 0..200_000 {
        let key = key(i);
        assert!(dict.set(SEED.hash(&key), &key, NewValue::Int(i64::from(i)), Deadline::Keep));
    }
    for i in 0..200_000 {
        let key = key(i);
        assert_eq!(dict.get(SEED.hash(&key), &key).map(|e| e.value()), Some(Value::Int(i64::from(i))));
    }
    let mut seen = 0;
    let mut cursor = 0;
    loop {
        cursor = dict.scan(cursor, 10, &mut |_| seen += 1);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen, 200_000);
    for i in 0..200_000 {
        let key = key(i);
        assert!(dict.remove(SEED.hash(&key), &key));
    }
    assert_eq!(dict.memory(), 0);
}
