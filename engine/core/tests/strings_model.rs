//! Strings, deadlines and databases against the most naive model there is: maps, and a clock that the test turns.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::{BTreeMap, BTreeSet};

use fixture::{Bench, START_US, command};
use proptest::prelude::*;
use refrain_core::{Config, SessionId};
use refrain_resp::{Reply, decode};

const DATABASES: usize = 16;
const NIL: &str = "$-1\r\n";
const OK: &str = "+OK\r\n";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";
const SYNTAX: &str = "-ERR syntax error\r\n";

/// A value and its deadline.
type Entry = (Vec<u8>, Option<i64>);

/// What the engine must agree with.
#[derive(Default)]
struct Model {
    databases: Vec<BTreeMap<String, Entry>>,
    db: usize,
    now_ms: i64,
}

fn bulk(bytes: &[u8]) -> String {
    format!("${}\r\n{}\r\n", bytes.len(), String::from_utf8_lossy(bytes))
}

fn int(n: i64) -> String {
    format!(":{n}\r\n")
}

/// An integer as Redis reads one: no sign but a minus, no leading zero, no space.
fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let n: i64 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

impl Model {
    fn new() -> Model {
        Model { databases: vec![BTreeMap::new(); DATABASES], db: 0, now_ms: (START_US / 1000) as i64 }
    }

    /// Whoever's deadline has come is not there.
    fn bury(&mut self) {
        for db in &mut self.databases {
            db.retain(|_, (_, deadline)| deadline.is_none_or(|at| at > self.now_ms));
        }
    }

    fn here(&mut self) -> &mut BTreeMap<String, Entry> {
        &mut self.databases[self.db]
    }

