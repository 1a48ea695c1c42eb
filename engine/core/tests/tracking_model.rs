//! Client-side caching against what it is for: a client that keeps what it reads, and drops what it is told to drop, never
//! keeps a value that is no longer there, once it has read all that it was sent.

mod fixture;

use std::collections::BTreeMap;

use fixture::{Bench, command, fileless};
use proptest::prelude::*;
use refrain_core::{Bug, SessionId};
use refrain_resp::{Reply, decode};

/// How a client tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Default,
    NoLoop,
    OptIn,
    Broadcast,
    BroadcastPrefixNoLoop,
}

impl Mode {
    fn options(self) -> &'static str {
        match self {
            Mode::Default => "",
            Mode::NoLoop => " NOLOOP",
            Mode::OptIn => " OPTIN",
            Mode::Broadcast => " BCAST",
            Mode::BroadcastPrefixNoLoop => " BCAST PREFIX a NOLOOP",
        }
    }

    /// Whether it is told of its own changes.
    fn hears_itself(self) -> bool {
        !matches!(self, Mode::NoLoop | Mode::BroadcastPrefixNoLoop)
    }

    /// Whether it may keep such a key.
    fn keeps(self, key: &str) -> bool {
        self != Mode::BroadcastPrefixNoLoop || key.starts_with('a')
    }
}

const KEYS: [&str; 5] = ["a", "ab", "b", "c", "abc"];

/// One thing that a client does.
#[derive(Debug, Clone)]
enum Act {
    Get(usize),
    GetTwo(usize, usize),
    Set(usize, u8),
    SetFor(usize, u8, u8),
    SetTwo(usize, usize, u8),
    Append(usize),
    Delete(usize),
    Expire(usize, u8),
    Persist(usize),
    FlushAll,
    Swap,
    /// Several at once.
    Transaction(Vec<Act>),
    /// CLIENT CACHING YES and a read.
    Ask(usize),
}

impl Act {
    fn words(&self) -> Vec<String> {
        let line = match self {
            Act::Get(k) => format!("GET {}", KEYS[*k]),
            Act::GetTwo(k, l) => format!("MGET {} {}", KEYS[*k], KEYS[*l]),
            Act::Set(k, v) => format!("SET {} {v}", KEYS[*k]),
            Act::SetFor(k, v, ms) => format!("SET {} {v} PX {}", KEYS[*k], ms + 1),
            Act::SetTwo(k, l, v) => format!("MSET {} {v} {} {v}", KEYS[*k], KEYS[*l]),
            Act::Append(k) => format!("APPEND {} x", KEYS[*k]),
            Act::Delete(k) => format!("DEL {}", KEYS[*k]),
            Act::Expire(k, ms) => format!("PEXPIRE {} {ms}", KEYS[*k]),
            Act::Persist(k) => format!("PERSIST {}", KEYS[*k]),
            Act::FlushAll => "FLUSHALL".into(),
            Act::Swap => "SWAPDB 0 1".into(),
            Act::Transaction(_) | Act::Ask(_) => unreachable!("sent as several commands"),
        };
        line.split(' ').map(str::to_owned).collect()
    }
}

/// What a client has sent and not yet seen answered.
#[derive(Debug, Clone)]
enum Sent {
    /// With whether what it reads may be kept.
    One(Act, bool),
    Exec(Vec<Act>, bool),
    Ignored,
}

struct Client {
    session: SessionId,
    mode: Mode,
    read: usize,
    sent: Vec<Sent>,
    cache: BTreeMap<String, Option<Vec<u8>>>,
}

impl Client {
    /// Takes in all that was received, in its order.
    fn take_in(&mut self, received: &[u8]) {
        while self.read < received.len() {
            let (item, len) = decode(&received[self.read..]).expect("what is sent is well formed").expect("and whole");
            self.read += len;
            if let Reply::Push(parts) = item {
                assert_eq!(parts[0], Reply::Bulk(b"invalidate".to_vec()));
                match &parts[1] {
                    Reply::Array(keys) => keys.iter().for_each(|key| self.forget(key)),
                    _ => self.cache.clear(),
                }
                continue;
            }
            assert!(!self.sent.is_empty(), "a reply to nothing: {item:?}");
            match (self.sent.remove(0), item) {
                (Sent::One(act, keeps), reply) => self.saw(&act, &reply, keeps),
                (Sent::Exec(acts, keeps), Reply::Array(replies)) => {
                    assert_eq!(acts.len(), replies.len());
                    acts.iter().zip(&replies).for_each(|(act, reply)| self.saw(act, reply, keeps));
                }
                (Sent::Ignored, _) => {}
                (Sent::Exec(..), other) => panic!("EXEC answered {other:?}"),
            }
        }
        assert!(self.sent.is_empty(), "not answered: {:?}", self.sent);
    }

