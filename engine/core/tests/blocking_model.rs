//! Blocked clients against a model that is as simple as can be: queues of values, a list of those who wait, and one order of
//! commands in which whoever can be served is served after each.

mod fixture;

use std::collections::{BTreeMap, VecDeque};

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::{Config, SessionId};

const CLIENTS: usize = 5;

/// Keys of lists and of sorted sets.
const LISTS: [&str; 3] = ["l1", "l2", "l3"];
const SORTED: [&str; 2] = ["z1", "z2"];

/// A request of a client.
#[derive(Debug, Clone, PartialEq)]
enum Ask {
    Push {
        key: usize,
        left: bool,
        values: Vec<u8>,
    },
    Pop {
        key: usize,
        left: bool,
    },
    BlockingPop {
        keys: Vec<usize>,
        left: bool,
        ms: u64,
    },
    BlockingMove {
        from: usize,
        to: usize,
        ms: u64,
    },
    BlockingMany {
        key: usize,
        count: usize,
        ms: u64,
    },
    Add {
        key: usize,
        member: u8,
        score: u8,
    },
    BlockingLeast {
        keys: Vec<usize>,
        ms: u64,
    },
    Delete {
        key: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Echo(u8),
    /// MULTI, the commands, EXEC.
    Together(Vec<Ask>),
}

#[derive(Debug, Clone)]
enum Step {
    Send(usize, Vec<Ask>),
    Pass(u64),
    Disconnect(usize),
    /// CLIENT UNBLOCK, with an error or as at a timeout, by a client that does nothing else.
    Unblock(usize, bool),
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

impl Ask {
    /// As it is sent, in inline requests.
    fn text(&self) -> String {
        let names = |keys: &[usize], of: &[&str]| keys.iter().map(|k| of[*k]).collect::<Vec<_>>().join(" ");
        let end = |left: &bool| if *left { "L" } else { "R" };
        match self {
            Ask::Push { key, left, values } => {
                let values: Vec<String> = values.iter().map(u8::to_string).collect();
                format!("{}PUSH {} {}", end(left), LISTS[*key], values.join(" "))
            }
            Ask::Pop { key, left } => format!("{}POP {}", end(left), LISTS[*key]),
            Ask::BlockingPop { keys, left, ms } => {
                format!("B{}POP {} {}", end(left), names(keys, &LISTS), seconds(*ms))
            }
            Ask::BlockingMove { from, to, ms } => {
                format!("BLMOVE {} {} LEFT RIGHT {}", LISTS[*from], LISTS[*to], seconds(*ms))
            }
            Ask::BlockingMany { key, count, ms } => {
                format!("BLMPOP {} 1 {} LEFT COUNT {count}", seconds(*ms), LISTS[*key])
            }
            Ask::Add { key, member, score } => format!("ZADD {} {score} {member}", SORTED[*key]),
            Ask::BlockingLeast { keys, ms } => format!("BZPOPMIN {} {}", names(keys, &SORTED), seconds(*ms)),
            Ask::Delete { key } => format!("DEL {}", LISTS[*key]),
            Ask::Rename { from, to } => format!("RENAME {} {}", LISTS[*from], LISTS[*to]),
            Ask::Echo(what) => format!("ECHO {what}"),
            Ask::Together(asks) => {
                let inside: Vec<String> = asks.iter().map(Ask::text).collect();
                format!("MULTI\r\n{}\r\nEXEC", inside.join("\r\n"))
            }
        }
    }

    fn deadline_ms(&self) -> u64 {
        match self {
            Ask::BlockingPop { ms, .. }
            | Ask::BlockingMove { ms, .. }
            | Ask::BlockingMany { ms, .. }
            | Ask::BlockingLeast { ms, .. } => *ms,
            _ => 0,
        }
    }

    /// Keys that it waits for, sorted sets behind lists.
    fn waits_for(&self) -> Vec<usize> {
        match self {
            Ask::BlockingPop { keys, .. } => keys.clone(),
            Ask::BlockingMove { from: key, .. } | Ask::BlockingMany { key, .. } => vec![*key],
            Ask::BlockingLeast { keys, .. } => keys.iter().map(|key| LISTS.len() + key).collect(),
            _ => Vec::new(),
        }
    }
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

#[derive(Debug, Default)]
struct Client {
    pending: VecDeque<Ask>,
    waits: Option<(Ask, u64, Option<u64>)>,
    got: String,
    gone: bool,
}

#[derive(Debug, Default)]
struct Model {
    lists: [VecDeque<u8>; LISTS.len()],
    sorted: [BTreeMap<u8, u8>; SORTED.len()],
    clients: Vec<Client>,
    tickets: u64,
    now_ms: u64,
    ready: VecDeque<usize>,
}

impl Model {
    fn changed(&mut self, key: usize) {
        if !self.ready.contains(&key) {
            self.ready.push_back(key);
        }
    }

