//! What clients take is known exactly at any time, and when it is more than `maxmemory-clients` the largest are closed, no
//! more of them than must be.

mod fixture;

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::config::ClientClass;
use refrain_core::{Closing, Config, Input, SessionId};

fn limited(setting: &str) -> Bench {
    let mut bench = Bench::new(Config::default(), None);
    let operator = bench.connect();
    assert_eq!(bench.ask(operator, "CLIENT NO-EVICT ON"), "+OK\r\n");
    assert_eq!(bench.ask(operator, &format!("CONFIG SET maxmemory-clients {setting}")), "+OK\r\n");
    bench
}

/// Everybody who is connected, as CLIENT LIST shows it: what it takes by name.
fn sizes(bench: &mut Bench, who: SessionId) -> Vec<(String, usize)> {
    let field = |line: &str, name: &str| -> String {
        let value = line.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        value.expect("every line has every field").to_owned()
    };
    let list = bench.ask(who, "CLIENT LIST");
    let lines = list.lines().filter(|line| line.starts_with("id="));
    lines.map(|line| (field(line, "name"), field(line, "tot-mem").parse().expect("a number"))).collect()
}

fn open(bench: &Bench, id: SessionId) -> bool {
    bench.engine.closing(id) == Closing::Open
}

/// A command's beginning that makes the client take about so much.
fn fill(bench: &mut Bench, name: &str, bytes: usize) -> SessionId {
    let id = bench.connect();
    bench.ask(id, &format!("CLIENT SETNAME {name}"));
    bench.send(id, format!("*2\r\n${bytes}\r\n{}", "v".repeat(bytes)));
    id
}

fn drop_closed(bench: &mut Bench, ids: &[SessionId]) {
    for id in ids {
        if !open(bench, *id) {
            bench.engine.disconnect(*id);
        }
    }
}

#[test]
fn the_largest_go_first_and_only_as_many_as_must() {
    let mut bench = limited("0");
    let operator = bench.connect();
    bench.ask(operator, "CLIENT NO-EVICT ON\r\nCLIENT SETNAME operator");
    let small: Vec<SessionId> = (0..3).map(|_| fill(&mut bench, "small", 100_000)).collect();
    let large: Vec<SessionId> = (0..3).map(|_| fill(&mut bench, "large", 1_000_000)).collect();
    let all: usize =
        sizes(&mut bench, operator).iter().filter(|(name, _)| name == "small" || name == "large").map(|(_, n)| n).sum();
    // Exactly what they take is allowed.
    bench.ask(operator, &format!("CONFIG SET maxmemory-clients {all}"));
    assert!(small.iter().chain(&large).all(|id| open(&bench, *id)));
    bench.ask(operator, &format!("CONFIG SET maxmemory-clients {}", all - 1));
    assert_eq!(large.iter().filter(|id| open(&bench, **id)).count(), 2, "one goes for one byte");
    assert!(small.iter().all(|id| open(&bench, *id)));
    bench.ask(operator, "CONFIG SET maxmemory-clients 400000");
    assert!(!large.iter().any(|id| open(&bench, *id)));
    assert!(small.iter().all(|id| open(&bench, *id)));
    assert!(bench.ask(operator, "INFO stats").contains("evicted_clients:3\r\n"));
    assert!(bench.engine.effects().log.iter().any(|line| line.text.starts_with("Evicting client: id=")));
}

#[test]
fn who_may_not_be_evicted_stays_until_it_may() {
    let mut bench = limited("200000");
    let client = bench.connect();
    bench.ask(client, "CLIENT NO-EVICT ON");
    bench.send(client, format!("*2\r\n$400000\r\n{}", "v".repeat(399_999)));
    assert!(open(&bench, client));
    bench.send(client, "v\r\n$1\r\nx\r\n");
    bench.send(client, "CLIENT NO-EVICT OFF\r\n");
    assert!(open(&bench, client), "it has sent it all, and room that is kept for it goes first");
    bench.send(client, format!("*2\r\n$400000\r\n{}", "v".repeat(399_999)));
    assert!(!open(&bench, client));
}

#[test]
fn a_percentage_is_of_maxmemory() {
    let mut bench = limited("10%");
    let client = fill(&mut bench, "c", 300_000);
    assert!(open(&bench, client), "there is no maxmemory to take a part of");
    let operator = bench.connect();
    bench.ask(operator, "CLIENT NO-EVICT ON");
    bench.ask(operator, "CONFIG SET maxmemory 2mb");
    assert!(!open(&bench, client));
}

