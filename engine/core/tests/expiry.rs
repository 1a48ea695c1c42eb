//! Expiry: what has expired does not exist, is gone within a bounded number of ticks, each of bounded work, and whoever
//! watches it learns of it, whichever way it goes.

mod fixture;

use fixture::Bench;
use refrain_core::{Bug, Config};

/// Units of logical work that one tick may report with the least effort: 4096 slots at 64 a unit.
const WORK_A_TICK: u64 = 4096 / 64;

fn fill(bench: &mut Bench, keys: usize, option: impl Fn(usize) -> String) {
    let client = bench.connect();
    for first in (0..keys).step_by(500) {
        let text: String =
            (first..keys.min(first + 500)).map(|i| format!("SET key:{i} value {}\r\n", option(i))).collect();
        bench.send(client, text);
    }
    assert_eq!(bench.ask(client, "DBSIZE"), format!(":{keys}\r\n"));
    bench.engine.disconnect(client);
}

fn len(bench: &Bench) -> usize {
    bench.engine.state().keyspace.db(0).len()
}

/// Ticks until nothing is left to expire, and the most that one of them reported as work.
fn ticks_until_empty(bench: &mut Bench, bound: usize) -> (usize, u64) {
    let mut most = 0;
    for tick in 0..bound {
        if len(bench) == 0 {
            return (tick, most);
        }
        let before = bench.hooks.worked.get();
        bench.tick();
        most = most.max(bench.hooks.worked.get() - before);
    }
    panic!("{} keys are left after {bound} ticks", len(bench));
}

#[test]
fn ticks_alone_remove_every_expired_key_in_bounded_slices() {
    for keys in [1, 100, 10_000, 100_000] {
        let mut bench = Bench::new(Config::default(), None);
        fill(&mut bench, keys, |_| "PX 100".into());
        bench.tick();
        assert_eq!(len(&bench), keys, "not a moment too early");
        bench.advance_ms(100);
        // The table has at most a few slots a key, and a tick looks at 4096 of them; the sweep may begin anywhere.
        let bound = 4 + keys * 4 / 4096 * 2;
        let (ticks, work) = ticks_until_empty(&mut bench, bound);
        assert!(work <= WORK_A_TICK + 1, "{work} units in one tick");
        assert!(keys < 10_000 || ticks > 1, "a bounded tick does not do all of it");
        assert_eq!(bench.engine.state().stats.expired_keys, keys as u64);
        let stream = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
        assert_eq!(stream.matches("$3\r\nDEL\r\n").count(), keys, "each deletion is propagated once");
    }
}

#[test]
fn while_behind_ticks_come_fifty_times_as_often_and_not_longer() {
    let mut bench = Bench::new(Config::default(), None);
    fill(&mut bench, 50_000, |_| "PX 100".into());
    assert_eq!(bench.tick(), 100_000, "hz 10");
    bench.advance_ms(100);
    assert_eq!(bench.tick(), 2_000);
    ticks_until_empty(&mut bench, 200);
    bench.tick();
    assert_eq!(bench.tick(), 100_000, "nothing is left to do");
}

#[test]
fn keys_that_live_are_left_alone_and_hide_none_that_do_not() {
    let mut bench = Bench::new(Config::default(), None);
    let option = |i: usize| match i % 4 {
        0 => String::new(),
        1 => "PX 1000000".into(),
        _ => format!("PX {}", 1 + i % 97),
    };
    fill(&mut bench, 40_000, option);
    bench.advance_ms(100);
    for _ in 0..100 {
        bench.tick();
    }
    assert_eq!(len(&bench), 20_000);
    assert!(bench.data().keys().all(|(_, key)| {
        let i: usize = std::str::from_utf8(&key[4..]).unwrap().parse().unwrap();
        i % 4 < 2
    }));
}

#[test]
fn every_database_gets_its_turn() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    for db in 0..16 {
        bench.ask(client, &format!("SELECT {db}"));
        let text: String = (0..3000).map(|i| format!("SET key:{i} value PX 5\r\n")).collect();
        bench.send(client, text);
    }
    bench.advance_ms(5);
    for _ in 0..100 {
        bench.tick();
    }
    let left: usize = (0..16).map(|db| bench.engine.state().keyspace.db(db).len()).sum();
    assert_eq!(left, 0);
}