    fn pop(&mut self, key: usize, left: bool) -> Option<u8> {
        let popped = if left { self.lists[key].pop_front() } else { self.lists[key].pop_back() };
        if popped.is_some() {
            self.changed(key);
        }
        popped
    }

    /// What it is answered; `None` if it has to wait.
    fn execute(&mut self, ask: &Ask) -> Option<String> {
        Some(match ask {
            Ask::Push { key, left, values } => {
                for value in values {
                    if *left { self.lists[*key].push_front(*value) } else { self.lists[*key].push_back(*value) }
                }
                self.changed(*key);
                format!(":{}\r\n", self.lists[*key].len())
            }
            Ask::Pop { key, left } => self.pop(*key, *left).map_or("$-1\r\n".into(), |value| bulk(&value.to_string())),
            Ask::BlockingPop { keys, left, .. } => {
                let key = *keys.iter().find(|key| !self.lists[**key].is_empty())?;
                let value = self.pop(key, *left)?;
                format!("*2\r\n{}{}", bulk(LISTS[key]), bulk(&value.to_string()))
            }
            Ask::BlockingMove { from, to, .. } => {
                let value = self.pop(*from, true)?;
                self.lists[*to].push_back(value);
                self.changed(*to);
                bulk(&value.to_string())
            }
            Ask::BlockingMany { key, count, .. } => {
                let values: Vec<u8> = std::iter::from_fn(|| self.pop(*key, true)).take(*count).collect();
                if values.is_empty() {
                    return None;
                }
                let texts: String = values.iter().map(|value| bulk(&value.to_string())).collect();
                format!("*2\r\n{}*{}\r\n{texts}", bulk(LISTS[*key]), values.len())
            }
            Ask::Add { key, member, score } => {
                let new = self.sorted[*key].insert(*member, *score).is_none();
                self.changed(LISTS.len() + key);
                format!(":{}\r\n", u8::from(new))
            }
            Ask::BlockingLeast { keys, .. } => {
                let key = *keys.iter().find(|key| !self.sorted[**key].is_empty())?;
                let by_text = |(member, score): &(&u8, &u8)| (**score, member.to_string());
                let (member, score) = self.sorted[key].iter().min_by_key(by_text).map(|(m, s)| (*m, *s))?;
                self.sorted[key].remove(&member);
                format!("*3\r\n{}{}{}", bulk(SORTED[key]), bulk(&member.to_string()), bulk(&score.to_string()))
            }
            Ask::Delete { key } => {
                let had = !std::mem::take(&mut self.lists[*key]).is_empty();
                format!(":{}\r\n", u8::from(had))
            }
            Ask::Rename { from, .. } if self.lists[*from].is_empty() => "-ERR no such key\r\n".into(),
            Ask::Rename { from, to } => {
                if from != to {
                    self.lists[*to] = std::mem::take(&mut self.lists[*from]);
                    self.changed(*to);
                }
                "+OK\r\n".into()
            }
            Ask::Echo(what) => bulk(&what.to_string()),
            Ask::Together(asks) => {
                let mut text = "+OK\r\n".to_owned() + &"+QUEUED\r\n".repeat(asks.len());
                text += &format!("*{}\r\n", asks.len());
                for ask in asks {
                    text += &self.execute(ask).unwrap_or_else(|| match ask {
                        Ask::BlockingMove { .. } => "$-1\r\n".into(),
                        _ => "*-1\r\n".into(),
                    });
                }
                text
            }
        })
    }

    /// Serves all who can be served; those who have more to do, in that order.
    fn serve(&mut self) -> Vec<usize> {
        let mut served = Vec::new();
        while let Some(key) = self.ready.pop_front() {
            let mut waiting: Vec<(u64, usize)> = Vec::new();
            for (i, client) in self.clients.iter().enumerate() {
                if let Some((ask, ticket, _)) = &client.waits
                    && ask.waits_for().contains(&key)
                {
                    waiting.push((*ticket, i));
                }
            }
            waiting.sort_unstable();
            for (_, i) in waiting {
                // Who comes after the one that took the last element keeps waiting, also for its other keys: those have their own turn.
                let holds = if key < LISTS.len() {
                    !self.lists[key].is_empty()
                } else {
                    !self.sorted[key - LISTS.len()].is_empty()
                };
                if !holds {
                    break;
                }
                let (ask, ..) = self.clients[i].waits.clone().expect("it waited a moment ago");
                if let Some(reply) = self.execute(&ask) {
                    self.release(i, &reply);
                    served.push(i);
                }
            }
        }
        served.retain(|i| !self.clients[*i].pending.is_empty());
        served
    }

