//! Snapshots and rewrites as clients ask for them, as they become due, and as the node reports them: what is under way, what
//! waits, what is refused, and what INFO says of it.

#[path = "../fixture/mod.rs"]
mod fixture;
mod flushing;
mod versions;

use fixture::Bench;
use refrain_core::{AofReport, Ask, Config, Level, Purpose, SessionId};

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
