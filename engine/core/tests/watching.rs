//! WATCH and transactions as others see them: how long a watch lasts, and what is shown of a client that executes its queue.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use fixture::Bench;
use refrain_core::{Config, SessionId};

fn bench() -> (Bench, SessionId, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let (watcher, other) = (bench.connect(), bench.connect());
    (bench, watcher, other)
}

/// How many clients watch, and how many keys are watched, as a third client is told.
fn watched(bench: &mut Bench) -> (u64, u64) {
    let asking = bench.connect();
    let text = bench.ask(asking, "INFO clients");
    bench.engine.disconnect(asking);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.parse().unwrap()
    };
    (field("watching_clients:"), field("total_watched_keys:"))
}

#[test]
fn all_watches_end_with_the_first_that_is_broken() {
    for change in ["SET a 1", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "PEXPIREAT a 1", "RENAME a z"] {
        let (mut bench, watcher, other) = bench();
        bench.ask(other, "MSET a 0 b 0");
        bench.ask(watcher, "WATCH a b c");
        assert_eq!(watched(&mut bench), (1, 3));
        bench.ask(other, change);
        assert_eq!(watched(&mut bench), (0, 0), "{change}");
        assert!(bench.ask(watcher, "CLIENT INFO").contains(" flags=d "), "{change}");
        bench.ask(watcher, "MULTI");
        bench.ask(watcher, "PING");
        assert_eq!(bench.ask(watcher, "EXEC"), "*-1\r\n", "{change}");
        assert!(bench.ask(watcher, "CLIENT INFO").contains(" flags=N "));
        bench.ask(watcher, "WATCH a");
        assert_eq!(watched(&mut bench), (1, 1), "it can watch again after {change}");
    }
}

#[test]
fn a_watch_that_a_client_breaks_itself_ends_too() {
    let (mut bench, watcher, other) = bench();
    bench.ask(other, "WATCH a b");
    bench.ask(watcher, "WATCH a b");
    bench.ask(watcher, "SET a 1");
    assert_eq!(watched(&mut bench), (0, 0));
    for client in [watcher, other] {
        bench.ask(client, "MULTI");
        assert_eq!(bench.ask(client, "EXEC"), "*-1\r\n");
    }
}

#[test]
fn others_keep_their_watches_on_other_keys() {
    let (mut bench, watcher, other) = bench();
    let third = bench.connect();
    bench.ask(watcher, "WATCH a b");
    bench.ask(other, "WATCH b c");
    bench.ask(third, "SET a 1");
    assert_eq!(watched(&mut bench), (1, 2));
    bench.ask(third, "SET c 1");
    assert_eq!(watched(&mut bench), (0, 0));
}

#[test]
fn whoever_executes_its_queue_is_shown_with_it() {
    let (mut bench, client, _) = bench();
    bench.ask(client, "MULTI");
    bench.ask(client, "SET key value");
    bench.ask(client, "CLIENT INFO");
    bench.ask(client, "CLIENT LIST");
    let text = bench.ask(client, "EXEC");
    let bytes = "SETkeyvalueCLIENTINFOCLIENTLIST".len();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" flags=x ")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    let queued = format!(" multi-mem={bytes} ");
    assert!(lines.iter().all(|line| line.contains(" multi=3 ") && line.contains(&queued)), "{text}");
    let after = bench.ask(client, "CLIENT INFO");
    assert!(after.contains(" flags=N ") && after.contains(" multi=-1 ") && after.contains(" multi-mem=0 "), "{after}");
}
