//! Snapshots and rewrites as clients ask for them, as they become due, and as the node reports them: what is under way, what
//! waits, what is refused, and what INFO says of it.

mod fixture;

use fixture::{Bench, command};
use refrain_core::{AofReport, Ask, Config, Level, Purpose, SessionId};
use refrain_persist::Version;
use refrain_resp::{Reply, decode};

const SAVING: &str = "-ERR Background save already in progress\r\n";
const REWRITING: &str = "-ERR Background append only file rewriting already in progress\r\n";
const OTHER: &str = "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to \
                     schedule a BGSAVE whenever possible.\r\n";

fn bench(save: &str) -> (Bench, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    assert_eq!(bench.ask(client, &format!("CONFIG SET save \"{save}\"")), "+OK\r\n");
    (bench, client)
}

/// A field of INFO.
fn info(bench: &mut Bench, field: &str) -> String {
    let text = bench.engine.ask(&[b"INFO", b"persistence"]).expect("it only reads");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no field {field}")).to_owned()
}

fn asks(bench: &mut Bench) -> Vec<Ask> {
    std::mem::take(&mut bench.engine.effects().asks)
}

fn log(bench: &mut Bench) -> Vec<String> {
    bench.engine.effects().log.drain(..).filter(|line| line.level != Level::Debug).map(|line| line.text).collect()
}

fn bulk(changes: u64) -> String {
    (0..changes).map(|n| format!("SET k{n} v\r\n")).collect()
}

/// Seconds pass, with a tick after each.
fn wait(bench: &mut Bench, seconds: u64) {
    for _ in 0..seconds {
        bench.advance_ms(1000);
        bench.tick();
    }
}

