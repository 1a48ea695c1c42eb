//! A data set that is loaded: from keys, from commands, and what clients see of it meanwhile.

mod fixture;

use std::borrow::Cow;

use fixture::{Bench, START_US, command};
use refrain_core::config::Allowed;
use refrain_core::{Ask, Config, Level, LoadError, LoadRule, ReplayError, SessionId};
use refrain_persist::aof::{AofItem, AofReader};
use refrain_persist::rdb::LoadedKey;
use refrain_persist::{Restored, StringValue, Usage};
use refrain_resp::{Reply, decode};

const LOADING: &str = "-LOADING Redis is loading the dataset in memory\r\n";
const NOW_MS: u64 = START_US / 1000;

fn bench() -> (Bench, SessionId) {
    let mut config = Config::default();
    config.acl.enable_debug_command = Allowed::Yes;
    config.persistence.save.points.clear();
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    (bench, client)
}

fn string<'a>(name: &'a str, text: &'a str, deadline_ms: Option<u64>) -> LoadedKey<'a> {
    LoadedKey {
        db: 0,
        key: Cow::Borrowed(name.as_bytes()),
        value: Restored::String(StringValue::Bytes(Cow::Borrowed(text.as_bytes()))),
        value_type: 0,
        deadline_ms,
        usage: Usage::Nothing,
    }
}

/// Executes commands as an append-only file has them. The first error ends it.
fn replay(bench: &mut Bench, commands: &[&str]) -> Result<(), ReplayError> {
    let mut reader = AofReader::new(0, 1 << 20);
    for line in commands {
        reader.feed(&command(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>()));
    }
    reader.end_of_input();
    while let Ok(Some(item)) = reader.next() {
        if let AofItem::Command(command) = item {
            bench.engine.replay(command)?;
        }
    }
    Ok(())
}

fn info(bench: &mut Bench, section: &str, field: &str) -> String {
    let text = bench.engine.ask(&[b"INFO", section.as_bytes()]).expect("it only reads");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no field {field}")).to_owned()
}

fn log(bench: &mut Bench) -> Vec<String> {
    bench.engine.effects().log.drain(..).filter(|line| line.level != Level::Debug).map(|line| line.text).collect()
}

