//! The end of the process: what is saved before, what stands in its way, and how it goes on when it does not come.

mod fixture;

use fixture::Bench;
use refrain_core::{AofReport, Ask, Config, Purpose, SessionId, Shutdown, ShutdownSignal};

fn bench(save_points: bool) -> (Bench, SessionId) {
    let mut config = Config::default();
    if !save_points {
        config.persistence.save.points.clear();
    }
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    (bench, client)
}

fn log(bench: &mut Bench) -> String {
    bench.engine.effects().log.drain(..).map(|line| line.text + "\n").collect()
}

#[test]
fn the_data_set_is_saved_if_that_is_configured_or_asked_for() {
    for (points, options, saves) in [
        (true, "", true),
        (true, "NOSAVE", false),
        (true, "SAVE", true),
        (false, "", false),
        (false, "SAVE", true),
        (false, "NOSAVE NOW FORCE", false),
    ] {
        let (mut bench, client) = bench(points);
        let other = bench.connect();
        bench.round(&[(client, format!("SHUTDOWN {options}\r\nINCR n\r\n").as_bytes()), (other, b"INCR n\r\n")]);
        let now = options.contains("NOW");
        let force = options.contains("FORCE");
        assert_eq!(bench.engine.effects().shutdown.take(), Some(Shutdown { save: saves, now, force }), "{options}");
        assert!(bench.engine.stands_still() && bench.data().is_empty());
        assert_eq!((&bench.received[&client][..], &bench.received[&other][..]), (&b""[..], &b""[..]));
        assert_eq!(log(&mut bench).contains("Saving the final RDB snapshot before exiting."), saves);
    }
}

