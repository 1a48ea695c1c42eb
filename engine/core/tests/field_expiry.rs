//! Deadlines of fields: what periodic work does about them, what holds it back, and who is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::BTreeMap;

use fixture::Bench;
use refrain_core::{Config, SessionId};

fn bench() -> (Bench, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    (bench, client)
}

/// Gives a hash `fields` fields that end after `ms`.
fn fill(bench: &mut Bench, client: SessionId, key: &str, fields: std::ops::Range<u32>, ms: u64) {
    let names: Vec<u32> = fields.collect();
    for some in names.chunks(100) {
        let pairs: String = some.iter().map(|n| format!(" field:{n} value:{n}")).collect();
        bench.ask(client, &format!("HSETEX {key} PX {ms} FIELDS {}{pairs}", some.len()));
    }
}

/// Fields that are still there, due or not.
fn held(bench: &Bench, key: &str) -> usize {
    let keyspace = &bench.engine.state().keyspace;
    let entry = keyspace.db(0).get(keyspace.hash(key.as_bytes()), key.as_bytes());
    entry.map_or(0, |entry| entry.view::<refrain_data::Hash>().unwrap().len())
}

#[test]
fn many_fields_that_are_due_at_once_go_a_slice_at_a_time_and_are_gone_for_everybody_before() {
    let (mut bench, client) = bench();
    fill(&mut bench, client, "h", 0..10_000, 50);
    assert_eq!(bench.ask(client, "HSET h lasting 1"), ":1\r\n");
    assert_eq!(bench.ask(client, "HLEN h"), ":10001\r\n");
    bench.advance_ms(50);
    let unhurried_us = 100_000;
    let (mut ticks, mut before) = (0, held(&bench, "h"));
    assert_eq!(before, 10_001);
    while held(&bench, "h") > 1 {
        assert_eq!(bench.ask(client, "HLEN h"), ":1\r\n");
        assert_eq!(bench.ask(client, "HGETALL h"), "*2\r\n$7\r\nlasting\r\n$1\r\n1\r\n");
        assert_eq!(bench.ask(client, "HRANDFIELD h"), "$7\r\nlasting\r\n");
        assert_eq!(bench.ask(client, "HGET h field:77"), "$-1\r\n");
        let wanted_us = bench.tick();
        let now = held(&bench, "h");
        assert!(now < before && before - now <= 1_500, "a slice is bounded: {before} to {now}");
        assert!(now <= 1 || wanted_us < unhurried_us, "what is behind hurries");
        (ticks, before) = (ticks + 1, now);
    }
    assert!(ticks > 5);
    let stats = &bench.engine.state().stats;
    assert_eq!((stats.expired_subkeys, stats.expired_subkeys_active, stats.expired_keys), (10_000, 10_000, 0));
}

#[test]
fn a_write_removes_some_of_what_is_due_and_its_cost_is_bounded() {
    let (mut bench, client) = bench();
    fill(&mut bench, client, "h", 0..1000, 50);
    bench.advance_ms(50);
    assert_eq!(bench.ask(client, "HSETNX h field:999 again"), ":1\r\n");
    let left = held(&bench, "h");
    assert!((900..1000).contains(&left), "{left} are left");
    assert_eq!(bench.ask(client, "HLEN h"), ":1\r\n");
    assert_eq!(bench.ask(client, "HTTL h FIELDS 1 field:999"), "*1\r\n:-1\r\n");
    assert_eq!(bench.ask(client, "HDEL h field:1 field:500 field:998"), ":0\r\n");
    assert_eq!(bench.ask(client, "HPERSIST h FIELDS 1 field:900"), "*1\r\n:-2\r\n");
    assert_eq!(bench.ask(client, "HINCRBY h field:901 7"), ":7\r\n");
    assert_eq!(bench.ask(client, "HEXPIRE h 100 FIELDS 1 field:902"), "*1\r\n:-2\r\n");
    assert_eq!(bench.ask(client, "HLEN h"), ":2\r\n");
}

#[test]
fn a_hash_that_comes_again_after_its_last_field_has_no_deadline() {
    let (mut bench, client) = bench();
    fill(&mut bench, client, "h", 0..3, 50);
    bench.ask(client, "EXPIRE h 1000");
    bench.advance_ms(50);
    assert_eq!(bench.ask(client, "HSET h a 1"), ":1\r\n");
    assert_eq!(bench.ask(client, "TTL h"), ":-1\r\n");
}

