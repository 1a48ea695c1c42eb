//! The parts of an append-only file: rewritten, kept, and refused where they are damaged.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Server, command, free_port};
use crate::{READY, refused, start, until_quiet};

#[test]
fn a_rewrite_that_fails_loses_nothing_and_history_is_kept_while_it_is_wanted() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut server =
        start(folder.path(), &["--appendonly", "yes", "--enable-debug-command", "yes", "--aof-disable-auto-gc", "yes"]);
    let files = folder.path().join("appendonlydir");
    let manifest = || std::fs::read_to_string(files.join("appendonly.aof.manifest")).expect("there is a manifest");
    let info = |server: &Server, field: &str| {
        let mut client = server.connect();
        client.send(b"INFO persistence\r\nQUIT\r\n");
        String::from_utf8(client.receive_to_end()).expect("INFO is text").lines().any(|line| line == field)
    };
    server.connect().check("DEBUG POPULATE 1000", "+OK");
    server.connect().check("CONFIG SET rdb-key-save-delay 10000000", "+OK");
    let mut client = server.connect();
    // Much to be written before its part can begin.
    const BIG: usize = 32 << 20;
    let head = format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${BIG}\r\n");
    client.send(&[head.as_bytes(), &vec![b'x'; BIG], b"\r\n"].concat());
    client.send(b"BGREWRITEAOF\r\nSET meanwhile kept\r\nDEBUG STOP-SNAPSHOT\r\n");
    client.expect(b"+OK\r\n+Background append only file rewriting started\r\n+OK\r\n+OK\r\n");
    // It fails no earlier than with the part that it begins: whoever knows of the one finds the other.
    server.expect_log("Background AOF rewrite terminated with error");
    let named = manifest();
    until_quiet(&server);
    assert!(info(&server, "aof_last_bgrewrite_status:err"));
    let after_failure = "file appendonly.aof.1.base.rdb seq 1 type b\n\
                         file appendonly.aof.1.incr.aof seq 1 type i\n\
                         file appendonly.aof.2.incr.aof seq 2 type i\n";
    assert_eq!(named, after_failure);
    server.connect().check("DEBUG LOADAOF", "+OK");
    server.connect().check("GET meanwhile", "$4");

    server.connect().check("CONFIG SET rdb-key-save-delay 0", "+OK");
    server.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
    until_quiet(&server);
    assert!(info(&server, "aof_last_bgrewrite_status:ok"));
    let history = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                   file appendonly.aof.1.incr.aof seq 1 type h\n\
                   file appendonly.aof.2.incr.aof seq 2 type h\n\
                   file appendonly.aof.1.base.rdb seq 1 type h\n\
                   file appendonly.aof.3.incr.aof seq 3 type i\n";
    assert_eq!(manifest(), history);
    server.connect().check("CONFIG SET aof-disable-auto-gc no", "+OK");
    while manifest().contains("type h") {
        server.connect().check("PING", "+PONG");
    }
    let mut left: Vec<_> = std::fs::read_dir(&files)
        .expect("it is a directory")
        .map(|entry| entry.expect("it is readable").file_name().into_string().expect("it is text"))
        .collect();
    left.sort();
    assert_eq!(left, ["appendonly.aof.2.base.rdb", "appendonly.aof.3.incr.aof", "appendonly.aof.manifest"]);

    // What a life that kept them has left, the next removes that does not.
    drop(server);
    std::fs::write(files.join("appendonly.aof.1.base.rdb"), "no longer needed").expect("it is writable");
    let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                file appendonly.aof.1.base.rdb seq 1 type h\n\
                file appendonly.aof.3.incr.aof seq 3 type i\n";
    std::fs::write(files.join("appendonly.aof.manifest"), text).expect("it is writable");
    let server = start(folder.path(), &["--appendonly", "yes"]);
    while manifest().contains("type h") {
        server.connect().check("PING", "+PONG");
    }
    assert!(!files.join("appendonly.aof.1.base.rdb").exists());
    server.connect().check("GET meanwhile", "$4");
}

