//! Keyspace notifications: which events each command gives, in which order, and when.
//!
//! The table was recorded from redis-server 7.2.4 (commands that it does not have: from 8.6, or from the tests of 8.8).
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use fixture::{Bench, command};
use refrain_core::{Config, SessionId};
use refrain_resp::{Reply, decode};

/// A client that works and one that listens to all events of keys.
fn bench() -> (Bench, SessionId, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let (worker, listener) = (bench.connect(), bench.connect());
    bench.ask(worker, "CONFIG SET notify-keyspace-events KEAnm");
    bench.ask(listener, "PSUBSCRIBE __keyevent@*");
    (bench, worker, listener)
}

/// What the listener has got since it was last asked: `event key`, or `event@db key` outside database 0.
fn heard(bench: &mut Bench, listener: SessionId) -> Vec<String> {
    let bytes = std::mem::take(bench.received.get_mut(&listener).unwrap());
    let mut rest = &bytes[..];
    let mut events = Vec::new();
    while let Some((reply, used)) = decode(rest).unwrap() {
        rest = &rest[used..];
        let Reply::Array(parts) = reply else { panic!("a message is an array: {reply:?}") };
        let text = |i: usize| match &parts[i] {
            Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("no text: {other:?}"),
        };
        if text(0) == "pmessage" {
            let channel = text(2);
            let (db, event) = channel.strip_prefix("__keyevent@").and_then(|rest| rest.split_once("__:")).unwrap();
            let at = if db == "0" { String::new() } else { format!("@{db}") };
            events.push(format!("{event}{at} {}", text(3)));
        }
    }
    events
}

#[test]
fn every_command_says_what_it_did() {
    let table: &[(&str, &str)] = &[
        ("SET k v", "new k, set k"),
        ("SET k v", "set k"),
        ("SET k v EX 100", "set k, expire k"),
        ("SET k v KEEPTTL", "set k"),
        ("SET k w NX", ""),
        ("SET miss v XX", ""),
        ("SET miss v GET XX", "keymiss miss"),
        ("SET k v GET", "set k"),
        ("GET k", ""),
        ("GET miss", "keymiss miss"),
        ("MGET k miss gone", "keymiss miss, keymiss gone"),
        ("STRLEN miss", "keymiss miss"),
        ("EXISTS miss k", "keymiss miss"),
        ("TOUCH miss", "keymiss miss"),
        ("TYPE miss", "keymiss miss"),
        ("TTL miss", "keymiss miss"),
        ("OBJECT ENCODING miss", ""),
        ("GETRANGE miss 0 1", "keymiss miss"),
        ("LCS k miss", "keymiss miss"),
        ("DUMP miss", "keymiss miss"),
        ("SETNX k v", ""),
        ("SETNX n 1", "new n, set n"),
        ("SETEX k 100 v", "set k, expire k"),
        ("PSETEX k 100000 v", "set k, expire k"),
        ("GETSET k v", "set k"),
        ("GETSET g v", "keymiss g, new g, set g"),
        ("MSET k v m w k x", "set k, new m, set m, set k"),
        ("MSETNX k v z w", ""),
        ("MSETNX y v y w", "new y, set y, set y"),
        ("APPEND k x", "append k"),
        ("APPEND a x", "new a, append a"),
        ("SETRANGE a 3 x", "setrange a"),
        ("SETRANGE r 3 x", "new r, setrange r"),
        ("SETRANGE miss 3 \"\"", ""),
        ("INCR n", "incrby n"),
        ("DECRBY n 5", "incrby n"),
        ("INCR i", "new i, incrby i"),
        ("INCRBYFLOAT i 1.5", "incrbyfloat i"),
        ("INCRBYFLOAT f 1.5", "new f, incrbyfloat f"),
        ("INCR k", ""),
        ("GETEX k", ""),
        ("GETEX k EX 100", "expire k"),
        ("GETEX k PERSIST", "persist k"),
        ("GETEX k PERSIST", ""),
        ("GETEX k PXAT 1", "del k"),
        ("GETEX k", "keymiss k"),
        ("SET k v", "new k, set k"),
        ("GETDEL k", "del k"),
        ("GETDEL k", "keymiss k"),
        ("SET k v", "new k, set k"),
        ("EXPIRE k 100", "expire k"),
        ("EXPIRE k 100 NX", ""),
        ("PEXPIREAT k 99999999999999", "expire k"),
        ("PERSIST k", "persist k"),
        ("PERSIST k", ""),
        ("EXPIRE k -1", "del k"),
        ("EXPIRE k 100", ""),
        ("MSET k v l w", "new k, set k, new l, set l"),
        ("DEL k miss l", "del k, del l"),
        ("SET k v", "new k, set k"),
        ("UNLINK k k", "del k"),
        ("SET k v EX 100", "new k, set k, expire k"),
        ("RENAME k l", "new l, rename_from k, rename_to l"),
        ("RENAME l l", ""),
        ("SET k v", "new k, set k"),
        ("RENAMENX k l", ""),
        ("RENAME k l", "new l, rename_from k, rename_to l"),
        ("COPY l c", "new c, copy_to c"),
        ("COPY l c", ""),
        ("COPY l c REPLACE", "new c, copy_to c"),
        ("COPY l c DB 1", "new@1 c, copy_to@1 c"),
        ("COPY miss c", "keymiss miss"),
        ("MOVE l 1", "new@1 l, move_from l, move_to@1 l"),
        ("MOVE miss 1", ""),
        ("DELEX c IFEQ x", ""),
        ("DELEX c IFEQ v", "del c"),
        ("DIGEST miss", "keymiss miss"),
        ("MSETEX 2 k v l w EX 100", "new k, expire k, set k, new l, expire l, set l"),
        ("MSETEX 1 k v", "set k"),
        ("INCREX x", "new x, incrby x"),
        ("INCREX x UBOUND 1", ""),
        ("INCREX x BYFLOAT 0.5 EX 100", "incrbyfloat x, expire x"),
        ("INCREX x BYFLOAT 0.5 PERSIST", "incrbyfloat x, persist x"),
        ("INCREX x PXAT 1", "del x"),
        ("FLUSHALL", ""),
        ("KEYS *", ""),
        ("RANDOMKEY", ""),
    ];
    let (mut bench, worker, listener) = bench();
    heard(&mut bench, listener);
    for (line, events) in table {
        let reply = bench.ask(worker, line);
        assert_eq!(heard(&mut bench, listener).join(", "), *events, "{line}: {reply}");
    }
}

