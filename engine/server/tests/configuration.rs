//! Configuration as an operator meets it: what a file may say, what CONFIG SET does to the process, and what CONFIG REWRITE
//! leaves behind.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real files and sockets"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use support::{Client, READY, Server, command, free_port, run};

/// A server with a configuration file in a folder of its own.
fn with_file(folder: &Path, text: &str) -> (Server, String) {
    let path = folder.join("refrain.conf");
    let path = path.to_str().expect("temporary folders have plain names").to_owned();
    loop {
        let port = free_port();
        fs::write(&path, format!("# ours\nport {port}\nbind 127.0.0.1\n{text}")).unwrap();
        let mut server = Server::spawn(&mut command(&[&path]), port);
        if server.read_until(READY) {
            return (server, path);
        }
        assert!(server.log.contains("Failed listening on port"), "the server did not start:\n{}", server.log);
    }
}

/// The reply to CONFIG GET of one parameter.
fn shown(name: &str, value: &str) -> String {
    format!("*2\r\n${}\r\n{name}\r\n${}\r\n{value}", name.len(), value.len())
}

const NOT_SET: &str = "-ERR CONFIG SET failed (possibly related to argument";

#[test]
fn a_port_that_is_taken_changes_nothing_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--enable-protected-configs", "yes"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port();
    let mut client = server.connect();
    let process = |name: &str| format!("/proc/{}/{name}", server.pid());
    // What the system knows of the process, beside what CONFIG GET shows of it.
    let seen = || {
        let title = fs::read(process("cmdline")).unwrap();
        let score = fs::read_to_string(process("oom_score_adj")).unwrap();
        (fs::read_link(process("cwd")).unwrap(), title, score)
    };
    let everything = |client: &mut Client<TcpStream>| {
        client.send(b"CONFIG GET *\r\nQUIT\r\n");
        client.receive_to_end()
    };
    let (before, shown_before) = (seen(), everything(&mut server.connect()));
    // Each of these is in effect by the time at which the port turns out to be taken.
    let changes = format!(
        "maxclients 77 dir {} oom-score-adj yes oom-score-adj-values \"5 6 7\" proc-title-template other hz 7",
        folder.path().display()
    );
    client.check(
        &format!("CONFIG SET {changes} port {taken} timeout 9"),
        &format!("{NOT_SET} 'port') - Unable to listen on this port. Check server logs."),
    );
    assert_eq!(seen(), before);
    assert_eq!(everything(&mut server.connect()), shown_before);
    client.check(&format!("CONFIG SET {changes}"), "+OK");
    let after = seen();
    assert!(after.0 != before.0 && after.1 != before.1 && after.2 != before.2, "each can be seen: {after:?}");
}

#[test]
fn a_new_port_serves_strangers_and_the_old_one_does_not() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    let old = server.port;
    server.port = free_port();
    client.check(&format!("CONFIG SET port {}", server.port), "+OK");
    server.connect().check("PING", "+PONG");
    client.check("PING", "+PONG");
    assert!(TcpStream::connect(("127.0.0.1", old)).is_err());
    client.check("CONFIG SET bind *", "+OK");
    client.check("CONFIG SET bind 127.0.0.1", "+OK");
    server.connect().check("PING", "+PONG");
}

#[test]
fn more_clients_than_the_system_allows_are_refused() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let said =
        format!("{NOT_SET} 'maxclients') - The operating system is not able to handle the specified number of clients");
    client.send(b"CONFIG SET timeout 5 maxclients 4294967295\r\n");
    assert_eq!(String::from_utf8_lossy(&client.receive(said.len())), said);
    let mut client = server.connect();
    client.check("CONFIG GET maxclients", &shown("maxclients", "10000"));
    client.check("CONFIG GET timeout", &shown("timeout", "0"));
}

#[test]
fn a_directory_must_be_there_and_only_who_may_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = fs::canonicalize(folder.path()).unwrap().display().to_string();
    Server::start(&[])
        .connect()
        .check(&format!("CONFIG SET dir {dir}"), &format!("{NOT_SET} 'dir') - can't set protected config"));
    let server = Server::start(&["--enable-protected-configs", "local"]);
    let mut client = server.connect();
    client.check("CONFIG SET dir /no/such/folder", &format!("{NOT_SET} 'dir') - No such file or directory"));
    client.check(&format!("CONFIG SET dir {dir}/."), "+OK");
    client.check("CONFIG GET dir", &shown("dir", &dir));
}

#[test]
fn a_rewritten_file_starts_the_same_server_and_a_second_rewriting_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\n# how long\ntimeout 3\nsave 900 1\nsave 300 10\nrename-command FLUSHALL \"\"\nrename-command flushdb badger\nmaxclients   50\n";
    let (server, path) = with_file(folder.path(), text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let mut client = server.connect();
    client.check("CONFIG SET timeout 4 save \"60 5\" requirepass \"two words\" notify-keyspace-events AKE", "+OK");
    client.check("CONFIG REWRITE", "+OK");
    let first = fs::read_to_string(&path).unwrap();
    client.check("CONFIG REWRITE", "+OK");
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    for line in [
        "# how long\ntimeout 4\nsave 60 5\nrename-command FLUSHALL \"\"\nrename-command flushdb badger\nmaxclients   50\n#",
        "# Generated by CONFIG REWRITE\n",
    ] {
        assert!(first.contains(line), "{first}");
    }
    drop(server);
    let port = first.lines().find_map(|line| line.strip_prefix("port ")).unwrap().parse().unwrap();
    let mut server = Server::spawn(&mut command(&[&path]), port);
    server.expect_log(READY);
    let mut client = server.connect();
    client.check("AUTH \"two words\"", "+OK");
    client.check("CONFIG GET timeout", &shown("timeout", "4"));
    client.check("CONFIG GET save", &shown("save", "60 5"));
    client.check("CONFIG GET notify-keyspace-events", &shown("notify-keyspace-events", "AKE"));
    client.check("CONFIG GET requirepass", &shown("requirepass", "two words"));
    client.check("BADGER", "+OK");
    client.check("FLUSHALL", "-ERR unknown command 'FLUSHALL', with args beginning with: ");
}

