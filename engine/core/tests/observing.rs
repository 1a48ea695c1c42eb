//! What the server writes down of the commands it runs: the slow log and its kin, spikes of latency, histograms, counters.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use fixture::{Bench, command};
use refrain_core::{Config, LogKind, SessionId};

/// An engine whose every command takes `us` microseconds, and a client.
fn bench(us: u64) -> (Bench, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    bench.hooks.us_per_unit.set(us);
    let client = bench.connect();
    (bench, client)
}

/// The arguments of the remembered commands, the latest first, and what was remarkable about each.
fn logged(bench: &Bench, kind: LogKind) -> Vec<(String, u64)> {
    let entries = bench.engine.state().observer.log(kind).iter();
    let words = |args: &[Box<[u8]>]| args.iter().map(|a| String::from_utf8_lossy(a)).collect::<Vec<_>>().join(" ");
    entries.map(|entry| (words(&entry.args), entry.amount)).collect()
}

fn slow(bench: &Bench) -> Vec<String> {
    logged(bench, LogKind::Slow).into_iter().map(|(words, _)| words).collect()
}

#[test]
fn only_what_takes_as_long_as_the_threshold_is_slow() {
    let (mut bench, client) = bench(9_999);
    bench.ask(client, "SET a 1");
    assert!(slow(&bench).is_empty());
    bench.hooks.us_per_unit.set(10_000);
    // A tick counter that runs faster counts what lies behind it once too often: the first command settles it.
    bench.ask(client, "PING");
    bench.ask(client, "SET a 2");
    assert_eq!(logged(&bench, LogKind::Slow)[0], ("SET a 2".to_owned(), 10_000));
    bench.ask(client, "CONFIG SET slowlog-log-slower-than 10001");
    bench.ask(client, "SET a 3");
    assert!(!slow(&bench)[0].contains("SET a 3"));
    bench.ask(client, "CONFIG SET slowlog-log-slower-than -1");
    bench.hooks.us_per_unit.set(1_000_000);
    bench.ask(client, "PING");
    bench.ask(client, "SET a 4");
    assert!(!slow(&bench).iter().any(|words| words == "SET a 4"));
}

#[test]
fn the_command_that_changes_the_threshold_is_judged_by_the_new_one() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET slowlog-log-slower-than 0");
    assert_eq!(slow(&bench), ["CONFIG SET slowlog-log-slower-than 0"]);
    bench.ask(client, "CONFIG SET slowlog-log-slower-than -1");
    assert_eq!(slow(&bench).len(), 1);
}

#[test]
fn a_log_whose_bound_is_lowered_forgets_the_oldest_at_once() {
    let (mut bench, client) = bench(1);
    for command in ["CONFIG SET slowlog-log-slower-than 0", "PING", "PING", "CONFIG SET slowlog-log-slower-than -1"] {
        bench.ask(client, command);
    }
    assert_eq!(bench.ask(client, "SLOWLOG LEN"), ":3\r\n");
    bench.ask(client, "CONFIG SET slowlog-max-len 2");
    assert_eq!(bench.ask(client, "SLOWLOG LEN"), ":2\r\n");
}

#[test]
fn who_watches_keys_and_asks_is_counted() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "WATCH a");
    assert!(bench.ask(client, "INFO clients").contains("watching_clients:1\r\n"));
}

#[test]
fn connections_come_and_go_in_the_log_if_that_is_to_say_much() {
    let (mut bench, client) = bench(1);
    for (level, lines) in [("notice", 0), ("verbose", 2)] {
        bench.ask(client, &format!("CONFIG SET loglevel {level}"));
        let other = bench.connect();
        bench.engine.disconnect(other);
        let log: Vec<String> = bench.engine.effects().log.drain(..).map(|line| line.text).collect();
        assert_eq!(log.len(), lines, "{log:?}");
        assert!(log.iter().zip(["Accepted 127.0.0.1:", "Client closed connection id="]).all(|(a, b)| a.starts_with(b)));
    }
}

#[test]
fn a_log_that_is_to_say_much_tells_now_and_then_what_there_is() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "MSET a 1 b 2");
    bench.ask(client, "PEXPIRE a 1000000");
    // At once, and then every five seconds.
    for (level, lines) in [("notice", 0), ("verbose", 3)] {
        bench.ask(client, &format!("CONFIG SET loglevel {level}"));
        bench.engine.effects().log.clear();
        for _ in 0..11 {
            bench.advance_ms(1000);
            bench.tick();
        }
        let log: Vec<String> = bench.engine.effects().log.drain(..).map(|line| line.text).collect();
        let of = |beginning: &str| log.iter().filter(|line| line.starts_with(beginning)).count();
        assert_eq!(of("DB 0: 2 keys (1 volatile) in "), lines, "{log:?}");
        assert_eq!(of("1 clients connected (0 replicas), "), lines, "{log:?}");
        assert_eq!(log.len(), 2 * lines, "an empty database is not worth a line: {log:?}");
    }
}

