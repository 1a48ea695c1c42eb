//! Sorted sets against maps: random commands on a few keys, thresholds at random, so that sets grow from one form into the
//! other. After each command both trees of every large set must agree, and what the propagation stream says must make the same
//! data of nothing.

mod fixture;

use std::collections::BTreeMap;

use fixture::{Bench, command};
use proptest::prelude::*;
use refrain_core::{Config, SessionId};
use refrain_data::{SortedSet, SortedSetRef};
use refrain_resp::{Reply, decode, push_double};

type Set = BTreeMap<String, f64>;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// The most naive sorted sets there are.
#[derive(Default)]
struct Model {
    keys: BTreeMap<String, Set>,
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn double(score: f64) -> Reply {
    let mut text = Vec::new();
    push_double(&mut text, score);
    Reply::Bulk(text)
}

fn integer(number: usize) -> Reply {
    Reply::Integer(number as i64)
}

fn sorted(set: &Set) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = set.iter().map(|(name, score)| (name.clone(), *score)).collect();
    all.sort_by(|a, b| {
        a.1.partial_cmp(&b.1).expect("scores are numbers").then_with(|| a.0.as_bytes().cmp(b.0.as_bytes()))
    });
    all
}

fn listed(members: &[(String, f64)], with_scores: bool) -> Reply {
    let mut list = Vec::new();
    for (name, score) in members {
        list.push(bulk(name));
        if with_scores {
            list.push(double(*score));
        }
    }
    Reply::Array(list)
}

/// A bound of scores: whether a score is on the inner side of it.
fn inside(score: f64, min: &str, max: &str) -> bool {
    let read = |text: &str| text.trim_start_matches('(').parse::<f64>().expect("a number of the test's own");
    let above = if min.starts_with('(') { score > read(min) } else { score >= read(min) };
    let below = if max.starts_with('(') { score < read(max) } else { score <= read(max) };
    above && below
}

impl Model {
    fn get(&self, key: &str) -> Set {
        self.keys.get(key).cloned().unwrap_or_default()
    }

    fn put(&mut self, key: &str, set: Set) -> Reply {
        let len = set.len();
        self.keys.remove(key);
        if len > 0 {
            self.keys.insert(key.to_owned(), set);
        }
        integer(len)
    }

    fn add(&mut self, words: &[&str]) -> Reply {
        let key = words[1];
        let options: Vec<&str> = words[2..].iter().copied().take_while(|word| word.parse::<f64>().is_err()).collect();
        let has = |word: &str| options.contains(&word);
        let mut set = self.get(key);
        let (mut added, mut changed, mut result) = (0, 0, None);
        for pair in words[2 + options.len()..].chunks(2) {
            let (given, name) = (pair[0].parse::<f64>().expect("a number of the test's own"), pair[1].to_owned());
            let old = set.get(&name).copied();
            let new = match old {
                None if has("XX") => None,
                None => Some(given),
                Some(_) if has("NX") => None,
                Some(old) => {
                    let new = if has("INCR") { old + given } else { given };
                    let refused = has("GT") && new <= old || has("LT") && new >= old;
                    (!refused).then_some(new)
                }
            };
            if let Some(new) = new {
                added += usize::from(old.is_none());
                changed += usize::from(old.is_some_and(|old| old != new));
                set.insert(name, new);
            }
            result = new;
        }
        self.put(key, set);
        if has("INCR") {
            return result.map_or(Reply::Null, double);
        }
        integer(added + if has("CH") { changed } else { 0 })
    }

    fn range(&self, key: &str, words: &[&str]) -> Vec<(String, f64)> {
        let mut all = sorted(&self.get(key));
        let backwards = words.contains(&"REV");
        let (start, stop) = (words[0], words[1]);
        if words.contains(&"BYSCORE") {
            let (min, max) = if backwards { (stop, start) } else { (start, stop) };
            all.retain(|(_, score)| inside(*score, min, max));
            if backwards {
                all.reverse();
            }
            if let Some(at) = words.iter().position(|word| *word == "LIMIT") {
                let (offset, count) = (
                    words[at + 1].parse::<i64>().expect("a number of the test's own"),
                    words[at + 2].parse::<i64>().expect("a number of the test's own"),
                );
                let offset = usize::try_from(offset).map_or(all.len(), |offset| offset.min(all.len()));
                all.drain(..offset);
                all.truncate(usize::try_from(count).unwrap_or(usize::MAX));
            }
            return all;
        }
        if backwards {
            all.reverse();
        }
        let len = all.len() as i64;
        let index = |text: &str| -> i64 {
            let index: i64 = text.parse().expect("a number of the test's own");
            if index < 0 { index + len } else { index }
        };
        let (start, stop) = (index(start).max(0), index(stop).min(len - 1));
        if start > stop { Vec::new() } else { all[start as usize..=stop as usize].to_vec() }
    }

