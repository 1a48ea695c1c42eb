//! DEBUG, and the small commands about the server. Digests and texts are those of Redis 7.2.4.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use fixture::{Bench, command};
use refrain_core::config::Allowed;
use refrain_core::{Config, Level, Origin, SessionId};

/// An engine that allows DEBUG and MODULE as `allowed` says, and a client.
fn bench(allowed: Allowed) -> (Bench, SessionId) {
    let mut config = Config::default();
    config.acl.enable_debug_command = allowed;
    config.acl.enable_module_command = allowed;
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    (bench, client)
}

#[test]
fn what_is_protected_is_refused_unless_the_operator_allows_it() {
    let refused = |name: &str, parameter: &str| {
        format!(
            "-ERR {name} command not allowed. If the {parameter} option is set to \"local\", you can run it from a local \
             connection, otherwise you need to set this option in the configuration file, and then restart the server.\r\n"
        )
    };
    let (mut closed, client) = bench(Allowed::No);
    assert_eq!(closed.ask(client, "DEBUG HELP"), refused("DEBUG", "enable-debug-command"));
    assert_eq!(closed.ask(client, "MODULE LOAD x"), refused("MODULE", "enable-module-command"));
    assert_eq!(closed.ask(client, "MODULE LIST"), "*0\r\n");
    let (mut local, client) = bench(Allowed::Local);
    assert!(local.ask(client, "DEBUG HELP").starts_with('*'));
    let origin = Origin { remote: "10.0.0.9:5".into(), is_local: false, ..fixture::local() };
    local.ask(client, "CONFIG SET protected-mode no");
    let remote = local.engine.connect(origin).unwrap();
    local.received.insert(remote, Vec::new());
    assert_eq!(local.ask(remote, "DEBUG HELP"), refused("DEBUG", "enable-debug-command"));
    let (mut open, client) = bench(Allowed::Yes);
    let failed = "-ERR Error loading the extension. Please check the server logs.\r\n";
    assert_eq!(open.ask(client, "MODULE LOAD x"), failed);
    assert_eq!(open.ask(client, "MODULE UNLOAD x"), "-ERR Error unloading module: no such module with that name\r\n");
}

#[test]
fn a_digest_is_that_of_redis_for_the_same_data() {
    let (mut bench, client) = bench(Allowed::Yes);
    assert_eq!(bench.ask(client, "DEBUG DIGEST"), format!("+{}\r\n", "0".repeat(40)));
    for line in ["SET a 12", "SET b hello", "SET c x EX 1000", "SELECT 3", "SET k 'v v'", "SELECT 0"] {
        bench.ask(client, line);
    }
    assert_eq!(bench.ask(client, "DEBUG DIGEST"), "+7edd7a274a4bda87e50a26067612ead971ffebd7\r\n");
    let values = bench.ask(client, "DEBUG DIGEST-VALUE a b c nosuch");
    let expected = [
        "655ac46b180ad2f61a3cee25f0b1780fa2ec879a",
        "36b23a1456b2dce2c3ed252c456761301dba8060",
        "0745672cb1bf060476eedeb8a28f5ffe1ff5a2be",
        "0000000000000000000000000000000000000000",
    ];
    assert_eq!(values, format!("*4\r\n{}", expected.map(|digest| format!("+{digest}\r\n")).concat()));
}

#[test]
fn a_digest_does_not_depend_on_how_the_data_came_about() {
    let (mut one, a) = bench(Allowed::Yes);
    let (mut other, b) = bench(Allowed::Yes);
    one.ask(a, "DEBUG POPULATE 5000");
    for i in (0..5000).rev() {
        other.ask(b, &format!("SET key:{i} value:{i}"));
    }
    for i in 5000..9000 {
        other.ask(b, &format!("SET key:{i} x"));
    }
    for i in 5000..9000 {
        other.ask(b, &format!("DEL key:{i}"));
    }
    assert_eq!(one.ask(a, "DEBUG DIGEST"), other.ask(b, "DEBUG DIGEST"));
    other.ask(b, "SET key:77 changed");
    assert_ne!(one.ask(a, "DEBUG DIGEST"), other.ask(b, "DEBUG DIGEST"));
}