#[test]
fn every_part_says_first_when_it_was_begun_if_it_is_to_say_so() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let files = folder.path().join("appendonlydir");
    let arguments = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes", "--appendfsync", "always"];
    let server = start(folder.path(), &arguments);
    for sequence in 1..3 {
        server.connect().check("SET key value", "+OK");
        let text =
            std::fs::read_to_string(files.join(format!("appendonly.aof.{sequence}.incr.aof"))).expect("it is there");
        let lines: Vec<_> = text.lines().skip_while(|line| line.starts_with("#SALT:")).collect();
        assert!(lines[0].starts_with("#TS:"), "{text}");
        let at = lines.iter().position(|line| *line == "SET").expect("the command is there");
        assert!(
            lines[..at].iter().rev().find(|line| line.starts_with('#')).expect("a seal").starts_with("#CRC:"),
            "{text}"
        );
        server.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
        until_quiet(&server);
    }
}

#[test]
fn a_start_that_refuses_says_once_where_the_damage_is() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = start(folder.path(), &arguments);
    for key in ["first", "second", "third"] {
        server.connect().check(&format!("SET {key} value"), "+OK");
    }
    server.signal("KILL");
    drop(server);
    let path = folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let mut bytes = std::fs::read(&path).expect("it is there");
    let at = bytes.windows(5).position(|bytes| bytes == b"first").expect("the key is there");
    bytes[at] ^= 1;
    let seal = bytes[..at].windows(5).rposition(|bytes| bytes == b"#CRC:").expect("its seal is there");
    std::fs::write(&path, bytes).expect("it is writable");
    let log = refused(folder.path(), &arguments);
    let expected = format!(
        "appendonly.aof.1.incr.aof: The checksum does not hold at offset {seal}, and what follows shows that it was \
         durable: the disk has lost what it had kept. Exiting."
    );
    assert!(log.contains(&expected), "{log}");
}

#[test]
fn parts_without_a_manifest_are_not_written_over() {
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    for rewrites in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let parts = folder.path().join("appendonlydir");
        let manifest = parts.join("appendonly.aof.manifest");
        let server = start(folder.path(), &options);
        server.connect().check("SET kept value", "+OK");
        for _ in 0..rewrites {
            server.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
            until_quiet(&server);
        }
        server.signal("KILL");
        drop(server);
        let named = std::fs::read(&manifest).unwrap();
        std::fs::remove_file(&manifest).unwrap();
        let read = |file: std::path::PathBuf| (std::fs::read(&file).unwrap(), file);
        let files = std::fs::read_dir(&parts).unwrap().map(|file| read(file.unwrap().path()));
        let before: Vec<_> = files.collect();
        assert!(before.len() > 1, "{before:?}");
        let server = start(folder.path(), &options);
        assert!(server.log.contains("appendonly.aof.1.incr.aof: it is left alone") || rewrites > 0, "{}", server.log);
        server.connect().check("SET other value", "+OK");
        for _ in 0..3 {
            server.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
            until_quiet(&server);
        }
        server.connect().check("SET another value", "+OK");
        server.signal("KILL");
        drop(server);
        start(folder.path(), &options).connect().check("DBSIZE", ":2");
        for (bytes, file) in before {
            assert!(std::fs::read(&file).unwrap() == bytes, "{}", file.display());
        }
        // So they can be had back.
        std::fs::write(&manifest, named).unwrap();
        start(folder.path(), &options).connect().check("GET kept", "$5");
    }
}

