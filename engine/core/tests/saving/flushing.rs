//! FLUSHALL and its snapshot: in whose way that is, and what the answer waits for.

use refrain_core::{AofReport, Ask, Purpose, SessionId};

use crate::fixture::Bench;
use crate::{OTHER, REWRITING, SAVING, asks, bench, info};

/// What a client has got that it was not asked about yet.
fn said(bench: &mut Bench, client: SessionId) -> String {
    bench.collect();
    let got = bench.received.get_mut(&client).map(std::mem::take).unwrap_or_default();
    String::from_utf8_lossy(&got).into_owned()
}

#[test]
fn what_flushall_saves_is_in_no_clients_way() {
    const STARTED: &str = "+Background saving started\r\n";
    let (mut bench, client) = bench("3600 1");
    let flushing = bench.connect();
    let flush = |bench: &mut Bench| {
        assert_eq!(bench.ask(client, "SET a 1"), "+OK\r\n");
        assert_eq!(bench.ask(flushing, "FLUSHALL"), "", "its file is not there yet");
        assert_eq!(asks(bench), [Ask::Snapshot]);
    };
    // A snapshot of what has come since takes its place, and is one that others wait for.
    flush(&mut bench);
    bench.ask(client, "SET b 1");
    assert_eq!(bench.ask(client, "BGSAVE"), STARTED);
    assert_eq!(asks(&mut bench), [Ask::Cancel(Purpose::Save)]);
    assert_eq!(bench.ask(client, "BGSAVE"), SAVING);
    assert_eq!(bench.ask(client, "SAVE"), SAVING);
    assert_eq!(bench.ask(client, "BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
    bench.engine.snapshot_cancelled(Purpose::Save);
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    assert_eq!(bench.ask(client, "BGSAVE"), SAVING);
    bench.engine.snapshot_began(Purpose::Save, 1);
    assert_eq!(said(&mut bench, flushing), "");
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!(said(&mut bench, flushing), "+OK\r\n");
    assert_eq!(info(&mut bench, "rdb_changes_since_last_save"), "0");

    flush(&mut bench);
    bench.round(&[(client, b"SAVE\r\n")]);
    assert_eq!(asks(&mut bench), [Ask::Cancel(Purpose::Save), Ask::Save { client }]);
    bench.engine.snapshot_cancelled(Purpose::Save);
    bench.engine.snapshot_began(Purpose::Save, 0);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    bench.engine.answer(client, Ok(()));
    assert_eq!(bench.ask(client, "PING"), "+OK\r\n+PONG\r\n");
    assert_eq!(said(&mut bench, flushing), "+OK\r\n");
    assert_eq!(asks(&mut bench), []);

    // A rewrite is taken behind it, and is under way from now on.
    for rewrite in ["BGREWRITEAOF", "CONFIG SET appendonly yes"] {
        flush(&mut bench);
        assert!(bench.ask(client, rewrite).starts_with('+'));
        assert_eq!(asks(&mut bench), [Ask::Rewrite], "{rewrite}");
        assert_eq!(info(&mut bench, "aof_rewrite_in_progress"), "1");
        assert_eq!(bench.ask(client, "BGREWRITEAOF"), REWRITING);
        assert_eq!(bench.ask(client, "BGSAVE"), OTHER);
        bench.engine.snapshot_ended(Purpose::Save, Ok(()));
        assert_eq!(said(&mut bench, flushing), "+OK\r\n");
        assert_eq!(info(&mut bench, "rdb_bgsave_in_progress"), "0");
        bench.engine.aof_reported(AofReport { enabled: rewrite != "BGREWRITEAOF", ..AofReport::default() });
        bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
        assert_eq!(asks(&mut bench), [], "{rewrite}");
    }

    // With an append-only file there is nothing to wait for: a start does not look at snapshots.
    assert_eq!(bench.ask(flushing, "FLUSHALL"), "+OK\r\n");
}

#[test]
fn a_flush_is_answered_when_no_file_holds_what_was_flushed() {
    let (mut bench, client) = bench("3600 1");
    let (first, second) = (bench.connect(), bench.connect());
    assert_eq!(bench.ask(client, "SET a 1"), "+OK\r\n");
    assert_eq!(bench.ask(first, "FLUSHALL"), "");
    assert_eq!(bench.ask(client, "GET a"), "$-1\r\n", "others are served meanwhile");
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_began(Purpose::Save, 0);
    assert_eq!(bench.ask(client, "SET a 2"), "+OK\r\n");
    assert_eq!(bench.ask(second, "FLUSHALL ASYNC\r\nECHO behind"), "");
    assert_eq!(asks(&mut bench), [Ask::Cancel(Purpose::Save)]);
    // It could not be stopped any more, and is not the one that the second waits for.
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!([said(&mut bench, first), said(&mut bench, second)], ["", ""]);
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_began(Purpose::Save, 0);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    bench.ask(client, "ECHO round");
    assert_eq!(said(&mut bench, first), "+OK\r\n");
    assert_eq!(said(&mut bench, second), "+OK\r\n$6\r\nbehind\r\n");

    // One that fails is answered, too, and is no reason to refuse anything; what is flushed soon after it tries again.
    for _ in 0..2 {
        assert_eq!(bench.ask(first, "FLUSHALL"), "");
        assert_eq!(asks(&mut bench), [Ask::Snapshot]);
        bench.engine.snapshot_ended(Purpose::Save, Err("No space left on device".to_owned()));
        assert_eq!(said(&mut bench, first), "+OK\r\n");
        assert_eq!(bench.ask(client, "PING"), "+PONG\r\n");
    }
    // Behind a snapshot that a client has asked for and that has failed, the next has to wait: nobody waits for it.
    assert_eq!(bench.ask(client, "BGSAVE"), "+Background saving started\r\n");
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_ended(Purpose::Save, Err("No space left on device".to_owned()));
    assert_eq!(bench.ask(first, "CONFIG SET stop-writes-on-bgsave-error no\r\nFLUSHALL"), "+OK\r\n+OK\r\n");
    assert_eq!(asks(&mut bench), []);

    // A rewrite that is under way comes first, though it is for no file that would count.
    bench.ask(client, "CONFIG SET stop-writes-on-bgsave-error yes");
    bench.advance_ms(6000);
    bench.tick();
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert!(bench.ask(client, "BGREWRITEAOF").starts_with('+'));
    said(&mut bench, first);
    assert_eq!(bench.ask(first, "FLUSHALL"), "");
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    assert_eq!((said(&mut bench, first).as_str(), asks(&mut bench)), ("", vec![Ask::Snapshot]));
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!(said(&mut bench, first), "+OK\r\n");

    // Nothing is waited for within a transaction, nor without save points.
    bench.ask(client, "CONFIG SET save \"\"");
    assert_eq!(bench.ask(first, "FLUSHALL"), "+OK\r\n");
    bench.ask(client, "CONFIG SET save \"3600 1\"");
    assert_eq!(bench.ask(first, "MULTI\r\nFLUSHALL\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
}