#[test]
fn an_end_that_fails_is_told_to_whoever_asked_and_everybody_goes_on() {
    let (mut bench, client) = bench(true);
    let other = bench.connect();
    bench.round(&[(client, b"SHUTDOWN\r\nINCR n\r\n"), (other, b"INCR n\r\n")]);
    bench.engine.snapshot_began(Purpose::Save, 0);
    bench.engine.snapshot_ended(Purpose::Save, Err("No space left on device".to_owned()));
    assert!(!bench.engine.shutdown_failed("No space left on device"));
    assert!(!bench.engine.stands_still());
    bench.round(&[]);
    let said = String::from_utf8_lossy(&bench.received[&client]).into_owned();
    assert!(said.starts_with("-ERR Errors trying to SHUTDOWN. Check logs.\r\n:"), "{said}");
    assert!(bench.received[&other].starts_with(b":"));
    insta::assert_snapshot!(log(&mut bench), @r"
    User requested shutdown...
    Saving the final RDB snapshot before exiting.
    Error trying to save the DB: No space left on device
    Error trying to save the DB, can't exit. No space left on device
    Errors trying to shut down the server. Check the logs for more information.
    ");
    // It is no reason to refuse writes, and the next one may succeed.
    assert!(bench.ask(client, "INCR n").starts_with(':'));
    bench.round(&[(client, b"SHUTDOWN FORCE\r\n")]);
    assert!(bench.engine.shutdown_failed("No space left on device"), "it was forced");
    assert!(log(&mut bench).contains("Error trying to save the DB. Exit anyway."));
}

#[test]
fn what_is_under_way_in_the_background_is_stopped() {
    let (mut bench, client) = bench(false);
    bench.ask(client, "BGSAVE");
    bench.round(&[(client, b"SHUTDOWN\r\n")]);
    assert_eq!(bench.engine.effects().asks, [Ask::Snapshot, Ask::Cancel(Purpose::Save)]);
    assert!(log(&mut bench).contains("There is a child saving an .rdb. Killing it!"));
}

#[test]
fn a_file_that_has_no_base_yet_is_waited_for() {
    let (mut bench, client) = bench(false);
    bench.ask(client, "CONFIG SET appendonly yes");
    assert_eq!(bench.engine.effects().asks, [Ask::Rewrite]);
    bench.engine.aof_reported(AofReport { enabled: true, awaits_base: true, ..AofReport::default() });
    assert_eq!(bench.ask(client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert!(bench.engine.effects().shutdown.is_none());
    insta::assert_snapshot!(log(&mut bench), @r"
    Background append only file rewriting started
    User requested shutdown...
    Writing initial AOF, can't exit.
    Errors trying to shut down the server. Check the logs for more information.
    ");
    bench.round(&[(client, b"SHUTDOWN FORCE\r\n")]);
    assert!(bench.engine.effects().shutdown.is_some());
    assert!(log(&mut bench).contains("Writing initial AOF. Exit anyway."));
}

#[test]
fn so_is_one_whose_base_has_to_wait_for_a_snapshot() {
    let (mut bench, client) = bench(false);
    bench.ask(client, "BGSAVE");
    bench.ask(client, "CONFIG SET appendonly yes");
    assert_eq!(std::mem::take(&mut bench.engine.effects().asks), [Ask::Snapshot]);
    assert_eq!(bench.ask(client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    // A disk on which it can't be written keeps nobody for ever.
    for _ in 0..3 {
        assert_eq!(std::mem::take(&mut bench.engine.effects().asks), [Ask::Rewrite]);
        assert_eq!(bench.ask(client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
        bench.engine.snapshot_ended(Purpose::Rewrite, Err("No space left on device".to_owned()));
    }
    // Turned on anew it is tried anew, whatever has failed before.
    bench.ask(client, "CONFIG SET appendonly no\r\nBGSAVE");
    bench.ask(client, "CONFIG SET appendonly yes");
    assert_eq!(std::mem::take(&mut bench.engine.effects().asks), [Ask::Snapshot]);
    assert_eq!(bench.ask(client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    for _ in 0..3 {
        bench.engine.snapshot_ended(Purpose::Rewrite, Err("No space left on device".to_owned()));
    }
    bench.round(&[(client, b"SHUTDOWN\r\n")]);
    assert!(bench.engine.effects().shutdown.is_some());
}

#[test]
fn a_file_that_was_turned_off_and_on_again_has_no_base_either() {
    let (mut bench, client) = bench(false);
    let full = Some("No space left on device".to_owned());
    bench.engine.aof_reported(AofReport { enabled: true, write_error: full.clone(), ..AofReport::default() });
    assert!(bench.ask(client, "SET k v").starts_with("-MISCONF Errors writing to the AOF file"));
    bench.ask(client, "CONFIG SET appendonly no");
    bench.engine.aof_reported(AofReport { enabled: true, closing: true, write_error: full, ..AofReport::default() });
    assert_eq!(bench.ask(client, "SET k v"), "+OK\r\n", "it is not for the file that ends");
    bench.ask(client, "CONFIG SET appendonly yes");
    assert_eq!(bench.ask(client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert!(log(&mut bench).contains("Writing initial AOF, can't exit."));
}

#[test]
fn a_signal_waits_until_nobody_waits_for_the_node() {
    let (mut bench, client) = bench(true);
    bench.round(&[(client, b"SAVE\r\n")]);
    bench.engine.schedule_shutdown(ShutdownSignal::Terminate);
    bench.tick();
    assert!(bench.engine.effects().shutdown.is_none() && bench.engine.is_shutdown_scheduled());
    bench.engine.snapshot_ended(Purpose::Save, Ok(()));
    bench.engine.answer(client, Ok(()));
    bench.tick();
    assert_eq!(bench.received[&client], b"+OK\r\n");
    assert_eq!(bench.engine.effects().shutdown.take(), Some(Shutdown { save: true, now: false, force: false }));
    // What somebody else is answered does not end the stillness that is the signal's.
    bench.engine.answer(client, Ok(()));
    assert!(bench.engine.stands_still());
    assert!(!bench.engine.shutdown_failed("broken"));
    assert!(!bench.engine.stands_still() && !bench.engine.is_shutdown_scheduled());
}
