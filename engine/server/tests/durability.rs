//! The real binary, killed: what it has acknowledged under `appendfsync always` is there when it comes back.
//!
//! The simulator does this with the loss of power at every moment; here it is the machine's own disk, processes and signals.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real files and sockets"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use support::{READY, Server, command, free_port};

/// Clients that write at once.
const CLIENTS: usize = 8;

/// Lives of the server that end by SIGKILL.
const LIVES: u64 = 20;

/// What is acknowledged to all clients together before the server is killed: another number in each life, so that it dies at
/// other moments of what it does.
fn acknowledged_before_kill(life: u64) -> u64 {
    100 + life * 37 % 150
}

fn start(folder: &Path, arguments: &[&str]) -> Server {
    loop {
        let port = free_port();
        let port_text = port.to_string();
        let mut all = vec!["--port", &port_text, "--bind", "127.0.0.1", "--save", ""];
        all.extend(arguments);
        let mut server = Server::spawn(command(&all).current_dir(folder), port);
        if server.read_until(READY) {
            return server;
        }
        assert!(server.log.contains("Failed listening on port"), "the server did not start:\n{}", server.log);
    }
}

/// What a server says that does not start.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let port = free_port();
    let port_text = port.to_string();
    let mut all = vec!["--port", &port_text, "--bind", "127.0.0.1"];
    all.extend(arguments);
    let mut server = Server::spawn(command(&all).current_dir(folder), port);
    assert!(!server.read_until(READY), "{}", server.log);
    server.log.clone()
}

/// Writes transactions until the server is gone. Each raises two counters of the client's own and one that all share. Returns how
/// many were acknowledged.
fn write_until_the_end(port: u16, client: usize, acknowledged: &AtomicU64) -> u64 {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return 0 };
    let text = format!("MULTI\r\nINCR first:{client}\r\nINCR all\r\nINCR second:{client}\r\nEXEC\r\n");
    let mut done = 0;
    loop {
        if stream.write_all(text.as_bytes()).is_err() {
            return done;
        }
        // OK, three times QUEUED, and an array of three numbers: the tenth line end is the last.
        let mut lines = 0;
        let mut byte = [0];
        while lines < 8 {
            match stream.read(&mut byte) {
                Ok(1) => lines += u32::from(byte[0] == b'\n'),
                _ => return done,
            }
        }
        done += 1;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter(server: &Server, key: &str) -> u64 {
    let mut client = server.connect();
    client.send(format!("GET {key}\r\nQUIT\r\n").as_bytes());
    let reply = String::from_utf8(client.receive_to_end()).expect("a number");
    let mut lines = reply.lines();
    match lines.next() {
        Some("$-1") => 0,
        Some(_) => lines.next().expect("a length goes before its bytes").parse().expect("a counter"),
        None => panic!("no reply"),
    }
}

#[test]
fn what_is_acknowledged_under_always_survives_twenty_kills_and_no_transaction_is_left_in_half() {
    let folder = tempfile::tempdir().unwrap();
    // Rewritten often, so that some lives end within a rewrite.
    let arguments = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--auto-aof-rewrite-min-size",
        "16kb",
        "--auto-aof-rewrite-percentage",
        "20",
    ];
    let mut acknowledged = [0; CLIENTS];
    for life in 0..LIVES {
        let server = start(folder.path(), &arguments);
        let mut all = 0;
        for (client, acknowledged) in acknowledged.iter_mut().enumerate() {
            let (first, second) =
                (counter(&server, &format!("first:{client}")), counter(&server, &format!("second:{client}")));
            assert_eq!(first, second, "life {life}: a transaction of client {client} was done in half");
            assert!(
                first >= *acknowledged,
                "life {life}: client {client} had {acknowledged} acknowledged, {first} are there"
            );
            assert!(
                first <= *acknowledged + 1,
                "life {life}: client {client} asked for {acknowledged} + 1, {first} are there"
            );
            *acknowledged = first;
            all += first;
        }
        assert_eq!(counter(&server, "all"), all, "life {life}");
        let total = AtomicU64::new(0);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (port, total) = (server.port, &total);
                    scope.spawn(move || write_until_the_end(port, client, total))
                })
                .collect();
            while total.load(Ordering::Relaxed) < acknowledged_before_kill(life) {
                thread::yield_now();
            }
            server.signal("KILL");
            for (writer, acknowledged) in writers.into_iter().zip(&mut acknowledged) {
                *acknowledged += writer.join().expect("a writer ends when the server does");
            }
        });
    }
}

