//! XREADGROUP with CLAIM that waits: it is served when a pending entry has been idle for long enough, whether the entry was pending
//! when the wait began or not. The times are those of Redis 8.6, but to the millisecond.

mod fixture;

use fixture::Bench;
use refrain_core::{Config, SessionId};

struct Story {
    bench: Bench,
    writer: SessionId,
    now_ms: u64,
}

impl Story {
    /// A stream with one entry, which is pending for `c`.
    fn begin() -> Story {
        let mut bench = Bench::new(Config::default(), None);
        let writer = bench.connect();
        bench.ask(writer, "XADD s 1-1 f v\r\nXGROUP CREATE s g 0\r\nXREADGROUP GROUP g c COUNT 1 STREAMS s >");
        Story { bench, writer, now_ms: 0 }
    }

    fn waits(&mut self, options: &str) -> SessionId {
        let client = self.bench.connect();
        assert_eq!(self.bench.ask(client, &format!("XREADGROUP GROUP g d {options} STREAMS s >")), "");
        client
    }

    fn write(&mut self, lines: &str) {
        let reply = self.bench.ask(self.writer, lines);
        assert!(!reply.contains("-ERR"), "{reply}");
    }

    /// It is so many milliseconds after the beginning. The engine was asked to be called by then if it answers.
    fn at(&mut self, ms: u64, client: SessionId) -> String {
        let before = self.bench.received[&client].len();
        let wanted_us = self.bench.engine.next_moment_us();
        self.bench.advance_ms(ms - self.now_ms);
        self.now_ms = ms;
        self.bench.tick();
        let got = String::from_utf8_lossy(&self.bench.received[&client][before..]).into_owned();
        if !got.is_empty() {
            assert!(wanted_us.is_some_and(|at_us| at_us <= 1 + ms * 1000), "nobody would have called: {wanted_us:?}");
        }
        got
    }
}

/// An entry as CLAIM shows it.
fn entry(id: &str, idle: u64, deliveries: u64) -> String {
    let len = id.len();
    format!(
        "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*4\r\n${len}\r\n{id}\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n:{idle}\r\n:{deliveries}\r\n"
    )
}

#[test]
fn it_is_served_when_what_is_pending_is_old_enough() {
    for block in ["BLOCK 3000", "BLOCK 0", "NOACK BLOCK 3000"] {
        let mut story = Story::begin();
        let client = story.waits(&format!("{block} CLAIM 500"));
        assert_eq!(story.at(499, client), "");
        assert_eq!(story.at(500, client), entry("1-1", 500, 1), "{block}");
        assert_eq!(
            story.bench.ask(story.writer, "XPENDING s g - + 9"),
            "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nd\r\n:0\r\n:2\r\n"
        );
        assert_eq!(story.bench.engine.next_moment_us(), None);
    }
}

#[test]
fn its_time_may_be_up_before() {
    let mut story = Story::begin();
    let client = story.waits("BLOCK 300 CLAIM 500");
    assert_eq!(story.at(299, client), "");
    assert_eq!(story.at(300, client), "*-1\r\n");
    assert_eq!(story.bench.engine.next_moment_us(), None);
}

#[test]
fn what_is_new_comes_before() {
    let mut story = Story::begin();
    let client = story.waits("BLOCK 3000 CLAIM 500");
    assert_eq!(story.at(100, client), "");
    story.write("XADD s 9-1 f v");
    assert_eq!(String::from_utf8_lossy(&story.bench.received[&client]), entry("9-1", 0, 0));
}

#[test]
fn what_was_acknowledged_or_deleted_serves_nobody() {
    for line in ["XACK s g 1-1", "XDEL s 1-1", "XDELEX s DELREF IDS 1 1-1"] {
        let mut story = Story::begin();
        let client = story.waits("BLOCK 1500 CLAIM 500");
        story.write(line);
        assert_eq!(story.at(500, client), "", "{line}");
        assert_eq!(story.at(1499, client), "", "{line}");
        assert_eq!(story.at(1500, client), "*-1\r\n", "{line}");
    }
}

