//! The append-only file as clients turn it on and off, as it grows, and as INFO shows it; and a data set that is flushed while
//! it is saved.

mod fixture;

use fixture::Bench;
use refrain_core::{AofReport, Ask, Config, Purpose, SessionId};

fn bench() -> (Bench, SessionId) {
    let mut config = Config::default();
    config.persistence.save.points.clear();
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    (bench, client)
}

fn info(bench: &mut Bench, field: &str) -> Option<String> {
    let text = bench.engine.ask(&[b"INFO", b"everything"]).expect("it only reads");
    text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(str::to_owned)
}

fn asks(bench: &mut Bench) -> Vec<Ask> {
    std::mem::take(&mut bench.engine.effects().asks)
}

fn log(bench: &mut Bench) -> String {
    bench.engine.effects().log.drain(..).map(|line| line.text + "\n").collect()
}

#[test]
fn turning_it_on_begins_with_a_rewrite() {
    let (mut bench, client) = bench();
    assert_eq!(bench.ask(client, "CONFIG SET appendonly yes"), "+OK\r\n");
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    assert_eq!(bench.ask(client, "CONFIG SET appendonly yes maxclients 100"), "+OK\r\n");
    assert_eq!(asks(&mut bench), [], "it is on already");
    // Until there is a base it is tried again, the first times at once.
    bench.engine.aof_reported(AofReport { enabled: true, awaits_base: true, ..AofReport::default() });
    for _ in 0..2 {
        bench.engine.snapshot_ended(Purpose::Rewrite, Err("broken".to_owned()));
        assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    }
    bench.engine.snapshot_ended(Purpose::Rewrite, Err("broken".to_owned()));
    assert_eq!(asks(&mut bench), []);
    assert_eq!(info(&mut bench, "aof_rewrite_scheduled").as_deref(), Some("1"));
    assert_eq!(info(&mut bench, "aof_last_bgrewrite_status").as_deref(), Some("err"));
    assert!(
        log(&mut bench)
            .contains("Background AOF rewrite has repeatedly failed and triggered the limit, will retry in 1 minutes")
    );
    bench.advance_ms(60_000);
    bench.tick();
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    assert_eq!(bench.ask(client, "CONFIG SET appendonly no"), "+OK\r\n");
    assert_eq!(asks(&mut bench), [Ask::Cancel(Purpose::Rewrite)]);
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    bench.engine.aof_reported(AofReport::default());
    assert_eq!(asks(&mut bench), []);
    assert_eq!(info(&mut bench, "aof_rewrite_scheduled").as_deref(), Some("0"));
}

