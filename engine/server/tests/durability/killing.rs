//! Killed in the middle of its work: what was acknowledged is there, and nothing is there in half.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::{CLIENTS, counter, start, write_until_the_end};

/// Lives of the server that end by SIGKILL.
const LIVES: u64 = 20;

/// What is acknowledged to all clients together before the server is killed: another number in each life, so that it dies at
/// other moments of what it does.
fn acknowledged_before_kill(life: u64) -> u64 {
    100 + life * 37 % 150
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
