//! What keys remember of their use, as OBJECT shows it: times under most policies of eviction, counts under an LFU policy.

mod fixture;

use fixture::Bench;
use refrain_core::Config;

const NO_COUNTS: &str = "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
between policies at runtime LRU and LFU data will take some time to adjust.\r\n";

const NO_TIMES: &str = "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
policies at runtime LRU and LFU data will take some time to adjust.\r\n";

const MINUTE_MS: u64 = 60_000;

#[test]
fn each_policy_answers_for_what_it_keeps() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    assert_eq!(bench.ask(client, "SET k v"), "+OK\r\n");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), NO_COUNTS);
    assert_eq!(bench.ask(client, "OBJECT IDLETIME k"), ":0\r\n");
    for policy in ["allkeys-lfu", "volatile-lfu"] {
        bench.ask(client, &format!("CONFIG SET maxmemory-policy {policy}"));
        assert_eq!(bench.ask(client, "OBJECT IDLETIME k"), NO_TIMES);
        assert_eq!(bench.ask(client, "OBJECT FREQ nosuch"), "$-1\r\n");
        assert_eq!(bench.ask(client, "SET new v\r\nOBJECT FREQ new\r\nDEL new"), "+OK\r\n:5\r\n:1\r\n");
    }
    bench.ask(client, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), NO_COUNTS);
}

#[test]
fn uses_are_counted_and_forgotten_with_time() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    // Every use counts with a factor of 0.
    bench.ask(client, "CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0 lfu-decay-time 2");
    bench.ask(client, "SET k v");
    bench.ask(client, "GET k\r\nGET k\r\nAPPEND k w");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":8\r\n", "asking is no use");
    assert_eq!(bench.ask(client, "TYPE k\r\nEXISTS k\r\nTTL k\r\nOBJECT FREQ k"), "+string\r\n:1\r\n:-1\r\n:8\r\n");
    bench.ask(client, "CLIENT NO-TOUCH ON");
    assert_eq!(bench.ask(client, "GET k\r\nOBJECT FREQ k"), "$2\r\nvw\r\n:8\r\n");
    assert_eq!(bench.ask(client, "TOUCH k\r\nOBJECT FREQ k"), ":1\r\n:9\r\n");
    bench.ask(client, "CLIENT NO-TOUCH OFF");
    bench.ask(client, "SET k new");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":10\r\n", "a new value keeps the count");
    bench.advance_ms(7 * MINUTE_MS);
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":7\r\n", "one less in two minutes");
    assert_eq!(bench.ask(client, "GET k\r\nOBJECT FREQ k"), "$3\r\nnew\r\n:8\r\n");
    bench.ask(client, "CONFIG SET lfu-decay-time 0");
    bench.advance_ms(600 * MINUTE_MS);
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":8\r\n", "nothing is forgotten");
    bench.ask(client, &"GET k\r\n".repeat(300));
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":255\r\n");
}

#[test]
fn restore_brings_back_what_the_policy_keeps() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    let payload = "\"\\x00\\x03foo\\x0b\\x00\\x1a\\x96\\x84\\xa8\\xb0^S\\x1e\"";
    let restore = |options: &str| format!("RESTORE k 0 {payload} REPLACE {options}");
    assert_eq!(bench.ask(client, &restore("IDLETIME 70")), "+OK\r\n");
    assert_eq!(bench.ask(client, "OBJECT IDLETIME k"), ":70\r\n");
    assert_eq!(bench.ask(client, &restore("FREQ 70")), "+OK\r\n");
    assert_eq!(bench.ask(client, "OBJECT IDLETIME k"), ":0\r\n");
    bench.ask(client, "CONFIG SET maxmemory-policy allkeys-lfu");
    assert_eq!(bench.ask(client, &restore("FREQ 70")), "+OK\r\n");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":70\r\n");
    assert_eq!(bench.ask(client, &restore("IDLETIME 70")), "+OK\r\n");
    assert_eq!(bench.ask(client, "OBJECT FREQ k"), ":5\r\n");
}