    /// The reply to a command; what KEYS and RANDOMKEY may say is for the caller to judge.
    fn apply(&mut self, words: &[String]) -> String {
        self.bury();
        let now = self.now_ms;
        let w: Vec<&str> = words.iter().map(String::as_str).collect();
        let get = |m: &mut Model, k: &str| m.here().get(k).cloned();
        match w.as_slice() {
            ["GET", k] => get(self, k).map_or(NIL.into(), |(v, _)| bulk(&v)),
            ["STRLEN", k] => int(get(self, k).map_or(0, |(v, _)| v.len() as i64)),
            ["MGET", keys @ ..] => {
                let each = keys.iter().map(|k| get(self, k).map_or(NIL.into(), |(v, _)| bulk(&v)));
                let each: String = each.collect();
                format!("*{}\r\n{each}", keys.len())
            }
            ["MSET", pairs @ ..] => {
                for pair in pairs.chunks(2) {
                    self.here().insert(pair[0].into(), (pair[1].into(), None));
                }
                OK.into()
            }
            ["SET", k, v, options @ ..] => self.set(k, v, options),
            ["APPEND", k, tail] => {
                let entry = self.here().entry((*k).into()).or_default();
                entry.0.extend_from_slice(tail.as_bytes());
                int(entry.0.len() as i64)
            }
            ["INCR", k] => self.add(k, "1", 1),
            ["DECR", k] => self.add(k, "1", -1),
            ["INCRBY", k, by] => self.add(k, by, 1),
            ["DECRBY", k, by] => self.add(k, by, -1),
            ["GETDEL", k] => self.here().remove(*k).map_or(NIL.into(), |(v, _)| bulk(&v)),
            ["GETEX", k, options @ ..] => {
                let Some((v, _)) = get(self, k) else { return NIL.into() };
                match options {
                    [] => {}
                    ["PERSIST"] => self.here().get_mut(*k).unwrap().1 = None,
                    [unit, time] => match self.deadline(unit, time, "getex", true) {
                        Ok(at) => self.here().get_mut(*k).unwrap().1 = Some(at),
                        Err(error) => return error,
                    },
                    _ => return SYNTAX.into(),
                }
                bulk(&v)
            }
            ["DEL" | "UNLINK", keys @ ..] => {
                int(keys.iter().filter(|k| self.here().remove(**k).is_some()).count() as i64)
            }
            ["EXISTS" | "TOUCH", keys @ ..] => {
                int(keys.iter().filter(|k| self.here().contains_key(**k)).count() as i64)
            }
            ["TYPE", k] => if get(self, k).is_some() { "+string\r\n" } else { "+none\r\n" }.into(),
            [name @ ("EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT"), k, time, conditions @ ..] => {
                let unit = match *name {
                    "EXPIRE" => "EX",
                    "PEXPIRE" => "PX",
                    "EXPIREAT" => "EXAT",
                    _ => "PXAT",
                };
                let at = match self.deadline(unit, time, &name.to_lowercase(), false) {
                    Ok(at) => at,
                    Err(error) => return error,
                };
                let Some((_, old)) = get(self, k) else { return int(0) };
                let never = i64::MAX;
                let holds = conditions.iter().all(|c| match *c {
                    "NX" => old.is_none(),
                    "XX" => old.is_some(),
                    "GT" => old.is_some() && at > old.unwrap_or(never),
                    _ => old.is_none() || at < old.unwrap_or(never),
                });
                if !holds {
                    return int(0);
                }
                self.here().get_mut(*k).unwrap().1 = Some(at);
                int(1)
            }
            ["PTTL", k] => int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| at - now))),
            ["TTL", k] => int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| (at - now + 500) / 1000))),
            ["PEXPIRETIME", k] => int(get(self, k).map_or(-2, |(_, at)| at.unwrap_or(-1))),
            ["EXPIRETIME", k] => int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| (at + 500) / 1000))),
            ["PERSIST", k] => int(i64::from(self.here().get_mut(*k).is_some_and(|e| e.1.take().is_some()))),
            ["SELECT", n] => {
                self.db = n.parse().unwrap();
                OK.into()
            }
            ["SWAPDB", a, b] => {
                self.databases.swap(a.parse().unwrap(), b.parse().unwrap());
                OK.into()
            }
            ["FLUSHDB", ..] => {
                self.here().clear();
                OK.into()
            }
            ["FLUSHALL", ..] => {
                self.databases.iter_mut().for_each(BTreeMap::clear);
                OK.into()
            }
            other => panic!("the model does not know {other:?}"),
        }
    }

    fn deadline(&self, unit: &str, time: &str, command: &str, positive: bool) -> Result<i64, String> {
        let n = parse(time.as_bytes()).ok_or(NOT_AN_INTEGER)?;
        let invalid = format!("-ERR invalid expire time in '{command}' command\r\n");
        if positive && n <= 0 {
            return Err(invalid);
        }
        let ms = if unit.starts_with('E') { n.checked_mul(1000).ok_or(invalid.clone())? } else { n };
        if unit.ends_with("AT") { Ok(ms) } else { ms.checked_add(self.now_ms).ok_or(invalid) }
    }

    fn set(&mut self, k: &str, v: &str, options: &[&str]) -> String {
        let (mut get, mut keep, mut at, mut condition) = (false, false, None, None);
        let mut rest = options;
        while let [word, tail @ ..] = rest {
            rest = tail;
            match *word {
                "GET" => get = true,
                "KEEPTTL" => keep = true,
                "NX" | "XX" => condition = Some((*word, "")),
                _ => {
                    let (operand, tail) = tail.split_first().expect("generated with one");
                    rest = tail;
                    if word.starts_with("IF") {
                        condition = Some((*word, *operand));
                    } else {
                        match self.deadline(word, operand, "set", true) {
                            Ok(time) => at = Some(time),
                            Err(error) => return error,
                        }
                    }
                }
            }
        }
        let old = self.here().get(k).cloned();
        let holds = match condition {
            None => true,
            Some(("NX", _)) => old.is_none(),
            Some(("XX", _)) => old.is_some(),
            Some(("IFEQ", e)) => old.as_ref().is_some_and(|(v, _)| v == e.as_bytes()),
            Some(("IFNE", e)) => old.as_ref().is_none_or(|(v, _)| v != e.as_bytes()),
            Some(other) => panic!("{other:?}"),
        };
        if holds {
            let deadline = if keep { old.as_ref().and_then(|(_, at)| *at) } else { at };
            self.here().insert(k.into(), (v.into(), deadline));
        }
        match (get, old) {
            (true, Some((old, _))) => bulk(&old),
            (true, None) => NIL.into(),
            (false, _) => if holds { OK } else { NIL }.into(),
        }
    }

    fn add(&mut self, k: &str, by: &str, sign: i64) -> String {
        let Some(by) = parse(by.as_bytes()) else { return NOT_AN_INTEGER.into() };
        let Some(by) = by.checked_mul(sign) else { return "-ERR decrement would overflow\r\n".into() };
        let old = self.here().get(k).cloned();
        let (value, deadline) = old.unwrap_or((b"0".to_vec(), None));
        let Some(n) = parse(&value) else { return NOT_AN_INTEGER.into() };
        let Some(n) = n.checked_add(by) else { return "-ERR increment or decrement would overflow\r\n".into() };
        self.here().insert(k.into(), (n.to_string().into_bytes(), deadline));
        int(n)
    }
}