#[test]
fn populate_fills_what_is_missing() {
    let (mut bench, client) = bench(Allowed::Yes);
    bench.ask(client, "SET p:1 mine");
    assert_eq!(bench.ask(client, "DEBUG POPULATE 3 p 12"), "+OK\r\n");
    assert_eq!(bench.ask(client, "GET p:1"), "$4\r\nmine\r\n");
    assert_eq!(bench.ask(client, "GET p:2"), "$12\r\nvalue:2\0\0\0\0\0\r\n");
    bench.ask(client, "DEBUG POPULATE 1 q 3");
    assert_eq!(bench.ask(client, "GET q:0"), "$3\r\nval\r\n");
    for line in ["DEBUG POPULATE x", "DEBUG POPULATE -1", "DEBUG POPULATE 1 p x", "DEBUG POPULATE 1 p -1"] {
        assert_eq!(bench.ask(client, line), "-ERR value is out of range, must be positive\r\n");
    }
    let stream = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
    assert!(!stream.contains("p:2"), "what DEBUG creates is not propagated");
}

#[test]
fn every_type_of_the_protocol_can_be_asked_for() {
    let (mut bench, client) = bench(Allowed::Yes);
    let ask = |bench: &mut Bench, kind: &str| bench.ask(client, &format!("DEBUG PROTOCOL {kind}"));
    for (kind, reply) in [
        ("string", "$11\r\nHello World\r\n"),
        ("integer", ":12345\r\n"),
        ("double", "$5\r\n3.141\r\n"),
        ("null", "$-1\r\n"),
        ("set", "*3\r\n:0\r\n:1\r\n:2\r\n"),
        ("map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n"),
        ("attrib", "$39\r\nSome real reply following the attribute\r\n"),
        ("push", "-ERR RESP2 is not supported by this command\r\n"),
        ("TRUE", ":1\r\n"),
    ] {
        assert_eq!(ask(&mut bench, kind), reply);
    }
    bench.ask(client, "HELLO 3");
    for (kind, reply) in [
        ("double", ",3.141\r\n"),
        ("bignum", "(1234567999999999999999999999999999999\r\n"),
        ("null", "_\r\n"),
        ("map", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
        (
            "attrib",
            "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n",
        ),
        ("push", "$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"),
        ("verbatim", "=29\r\ntxt:This is a verbatim\nstring\r\n"),
        ("false", "#f\r\n"),
    ] {
        assert_eq!(ask(&mut bench, kind), reply);
    }
    assert!(ask(&mut bench, "nosuch").starts_with("-ERR Wrong protocol type name."));
}

#[test]
fn sleeping_takes_its_time() {
    let (mut bench, client) = bench(Allowed::Yes);
    bench.hooks.us_per_unit.set(1);
    bench.ask(client, "CONFIG SET slowlog-log-slower-than 100000");
    assert_eq!(bench.ask(client, "DEBUG SLEEP 0.2"), "+OK\r\n");
    assert!(bench.ask(client, "SLOWLOG GET").contains(":200001\r\n*3\r\n$5\r\nDEBUG\r\n"));
    for word in ["x", "-1", "1e400"] {
        assert_eq!(bench.ask(client, &format!("DEBUG SLEEP {word}")), "+OK\r\n");
    }
    assert_eq!(bench.ask(client, "SLOWLOG LEN"), ":1\r\n");
}

#[test]
fn what_has_expired_can_be_kept_from_being_removed() {
    let (mut bench, client) = bench(Allowed::Yes);
    bench.ask(client, "SET a 1 PX 10");
    bench.ask(client, "DEBUG SET-ACTIVE-EXPIRE 0");
    bench.advance_ms(1000);
    bench.tick();
    assert_eq!(bench.ask(client, "DBSIZE"), ":1\r\n");
    bench.ask(client, "DEBUG SET-ACTIVE-EXPIRE 1");
    bench.tick();
    assert_eq!(bench.ask(client, "DBSIZE"), ":0\r\n");
}

#[test]
fn a_value_is_described_without_an_address() {
    let (mut bench, client) = bench(Allowed::Yes);
    bench.ask(client, "SET a 12");
    bench.ask(client, "SET b hello");
    bench.advance_ms(63_000);
    let described = |encoding, len| {
        let lru = (fixture::START_US / 1_000_000) & 0xff_ffff;
        format!("+Value at:0x0 refcount:1 encoding:{encoding} serializedlength:{len} lru:{lru} lru_seconds_idle:63\r\n")
    };
    assert_eq!(bench.ask(client, "DEBUG OBJECT a"), described("int", 2));
    assert_eq!(bench.ask(client, "DEBUG OBJECT b"), described("embstr", 6));
    assert_eq!(bench.ask(client, "DEBUG OBJECT nosuch"), "-ERR no such key\r\n");
    assert_eq!(bench.ask(client, "DEBUG LISTPACK a"), "-ERR Not a listpack encoded object.\r\n");
    assert_eq!(bench.ask(client, "DEBUG QUICKLIST nosuch"), "-ERR no such key\r\n");
    assert!(bench.ask(client, "DEBUG HTSTATS 0").contains("number of elements: 2\n"));
    assert_eq!(bench.ask(client, "DEBUG HTSTATS 99"), "-ERR Out of range database\r\n");
}

#[test]
fn elements_above_a_threshold_stand_alone_and_keep_their_list_large() {
    let (mut bench, client) = bench(Allowed::Yes);
    let refused = "-ERR argument must be a memory value bigger than 1 and smaller than 4gb\r\n";
    for size in ["x", "-1", "4gb", "4293918721", "99999999999999999999", "5tb", "\"\""] {
        let expected = if size == "\"\"" { "+OK\r\n" } else { refused };
        assert_eq!(bench.ask(client, &format!("DEBUG QUICKLIST-PACKED-THRESHOLD {size}")), expected, "{size}");
    }
    for size in ["4293918720", "200b", "1kb", "0", "5"] {
        assert_eq!(bench.ask(client, &format!("DEBUG quicklist-packed-threshold {size}")), "+OK\r\n", "{size}");
    }
    bench.ask(client, "CONFIG SET list-max-listpack-size 2");
    assert_eq!(bench.ask(client, "RPUSH l 12345"), ":1\r\n");
    // A packed list has no nodes.
    assert_eq!(bench.ask(client, "OBJECT ENCODING l"), "$8\r\nlistpack\r\n");
    bench.ask(client, "RPUSH l a b");
    assert_eq!(bench.ask(client, "OBJECT ENCODING l"), "$9\r\nquicklist\r\n");
    bench.ask(client, "LTRIM l 0 0");
    assert_eq!(bench.ask(client, "OBJECT ENCODING l"), "$9\r\nquicklist\r\n");
    bench.ask(client, "LSET l 0 1234");
    assert_eq!(bench.ask(client, "OBJECT ENCODING l"), "$8\r\nlistpack\r\n");
    assert_eq!(bench.ask(client, "DEBUG QUICKLIST-PACKED-THRESHOLD 0"), "+OK\r\n");
    bench.ask(client, "RPUSH k 12345 a b");
    bench.ask(client, "LTRIM k 0 0");
    assert_eq!(bench.ask(client, "OBJECT ENCODING k"), "$8\r\nlistpack\r\n");
}

#[test]
fn a_compressed_list_takes_less_and_is_the_same_to_everybody() {
    let (mut bench, client) = bench(Allowed::Yes);
    let elements: Vec<String> = (0..4000).map(|i| format!("element-of-a-list:{i}")).collect();
    let push = |key: &'static str| {
        let words: Vec<&[u8]> =
            ["RPUSH", key].into_iter().chain(elements.iter().map(String::as_str)).map(str::as_bytes).collect();
        command(&words)
    };
    assert_eq!(bench.send(client, push("plain")), b":4000\r\n");
    assert_eq!(bench.ask(client, "CONFIG SET list-compress-depth 1"), "+OK\r\n");
    assert!(!bench.engine.effects().log.iter().any(|line| line.text.contains("list-compress-depth")));
    assert_eq!(bench.send(client, push("compressed")), b":4000\r\n");
    let number = |reply: String| reply.trim().trim_start_matches(':').parse::<u64>().unwrap();
    let plain = number(bench.ask(client, "MEMORY USAGE plain"));
    let compressed = number(bench.ask(client, "MEMORY USAGE compressed"));
    assert!(compressed < plain / 2, "{compressed} {plain}");
    for what in [
        "LRANGE * 0 -1",
        "LINDEX * 2000",
        "LPOS * element-of-a-list:3000",
        "DUMP *",
        "DEBUG DIGEST-VALUE *",
        "DEBUG OBJECT *",
        "OBJECT ENCODING *",
        "LSET * 1999 other",
        "LREM * 0 element-of-a-list:1500",
        "LRANGE * 0 -1",
        "LINSERT * BEFORE element-of-a-list:2500 more",
        "LTRIM * 100 -100",
        "LRANGE * 1000 2000",
        "RPOP * 1500",
        "DUMP *",
    ] {
        let [one, other] = ["plain", "compressed"].map(|key| bench.ask(client, &what.replace('*', key)));
        assert!(one == other, "{what}");
    }
    let left = number(bench.ask(client, "MEMORY USAGE compressed"));
    assert!(left < compressed, "{left} {compressed}");
    bench.ask(client, "SORT compressed BY nosort STORE sorted");
    let sorted = number(bench.ask(client, "MEMORY USAGE sorted"));
    assert!(sorted < left + left / 4, "{sorted} {left}");
}