    fn take(&mut self, key: &str, members: &[(String, f64)]) {
        let mut set = self.get(key);
        for (name, _) in members {
            set.remove(name);
        }
        self.put(key, set);
    }

    fn pop(&mut self, key: &str, max: bool, count: usize) -> Vec<(String, f64)> {
        let mut all = sorted(&self.get(key));
        if max {
            all.reverse();
        }
        all.truncate(count);
        self.take(key, &all);
        all
    }

    fn combine(&self, what: &str, words: &[&str]) -> Set {
        let count: usize = words[0].parse().expect("a number of the test's own");
        let keys = &words[1..=count];
        let option = |name: &str| words.iter().position(|word| *word == name).map(|at| at + 1);
        let weight = |i: usize| {
            option("WEIGHTS").map_or(1.0, |at| words[at + i].parse::<f64>().expect("a number of the test's own"))
        };
        let sets: Vec<Set> = keys.iter().map(|key| self.get(key)).collect();
        let mut result = Set::new();
        let names: std::collections::BTreeSet<&String> = sets.iter().flat_map(BTreeMap::keys).collect();
        for name in names {
            let found: Vec<Option<f64>> =
                sets.iter().enumerate().map(|(i, set)| set.get(name).map(|score| score * weight(i))).collect();
            let kept = match what {
                "UNION" => true,
                "INTER" => found.iter().all(Option::is_some),
                _ => found[0].is_some() && found[1..].iter().all(Option::is_none),
            };
            if !kept {
                continue;
            }
            let scores = found.into_iter().flatten();
            let score = match option("AGGREGATE").map_or("SUM", |at| words[at]) {
                "MIN" => scores.fold(f64::INFINITY, f64::min),
                "MAX" => scores.fold(f64::NEG_INFINITY, f64::max),
                _ => scores.sum(),
            };
            result.insert(name.clone(), score);
        }
        result
    }

    fn apply(&mut self, words: &[&str]) -> Reply {
        let key = words[1];
        let has = |word: &str| words.contains(&word);
        match words[0] {
            "ZADD" => self.add(words),
            "ZINCRBY" => self.add(&["ZADD", key, "INCR", words[2], words[3]]),
            "ZCARD" => integer(self.get(key).len()),
            "ZSCORE" => self.get(key).get(words[2]).map_or(Reply::Null, |score| double(*score)),
            "ZMSCORE" => {
                let set = self.get(key);
                let score = |name: &&str| set.get(*name).map_or(Reply::Null, |score| double(*score));
                Reply::Array(words[2..].iter().map(score).collect())
            }
            "ZRANK" | "ZREVRANK" => {
                let mut all = sorted(&self.get(key));
                if words[0] == "ZREVRANK" {
                    all.reverse();
                }
                all.iter().position(|(name, _)| name == words[2]).map_or(Reply::Null, integer)
            }
            "ZREM" => {
                let mut set = self.get(key);
                let count = words[2..].iter().filter(|name| set.remove(**name).is_some()).count();
                self.put(key, set);
                integer(count)
            }
            "ZCOUNT" => integer(self.get(key).values().filter(|score| inside(**score, words[2], words[3])).count()),
            "ZRANGE" => listed(&self.range(key, &words[2..]), has("WITHSCORES")),
            "ZRANGESTORE" => {
                let set = self.range(words[2], &words[3..]).into_iter().collect();
                self.put(key, set)
            }
            "ZREMRANGEBYRANK" | "ZREMRANGEBYSCORE" => {
                let by = if words[0] == "ZREMRANGEBYRANK" { "" } else { "BYSCORE" };
                let members = self.range(key, &[words[2], words[3], by]);
                self.take(key, &members);
                integer(members.len())
            }
            "ZPOPMIN" | "ZPOPMAX" => listed(
                &self.pop(key, words[0] == "ZPOPMAX", words[2].parse().expect("a number of the test's own")),
                true,
            ),
            "ZMPOP" => {
                let keys = &words[2..words.len() - 3];
                let Some(key) = keys.iter().find(|key| self.keys.contains_key(**key)) else { return Reply::Null };
                let count = words[words.len() - 1].parse().expect("a number of the test's own");
                let pairs = self.pop(key, has("MAX"), count);
                let pairs = pairs.iter().map(|(name, score)| Reply::Array(vec![bulk(name), double(*score)]));
                Reply::Array(vec![bulk(key), Reply::Array(pairs.collect())])
            }
            "ZUNIONSTORE" | "ZINTERSTORE" | "ZDIFFSTORE" => {
                let what = words[0].trim_start_matches('Z').trim_end_matches("STORE");
                let set = self.combine(what, &words[2..]);
                self.put(key, set)
            }
            "ZUNION" | "ZINTER" | "ZDIFF" => {
                let set = self.combine(&words[0][1..], &words[1..]);
                listed(&sorted(&set), has("WITHSCORES"))
            }
            "ZINTERCARD" => integer(self.combine("INTER", &words[1..]).len()),
            "DEL" => integer(usize::from(self.keys.remove(key).is_some())),
            other => panic!("the model has no {other}"),
        }
    }
}