#[test]
fn a_file_that_says_everything_starts_the_same_server() {
    let folder = tempfile::tempdir().unwrap();
    let (server, path) = with_file(folder.path(), "enable-debug-command yes\n");
    let mut client = server.connect();
    let everything = |client: &mut Client<TcpStream>| {
        client.send(b"CONFIG GET *\r\nQUIT\r\n");
        String::from_utf8(client.receive_to_end()).unwrap()
    };
    client.check("DEBUG CONFIG-REWRITE-FORCE-ALL", "+OK");
    let before = everything(&mut client);
    let port = server.port;
    drop(server);
    let mut server = Server::spawn(&mut command(&[&path]), port);
    server.expect_log(READY);
    assert_eq!(everything(&mut server.connect()), before);
}

#[test]
fn what_can_not_be_rewritten_is_said() {
    Server::start(&[]).connect().check("CONFIG REWRITE", "-ERR The server is running without a config file");
    let folder = tempfile::tempdir().unwrap();
    let (mut server, path) = with_file(folder.path(), "");
    fs::remove_file(&path).unwrap();
    let mut client = server.connect();
    client.check("CONFIG REWRITE", "+OK");
    assert!(fs::read_to_string(&path).unwrap().starts_with("# Generated by CONFIG REWRITE\n"), "it is made anew");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    client.check("CONFIG REWRITE", "-ERR Rewriting config file: Is a directory");
    server.expect_log("CONFIG REWRITE failed: Is a directory");
}

#[test]
fn directives_are_obeyed_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("inner.conf"), "maxclients 33\nhash-max-ziplist-entries 7\n").unwrap();
    let text = format!("maxclients 5\ndir {}\ninclude inner.conf\nhz 0\n", folder.path().display());
    let (server, _) = with_file(folder.path(), &text);
    let mut client = server.connect();
    client.check("CONFIG GET maxclients", &shown("maxclients", "33"));
    client.check("CONFIG GET hash-max-listpack-entries", &shown("hash-max-listpack-entries", "7"));
    client.check("CONFIG GET hz", &shown("hz", "1"));
}

#[test]
fn a_parameter_that_nothing_obeys_is_named_once() {
    let mut server = Server::start(&["--repl-diskless-sync", "no", "--save", ""]);
    let mut client = server.connect();
    for value in ["yes", "no"] {
        client.check(&format!("CONFIG SET repl-diskless-sync {value}"), "+OK");
    }
    client.check("CONFIG SET masterauth hush", "+OK");
    client.send(b"SHUTDOWN NOSAVE\r\n");
    client.receive_to_end();
    server.wait();
    let named: Vec<&str> = server.log.lines().filter_map(|line| line.split_once(" # ")).map(|(_, text)| text).collect();
    let about = |name: &str| named.iter().filter(|text| text.starts_with(name)).count();
    assert_eq!((about("'repl-diskless-sync'"), about("'masterauth'"), about("'save'")), (1, 1, 0), "{}", server.log);
    assert!(!server.log.contains("hush"));
}

#[test]
fn a_start_that_is_refused_says_why() {
    let check = |arguments: &[&str], reason: &str| {
        let (code, _, err) = run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(err.contains("*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n"), "{err}");
        assert!(err.contains(reason), "{arguments:?}: {err}");
    };
    check(&["--dir", "/no/such/folder"], ">>> 'dir \"/no/such/folder\"'\nNo such file or directory\n");
    check(&["--logfile", "/no/such/file"], "***\nCan't open the log file: No such file or directory\n");
    check(&["--rename-command", "nosuch", "x"], "\nNo such command in rename-command\n");
    check(&["--rename-command", "get", "set"], "\nTarget command name already exists\n");
    check(&["--loadmodule", "x.so"], "\nmodules cannot be loaded");
    check(&["--aclfile", "/x", "--user", "alice", "on"], "'aclfile'");
    check(
        &["--cluster-enabled", "yes", "--replicaof", "a", "1"],
        "\nreplicaof directive not allowed in cluster mode\n",
    );
    check(&["--replicaof", "--127.0.0.1", "--abc"], ">>> 'replicaof \"--127.0.0.1\"'\nwrong number of arguments\n");
    check(
        &["--shutdown-on-sigint"],
        ">>> 'shutdown-on-sigint'\nargument(s) must be one of the following: default, save",
    );
    check(&["--port", "6379", "6380"], ">>> 'port \"6379\" \"6380\"'\nwrong number of arguments\n");
}

#[test]
fn what_nobody_can_read_is_no_reason_to_panic() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [["--help"], ["--version"], ["--check-system"], ["--bogus"]] {
        let status = command(&arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn a_protected_parameter_is_nobodys_from_elsewhere() {
    let server = Server::start(&["--enable-protected-configs", "yes"]);
    let mut client: Client<TcpStream> = server.connect();
    client.check("CONFIG SET dbfilename some.rdb", "+OK");
    client.check(
        "CONFIG SET dbfilename a/b",
        &format!("{NOT_SET} 'dbfilename') - dbfilename can't be a path, just a filename"),
    );
}
