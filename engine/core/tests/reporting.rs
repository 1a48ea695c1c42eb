//! INFO and MEMORY: what the server says of itself is what happened, by every field that a test can know.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::BTreeMap;

use fixture::{Bench, command, fileless};
use refrain_core::{Config, SessionId};

fn bench() -> (Bench, SessionId) {
    let mut bench = Bench::new(fileless(), None);
    bench.hooks.us_per_unit.set(1);
    let client = bench.connect();
    (bench, client)
}

/// The text of INFO with these sections.
fn info(bench: &mut Bench, client: SessionId, sections: &str) -> String {
    let reply = bench.ask(client, &format!("INFO {sections}"));
    reply.split_once("\r\n").unwrap().1.to_owned()
}

/// Its fields.
fn fields(bench: &mut Bench, client: SessionId, sections: &str) -> BTreeMap<String, String> {
    let text = info(bench, client, sections);
    let fields = text.split("\r\n").filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn titles(text: &str) -> Vec<&str> {
    text.split("\r\n").filter_map(|line| line.strip_prefix("# ")).collect()
}

#[test]
fn sections_come_once_and_in_order_however_they_are_asked_for() {
    let (mut bench, client) = bench();
    let default = [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Threads",
        "Stats",
        "Replication",
        "CPU",
        "Modules",
        "Errorstats",
        "Cluster",
        "Keyspace",
        "Refrain",
    ];
    assert_eq!(titles(&info(&mut bench, client, "")), default);
    assert_eq!(titles(&info(&mut bench, client, "DEFAULT")), default);
    assert_eq!(titles(&info(&mut bench, client, "default commandstats")).len(), default.len() + 1);
    let all = info(&mut bench, client, "all");
    assert_eq!(titles(&all).len(), default.len() + 2);
    assert_eq!(titles(&all), titles(&info(&mut bench, client, "everything")));
    assert!(!titles(&all).contains(&"Debug"));
    assert_eq!(titles(&info(&mut bench, client, "stats CPU cpu server")), ["Server", "Stats", "CPU"]);
    assert_eq!(info(&mut bench, client, "modules"), "# Modules\r\n\r\n");
    assert_eq!(info(&mut bench, client, "module_list"), "# Modules\r\n\r\n");
    assert_eq!(info(&mut bench, client, "nosuch"), "\r\n");
    assert_eq!(titles(&info(&mut bench, client, "debug")), ["Debug"]);
}

#[test]
fn what_happened_is_what_is_counted() {
    let (mut bench, client) = bench();
    for line in ["SET a 1 PX 1000", "SET b 1", "GET a", "GET nosuch", "INCR nosuchsyntax x", "nosuch", "nosuch a"] {
        bench.ask(client, line);
    }
    let f = fields(&mut bench, client, "stats");
    let is = |name: &str, value: &str| assert_eq!(f[name], value, "{name}");
    is("keyspace_hits", "1");
    is("keyspace_misses", "1");
    is("total_error_replies", "3");
    is("total_commands_processed", "4");
    is("total_reads_processed", "8");
    is("total_writes_processed", "7");
    let errors = fields(&mut bench, client, "errorstats");
    assert_eq!(errors["errorstat_ERR"], "count=3");
    let commands = fields(&mut bench, client, "commandstats");
    assert!(commands["cmdstat_set"].starts_with("calls=2,usec=2,usec_per_call=1.00,rejected_calls=0,failed_calls=0"));
    assert!(commands["cmdstat_incr"].starts_with("calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"));
    let latency = fields(&mut bench, client, "latencystats");
    assert_eq!(latency["latency_percentiles_usec_set"], "p50=1.000,p99=1.000,p99.9=1.000");
    bench.ask(client, "CONFIG SET latency-tracking-info-percentiles '0 100'");
    assert_eq!(fields(&mut bench, client, "latencystats")["latency_percentiles_usec_set"], "p0=1.000,p100=1.000");
    bench.ask(client, "CONFIG SET latency-tracking no");
    assert_eq!(titles(&info(&mut bench, client, "latencystats")), ["Latencystats"]);
    assert!(fields(&mut bench, client, "latencystats").is_empty());
}

#[test]
fn a_condition_on_a_value_reads_it() {
    let (mut bench, client) = bench();
    bench.ask(client, "SET k v");
    // Hits and misses of each.
    for (line, hits, misses) in [
        ("SET k v IFEQ v", 1, 0),
        ("SET k v IFEQ other", 1, 0),
        ("SET k v IFEQ v GET", 2, 0),
        ("SET k v IFNE other GET NX", 1, 0),
        ("SET nosuch v IFEQ v", 0, 0),
        ("DELEX k IFEQ other", 1, 0),
        ("DELEX nosuch IFEQ v", 0, 1),
        ("DELEX nosuch", 0, 0),
        ("DELEX k IFEQ v", 1, 0),
    ] {
        bench.ask(client, "CONFIG RESETSTAT");
        bench.ask(client, line);
        let f = fields(&mut bench, client, "stats");
        assert_eq!(
            (&*f["keyspace_hits"], &*f["keyspace_misses"]),
            (&*hits.to_string(), &*misses.to_string()),
            "{line}"
        );
    }
}

#[test]
fn each_register_that_is_raised_is_a_change() {
    let (mut bench, client) = bench();
    for (line, changes) in [("PFADD h a", "2"), ("PFADD h a b c", "4"), ("PFADD h b a", "4"), ("PFADD new", "5")] {
        bench.ask(client, line);
        assert_eq!(fields(&mut bench, client, "persistence")["rdb_changes_since_last_save"], changes, "{line}");
    }
}

#[test]
fn a_pause_is_told_of() {
    let (mut bench, client) = bench();
    let told = |bench: &mut Bench| {
        let f = fields(bench, client, "clients");
        ["paused_reason", "paused_actions", "paused_timeout_milliseconds"].map(|name| f[name].clone())
    };
    assert_eq!(told(&mut bench), ["none", "none", "0"]);
    bench.ask(client, "CLIENT PAUSE 5000 WRITE");
    bench.advance_ms(1000);
    bench.tick();
    assert_eq!(told(&mut bench), ["client_pause", "write", "4000"]);
    bench.advance_ms(4000);
    bench.tick();
    assert_eq!(told(&mut bench), ["none", "none", "0"]);
}

#[test]
fn a_request_that_breaks_the_protocol_is_an_error_reply() {
    let (mut bench, client) = bench();
    let other = bench.connect();
    bench.send(other, "*x\r\n");
    assert_eq!(fields(&mut bench, client, "errorstats")["errorstat_ERR"], "count=1");
    assert_eq!(fields(&mut bench, client, "stats")["total_error_replies"], "1");
}

#[test]
fn payloads_are_checked_where_they_have_structure() {
    let (mut bench, client) = bench();
    bench.ask(client, "RPUSH list a b");
    bench.ask(client, "SET string a");
    for (key, checks) in [("string", "0"), ("list", "1")] {
        let reply = bench.send(client, format!("DUMP {key}\r\n"));
        let header = reply.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let payload = &reply[header..reply.len() - 2];
        let restored = bench.send(client, fixture::command(&[b"RESTORE", b"copy", b"0", payload, b"REPLACE"]));
        assert_eq!(restored, b"+OK\r\n");
        assert_eq!(fields(&mut bench, client, "stats")["dump_payload_sanitizations"], checks);
    }
}

#[test]
fn room_for_replies_that_comes_and_goes_is_counted() {
    let (mut bench, client) = bench();
    let counts = |bench: &mut Bench| {
        let f = fields(bench, client, "stats");
        (f["reply_buffer_shrinks"].clone(), f["reply_buffer_expands"].clone())
    };
    assert_eq!(counts(&mut bench), ("0".into(), "0".into()));
    for _ in 0..7 {
        bench.advance_ms(1000);
        bench.tick();
    }
    let (shrinks, expands) = counts(&mut bench);
    assert_eq!((shrinks.as_str(), expands.as_str()), ("1", "0"));
    bench.ask(client, "INFO everything");
    bench.tick();
    assert_eq!(counts(&mut bench).1, "1");
}

#[test]
fn resetting_starts_again_but_for_what_redis_keeps() {
    let (mut bench, client) = bench();
    bench.ask(client, "AUTH nobody x");
    for line in ["SET a 1", "GET a", "nosuch"] {
        bench.ask(client, line);
    }
    let before = fields(&mut bench, client, "stats memory");
    bench.ask(client, "CONFIG RESETSTAT");
    let after = fields(&mut bench, client, "stats memory");
    for name in ["keyspace_hits", "total_error_replies", "total_connections_received", "expired_keys"] {
        assert_eq!(after[name], "0", "{name}");
    }
    assert_eq!(after["acl_access_denied_auth"], "1");
    let bytes = |text: &str| text.parse::<u64>().unwrap();
    assert!(bytes(&after["used_memory_peak"]) >= bytes(&before["used_memory"]));
    assert!(fields(&mut bench, client, "errorstats").is_empty());
    let commands = fields(&mut bench, client, "commandstats");
    assert!(!commands.contains_key("cmdstat_set") && commands.contains_key("cmdstat_config|resetstat"));
}

#[test]
fn codes_of_errors_cannot_break_a_line_and_are_bounded() {
    let mut config = Config::default();
    config.acl.enable_debug_command = refrain_core::config::Allowed::Yes;
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    bench.send(client, command(&[b"nosuch\r\nfield:1", b"x"]));
    let text = info(&mut bench, client, "errorstats");
    assert_eq!(text, "# Errorstats\r\nerrorstat_ERR:count=1\r\n\r\n");
}

#[test]
fn deadlines_are_sampled_for_their_mean() {
    let (mut bench, client) = bench();
    bench.hooks.us_per_unit.set(0);
    for i in 0..2000 {
        bench.ask(client, &format!("SET key:{i} x"));
    }
    assert_eq!(fields(&mut bench, client, "keyspace")["db0"], "keys=2000,expires=0,avg_ttl=0,subexpiry=0");
    for i in 0..20 {
        bench.ask(client, &format!("PEXPIRE key:{i} {}", if i % 2 == 0 { 1000 } else { 3000 }));
    }
    assert_eq!(fields(&mut bench, client, "keyspace")["db0"], "keys=2000,expires=20,avg_ttl=2000,subexpiry=0");
    bench.advance_ms(500);
    assert_eq!(fields(&mut bench, client, "keyspace")["db0"], "keys=2000,expires=20,avg_ttl=1500,subexpiry=0");
    for i in 0..2000 {
        bench.ask(client, &format!("PEXPIRE key:{i} {}", 1000 + i));
    }
    let line = fields(&mut bench, client, "keyspace")["db0"].clone();
    let mean: u64 = line.split(&['=', ',']).nth(5).unwrap().parse().unwrap();
    assert!((1700..2300).contains(&mean), "a sample of 256 of 2000 is far from the mean of 1999.5: {mean}");
}

#[test]
fn memory_adds_up() {
    let (mut bench, client) = bench();
    let start = fields(&mut bench, client, "memory");
    for i in 0..1000 {
        bench.ask(client, &format!("SET key:{i} {}", "x".repeat(100)));
    }
    let f = fields(&mut bench, client, "memory");
    let n = |name: &str| f[name].parse::<u64>().unwrap();
    assert_eq!(n("used_memory"), n("used_memory_overhead") + n("used_memory_dataset"));
    assert!(n("used_memory_dataset") >= 1000 * 100 && n("used_memory_dataset") < 1000 * 150);
    assert!(n("used_memory_peak") >= n("used_memory"));
    assert_eq!(f["used_memory_startup"], start["used_memory_startup"]);
    let stats = bench.ask(client, "MEMORY STATS");
    assert!(stats.starts_with("*56\r\n$14\r\npeak.allocated\r\n:"), "27 pairs and one for the database: {stats}");
    assert!(stats.contains("$4\r\ndb.0\r\n*6\r\n$23\r\noverhead.hashtable.main\r\n:"));
    assert!(stats.contains("$10\r\nkeys.count\r\n:1000\r\n"));
    bench.ask(client, "HELLO 3");
    assert!(bench.ask(client, "MEMORY STATS").starts_with("%28\r\n"));
}

#[test]
fn the_memory_of_keys_is_that_of_the_data_set() {
    let (mut bench, client) = bench();
    let mut sum = 0;
    for i in 0..5000 {
        bench.ask(client, &format!("SET key:{i} {}", "x".repeat(1 + i % 300)));
    }
    for i in 0..5000 {
        let reply = bench.ask(client, &format!("MEMORY USAGE key:{i}"));
        sum += reply.trim_start_matches(':').trim().parse::<usize>().unwrap();
    }
    let whole = bench.engine.state().keyspace.memory();
    assert!(sum.abs_diff(whole) * 100 < whole * 5, "keys take {sum} by themselves and {whole} together");
    assert_eq!(bench.ask(client, "MEMORY USAGE nosuch SAMPLES 3"), "$-1\r\n");
    bench.send(client, command(&[b"SET", b"big", &[b'x'; 100_000]]));
    let reply = bench.ask(client, "MEMORY USAGE big samples 0");
    let big: usize = reply.trim_start_matches(':').trim().parse().unwrap();
    assert!((100_000..120_000).contains(&big), "{big}");
}

#[test]
fn turns_of_the_loop_are_counted_by_whoever_turns_it() {
    let (mut bench, client) = bench();
    bench.ask(client, "PING");
    bench.engine.record_cycle(300);
    bench.send(client, "PING\r\nPING\r\n");
    bench.engine.record_cycle(100);
    let f = fields(&mut bench, client, "stats debug");
    assert_eq!((f["eventloop_cycles"].as_str(), f["eventloop_duration_sum"].as_str()), ("2", "400"));
    assert_eq!(f["eventloop_duration_cmd_sum"], "3");
    assert_eq!((f["eventloop_duration_max"].as_str(), f["eventloop_cmd_per_cycle_max"].as_str()), ("300", "2"));
}

#[test]
fn what_a_flush_took_out_waits_until_it_is_freed() {
    let (mut bench, client) = bench();
    bench.ask(client, "MSET a 1 b 2 c 3");
    bench.ask(client, "FLUSHALL");
    let keys: usize = bench.engine.effects().detached.iter().map(|detached| detached.len()).sum();
    bench.engine.freeing(keys as u64);
    let of = |bench: &mut Bench| {
        let f = fields(bench, client, "memory");
        (f["lazyfree_pending_objects"].clone(), f["lazyfreed_objects"].clone())
    };
    assert_eq!(of(&mut bench), ("3".to_owned(), "0".to_owned()));
    bench.engine.freed(3);
    assert_eq!(of(&mut bench), ("0".to_owned(), "3".to_owned()));
}

#[test]
fn a_doctor_says_something_in_any_state() {
    let (mut bench, client) = bench();
    assert!(bench.ask(client, "MEMORY DOCTOR").contains("uses so little memory"));
    bench.send(client, command(&[b"SET", b"big", &vec![b'x'; 8 << 20]]));
    assert!(bench.ask(client, "MEMORY DOCTOR").contains("Nothing about the memory"));
    bench.send(client, command(&[b"SET", b"bigger", &vec![b'x'; 30 << 20]]));
    bench.advance_ms(1000);
    bench.tick();
    bench.ask(client, "DEL bigger");
    assert!(bench.ask(client, "MEMORY DOCTOR").contains(" * Peak memory:"));
    assert_eq!(bench.ask(client, "MEMORY PURGE"), "+OK\r\n");
    assert!(bench.ask(client, "MEMORY MALLOC-STATS").contains("Stats not supported"));
}