    fn release(&mut self, i: usize, reply: &str) {
        self.clients[i].waits = None;
        self.clients[i].got += reply;
    }

    /// Executes what these have sent, in turn.
    fn run(&mut self, mut turns: VecDeque<usize>) {
        while let Some(i) = turns.pop_front() {
            while self.clients[i].waits.is_none()
                && let Some(ask) = self.clients[i].pending.pop_front()
            {
                match self.execute(&ask) {
                    Some(reply) => self.clients[i].got += &reply,
                    None => {
                        self.tickets += 1;
                        let deadline = Some(ask.deadline_ms()).filter(|ms| *ms > 0).map(|ms| self.now_ms + ms);
                        self.clients[i].waits = Some((ask, self.tickets, deadline));
                    }
                }
                let released = self.serve();
                if !released.is_empty() {
                    // They were here before whoever comes next, and before what this one has left.
                    turns.push_front(i);
                    released.into_iter().rev().for_each(|i| turns.push_front(i));
                    break;
                }
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let mut over: Vec<(u64, usize)> = Vec::new();
        for (i, client) in self.clients.iter().enumerate() {
            if let Some((_, _, Some(deadline))) = client.waits
                && deadline <= self.now_ms
            {
                over.push((deadline, i));
            }
        }
        // By the same deadline, by their place among the sessions.
        over.sort_unstable();
        for (_, i) in &over {
            self.release(*i, "*-1\r\n");
        }
        self.run(over.into_iter().map(|(_, i)| i).collect());
    }
}

fn ask() -> impl Strategy<Value = Ask> {
    let list = 0..LISTS.len();
    let lists = prop::collection::vec(list.clone(), 1..3);
    let sorted = prop::collection::vec(0..SORTED.len(), 1..3);
    let ms = prop::sample::select(vec![0u64, 0, 3, 8]);
    let simple = prop_oneof![
        6 => (list.clone(), any::<bool>(), prop::collection::vec(0u8..100, 1..4))
            .prop_map(|(key, left, values)| Ask::Push { key, left, values }),
        1 => (list.clone(), any::<bool>()).prop_map(|(key, left)| Ask::Pop { key, left }),
        6 => (lists, any::<bool>(), ms.clone()).prop_map(|(keys, left, ms)| Ask::BlockingPop { keys, left, ms }),
        4 => (list.clone(), list.clone(), ms.clone()).prop_map(|(from, to, ms)| Ask::BlockingMove { from, to, ms }),
        2 => (list.clone(), 1usize..4, ms.clone()).prop_map(|(key, count, ms)| Ask::BlockingMany { key, count, ms }),
        3 => (0..SORTED.len(), 0u8..20, 0u8..5).prop_map(|(key, member, score)| Ask::Add { key, member, score }),
        3 => (sorted, ms).prop_map(|(keys, ms)| Ask::BlockingLeast { keys, ms }),
        1 => list.clone().prop_map(|key| Ask::Delete { key }),
        1 => (list.clone(), list).prop_map(|(from, to)| Ask::Rename { from, to }),
        3 => (0u8..100).prop_map(Ask::Echo),
    ];
    prop_oneof![
        8 => simple.clone(),
        1 => prop::collection::vec(simple, 1..5).prop_map(Ask::Together),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    prop_oneof![
        16 => (client.clone(), prop::collection::vec(ask(), 1..5)).prop_map(|(i, asks)| Step::Send(i, asks)),
        4 => (0u64..6).prop_map(Step::Pass),
        1 => client.clone().prop_map(Step::Disconnect),
        1 => (client, any::<bool>()).prop_map(|(i, error)| Step::Unblock(i, error)),
    ]
}

fn text_of(asks: &[Ask]) -> Vec<u8> {
    asks.iter().flat_map(|ask| (ask.text() + "\r\n").into_bytes()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn waiting_follows_the_rules(steps in prop::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new(Config::default(), None);
        let clients: Vec<SessionId> = (0..CLIENTS).map(|_| bench.connect()).collect();
        let operator = bench.connect();
        let mut model = Model::default();
        model.clients.resize_with(CLIENTS, Client::default);
        for step in steps {
            match &step {
                Step::Send(i, _) if model.clients[*i].gone => {}
                Step::Send(i, asks) => {
                    bench.round(&[(clients[*i], &text_of(asks))]);
                    model.clients[*i].pending.extend(asks.iter().cloned());
                    model.run(VecDeque::from([*i]));
                }
                Step::Pass(ms) => {
                    bench.advance_ms(*ms);
                    if ms % 2 == 0 {
                        bench.tick();
                    }
                    bench.round(&[]);
                    model.pass(*ms);
                }
                Step::Disconnect(i) => {
                    if !model.clients[*i].gone {
                        bench.engine.disconnect(clients[*i]);
                        model.clients[*i] = Client { gone: true, got: model.clients[*i].got.clone(), ..Client::default() };
                    }
                }
                Step::Unblock(i, error) => {
                    let reason = if *error { "ERROR" } else { "TIMEOUT" };
                    let said = bench.ask(operator, &format!("CLIENT UNBLOCK {} {reason}", i + 1));
                    let waits = model.clients[*i].waits.is_some();
                    prop_assert_eq!(said, format!(":{}\r\n", u8::from(waits)));
                    if waits {
                        model.release(*i, if *error { "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" } else { "*-1\r\n" });
                        model.run(VecDeque::from([*i]));
                    }
                }
            }
            for (i, client) in model.clients.iter().enumerate() {
                let got = String::from_utf8_lossy(&bench.received[&clients[i]]).into_owned();
                prop_assert_eq!(&got, &client.got, "client {} after {:?}", i, step);
            }
            let waiting = model.clients.iter().filter(|client| client.waits.is_some()).count();
            prop_assert_eq!(bench.engine.state().waiters.sessions(), waiting);
        }
        for id in clients {
            bench.engine.disconnect(id);
        }
        prop_assert_eq!(bench.engine.state().waiters.keys(), 0, "whoever goes takes his entries with him");
        prop_assert_eq!(bench.engine.state().waiters.deadlines(), 0);
    }

    /// The law of phases, for commands that wait.
    #[test]
    fn grouping_is_invisible(
        streams in prop::collection::vec(prop::collection::vec(ask(), 1..25), CLIENTS),
        rounds in prop::collection::vec((prop::collection::vec(0usize..200, CLIENTS), 0u64..4), 1..10),
    ) {
        let play = |one_by_one: bool| {
            let mut bench = Bench::new(Config::default(), None);
            let clients: Vec<SessionId> = (0..CLIENTS).map(|_| bench.connect()).collect();
            let streams: Vec<Vec<u8>> = streams.iter().map(|asks| text_of(asks)).collect();
            let mut sent = [0usize; CLIENTS];
            let last = (vec![usize::MAX; CLIENTS], 10);
            for (cuts, ms) in rounds.iter().chain(std::iter::repeat_n(&last, 40)) {
                bench.advance_ms(*ms);
                bench.round(&[]);
                let mut inputs: Vec<(SessionId, &[u8])> = Vec::new();
                for (i, stream) in streams.iter().enumerate() {
                    // One who waits awaits his answer before he sends more.
                    let waits = bench.engine.state().sessions.get(clients[i]).is_some_and(|s| s.is_blocked());
                    let end = if waits { sent[i] } else { stream.len().min(sent[i].saturating_add(cuts[i])) };
                    if end > sent[i] {
                        inputs.push((clients[i], &stream[sent[i]..end]));
                    }
                    sent[i] = end;
                }
                if one_by_one {
                    for (client, bytes) in inputs {
                        for byte in bytes {
                            bench.round(&[(client, &[*byte])]);
                        }
                    }
                } else {
                    bench.round(&inputs);
                }
            }
            let stream = bench.engine.effects().stream.bytes().to_vec();
            (clients.iter().map(|id| String::from_utf8_lossy(&bench.received[id]).into_owned()).collect::<Vec<_>>(), stream)
        };
        let (alone, grouped) = (play(true), play(false));
        prop_assert_eq!(alone.0, grouped.0);
        prop_assert_eq!(String::from_utf8_lossy(&alone.1), String::from_utf8_lossy(&grouped.1));
        prop_assert!(!String::from_utf8_lossy(&alone.1).contains("BL"), "nothing that waits is propagated");
    }
}

#[test]
fn one_that_is_to_be_closed_is_not_served() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator) = (bench.connect(), bench.connect());
    assert_eq!(bench.ask(waiting, "BLPOP l1 0"), "");
    assert_eq!(bench.ask(operator, "CLIENT KILL ID 1\r\nRPUSH l1 v\r\nLPOP l1"), ":1\r\n:1\r\n$1\r\nv\r\n");
    assert_eq!(bench.received[&waiting], b"");
    bench.engine.disconnect(waiting);
    let waiting = bench.connect();
    assert_eq!(bench.ask(waiting, "BLPOP l1 0"), "");
    bench.engine.end_of_input(waiting);
    assert_eq!(bench.ask(operator, "RPUSH l1 w\r\nLPOP l1"), ":1\r\n$1\r\nw\r\n");
}

#[test]
fn rights_are_checked_when_it_is_served() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator) = (bench.connect(), bench.connect());
    assert_eq!(bench.ask(operator, "ACL SETUSER u on nopass ~* +@all"), "+OK\r\n");
    assert_eq!(bench.ask(waiting, "AUTH u p\r\nBLPOP l1 0"), "+OK\r\n");
    assert_eq!(bench.ask(operator, "ACL SETUSER u resetkeys ~other\r\nRPUSH l1 v\r\nLLEN l1"), "+OK\r\n:1\r\n:1\r\n");
    assert_eq!(bench.received[&waiting], b"+OK\r\n-NOPERM No permissions to access a key\r\n");
}

#[test]
fn what_others_are_shown_and_what_is_counted() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator, monitor) = (bench.connect(), bench.connect(), bench.connect());
    bench.ask(operator, "CONFIG SET slowlog-log-slower-than 0\r\nSLOWLOG RESET");
    bench.ask(monitor, "MONITOR");
    bench.received.get_mut(&monitor).expect("it is connected").clear();
    bench.ask(waiting, "BLPOP l1 0");
    bench.ask(operator, "RPUSH l1 v");
    let shown = String::from_utf8_lossy(&bench.received[&monitor]).into_owned();
    assert_eq!(shown.matches("BLPOP").count(), 1, "{shown}");
    assert!(shown.find("BLPOP") < shown.find("RPUSH"), "{shown}");
    bench.ask(waiting, "BLPOP l1 0.001");
    bench.advance_ms(1);
    bench.tick();
    let stats = bench.ask(operator, "INFO commandstats");
    assert!(stats.contains("cmdstat_blpop:calls=2,"), "{stats}");
    let log = bench.ask(operator, "SLOWLOG GET 100");
    assert_eq!(log.matches("BLPOP").count(), 2, "{log}");
}

#[test]
fn replies_that_are_not_wanted_are_not_sent() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator) = (bench.connect(), bench.connect());
    bench.ask(waiting, "CLIENT REPLY SKIP\r\nBLPOP l1 0\r\nPING");
    bench.ask(operator, "RPUSH l1 v");
    assert_eq!(bench.received[&waiting], b"+PONG\r\n");
    bench.ask(waiting, "CLIENT REPLY OFF\r\nBLPOP l1 0.001\r\nCLIENT REPLY ON");
    bench.advance_ms(1);
    bench.round(&[]);
    assert_eq!(bench.received[&waiting], b"+PONG\r\n+OK\r\n");
}