/// One step of a story.
#[derive(Debug, Clone)]
enum Step {
    Command(Vec<String>),
    Advance(u64),
    Tick,
    /// Ticks until all that has expired is gone; then counts are exact.
    Settle,
    Keys,
    Random,
}

fn step() -> impl Strategy<Value = Step> {
    let key = (0..24u32).prop_map(|n| format!("key:{n}"));
    let number = prop::sample::select(vec![
        "0",
        "1",
        "-1",
        "41",
        "9223372036854775807",
        "-9223372036854775808",
        "x",
        "01",
        " 1",
    ]);
    let value = prop_oneof![
        4 => number.clone().prop_map(str::to_owned),
        2 => "[a-z]{0,3}",
        1 => prop::sample::select(vec![15_usize, 16, 40, 63, 64, 255, 256, 1000, 70_000]).prop_map(|n| "v".repeat(n)),
    ];
    let time = prop_oneof![8 => (1..60i64).prop_map(|n| n.to_string()), 1 => number.prop_map(str::to_owned)];
    let unit = prop::sample::select(vec!["PX", "PX", "PX", "EX", "PXAT", "EXAT"]);
    let option = (0..12usize, unit, time.clone(), value.clone()).prop_map(|(which, unit, time, value)| match which {
        0 => "NX".into(),
        1 => "XX".into(),
        2 => "NX GET".into(),
        3 => "XX GET".into(),
        4 => "GET".into(),
        5 => "KEEPTTL".into(),
        6 => format!("IFEQ {value}"),
        7 => format!("GET IFNE {value} {unit} {time}"),
        _ => format!("{unit} {time}"),
    });
    let condition = prop::sample::select(vec!["", "", "", " NX", " XX", " GT", " LT", " XX GT", " LT XX"]);
    let all = (key.clone(), key, value, time, option, condition, 0..DATABASES, 0..DATABASES, 0..64usize);
    all.prop_map(|(k, l, v, t, option, condition, a, b, which)| {
        let line = match which {
            0..=5 => return words(&["SET", &k, &v]),
            6..=14 => {
                let mut command = vec!["SET".to_owned(), k, v];
                command.extend(option.split(' ').map(str::to_owned));
                // An operand of one space would be split: such a value is for plain commands.
                return if option.contains("  ") { words(&["PTTL", &command[1]]) } else { Step::Command(command) };
            }
            15 => return words(&["APPEND", &k, &v]),
            16 => return words(&["MSET", &k, &v, &l, "1", &k, "last"]),
            17 => return words(&["INCRBY", &k, &v]),
            18 => return words(&["DECRBY", &k, &v]),
            19..=22 => format!("GET {k}"),
            23 => format!("MGET {k} {l} {k}"),
            24 => format!("STRLEN {k}"),
            25 => format!("INCR {k}"),
            26 => format!("DECR {k}"),
            27 => format!("GETDEL {k}"),
            28 => format!("GETEX {k}"),
            29 => format!("GETEX {k} PERSIST"),
            30 => format!("GETEX {k} PX 7"),
            31 => format!("DEL {k} {l} {k}"),
            32 => format!("UNLINK {k}"),
            33 => format!("EXISTS {k} {l} {k}"),
            34 => format!("TOUCH {k} {l}"),
            35 => format!("TYPE {k}"),
            36..=38 => {
                return words(
                    &[&["PEXPIRE", &k, &t], condition.split_ascii_whitespace().collect::<Vec<_>>().as_slice()].concat(),
                );
            }
            39 => {
                return words(
                    &[&["EXPIRE", &k, &t], condition.split_ascii_whitespace().collect::<Vec<_>>().as_slice()].concat(),
                );
            }
            40 => return words(&["PEXPIREAT", &k, &t]),
            41 => format!("EXPIREAT {k} 1700000001"),
            42 => format!("PEXPIREAT {k} 1700000000050"),
            43 => format!("TTL {k}"),
            44 => format!("PTTL {k}"),
            45 => format!("EXPIRETIME {k}"),
            46 => format!("PEXPIRETIME {k}"),
            47 => format!("PERSIST {k}"),
            48..=50 => format!("SELECT {}", a % 4),
            51 => format!("SELECT {a}"),
            52 => format!("SWAPDB {a} {b}"),
            53 => format!("SWAPDB {} {}", a % 4, b % 4),
            54 if a == 0 => "FLUSHALL".into(),
            54 => "FLUSHDB ASYNC".into(),
            55 => return Step::Settle,
            56..=58 => return Step::Advance(1 + (a * b) as u64),
            59 => return Step::Advance(1000),
            60 => return Step::Tick,
            61 => return Step::Random,
            _ => return Step::Keys,
        };
        Step::Command(line.split(' ').map(str::to_owned).collect())
    })
}