    fn forget(&mut self, key: &Reply) {
        let Reply::Bulk(key) = key else { panic!("a key is a string, not {key:?}") };
        self.cache.remove(std::str::from_utf8(key).expect("the keys of this test are ASCII"));
    }

    /// A read is kept; what it changes itself a client must drop itself if it is not told.
    fn saw(&mut self, act: &Act, reply: &Reply, keeps: bool) {
        let mut keep = |k: usize, value: &Reply| {
            let value = match value {
                Reply::Bulk(bytes) => Some(bytes.clone()),
                _ => None,
            };
            if keeps && self.mode.keeps(KEYS[k]) {
                self.cache.insert(KEYS[k].to_owned(), value);
            }
        };
        match (act, reply) {
            (Act::Get(k), value) => keep(*k, value),
            (Act::GetTwo(k, l), Reply::Array(values)) => {
                keep(*k, &values[0]);
                keep(*l, &values[1]);
            }
            (
                Act::Set(k, _)
                | Act::SetFor(k, ..)
                | Act::Append(k)
                | Act::Delete(k)
                | Act::Expire(k, _)
                | Act::Persist(k),
                _,
            ) if !self.mode.hears_itself() => {
                self.cache.remove(KEYS[*k]);
            }
            (Act::SetTwo(k, l, _), _) if !self.mode.hears_itself() => {
                self.cache.remove(KEYS[*k]);
                self.cache.remove(KEYS[*l]);
            }
            _ => {}
        }
    }
}

/// The clients, an engine, and the law.
struct World {
    bench: Bench,
    clients: Vec<Client>,
}

impl World {
    fn new(modes: &[Mode], max_keys: u64, bug: Option<Bug>) -> World {
        let mut bench = Bench::new(fileless(), bug);
        let clients = modes.iter().map(|mode| {
            let session = bench.connect();
            bench.ask(session, &format!("CONFIG SET tracking-table-max-keys {max_keys}"));
            bench.ask(session, "HELLO 3");
            assert_eq!(bench.ask(session, &format!("CLIENT TRACKING ON{}", mode.options())), "+OK\r\n");
            let read = bench.received[&session].len();
            Client { session, mode: *mode, read, sent: Vec::new(), cache: BTreeMap::new() }
        });
        World { clients: clients.collect(), bench }
    }

    /// What a client sends for this, remembered as sent.
    fn bytes(client: &mut Client, act: &Act) -> Vec<u8> {
        let encode = |words: Vec<String>| command(&words.iter().map(|w| w.as_bytes()).collect::<Vec<_>>());
        let always = client.mode != Mode::OptIn;
        match act {
            Act::Transaction(acts) => {
                client.sent.push(Sent::Ignored);
                client.sent.extend(acts.iter().map(|_| Sent::Ignored));
                client.sent.push(Sent::Exec(acts.clone(), always));
                let queue = acts.iter().flat_map(|act| encode(act.words()));
                b"MULTI\r\n".iter().copied().chain(queue).chain(*b"EXEC\r\n").collect()
            }
            Act::Ask(k) => {
                client.sent.push(Sent::Ignored);
                client.sent.push(Sent::One(Act::Get(*k), true));
                [b"CLIENT CACHING YES\r\n".to_vec(), encode(Act::Get(*k).words())].concat()
            }
            act => {
                client.sent.push(Sent::One(act.clone(), always));
                encode(act.words())
            }
        }
    }

    /// One round, in which every client sends what it does.
    fn round(&mut self, acts: &[(usize, Act)]) {
        let mut inputs: Vec<(SessionId, Vec<u8>)> = Vec::new();
        for (who, act) in acts {
            let client = &mut self.clients[*who];
            let bytes = World::bytes(client, act);
            match inputs.iter_mut().find(|(session, _)| *session == client.session) {
                Some((_, all)) => all.extend(bytes),
                None => inputs.push((client.session, bytes)),
            }
        }
        let inputs: Vec<(SessionId, &[u8])> = inputs.iter().map(|(s, b)| (*s, b.as_slice())).collect();
        self.bench.round(&inputs);
    }

    /// What a client keeps that is not there, if anything.
    fn violation(&mut self) -> Option<String> {
        let data = self.bench.data();
        for (i, client) in self.clients.iter_mut().enumerate() {
            client.take_in(&self.bench.received[&client.session]);
            for (key, value) in &client.cache {
                let there = data.get(&(0, key.clone().into_bytes())).map(|(value, _)| value);
                if there != value.as_ref() {
                    return Some(format!("client {i} keeps {key} as {value:?}, which is {there:?}"));
                }
            }
        }
        None
    }
}