fn pick(from: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(from).prop_map(str::to_owned).boxed()
}

fn member() -> BoxedStrategy<String> {
    prop_oneof![
        (0u32..40).prop_map(|n| n.to_string()),
        (0u32..40).prop_map(|n| format!("member:{n}")),
        (0u32..3).prop_map(|n| format!("{n}").repeat(70)),
    ]
    .boxed()
}

/// Sums of these are exact, in whatever order they are added.
fn score() -> BoxedStrategy<String> {
    prop_oneof![4 => (-40i32..40).prop_map(|n| f64::from(n) / 4.0), 1 => (0u32..30).prop_map(|n| f64::from(1 << n))]
        .prop_map(|score| score.to_string())
        .boxed()
}

fn bound() -> BoxedStrategy<String> {
    (any::<bool>(), score()).prop_map(|(excluded, score)| format!("{}{score}", if excluded { "(" } else { "" })).boxed()
}

fn words(parts: Vec<BoxedStrategy<String>>) -> BoxedStrategy<Vec<String>> {
    parts
        .prop_map(|parts| {
            parts.iter().flat_map(|part| part.split(' ')).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        })
        .boxed()
}

fn step() -> BoxedStrategy<Vec<String>> {
    let name = |name: &'static str| Just(name.to_owned()).boxed();
    let key = || pick(&KEYS);
    let index = || (-12i32..12).prop_map(|n| n.to_string()).boxed();
    let pairs = |most: usize| {
        prop::collection::vec((score(), member()), 1..most)
            .prop_map(|pairs| pairs.iter().map(|(score, name)| format!("{score} {name}")).collect::<Vec<_>>().join(" "))
            .boxed()
    };
    let some = |of: BoxedStrategy<String>| prop::collection::vec(of, 1..4).prop_map(|all| all.join(" ")).boxed();
    let limit =
        || prop_oneof![Just(String::new()), (-1i32..5, -1i32..6).prop_map(|(a, b)| format!("LIMIT {a} {b}"))].boxed();
    let inputs = || {
        prop::collection::vec(prop::sample::select(&KEYS[..]), 1..4)
            .prop_map(|keys| format!("{} {}", keys.len(), keys.join(" ")))
            .boxed()
    };
    let weighted = || {
        (prop::collection::vec((prop::sample::select(&KEYS[..]), -3i32..4), 1..4), any::<bool>())
            .prop_map(|(inputs, weighs)| {
                let keys: Vec<&str> = inputs.iter().map(|(key, _)| *key).collect();
                let weights: Vec<String> = inputs.iter().map(|(_, weight)| weight.to_string()).collect();
                let weights = if weighs { format!("WEIGHTS {}", weights.join(" ")) } else { String::new() };
                format!("{} {} {weights}", keys.len(), keys.join(" "))
            })
            .boxed()
    };
    let aggregate = || pick(&["", "AGGREGATE SUM", "AGGREGATE MIN", "AGGREGATE MAX"]);
    let with_scores = || pick(&["", "WITHSCORES"]);
    let reversed = || pick(&["", "REV"]);
    prop_oneof![
        8 => words(vec![name("ZADD"), key(), pairs(12)]),
        3 => words(vec![name("ZADD"), key(), pick(&["", "NX", "XX", "XX GT", "LT", "GT"]), pick(&["", "CH"]), pairs(4)]),
        1 => words(vec![name("ZADD"), key(), pick(&["", "NX", "XX", "LT"]), name("INCR"), pairs(2)]),
        2 => words(vec![name("ZINCRBY"), key(), score(), member()]),
        1 => words(vec![name("ZCARD"), key()]),
        1 => words(vec![name("ZSCORE"), key(), member()]),
        1 => words(vec![name("ZMSCORE"), key(), some(member())]),
        2 => words(vec![pick(&["ZRANK", "ZREVRANK"]), key(), member()]),
        3 => words(vec![name("ZREM"), key(), some(member())]),
        1 => words(vec![name("ZCOUNT"), key(), bound(), bound()]),
        2 => words(vec![name("ZRANGE"), key(), index(), index(), reversed(), with_scores()]),
        2 => words(vec![name("ZRANGE"), key(), bound(), bound(), name("BYSCORE"), reversed(), limit(), with_scores()]),
        1 => words(vec![name("ZRANGESTORE"), key(), key(), bound(), bound(), name("BYSCORE"), reversed(), limit()]),
        1 => words(vec![name("ZREMRANGEBYRANK"), key(), index(), index()]),
        1 => words(vec![name("ZREMRANGEBYSCORE"), key(), bound(), bound()]),
        1 => words(vec![pick(&["ZPOPMIN", "ZPOPMAX"]), key(), (0u32..5).prop_map(|n| n.to_string()).boxed()]),
        1 => words(vec![name("ZMPOP"), inputs(), pick(&["MIN", "MAX"]), name("COUNT 2")]),
        2 => words(vec![pick(&["ZUNIONSTORE", "ZINTERSTORE"]), key(), weighted(), aggregate()]),
        1 => words(vec![name("ZDIFFSTORE"), key(), inputs()]),
        1 => words(vec![pick(&["ZUNION", "ZINTER"]), weighted(), aggregate(), with_scores()]),
        1 => words(vec![name("ZDIFF"), inputs(), with_scores()]),
        1 => words(vec![name("ZINTERCARD"), inputs()]),
        1 => words(vec![name("DEL"), key()]),
    ]
    .boxed()
}

