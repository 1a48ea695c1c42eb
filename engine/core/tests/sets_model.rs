//! Sets against a map of ordered sets, with thresholds at random and in both versions of the protocol. What the engine leaves in
//! the propagation stream, executed on an empty engine, gives the same sets, whatever was drawn by lot.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fixture;

use std::collections::{BTreeMap, BTreeSet};

use fixture::{Bench, command};
use proptest::prelude::*;
use refrain_core::{Config, SessionId};
use refrain_resp::{Reply, decode};

type Words = Vec<Vec<u8>>;
type Members = BTreeSet<Vec<u8>>;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// What the engine should hold: sets, none of them empty, and one string.
#[derive(Default)]
struct Model {
    sets: BTreeMap<Vec<u8>, Members>,
}

fn words(text: &[&str]) -> Words {
    text.iter().map(|word| word.as_bytes().to_vec()).collect()
}

struct Pair {
    bench: Bench,
    client: SessionId,
    model: Model,
    is_resp3: bool,
}

impl Pair {
    fn new(thresholds: (usize, usize, usize), is_resp3: bool) -> Pair {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        let (ints, entries, value) = thresholds;
        bench.ask(client, &format!("CONFIG SET set-max-intset-entries {ints} set-max-listpack-entries {entries}"));
        bench.ask(client, &format!("CONFIG SET set-max-listpack-value {value}"));
        bench.ask(client, "SET text x");
        if is_resp3 {
            bench.ask(client, "HELLO 3");
        }
        Pair { bench, client, model: Model::default(), is_resp3 }
    }