fn simple_act() -> impl Strategy<Value = Act> {
    let key = 0..KEYS.len();
    prop_oneof![
        6 => key.clone().prop_map(Act::Get),
        2 => (key.clone(), key.clone()).prop_map(|(k, l)| Act::GetTwo(k, l)),
        3 => (key.clone(), any::<u8>()).prop_map(|(k, v)| Act::Set(k, v)),
        2 => (key.clone(), any::<u8>(), 0u8..6).prop_map(|(k, v, ms)| Act::SetFor(k, v, ms)),
        1 => (key.clone(), key.clone(), any::<u8>()).prop_map(|(k, l, v)| Act::SetTwo(k, l, v)),
        1 => key.clone().prop_map(Act::Append),
        1 => key.clone().prop_map(Act::Delete),
        1 => (key.clone(), 0u8..6).prop_map(|(k, ms)| Act::Expire(k, ms)),
        1 => key.prop_map(Act::Persist),
        1 => Just(Act::FlushAll),
        1 => Just(Act::Swap),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![8 => simple_act(), 1 => prop::collection::vec(simple_act(), 0..5).prop_map(Act::Transaction)]
}

fn modes() -> impl Strategy<Value = Vec<Mode>> {
    let all = vec![Mode::Default, Mode::NoLoop, Mode::OptIn, Mode::Broadcast, Mode::BroadcastPrefixNoLoop];
    prop::collection::vec(prop::sample::select(all), 3)
}

/// What clients do, after so many milliseconds and, perhaps, periodic work.
type Round = (Vec<(usize, Act)>, u64, bool);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let who_does = (0usize..3, act());
    prop::collection::vec((prop::collection::vec(who_does, 1..6), 0u64..4, any::<bool>()), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nobody_keeps_what_is_not_there(modes in modes(), max_keys in 0u64..5, rounds in rounds()) {
        let mut world = World::new(&modes, max_keys, None);
        for (acts, ms, ticks) in rounds {
            world.bench.advance_ms(ms);
            if ticks {
                world.bench.tick();
            }
            let opted: Vec<(usize, Act)> = acts
                .into_iter()
                .map(|(who, act)| match act {
                    Act::Get(k) if modes[who] == Mode::OptIn && ms % 2 == 0 => (who, Act::Ask(k)),
                    act => (who, act),
                })
                .collect();
            world.round(&opted);
            let violation = world.violation();
            prop_assert!(violation.is_none(), "{}", violation.unwrap());
            let tracking = &world.bench.engine.state().tracking;
            prop_assert!(max_keys == 0 || tracking.keys() as u64 <= max_keys, "the table is bounded");
            prop_assert!(tracking.items() >= tracking.keys());
        }
    }
}

#[test]
fn an_invalidation_before_its_write_is_caught() {
    let story = |bug| {
        let mut world = World::new(&[Mode::Default, Mode::Default], 0, bug);
        let (reader, writer) = (world.clients[0].session, world.clients[1].session);
        world.round(&[(1, Act::Set(0, 1))]);
        world.round(&[(0, Act::Get(0))]);
        world.clients[1].sent.extend([Sent::Ignored, Sent::Ignored, Sent::Exec(vec![Act::Set(0, 2)], true)]);
        world.bench.ask(writer, "MULTI\r\nSET a 2");
        world.clients[0].sent.push(Sent::One(Act::Get(0), true));
        world.bench.ask(reader, "GET a");
        world.bench.ask(writer, "EXEC");
        world.violation()
    };
    assert_eq!(story(None), None);
    assert!(story(Some(Bug::InvalidationBeforeWrite)).is_some_and(|found| found.contains("client 0 keeps a")));
}

#[test]
fn an_invalidation_stands_before_later_replies_and_behind_the_reply_of_its_write() {
    let mut bench = Bench::new(fileless(), None);
    let (one, two) = (bench.connect(), bench.connect());
    for client in [one, two] {
        bench.ask(client, "HELLO 3");
        bench.ask(client, "CLIENT TRACKING ON");
        bench.ask(client, "GET k");
    }
    let before = bench.received[&two].len();
    // All in one round: the write of the first, then commands of the second.
    bench.round(&[(one, b"SET k 1\r\nPING\r\n"), (two, b"PING\r\nGET k\r\n")]);
    let told = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
    let of_one = String::from_utf8_lossy(&bench.received[&one]).into_owned();
    assert!(of_one.ends_with(&format!("+OK\r\n{told}+PONG\r\n")), "{of_one}");
    let of_two = String::from_utf8_lossy(&bench.received[&two][before..]).into_owned();
    assert_eq!(of_two, format!("{told}+PONG\r\n$1\r\n1\r\n"));
}

#[test]
fn what_is_remembered_of_clients_that_have_gone_is_bounded() {
    let mut bench = Bench::new(fileless(), None);
    for _ in 0..2000 {
        let client = bench.connect();
        bench.ask(client, "CLIENT TRACKING ON");
        bench.ask(client, "MGET a b c");
        bench.engine.disconnect(client);
    }
    let tracking = &bench.engine.state().tracking;
    assert_eq!((tracking.clients(), tracking.keys()), (0, 3));
    assert!(tracking.items() <= 3, "{} items", tracking.items());
    assert_eq!(tracking.prefixes(), 0);
}
