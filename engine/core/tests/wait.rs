//! WAIT: whoever asks for a replica waits until the time is up, alone; whoever asks for none, or in a transaction, does not.

mod fixture;

use fixture::Bench;
use refrain_core::{Config, SessionId};

/// What a client has got since it was last asked.
fn received(bench: &mut Bench, client: SessionId) -> String {
    let bytes = std::mem::take(bench.received.entry(client).or_default());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn it_answers_when_the_time_is_up_and_holds_nobody_else() {
    for (line, reply) in [("WAIT 1 50", ":0\r\n"), ("WAITAOF 0 1 50", "*2\r\n:0\r\n:0\r\n")] {
        let mut bench = Bench::new(Config::default(), None);
        let (waiting, other) = (bench.connect(), bench.connect());
        bench.round(&[(waiting, format!("SET k v\r\n{line}\r\nGET k\r\n").as_bytes())]);
        assert_eq!(received(&mut bench, waiting), "+OK\r\n");
        bench.advance_ms(49);
        bench.tick();
        bench.round(&[]);
        assert_eq!(received(&mut bench, waiting), "");
        assert_eq!(bench.ask(other, "SET k w"), "+OK\r\n");
        bench.advance_ms(1);
        bench.tick();
        bench.round(&[]);
        assert_eq!(received(&mut bench, waiting), format!("{reply}$1\r\nw\r\n"));
        // The next one waits anew.
        bench.round(&[(waiting, format!("{line}\r\n").as_bytes())]);
        assert_eq!(received(&mut bench, waiting), "");
        bench.advance_ms(50);
        bench.tick();
        bench.round(&[]);
        assert_eq!(received(&mut bench, waiting), reply);
    }
}

#[test]
fn without_an_end_it_waits_until_the_client_goes() {
    let mut bench = Bench::new(Config::default(), None);
    let waiting = bench.connect();
    bench.round(&[(waiting, b"WAIT 1 0\r\n")]);
    for _ in 0..100 {
        bench.advance_ms(1_000_000_000);
        bench.tick();
        bench.round(&[]);
    }
    assert_eq!(received(&mut bench, waiting), "");
    bench.engine.disconnect(waiting);
    let next = bench.connect();
    assert_eq!(bench.ask(next, "PING"), "+PONG\r\n");
}

#[test]
fn nobody_waits_for_no_replicas_nor_inside_a_transaction() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    assert_eq!(bench.ask(client, "WAIT 0 0"), ":0\r\n");
    assert_eq!(bench.ask(client, "WAIT -1 1000"), ":0\r\n");
    assert_eq!(bench.ask(client, "WAITAOF 0 0 0"), "*2\r\n:0\r\n:0\r\n");
    bench.ask(client, "MULTI");
    bench.ask(client, "WAIT 1 0");
    bench.ask(client, "PING");
    assert_eq!(bench.ask(client, "EXEC"), "*2\r\n:0\r\n+PONG\r\n");
}
