//! Logins that fail slow down whoever guesses, and nobody else.

mod fixture;

use fixture::{Bench, local};
use refrain_core::{Closing, Config, Origin, SessionId};

const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

fn bench() -> Bench {
    let mut bench = Bench::new(Config::default(), None);
    let admin = bench.connect();
    assert_eq!(bench.ask(admin, "ACL SETUSER victim on >right +@all ~*"), "+OK\r\n");
    assert_eq!(bench.ask(admin, "CONFIG SET requirepass secret"), "+OK\r\n");
    bench
}

fn connect_from(bench: &mut Bench, remote: &str) -> SessionId {
    let origin = Origin { remote: remote.into(), ..local() };
    let id = bench.engine.connect(origin).expect("the fixture stays below maxclients");
    bench.received.insert(id, Vec::new());
    id
}

/// Guesses until an answer does not come at once.
fn guess_until_slowed(bench: &mut Bench, client: SessionId) -> usize {
    (1..100).find(|_| bench.ask(client, "AUTH victim wrong").is_empty()).expect("guessing is slowed down")
}

/// Ticks until the client gets an answer; how long that took.
fn wait_ms(bench: &mut Bench, client: SessionId) -> (u64, String) {
    let before = bench.received[&client].len();
    for ms in 0..20_000 {
        if bench.received[&client].len() > before {
            return (ms, String::from_utf8_lossy(&bench.received[&client][before..]).into_owned());
        }
        bench.advance_ms(1);
        bench.tick();
        bench.round(&[]);
    }
    panic!("no answer came");
}

#[test]
fn the_first_guesses_are_answered_at_once_and_later_ones_ever_later() {
    let mut bench = bench();
    let client = connect_from(&mut bench, "10.0.0.1:1");
    assert_eq!(guess_until_slowed(&mut bench, client), 12, "eleven are answered at once");
    let mut last = wait_ms(&mut bench, client);
    for _ in 0..8 {
        assert_eq!(last.1, WRONG);
        assert_eq!(bench.ask(client, "AUTH victim wrong"), "");
        let next = wait_ms(&mut bench, client);
        assert!(next.0 >= 2 * last.0, "{} after {}", next.0, last.0);
        last = next;
    }
    for _ in 0..6 {
        bench.ask(client, "AUTH victim wrong");
        last = wait_ms(&mut bench, client);
    }
    assert!((4_900..=5_000).contains(&last.0), "there is a bound: {}", last.0);
    assert_eq!(bench.ask(client, "AUTH victim right"), "");
    assert_eq!(wait_ms(&mut bench, client).1, "+OK\r\n", "who knows it gets in");
    assert_eq!(bench.ask(client, "AUTH victim right"), "+OK\r\n", "and is forgiven");
}

#[test]
fn more_connections_guess_no_faster() {
    let mut bench = bench();
    let first = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, first);
    let crowd: Vec<SessionId> = (2..40).map(|port| connect_from(&mut bench, &format!("10.0.0.1:{port}"))).collect();
    for client in &crowd {
        assert_eq!(bench.ask(*client, "HELLO 3 AUTH victim wrong"), "");
    }
    let answered = |bench: &Bench| crowd.iter().filter(|client| !bench.received[*client].is_empty()).count();
    for _ in 0..1000 {
        bench.advance_ms(1);
        bench.tick();
        bench.round(&[]);
    }
    assert!((5..12).contains(&answered(&bench)), "a second lets few of them guess: {}", answered(&bench));
}

