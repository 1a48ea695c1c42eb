//! What takes long to free is never freed by the engine: whatever makes a large collection go hands it to the node.

mod fixture;

use fixture::Bench;
use refrain_core::{Config, SessionId};

/// Elements of the large collections: many nodes of their trees.
const MANY: usize = 20_000;

struct World {
    bench: Bench,
    client: SessionId,
}

impl World {
    fn new() -> World {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        World { bench, client }
    }

    fn send(&mut self, words: &[&str]) {
        let mut bytes = Vec::new();
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        refrain_resp::encode_command(&mut bytes, &words);
        self.bench.round(&[(self.client, &bytes)]);
        self.bench.received.clear();
        self.bench.received.insert(self.client, Vec::new());
    }

    /// Makes a large collection under `key`.
    fn fill(&mut self, kind: &str, key: &str) {
        for first in (0..MANY).step_by(500) {
            let mut words = vec![];
            for n in first..first + 500 {
                match kind {
                    "list" | "set" => words.push(format!("element {n}")),
                    _ => words.extend([n.to_string(), format!("element {n}")]),
                }
            }
            let command = match kind {
                "list" => "RPUSH",
                "set" => "SADD",
                "zset" => "ZADD",
                _ => "HSET",
            };
            let mut line = vec![command, key];
            line.extend(words.iter().map(String::as_str));
            self.send(&line);
        }
        self.freed();
    }

    /// How many values the engine has handed over since it was asked last.
    fn freed(&mut self) -> usize {
        self.bench.engine.effects().detached.drain(..).map(|detached| detached.len()).sum()
    }
}

/// Runs a command on a large collection `big` and says how many values were handed over.
fn handed_over(kind: &str, before: &[&[&str]], command: &[&str]) -> usize {
    let mut world = World::new();
    world.fill(kind, "big");
    for command in before {
        world.send(command);
    }
    world.freed();
    world.send(command);
    world.bench.advance_ms(5000);
    world.bench.engine.tick();
    world.freed()
}

#[test]
fn whatever_ends_a_large_collection_hands_it_over() {
    for kind in ["list", "set", "zset", "hash"] {
        for command in [
            &["DEL", "big"][..],
            &["UNLINK", "big"],
            &["SET", "big", "a string"],
            &["PEXPIRE", "big", "1"],
            &["PEXPIRE", "big", "-1"],
            &["RENAME", "small", "big"],
            &["COPY", "small", "big", "REPLACE"],
            &["SUNIONSTORE", "big", "small"],
            &["FLUSHALL"],
        ] {
            let small: &[&[&str]] = &[&["SADD", "small", "a"]];
            assert!(handed_over(kind, small, command) > 0, "{command:?} of a {kind}");
        }
    }
}

#[test]
fn what_a_command_takes_out_of_one_at_once_is_handed_over_too() {
    for (kind, command) in [
        ("list", &["LTRIM", "big", "0", "9"][..]),
        ("list", &["LTRIM", "big", "1", "0"]),
        ("zset", &["ZREMRANGEBYRANK", "big", "0", "-1"]),
        ("zset", &["ZREMRANGEBYSCORE", "big", "-inf", "15000"]),
        ("zset", &["ZPOPMIN", "big", "10000"]),
        ("set", &["SPOP", "big", "18000"]),
    ] {
        assert!(handed_over(kind, &[], command) > 0, "{command:?}");
    }
}

#[test]
fn small_ones_are_freed_where_they_are() {
    let mut world = World::new();
    world.send(&["RPUSH", "small", "a", "b"]);
    world.send(&["DEL", "small"]);
    assert_eq!(world.freed(), 0);
}
