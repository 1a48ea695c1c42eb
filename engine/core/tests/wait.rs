//! WAIT and WAITAOF: whoever asks for a replica waits until the time is up, alone; whoever asks for none, or in a transaction, does
//! not; and whoever asks for the file waits until what it has written is durable there.

mod fixture;

use fixture::Bench;
use refrain_core::{AofReport, Config, SessionId};

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

const NO_FILE: &str = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n";

fn with_file() -> Bench {
    let mut config = Config::default();
    config.persistence.appendonly = true;
    Bench::new(config, None)
}

/// The node says that everything up to a position is durable.
fn durable(bench: &mut Bench, position: u64) {
    bench.engine.aof_reported(AofReport { enabled: true, durable: position, ..AofReport::default() });
    bench.round(&[]);
}

#[test]
fn it_waits_for_the_file_to_have_what_its_client_has_written() {
    let mut bench = with_file();
    let (first, second, reader) = (bench.connect(), bench.connect(), bench.connect());
    assert_eq!(bench.ask(reader, "GET a\r\nWAITAOF 1 0 0"), "$-1\r\n*2\r\n:1\r\n:0\r\n", "it has written nothing");
    bench.round(&[(first, b"SET a 1\r\nWAITAOF 1 0 0\r\nGET b\r\n")]);
    let of_first = bench.engine.effects().stream.position();
    bench.round(&[(second, b"MULTI\r\nSET b 1\r\nSET c 1\r\nEXEC\r\nSET b 2 NX\r\nWAITAOF 1 0 0\r\n")]);
    let of_second = bench.engine.effects().stream.position();
    // Positions go on when the node has taken what was written.
    bench.engine.effects().stream.clear();
    assert_eq!(bench.engine.effects().stream.position(), of_second);
    assert_eq!(received(&mut bench, first), "+OK\r\n");
    received(&mut bench, second);
    durable(&mut bench, of_first - 1);
    assert_eq!(received(&mut bench, first), "");
    durable(&mut bench, of_first);
    assert_eq!(received(&mut bench, first), "*2\r\n:1\r\n:0\r\n$1\r\n1\r\n");
    durable(&mut bench, of_second - 1);
    assert_eq!(received(&mut bench, second), "");
    durable(&mut bench, of_second);
    assert_eq!(received(&mut bench, second), "*2\r\n:1\r\n:0\r\n");
    assert_eq!(bench.ask(second, "WAITAOF 1 0 0"), "*2\r\n:1\r\n:0\r\n");
    assert_eq!(bench.ask(second, "WAITAOF 0 0 0"), "*2\r\n:1\r\n:0\r\n");
}

#[test]
fn it_says_what_there_is_when_its_time_is_up() {
    let mut bench = with_file();
    let (local, replica, both) = (bench.connect(), bench.connect(), bench.connect());
    for (client, line) in [(local, "WAITAOF 1 0 50"), (replica, "WAITAOF 0 1 50"), (both, "WAITAOF 1 1 50")] {
        bench.round(&[(client, format!("INCR n\r\n{line}\r\n").as_bytes())]);
        received(&mut bench, client);
    }
    let all = bench.engine.effects().stream.position();
    bench.advance_ms(49);
    bench.tick();
    durable(&mut bench, 1);
    bench.advance_ms(1);
    bench.tick();
    bench.round(&[]);
    for client in [local, replica, both] {
        assert_eq!(received(&mut bench, client), "*2\r\n:0\r\n:0\r\n");
    }
    bench.round(&[(both, b"WAITAOF 1 1 50\r\n")]);
    durable(&mut bench, all);
    assert_eq!(received(&mut bench, both), "", "there is no replica");
    bench.advance_ms(50);
    bench.tick();
    assert_eq!(received(&mut bench, both), "*2\r\n:1\r\n:0\r\n");
}

#[test]
fn who_waits_for_a_file_that_is_turned_off_hears_of_it() {
    let mut bench = with_file();
    let (other, gone) = (bench.connect(), bench.connect());
    let waiting = [bench.connect(), bench.connect()];
    for (client, replicas) in waiting.into_iter().zip([0, 1]) {
        bench.round(&[(client, format!("INCR n\r\nWAITAOF 1 {replicas} 0\r\nPING\r\n").as_bytes())]);
        received(&mut bench, client);
    }
    bench.round(&[(gone, b"INCR n\r\nWAITAOF 1 0 0\r\n")]);
    bench.engine.disconnect(gone);
    assert_eq!(bench.ask(other, "CONFIG SET appendonly no"), "+OK\r\n");
    bench.engine.aof_reported(AofReport::default());
    bench.round(&[]);
    for client in waiting {
        assert_eq!(received(&mut bench, client), format!("{NO_FILE}+PONG\r\n"));
    }
    assert_eq!(bench.ask(other, "WAITAOF 1 0 0"), NO_FILE);
    assert_eq!(bench.ask(other, "INFO clients").lines().filter(|line| *line == "blocked_clients:0").count(), 1);
}

#[test]
fn an_operator_may_end_a_wait_for_the_file() {
    let mut bench = with_file();
    let (waiting, other) = (bench.connect(), bench.connect());
    bench.round(&[(waiting, b"INCR n\r\nWAITAOF 1 0 0\r\n")]);
    received(&mut bench, waiting);
    assert_eq!(bench.ask(other, "CLIENT UNBLOCK 1 ERROR"), ":1\r\n");
    assert_eq!(received(&mut bench, waiting), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    // What it has waited for comes too late to be answered.
    durable(&mut bench, 1000);
    assert_eq!(received(&mut bench, waiting), "");
    assert_eq!(bench.ask(waiting, "MULTI\r\nINCR n\r\nWAITAOF 1 0 0\r\nEXEC").lines().last(), Some(":0"));
}