/// What DEBUG DIGEST says.
fn digest(server: &Server) -> String {
    let mut client = server.connect();
    client.send(b"DEBUG DIGEST\r\nQUIT\r\n");
    let reply = String::from_utf8(client.receive_to_end()).expect("a digest is text");
    reply.lines().next().expect("a line").to_owned()
}

/// Waits until nothing is written in the background.
fn until_quiet(server: &Server) {
    loop {
        let mut client = server.connect();
        client.send(b"INFO persistence\r\nQUIT\r\n");
        let info = String::from_utf8(client.receive_to_end()).expect("INFO is text");
        let is = |field: &str| info.lines().any(|line| line == field);
        if is("aof_rewrite_in_progress:0") && is("aof_rewrite_scheduled:0") && is("rdb_bgsave_in_progress:0") {
            return;
        }
        thread::yield_now();
    }
}

/// Every type, small and large, with deadlines, groups and what is pending in them.
const DATA: &[&str] = &[
    "SET string value",
    "SET number 12345",
    "SET late value PXAT 33177117420000",
    "DEBUG POPULATE 300 many 20",
    "RPUSH list a b 3",
    "SADD ints 1 2 3",
    "SADD words a b c",
    "ZADD sorted 1.5 a -inf b 3 c",
    "HSET hash f v g 2",
    "HSET timed f v g w",
    "HPEXPIREAT timed 33177117420000 FIELDS 1 f",
    "XADD stream 1-1 a 1 b 2",
    "XADD stream 2-1 a 1",
    "XADD stream 3-1 other 1",
    "XDEL stream 2-1",
    "XGROUP CREATE stream group 1-1 ENTRIESREAD 1",
    "XGROUP CREATECONSUMER stream group idle",
    "XREADGROUP GROUP group busy COUNT 5 STREAMS stream >",
    "XADD empty 5-1 a b",
    "XDEL empty 5-1",
    "PFADD hll a b c",
    "SETBIT bits 77 1",
    "SELECT 3",
    "SET elsewhere 1",
];

#[test]
fn files_of_either_kind_give_back_what_they_were_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let base = |preamble| ["--appendonly", "yes", "--enable-debug-command", "yes", "--aof-use-rdb-preamble", preamble];
    let mut expected = None;
    for preamble in ["no", "yes", "no"] {
        let server = start(folder.path(), &base(preamble));
        let mut client = server.connect();
        if expected.is_none() {
            for line in DATA {
                client.send(format!("{line}\r\n").as_bytes());
            }
            // More elements than go with one command.
            let numbers: Vec<String> = (0..700).map(|number| number.to_string()).collect();
            for command in ["RPUSH long", "SADD large"] {
                client.send(format!("{command} {}\r\n", numbers.join(" ")).as_bytes());
            }
            client.send(format!("ZADD wide {}\r\n", numbers.join(" ")).as_bytes());
        }
        client.send(b"PING\r\nQUIT\r\n");
        let replies = String::from_utf8_lossy(&client.receive_to_end()).into_owned();
        assert!(replies.contains("+PONG") && !replies.contains("\n-"), "{replies}");
        let digest_before = digest(&server);
        // What the last life left, in the other form, is what there is.
        assert_eq!(expected.get_or_insert(digest_before.clone()), &digest_before);
        server.connect().check("BGREWRITEAOF", "+Background append only file rewriting started");
        until_quiet(&server);
        for reload in ["DEBUG LOADAOF", "DEBUG RELOAD"] {
            server.connect().check(reload, "+OK");
            assert_eq!(digest(&server), digest_before, "{reload}, {preamble}");
        }
        let manifest = std::fs::read_to_string(folder.path().join("appendonlydir/appendonly.aof.manifest")).unwrap();
        let suffix = if preamble == "yes" { ".base.rdb" } else { ".base.aof" };
        assert!(manifest.contains(suffix), "{manifest}");
        server.signal("KILL");
    }
}

