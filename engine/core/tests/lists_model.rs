//! Lists against the most naive model there is: deques of strings. Sizes are such that lists become large and small again all the
//! time, and nobody sees it.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::{BTreeMap, VecDeque};

use fixture::{Bench, command};
use proptest::prelude::*;
use refrain_core::config::Allowed;
use refrain_core::{Config, SessionId};

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const NULL: &str = "$-1\r\n";
const NULL_ARRAY: &str = "*-1\r\n";

/// Lists by key. The key `string` holds a string all the time.
#[derive(Default)]
struct Model {
    lists: BTreeMap<String, VecDeque<String>>,
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn array<'a>(elements: impl ExactSizeIterator<Item = &'a String>) -> String {
    let header = format!("*{}\r\n", elements.len());
    elements.fold(header, |reply, element| reply + &bulk(element))
}

fn integer(number: usize) -> String {
    format!(":{number}\r\n")
}

fn absolute(index: i64, len: usize) -> i64 {
    if index < 0 { index + len as i64 } else { index }
}

fn range(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let (start, stop) = (absolute(start, len).max(0), absolute(stop, len).min(len as i64 - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

impl Model {
    fn push(&mut self, key: &str, left: bool, element: String) {
        let list = self.lists.entry(key.to_owned()).or_default();
        if left { list.push_front(element) } else { list.push_back(element) }
    }

    fn pop(&mut self, key: &str, left: bool, count: usize) -> Vec<String> {
        let Some(list) = self.lists.get_mut(key) else { return Vec::new() };
        let mut taken = Vec::new();
        while taken.len() < count {
            let Some(element) = (if left { list.pop_front() } else { list.pop_back() }) else { break };
            taken.push(element);
        }
        taken
    }

    fn bury(&mut self) {
        self.lists.retain(|_, list| !list.is_empty());
    }

    /// What a command answers, in RESP2.
    fn apply(&mut self, words: &[String]) -> String {
        let reply = self.run(words);
        self.bury();
        reply
    }

    fn run(&mut self, words: &[String]) -> String {
        let text = |i: usize| words[i].as_str();
        let number = |i: usize| words[i].parse::<i64>().unwrap();
        let is_left = |i: usize| words[i].ends_with("LEFT");
        let key = text(1);
        let keys: Vec<&str> = match text(0) {
            "LMPOP" => words[2..4].iter().map(String::as_str).collect(),
            _ => vec![key],
        };
        if keys[0] == "string" {
            return WRONG_TYPE.to_owned();
        }
        let len = self.lists.get(key).map_or(0, VecDeque::len);
        let left = text(0).starts_with('L');
        match text(0) {
            "LPUSH" | "RPUSH" | "LPUSHX" | "RPUSHX" => {
                if text(0).ends_with('X') && len == 0 {
                    return integer(0);
                }
                words[2..].iter().for_each(|element| self.push(key, left, element.clone()));
                integer(len + words.len() - 2)
            }
            "LPOP" | "RPOP" if words.len() == 2 => self.pop(key, left, 1).first().map_or(NULL.into(), |one| bulk(one)),
            "LPOP" | "RPOP" if len == 0 => NULL_ARRAY.into(),
            "LPOP" | "RPOP" => array(self.pop(key, left, number(2) as usize).iter()),
            "LLEN" => integer(len),
            "LRANGE" => match self.lists.get(key) {
                Some(list) => array(list.range(range(number(2), number(3), len)).collect::<Vec<_>>().into_iter()),
                None => "*0\r\n".into(),
            },
            "LINDEX" => {
                let place = usize::try_from(absolute(number(2), len)).ok();
                place.and_then(|place| self.lists.get(key)?.get(place)).map_or(NULL.into(), |one| bulk(one))
            }
            "LSET" => match self.lists.get_mut(key) {
                None => "-ERR no such key\r\n".into(),
                Some(list) => {
                    let place = usize::try_from(absolute(number(2), len)).ok().and_then(|place| list.get_mut(place));
                    match place {
                        Some(place) => {
                            *place = words[3].clone();
                            "+OK\r\n".into()
                        }
                        None => "-ERR index out of range\r\n".into(),
                    }
                }
            },
            "LINSERT" => match self.lists.get_mut(key) {
                None => integer(0),
                Some(list) => match list.iter().position(|one| one == text(3)) {
                    None => ":-1\r\n".into(),
                    Some(at) => {
                        list.insert(if text(2) == "BEFORE" { at } else { at + 1 }, words[4].clone());
                        integer(len + 1)
                    }
                },
            },
            "LREM" => {
                let Some(list) = self.lists.get_mut(key) else { return integer(0) };
                let limit = if number(2) == 0 { usize::MAX } else { number(2).unsigned_abs() as usize };
                let mut equal: Vec<usize> = (0..len).filter(|at| list[*at] == text(3)).collect();
                if number(2) < 0 {
                    equal.reverse();
                }
                equal.truncate(limit);
                equal.sort_unstable();
                equal.iter().rev().for_each(|at| drop(list.remove(*at)));
                integer(equal.len())
            }
            "LTRIM" => {
                if let Some(list) = self.lists.get_mut(key) {
                    let kept = range(number(2), number(3), len);
                    *list = list.range(kept).cloned().collect();
                }
                "+OK\r\n".into()
            }
            "LPOS" => self.positions(words, key),
            "LMOVE" | "LMOVEM" => {
                if len == 0 {
                    return if text(0) == "LMOVE" { NULL.into() } else { NULL_ARRAY.into() };
                }
                if text(2) == "string" {
                    return WRONG_TYPE.into();
                }
                let count = if words.len() > 5 { number(6) as usize } else { 1 };
                if words.len() > 5 && text(5) == "EXACTLY" && len < count {
                    return NULL_ARRAY.into();
                }
                let mut taken = self.pop(key, is_left(3), count);
                // One by one to the left end reverses; in bulk, what was taken from the right end is turned round.
                let in_bulk = words.len() <= 5 || text(7) == "BULK";
                if if in_bulk { !is_left(3) } else { is_left(4) } {
                    taken.reverse();
                }
                let reply = if text(0) == "LMOVE" { bulk(&taken[0]) } else { array(taken.iter()) };
                if is_left(4) {
                    taken.into_iter().rev().for_each(|one| self.push(text(2), true, one));
                } else {
                    taken.into_iter().for_each(|one| self.push(text(2), false, one));
                }
                reply
            }
            "LMPOP" => {
                for key in keys {
                    if key == "string" {
                        return WRONG_TYPE.into();
                    }
                    let taken = self.pop(key, is_left(4), number(6) as usize);
                    if !taken.is_empty() {
                        return format!("*2\r\n{}{}", bulk(key), array(taken.iter()));
                    }
                }
                NULL_ARRAY.into()
            }
            other => panic!("the model has no {other}"),
        }
    }

    fn positions(&self, words: &[String], key: &str) -> String {
        let option = |name: &str| {
            let at = words.iter().position(|word| word == name)?;
            words[at + 1].parse::<i64>().ok()
        };
        let (rank, count) = (option("RANK").unwrap_or(1), option("COUNT"));
        let max_len = option("MAXLEN").filter(|max| *max > 0).unwrap_or(i64::MAX) as usize;
        let none = VecDeque::new();
        let list = self.lists.get(key).unwrap_or(&none);
        let mut order: Vec<usize> = (0..list.len()).collect();
        if rank < 0 {
            order.reverse();
        }
        let found = order.into_iter().take(max_len).filter(|at| list[*at] == words[2]);
        let found: Vec<usize> = found.skip(rank.unsigned_abs() as usize - 1).collect();
        let Some(count) = count else { return found.first().map_or(NULL.into(), |at| integer(*at)) };
        let wanted = if count == 0 { found.len() } else { found.len().min(count as usize) };
        let header = format!("*{wanted}\r\n");
        found.into_iter().take(wanted).fold(header, |reply, at| reply + &integer(at))
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![12 => (0..3u32).prop_map(|key| format!("list:{key}")), 1 => Just("string".to_owned())]
}

fn element() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..30u32).prop_map(|number| format!("element:{number}")),
        3 => (-3..300i64).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => Just(String::new()),
        1 => (1..4usize).prop_map(|times| "long ".repeat(times * 20)),
    ]
}

fn end() -> impl Strategy<Value = String> {
    prop_oneof![Just("LEFT".to_owned()), Just("RIGHT".to_owned())]
}

fn index() -> impl Strategy<Value = String> {
    prop_oneof![3 => -40i64..40, 1 => -300i64..300].prop_map(|index| index.to_string())
}

/// A command that the model knows.
fn step() -> impl Strategy<Value = Vec<String>> {
    let words = |words: Vec<&str>| -> Vec<String> { words.into_iter().map(str::to_owned).collect() };
    let push = prop::sample::select(vec!["LPUSH", "RPUSH", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]);
    let pop = prop::sample::select(vec!["LPOP", "RPOP"]);
    let move_how =
        prop::sample::select(vec![("COUNT", "OBO"), ("COUNT", "BULK"), ("EXACTLY", "OBO"), ("EXACTLY", "BULK")]);
    prop_oneof![
        8 => (push, key(), prop::collection::vec(element(), 1..30))
            .prop_map(|(push, key, some)| [vec![push.to_owned(), key], some].concat()),
        3 => (pop.clone(), key()).prop_map(move |(pop, key)| words(vec![pop, &key])),
        3 => (pop, key(), 0..60u32).prop_map(move |(pop, key, count)| words(vec![pop, &key, &count.to_string()])),
        1 => key().prop_map(move |key| words(vec!["LLEN", &key])),
        3 => (key(), index(), index()).prop_map(move |(key, start, stop)| words(vec!["LRANGE", &key, &start, &stop])),
        2 => (key(), index()).prop_map(move |(key, index)| words(vec!["LINDEX", &key, &index])),
        3 => (key(), index(), element()).prop_map(move |(key, index, one)| words(vec!["LSET", &key, &index, &one])),
        3 => (key(), any::<bool>(), element(), element()).prop_map(move |(key, before, pivot, one)| {
            words(vec!["LINSERT", &key, if before { "BEFORE" } else { "AFTER" }, &pivot, &one])
        }),
        3 => (key(), -3..4i32, element())
            .prop_map(move |(key, count, one)| words(vec!["LREM", &key, &count.to_string(), &one])),
        2 => (key(), index(), index()).prop_map(move |(key, start, stop)| words(vec!["LTRIM", &key, &start, &stop])),
        2 => (key(), element(), prop::sample::select(vec![-3, -1, 1, 2]), prop::option::of(0..4u32), 0..50u32)
            .prop_map(move |(key, one, rank, count, max_len)| {
                let (rank, max_len) = (rank.to_string(), max_len.to_string());
                let mut all = words(vec!["LPOS", &key, &one, "RANK", &rank, "MAXLEN", &max_len]);
                all.extend(count.into_iter().flat_map(|count| ["COUNT".to_owned(), count.to_string()]));
                all
            }),
        3 => (key(), key(), end(), end()).prop_map(move |(a, b, from, to)| words(vec!["LMOVE", &a, &b, &from, &to])),
        3 => (key(), key(), end(), end(), move_how, 1..40u32).prop_map(move |(a, b, from, to, (how, order), count)| {
            words(vec!["LMOVEM", &a, &b, &from, &to, how, &count.to_string(), order])
        }),
        2 => (key(), key(), end(), 1..40u32)
            .prop_map(move |(a, b, end, count)| words(vec!["LMPOP", "2", &a, &b, &end, "COUNT", &count.to_string()])),
    ]
}

fn send(bench: &mut Bench, client: SessionId, words: &[String]) -> String {
    let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    String::from_utf8_lossy(&bench.send(client, command(&bytes))).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(
        steps in prop::collection::vec(step(), 1..150),
        size in prop::sample::select(vec!["-2", "-1", "10", "1", "50"]),
        depth in prop::sample::select(vec!["0", "1", "3"]),
        threshold in prop::sample::select(vec!["0", "1", "30b", "3k"]),
    ) {
        let mut config = Config::default();
        config.acl.enable_debug_command = Allowed::Yes;
        let mut bench = Bench::new(config, None);
        let client = bench.connect();
        bench.ask(client, &format!("CONFIG SET list-compress-depth {depth}"));
        bench.ask(client, &format!("DEBUG QUICKLIST-PACKED-THRESHOLD {threshold}"));
        bench.ask(client, &format!("CONFIG SET list-max-listpack-size {size}"));
        bench.engine.effects().stream.enable(true);
        let empty = bench.engine.state().keyspace.memory();
        bench.ask(client, "SET string value");
        let mut model = Model::default();
        for words in &steps {
            prop_assert_eq!(send(&mut bench, client, words), model.apply(words), "{:?}", words);
        }
        for key in 0..3 {
            let key = format!("list:{key}");
            let there = model.lists.contains_key(&key);
            prop_assert_eq!(bench.ask(client, &format!("EXISTS {key}")), integer(usize::from(there)));
        }
        // The stream makes the same lists.
        let stream = bench.engine.effects().stream.bytes().to_vec();
        let mut copy = Bench::new(Config::default(), None);
        let link = copy.connect();
        for part in stream.chunks(8 * 1024) {
            copy.round(&[(link, part)]);
        }
        prop_assert_eq!(bench.data(), copy.data());
        // And nothing of them is left in the account.
        for key in ["string", "list:0", "list:1", "list:2"] {
            bench.ask(client, &format!("DEL {key}"));
        }
        prop_assert_eq!(bench.engine.state().keyspace.memory(), empty);
    }
}