#[test]
fn what_is_refused_is_the_last_command_too() {
    let (mut bench, client) = bench(1);
    let other = bench.connect();
    let mut last = |line: &str| {
        bench.ask(other, line);
        let list = bench.ask(client, "CLIENT LIST ID 2");
        list.split(" cmd=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned)
    };
    for (line, name) in [("SET a 1", "set"), ("NOSUCH", "NULL"), ("GET", "get"), ("CLIENT NOSUCH", "NULL")] {
        assert_eq!(last(line).as_deref(), Some(name), "{line}");
    }
}

#[test]
fn who_ends_itself_in_a_transaction_is_answered_so_far() {
    for end in ["CLIENT KILL TYPE normal SKIPME no", "CLIENT KILL ID 2 SKIPME no"] {
        let (mut bench, admin) = bench(1);
        let client = bench.connect();
        for line in ["MULTI", "SET k 1", end, "SET k 2"] {
            bench.ask(client, line);
        }
        assert!(bench.ask(client, "EXEC").starts_with("*3\r\n+OK\r\n:"));
        assert!(!bench.ask(client, "PING").contains("PONG"));
        let text = String::from_utf8_lossy(&bench.received[&client]).into_owned();
        assert!(!text.ends_with("+OK\r\n"), "{text}");
        if end.contains("ID") {
            assert_eq!(bench.ask(admin, "GET k"), "$1\r\n2\r\n", "it is executed to its end");
        }
    }
}

#[test]
fn one_who_monitors_does_not_see_itself_go() {
    let (mut bench, client) = bench(1);
    let monitor = bench.connect();
    bench.ask(client, "MONITOR");
    bench.ask(monitor, "MONITOR");
    assert_eq!(bench.ask(monitor, "QUIT"), "+OK\r\n");
    bench.collect();
    let seen = String::from_utf8_lossy(&bench.received[&client]).into_owned();
    assert!(seen.contains("\"QUIT\""), "others do: {seen}");
}

#[test]
fn calls_with_too_few_arguments_are_counted_whatever_the_command_is_called() {
    let mut config = Config::default();
    config.start.renames.push((b"get".to_vec(), b"hidden".to_vec()));
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    assert_eq!(bench.ask(client, "HIDDEN"), "-ERR wrong number of arguments for 'get' command\r\n");
    let stats = bench.ask(client, "INFO commandstats");
    assert!(stats.contains("cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,"), "{stats}");
}

#[test]
fn an_entry_says_who_and_when() {
    let (mut bench, client) = bench(20_000);
    bench.ask(client, "CLIENT SETNAME me");
    bench.ask(client, "SLOWLOG RESET");
    let reply = bench.ask(client, "SLOWLOG GET 1");
    let lines: Vec<&str> = reply.split("\r\n").collect();
    assert_eq!(lines[..2], ["*1", "*6"]);
    assert_eq!(lines[4], ":20000");
    assert_eq!(lines[5..10], ["*2", "$7", "SLOWLOG", "$5", "RESET"]);
    assert_eq!(lines[10..14], ["$14", "127.0.0.1:5000", "$2", "me"]);
    // Ids go on after a reset.
    bench.ask(client, "SLOWLOG RESET");
    assert!(bench.ask(client, "SLOWLOG GET 1").starts_with("*1\r\n*6\r\n:3\r\n"));
}

#[test]
fn entries_are_bounded_in_number_and_in_size() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3");
    for i in 0..10 {
        bench.ask(client, &format!("ECHO {i}"));
    }
    assert_eq!(slow(&bench), ["ECHO 9", "ECHO 8", "ECHO 7"]);
    let keys: Vec<String> = (0..33).map(|i| i.to_string()).collect();
    bench.ask(client, &format!("DEL {}", keys[..31].join(" ")));
    assert_eq!(slow(&bench)[0], format!("DEL {}", keys[..31].join(" ")));
    bench.ask(client, &format!("DEL {}", keys.join(" ")));
    assert_eq!(slow(&bench)[0], format!("DEL {} ... (3 more arguments)", keys[..30].join(" ")));
    bench.ask(client, &format!("ECHO {}", "A".repeat(128)));
    assert_eq!(slow(&bench)[0], format!("ECHO {}", "A".repeat(128)));
    bench.ask(client, &format!("ECHO {}", "A".repeat(129)));
    assert_eq!(slow(&bench)[0], format!("ECHO {}... (1 more bytes)", "A".repeat(128)));
    bench.ask(client, "CONFIG SET slowlog-max-len 0");
    assert!(slow(&bench).is_empty());
}