#[test]
fn watches_subscriptions_and_queues_count() {
    for (first, line) in [("PING", "WATCH key"), ("PING", "SUBSCRIBE channel"), ("MULTI", "SET k v")] {
        let mut bench = limited("60000");
        let client = bench.connect();
        bench.ask(client, first);
        let mut sent = 0;
        while open(&bench, client) {
            bench
                .ask(client, &line.replace("key", &format!("key{sent}")).replace("channel", &format!("channel{sent}")));
            sent += 1;
            assert!(sent < 5000, "{line} takes nothing");
        }
        assert!(sent > 50, "{line} takes too much");
    }
}

/// What one client does in a step of a random story.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let size = prop::sample::select(vec![1usize, 50, 3000, 40_000]);
    (0u8..12, size, 0u8..6).prop_map(|(what, size, k)| match what {
        0 => format!("SET k{k} {}\r\n", "v".repeat(size)).into_bytes(),
        1 => format!("GET k{k}\r\n").into_bytes(),
        2 => format!("*2\r\n$3\r\nGET\r\n${size}\r\n").into_bytes(),
        3 => b"MULTI\r\n".to_vec(),
        4 => b"EXEC\r\n".to_vec(),
        5 => format!("WATCH k{k}\r\n").into_bytes(),
        6 => format!("SUBSCRIBE c{k}\r\n").into_bytes(),
        7 => format!("PUBLISH c{k} {}\r\n", "m".repeat(size)).into_bytes(),
        8 => b"CLIENT NO-EVICT ON\r\n".to_vec(),
        9 => b"RESET\r\n".to_vec(),
        10 => b"CLIENT PAUSE 3 WRITE\r\n".to_vec(),
        _ => "x".repeat(size.min(900)).into_bytes(),
    })
}

#[derive(Debug, Clone)]
enum Event {
    Send(usize, Vec<u8>),
    /// The client reads at most so much.
    Read(usize, usize),
    Leave(usize),
    Tick,
    Limit(u32),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0usize..4, line()).prop_map(|(who, bytes)| Event::Send(who, bytes)),
        3 => (0usize..4, 1usize..60_000).prop_map(|(who, n)| Event::Read(who, n)),
        1 => (0usize..4).prop_map(Event::Leave),
        2 => Just(Event::Tick),
        1 => prop::sample::select(vec![0u32, 20_000, 90_000]).prop_map(Event::Limit),
    ]
}

fn check(bench: &Bench) {
    let state = bench.engine.state();
    let live = |class: ClientClass| -> usize {
        let sessions = state.sessions.iter().filter(|s| s.class() == class && s.closing != Closing::Now);
        sessions.map(refrain_core::Session::memory).sum()
    };
    for class in [ClientClass::Normal, ClientClass::Pubsub] {
        assert_eq!(state.client_memory.of(class), live(class), "{class:?}");
    }
    let limit = state.config.limits.maxmemory_clients.limit(0).unwrap_or(u64::MAX);
    let evictable: usize = state
        .sessions
        .iter()
        .filter(|s| !s.no_evict && s.closing != Closing::Now)
        .map(refrain_core::Session::memory)
        .sum();
    assert!(evictable as u64 <= limit, "{evictable} is more than {limit}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_are_exact_and_the_limit_holds(story in prop::collection::vec(event(), 1..60)) {
        let mut bench = Bench::new(Config::default(), None);
        let operator = bench.connect();
        bench.ask(operator, "CLIENT NO-EVICT ON");
        let mut ids: Vec<SessionId> = (0..4).map(|_| bench.connect()).collect();
        for event in story {
            match event {
                Event::Send(who, bytes) => {
                    let id = ids[who];
                    let input = match bench.engine.read_into(id) {
                        refrain_core::ReadInto::Arena => Some(Input { session: id, bytes: Some(0..bytes.len()), len: bytes.len() }),
                        refrain_core::ReadInto::Pending(pending) => {
                            pending.extend_from_slice(&bytes);
                            Some(Input { session: id, bytes: None, len: bytes.len() })
                        }
                        _ => None,
                    };
                    bench.engine.round(&bytes, &Vec::from_iter(input));
                    while bench.engine.is_runnable() {
                        bench.engine.round(&[], &[]);
                    }
                }
                Event::Read(who, n) => {
                    let n = n.min(bench.engine.unsent(ids[who]).len());
                    bench.engine.sent(ids[who], n);
                }
                Event::Leave(who) => {
                    bench.engine.disconnect(ids[who]);
                    ids[who] = bench.connect();
                }
                Event::Tick => {
                    bench.advance_ms(700);
                    bench.engine.tick();
                }
                Event::Limit(bytes) => {
                    bench.ask(operator, &format!("CONFIG SET maxmemory-clients {bytes}"));
                }
            }
            check(&bench);
            drop_closed(&mut bench, &ids);
            for id in &mut ids {
                if bench.engine.closing(*id) != Closing::Open {
                    bench.engine.disconnect(*id);
                    *id = bench.connect();
                }
            }
        }
    }
}