#[test]
fn messages_reach_the_log_and_errors_the_client() {
    let (mut bench, client) = bench(Allowed::Yes);
    bench.ask(client, "DEBUG LOG 'hello there'");
    let log = &bench.engine.effects().log;
    assert!(log.iter().any(|line| line.level == Level::Warning && line.text == "DEBUG LOG: hello there"));
    assert_eq!(bench.ask(client, "DEBUG ERROR 'CODE some\\ntext'"), "-CODE some\\ntext\r\n");
    assert_eq!(bench.ask(client, "DEBUG ERROR \"CODE some\\ntext\""), "-CODE some text\r\n");
    assert!(bench.ask(client, "DEBUG STRINGMATCH-TEST").starts_with("+Apparently Redis did not crash"));
    let unknown = "-ERR unknown subcommand or wrong number of arguments for 'Nosuch'. Try DEBUG HELP.\r\n";
    assert_eq!(bench.ask(client, "debug Nosuch"), unknown);
}

#[test]
fn a_new_replication_id_can_be_asked_for() {
    let (mut bench, client) = bench(Allowed::Yes);
    let before = bench.engine.state().replication_id.clone();
    bench.hooks.entropy.set(7);
    bench.ask(client, "DEBUG CHANGE-REPL-ID");
    let after = &bench.engine.state().replication_id;
    assert!(*after != before && after.len() == 40);
}

#[test]
fn the_server_says_what_it_is() {
    let (mut bench, client) = bench(Allowed::No);
    bench.advance_ms(1_500);
    assert_eq!(bench.ask(client, "TIME"), "*2\r\n$10\r\n1700000001\r\n$6\r\n500000\r\n");
    assert_eq!(bench.ask(client, "ROLE"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    assert_eq!(bench.ask(client, "LASTSAVE"), ":1700000000\r\n");
    assert_eq!(bench.ask(client, "READONLY"), "-ERR This instance has cluster support disabled\r\n");
    for line in ["LOLWUT", "LOLWUT foo", "LOLWUT VERSION 9", "LOLWUT VERSION 5 1 1", "lolwut version 6 999999 999999"] {
        let drawing = bench.ask(client, line);
        assert!(drawing.ends_with("\nRedis ver. 7.2.4\n\r\n") && drawing.len() < 30_000, "{drawing}");
    }
    assert_eq!(bench.ask(client, "LOLWUT VERSION 5 x"), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(bench.ask(client, "LOLWUT VERSION x"), "-ERR value is not an integer or out of range\r\n");
}
