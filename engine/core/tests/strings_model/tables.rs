//! What the model can't see: memory that comes back, and scans during changes.

use std::collections::BTreeSet;

use refrain_resp::Reply;

use crate::{Pair, name};

#[test]
fn tables_that_grew_give_their_memory_back() {
    let mut pair = Pair::new();
    let empty = pair.bench.engine.state().keyspace.memory();
    for cycle in 0..3 {
        for i in 0..40_000 {
            pair.ask(&["SET", &format!("key:{cycle}:{i}"), &"v".repeat(i % 90)]);
        }
        let full = pair.bench.engine.state().keyspace.memory();
        assert!(full - empty > 40_000 * 50, "{full}");
        for i in 0..40_000 {
            let reply = pair.ask(&["DEL", &format!("key:{cycle}:{i}")]);
            assert_eq!(
                reply,
                Reply::Integer(1),
                "key {i} was written and must be there, whatever the table did meanwhile"
            );
        }
        pair.settle();
        let left = pair.bench.engine.state().keyspace.memory() - empty;
        assert!(left < full / 20, "cycle {cycle}: {left} bytes of {full} are left of nothing");
        pair.ask(&["FLUSHALL"]);
        assert_eq!(pair.bench.engine.state().keyspace.memory(), empty);
    }
}

#[test]
fn a_scan_returns_all_that_stays_while_others_write() {
    for seed in 0..8_u64 {
        let mut pair = Pair::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for i in 0..2000 {
            pair.ask(&["SET", &format!("stays:{i}"), "1"]);
            pair.ask(&["SET", &format!("gone:{i}"), "1"]);
        }
        for i in 0..2000 {
            pair.ask(&["DEL", &format!("gone:{i}")]);
        }
        let mut seen = BTreeSet::new();
        let (mut cursor, mut calls) = ("0".to_owned(), 0);
        loop {
            let Reply::Array(reply) = pair.ask(&["SCAN", &cursor, "COUNT", &(1 + roll() % 30).to_string()]) else {
                panic!()
            };
            cursor = name(&reply[0]);
            let Reply::Array(keys) = &reply[1] else { panic!() };
            seen.extend(keys.iter().map(name));
            calls += 1;
            assert!(calls < 20_000, "the scan does not end");
            if cursor == "0" {
                break;
            }
            // The others: the table grows to many times its size in some worlds, and shrinks again in others.
            let growing = (calls / 20) % 2 == seed as usize % 2;
            for _ in 0..roll() % 120 {
                let key = format!("passing:{}", roll() % 30_000);
                match roll() % 8 {
                    0 => pair.ask(&["SET", &key, "1", "PX", "3"]),
                    1 => pair.ask(&["SET", &format!("stays:{}", roll() % 2000), &"x".repeat(roll() % 200)]),
                    2 => pair.ask(&["APPEND", &format!("stays:{}", roll() % 2000), "y"]),
                    _ if growing => pair.ask(&["SET", &key, "1"]),
                    _ => pair.ask(&["DEL", &key]),
                };
            }
            pair.bench.advance_ms(1);
            if roll() % 4 == 0 {
                pair.bench.tick();
            }
        }
        for i in 0..2000 {
            assert!(seen.contains(&format!("stays:{i}")), "seed {seed}: stays:{i} was there all the time");
            assert!(!seen.contains(&format!("gone:{i}")), "seed {seed}: gone:{i} was deleted before");
        }
    }
}
