//! Hashes and the deadlines of their fields against the most naive model there is: maps from which whatever is due goes at
//! once. And what the propagation stream says of all that, executed on an engine without a clock, gives the same hashes.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::BTreeMap;

use fixture::{Bench, START_US, command};
use proptest::prelude::*;
use refrain_core::{Config, SessionId};
use refrain_resp::{Reply, decode};

/// Fields with their values and deadlines.
type Fields = BTreeMap<String, (String, Option<i64>)>;

/// A hash and its own deadline.
#[derive(Clone, Debug, Default, PartialEq)]
struct Hash {
    fields: Fields,
    deadline: Option<i64>,
}

#[derive(Default)]
struct Model {
    hashes: BTreeMap<String, Hash>,
    now: i64,
}

/// What HEXPIRE and its like want of the present deadline.
const CONDITIONS: [&str; 5] = ["", "NX", "XX", "GT", "LT"];

#[derive(Clone, Debug)]
enum Step {
    Set(u8, Vec<(u8, String)>),
    SetNew(u8, u8, String),
    Delete(u8, Vec<u8>),
    Increment(u8, u8, i64),
    IncrementFloat(u8, u8),
    Expire(u8, i64, usize, Vec<u8>),
    ExpireAt(u8, i64, usize, Vec<u8>),
    Persist(u8, Vec<u8>),
    GetAndExpire(u8, usize, i64, Vec<u8>),
    SetAndExpire(u8, usize, usize, i64, Vec<(u8, String)>),
    GetAndDelete(u8, Vec<u8>),
    Look(u8, u8),
    LookAtAll(u8),
    Draw(u8, i64),
    Scan(u8, u8),
    DeleteKey(u8),
    Rename(u8, u8),
    Copy(u8, u8),
    ExpireKey(u8, i64),
    Limits(u16, u16),
    Advance(u64),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0u8..4;
    let field = || 0u8..14;
    let fields = || prop::collection::vec(0u8..14, 1..5);
    let value = || {
        prop_oneof![
            (-3i64..130).prop_map(|n| n.to_string()),
            Just(i64::MAX.to_string()),
            Just(String::new()),
            "[a-z]{1,8}",
            Just("x".repeat(70)),
        ]
    };
    let pairs = || prop::collection::vec((0u8..14, value()), 1..5);
    let ms = || prop_oneof![1 => Just(0i64), 6 => 1i64..40, 1 => Just(100_000i64)];
    prop_oneof![
        8 => (key(), pairs()).prop_map(|(k, p)| Step::Set(k, p)),
        2 => (key(), field(), value()).prop_map(|(k, f, v)| Step::SetNew(k, f, v)),
        3 => (key(), fields()).prop_map(|(k, f)| Step::Delete(k, f)),
        2 => (key(), field(), prop_oneof![-5i64..5, Just(i64::MAX)]).prop_map(|(k, f, n)| Step::Increment(k, f, n)),
        1 => (key(), field()).prop_map(|(k, f)| Step::IncrementFloat(k, f)),
        8 => (key(), ms(), 0..CONDITIONS.len(), fields()).prop_map(|(k, t, c, f)| Step::Expire(k, t, c, f)),
        2 => (key(), -5i64..40, 0..CONDITIONS.len(), fields()).prop_map(|(k, t, c, f)| Step::ExpireAt(k, t, c, f)),
        2 => (key(), fields()).prop_map(|(k, f)| Step::Persist(k, f)),
        3 => (key(), 0usize..3, ms(), fields()).prop_map(|(k, w, t, f)| Step::GetAndExpire(k, w, t, f)),
        4 => (key(), 0usize..3, 0usize..3, ms(), pairs()).prop_map(|(k, c, w, t, p)| Step::SetAndExpire(k, c, w, t, p)),
        2 => (key(), fields()).prop_map(|(k, f)| Step::GetAndDelete(k, f)),
        6 => (key(), field()).prop_map(|(k, f)| Step::Look(k, f)),
        5 => key().prop_map(Step::LookAtAll),
        2 => (key(), -6i64..9).prop_map(|(k, n)| Step::Draw(k, n)),
        2 => (key(), 1u8..9).prop_map(|(k, n)| Step::Scan(k, n)),
        1 => key().prop_map(Step::DeleteKey),
        1 => (key(), key()).prop_map(|(a, b)| Step::Rename(a, b)),
        1 => (key(), key()).prop_map(|(a, b)| Step::Copy(a, b)),
        1 => (key(), 1i64..60).prop_map(|(k, t)| Step::ExpireKey(k, t)),
        2 => (0u16..14, 0u16..75).prop_map(|(e, v)| Step::Limits(e, v)),
        8 => (0u64..25).prop_map(Step::Advance),
        2 => Just(Step::Tick),
    ]
}

