//! Clients whose commands cost much take their turns after everybody else: one slow command is all that others wait for.

mod fixture;

use fixture::Bench;
use refrain_core::{Bug, Config, Input, SessionId};

/// So many that KEYS alone exhausts what a round may do beyond ordinary commands.
const KEYS: usize = 20_000;

/// An engine with many keys, and so many clients.
fn crowd<const N: usize>(bug: Option<Bug>) -> (Bench, [SessionId; N]) {
    let mut bench = Bench::new(Config::default(), bug);
    let filler = bench.connect();
    for chunk in 0..KEYS / 100 {
        let words: Vec<String> = (0..100).map(|i| format!("SET key:{chunk}:{i} v\r\n")).collect();
        bench.send(filler, words.concat());
    }
    let clients = std::array::from_fn(|_| bench.connect());
    (bench, clients)
}

/// One round of what these clients send, without whatever it leaves over.
fn one_round(bench: &mut Bench, inputs: &[(SessionId, &str)]) {
    let (mut arena, mut list) = (Vec::new(), Vec::new());
    for (session, text) in inputs {
        let start = arena.len();
        arena.extend_from_slice(text.as_bytes());
        list.push(Input { session: *session, bytes: Some(start..arena.len()), len: text.len() });
    }
    bench.engine.round(&arena, &list);
    bench.collect();
}

/// How many whole replies of KEYS a client has got.
fn answered(bench: &Bench, id: SessionId) -> usize {
    let header = format!("*{KEYS}\r\n");
    bench.received[&id].windows(header.len()).filter(|w| *w == header.as_bytes()).count()
}

#[test]
fn one_slow_command_and_then_everybody_else() {
    let (mut bench, [slow, light]) = crowd(None);
    one_round(&mut bench, &[(slow, &"KEYS *\r\n".repeat(5)), (light, "PING\r\n")]);
    assert_eq!((answered(&bench, slow), bench.received[&light].len()), (1, 0), "nobody knew before how slow it is");
    one_round(&mut bench, &[]);
    assert_eq!((answered(&bench, slow), &bench.received[&light][..]), (1, &b"+PONG\r\n"[..]));
    // From here on it is known: what arrives goes first, and one slow command follows it.
    for round in 2..=5 {
        one_round(&mut bench, &[(light, "PING\r\n")]);
        assert_eq!(answered(&bench, slow), round - 1, "before the replies of the round have left");
        assert!(bench.engine.heavy_turn());
        assert!(!bench.engine.heavy_turn(), "one turn after a round");
        bench.collect();
        assert_eq!((answered(&bench, slow), bench.received[&light].len()), (round, 7 * round));
    }
    assert!(!bench.engine.is_runnable());
}

#[test]
fn what_a_heavy_client_sends_later_waits_too() {
    let (mut bench, [slow, light]) = crowd(None);
    one_round(&mut bench, &[(slow, "KEYS *\r\n")]);
    one_round(&mut bench, &[(slow, "KEYS *\r\n"), (light, "PING\r\n")]);
    assert_eq!((answered(&bench, slow), bench.received[&light].len()), (1, 7));
    one_round(&mut bench, &[]);
    assert_eq!(answered(&bench, slow), 2, "with nobody else, a round is its turn");
}

#[test]
fn heavy_clients_take_turns() {
    let (mut bench, slow) = crowd::<3>(None);
    let text = "KEYS *\r\n".repeat(3);
    one_round(&mut bench, &[(slow[0], &text), (slow[1], &text), (slow[2], &text)]);
    let mut order = Vec::new();
    let mut before = [0; 3];
    while bench.engine.is_runnable() || order.is_empty() {
        let now = slow.map(|id| answered(&bench, id));
        order.extend((0..3).flat_map(|i| vec![i; now[i] - before[i]]));
        before = now;
        bench.engine.round(&[], &[]);
        bench.collect();
    }
    let now = slow.map(|id| answered(&bench, id));
    order.extend((0..3).flat_map(|i| vec![i; now[i] - before[i]]));
    assert_eq!(order, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

#[test]
fn who_stops_being_slow_is_forgiven() {
    let (mut bench, [slow, light]) = crowd(None);
    one_round(&mut bench, &[(slow, "KEYS *\r\n")]);
    for _ in 0..100 {
        bench.send(slow, "PING\r\n");
    }
    one_round(&mut bench, &[(slow, "PING\r\n"), (light, "PING\r\n")]);
    assert!(bench.received[&slow].ends_with(b"+PONG\r\n") && !bench.engine.is_runnable());
    assert_eq!(bench.received[&light].len(), 7);
}

#[test]
fn without_a_budget_a_round_is_as_long_as_what_was_sent() {
    let (mut bench, [slow, light]) = crowd(Some(Bug::NoWorkBudget));
    one_round(&mut bench, &[(slow, &"KEYS *\r\n".repeat(3)), (light, "PING\r\n")]);
    assert_eq!((answered(&bench, slow), bench.received[&light].len()), (3, 7));
}

#[test]
fn many_arguments_and_many_bytes_are_work() {
    let (mut bench, [client]) = crowd(None);
    let cost = |bench: &mut Bench, text: &str| {
        let before = bench.hooks.worked.get();
        bench.send(client, text);
        bench.hooks.worked.get() - before
    };
    assert_eq!(cost(&mut bench, "PING\r\n"), 1);
    assert!(cost(&mut bench, &format!("MGET{}\r\n", " k".repeat(8000))) > 1000);
    assert!(
        cost(&mut bench, &format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8000000\r\n{}\r\n", "v".repeat(8_000_000))) > 1900
    );
    assert!(cost(&mut bench, "GET k\r\n") > 1900);
}