#[test]
fn secrets_are_not_remembered() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 1000");
    for line in ["AUTH secret", "AUTH default secret", "HELLO 3 AUTH default secret", "CONFIG SET requirepass secret"] {
        bench.ask(client, line);
    }
    let all = slow(&bench).join("\n");
    assert!(!all.contains("secret"), "{all}");
    assert!(all.contains("CONFIG SET requirepass (redacted)"), "{all}");
}

#[test]
fn of_a_transaction_its_commands_are_logged() {
    let (mut bench, client) = bench(20_000);
    for line in ["MULTI", "SET a 1", "GET a", "SLOWLOG RESET", "ECHO x", "EXEC"] {
        bench.ask(client, line);
    }
    assert_eq!(slow(&bench)[..2], ["ECHO x", "SLOWLOG RESET"]);
    let state = bench.engine.state();
    let of = |name: &str| &state.observer.commands[state.table.find_full(name.as_bytes()).unwrap().id.index()];
    assert_eq!(of("exec").ticks, 5 * 20_000, "EXEC takes as long as its commands and its own work");
    assert_eq!(of("echo").ticks, 20_000);
    assert_eq!(state.observer.total_ticks(), 6 * 20_000, "nothing is counted twice in the sum");
}

#[test]
fn counts_are_checked_as_redis_checks_them() {
    let (mut bench, client) = bench(20_000);
    for _ in 0..20 {
        bench.ask(client, "PING");
    }
    for (asked, shown) in [("", 10), (" 5", 5), (" 0", 0), (" -1", 27), (" 100", 28)] {
        let reply = bench.ask(client, &format!("SLOWLOG GET{asked}"));
        let entries = reply.split("\r\n").next().unwrap();
        let expected = if shown > 20 { format!("*{}", slow(&bench).len() - 1) } else { format!("*{shown}") };
        assert_eq!(entries, expected, "{asked}");
    }
    for asked in ["-2", "x", "9223372036854775808"] {
        let reply = bench.ask(client, &format!("SLOWLOG GET {asked}"));
        assert_eq!(reply, "-ERR count should be greater than or equal to -1\r\n");
    }
    assert!(
        bench
            .ask(client, "SLOWLOG GET 1 2")
            .starts_with("-ERR unknown subcommand or wrong number of arguments for 'GET'")
    );
}

#[test]
fn large_requests_and_large_replies_have_logs_of_their_own() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET commandlog-request-larger-than 1000 commandlog-reply-larger-than 2000");
    bench.send(client, command(&[b"SET", b"a", &[b'x'; 1500]]));
    bench.send(client, command(&[b"ECHO", &[b'y'; 2500]]));
    bench.send(client, command(&[b"SETRANGE", b"a", b"3000", b"x"]));
    bench.send(client, command(&[b"APPEND", b"a", &[b'z'; 900]]));
    bench.send(client, command(&[b"GET", b"a"]));
    let requests = logged(&bench, LogKind::LargeRequest);
    assert_eq!(requests.len(), 2);
    assert!(requests[0].0.starts_with("ECHO yyy") && (2500..2600).contains(&requests[0].1));
    let replies = logged(&bench, LogKind::LargeReply);
    assert!(replies[0].0 == "GET a" && replies[0].1 > 2000, "{replies:?}");
    assert!(replies[1].0.starts_with("ECHO yyy") && replies.len() == 2, "{replies:?}");
    assert!(slow(&bench).is_empty());
    assert_eq!(bench.ask(client, "COMMANDLOG LEN large-reply"), ":2\r\n");
    assert_eq!(bench.ask(client, "COMMANDLOG RESET LARGE-REPLY"), "+OK\r\n");
    assert_eq!(bench.ask(client, "COMMANDLOG GET -1 large-reply"), "*0\r\n");
    assert!(bench.ask(client, "COMMANDLOG GET 1 large-request").starts_with("*1\r\n*6\r\n:1\r\n"));
    let refused = "-ERR type should be one of the following: slow, large-request, large-reply\r\n";
    assert_eq!(bench.ask(client, "COMMANDLOG LEN huge"), refused);
}