    fn ask(&mut self, words: &Words) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let reply = self.bench.send(self.client, command(&words));
        let (decoded, used) = decode(&reply).unwrap().expect("a whole reply");
        assert_eq!(used, reply.len(), "one reply");
        decoded
    }

    fn set(&self, key: &[u8]) -> Members {
        self.model.sets.get(key).cloned().unwrap_or_default()
    }

    fn store(&mut self, key: &[u8], members: Members) {
        self.model.sets.insert(key.to_vec(), members);
        self.model.sets.retain(|_, members| !members.is_empty());
    }

    /// The members of a reply that is a set, each once.
    fn members(&self, reply: Reply) -> Members {
        let replies = match (reply, self.is_resp3) {
            (Reply::Set(replies), true) | (Reply::Array(replies), false) => replies,
            (other, _) => panic!("no set: {other:?}"),
        };
        let len = replies.len();
        let members: Members = replies.into_iter().map(bulk).collect();
        assert_eq!(members.len(), len, "each member once");
        members
    }

    fn combination(&self, name: &str, keys: &[Vec<u8>]) -> Members {
        let (first, others) = keys.split_first().unwrap();
        let others = others.iter().map(|key| self.set(key));
        match &name[..2] {
            "SI" => others.fold(self.set(first), |all, other| &all & &other),
            "SU" => others.fold(self.set(first), |all, other| &all | &other),
            _ => others.fold(self.set(first), |all, other| &all - &other),
        }
    }

    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Add(key, members) => {
                let mut set = self.set(key);
                let added = members.iter().filter(|member| set.insert((*member).clone())).count();
                let reply = self.ask(&[words(&["SADD"]), vec![key.clone()], members.clone()].concat());
                prop_assert_eq!(reply, Reply::Integer(added as i64));
                self.store(key, set);
            }
            Step::Remove(key, members) => {
                let mut set = self.set(key);
                let removed = members.iter().filter(|member| set.remove(*member)).count();
                let reply = self.ask(&[words(&["SREM"]), vec![key.clone()], members.clone()].concat());
                prop_assert_eq!(reply, Reply::Integer(removed as i64));
                self.store(key, set);
            }
            Step::Look(key, members) => {
                let set = self.set(key);
                let found = members.iter().map(|member| Reply::Integer(i64::from(set.contains(member)))).collect();
                let reply = self.ask(&[words(&["SMISMEMBER"]), vec![key.clone()], members.clone()].concat());
                prop_assert_eq!(reply, Reply::Array(found));
                let reply = self.ask(&[words(&["SISMEMBER"]), vec![key.clone(), members[0].clone()]].concat());
                prop_assert_eq!(reply, Reply::Integer(i64::from(set.contains(&members[0]))));
                let reply = self.ask(&vec![b"SCARD".to_vec(), key.clone()]);
                prop_assert_eq!(reply, Reply::Integer(set.len() as i64));
                let reply = self.ask(&vec![b"SMEMBERS".to_vec(), key.clone()]);
                prop_assert_eq!(self.members(reply), set);
            }
            Step::Move(from, to, member) => {
                let moved = self.set(from).contains(member);
                let reply = self.ask(&vec![b"SMOVE".to_vec(), from.clone(), to.clone(), member.clone()]);
                prop_assert_eq!(reply, Reply::Integer(i64::from(moved)));
                if moved {
                    let mut source = self.set(from);
                    source.remove(member);
                    self.store(from, source);
                    let mut destination = self.set(to);
                    destination.insert(member.clone());
                    self.store(to, destination);
                }
            }
            Step::Pop(key, count) => {
                let mut set = self.set(key);
                let popped = match count {
                    Some(count) => {
                        let reply = self.ask(&vec![b"SPOP".to_vec(), key.clone(), count.to_string().into_bytes()]);
                        let popped = self.members(reply);
                        prop_assert_eq!(popped.len(), (*count).min(set.len()));
                        popped
                    }
                    None => match self.ask(&vec![b"SPOP".to_vec(), key.clone()]) {
                        Reply::Null => {
                            prop_assert!(set.is_empty());
                            Members::new()
                        }
                        reply => Members::from([bulk(reply)]),
                    },
                };
                for member in popped {
                    prop_assert!(set.remove(&member), "what is popped was there");
                }
                self.store(key, set);
            }
            Step::Draw(key, count) => {
                let set = self.set(key);
                let reply = self.ask(&vec![b"SRANDMEMBER".to_vec(), key.clone(), count.to_string().into_bytes()]);
                let Reply::Array(drawn) = reply else { panic!("an array in any version: {reply:?}") };
                let wanted = match count {
                    0.. => (*count as usize).min(set.len()),
                    _ if set.is_empty() => 0,
                    _ => count.unsigned_abs() as usize,
                };
                prop_assert_eq!(drawn.len(), wanted);
                let different: Members = drawn.into_iter().map(bulk).collect();
                prop_assert!(different.is_subset(&set));
                prop_assert!(*count < 0 || different.len() == wanted, "no repetition");
            }
            Step::Combine(name, keys, limit) => {
                let expected = self.combination(name, keys);
                let reply = self.ask(&[words(&[name]), keys.clone()].concat());
                prop_assert_eq!(self.members(reply), expected.clone(), "{} {:?}", name, keys);
                let mut call = words(&[&format!("{name}CARD"), &keys.len().to_string()]);
                call.extend_from_slice(keys);
                call.extend(words(&["LIMIT", &limit.to_string()]));
                let counted = if *limit == 0 { expected.len() } else { expected.len().min(*limit) };
                prop_assert_eq!(self.ask(&call), Reply::Integer(counted as i64));
            }
            Step::Store(name, to, keys) => {
                let expected = self.combination(name, keys);
                let reply = self.ask(&[words(&[&format!("{name}STORE")]), vec![to.clone()], keys.clone()].concat());
                prop_assert_eq!(reply, Reply::Integer(expected.len() as i64));
                self.store(to, expected);
            }
            Step::Scan(key, count) => {
                let (mut met, mut cursor) = (Members::new(), b"0".to_vec());
                loop {
                    let count = count.to_string().into_bytes();
                    let call = vec![b"SSCAN".to_vec(), key.clone(), cursor, b"COUNT".to_vec(), count];
                    let Reply::Array(parts) = self.ask(&call) else { panic!("a cursor and members") };
                    let [Reply::Bulk(next), Reply::Array(members)] = &parts[..] else { panic!("{parts:?}") };
                    for member in members {
                        prop_assert!(met.insert(bulk(member.clone())), "each member once while nothing changes");
                    }
                    cursor = next.clone();
                    if cursor == b"0" {
                        break;
                    }
                }
                prop_assert_eq!(met, self.set(key));
            }
            Step::WrongType(call) => {
                let reply = self.ask(call);
                let is_error = matches!(&reply, Reply::Error(text) if text.starts_with(b"WRONGTYPE"));
                prop_assert!(is_error, "{:?}: {:?}", call, reply);
            }
        }
        Ok(())
    }
}

