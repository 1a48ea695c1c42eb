//! The forms in which a data set is kept, and copied from a server at work: each gives back what it was made of.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::{CLIENTS, counter, digest, start, until_quiet, write_until_the_end};

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

/// Runs a tool to its end: whether it was content, and what it said.
fn tool(arguments: &[&str]) -> (bool, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_refrain-backup")).args(arguments).output();
    let output = output.expect("the tool was built with this test");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

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
        let created = tool(&["create", &address, &backup]);
        server.signal("KILL");
        for writer in writers {
            writer.join().expect("a writer ends when the server does");
        }
        let (content, said) = created;
        assert!(content, "{said}");
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