#[test]
fn commands_in_a_queue_are_measured_by_their_own_bytes() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET commandlog-request-larger-than 1000");
    bench.ask(client, "MULTI");
    bench.send(client, command(&[b"SET", b"a", &[b'x'; 1500]]));
    bench.ask(client, "GET a");
    assert!(logged(&bench, LogKind::LargeRequest).is_empty(), "what is queued has not run");
    bench.ask(client, "EXEC");
    let requests = logged(&bench, LogKind::LargeRequest);
    assert!(requests.len() == 1 && requests[0].0.starts_with("SET a xxx"), "{requests:?}");
}

#[test]
fn spikes_are_remembered_by_event_and_second() {
    let (mut bench, client) = bench(300_000);
    bench.ask(client, "PING");
    assert_eq!(bench.ask(client, "LATENCY LATEST"), "*0\r\n", "monitoring is off by default");
    bench.ask(client, "CONFIG SET latency-monitor-threshold 200");
    bench.advance_ms(2_000);
    bench.ask(client, "DBSIZE");
    bench.advance_ms(2_000);
    bench.ask(client, "KEYS *");
    bench.hooks.us_per_unit.set(1);
    let latest = bench.ask(client, "LATENCY LATEST");
    assert!(latest.starts_with("*2\r\n*4\r\n$7\r\ncommand\r\n"), "{latest}");
    assert!(latest.contains("$12\r\nfast-command\r\n"), "{latest}");
    assert!(bench.ask(client, "LATENCY HISTORY command").starts_with("*2\r\n*2\r\n"));
    assert_eq!(bench.ask(client, "LATENCY HISTORY nosuch"), "*0\r\n");
    let graph = bench.ask(client, "LATENCY GRAPH command");
    assert!(graph.contains("command - high 300 ms, low 300 ms (all time high 300 ms)\n---"), "{graph}");
    assert_eq!(bench.ask(client, "LATENCY GRAPH nosuch"), "-ERR No samples available for event 'nosuch'\r\n");
    let doctor = bench.ask(client, "LATENCY DOCTOR");
    assert!(doctor.contains("1. command: 2 latency spikes (average 300ms"), "{doctor}");
    assert_eq!(bench.ask(client, "LATENCY RESET nosuch COMMAND"), ":1\r\n");
    assert_eq!(bench.ask(client, "LATENCY RESET"), ":1\r\n");
    assert_eq!(bench.ask(client, "LATENCY RESET"), ":0\r\n");
}

#[test]
fn a_histogram_counts_every_call_below_powers_of_two() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "PING");
    bench.ask(client, "CONFIG RESETSTAT");
    for us in [1, 3, 16, 17, 33_000] {
        bench.hooks.us_per_unit.set(us);
        // Whatever ran before now seems to have taken longer or shorter: settled by a command that is not looked at.
        bench.ask(client, "PING");
        bench.ask(client, "SET a 1");
    }
    let reply = bench.ask(client, "LATENCY HISTOGRAM set nosuch");
    let expected = "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:5\r\n$14\r\nhistogram_usec\r\n\
                    *10\r\n:1\r\n:1\r\n:4\r\n:2\r\n:16\r\n:3\r\n:33\r\n:4\r\n:33816\r\n:5\r\n";
    assert_eq!(reply, expected);
    let all = bench.ask(client, "LATENCY HISTOGRAM");
    assert!(all.contains("config|resetstat"), "{all}");
    assert!(bench.ask(client, "LATENCY HISTOGRAM config").starts_with("*2\r\n$16\r\nconfig|resetstat"));
}

#[test]
fn histograms_can_be_switched_off_and_are_reset_with_the_counters() {
    let (mut bench, client) = bench(1);
    bench.ask(client, "CONFIG SET latency-tracking no");
    bench.ask(client, "CONFIG RESETSTAT");
    bench.ask(client, "SET a 1");
    assert_eq!(bench.ask(client, "LATENCY HISTOGRAM"), "*0\r\n");
    bench.ask(client, "CONFIG SET latency-tracking yes");
    bench.ask(client, "SET a 1");
    assert!(bench.ask(client, "LATENCY HISTOGRAM set").contains(":1\r\n"));
    bench.ask(client, "CONFIG RESETSTAT");
    assert_eq!(bench.ask(client, "LATENCY HISTOGRAM set"), "*0\r\n");
}