#[test]
fn a_background_save_is_reported_from_its_beginning_to_its_end() {
    let (mut bench, client) = bench("");
    bench.send(client, bulk(3));
    assert_eq!(bench.ask(client, "BGSAVE"), "+Background saving started\r\n");
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    assert_eq!(bench.ask(client, "BGSAVE"), SAVING);
    assert_eq!(bench.ask(client, "BGSAVE SCHEDULE"), SAVING);
    assert_eq!(bench.ask(client, "SAVE"), SAVING);
    assert_eq!(bench.ask(client, "BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
    assert_eq!(asks(&mut bench), []);
    // What is written before the moment that it holds is in it, and nothing that is written after.
    bench.send(client, bulk(2));
    bench.engine.snapshot_began(Purpose::Save, 40);
    bench.send(client, bulk(7));
    bench.engine.snapshot_progress(10);
    bench.advance_ms(2500);
    bench.tick();
    let expected = [
        ("rdb_bgsave_in_progress", "1"),
        ("rdb_current_bgsave_time_sec", "2"),
        ("rdb_last_bgsave_time_sec", "-1"),
        ("current_save_keys_processed", "10"),
        ("current_save_keys_total", "40"),
        ("current_fork_perc", "25.00"),
        ("rdb_changes_since_last_save", "12"),
        ("rdb_last_save_time", "1700000000"),
        ("aof_rewrite_scheduled", "1"),
    ];
    for (field, value) in expected {
        assert_eq!(info(&mut bench, field), value, "{field}");
    }
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    // What had to wait is next.
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    let expected = [
        ("rdb_bgsave_in_progress", "0"),
        ("rdb_current_bgsave_time_sec", "-1"),
        ("rdb_last_bgsave_time_sec", "2"),
        ("rdb_last_bgsave_status", "ok"),
        ("current_save_keys_total", "0"),
        ("rdb_changes_since_last_save", "7"),
        ("rdb_last_save_time", "1700000002"),
        ("rdb_saves", "1"),
        ("aof_rewrite_scheduled", "0"),
        ("aof_rewrite_in_progress", "1"),
    ];
    for (field, value) in expected {
        assert_eq!(info(&mut bench, field), value, "{field}");
    }
    assert_eq!(bench.ask(client, "LASTSAVE"), ":1700000002\r\n");
    assert_eq!(bench.ask(client, "BGREWRITEAOF"), REWRITING);
    assert_eq!(bench.ask(client, "BGSAVE"), OTHER);
    assert_eq!(bench.ask(client, "BGSAVE SCHEDULE"), "+Background saving scheduled\r\n");
    bench.engine.snapshot_began(Purpose::Rewrite, 9);
    bench.advance_ms(1000);
    bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    for (field, value) in
        [("aof_rewrites", "1"), ("aof_last_bgrewrite_status", "ok"), ("aof_last_rewrite_time_sec", "1")]
    {
        assert_eq!(info(&mut bench, field), value, "{field}");
    }
    insta::assert_snapshot!(log(&mut bench).join("\n"), @r"
    Background saving started
    DB saved on disk
    Background saving terminated with success
    Background append only file rewriting started
    Background AOF rewrite terminated with success
    Background AOF rewrite finished successfully
    Background saving started
    ");
}

#[test]
fn in_a_transaction_they_are_scheduled_for_the_next_tick() {
    let (mut bench, client) = bench("");
    let replies = bench.ask(client, "MULTI\r\nBGSAVE\r\nBGREWRITEAOF\r\nCONFIG SET appendonly yes\r\nEXEC");
    let (_, replies) = replies.split_once("*3\r\n").unwrap();
    assert_eq!(replies, "+Background saving scheduled\r\n+Background append only file rewriting scheduled\r\n+OK\r\n");
    assert_eq!(asks(&mut bench), []);
    let said = "AOF was enabled during a transaction. An AOF background was scheduled to start when possible.";
    assert!(log(&mut bench).iter().any(|line| line == said));
    bench.tick();
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.aof_reported(AofReport { enabled: true, ..AofReport::default() });
    bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
}

#[test]
fn everything_stands_still_for_a_save() {
    let (mut bench, client) = bench("");
    let (other, gone) = (bench.connect(), bench.connect());
    bench.round(&[(client, b"SET a 1\r\nSAVE\r\nGET a\r\nCLIENT REPLY SKIP\r\nSAVE\r\n"), (other, b"INCR n\r\n")]);
    assert_eq!(asks(&mut bench), [Ask::Save { client }]);
    assert!(bench.engine.stands_still());
    assert_eq!(bench.received[&other], b"", "what came after the wish waits");
    assert!(bench.engine.closing(client) == refrain_core::Closing::Open);
    bench.advance_ms(400_000);
    bench.tick();
    bench.engine.snapshot_began(Purpose::Save, 1);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    bench.engine.answer(client, Ok(()));
    assert!(!bench.engine.stands_still());
    bench.round(&[]);
    assert_eq!(String::from_utf8_lossy(&bench.received[&client][5..]), "+OK\r\n+OK\r\n$1\r\n1\r\n");
    assert_eq!(bench.received[&other], b":1\r\n");
    // The second save is not answered at all, as its client wishes.
    assert_eq!(asks(&mut bench), [Ask::Save { client }]);
    bench.engine.snapshot_ended(Purpose::Save, Err("no space".to_owned()));
    bench.engine.answer(client, Err(refrain_core::NOT_SAVED));
    bench.round(&[]);
    assert_eq!(bench.ask(client, "PING"), "+PONG\r\n");
    assert_eq!(bench.received[&client].len(), 5 + 10 + 7 + 7);
    // A save that fails while everybody waits is told to whoever asked: it is no reason to refuse writes.
    for (field, value) in [("rdb_saves", "2"), ("rdb_last_bgsave_status", "ok"), ("rdb_last_save_time", "1700000400")] {
        assert_eq!(info(&mut bench, field), value, "{field}");
    }
    // Who goes meanwhile is missed by nobody.
    bench.round(&[(gone, b"SAVE\r\n")]);
    bench.engine.disconnect(gone);
    assert!(bench.engine.stands_still());
    bench.engine.answer(gone, Ok(()));
    assert!(!bench.engine.stands_still());
    assert_eq!(bench.ask(other, "INCR n"), ":2\r\n");
}

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

#[test]
fn whoever_waits_for_the_node_is_shown_and_is_not_let_go_by_others() {
    let (mut bench, client) = bench("");
    let other = bench.connect();
    bench.round(&[(client, b"SAVE\r\n")]);
    let list = bench.ask(other, "CLIENT LIST");
    let line = list.lines().find(|line| line.contains(" cmd=save ")).expect("it is in the list");
    assert!(line.contains(" flags=b ") && line.contains(" argv-mem=4 "), "{line}");
    assert_eq!(bench.ask(other, "CLIENT UNBLOCK 1"), ":0\r\n");
    assert_eq!(bench.ask(other, "CLIENT UNBLOCK 1 ERROR"), ":0\r\n");
    bench.engine.answer(client, Ok(()));
    assert_eq!(bench.ask(client, "PING"), "+OK\r\n+PONG\r\n");
    bench.round(&[(client, b"SAVE\r\n")]);
    assert_eq!(bench.ask(other, "CLIENT KILL ID 1"), ":1\r\n");
    bench.engine.answer(client, Ok(()));
    bench.round(&[]);
    assert_eq!(bench.engine.closing(client), refrain_core::Closing::Now);
}

#[test]
fn a_save_point_is_reached_by_changes_and_seconds() {
    let (mut bench, client) = bench("10 5 3 100");
    bench.send(client, bulk(4));
    wait(&mut bench, 100);
    assert_eq!(asks(&mut bench), [], "too few changes");
    bench.send(client, "SET k v\r\n");
    bench.tick();
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    assert!(log(&mut bench).contains(&"5 changes in 10 seconds. Saving...".to_owned()));
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    bench.send(client, bulk(100));
    wait(&mut bench, 3);
    assert_eq!(asks(&mut bench), [], "too early");
    wait(&mut bench, 1);
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    // One that has failed is tried again, but not at once.
    bench.engine.snapshot_ended(Purpose::Save, Err("no space left on device".to_owned()));
    wait(&mut bench, 5);
    assert_eq!(asks(&mut bench), []);
    wait(&mut bench, 1);
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    assert!(log(&mut bench).contains(&"Background saving error: no space left on device".to_owned()));
    assert_eq!(info(&mut bench, "rdb_changes_since_last_save"), "100");
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!(bench.ask(client, "CONFIG SET save \"\""), "+OK\r\n");
    bench.send(client, bulk(200));
    wait(&mut bench, 100);
    assert_eq!(asks(&mut bench), []);
}

#[test]
fn the_default_saves_after_an_hour_of_one_change() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    bench.send(client, "SET k v\r\n");
    bench.advance_ms(3_600_000);
    bench.tick();
    assert_eq!(asks(&mut bench), []);
    bench.advance_ms(1);
    bench.tick();
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
}

const SNAPSHOTS_FAIL: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
                              Commands that may modify the data set are disabled, because this instance is configured to \
                              report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). \
                              Please check the Redis logs for details about the RDB error.\r\n";

#[test]
fn writes_that_could_not_be_kept_are_refused_before_they_execute() {
    let (mut bench, client) = bench("100 1");
    let aof_fails = "MISCONF Errors writing to the AOF file: No space left on device\r\n";
    let report = |write_error: Option<&str>| AofReport {
        enabled: true,
        write_error: write_error.map(str::to_owned),
        ..AofReport::default()
    };
    for (text, which) in [(SNAPSHOTS_FAIL, Purpose::Save), (aof_fails, Purpose::Rewrite)] {
        bench.ask(client, "FLUSHDB\r\nSET k 1");
        assert_eq!(bench.ask(client, "MULTI\r\nINCR k"), "+OK\r\n+QUEUED\r\n");
        let other = bench.connect();
        match which {
            Purpose::Save => {
                bench.ask(other, "BGSAVE");
                bench.engine.snapshot_ended(Purpose::Save, Err("broken".to_owned()));
            }
            Purpose::Rewrite => bench.engine.aof_reported(report(Some("No space left on device"))),
        }
        assert_eq!(bench.ask(other, "INCR k"), format!("-{text}"));
        assert_eq!(bench.ask(other, "PING"), format!("-{text}"));
        assert_eq!(bench.ask(other, "GET k"), "$1\r\n1\r\n");
        assert_eq!(bench.ask(other, "MULTI\r\nGET k\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n");
        let all = format!("+OK\r\n-{text}-EXECABORT Transaction discarded because of previous errors.\r\n");
        assert_eq!(bench.ask(other, "MULTI\r\nINCR k\r\nEXEC"), all);
        let aborted = format!("-EXECABORT Transaction discarded because of: {text}");
        assert_eq!(bench.ask(client, "EXEC"), aborted, "what was queued before is refused as a whole");
        assert_eq!(bench.ask(client, "GET k"), "$1\r\n1\r\n");
        match which {
            Purpose::Save => {
                // It is a matter of taste,
                bench.ask(other, "CONFIG SET stop-writes-on-bgsave-error no");
                assert_eq!(bench.ask(other, "INCR k"), ":2\r\n");
                bench.ask(other, "CONFIG SET stop-writes-on-bgsave-error yes");
                assert_eq!(bench.ask(other, "INCR k"), format!("-{text}"));
                // and does not matter to whom snapshots don't.
                bench.ask(other, "CONFIG SET save \"\"");
                assert_eq!(bench.ask(other, "INCR k"), ":3\r\n");
                bench.ask(other, "CONFIG SET save \"100 1\"\r\nBGSAVE");
                bench.engine.snapshot_ended(Purpose::Save, Ok(()));
            }
            Purpose::Rewrite => bench.engine.aof_reported(report(None)),
        }
        assert_eq!(bench.ask(other, "PING"), "+PONG\r\n");
        assert!(bench.ask(other, "INCR k").starts_with(':'));
    }
}

/// A write that waits, for a pause or for a key, is refused if it could not be kept when its turn has come.
#[test]
fn a_write_that_has_waited_is_refused_too() {
    let (mut bench, client) = bench("100 1");
    let (waiting, other) = (bench.connect(), bench.connect());
    bench.round(&[(waiting, b"BLPOP l 0\r\n")]);
    bench.ask(client, "MULTI\r\nRPUSH l x\r\nCLIENT PAUSE 1000 WRITE\r\nEXEC");
    bench.round(&[(other, b"INCR n\r\n")]);
    bench.ask(client, "BGSAVE");
    bench.engine.snapshot_ended(Purpose::Save, Err("broken".to_owned()));
    bench.ask(client, "CLIENT UNPAUSE");
    assert_eq!(String::from_utf8_lossy(&bench.received[&waiting]), format!("-{SNAPSHOTS_FAIL}"));
    assert_eq!(String::from_utf8_lossy(&bench.received[&other]), format!("-{SNAPSHOTS_FAIL}"));
    assert_eq!(bench.ask(client, "LLEN l"), ":1\r\n");
}

#[test]
fn what_refuses_writes_is_tried_again_though_no_save_point_can_be_reached_meanwhile() {
    let (mut bench, client) = bench("100 1");
    assert_eq!(bench.ask(client, "BGSAVE"), "+Background saving started\r\n");
    bench.engine.snapshot_ended(Purpose::Save, Err("broken".to_owned()));
    asks(&mut bench);
    assert_eq!(bench.ask(client, "SET k v"), format!("-{SNAPSHOTS_FAIL}"));
    for _ in 0..2 {
        wait(&mut bench, 5);
        assert_eq!(asks(&mut bench), [], "not at once");
        wait(&mut bench, 1);
        assert_eq!(asks(&mut bench), [Ask::Snapshot]);
        bench.engine.snapshot_ended(Purpose::Save, Err("broken".to_owned()));
    }
    // Nobody who does not mind is bothered.
    assert_eq!(bench.ask(client, "CONFIG SET stop-writes-on-bgsave-error no"), "+OK\r\n");
    wait(&mut bench, 50);
    assert_eq!(asks(&mut bench), []);
    assert_eq!(bench.ask(client, "CONFIG SET stop-writes-on-bgsave-error yes"), "+OK\r\n");
    wait(&mut bench, 1);
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!(bench.ask(client, "SET k v"), "+OK\r\n");
    wait(&mut bench, 50);
    assert_eq!(asks(&mut bench), []);
}

#[test]
fn a_file_without_a_base_gets_one_whoever_has_stopped_its_rewrite() {
    let (mut bench, client) = bench("");
    let awaits = AofReport { enabled: true, awaits_base: true, ..AofReport::default() };
    assert_eq!(bench.ask(client, "CONFIG SET appendonly yes"), "+OK\r\n");
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.aof_reported(awaits.clone());
    // Whoever makes everything stand still for a snapshot stops it.
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    assert_eq!(asks(&mut bench), [Ask::Rewrite], "until then nothing is kept");
    assert_eq!(info(&mut bench, "aof_rewrite_scheduled"), "0", "it is under way");
    // The same while there is no file at all, whatever has become of its preparation.
    bench.engine.aof_reported(AofReport::default());
    bench.engine.snapshot_ended(Purpose::Rewrite, Err("the disk is full".to_owned()));
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.aof_reported(awaits);
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.engine.aof_reported(AofReport { enabled: true, ..AofReport::default() });
    bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    wait(&mut bench, 10);
    assert_eq!(asks(&mut bench), []);
}

#[test]
fn a_payload_is_of_the_lowest_version_that_can_hold_its_value() {
    let (mut bench, client) = bench("");
    for (line, version) in [
        ("SET k v", 10),
        ("RPUSH k a b", 10),
        ("SADD k 1 2", 10),
        ("SADD k a b", 10),
        ("ZADD k 1 a", 10),
        ("HSET k f v", 10),
        ("HSET k f v\r\nHPEXPIRE k 1000 FIELDS 1 f", 12),
        ("XADD k 1-1 f v", 10),
        ("XADD k 1-1 f v\r\nXGROUP CREATE k g 0", 10),
        ("XADD k 1-1 f v\r\nXGROUP CREATE k g 0\r\nXGROUP CREATECONSUMER k g c", 11),
    ] {
        bench.ask(client, "FLUSHALL");
        bench.ask(client, line);
        let reply = bench.send(client, "DUMP k\r\n");
        let Ok(Some((Reply::Bulk(payload), _))) = decode(&reply) else { panic!("{line}: no payload") };
        let footer = payload[payload.len() - 10..].first_chunk().expect("it has a version and a checksum");
        assert_eq!(u16::from_le_bytes(*footer), version, "{line}");
        // It comes back as what it was.
        let restore = command(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]);
        assert_eq!(bench.send(client, restore), b"+OK\r\n", "{line}");
        assert_eq!(bench.send(client, "DUMP k\r\n"), reply, "{line}");
    }
}

#[test]
fn a_file_is_of_the_oldest_version_that_holds_what_there_is() {
    let (mut bench, client) = bench("");
    assert_eq!(bench.engine.snapshot_version(), Version::V10);
    for (newer, version) in [
        ("XGROUP CREATECONSUMER s g c", Version::V11),
        ("HEXPIRE h 100 FIELDS 1 f", Version::V12),
        ("XADD s IDMP p i * f v", Version::V13),
    ] {
        bench.send(client, "XGROUP CREATE s g $ MKSTREAM\r\nHSET h f v\r\n");
        assert_eq!(bench.engine.snapshot_version(), Version::V10, "before {newer}");
        bench.ask(client, newer);
        assert_eq!(bench.engine.snapshot_version(), version, "{newer}");
        assert_eq!(bench.ask(client, "FLUSHALL"), "+OK\r\n");
        assert_eq!(bench.engine.snapshot_version(), Version::V10, "when all is gone");
    }
}