fn words(words: &[&str]) -> Step {
    Step::Command(words.iter().map(|w| (*w).to_owned()).collect())
}

/// The engine, driven like the model.
struct Pair {
    bench: Bench,
    client: SessionId,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        let mut bench = Bench::new(Config::default(), None);
        bench.engine.effects().stream.enable(false);
        let client = bench.connect();
        Pair { bench, client, model: Model::new() }
    }

    fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        let reply = self.bench.send(self.client, command(&words));
        decode(&reply).unwrap().expect("a whole reply").0
    }

    fn settle(&mut self) {
        for _ in 0..40 {
            self.bench.tick();
        }
    }

    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Command(words) => {
                let expected = self.model.apply(words);
                let bytes: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
                let got = self.bench.send(self.client, command(&bytes));
                prop_assert_eq!(String::from_utf8_lossy(&got), expected, "{:?}", words);
            }
            Step::Advance(ms) => {
                self.bench.advance_ms(*ms);
                self.model.now_ms += *ms as i64;
            }
            Step::Tick => drop(self.bench.tick()),
            Step::Settle => {
                self.settle();
                self.model.bury();
                for db in 0..DATABASES {
                    let keyspace = &self.bench.engine.state().keyspace;
                    prop_assert_eq!(keyspace.db(db).len(), self.model.databases[db].len(), "keys of {}", db);
                    let volatile = self.model.databases[db].values().filter(|(_, at)| at.is_some()).count();
                    prop_assert_eq!(keyspace.db(db).volatile_len(), volatile, "deadlines in {}", db);
                }
                let here = self.model.here().len() as i64;
                prop_assert_eq!(self.ask(&["DBSIZE"]), Reply::Integer(here));
            }
            Step::Keys => {
                self.model.bury();
                let Reply::Array(keys) = self.ask(&["KEYS", "*"]) else { panic!("KEYS gives an array") };
                let got: BTreeSet<String> = keys.iter().map(name).collect();
                prop_assert_eq!(got.len(), keys.len(), "each key once");
                let expected: BTreeSet<String> = self.model.here().keys().cloned().collect();
                prop_assert_eq!(got, expected);
            }
            Step::Random => {
                self.model.bury();
                let reply = self.ask(&["RANDOMKEY"]);
                match reply {
                    Reply::Null => prop_assert!(self.model.here().is_empty()),
                    key => prop_assert!(self.model.here().contains_key(&name(&key))),
                }
            }
        }
        Ok(())
    }
}