#[test]
fn what_another_server_has_written_behind_a_torn_piece_is_not_cut_off() {
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &options);
    server.connect().check("SET ours value", "+OK");
    server.connect().check("APPEND torn value", ":5");
    server.signal("KILL");
    drop(server);
    let path = folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let mut bytes = std::fs::read(&path).unwrap();
    let line = bytes.windows(5).rposition(|window| window == b"#CRC:").unwrap();
    let line_len = bytes[line..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // As another server leaves it: it skips what looks like a comment, and cuts behind the last whole command.
    bytes.truncate(line + line_len);
    bytes.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$6\r\ntheirs\r\n$5\r\nvalue\r\n");
    std::fs::write(&path, &bytes).unwrap();
    let log = refused(folder.path(), &options);
    assert!(log.contains("of another server that went on"), "{log}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let check = |arguments: &[&str], answer: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_refrain-check-aof"))
            .args(arguments)
            .arg(folder.path().join("appendonlydir/appendonly.aof.manifest"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (fine, said) = check(&[], "");
    assert!(!fine && said.contains("no command is lost"), "{said}");
    assert!(!check(&["--fix"], "n\n").0);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let (fine, said) = check(&["--fix"], "y\n");
    assert!(fine && said.contains("Successfully took the seal out"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap().len(), bytes.len());
    assert!(check(&[], "").0);
    let server = start(folder.path(), &options);
    server.connect().check("GET theirs", "$5");
    server.connect().check("GET ours", "$5");
}

#[test]
fn where_no_part_can_be_written_the_append_only_file_is_not_turned_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), &[]);
    // No folder can be there, for a file is.
    std::fs::write(folder.path().join("appendonlydir"), b"").unwrap();
    let refusal = "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs.";
    server.connect().check("CONFIG SET appendonly yes", refusal);
    server.connect().check("CONFIG GET appendonly", "*2");
    server.expect_log("Can't write in the append-only dir");
    std::fs::remove_file(folder.path().join("appendonlydir")).unwrap();
    server.connect().check("CONFIG SET appendonly yes", "+OK");
    until_quiet(&server);
    assert!(folder.path().join("appendonlydir/appendonly.aof.manifest").exists());
}

#[test]
fn a_second_server_does_not_append_to_what_another_appends_to() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    for lives in 0..2 {
        let server = start(folder.path(), &options);
        server.connect().check("SET key first", "+OK");
        let log = refused(folder.path(), &options);
        let expected = "the append-only file appendonlydir/appendonly.aof.1.incr.aof can't be opened: another process is writing to it";
        assert!(log.contains(expected), "{lives}: {log}");
        let part = folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
        let fix =
            Command::new(env!("CARGO_BIN_EXE_refrain-check-aof")).arg("--fix").arg(&part).output().expect("it runs");
        let said = String::from_utf8_lossy(&[fix.stdout, fix.stderr].concat()).into_owned();
        assert!(!fix.status.success() && said.contains("a server is writing to it"), "{said}");
        server.connect().check("SET key second", "+OK");
        server.signal("KILL");
    }
    start(folder.path(), &options).connect().check("GET key", "$6");
}

#[test]
fn a_second_server_does_not_take_the_place_of_what_another_appends_to() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let first = start(folder.path(), &["--appendonly", "yes", "--appendfsync", "always"]);
    first.connect().check("SET key first", "+OK");
    let named = || std::fs::read_to_string(folder.path().join("appendonlydir/appendonly.aof.manifest")).unwrap();
    let before = named();
    let mut second = start(folder.path(), &["--appendonly", "no"]);
    second.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
    second.expect_log("another process is writing to it");
    until_quiet(&second);
    second.connect().check("CONFIG SET appendonly yes", "+OK");
    second.expect_log("another process is writing to it");
    drop(second);
    assert_eq!(named(), before);
    first.connect().check("SET key second", "+OK");
    first.signal("KILL");
    drop(first);
    start(folder.path(), &["--appendonly", "yes"]).connect().check("GET key", "$6");
}

#[test]
fn of_servers_that_start_in_an_empty_folder_at_once_one_comes_up() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let options = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
        let launch = |_| {
            let port = free_port();
            let port_text = port.to_string();
            let all = [&["--port", &port_text, "--bind", "127.0.0.1"], &options[..]].concat();
            Server::spawn(command(&all).current_dir(folder.path()), port)
        };
        let mut servers: Vec<_> = (0..2).map(launch).collect();
        servers.retain_mut(|server| server.read_until(READY));
        // Whichever was first; or none, if each was in the other's way.
        assert!(servers.len() <= 1, "both append to one file");
        for server in servers {
            server.connect().check("SET key value", "+OK");
            server.signal("KILL");
            drop(server);
            start(folder.path(), &options).connect().check("GET key", "$5");
        }
    }
}