#[test]
fn a_steady_stream_of_short_lives_does_not_pile_up() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    let mut most = 0;
    for second in 0..40 {
        for part in 0..10 {
            let text: String = (0..400).map(|i| format!("SET key:{second}:{part}:{i} value PX 1000\r\n")).collect();
            bench.send(client, text);
            let mut waited = 0;
            while waited < 100_000 {
                let wanted = bench.tick();
                bench.hooks.now_us.set(bench.hooks.now_us.get() + wanted);
                waited += wanted;
            }
        }
        most = most.max(len(&bench));
    }
    assert!(most < 3 * 4000, "{most} keys where 4000 live at a time");
}

#[test]
fn an_expired_key_exists_for_no_command() {
    let reads = [
        ("GET k", "$-1\r\n"),
        ("MGET k", "*1\r\n$-1\r\n"),
        ("STRLEN k", ":0\r\n"),
        ("EXISTS k k", ":0\r\n"),
        ("TOUCH k", ":0\r\n"),
        ("TYPE k", "+none\r\n"),
        ("TTL k", ":-2\r\n"),
        ("PTTL k", ":-2\r\n"),
        ("EXPIRETIME k", ":-2\r\n"),
        ("PEXPIRETIME k", ":-2\r\n"),
        ("PERSIST k", ":0\r\n"),
        ("EXPIRE k 100", ":0\r\n"),
        ("GETDEL k", "$-1\r\n"),
        ("GETEX k PERSIST", "$-1\r\n"),
        ("DEL k", ":0\r\n"),
        ("UNLINK k", ":0\r\n"),
        ("KEYS *", "*0\r\n"),
        ("SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("RANDOMKEY", "$-1\r\n"),
        ("SET k v XX", "$-1\r\n"),
        ("SET k v NX", "+OK\r\n"),
        ("SET k v GET", "$-1\r\n"),
        ("SET k v IFEQ 41", "$-1\r\n"),
        ("SET k v KEEPTTL", "+OK\r\n"),
        ("INCR k", ":1\r\n"),
        ("APPEND k xy", ":2\r\n"),
    ];
    for (command, expected) in reads {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        bench.ask(client, "SET k 41 PX 10");
        bench.advance_ms(9);
        assert_eq!(bench.ask(client, "GET k"), "$2\r\n41\r\n", "a millisecond before");
        bench.advance_ms(1);
        assert_eq!(bench.ask(client, command), expected, "{command}");
        // What is there now was made by this command, and has no deadline of the dead.
        let ttl = bench.ask(client, "PTTL k");
        assert!(ttl == ":-2\r\n" || ttl == ":-1\r\n", "{command}: {ttl}");
    }
    let mut bench = Bench::new(Config::default(), Some(Bug::ServeExpired));
    let client = bench.connect();
    bench.ask(client, "SET k 41 PX 10");
    bench.advance_ms(10);
    assert_eq!(bench.ask(client, "GET k"), "$2\r\n41\r\n", "the planted bug shows");
}

/// How a watched key may go, or may not have gone yet.
const WAYS: [&str; 6] = ["GET k", "DEL k", "TTL k", "tick", "nothing", "FLUSHDB"];

fn go(bench: &mut Bench, other: refrain_core::SessionId, way: &str) {
    match way {
        "tick" => {
            for _ in 0..4 {
                bench.tick();
            }
        }
        "nothing" => {}
        command => drop(bench.ask(other, command)),
    }
}

#[test]
fn exec_notices_that_a_watched_key_has_expired_whichever_way_it_went() {
    for way in WAYS {
        for mine in [false, true] {
            let mut bench = Bench::new(Config::default(), None);
            let (client, other) = (bench.connect(), bench.connect());
            bench.ask(client, "SET k 1 PX 10");
            bench.ask(client, "WATCH k");
            bench.advance_ms(10);
            let who = if mine { client } else { other };
            go(&mut bench, who, way);
            bench.ask(client, "MULTI");
            bench.ask(client, "SET l 1");
            assert_eq!(bench.ask(client, "EXEC"), "*-1\r\n", "{way}");
            assert_eq!(bench.ask(client, "EXISTS l"), ":0\r\n");
        }
    }
    let mut bench = Bench::new(Config::default(), Some(Bug::MissedWatch));
    let client = bench.connect();
    bench.ask(client, "SET k 1 PX 10");
    bench.ask(client, "WATCH k");
    bench.advance_ms(10);
    bench.ask(client, "MULTI");
    assert_eq!(bench.ask(client, "EXEC"), "*0\r\n", "the planted bug shows");
}

#[test]
fn a_key_that_had_expired_when_it_was_watched_has_not_changed_when_it_goes() {
    for way in WAYS {
        let mut bench = Bench::new(Config::default(), None);
        let (client, other) = (bench.connect(), bench.connect());
        bench.ask(client, "SET k 1 PX 10");
        bench.advance_ms(10);
        bench.ask(client, "WATCH k");
        go(&mut bench, other, way);
        bench.ask(client, "MULTI");
        assert_eq!(bench.ask(client, "EXEC"), "*0\r\n", "{way}");
    }
    // But one who makes it anew changes it.
    let mut bench = Bench::new(Config::default(), None);
    let (client, other) = (bench.connect(), bench.connect());
    bench.ask(client, "SET k 1 PX 10");
    bench.advance_ms(10);
    bench.ask(client, "WATCH k");
    bench.ask(other, "SET k 2 PX 10");
    bench.ask(client, "MULTI");
    assert_eq!(bench.ask(client, "EXEC"), "*-1\r\n");
}

#[test]
fn a_swap_shows_a_watched_key_as_changed_only_if_it_was_or_becomes_alive() {
    // What database 0 and 1 hold, and whether watching k in 0 is broken by SWAPDB 0 1. "dying" expires after the WATCH.
    let cases = [
        ("nothing", "nothing", false),
        ("live", "nothing", true),
        ("nothing", "live", true),
        ("dying", "nothing", true),
        ("dead", "nothing", false),
        ("nothing", "dead", false),
        ("dead", "dead", false),
        ("nothing", "dying", false),
        ("dead", "live", true),
    ];
    for (here, there, broken) in cases {
        let mut bench = Bench::new(Config::default(), None);
        let (client, other) = (bench.connect(), bench.connect());
        for (db, what) in [(0, here), (1, there)] {
            bench.ask(other, &format!("SELECT {db}"));
            match what {
                "live" => drop(bench.ask(other, "SET k 1")),
                "dying" => drop(bench.ask(other, "SET k 1 PX 20")),
                "dead" => drop(bench.ask(other, "SET k 1 PX 5")),
                _ => {}
            }
        }
        bench.advance_ms(10);
        bench.ask(client, "WATCH k");
        bench.advance_ms(10);
        bench.ask(other, "SWAPDB 0 1");
        bench.ask(client, "MULTI");
        let expected = if broken { "*-1\r\n" } else { "*0\r\n" };
        assert_eq!(bench.ask(client, "EXEC"), expected, "{here} and {there}");
    }
}

#[test]
fn a_transaction_happens_at_the_moment_at_which_its_watches_were_looked_at() {
    // A unit of work takes 3 ms here, so that the clock is read again after every command. The deadline is tried at every
    // distance: either EXEC sees that the key has expired, or all of the transaction sees it alive.
    let mut seen = [false; 2];
    for px in 1..=60 {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        bench.ask(client, &format!("SET k 1 PX {px}"));
        bench.hooks.us_per_unit.set(3000);
        let reply = bench.send(client, "WATCH k\r\nMULTI\r\nGET k\r\nGET k\r\nGET k\r\nEXEC\r\n");
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let alive = reply.ends_with("*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n");
        let aborted = reply.ends_with("*-1\r\n");
        let was_dead = reply.ends_with("*3\r\n$-1\r\n$-1\r\n$-1\r\n") && px <= 3;
        assert!(alive || aborted || was_dead, "PX {px}: {reply}");
        seen[usize::from(alive)] = true;
    }
    assert_eq!(seen, [true, true], "both outcomes were met");
}

#[test]
fn a_deadline_beyond_all_time_neither_overflows_nor_expires() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    bench.ask(client, "SET k 1 PXAT 9223372036854775807");
    assert_eq!(bench.ask(client, "PEXPIRETIME k"), ":9223372036854775807\r\n");
    for _ in 0..4 {
        bench.tick();
    }
    assert_eq!(bench.ask(client, "EXISTS k"), ":1\r\n");
    for (command, expected) in [
        ("PEXPIREAT k -1", ":1\r\n"),
        ("PEXPIREAT k 0", ":0\r\n"),
        ("SET k 1 PX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET k 1 EX 9223372036854775", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET k 1 PX 0", "-ERR invalid expire time in 'set' command\r\n"),
        ("EXISTS k", ":0\r\n"),
    ] {
        assert_eq!(bench.ask(client, command), expected, "{command}");
    }
}
