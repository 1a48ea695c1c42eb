//! Transcripts: every command with its errors, as clients see them.
//!
//! A script under `transcripts/` has one inline command a line. `2: ` before it names another client, `!advance 10` lets
//! milliseconds pass, `!connect` gives the client a new connection, `!raw` sends bytes as they are (with `\r\n` written so),
//! and `!quiet` hides a reply that differs between runs. The replies are shown with the protocol's own type marks; strings
//! are quoted.
//!
//! What the scripts print was compared with Redis 7.0.15, `compare_and_set`, `bitmaps`, `hyperloglogs`, `sets` and
//! `field_deadlines` with 8.6.3. What differs: HELLO's error, `MAXAGE`,
//! `loglevel nothing` and the arity of COMMAND GETKEYS are those of later versions; `port` is fixed while the server runs; and
//! an invalid digest together with GET is one error, where Redis sends the old value and then the error, two replies for one
//! command.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fixture::{Bench, fileless};
use refrain_core::{Closing, Config, SessionId};

/// Plays a script and writes down what was said.
fn play(script: &str) -> String {
    let mut bench = Bench::new(fileless(), None);
    let mut clients: BTreeMap<char, SessionId> = BTreeMap::new();
    let mut text = String::new();
    for line in script.lines().filter(|line| !line.is_empty()) {
        let (who, command) = match line.split_once(": ") {
            Some((who, command)) if who.len() == 1 => (who.chars().next().unwrap(), command),
            _ => ('1', line),
        };
        if let Some(ms) = command.strip_prefix("!advance ") {
            bench.advance_ms(ms.parse().unwrap());
            writeln!(text, "{line}").unwrap();
            continue;
        }
        if command == "!connect" {
            let id = bench.connect();
            clients.insert(who, id);
            writeln!(text, "{line}").unwrap();
            continue;
        }
        let (command, quiet) = match command.strip_prefix("!quiet ") {
            Some(command) => (command, true),
            None => (command, false),
        };
        let bytes = match command.strip_prefix("!raw ") {
            Some(raw) => raw.replace("\\r", "\r").replace("\\n", "\n"),
            None => format!("{command}\r\n"),
        };
        let id = *clients.entry(who).or_insert_with(|| bench.connect());
        let before: Vec<(char, SessionId, usize)> =
            clients.iter().filter(|(_, c)| **c != id).map(|(n, c)| (*n, *c, bench.received[c].len())).collect();
        let reply = bench.send(id, bytes);
        let prompt = if who == '1' { String::new() } else { who.to_string() };
        writeln!(text, "{prompt}> {command}").unwrap();
        let mut rest = reply.as_slice();
        while !rest.is_empty() && !quiet {
            rest = render(rest, 0, &mut text);
        }
        if bench.engine.closing(id) != Closing::Open {
            writeln!(text, "(closed)").unwrap();
        }
        for (name, client, from) in before {
            let mut message = &bench.received[&client][from..];
            while !message.is_empty() {
                write!(text, "{name}< ").unwrap();
                message = render(message, 0, &mut text);
            }
        }
    }
    text
}

/// Writes the reply at the start of `bytes` and gives the rest.
fn render<'b>(bytes: &'b [u8], depth: usize, out: &mut String) -> &'b [u8] {
    let indent = "  ".repeat(depth);
    let end = bytes.windows(2).position(|w| w == b"\r\n").expect("every line ends");
    let (line, mut rest) = (&bytes[..end], &bytes[end + 2..]);
    let count = || -> i64 { std::str::from_utf8(&line[1..]).unwrap().parse().unwrap() };
    match line[0] {
        mark @ (b'$' | b'=' | b'!') if count() >= 0 => {
            let (body, after) = rest.split_at(count() as usize);
            let mark = if mark == b'$' { String::new() } else { char::from(mark).to_string() };
            writeln!(out, "{indent}{mark}\"{}\"", without_sizes(&escape(body))).unwrap();
            &after[2..]
        }
        mark @ (b'*' | b'~' | b'>' | b'%') => {
            writeln!(out, "{indent}{}", escape(line)).unwrap();
            let elements = count().max(0) * if mark == b'%' { 2 } else { 1 };
            for _ in 0..elements {
                rest = render(rest, depth + 1, out);
            }
            rest
        }
        _ => {
            writeln!(out, "{indent}{}", escape(line)).unwrap();
            rest
        }
    }
}

/// What a client takes in all depends on how the engine is built, and is in the lines of CLIENT LIST and ACL LOG.
fn without_sizes(text: &str) -> String {
    match text.split_once(" tot-mem=") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before} tot-mem=N{}", without_sizes(rest))
        }
        None => text.to_owned(),
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}").unwrap(),
        }
    }
    text
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(stringify!($name), play(include_str!(concat!("transcripts/", stringify!($name), ".txt"))));
            }
        )*
    };
}

transcripts!(
    strings,
    lists,
    lists_waiting,
    hashes,
    field_deadlines,
    expire,
    keyspace,
    clients,
    connection,
    hello,
    resp3,
    auth,
    transactions,
    config,
    sorting,
    server,
    compare_and_set,
    bitmaps,
    hyperloglogs,
    sorted_sets,
    sorted_sets_waiting,
    geo,
    sets,
    pubsub,
    notifications,
    tracking,
    monitor,
    acl_users,
    acl_rights,
    acl_log,
    streams,
    files,
);