#[test]
fn nothing_goes_while_writes_are_paused() {
    let (mut bench, client) = bench();
    fill(&mut bench, client, "h", 0..5, 50);
    bench.ask(client, "CLIENT PAUSE 1000 WRITE");
    bench.advance_ms(60);
    bench.tick();
    assert_eq!(bench.ask(client, "HGET h field:1"), "$-1\r\n");
    assert_eq!(bench.ask(client, "HLEN h"), ":0\r\n");
    assert_eq!(bench.ask(client, "HTTL h FIELDS 1 field:1"), "*1\r\n:-2\r\n");
    assert_eq!(held(&bench, "h"), 5);
    bench.ask(client, "CLIENT UNPAUSE");
    bench.tick();
    assert_eq!(bench.ask(client, "EXISTS h"), ":0\r\n");
}

#[test]
fn the_list_of_hashes_with_deadlines_follows_keys_wherever_they_go() {
    let (mut bench, client) = bench();
    let timed = |bench: &Bench, db: usize| bench.engine.state().keyspace.db(db).hashes_with_deadlines();
    fill(&mut bench, client, "h", 0..3, 50);
    fill(&mut bench, client, "other", 0..600, 70);
    bench.ask(client, "HSET plain a 1");
    assert_eq!(timed(&bench, 0), 2);
    assert!(bench.ask(client, "INFO keyspace").contains("keys=3,expires=0,avg_ttl=0,subexpiry=2"));
    bench.ask(client, "COPY h copy");
    bench.ask(client, "RENAME other plain");
    bench.ask(client, "MOVE copy 1");
    assert_eq!((timed(&bench, 0), timed(&bench, 1)), (2, 1));
    bench.ask(client, "SWAPDB 0 1");
    assert_eq!((timed(&bench, 0), timed(&bench, 1)), (1, 2));
    bench.ask(client, "SWAPDB 0 1");
    bench.ask(client, "SET h string");
    assert_eq!(timed(&bench, 0), 1);
    bench.advance_ms(50);
    bench.tick();
    assert_eq!((timed(&bench, 0), timed(&bench, 1)), (1, 0));
    bench.ask(client, "FLUSHALL");
    assert_eq!(timed(&bench, 0), 0);
    bench.advance_ms(50);
    bench.tick();
}

#[test]
fn whoever_watches_or_listens_is_told() {
    let (mut bench, client) = bench();
    let listener = bench.connect();
    bench.ask(client, "CONFIG SET notify-keyspace-events Eghx");
    bench.ask(listener, "PSUBSCRIBE *");
    fill(&mut bench, client, "h", 0..2, 50);
    bench.ask(client, "WATCH h");
    bench.advance_ms(50);
    let before = bench.received[&listener].len();
    bench.tick();
    let heard = String::from_utf8(bench.received[&listener][before..].to_vec()).unwrap();
    let events: Vec<&str> = heard.split("__:").skip(1).map(|rest| rest.split("\r\n").next().unwrap()).collect();
    assert_eq!(events, ["hexpired", "del"]);
    bench.ask(client, "MULTI");
    bench.ask(client, "HLEN h");
    assert_eq!(bench.ask(client, "EXEC"), "*-1\r\n");
}

/// Each field is drawn about equally often, whatever the form of the hash.
#[test]
fn fields_are_drawn_evenly() {
    for (entries, due) in [(512, false), (0, false), (512, true), (0, true)] {
        let (mut bench, client) = bench();
        bench.ask(client, &format!("CONFIG SET hash-max-listpack-entries {entries}"));
        for n in 0..50 {
            bench.ask(client, &format!("HSET h field:{n} {n}"));
        }
        if due {
            fill(&mut bench, client, "h", 100..130, 5);
            bench.advance_ms(5);
        }
        let mut drawn: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..5000 {
            *drawn.entry(bench.ask(client, "HRANDFIELD h")).or_default() += 1;
        }
        assert_eq!(drawn.len(), 50, "all, and none that is due");
        // A hundred each, with a deviation of ten.
        assert!(drawn.values().all(|count| (50..150).contains(count)), "{entries} {due}: {drawn:?}");
    }
}