#[test]
fn who_waits_longest_comes_first_however_many_guess() {
    let mut bench = bench();
    let first = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, first);
    let crowd: Vec<SessionId> = (2..10).map(|port| connect_from(&mut bench, &format!("10.0.0.1:{port}"))).collect();
    for client in &crowd {
        // As another user, so that the login which succeeds at last forgives them nothing.
        bench.send(*client, "AUTH another wrong\r\n".repeat(50));
    }
    let rightful = connect_from(&mut bench, "10.0.0.1:99");
    assert_eq!(bench.ask(rightful, "AUTH victim right"), "");
    let guesses = |bench: &Bench| crowd.iter().map(|c| bench.received[c].len() / WRONG.len()).collect::<Vec<_>>();
    for _ in 0..100_000 {
        if !bench.received[&rightful].is_empty() {
            break;
        }
        bench.advance_ms(1);
        bench.tick();
        bench.round(&[]);
    }
    assert_eq!(bench.received[&rightful], b"+OK\r\n");
    // Each that was there before, once; and then the next, for a login that succeeds costs its address nothing.
    assert_eq!(guesses(&bench), [2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn nobody_else_waits() {
    let mut bench = bench();
    let inside = connect_from(&mut bench, "10.0.0.1:9");
    assert_eq!(bench.ask(inside, "AUTH victim right"), "+OK\r\n");
    let guesser = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, guesser);
    assert_eq!(bench.ask(inside, "SET k v"), "+OK\r\n", "logged in before");
    let elsewhere = connect_from(&mut bench, "10.0.0.2:1");
    assert_eq!(bench.ask(elsewhere, "AUTH victim right"), "+OK\r\n", "from another address");
    assert_eq!(bench.ask(inside, "MULTI"), "+OK\r\n");
    assert_eq!(bench.ask(inside, "AUTH victim right"), "+QUEUED\r\n");
    let exec = bench.ask(inside, "EXEC");
    assert!(exec.starts_with("*1\r\n-ERR Too many failed logins"), "a transaction cannot wait: {exec}");
}

#[test]
fn what_follows_a_login_that_waits_follows_it_still() {
    let mut bench = bench();
    let client = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, client);
    wait_ms(&mut bench, client);
    let stats = bench.ask(client, "PING");
    assert_eq!(stats, "-NOAUTH Authentication required.\r\n");
    assert_eq!(
        bench.ask(client, "CLIENT REPLY ON\r\nAUTH victim right\r\nSET k v\r\nGET k"),
        "-NOAUTH Authentication required.\r\n"
    );
    assert_eq!(bench.ask(client, "ECHO later"), "", "it has to wait as well");
    assert_eq!(wait_ms(&mut bench, client).1, "+OK\r\n+OK\r\n$1\r\nv\r\n$5\r\nlater\r\n");
    let calls = bench.ask(client, "INFO commandstats");
    assert!(calls.contains("cmdstat_auth:calls=13,"), "a login that waits is counted once: {calls}");
}

#[test]
fn one_who_waits_and_goes_leaves_nothing() {
    let mut bench = bench();
    let client = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, client);
    bench.engine.end_of_input(client);
    assert_eq!(bench.engine.closing(client), Closing::AfterReplies);
    bench.engine.disconnect(client);
    let other = connect_from(&mut bench, "10.0.0.1:2");
    assert_eq!(bench.ask(other, "AUTH victim right"), "");
    bench.engine.disconnect(other);
    for _ in 0..100 {
        bench.advance_ms(100);
        bench.tick();
        bench.round(&[]);
    }
    assert!(!bench.engine.is_runnable());
}

#[test]
fn input_behind_a_login_that_waits_is_bounded() {
    let mut bench = bench();
    let client = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, client);
    for _ in 0..40 {
        bench.send(client, [b'x'; 64 * 1024]);
    }
    assert_eq!(bench.engine.closing(client), Closing::Now);
}

#[test]
fn it_is_reported_once_and_not_for_every_guess() {
    let mut bench = bench();
    let client = connect_from(&mut bench, "10.0.0.1:1");
    guess_until_slowed(&mut bench, client);
    let lines: Vec<String> = bench.engine.effects().log.iter().map(|line| line.text.clone()).collect();
    let reports: Vec<&String> = lines.iter().filter(|line| line.contains("failed logins")).collect();
    assert_eq!(reports.len(), 1, "{lines:?}");
    assert!(reports[0].contains("11 failed logins in a row from 10.0.0.1"), "{reports:?}");
}
