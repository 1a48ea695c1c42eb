//! What of a stream breaks a watch, and what wakes those who wait: entries, and not what groups know of them. The same as
//! Redis 7.2, and 8.6 for what is newer.

mod fixture;

use fixture::Bench;
use refrain_core::Config;

/// A stream of four entries and one that was deleted, with three groups; one entry is pending in the first.
const SETUP: &str = "XADD s 1-1 a 1\r\nXADD s 2-1 a 1\r\nXGROUP CREATE s g 0\r\nXREADGROUP GROUP g c COUNT 1 STREAMS s >\r\n\
                     XGROUP CREATE s unread 0\r\nXADD s 3-1 f v\r\nXADD s 4-1 f v\r\nXADD s 5-1 f v\r\nXGROUP CREATE s all 0\r\n\
                     XREADGROUP GROUP all c STREAMS s >\r\nXDEL s 5-1";

#[test]
fn watches_are_broken_by_entries_and_not_by_groups() {
    for (line, breaks) in [
        ("XACK s g 1-1", false),
        ("XCLAIM s g other 0 1-1", false),
        ("XAUTOCLAIM s all other 0 0", false),
        ("XGROUP CREATE s new 0", false),
        ("XGROUP SETID s g 0", false),
        ("XGROUP DESTROY s g", false),
        ("XGROUP CREATECONSUMER s g new", false),
        ("XGROUP DELCONSUMER s g c", false),
        ("XREADGROUP GROUP g c STREAMS s >", false),
        ("XREADGROUP GROUP g c STREAMS s 0", false),
        ("XREADGROUP GROUP g c NOACK STREAMS s >", false),
        ("XSETID s 99-1", false),
        ("XDEL s 77-1", false),
        ("XDELEX s ACKED IDS 1 1-1", false),
        ("XDELEX s DELREF IDS 1 5-1", false),
        ("XACKDEL s g ACKED IDS 1 1-1", false),
        ("XACKDEL s g ACKED IDS 1 5-1", false),
        ("XADD s 100-1 a b", true),
        ("XDEL s 1-1", true),
        ("XTRIM s MAXLEN 1", true),
        ("XDELEX s IDS 1 1-1", true),
        ("XDELEX s DELREF IDS 1 1-1", true),
        ("XACKDEL s g IDS 1 1-1", true),
        ("XACKDEL s g DELREF IDS 1 1-1", true),
        ("DEL s", true),
    ] {
        let mut bench = Bench::new(Config::default(), None);
        let (one, other) = (bench.connect(), bench.connect());
        bench.ask(one, SETUP);
        bench.ask(other, "WATCH s");
        let written = bench.engine.effects().stream.position();
        let reply = bench.ask(one, line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
        let exec = bench.ask(other, "MULTI\r\nPING\r\nEXEC");
        assert_eq!(exec.ends_with("*-1\r\n"), breaks, "{line}");
        // Whoever repeats the commands is told in any case of what changed.
        let changes = !matches!(line, "XDEL s 77-1" | "XDELEX s ACKED IDS 1 1-1" | "XACKDEL s g ACKED IDS 1 5-1");
        assert_eq!(bench.engine.effects().stream.position() > written, changes, "{line}");
    }
}

#[test]
fn a_group_that_makes_its_stream_breaks_watches_on_the_key() {
    let mut bench = Bench::new(Config::default(), None);
    let (one, other) = (bench.connect(), bench.connect());
    bench.ask(other, "WATCH s");
    bench.ask(one, "XGROUP CREATE s g 0 MKSTREAM");
    assert!(bench.ask(other, "MULTI\r\nPING\r\nEXEC").ends_with("*-1\r\n"));
    bench.ask(other, "WATCH s");
    bench.ask(one, "XGROUP CREATE s h 0 MKSTREAM");
    assert!(bench.ask(other, "MULTI\r\nPING\r\nEXEC").ends_with("+PONG\r\n"));
}

#[test]
fn a_group_that_is_destroyed_wakes_its_members_and_one_that_is_moved_does_not() {
    let mut bench = Bench::new(Config::default(), None);
    let (one, waiting) = (bench.connect(), bench.connect());
    bench.ask(one, "XADD s 1 f v\r\nXGROUP CREATE s g $\r\nXGROUP CREATE s h $");
    assert_eq!(bench.ask(waiting, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), "");
    bench.ask(one, "XGROUP SETID s g 0");
    assert_eq!(bench.send(waiting, b""), b"", "as with Redis");
    bench.ask(one, "XGROUP DESTROY s g");
    let received = String::from_utf8_lossy(&bench.received[&waiting]).into_owned();
    assert!(received.starts_with("-NOGROUP"), "{received}");
}