#[test]
fn meanwhile_only_what_is_allowed_is_executed() {
    let (mut bench, client) = bench();
    let waiting = bench.connect();
    bench.ask(waiting, "MULTI\r\nGET k");
    bench.engine.loading_began(1000);
    for line in ["GET k", "SET k v", "DBSIZE", "BGSAVE", "SAVE", "BGREWRITEAOF", "WAITAOF 0 0 0", "KEYS *", "PUBLISH2"]
    {
        let reply = bench.ask(client, line);
        match line {
            "PUBLISH2" => assert!(reply.starts_with("-ERR unknown command"), "{reply}"),
            _ => assert_eq!(reply, LOADING, "{line}"),
        }
    }
    assert_eq!(bench.ask(client, "CONFIG SET appendonly yes"), LOADING);
    assert_eq!(bench.ask(client, "CONFIG SET timeout 1 dir /"), LOADING);
    assert_eq!(bench.ask(client, "CONFIG SET timeout 1"), "+OK\r\n");
    assert_eq!(bench.ask(client, "PING"), LOADING, "PING finds out whether commands are served");
    assert_eq!(bench.ask(client, "ECHO a"), "$1\r\na\r\n");
    // A transaction is refused that holds something else.
    let aborted = "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory\r\n";
    assert_eq!(bench.ask(waiting, "EXEC"), aborted);
    assert_eq!(bench.ask(client, "MULTI\r\nECHO a\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n$1\r\na\r\n");
    let refused = format!("+OK\r\n{LOADING}-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_eq!(bench.ask(client, "MULTI\r\nGET k\r\nEXEC"), refused);
    assert_eq!(bench.ask(client, "LASTSAVE"), ":1700000000\r\n");
    bench.engine.loading_found_used_memory(77);
    bench.engine.loading_progress(250);
    bench.advance_ms(3000);
    bench.engine.loading_progress(400);
    let expected = [
        ("loading", "1"),
        ("loading_start_time", "1700000000"),
        ("loading_total_bytes", "1000"),
        ("loading_rdb_used_mem", "77"),
        ("loading_loaded_bytes", "400"),
        ("loading_loaded_perc", "40.00"),
        ("loading_eta_seconds", "4"),
    ];
    for (field, value) in expected {
        assert_eq!(info(&mut bench, "persistence", field), value, "{field}");
    }
    bench.engine.loading_ended();
    assert_eq!(info(&mut bench, "persistence", "loading"), "0");
    assert_eq!(bench.ask(client, "PING\r\nSET k v"), "+PONG\r\n+OK\r\n");
}

#[test]
fn an_end_that_is_asked_for_meanwhile_saves_nothing() {
    let (mut bench, client) = bench();
    bench.ask(client, "CONFIG SET save \"1 1\"");
    bench.engine.loading_began(1000);
    bench.round(&[(client, b"SHUTDOWN SAVE\r\n")]);
    assert!(!bench.engine.effects().shutdown.take().unwrap().save, "it would put a part in the place of the whole");
}

#[test]
fn nothing_is_saved_and_nothing_expires_before_it_is_complete() {
    let (mut bench, client) = bench();
    bench.ask(client, "SET old v PX 50");
    bench.ask(client, "CONFIG SET save \"1 1\"");
    bench.engine.loading_began(1000);
    bench.engine.load_key(string("short", "v", Some(NOW_MS + 1)), LoadRule::default()).unwrap();
    bench.engine.load_arrived(0).unwrap();
    bench.advance_ms(5000);
    bench.tick();
    assert_eq!(bench.engine.effects().asks, []);
    let kept = |bench: &Bench| bench.engine.state().keyspace.db(0).len();
    assert_eq!(kept(&bench), 2);
    bench.engine.loading_ended();
    bench.tick();
    assert_eq!(kept(&bench), 0);
    assert_eq!(bench.engine.effects().asks, [Ask::Snapshot], "now it is time");
}

#[test]
fn keys_are_added_unless_their_time_is_up() {
    let (mut bench, client) = bench();
    bench.engine.loading_began(0);
    let rule = LoadRule::default();
    bench.engine.load_key(string("plain", "1", None), rule).unwrap();
    bench.engine.load_key(string("timed", "1", Some(NOW_MS)), rule).unwrap();
    bench.engine.load_key(string("late", "1", Some(NOW_MS - 1)), rule).unwrap();
    let empty = LoadedKey { value: Restored::Nothing, ..string("empty\n", "", None) };
    bench.engine.load_key(empty, rule).unwrap();
    let elsewhere = LoadedKey { db: 3, usage: Usage::Idle { seconds: 30 }, ..string("plain", "2", None) };
    bench.engine.load_key(elsewhere, rule).unwrap();
    let nowhere = LoadedKey { db: 16, ..string("plain", "2", None) };
    let refused = bench.engine.load_key(nowhere, rule);
    assert_eq!(refused, Err(LoadError::NoSuchDatabase { databases: 16 }));
    let twice = bench.engine.load_key(string("plain", "3", None), rule).and_then(|()| bench.engine.load_arrived(0));
    let twice = twice.unwrap_err();
    assert_eq!(twice, LoadError::Duplicate { db: 0, key: b"plain".to_vec() });
    insta::assert_snapshot!(twice, @"RDB has duplicated key 'plain' in DB 0");
    bench.engine.loaded_snapshot();
    let tail = LoadRule { keeps_expired: true, ..rule };
    bench.engine.load_key(string("late", "1", Some(NOW_MS - 1)), tail).unwrap();
    bench.engine.load_key(string("plain", "4", None), LoadRule { merge: true, ..rule }).unwrap();
    bench.engine.load_arrived(0).unwrap();
    bench.engine.loading_ended();
    assert_eq!(info(&mut bench, "persistence", "rdb_last_load_keys_loaded"), "5");
    assert_eq!(info(&mut bench, "persistence", "rdb_last_load_keys_expired"), "1");
    assert_eq!(info(&mut bench, "persistence", "rdb_changes_since_last_save"), "0");
    assert_eq!(bench.ask(client, "GET plain\r\nSELECT 3\r\nOBJECT IDLETIME plain"), "$1\r\n4\r\n+OK\r\n:30\r\n");
    insta::assert_snapshot!(log(&mut bench).join("\n"), @r"
    rdbLoadObject skipping empty key: empty\n
    Done loading RDB, keys loaded: 3, keys expired: 1, empty keys skipped: 1.
    ");
}

#[test]
fn a_hash_whose_fields_have_all_expired_is_as_a_key_that_has() {
    let (mut bench, client) = bench();
    bench.ask(client, "CONFIG SET hash-max-listpack-entries 4");
    let fields = (0..9).map(|n| format!("f{n}")).collect::<Vec<_>>();
    for (name, count) in [("small", 2), ("large", 9)] {
        let pairs = fields[..count].iter().map(|field| format!("{field} v")).collect::<Vec<_>>().join(" ");
        let timed = fields[..count].join(" ");
        bench.ask(client, &format!("HSET {name} {pairs}"));
        bench.ask(client, &format!("HPEXPIRE {name} 100 FIELDS {count} {timed}"));
        bench.ask(client, &format!("COPY {name} {name}:one"));
        bench.ask(client, &format!("HPERSIST {name}:one FIELDS 1 f1"));
    }
    let names = ["small", "large", "small:one", "large:one"];
    let payloads = names.map(|name| {
        let reply = bench.send(client, format!("DUMP {name}\r\n"));
        let Ok(Some((Reply::Bulk(payload), _))) = decode(&reply) else { panic!("{name}: no payload") };
        payload
    });
    for keeps_expired in [false, true] {
        for (passed, expected) in [(99, ":1\r\n"), (100, if keeps_expired { ":1\r\n" } else { ":0\r\n" })] {
            let (mut bench, client) = self::bench();
            bench.advance_ms(passed);
            bench.engine.loading_began(0);
            let limits = bench.engine.value_limits();
            for (name, payload) in names.iter().zip(&payloads) {
                let value = refrain_persist::restore(payload, &limits).unwrap_or_else(|_| panic!("{name} is whole"));
                let key = LoadedKey { value, ..string(name, "", None) };
                bench.engine.load_key(key, LoadRule { merge: false, keeps_expired }).unwrap();
            }
            bench.engine.loading_ended();
            for name in &names[..2] {
                assert_eq!(bench.ask(client, &format!("EXISTS {name}")), expected, "{name} {passed}");
            }
            for name in &names[2..] {
                assert_eq!(bench.ask(client, &format!("EXISTS {name}")), ":1\r\n", "{name} {passed}");
            }
            let expired = if expected == ":0\r\n" { "2" } else { "0" };
            assert_eq!(info(&mut bench, "persistence", "rdb_last_load_keys_expired"), expired);
        }
    }
}

#[test]
fn a_reload_replaces_the_data_set_while_everything_stands_still() {
    let (mut bench, client) = bench();
    let (watching, blocked) = (bench.connect(), bench.connect());
    bench.ask(client, "SET k old\r\nBGSAVE");
    bench.ask(watching, "WATCH k\r\nMULTI\r\nPING");
    bench.round(&[(blocked, b"BLPOP l 0\r\n")]);
    bench.engine.effects().asks.clear();
    bench.round(&[(client, b"DEBUG RELOAD\r\nGET k\r\n")]);
    let asks = std::mem::take(&mut bench.engine.effects().asks);
    let reload = Ask::Reload { client, save: true, flush: true, merge: false };
    assert_eq!(asks, [Ask::Cancel(refrain_core::Purpose::Save), reload], "there is one snapshot at a time");
    bench.engine.snapshot_cancelled(refrain_core::Purpose::Save);
    bench.engine.snapshot_began(refrain_core::Purpose::Save, 1);
    bench.engine.snapshot_ended(refrain_core::Purpose::Save, Ok(()));
    bench.engine.loading_began(10);
    bench.engine.empty_data_set();
    bench.engine.load_key(string("k", "new", None), LoadRule::default()).unwrap();
    replay(&mut bench, &["RPUSH l x"]).unwrap();
    bench.round(&[]);
    assert_eq!(bench.received[&blocked], b"", "nobody is served meanwhile");
    bench.engine.loading_ended();
    bench.engine.answer(client, Ok(()));
    bench.round(&[]);
    assert!(bench.received[&client].ends_with(b"+OK\r\n$3\r\nnew\r\n"));
    assert_eq!(bench.ask(watching, "EXEC"), "*-1\r\n", "what it watched was replaced");
    assert_eq!(bench.received[&blocked], b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    assert!(log(&mut bench).contains(&"DB reloaded by DEBUG RELOAD".to_owned()));

    bench.round(&[(client, b"DEBUG RELOAD NOSAVE merge NOFLUSH\r\n")]);
    let asks = std::mem::take(&mut bench.engine.effects().asks);
    assert_eq!(asks, [Ask::Reload { client, save: false, flush: false, merge: true }]);
    bench.engine.loading_began(10);
    let other = bench.connect();
    assert_eq!(bench.ask(other, "DEBUG RELOAD"), LOADING);
    assert_eq!(bench.ask(other, "DEBUG LOADAOF"), LOADING);
    bench.engine.loading_ended();
    bench.engine.answer(client, Err(refrain_core::SNAPSHOT_NOT_LOADED));
    bench.round(&[]);
    let said = String::from_utf8_lossy(&bench.received[&client]).into_owned();
    assert!(said.ends_with("-ERR Error trying to load the RDB dump, check server logs.\r\n"), "{said}");

    bench.ask(client, "SET k v");
    bench.round(&[(client, b"DEBUG LOADAOF\r\n")]);
    assert_eq!(std::mem::take(&mut bench.engine.effects().asks), [Ask::LoadAof { client }]);
    bench.engine.answer(client, Ok(()));
    assert_eq!(info(&mut bench, "persistence", "rdb_changes_since_last_save"), "0");
}

#[test]
fn commands_of_a_file_are_executed_without_a_trace() {
    let (mut bench, client) = bench();
    bench.ask(client, "MONITOR");
    bench.engine.effects().stream.clear();
    bench.engine.loading_began(0);
    let commands = [
        "SELECT 2",
        "SET a 1",
        "INCR a",
        "GET a",
        "PEXPIREAT a 1",
        "INCR a",
        "PERSIST a",
        "SET b x PXAT 1",
        "APPEND b y",
        "HSET h f 1",
        "HPEXPIREAT h 1 FIELDS 1 f",
        "HINCRBY h f 1",
        "HPERSIST h FIELDS 1 f",
        "BLPOP nothing 0",
        "SUBSCRIBE x",
        "CONFIG SET timeout 7",
        "MULTI",
        "SADD s 1",
        "SELECT 3",
        "SADD s 2",
        "EXEC",
        "SADD s 3",
    ];
    replay(&mut bench, &commands).unwrap();
    assert!(!bench.engine.replay_ends());
    bench.engine.loading_ended();
    assert_eq!(bench.received[&client], b"+OK\r\n", "monitors see clients' commands");
    assert_eq!(bench.engine.effects().stream.bytes(), b"");
    assert_eq!(info(&mut bench, "stats", "total_commands_processed"), "1");
    let reader = bench.connect();
    let asked =
        "SELECT 2\r\nGET a\r\nPTTL a\r\nHGETALL h\r\nSCARD s\r\nEXISTS b\r\nSELECT 3\r\nSCARD s\r\nCONFIG GET timeout";
    assert_eq!(
        bench.ask(reader, asked),
        "+OK\r\n$1\r\n3\r\n:-1\r\n*2\r\n$1\r\nf\r\n$1\r\n2\r\n:1\r\n:0\r\n+OK\r\n:2\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n"
    );
    assert_eq!(info(&mut bench, "clients", "blocked_clients"), "0");
}

#[test]
fn what_was_longer_than_clients_may_make_now_is_made_again() {
    let mut config = Config::default();
    config.limits.proto_max_bulk_len = 1 << 20;
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    bench.engine.loading_began(0);
    let half = "x".repeat(600_000);
    let append = format!("APPEND a {half}");
    let longer = ["SETRANGE r 2000000 z", "SETBIT b 16000000 1", "BITFIELD f SET u8 #2000000 1"];
    replay(&mut bench, &[&[append.as_str(), append.as_str()][..], &longer].concat()).unwrap();
    bench.engine.loading_ended();
    let asked = "STRLEN a\r\nSTRLEN r\r\nSTRLEN b\r\nSTRLEN f";
    assert_eq!(bench.ask(client, asked), ":1200000\r\n:2000001\r\n:2000001\r\n:2000001\r\n");
    assert_eq!(info(&mut bench, "stats", "unexpected_error_replies"), "0");
    // Clients may not.
    let refused = bench.ask(client, "SETRANGE c 2000000 z");
    assert!(refused.starts_with("-ERR string exceeds"), "{refused}");
}

#[test]
fn half_a_transaction_has_no_effect() {
    let (mut bench, client) = bench();
    bench.engine.loading_began(0);
    replay(&mut bench, &["SET a 1", "MULTI", "SET a 2", "SET b 2"]).unwrap();
    assert!(bench.engine.replay_ends());
    assert!(!bench.engine.replay_ends());
    // The next file begins outside of it, in the first database.
    replay(&mut bench, &["SET c 3"]).unwrap();
    bench.engine.loading_ended();
    assert_eq!(bench.ask(client, "MGET a b c"), "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n");
}

#[test]
fn what_no_server_has_written_is_refused() {
    let (mut bench, _) = bench();
    let refused = [
        (&["BLA x"][..], "Unknown command 'BLA'"),
        (&["XGROUP BLA"], "Unknown command 'XGROUP'"),
        (&["SET a"], "Wrong number of arguments for 'set'"),
        (&["SELECT 16"], "There is no database '16'"),
        (&["MULTI", "SELECT x", "EXEC"], "There is no database 'x'"),
    ];
    bench.engine.loading_began(0);
    for (commands, why) in refused {
        assert_eq!(replay(&mut bench, commands).unwrap_err().to_string(), why);
        bench.engine.replay_ends();
    }
    // Of each file its own reader keeps the account of transactions; the engine relies on none of them.
    replay(&mut bench, &["MULTI"]).unwrap();
    assert_eq!(replay(&mut bench, &["MULTI"]).unwrap_err().to_string(), "MULTI inside a transaction");
    let mut reader = AofReader::new(0, 100);
    reader.feed(&[command(&[b"MULTI"]), command(&[b"EXEC"])].concat());
    reader.next().unwrap();
    let Ok(Some(AofItem::Command(exec))) = reader.next() else { panic!("the reader has seen both") };
    assert_eq!(bench.engine.replay(exec).unwrap_err().to_string(), "EXEC without MULTI");
    // What fails though it may have been written is a sign that the data set is another.
    replay(&mut bench, &["SET a x", "INCR a"]).unwrap();
    bench.engine.loading_ended();
    assert_eq!(info(&mut bench, "stats", "unexpected_error_replies"), "1");
    insta::assert_snapshot!(log(&mut bench).join("\n"), @"== CRITICAL == This server is sending an error to its AOF-loading-client: 'ERR value is not an integer or out of range' after processing the command 'incr'");
}

#[test]
fn a_command_that_was_given_another_name_is_known_by_both() {
    let mut config = Config::default();
    config.start.renames.push((b"del".to_vec(), b"hidden".to_vec()));
    let mut bench = Bench::new(config, None);
    bench.engine.loading_began(0);
    replay(&mut bench, &["MSET a 1 b 1 c 1", "DEL a", "HIDDEN b"]).unwrap();
    assert_eq!(replay(&mut bench, &["DEL"]).unwrap_err().to_string(), "Wrong number of arguments for 'del'");
    bench.engine.loading_ended();
    assert_eq!(bench.data().len(), 1);
}

/// The texts of all libraries, as a file that is written now has them.
fn libraries(bench: &mut Bench) -> String {
    let snapshot = bench.engine.begin_snapshot().expect("no other is under way");
    let text = snapshot.libraries().iter().map(|source| String::from_utf8_lossy(source).into_owned()).collect();
    bench.engine.end_snapshot(snapshot);
    text
}

#[test]
fn libraries_of_functions_are_kept_for_the_next_file() {
    const A: &[u8] = b"#!lua name=a\nfirst ";
    const OTHER_A: &[u8] = b"#!lua name=a\nsecond ";
    const B: &[u8] = b"#!lua name=b\n";
    let (mut bench, client) = bench();
    let rule = LoadRule::default();
    bench.engine.loading_began(100);
    for source in [B, A] {
        assert_eq!(bench.engine.load_library(source, rule), Ok(()));
    }
    let error = bench.engine.load_library(OTHER_A, rule).expect_err("there is one");
    assert_eq!(error.to_string(), "Library 'a' already exists");
    let error = bench.engine.load_library(b"return 1", rule).expect_err("it has no name");
    assert_eq!(error.to_string(), "Missing library metadata");
    assert_eq!(bench.engine.load_library(OTHER_A, LoadRule { merge: true, ..rule }), Ok(()));
    bench.engine.loading_ended();
    assert_eq!(libraries(&mut bench), "#!lua name=a\nsecond #!lua name=b\n");
    assert_eq!(info(&mut bench, "memory", "number_of_libraries"), "2");
    // What empties databases leaves them, as in Redis.
    assert_eq!(bench.ask(client, "FLUSHALL"), "+OK\r\n");
    assert_eq!(libraries(&mut bench), "#!lua name=a\nsecond #!lua name=b\n");
    bench.engine.empty_data_set();
    assert_eq!(libraries(&mut bench), "");
    assert_eq!(info(&mut bench, "memory", "used_memory_functions"), "0");
}

#[test]
fn commands_of_a_file_change_libraries() {
    let (mut bench, _) = bench();
    let mut run = |lines: &[&[&[u8]]]| {
        let mut reader = AofReader::new(0, 1 << 20);
        lines.iter().for_each(|words| reader.feed(&command(words)));
        reader.end_of_input();
        let mut outcome = Ok(());
        while let (Ok(()), Ok(Some(AofItem::Command(command)))) = (&outcome, reader.next()) {
            outcome = bench.engine.replay(command);
        }
        (outcome.map_err(|error| error.what), bench.engine.replay_ends(), libraries(&mut bench))
    };
    let (a, other_a, b) = (b"#!lua name=a\n1 ", b"#!lua name=a\n2 ", b"#!lua name=b\n3 ");
    let load: [&[u8]; 3] = [b"FUNCTION", b"LOAD", a];
    let text = |sources: &[&[u8]]| String::from_utf8(sources.concat()).expect("it is ASCII");
    let exists = Err("Library 'a' already exists".to_owned());
    assert_eq!(run(&[&load, &[b"function", b"load", b]]), (Ok(()), false, text(&[a, b])));
    assert_eq!(run(&[&load]), (exists, false, text(&[a, b])));
    let replaced = [&b"FUNCTION"[..], b"LOAD", b"REPLACE", other_a];
    // Of a transaction that ends early nothing has happened.
    assert_eq!(run(&[&[b"MULTI"], &replaced]), (Ok(()), true, text(&[a, b])));
    assert_eq!(run(&[&[b"MULTI"], &replaced, &[b"EXEC"]]), (Ok(()), false, text(&[other_a, b])));
    assert_eq!(run(&[&[b"FUNCTION", b"DELETE", b"a"]]), (Ok(()), false, text(&[b])));
    let absent = Err("Library not found".to_owned());
    assert_eq!(run(&[&[b"FUNCTION", b"DELETE", b"a"]]), (absent, false, text(&[b])));
    // FUNCTION DUMP of redis-server 7.0.15.
    let dump = b"\xf5@B#!lua name=l\nredis.register_function('f', function() return 1 end)\n\x00b\x95h\xe6_A+\xe2";
    let restore: [&[u8]; 3] = [b"FUNCTION", b"RESTORE", dump];
    let source = "#!lua name=l\nredis.register_function('f', function() return 1 end)";
    assert_eq!(run(&[&restore]), (Ok(()), false, text(&[b, source.as_bytes()])));
    let flush: [&[u8]; 4] = [b"FUNCTION", b"RESTORE", dump, b"FLUSH"];
    assert_eq!(run(&[&flush]), (Ok(()), false, source.to_owned()));
    assert_eq!(run(&[&[b"FUNCTION", b"FLUSH", b"SYNC"]]), (Ok(()), false, String::new()));
    for wrong in [&[&b"FUNCTION"[..]][..], &[b"FUNCTION", b"LIST"], &[b"FUNCTION", b"LOAD", b"x", b"y"]] {
        assert_eq!(run(&[wrong]).0, Err("Unknown subcommand of 'FUNCTION'".to_owned()));
    }
    assert!(run(&[&[b"FUNCTION", b"RESTORE", b"payload"]]).0.is_err());
}