/// Numbers and hashes differ between runs and builds; names, order and shape do not.
fn redacted(text: &str) -> String {
    let mut out = String::new();
    for line in text.split("\\r\\n") {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        // -1 means "never", which is no size.
        let number = value != "-1" && value.trim_start_matches('-').chars().next().is_some_and(|c| c.is_ascii_digit());
        let value = if number || name == "run_id" || name == "os" { "N" } else { value };
        writeln!(out, "{name}{}{value}", if line.contains(':') { ":" } else { "" }).unwrap();
    }
    out
}

#[test]
fn info() {
    let script = "SET k v PX 1000\nGET k\nGET missing\nnosuch\nINCR k\nGET\nINFO everything\n";
    let text = play(script);
    let (_, info) = text.split_once("> INFO everything\n").unwrap();
    insta::assert_snapshot!("info", redacted(info));
}

#[test]
fn info_by_section() {
    let sections = |script: &str| -> Vec<String> {
        let text = play(script);
        text.split("\\r\\n").filter_map(|line| line.split_once("# ").map(|(_, name)| name.to_owned())).collect()
    };
    assert_eq!(sections("INFO cpu"), ["CPU"]);
    assert_eq!(sections("INFO CLIENTS server clients"), ["Server", "Clients"]);
    assert_eq!(sections("INFO nosuch"), [""; 0]);
    assert!(!sections("INFO").contains(&"Commandstats".to_owned()));
    assert!(sections("INFO default commandstats").contains(&"Commandstats".to_owned()));
    assert_eq!(sections("INFO all"), sections("INFO everything"));
}

#[test]
fn acl_log_entries() {
    let script = "ACL SETUSER u on >pw +set +multi +exec +publish ~k:*\n2: AUTH u pw\n2: GET x\n2: get x\n2: SET x y\n2: PUBLISH c m\n\
                  2: MULTI\n2: SET x y\n2: EXEC\n!advance 1500\n2: MULTI\n2: AUTH u wrong\n2: EXEC\n2: hello 3 auth nobody pw\n\
                  HELLO 3\nACL LOG\n";
    let text = play(script);
    let (_, log) = text.split_once("> ACL LOG\n").unwrap();
    let mut shown = String::new();
    for line in log.lines() {
        match line.trim_start().strip_prefix("\"id=") {
            // What of a client's line is about the refusal.
            Some(client) => {
                let about = |field: &&str| ["cmd=", "user=", "flags="].iter().any(|name| field.starts_with(name));
                writeln!(shown, "    {}", client.split(' ').filter(about).collect::<Vec<_>>().join(" ")).unwrap();
            }
            None => writeln!(shown, "{line}").unwrap(),
        }
    }
    insta::assert_snapshot!("acl_log_entries", shown);
}

#[test]
fn client_list() {
    let script = "CLIENT SETNAME one\n2: HELLO 3\n2: SELECT 3\n3: MULTI\n3: SET k v\n4: WATCH a b\n1: CLIENT LIST\n";
    let text = play(script);
    let (_, list) = text.split_once("> CLIENT LIST\n").unwrap();
    let mut fields = String::new();
    for line in list.trim_matches(['"', '\n']).split("\\n").filter(|line| !line.is_empty()) {
        for field in line.split(' ') {
            let (name, value) = field.split_once('=').unwrap();
            let size =
                name.ends_with("mem") || name.starts_with("qbuf") || name.starts_with("rb") || name.starts_with("o");
            write!(fields, "{name}={} ", if size { "N" } else { value }).unwrap();
        }
        fields.push('\n');
    }
    insta::assert_snapshot!("client_list", fields);
}

#[test]
fn shutdown_is_obeyed_with_every_option_that_it_takes() {
    for options in ["", " NOSAVE", " nosave now", " NOW FORCE", " FORCE NOW NOSAVE", " SAVE FORCE"] {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        assert_eq!(bench.send(client, format!("SHUTDOWN{options}\r\nSET late 1\r\n")), b"", "{options}");
        let wanted = bench.engine.effects().shutdown.take().expect("the node is asked to end");
        assert_eq!(wanted.save, !options.to_uppercase().contains("NOSAVE"), "{options}: there are save points");
        assert_eq!(wanted.now, options.to_uppercase().contains("NOW"), "{options}");
        assert_eq!(wanted.force, options.contains("FORCE"), "{options}");
        assert!(bench.engine.stands_still());
        assert!(bench.data().is_empty(), "nothing behind it is executed");
    }
}

#[test]
fn a_word_in_common_does_not_confuse_subcommands() {
    // Whatever was called before under the same container must not be called again.
    let calls = [
        ("CLIENT GETNAME", "$-1\r\n"),
        ("CLIENT ID", ":1\r\n"),
        ("CONFIG GET timeout", "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n"),
        ("CONFIG SET timeout 0", "+OK\r\n"),
        ("COMMAND GETKEYS GET a", "*1\r\n$1\r\na\r\n"),
        ("COMMAND INFO x", "*1\r\n$-1\r\n"),
        ("CONFIG GET nosuch", "*0\r\n"),
        ("CLIENT REPLY ON", "+OK\r\n"),
        ("GET a", "$-1\r\n"),
        ("get a", "$-1\r\n"),
        ("GETX a", "-ERR unknown command 'GETX', with args beginning with: 'a' \r\n"),
        ("SET a", "-ERR wrong number of arguments for 'set' command\r\n"),
        ("DEL a", ":0\r\n"),
    ];
    for (first, first_reply) in calls {
        for (second, second_reply) in calls {
            let mut bench = Bench::new(fileless(), None);
            let client = bench.connect();
            let got = bench.ask(client, &format!("{first}\r\n{second}\r\n{first}"));
            assert_eq!(got, [first_reply, second_reply, first_reply].concat(), "{first}, {second}");
        }
    }
}
