//! Snapshots: their names, who is in whose way, and what is swept away.

use std::path::Path;

use crate::support::Server;
use crate::{digest, refused, start, until_quiet};

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