#[test]
fn a_restored_key_is_new_whatever_was_there() {
    let (mut bench, worker, listener) = bench();
    bench.ask(worker, "SET k v");
    let dumped = bench.send(worker, command(&[b"DUMP", b"k"]));
    let Some((Reply::Bulk(payload), _)) = decode(&dumped).unwrap() else { panic!() };
    heard(&mut bench, listener);
    for (ttl, options, events) in [
        (&b"0"[..], &[][..], ""),
        (b"0", &[&b"REPLACE"[..]], "new k, restore k"),
        (b"1", &[b"REPLACE", b"ABSTTL"], "del k"),
        (b"1", &[b"ABSTTL"], ""),
        (b"100", &[], "new k, restore k"),
    ] {
        let words = [&[&b"RESTORE"[..], b"k", ttl, &payload], options].concat();
        bench.send(worker, command(&words));
        assert_eq!(heard(&mut bench, listener).join(", "), events, "{ttl:?} {options:?}");
    }
}

#[test]
fn a_key_that_has_expired_says_so_before_what_finds_it_gone() {
    let (mut bench, worker, listener) = bench();
    for (line, events) in [
        ("GET k", "expired k, keymiss k"),
        ("SET k v", "expired k, new k, set k"),
        ("INCR k", "expired k, new k, incrby k"),
        ("DEL k", "expired k"),
        ("RENAME k l", "expired k"),
        ("MGET k k", "expired k, keymiss k, keymiss k"),
        ("EXISTS k", "expired k, keymiss k"),
        ("TTL k", "expired k, keymiss k"),
        ("MOVE k 1", "expired k"),
        ("OBJECT ENCODING k", "expired k"),
    ] {
        bench.ask(worker, "DEL k l");
        bench.ask(worker, "SET k 1 PX 5");
        bench.advance_ms(5);
        heard(&mut bench, listener);
        bench.ask(worker, line);
        assert_eq!(heard(&mut bench, listener).join(", "), events, "{line}");
    }
}

#[test]
fn periodic_work_tells_of_each_key_once() {
    let (mut bench, worker, listener) = bench();
    for i in 0..100 {
        bench.ask(worker, &format!("SET k{i} v PX 5"));
    }
    bench.advance_ms(5);
    heard(&mut bench, listener);
    for _ in 0..40 {
        bench.tick();
    }
    let mut events = heard(&mut bench, listener);
    events.sort();
    let mut expected: Vec<String> = (0..100).map(|i| format!("expired k{i}")).collect();
    expected.sort();
    assert_eq!(events, expected);
}

#[test]
fn the_configuration_decides_what_is_published_and_in_which_form() {
    let (mut bench, worker, listener) = bench();
    bench.ask(listener, "PUNSUBSCRIBE");
    bench.ask(listener, "PSUBSCRIBE __key*");
    for (classes, count) in [
        ("", 0),
        ("A", 0),
        ("K", 0),
        ("KA", 2),
        ("EA", 2),
        ("KEA", 4),
        ("K$", 1),
        ("Kg", 1),
        ("KEg$", 4),
        ("KEn", 2),
        ("KEl", 0),
    ] {
        bench.ask(worker, "DEL k");
        bench.ask(worker, &format!("CONFIG SET notify-keyspace-events \"{classes}\""));
        bench.received.get_mut(&listener).unwrap().clear();
        bench.ask(worker, "SET k v EX 10");
        let bytes = String::from_utf8_lossy(&bench.received[&listener]).into_owned();
        assert_eq!(bytes.matches("pmessage").count(), count, "{classes}: {bytes}");
        assert_eq!(bytes.matches("__keyspace@0__:k").count() > 0, classes.contains('K') && count > 0, "{classes}");
    }
}