#[test]
fn databases_that_are_swapped_serve_those_who_wait_there() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator) = (bench.connect(), bench.connect());
    bench.ask(waiting, "BLPOP l1 0");
    assert_eq!(bench.ask(operator, "SELECT 1\r\nRPUSH l1 v\r\nSWAPDB 0 1"), "+OK\r\n:1\r\n+OK\r\n");
    assert_eq!(bench.received[&waiting], b"*2\r\n$2\r\nl1\r\n$1\r\nv\r\n");
}

#[test]
fn what_is_sent_meanwhile_is_kept_within_its_limit() {
    let mut bench = Bench::new(Config::default(), None);
    let (waiting, operator) = (bench.connect(), bench.connect());
    bench.ask(operator, "CONFIG SET client-query-buffer-limit 1mb");
    bench.ask(waiting, "BLPOP l1 0");
    let echo = format!("ECHO {}\r\n", "x".repeat(60_000));
    for _ in 0..10 {
        bench.round(&[(waiting, echo.as_bytes())]);
    }
    assert_eq!(bench.engine.closing(waiting), refrain_core::Closing::Open);
    let before = bench.ask(operator, "CLIENT LIST ID 1");
    assert!(before.contains(" flags=b ") && before.contains(" cmd=blpop "), "{before}");
    for _ in 0..10 {
        bench.round(&[(waiting, echo.as_bytes())]);
    }
    assert_eq!(bench.engine.closing(waiting), refrain_core::Closing::Now);
}