#[test]
fn a_rewrite_that_is_stopping_is_not_in_the_way_of_another() {
    let (mut bench, client) = bench();
    bench.ask(client, "CONFIG SET appendonly yes");
    bench.engine.aof_reported(AofReport { enabled: true, awaits_base: true, ..AofReport::default() });
    assert!(bench.ask(client, "BGREWRITEAOF").starts_with("-ERR Background append only file rewriting already"));
    bench.ask(client, "CONFIG SET appendonly no");
    assert_eq!(asks(&mut bench), [Ask::Rewrite, Ask::Cancel(Purpose::Rewrite)]);
    assert_eq!(bench.ask(client, "BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
    assert_eq!(asks(&mut bench), []);
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
}

#[test]
fn turning_it_on_waits_for_a_snapshot_and_not_for_a_rewrite() {
    let (mut bench, client) = bench();
    bench.ask(client, "BGSAVE\r\nCONFIG SET appendonly yes");
    assert_eq!(asks(&mut bench), [Ask::Snapshot]);
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    bench.ask(client, "CONFIG SET appendonly no");
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    // A rewrite that began without the file does not know what has been written since.
    bench.ask(client, "BGREWRITEAOF\r\nCONFIG SET appendonly yes");
    let expected = [Ask::Cancel(Purpose::Rewrite), Ask::Rewrite, Ask::Cancel(Purpose::Rewrite)];
    assert_eq!(asks(&mut bench), expected);
    bench.engine.snapshot_cancelled(Purpose::Rewrite);
    assert_eq!(asks(&mut bench), [Ask::Rewrite]);
    insta::assert_snapshot!(log(&mut bench), @r"
    Background saving started
    AOF was enabled but there is already another background operation. An AOF background was scheduled to start when possible.
    DB saved on disk
    Background saving terminated with success
    Background append only file rewriting started
    Killing AOF child
    Background AOF rewrite cancelled
    Background append only file rewriting started
    AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and starting a rewrite now.
    Killing AOF child
    Background AOF rewrite cancelled
    Background append only file rewriting started
    ");
}

#[test]
fn it_is_rewritten_when_it_has_grown() {
    let (mut bench, client) = bench();
    bench.ask(client, "CONFIG SET auto-aof-rewrite-min-size 1000 auto-aof-rewrite-percentage 50");
    let report = |current_size, base_size| AofReport { enabled: true, current_size, base_size, ..AofReport::default() };
    for (size, base, due) in
        [(1000, 10, false), (1001, 10, true), (1501, 1001, false), (1502, 1001, true), (1001, 0, true)]
    {
        bench.engine.aof_reported(report(size, base));
        bench.tick();
        assert_eq!(asks(&mut bench).len(), usize::from(due), "{size} {base}");
        bench.engine.snapshot_ended(Purpose::Rewrite, Ok(()));
    }
    assert!(log(&mut bench).contains("Starting automatic rewriting of AOF on 50% growth\n"));
    for set in ["auto-aof-rewrite-percentage 0", "auto-aof-rewrite-percentage 50 auto-aof-rewrite-min-size 1gb"] {
        bench.ask(client, &format!("CONFIG SET {set}"));
        bench.tick();
        assert_eq!(asks(&mut bench), []);
    }
}

#[test]
fn it_is_described_while_it_is_on() {
    let (mut bench, client) = bench();
    assert_eq!(info(&mut bench, "aof_current_size"), None);
    bench.ask(client, "CONFIG SET appendonly yes");
    bench.engine.aof_reported(AofReport {
        enabled: true,
        awaits_base: false,
        closing: false,
        current_size: 900,
        base_size: 400,
        buffer_length: 70,
        pending_fsync: true,
        delayed_fsync: 5,
        write_error: Some("Input/output error".to_owned()),
        appended: 9,
        durable: 8,
    });
    bench.ask(client, "CONFIG RESETSTAT");
    let report = AofReport { delayed_fsync: 7, ..bench.engine.state().persistence.aof().clone() };
    bench.engine.aof_reported(report);
    let expected = [
        ("aof_enabled", "1"),
        ("aof_current_size", "900"),
        ("aof_base_size", "400"),
        ("aof_pending_rewrite", "0"),
        ("aof_buffer_length", "70"),
        ("mem_aof_buffer", "70"),
        ("aof_pending_bio_fsync", "1"),
        ("aof_delayed_fsync", "2"),
        ("aof_last_write_status", "err"),
    ];
    for (field, value) in expected {
        assert_eq!(info(&mut bench, field).as_deref(), Some(value), "{field}");
    }
}

#[test]
fn a_flushed_data_set_is_not_brought_back_by_a_snapshot() {
    let (mut bench, client) = bench();
    bench.ask(client, "SET a 1\r\nSET b 1\r\nBGSAVE");
    assert_eq!(bench.ask(client, "FLUSHALL"), "+OK\r\n");
    assert_eq!(asks(&mut bench), [Ask::Snapshot, Ask::Cancel(Purpose::Save)]);
    assert_eq!(info(&mut bench, "rdb_bgsave_in_progress").as_deref(), Some("1"));
    bench.engine.snapshot_cancelled(Purpose::Save);
    let expected = [
        ("rdb_bgsave_in_progress", "0"),
        ("rdb_last_bgsave_status", "ok"),
        // Without save points nothing is saved by itself.
        ("rdb_changes_since_last_save", "3"),
    ];
    for (field, value) in expected {
        assert_eq!(info(&mut bench, field).as_deref(), Some(value), "{field}");
    }
    assert_eq!(asks(&mut bench), []);
    bench.ask(client, "CONFIG SET save \"3600 1\"\r\nSET a 1\r\nFLUSHALL");
    assert_eq!(asks(&mut bench), [Ask::Snapshot], "nothing is to be found after a restart");
    assert_eq!(info(&mut bench, "rdb_changes_since_last_save").as_deref(), Some("0"));
    bench.engine.snapshot_ended(Purpose::Save, Err("broken".to_owned()));
    assert_eq!(info(&mut bench, "rdb_changes_since_last_save").as_deref(), Some("5"));
}