fn ask(bench: &mut Bench, client: SessionId, words: &[&str]) -> Reply {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let reply = bench.send(client, command(&words));
    one_zero(decode(&reply).expect("replies are well formed").expect("a whole reply").0)
}

/// With the two zeros made one: which of them a set keeps depends on its form.
fn one_zero(reply: Reply) -> Reply {
    match reply {
        Reply::Bulk(text) if text == b"-0" => bulk("0"),
        Reply::Array(parts) => Reply::Array(parts.into_iter().map(one_zero).collect()),
        other => other,
    }
}

/// Every set is in order, and its trees agree.
fn check(bench: &Bench) -> Result<(), TestCaseError> {
    let mut wrong = Vec::new();
    let keyspace = &bench.engine.state().keyspace;
    keyspace.db(0).scan(0, 1000, &mut |entry| {
        let set: SortedSetRef<'_> = entry.view::<SortedSet>().expect("there are no other keys");
        wrong.extend(set.check().err());
        if set.is_empty() {
            wrong.push("an empty set is kept".to_owned());
        }
    });
    prop_assert!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(
        entries in prop_oneof![0u32..4, Just(16), Just(128)],
        value in prop_oneof![Just(0u32), Just(9), Just(64)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        ask(&mut bench, client, &["CONFIG", "SET", "zset-max-listpack-entries", &entries.to_string()]);
        ask(&mut bench, client, &["CONFIG", "SET", "zset-max-listpack-value", &value.to_string()]);
        let empty = bench.engine.state().keyspace.memory();
        let mut model = Model::default();
        for step in &steps {
            let step: Vec<&str> = step.iter().map(String::as_str).collect();
            let expected = one_zero(model.apply(&step));
            let got = ask(&mut bench, client, &step);
            prop_assert_eq!(got, expected, "{:?}", step);
            check(&bench)?;
        }
        // A copy that is only told what the stream says has the same data.
        let stream = bench.engine.effects().stream.bytes().to_vec();
        let mut copy = Bench::new(Config::default(), None);
        let follower = copy.connect();
        for part in stream.chunks(8 * 1024) {
            copy.send(follower, part);
        }
        let said = String::from_utf8_lossy(&copy.received[&follower]).into_owned();
        prop_assert!(!said.contains("-ERR"), "{}", said);
        for key in KEYS {
            let all = ["ZRANGE", key, "0", "-1", "WITHSCORES"];
            let expected = one_zero(model.apply(&all));
            prop_assert_eq!(&ask(&mut bench, client, &all), &expected);
            prop_assert_eq!(&ask(&mut copy, follower, &all), &expected, "{} in the copy", key);
            // A walk finds each member once, with its score.
            let (mut cursor, mut found) = ("0".to_owned(), BTreeMap::new());
            loop {
                let Reply::Array(parts) = ask(&mut bench, client, &["ZSCAN", key, &cursor, "COUNT", "3"]) else {
                    panic!("ZSCAN gives an array")
                };
                let (Reply::Bulk(next), Reply::Array(pairs)) = (&parts[0], &parts[1]) else { panic!("{parts:?}") };
                for pair in pairs.chunks(2) {
                    let Reply::Bulk(name) = &pair[0] else { panic!("{pair:?}") };
                    prop_assert!(found.insert(String::from_utf8_lossy(name).into_owned(), pair[1].clone()).is_none());
                }
                cursor = String::from_utf8_lossy(next).into_owned();
                if cursor == "0" {
                    break;
                }
            }
            let expected: BTreeMap<String, Reply> =
                model.get(key).into_iter().map(|(name, score)| (name, one_zero(double(score)))).collect();
            prop_assert_eq!(found, expected);
            ask(&mut bench, client, &["DEL", key]);
        }
        prop_assert_eq!(bench.engine.state().keyspace.memory(), empty, "memory after deleting everything");
    }
}