#[test]
fn what_changes_hands_is_young_again() {
    let mut story = Story::begin();
    let client = story.waits("BLOCK 1500 CLAIM 500");
    assert_eq!(story.at(300, client), "");
    story.write("XCLAIM s g e 0 1-1");
    assert_eq!(story.at(500, client), "");
    assert_eq!(story.at(799, client), "");
    assert_eq!(story.at(800, client), entry("1-1", 500, 2));
}

#[test]
fn what_becomes_pending_while_it_waits_ages_as_well() {
    // None of these changes the stream for those who wait for entries.
    for lines in [
        "XCLAIM s g e 0 1-1 FORCE",
        "XGROUP SETID s g 0\r\nXREADGROUP GROUP g e STREAMS s >",
        "MULTI\r\nXADD s 5-1 f v\r\nXREADGROUP GROUP g e STREAMS s >\r\nXACK s g 5-1\r\nXGROUP SETID s g 0\r\n\
         XREADGROUP GROUP g e COUNT 1 STREAMS s >\r\nXGROUP SETID s g $\r\nEXEC",
    ] {
        let mut story = Story::begin();
        story.write("XACK s g 1-1");
        let client = story.waits("BLOCK 3000 CLAIM 300");
        assert_eq!(story.bench.engine.next_moment_us(), Some(3_000_001), "nothing is to be expected");
        assert_eq!(story.at(100, client), "");
        story.write(lines);
        assert_eq!(story.at(399, client), "");
        let got = story.at(400, client);
        assert!(got == entry("1-1", 300, 1) || got == entry("1-1", 300, 2), "{lines}: {got}");
    }
}

#[test]
fn who_waited_first_is_served_first_and_the_others_when_it_is_old_again() {
    let mut story = Story::begin();
    let clients: Vec<SessionId> = (0..3).map(|_| story.waits("BLOCK 0 CLAIM 500")).collect();
    let eager = story.waits("BLOCK 0 CLAIM 200");
    let plain = story.waits("BLOCK 0");
    assert_eq!(story.at(200, eager), entry("1-1", 200, 1));
    for (i, client) in clients.iter().enumerate() {
        let due = 700 + 500 * i as u64;
        assert_eq!(story.at(due - 1, *client), "");
        assert_eq!(story.at(due, *client), entry("1-1", 500, 2 + i as u64));
    }
    assert_eq!(story.at(5000, plain), "");
    // Nobody waits for age any more.
    assert_eq!(story.bench.engine.next_moment_us(), None);
    story.write("XCLAIM s g e 0 1-1");
    assert_eq!(story.bench.engine.next_moment_us(), None);
}

#[test]
fn several_streams_are_answered_at_once_and_a_key_may_be_named_twice() {
    let mut story = Story::begin();
    story.write("XADD t 1-1 f v\r\nXGROUP CREATE t g 0\r\nXREADGROUP GROUP g c STREAMS t >");
    let client = story.bench.connect();
    assert_eq!(story.bench.ask(client, "XREADGROUP GROUP g d BLOCK 0 CLAIM 300 STREAMS s t s > > >"), "");
    assert_eq!(story.at(299, client), "");
    let both = story.at(300, client);
    assert!(both.starts_with("*2\r\n*2\r\n$1\r\ns\r\n") && both.contains("*2\r\n$1\r\nt\r\n"), "{both}");
    assert_eq!(story.bench.engine.next_moment_us(), None);
}

#[test]
fn writes_that_are_paused_are_not_claims() {
    let mut story = Story::begin();
    let client = story.waits("BLOCK 0 CLAIM 500");
    story.write("CLIENT PAUSE 1000 WRITE");
    assert_eq!(story.at(500, client), "");
    assert_eq!(story.at(999, client), "");
    assert_eq!(story.at(1000, client), entry("1-1", 1000, 1));
}

#[test]
fn who_is_gone_leaves_no_alarm() {
    let mut story = Story::begin();
    let client = story.waits("BLOCK 0 CLAIM 500");
    assert_eq!(story.bench.engine.next_moment_us(), Some(500_001));
    story.bench.engine.disconnect(client);
    assert_eq!(story.bench.engine.next_moment_us(), None);
}