fn name(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("no key: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(steps in prop::collection::vec(step(), 1..250)) {
        let mut pair = Pair::new();
        let empty = pair.bench.engine.state().keyspace.memory();
        for step in &steps {
            pair.play(step)?;
        }
        pair.play(&Step::Settle)?;
        // Deleted one by one, nothing of the entries is left in the account; flushed, nothing of the tables either.
        for db in 0..DATABASES {
            pair.ask(&["SELECT", &db.to_string()]);
            for key in pair.model.databases[db].keys() {
                let words: [&[u8]; 2] = [b"DEL", key.as_bytes()];
                pair.bench.send(pair.client, command(&words));
            }
            prop_assert_eq!(pair.bench.engine.state().keyspace.db(db).len(), 0);
        }
        prop_assert_eq!(pair.bench.engine.state().keyspace.memory(), empty, "memory after deleting everything");
        pair.ask(&["FLUSHALL"]);
        prop_assert_eq!(pair.bench.engine.state().keyspace.memory(), empty, "memory after flushing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// All commands in one round, two clients in turn: what was looked up for one of them must not outlive the next.
    #[test]
    fn grouped_commands_agree_with_the_model(steps in prop::collection::vec(step(), 1..120), cut in 0usize..120) {
        let mut pair = Pair::new();
        let (mut streams, mut expected) = ([Vec::new(), Vec::new()], [String::new(), String::new()]);
        for (i, step) in steps.iter().enumerate() {
            // The second client has database 0 as well, so SELECT is left out.
            let Step::Command(words) = step else { continue };
            // A share of 16 KiB ends the round of one who sends more; then the order between the two is not the model's.
            if words[0] == "SELECT" || words.iter().any(|w| w.len() > 100) {
                continue;
            }
            // A few keys only, so that commands of one group meet on them.
            let few = |w: &String| match w.strip_prefix("key:").and_then(|n| n.parse::<usize>().ok()) {
                Some(n) => format!("key:{}", n % 4),
                None => w.clone(),
            };
            let words: Vec<String> = words.iter().map(few).collect();
            let bytes: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
            let who = usize::from(i >= cut);
            streams[who].extend(command(&bytes));
            expected[who].push_str(&pair.model.apply(&words));
        }
        let second = pair.bench.connect();
        let inputs = [(pair.client, streams[0].as_slice()), (second, streams[1].as_slice())];
        pair.bench.round(&inputs);
        prop_assert_eq!(String::from_utf8_lossy(&pair.bench.received[&pair.client]), expected[0].as_str());
        prop_assert_eq!(String::from_utf8_lossy(&pair.bench.received[&second]), expected[1].as_str());
    }
}

#[test]
fn tables_that_grew_give_their_memory_back() {
    let mut pair = Pair::new();
    let empty = pair.bench.engine.state().keyspace.memory();
    for cycle in 0..3 {
        for i in 0..40_000 {
            pair.ask(&["SET", &format!("key:{cycle}:{i}"), &"v".repeat(i % 90)]);
        }
        let full = pair.bench.engine.state().keyspace.memory();
        assert!(full - empty > 40_000 * 50, "{full}");
        for i in 0..40_000 {
            let reply = pair.ask(&["DEL", &format!("key:{cycle}:{i}")]);
            assert_eq!(
                reply,
                Reply::Integer(1),
                "key {i} was written and must be there, whatever the table did meanwhile"
            );
        }
        pair.settle();
        let left = pair.bench.engine.state().keyspace.memory() - empty;
        assert!(left < full / 20, "cycle {cycle}: {left} bytes of {full} are left of nothing");
        pair.ask(&["FLUSHALL"]);
        assert_eq!(pair.bench.engine.state().keyspace.memory(), empty);
    }
}

#[test]
fn a_scan_returns_all_that_stays_while_others_write() {
    for seed in 0..8_u64 {
        let mut pair = Pair::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for i in 0..2000 {
            pair.ask(&["SET", &format!("stays:{i}"), "1"]);
            pair.ask(&["SET", &format!("gone:{i}"), "1"]);
        }
        for i in 0..2000 {
            pair.ask(&["DEL", &format!("gone:{i}")]);
        }
        let mut seen = BTreeSet::new();
        let (mut cursor, mut calls) = ("0".to_owned(), 0);
        loop {
            let Reply::Array(reply) = pair.ask(&["SCAN", &cursor, "COUNT", &(1 + roll() % 30).to_string()]) else {
                panic!()
            };
            cursor = name(&reply[0]);
            let Reply::Array(keys) = &reply[1] else { panic!() };
            seen.extend(keys.iter().map(name));
            calls += 1;
            assert!(calls < 20_000, "the scan does not end");
            if cursor == "0" {
                break;
            }
            // The others: the table grows to many times its size in some worlds, and shrinks again in others.
            let growing = (calls / 20) % 2 == seed as usize % 2;
            for _ in 0..roll() % 120 {
                let key = format!("passing:{}", roll() % 30_000);
                match roll() % 8 {
                    0 => pair.ask(&["SET", &key, "1", "PX", "3"]),
                    1 => pair.ask(&["SET", &format!("stays:{}", roll() % 2000), &"x".repeat(roll() % 200)]),
                    2 => pair.ask(&["APPEND", &format!("stays:{}", roll() % 2000), "y"]),
                    _ if growing => pair.ask(&["SET", &key, "1"]),
                    _ => pair.ask(&["DEL", &key]),
                };
            }
            pair.bench.advance_ms(1);
            if roll() % 4 == 0 {
                pair.bench.tick();
            }
        }
        for i in 0..2000 {
            assert!(seen.contains(&format!("stays:{i}")), "seed {seed}: stays:{i} was there all the time");
            assert!(!seen.contains(&format!("gone:{i}")), "seed {seed}: gone:{i} was deleted before");
        }
    }
}