/// Runs a tool to its end: whether it was content, and what it said.
fn tool(arguments: &[&str]) -> (bool, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_refrain-backup")).args(arguments).output();
    let output = output.expect("the tool was built with this test");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_backup_of_a_busy_server_has_all_that_was_acknowledged_before_and_comes_back() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), &["--appendonly", "yes", "--auto-aof-rewrite-min-size", "16kb"]);
    let (backup, data) = (elsewhere.path().join("backup"), elsewhere.path().join("data"));
    let (backup, data) = (backup.display().to_string(), data.display().to_string());
    let address = format!("127.0.0.1:{}", server.port);
    let total = AtomicU64::new(0);
    let before = thread::scope(|scope| {
        let writers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (port, total) = (server.port, &total);
                scope.spawn(move || write_until_the_end(port, client, total))
            })
            .collect();
        while total.load(Ordering::Relaxed) < 500 {
            thread::yield_now();
        }
        let before: Vec<u64> = (0..CLIENTS).map(|client| counter(&server, &format!("first:{client}"))).collect();
        let (content, said) = tool(&["create", &address, &backup]);
        assert!(content, "{said}");
        server.signal("KILL");
        for writer in writers {
            writer.join().expect("a writer ends when the server does");
        }
        before
    });
    assert!(tool(&["verify", &backup]).0);
    let (content, said) = tool(&["restore", &backup, &data]);
    assert!(content, "{said}");
    // Nothing is written over.
    assert!(!tool(&["restore", &backup, &data]).0);
    for appendonly in ["yes", "no"] {
        // The snapshot alone will do as well.
        let server = start(Path::new(&data), &["--appendonly", appendonly]);
        for (client, before) in before.iter().enumerate() {
            let (first, second) =
                (counter(&server, &format!("first:{client}")), counter(&server, &format!("second:{client}")));
            assert_eq!(first, second, "a transaction is there in half");
            assert!(first >= *before, "{before} were acknowledged before the backup, {first} are in it");
        }
        server.signal("KILL");
    }
    let snapshot = Path::new(&backup).join("dump.rdb");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let (content, said) = tool(&["verify", &backup]);
    assert!(!content && said.contains("dump.rdb"), "{said}");
    assert!(!tool(&["restore", &backup, &format!("{data}2")]).0);
}

#[test]
fn a_damaged_snapshot_ends_the_start_and_the_log_says_where_it_is_damaged() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    // A list whose second element says that the first is longer than it is.
    let damaged = b"REDIS0009\x0e\x01k\x01\x13\x13\0\0\0\x0e\0\0\0\x02\0\0\x02aa\x05\x02bb\xff\xff\0\0\0\0\0\0\0\0";
    std::fs::write(folder.path().join("dump.rdb"), damaged).unwrap();
    let log = refused(folder.path(), &[]);
    let why = "Ziplist integrity check failed at offset 33, reading key 'k'";
    for line in [
        &format!("Internal error in RDB reading: dump.rdb: {why}"),
        "Terminating server after rdb file reading failure.",
        &format!("Fatal error loading the DB: dump.rdb: {why}. Exiting."),
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert_eq!(std::fs::read(folder.path().join("dump.rdb")).unwrap(), damaged, "it stays as it is");
}

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
fn servers_that_share_a_folder_by_mistake_leave_a_whole_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let slow = ["--rdb-key-save-delay", "20", "--enable-debug-command", "yes"];
    let servers = [start(folder.path(), &slow), start(folder.path(), &slow)];
    for (server, name) in servers.iter().zip(["a", "b"]) {
        server.connect().check(&format!("DEBUG POPULATE 20000 {name} 100"), "+OK");
    }
    for server in &servers {
        server.connect().check("BGSAVE", "+Background saving started");
    }
    servers.iter().for_each(until_quiet);
    let digests: Vec<String> = servers.iter().map(digest).collect();
    drop(servers);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["dump.rdb"]);
    let server = start(folder.path(), &slow[2..]);
    assert!(digests.contains(&digest(&server)));
}