fn key(of: u8) -> String {
    format!("hash:{of}")
}

/// Of several lengths, one of them a number.
fn field(of: u8) -> String {
    match of {
        0 => "7".into(),
        1 => String::new(),
        2 => "f".repeat(70),
        n => format!("field{n}"),
    }
}

fn integer(n: i64) -> Reply {
    Reply::Integer(n)
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn maybe(value: Option<&String>) -> Reply {
    value.map_or(Reply::Null, |value| bulk(value))
}

fn error(text: &str) -> Reply {
    Reply::Error(text.as_bytes().to_vec())
}

impl Model {
    /// Whatever is due goes, and hashes without fields go with it.
    fn bury(&mut self) {
        let now = self.now;
        self.hashes.retain(|_, hash| {
            hash.fields.retain(|_, (_, deadline)| deadline.is_none_or(|at| at > now));
            !hash.fields.is_empty() && hash.deadline.is_none_or(|at| at > now)
        });
    }

    fn get(&self, key: u8, field_: u8) -> Option<&(String, Option<i64>)> {
        self.hashes.get(&self::key(key))?.fields.get(&field(field_))
    }

    fn value(&self, key: u8, field: u8) -> Option<&String> {
        self.get(key, field).map(|(value, _)| value)
    }

    fn set(&mut self, key: u8, field_: u8, value: &str, deadline: Option<i64>) -> bool {
        let fields = &mut self.hashes.entry(self::key(key)).or_default().fields;
        fields.insert(field(field_), (value.to_owned(), deadline)).is_none()
    }

    fn remove(&mut self, key: u8, field_: u8) -> Option<String> {
        let hash = self.hashes.get_mut(&self::key(key))?;
        hash.fields.remove(&field(field_)).map(|(value, _)| value)
    }

    fn expire(&mut self, key: u8, at: i64, condition: &str, fields: &[u8]) -> Vec<Reply> {
        let mut outcomes = Vec::new();
        for name in fields {
            let outcome = match self.get(key, *name).map(|(_, deadline)| *deadline) {
                None => -2,
                Some(current) => {
                    let holds = match condition {
                        "NX" => current.is_none(),
                        "XX" => current.is_some(),
                        "GT" => current.is_some_and(|current| at > current),
                        "LT" => current.is_none_or(|current| at < current),
                        _ => true,
                    };
                    if !holds {
                        0
                    } else if at <= self.now {
                        self.remove(key, *name);
                        2
                    } else {
                        let value = self.value(key, *name).unwrap().clone();
                        self.set(key, *name, &value, Some(at));
                        1
                    }
                }
            };
            outcomes.push(integer(outcome));
        }
        outcomes
    }
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
        let client = bench.connect();
        let model = Model { now: (START_US / 1000) as i64, ..Model::default() };
        Pair { bench, client, model }
    }

    fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let reply = self.bench.send(self.client, command(&words));
        decode(&reply).unwrap().expect("a whole reply").0
    }

    /// A command that ends with fields, after their number.
    fn ask_of(&mut self, head: &[&str], fields: &[u8]) -> Reply {
        let count = fields.len().to_string();
        let names: Vec<String> = fields.iter().map(|name| field(*name)).collect();
        let mut words = head.to_vec();
        words.extend(["FIELDS", &count]);
        words.extend(names.iter().map(String::as_str));
        self.ask(&words)
    }

    /// Periodic work, until it has removed whatever is due.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.bench.tick();
        }
    }

    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.model.bury();
        let (got, expected) = match step {
            Step::Set(k, pairs) => {
                let new = pairs.iter().map(|(f, v)| i64::from(self.model.set(*k, *f, v, None))).sum();
                (self.ask_pairs(&["HSET", &key(*k)], pairs), integer(new))
            }
            Step::SetNew(k, f, v) => {
                let free = self.model.get(*k, *f).is_none();
                if free {
                    self.model.set(*k, *f, v, None);
                }
                (self.ask(&["HSETNX", &key(*k), &field(*f), v]), integer(i64::from(free)))
            }
            Step::Delete(k, fields) => {
                let removed = fields.iter().filter_map(|f| self.model.remove(*k, *f)).count();
                let names: Vec<String> = fields.iter().map(|f| field(*f)).collect();
                let (hash, mut words) = (key(*k), vec!["HDEL"]);
                words.push(&hash);
                words.extend(names.iter().map(String::as_str));
                (self.ask(&words), integer(removed as i64))
            }
            Step::Increment(k, f, by) => self.increment(*k, *f, *by),
            Step::IncrementFloat(k, f) => self.increment_float(*k, *f),
            Step::Expire(k, ms, condition, fields) => {
                let at = self.model.now + ms;
                let expected = self.model.expire(*k, at, CONDITIONS[*condition], fields);
                (self.expire("HPEXPIRE", *k, &ms.to_string(), *condition, fields), Reply::Array(expected))
            }
            Step::ExpireAt(k, ms, condition, fields) => {
                let at = self.model.now + ms;
                let expected = self.model.expire(*k, at, CONDITIONS[*condition], fields);
                (self.expire("HPEXPIREAT", *k, &at.to_string(), *condition, fields), Reply::Array(expected))
            }
            Step::Persist(k, fields) => {
                let mut expected = Vec::new();
                for f in fields {
                    let found = self.model.get(*k, *f).cloned();
                    if let Some((value, Some(_))) = &found {
                        self.model.set(*k, *f, value, None);
                    }
                    expected.push(integer(match found {
                        None => -2,
                        Some((_, None)) => -1,
                        Some(_) => 1,
                    }));
                }
                (self.ask_of(&["HPERSIST", &key(*k)], fields), Reply::Array(expected))
            }
            Step::GetAndExpire(k, what, ms, fields) => self.get_and_expire(*k, *what, *ms, fields),
            Step::SetAndExpire(k, condition, what, ms, pairs) => self.set_and_expire(*k, *condition, *what, *ms, pairs),
            Step::GetAndDelete(k, fields) => {
                let expected = fields.iter().map(|f| maybe(self.model.remove(*k, *f).as_ref())).collect();
                (self.ask_of(&["HGETDEL", &key(*k)], fields), Reply::Array(expected))
            }
            Step::Look(k, f) => return self.look(*k, *f),
            Step::LookAtAll(k) => return self.look_at_all(*k),
            Step::Draw(k, count) => return self.draw(*k, *count),
            Step::Scan(k, count) => return self.scan(*k, *count),
            Step::DeleteKey(k) => {
                self.settle();
                let there = self.model.hashes.remove(&key(*k)).is_some();
                (self.ask(&["DEL", &key(*k)]), integer(i64::from(there)))
            }
            Step::Rename(from, to) => {
                self.settle();
                let expected = match self.model.hashes.remove(&key(*from)) {
                    Some(hash) => {
                        self.model.hashes.insert(key(*to), hash);
                        Reply::Simple(b"OK".to_vec())
                    }
                    None => error("ERR no such key"),
                };
                (self.ask(&["RENAME", &key(*from), &key(*to)]), expected)
            }
            Step::Copy(from, to) if from != to => {
                self.settle();
                let found = self.model.hashes.get(&key(*from)).cloned();
                let copied = found.is_some();
                found.into_iter().for_each(|hash| drop(self.model.hashes.insert(key(*to), hash)));
                (self.ask(&["COPY", &key(*from), &key(*to), "REPLACE"]), integer(i64::from(copied)))
            }
            Step::Copy(..) => return Ok(()),
            Step::ExpireKey(k, ms) => {
                self.settle();
                let at = self.model.now + ms;
                let found = self.model.hashes.get_mut(&key(*k));
                let expected = integer(i64::from(found.is_some()));
                found.into_iter().for_each(|hash| hash.deadline = Some(at));
                (self.ask(&["PEXPIRE", &key(*k), &ms.to_string()]), expected)
            }
            Step::Limits(entries, value) => {
                self.ask(&["CONFIG", "SET", "hash-max-listpack-entries", &entries.to_string()]);
                let reply = self.ask(&["CONFIG", "SET", "hash-max-listpack-value", &value.to_string()]);
                (reply, Reply::Simple(b"OK".to_vec()))
            }
            Step::Advance(ms) => {
                self.bench.advance_ms(*ms);
                self.model.now += *ms as i64;
                return Ok(());
            }
            Step::Tick => {
                self.bench.tick();
                return Ok(());
            }
        };
        prop_assert_eq!(got, expected, "{:?}", step);
        self.model.bury();
        Ok(())
    }

    fn ask_pairs(&mut self, head: &[&str], pairs: &[(u8, String)]) -> Reply {
        let names: Vec<String> = pairs.iter().map(|(f, _)| field(*f)).collect();
        let mut words = head.to_vec();
        for (name, (_, value)) in names.iter().zip(pairs) {
            words.extend([name.as_str(), value]);
        }
        self.ask(&words)
    }

    fn expire(&mut self, name: &str, k: u8, time: &str, condition: usize, fields: &[u8]) -> Reply {
        let hash = key(k);
        let mut head = vec![name, &hash, time];
        head.extend(Some(CONDITIONS[condition]).filter(|word| !word.is_empty()));
        self.ask_of(&head, fields)
    }

    fn increment(&mut self, k: u8, f: u8, by: i64) -> (Reply, Reply) {
        let (old, deadline) = self.model.get(k, f).cloned().unwrap_or(("0".into(), None));
        let number = old.parse::<i64>().ok().filter(|number| number.to_string() == old);
        let expected = match number.map(|number| number.checked_add(by)) {
            None => error("ERR hash value is not an integer"),
            Some(None) => error("ERR increment or decrement would overflow"),
            Some(Some(new)) => {
                self.model.set(k, f, &new.to_string(), deadline);
                integer(new)
            }
        };
        (self.ask(&["HINCRBY", &key(k), &field(f), &by.to_string()]), expected)
    }

    /// Of whole numbers that have room, so that the sum is known without arithmetic of floating point.
    fn increment_float(&mut self, k: u8, f: u8) -> (Reply, Reply) {
        let (old, deadline) = self.model.get(k, f).cloned().unwrap_or(("0".into(), None));
        let number = old.parse::<i64>().ok().filter(|number| number.to_string() == old && number.abs() < 1000);
        let Some(number) = number else { return (integer(0), integer(0)) };
        let new = format!("{number}.5").replace("-0.5", "0.5");
        let new = if number < 0 { format!("{}.5", number + 1).replace("0.5", "-0.5") } else { new };
        let new = if number < -1 { format!("{}.5", number + 1) } else { new };
        self.model.set(k, f, &new, deadline);
        (self.ask(&["HINCRBYFLOAT", &key(k), &field(f), "0.5"]), bulk(&new))
    }

    fn get_and_expire(&mut self, k: u8, what: usize, ms: i64, fields: &[u8]) -> (Reply, Reply) {
        let (hash, ms_text) = (key(k), ms.to_string());
        let head: Vec<&str> = match what {
            0 => vec!["HGETEX", &hash],
            1 => vec!["HGETEX", &hash, "PERSIST"],
            _ => vec!["HGETEX", &hash, "PX", &ms_text],
        };
        let mut expected = Vec::new();
        for f in fields {
            let found = self.model.get(k, *f).cloned();
            expected.push(maybe(found.as_ref().map(|(value, _)| value)));
            let Some((value, _)) = found else { continue };
            match what {
                0 => {}
                1 => drop(self.model.set(k, *f, &value, None)),
                _ if ms == 0 => drop(self.model.remove(k, *f)),
                _ => drop(self.model.set(k, *f, &value, Some(self.model.now + ms))),
            }
        }
        (self.ask_of(&head, fields), Reply::Array(expected))
    }

    fn set_and_expire(
        &mut self,
        k: u8,
        condition: usize,
        what: usize,
        ms: i64,
        pairs: &[(u8, String)],
    ) -> (Reply, Reply) {
        let (hash, ms_text, count) = (key(k), ms.to_string(), pairs.len().to_string());
        let mut head = vec!["HSETEX", &hash];
        head.extend(["FNX", "FXX"].get(condition).copied());
        match what {
            0 => {}
            1 => head.push("KEEPTTL"),
            _ => head.extend(["PX", &ms_text]),
        }
        head.extend(["FIELDS", &count]);
        let holds = pairs.iter().all(|(f, _)| match condition {
            0 => self.model.get(k, *f).is_none(),
            1 => self.model.get(k, *f).is_some(),
            _ => true,
        });
        if holds {
            for (f, value) in pairs {
                let old = self.model.get(k, *f).and_then(|(_, deadline)| *deadline);
                match what {
                    0 => drop(self.model.set(k, *f, value, None)),
                    1 => drop(self.model.set(k, *f, value, old)),
                    _ => drop(self.model.set(k, *f, value, Some(self.model.now + ms))),
                }
            }
            self.model.bury();
        }
        (self.ask_pairs(&head, pairs), integer(i64::from(holds)))
    }

    fn look(&mut self, k: u8, f: u8) -> Result<(), TestCaseError> {
        let (hash, name) = (key(k), field(f));
        let found = self.model.get(k, f).cloned();
        let value = found.as_ref().map(|(value, _)| value);
        let deadline = match &found {
            None => -2,
            Some((_, None)) => -1,
            Some((_, Some(at))) => *at,
        };
        let left = if deadline > 0 { deadline - self.model.now } else { deadline };
        let up = |ms: i64| if ms > 0 { (ms + 999) / 1000 } else { ms };
        let expected = [
            (self.ask(&["HGET", &hash, &name]), maybe(value)),
            (self.ask(&["HEXISTS", &hash, &name]), integer(i64::from(value.is_some()))),
            (self.ask(&["HSTRLEN", &hash, &name]), integer(value.map_or(0, |value| value.len() as i64))),
            (self.ask(&["HMGET", &hash, &name, "none"]), Reply::Array(vec![maybe(value), Reply::Null])),
            (self.ask_of(&["HPEXPIRETIME", &hash], &[f]), Reply::Array(vec![integer(deadline)])),
            (self.ask_of(&["HEXPIRETIME", &hash], &[f]), Reply::Array(vec![integer(up(deadline))])),
            (self.ask_of(&["HPTTL", &hash], &[f]), Reply::Array(vec![integer(left)])),
            (self.ask_of(&["HTTL", &hash], &[f]), Reply::Array(vec![integer(up(left))])),
        ];
        for (i, (got, expected)) in expected.into_iter().enumerate() {
            prop_assert_eq!(got, expected, "look {} at {} {}", i, hash, name);
        }
        Ok(())
    }

    /// The fields that the model has of a hash.
    fn expected(&self, k: u8) -> BTreeMap<String, String> {
        let fields = self.model.hashes.get(&key(k)).map(|hash| hash.fields.clone()).unwrap_or_default();
        fields.into_iter().map(|(name, (value, _))| (name, value)).collect()
    }

    fn look_at_all(&mut self, k: u8) -> Result<(), TestCaseError> {
        let (hash, expected) = (key(k), self.expected(k));
        let all = texts(&self.ask(&["HGETALL", &hash]));
        prop_assert_eq!(all.len(), 2 * expected.len());
        prop_assert_eq!(pairs_of(&all), expected.clone());
        let mut keys = texts(&self.ask(&["HKEYS", &hash]));
        keys.sort();
        prop_assert_eq!(keys, expected.keys().cloned().collect::<Vec<_>>());
        let (mut values, mut expected_values) =
            (texts(&self.ask(&["HVALS", &hash])), expected.values().cloned().collect::<Vec<_>>());
        values.sort();
        expected_values.sort();
        prop_assert_eq!(values, expected_values);
        prop_assert_eq!(self.ask(&["HLEN", &hash]), integer(expected.len() as i64));
        Ok(())
    }

    fn draw(&mut self, k: u8, count: i64) -> Result<(), TestCaseError> {
        let (hash, expected) = (key(k), self.expected(k));
        match self.ask(&["HRANDFIELD", &hash]) {
            Reply::Null => prop_assert!(expected.is_empty()),
            one => prop_assert!(expected.contains_key(&text(&one))),
        }
        let drawn = texts(&self.ask(&["HRANDFIELD", &hash, &count.to_string(), "WITHVALUES"]));
        let wanted = if count < 0 && !expected.is_empty() {
            count.unsigned_abs() as usize
        } else {
            expected.len().min(count.max(0) as usize)
        };
        prop_assert_eq!(drawn.len(), 2 * wanted);
        let pairs = pairs_of(&drawn);
        prop_assert!(count < 0 || pairs.len() == wanted, "each field once");
        prop_assert!(pairs.iter().all(|(name, value)| expected.get(name) == Some(value)));
        Ok(())
    }

    fn scan(&mut self, k: u8, count: u8) -> Result<(), TestCaseError> {
        let (hash, expected) = (key(k), self.expected(k));
        let (mut cursor, mut all) = ("0".to_owned(), Vec::new());
        loop {
            let Reply::Array(parts) = self.ask(&["HSCAN", &hash, &cursor, "COUNT", &count.to_string()]) else {
                panic!("HSCAN gives an array")
            };
            cursor = text(&parts[0]);
            all.extend(texts(&parts[1]));
            if cursor == "0" {
                break;
            }
        }
        prop_assert_eq!(all.len(), 2 * expected.len());
        prop_assert_eq!(pairs_of(&all), expected);
        Ok(())
    }

    /// When everything that is due has gone: the same keys, and a stream that tells all of it.
    fn finish(mut self) -> Result<(), TestCaseError> {
        self.settle();
        self.model.bury();
        let mut keys = texts(&self.ask(&["KEYS", "*"]));
        keys.sort();
        prop_assert_eq!(keys, self.model.hashes.keys().cloned().collect::<Vec<_>>());
        for k in 0..4 {
            self.look_at_all(k)?;
        }
        let timed = |hash: &&Hash| hash.fields.values().any(|(_, deadline)| deadline.is_some());
        let database = self.bench.engine.state().keyspace.db(0);
        prop_assert_eq!(database.hashes_with_deadlines(), self.model.hashes.values().filter(timed).count());
        let stream = self.bench.engine.effects().stream.bytes().to_vec();
        let mut copy = Bench::new(Config::default(), None);
        // Its clock stands still before all deadlines: what goes there, goes because the stream says so.
        let client = copy.connect();
        copy.engine.effects().stream.enable(false);
        copy.send(client, &stream);
        prop_assert_eq!(copy.engine.state().stats.error_replies, 0);
        prop_assert_eq!(copy.data(), self.bench.data());
        Ok(())
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("no text: {other:?}"),
    }
}

fn texts(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(items) => items.iter().map(text).collect(),
        other => panic!("no array: {other:?}"),
    }
}

fn pairs_of(flat: &[String]) -> BTreeMap<String, String> {
    flat.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn hashes_do_as_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.play(step)?;
        }
        pair.finish()?;
    }
}
