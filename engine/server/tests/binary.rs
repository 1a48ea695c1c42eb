//! The binary as an operator meets it: it starts, serves, says what is wrong, and ends, each with its exit code.
//!
//! No test sleeps: each waits for a line of the log, for an answer, or for an end.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real files and sockets"
)]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use support::{Client, READY, Server, command, free_port, run};

#[test]
fn version_and_help_are_printed_and_nothing_is_served() {
    let (code, out, err) = run(&["--version"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    // What scripts take apart, field by field, and our own name behind it.
    let fields: Vec<&str> = out.split_whitespace().collect();
    assert_eq!(&fields[..3], ["Redis", "server", "v=7.2.4"], "{out}");
    let names: Vec<&str> = fields[3..7].iter().map(|field| field.split('=').next().unwrap_or_default()).collect();
    assert_eq!(names, ["sha", "malloc", "bits", "build"], "{out}");
    assert!(out.trim_end().ends_with(&format!("(Refrain {})", env!("CARGO_PKG_VERSION"))), "{out}");
    assert_eq!(out.lines().count(), 1);

    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("Usage: refrain-server "), "{out}");
}

#[test]
fn it_serves_both_forms_of_requests_in_order() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(
        b"*1\r\n$4\r\nPING\r\nPING hello\r\n\r\n*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\nset 'k' \"\\x41\"\r\nGET k\r\n",
    );
    client.expect(b"+PONG\r\n$5\r\nhello\r\n$4\r\na\r\nb\r\n+OK\r\n$1\r\nA\r\n");
    // Cut at every byte, the same.
    for byte in b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" {
        client.send(&[*byte]);
    }
    client.expect(b"$1\r\nA\r\n");
}

#[test]
fn a_signal_ends_it_gracefully() {
    for (signal, name) in [("TERM", "SIGTERM"), ("INT", "SIGINT")] {
        let mut server = Server::start(&[]);
        let mut client = server.connect();
        client.check("SET k v", "+OK");
        server.signal(signal);
        assert_eq!(client.receive_to_end(), b"", "clients read the end");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log);
        assert!(server.log.contains(&format!("Received {name} scheduling shutdown")), "{}", server.log);
        assert!(server.log.contains("ready to exit, bye bye"), "{}", server.log);
    }
}

#[test]
fn shutdown_answers_what_came_before_it_and_ends_with_success() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    client.send("INCR n\r\n".repeat(1000).as_bytes());
    client.send(b"SHUTDOWN\r\n");
    let expected: String = (1..=1000).map(|n| format!(":{n}\r\n")).collect();
    assert_eq!(String::from_utf8_lossy(&client.receive_to_end()), expected);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log);
    assert!(server.log.contains("User requested shutdown"), "{}", server.log);
}

#[test]
fn a_restart_starts_empty() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.check("SET k v", "+OK");
    drop(server);
    let server = Server::start(&[]);
    server.connect().check("DBSIZE", ":0");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (code, out, err) = run(&["--bind", "127.0.0.1", "--port", &port.to_string()]);
    assert_eq!(code, Some(1));
    let said = out + &err;
    assert!(said.contains(&format!("Failed listening on port {port} (TCP), aborting.")), "{said}");
    assert!(said.contains("Address already in use"), "{said}");
    assert!(!said.contains(READY));
}

#[test]
fn nowhere_to_listen_is_an_error() {
    let (code, out, err) = run(&["--port", "0"]);
    assert_eq!(code, Some(1));
    assert!((out + &err).contains("Configured to not listen anywhere, exiting."));
}

#[track_caller]
fn check_refused(text: &str, line: usize, shown: &str, reason: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("refrain.conf");
    fs::write(&path, text).expect("the folder is ours");
    let (code, out, err) = run(&[path.to_str().expect("temporary folders have plain names")]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***"), "{err}");
    assert!(err.contains(&format!("at line {line}\n>>> '{shown}'\n{reason}\n")), "{err}");
}

#[test]
fn a_configuration_that_cannot_be_obeyed_names_its_line() {
    check_refused(
        "# comment\nport 0\n  max-clients 5\n",
        3,
        "max-clients 5",
        "Bad directive or wrong number of arguments. Did you mean 'maxclients'?",
    );
    check_refused(
        "no-such-thing-at-all 1\n",
        1,
        "no-such-thing-at-all 1",
        "Bad directive or wrong number of arguments",
    );
    check_refused("\n\nport 65536", 3, "port 65536", "argument must be between 0 and 65535 inclusive");
    check_refused("timeout\n", 1, "timeout", "wrong number of arguments");
    check_refused("protected-mode maybe\n", 1, "protected-mode maybe", "argument must be 'yes' or 'no'");
    check_refused("dir \"open\n", 1, "dir \"open", "Unbalanced quotes in configuration line");
}

#[test]
fn an_error_in_an_included_file_names_the_file_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("inner.conf"), "\nhz fast\n").unwrap();
    fs::write(path("outer.conf"), format!("port 0\ninclude {}\n", path("inner.conf"))).unwrap();
    let (code, _, err) = run(&[&path("outer.conf")]);
    assert_eq!(code, Some(1));
    assert!(err.contains(&format!("Reading the configuration file '{}', at line 2\n", path("inner.conf"))), "{err}");

    let (code, _, err) = run(&[&path("missing.conf")]);
    assert_eq!(code, Some(1));
    let expected = format!("can't open config file '{}': No such file or directory", path("missing.conf"));
    assert!(err.contains(&expected), "{err}");
}