#[test]
fn what_flushall_saves_is_in_the_way_of_no_snapshot_and_begins_no_part_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = start(folder.path(), &["--appendonly", "yes", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.check("CONFIG SET save \"3600 1\"", "+OK");
    client.send(b"SET a 1\r\nFLUSHALL\r\nSAVE\r\nFLUSHALL\r\nSET b 1\r\nBGSAVE\r\n");
    client.expect(b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+Background saving started\r\n");
    until_quiet(&server);
    client.check("DEBUG RELOAD NOSAVE", "+OK");
    client.check("GET b", "$1\r\n1");

    client.send(b"FLUSHALL\r\nBGREWRITEAOF\r\n");
    client.expect(b"+OK\r\n+Background append only file rewriting started\r\n");
    until_quiet(&server);
    let manifest = folder.path().join("appendonlydir/appendonly.aof.manifest");
    assert_eq!(
        std::fs::read_to_string(&manifest).expect("there is a manifest"),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    );

    client.check("CONFIG SET appendonly no", "+OK");
    client.send(b"FLUSHALL\r\nSET c 1\r\nCONFIG SET appendonly yes\r\n");
    client.expect(b"+OK\r\n+OK\r\n+OK\r\n");
    until_quiet(&server);
    client.check("DEBUG LOADAOF", "+OK");
    client.check("GET c", "$1\r\n1");
}

#[test]
fn a_value_that_looks_like_a_seal_is_in_the_way_of_no_start_after_the_loss_of_power() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = start(folder.path(), &arguments);
    server.connect().check("SET kept value", "+OK");
    // What it says is so of everything that is in front of it, whatever becomes of that.
    let imitated = refrain_persist::seal(None, b"", b"", 1 << 40);
    let mut request = Vec::new();
    refrain_resp::encode_command(&mut request, &[&b"SET"[..], b"lost", &imitated]);
    let mut client = server.connect();
    client.send(&request);
    client.send(b"QUIT\r\n");
    client.receive_to_end();
    server.signal("KILL");
    drop(server);
    // As if the power had been lost while that was written: it is there in its whole length, and not all of it is what it was.
    let path = folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let mut bytes = std::fs::read(&path).expect("it is there");
    let at = bytes.windows(4).rposition(|bytes| bytes == b"lost").expect("the key is there");
    bytes[at..at + 4].fill(0);
    std::fs::write(&path, bytes).expect("it is writable");
    let server = start(folder.path(), &arguments);
    server.connect().check("GET kept", "$5");
    server.connect().check("EXISTS lost", ":0");
}

#[test]
fn a_snapshot_is_called_what_was_configured_when_it_began() {
    let (folder, other) = (tempfile::tempdir().expect("a temporary directory"), tempfile::tempdir().expect("another"));
    let arguments =
        ["--rdb-key-save-delay", "100", "--enable-debug-command", "yes", "--enable-protected-configs", "yes"];
    let server = start(folder.path(), &arguments);
    let names = |folder: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("it is there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    };
    server.connect().check("DEBUG POPULATE 5000 key 10", "+OK");
    server.connect().check("BGSAVE", "+Background saving started");
    server.connect().check(&format!("CONFIG SET dir {}", other.path().display()), "+OK");
    server.connect().check("CONFIG SET dbfilename other.rdb", "+OK");
    server.connect().check("CONFIG SET rdb-key-save-delay 0", "+OK");
    until_quiet(&server);
    let mut client = server.connect();
    client.send(b"INFO persistence\r\nQUIT\r\n");
    let info = String::from_utf8(client.receive_to_end()).expect("INFO is text");
    assert!(info.contains("rdb_last_bgsave_status:ok"), "{info}");
    assert_eq!((names(folder.path()), names(other.path())), (vec!["dump.rdb".to_owned()], vec![]));
    server.connect().check("SAVE", "+OK");
    assert_eq!(
        (names(folder.path()), names(other.path())),
        (vec!["dump.rdb".to_owned()], vec!["other.rdb".to_owned()])
    );
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
fn a_start_sweeps_away_unfinished_snapshots_that_nobody_writes_any_more() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let slow = ["--rdb-key-save-delay", "1000", "--enable-debug-command", "yes"];
    let unfinished = || {
        let entries = std::fs::read_dir(folder.path()).expect("it is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        names.filter(|name| name.starts_with("temp-")).count()
    };
    let begin_save = |server: &Server| {
        server.connect().check("DEBUG POPULATE 5000 key 10", "+OK");
        let before = unfinished();
        server.connect().check("BGSAVE", "+Background saving started");
        while unfinished() == before {
            server.connect().check("PING", "+PONG");
        }
    };
    let killed = start(folder.path(), &slow);
    begin_save(&killed);
    let alive = start(folder.path(), &slow);
    begin_save(&alive);
    assert_eq!(unfinished(), 2, "each is being written");
    killed.signal("KILL");
    drop(killed);
    let server = start(folder.path(), &slow);
    assert_eq!(unfinished(), 1, "one is being written");
    drop(server);
    alive.connect().check("CONFIG SET rdb-key-save-delay 0", "+OK");
    until_quiet(&alive);
    let mut client = alive.connect();
    client.send(b"INFO persistence\r\nQUIT\r\n");
    let info = String::from_utf8(client.receive_to_end()).expect("INFO is text");
    assert!(info.contains("rdb_last_bgsave_status:ok"), "{info}");
    assert_eq!(unfinished(), 0);
}