fn bulk(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) => bytes,
        other => panic!("no bulk: {other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u8>, Words),
    Remove(Vec<u8>, Words),
    Look(Vec<u8>, Words),
    Move(Vec<u8>, Vec<u8>, Vec<u8>),
    Pop(Vec<u8>, Option<usize>),
    Draw(Vec<u8>, i64),
    Combine(&'static str, Words, usize),
    Store(&'static str, Vec<u8>, Words),
    Scan(Vec<u8>, usize),
    WrongType(Words),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(KEYS.to_vec()).prop_map(|key| key.as_bytes().to_vec())
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (-5i64..30).prop_map(|number| number.to_string().into_bytes()),
        4 => "[a-d]{0,3}".prop_map(String::into_bytes),
        1 => Just(vec![b'x'; 65]),
        1 => Just(b"40000000000".to_vec()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let members = || prop::collection::vec(member(), 1..6);
    let keys = || prop::collection::vec(key(), 1..7);
    let name = || prop::sample::select(vec!["SINTER", "SUNION", "SDIFF"]);
    let many = (0i64..400, 1i64..400)
        .prop_map(|(from, count)| (from..from + count).map(|n| n.to_string().into_bytes()).collect::<Words>());
    let wrong = prop::sample::select(vec![
        "SADD text a",
        "SREM text a",
        "SCARD text",
        "SISMEMBER text a",
        "SMISMEMBER text a",
        "SMEMBERS text",
        "SPOP text",
        "SPOP text 2",
        "SRANDMEMBER text",
        "SRANDMEMBER text -1",
        "SSCAN text 0",
        "SINTER missing text",
        "SUNION a text",
        "SDIFF missing text",
        "SINTERSTORE a b text",
        "SUNIONCARD 2 a text",
        "SMOVE text a x",
    ]);
    prop_oneof![
        6 => (key(), members()).prop_map(|(key, members)| Step::Add(key, members)),
        1 => (key(), many).prop_map(|(key, members)| Step::Add(key, members)),
        3 => (key(), members()).prop_map(|(key, members)| Step::Remove(key, members)),
        2 => (key(), members()).prop_map(|(key, members)| Step::Look(key, members)),
        2 => (key(), key(), member()).prop_map(|(from, to, member)| Step::Move(from, to, member)),
        2 => (key(), prop::option::of(0usize..40)).prop_map(|(key, count)| Step::Pop(key, count)),
        1 => key().prop_map(|key| Step::Pop(key, Some(390))),
        2 => (key(), -20i64..40).prop_map(|(key, count)| Step::Draw(key, count)),
        3 => (name(), keys(), 0usize..12).prop_map(|(name, keys, limit)| Step::Combine(name, keys, limit)),
        3 => (name(), key(), keys()).prop_map(|(name, to, keys)| Step::Store(name, to, keys)),
        1 => (key(), 1usize..20).prop_map(|(key, count)| Step::Scan(key, count)),
        1 => wrong.prop_map(|line| Step::WrongType(words(&line.split(' ').collect::<Vec<_>>()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn sets_do_what_ordered_sets_do(
        steps in prop::collection::vec(step(), 1..50),
        thresholds in (prop::sample::select(vec![0, 4, 512]), prop::sample::select(vec![0, 6, 128]), 1usize..70),
        is_resp3: bool,
    ) {
        let mut pair = Pair::new(thresholds, is_resp3);
        for step in &steps {
            pair.play(step)?;
        }
        for key in KEYS {
            let reply = pair.ask(&words(&["SMEMBERS", key]));
            prop_assert_eq!(pair.members(reply), pair.set(key.as_bytes()));
            let exists = i64::from(pair.model.sets.contains_key(key.as_bytes()));
            prop_assert_eq!(pair.ask(&words(&["EXISTS", key])), Reply::Integer(exists), "an empty set is no key");
        }
        let stream = pair.bench.engine.effects().stream.bytes().to_vec();
        let mut copy = Pair { bench: Bench::new(Config::default(), None), is_resp3: false, ..Pair::new((0, 0, 0), false) };
        copy.client = copy.bench.connect();
        for part in stream.chunks(8 * 1024) {
            copy.bench.round(&[(copy.client, part)]);
        }
        for key in KEYS {
            let reply = copy.ask(&words(&["SMEMBERS", key]));
            prop_assert_eq!(copy.members(reply), pair.set(key.as_bytes()), "{} from the stream", key);
        }
    }
}

/// The events and the propagated commands of each call, on a data set that goes on from call to call.
#[test]
fn calls_say_what_they_did() {
    let mut bench = Bench::new(Config::default(), None);
    let (worker, listener) = (bench.connect(), bench.connect());
    bench.ask(worker, "CONFIG SET notify-keyspace-events KEAnm");
    bench.ask(listener, "PSUBSCRIBE __keyevent@*");
    let table = [
        ("SADD k a b", "new k, sadd k", "SADD k a b"),
        ("SADD k a", "", ""),
        ("SADD k a c", "sadd k", "SADD k a c"),
        ("SREM k x", "", ""),
        ("SREM k c", "srem k", "SREM k c"),
        ("SMOVE k l a", "srem k, new l, sadd l", "SMOVE k l a"),
        ("SMOVE k l x", "", ""),
        ("SMOVE l l a", "", ""),
        ("SADD l b", "sadd l", "SADD l b"),
        ("SMOVE k l b", "srem k, del k", "SMOVE k l b"),
        ("SUNIONSTORE u k l", "keymiss k, new u, sunionstore u", "SUNIONSTORE u k l"),
        ("SINTERSTORE u l l", "sinterstore u", "SINTERSTORE u l l"),
        ("SDIFFSTORE d u l", "", ""),
        ("SDIFFSTORE u u l", "del u", "SDIFFSTORE u u l"),
        ("SINTER k", "keymiss k", ""),
        ("SPOP l 0", "", ""),
        ("SADD o 7", "new o, sadd o", "SADD o 7"),
        ("SPOP o", "spop o, del o", "SREM o 7"),
        ("SPOP l 5", "spop l, del l", "DEL l"),
        ("SREM l a", "", ""),
        ("SPOP l", "", ""),
        ("SADD m 1 2 3 4 5 6 7 8", "new m, sadd m", "SADD m 1 2 3 4 5 6 7 8"),
        ("SREM m 1 2 3 4 5 6 7 8 9", "srem m, del m", "SREM m 1 2 3 4 5 6 7 8 9"),
    ];
    for (line, events, propagated) in table {
        bench.engine.effects().stream.clear();
        bench.received.get_mut(&listener).unwrap().clear();
        bench.ask(worker, line);
        let heard = String::from_utf8_lossy(&bench.received[&listener]).into_owned();
        let messages: Vec<&str> =
            heard.split("\r\n").filter(|part| !part.is_empty() && !part.starts_with(['$', '*'])).collect();
        let said = messages.chunks(4).map(|message| {
            let event = message[2].strip_prefix("__keyevent@0__:").unwrap();
            format!("{event} {}", message[3])
        });
        assert_eq!(said.collect::<Vec<_>>().join(", "), events, "{line}");
        let stream = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
        let sent: Vec<&str> =
            stream.split("\r\n").filter(|part| !part.is_empty() && !part.starts_with(['$', '*'])).collect();
        let sent = sent.join(" ");
        assert_eq!(sent.strip_prefix("SELECT 0 ").unwrap_or(&sent), propagated, "{line}");
    }
}

/// A large SPOP names what it removed, at most 1024 in a command.
#[test]
fn a_large_pop_is_propagated_in_pieces() {
    for (count, staying) in [(1500, 3500), (4800, 200)] {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        let members: Vec<String> = (0..5000).map(|number| format!("member:{number}")).collect();
        bench.ask(client, &format!("SADD k {}", members.join(" ")));
        bench.ask(client, "EXPIRE k 100");
        bench.engine.effects().stream.clear();
        bench.ask(client, &format!("SPOP k {count}"));
        assert_eq!(bench.ask(client, "SCARD k"), format!(":{staying}\r\n"));
        assert_eq!(bench.ask(client, "TTL k"), ":100\r\n");
        let mut rest = bench.engine.effects().stream.bytes();
        let (mut named, mut frame) = (BTreeSet::new(), Vec::new());
        while let Some((Reply::Array(words), used)) = decode(rest).unwrap() {
            rest = &rest[used..];
            assert!(words.len() <= 2 + 1024);
            // All of it is one transaction.
            frame.extend((words.len() == 1).then(|| words[0].clone()));
            assert!(words.len() == 1 || frame.len() == 1 && words[0] == Reply::Bulk(b"SREM".to_vec()));
            named.extend(words.into_iter().skip(2).map(bulk));
        }
        assert_eq!(named.len(), count);
        assert_eq!(frame, [b"MULTI", &b"EXEC"[..]].map(|word| Reply::Bulk(word.to_vec())));
    }
}

/// Chi-squared over many draws: the choice is fair in every form of a set.
#[test]
fn every_member_is_drawn_as_often_as_any_other() {
    const DRAWS: usize = 40_000;
    for (entries, prefix) in [(128, ""), (128, "m"), (0, "m")] {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        bench.ask(client, &format!("CONFIG SET set-max-listpack-entries {entries}"));
        let members: Vec<String> = (0..100).map(|number| format!("{prefix}{number}")).collect();
        bench.ask(client, &format!("SADD k {}", members.join(" ")));
        let reply = bench.send(client, format!("SRANDMEMBER k -{DRAWS}\r\n"));
        let Some((Reply::Array(drawn), _)) = decode(&reply).unwrap() else { panic!("an array") };
        let mut times: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
        drawn.into_iter().for_each(|member| *times.entry(bulk(member)).or_default() += 1.0);
        let expected = (DRAWS / 100) as f64;
        let chi_squared: f64 = times.values().map(|times| (times - expected).powi(2) / expected).sum();
        // With 99 degrees of freedom it exceeds this once in a hundred thousand times.
        assert!(times.len() == 100 && chi_squared < 169.0, "{chi_squared}");
    }
}