#[test]
fn a_mistyped_option_is_refused_like_a_line_of_the_file() {
    let (code, _, err) = run(&["--requirepas", "secret"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("Did you mean 'requirepass'?"), "{err}");
}

#[test]
fn options_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refrain.conf");
    fs::write(&path, "maxclients 7\ntimeout 3\n").unwrap();
    let port = free_port().to_string();
    let arguments = [path.to_str().unwrap(), "--bind", "127.0.0.1", "--port", &port, "--timeout", "4"];
    let mut server = Server::spawn(&mut command(&arguments), port.parse().unwrap());
    server.expect_log(READY);
    let mut client = server.connect();
    client.check("CONFIG GET timeout", "*2\r\n$7\r\ntimeout\r\n$1\r\n4");
    client.check("CONFIG GET maxclients", "*2\r\n$10\r\nmaxclients\r\n$1\r\n7");
}

#[test]
fn the_configuration_may_come_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let (path, port) = (folder.path().join("input"), free_port());
    fs::write(&path, format!("bind 127.0.0.1\nport {port}\nmaxclients 7\n")).unwrap();
    let mut command = command(&["-"]);
    command.stdin(File::open(&path).unwrap());
    let mut server = Server::spawn(&mut command, port);
    server.expect_log(READY);
    server.connect().check("CONFIG GET maxclients", "*2\r\n$10\r\nmaxclients\r\n$1\r\n7");
}

#[test]
fn a_unix_socket_has_the_mode_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refrain.sock");
    let arguments = ["--port", "0", "--unixsocket", path.to_str().unwrap(), "--unixsocketperm", "750"];
    let mut server = Server::spawn(&mut command(&arguments), 0);
    server.expect_log(READY);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    let mut client = Client::new(UnixStream::connect(&path).unwrap());
    client.check("PING", "+PONG");
}

#[test]
fn a_password_is_asked_for_and_accepted() {
    let server = Server::start(&["--requirepass", "se cret"]);
    let mut client = server.connect();
    client.check("GET k", "-NOAUTH Authentication required.");
    client.check("AUTH secret", "-WRONGPASS invalid username-password pair or user is disabled.");
    client.check("AUTH \"se cret\"", "+OK");
    client.check("GET k", "$-1");
    client.check("CONFIG SET requirepass other", "+OK");
    client.check("GET k", "$-1");
    server.connect().check("AUTH \"se cret\"", "-WRONGPASS invalid username-password pair or user is disabled.");
    server.connect().check("AUTH other", "+OK");
}

#[test]
fn one_client_too_many_is_told_so() {
    let server = Server::start(&["--maxclients", "2"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    first.check("PING", "+PONG");
    second.check("PING", "+PONG");
    let mut third = server.connect();
    assert_eq!(third.receive_to_end(), b"-ERR max number of clients reached\r\n");
    // Whoever leaves makes room: the server has seen the end once it has ended its own side.
    second.check("QUIT", "+OK");
    assert_eq!(second.receive_to_end(), b"");
    server.connect().check("PING", "+PONG");
    first.check("PING", "+PONG");
}

#[test]
fn a_new_log_level_takes_effect_at_once() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    let break_protocol = || {
        let mut client = server.connect();
        client.send(b"*x\r\n");
        client.receive_to_end();
    };
    break_protocol();
    client.check("CONFIG SET loglevel verbose", "+OK");
    break_protocol();
    client.check("CONFIG SET loglevel notice", "+OK");
    break_protocol();
    client.send(b"SHUTDOWN\r\n");
    client.receive_to_end();
    server.wait();
    assert_eq!(server.log.matches("Protocol error (").count(), 1, "{}", server.log);
}

#[test]
fn an_idle_client_is_closed() {
    let mut server = Server::start(&["--timeout", "1", "--hz", "100", "--loglevel", "verbose"]);
    let mut client = server.connect();
    client.check("PING", "+PONG");
    assert_eq!(client.receive_to_end(), b"");
    server.expect_log("Closing idle client");
}

#[test]
fn a_killed_client_reads_the_end() {
    let server = Server::start(&[]);
    let (mut victim, mut killer) = (server.connect(), server.connect());
    victim.check("CLIENT ID", ":1");
    killer.check("CLIENT KILL ID 1", ":1");
    assert_eq!(victim.receive_to_end(), b"");
    killer.check("CLIENT KILL ID 1", ":0");
    killer.check("CLIENT KILL ID 2 SKIPME no", ":1");
    assert_eq!(killer.receive_to_end(), b"");
}

#[test]
fn a_watched_key_that_another_client_changes_makes_exec_do_nothing() {
    let server = Server::start(&[]);
    let (mut watcher, mut other) = (server.connect(), server.connect());
    watcher.check("WATCH k", "+OK");
    watcher.check("MULTI", "+OK");
    watcher.check("SET k mine", "+QUEUED");
    other.check("SET k theirs", "+OK");
    watcher.check("EXEC", "*-1");
    watcher.check("GET k", "$6\r\ntheirs");
}

#[test]
fn the_readme_lists_exactly_the_commands_that_there_are() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(b"COMMAND LIST\r\nQUIT\r\n");
    let reply = String::from_utf8(client.receive_to_end()).unwrap();
    let names = reply.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    // A subcommand is listed by its own word; HELP is everywhere.
    let served: BTreeSet<String> = names
        .map(|name| name.rsplit('|').next().unwrap_or(name).to_uppercase())
        .filter(|name| name != "HELP")
        .collect();

    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let section = readme.split("## Compatibility").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let listed: BTreeSet<String> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let options = ["IFEQ", "IFNE", "IFDEQ", "IFDNE"].map(str::to_owned).into();
    let listed = &listed - &options;
    assert_eq!(&served - &listed, BTreeSet::new(), "served and not in the README");
    assert_eq!(&listed - &served, BTreeSet::new(), "in the README and not served");
}
