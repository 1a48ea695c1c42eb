//! The tests, as a table. To add one, add a row: its name, what it does, the command that fills its keyspace, its request
//! templates (see [`crate::template`]) and what every reply must be, if that is known.
//!
//! Tests that write in another shape than they read keep their keys apart by prefix, so that one fill serves all rounds.

mod collections;

pub use collections::SHAPES;

use crate::keys::{Keys, Spread, Zipf};
use crate::template::Batch;

/// One row of the table.
#[derive(Debug)]
pub struct Test {
    /// As given to `--tests`.
    pub name: &'static str,
    /// For `--help`.
    pub about: &'static str,
    /// What is there before the first round.
    pub fill: &'static [Fill],
    /// Sent in turn.
    pub requests: &'static [&'static str],
    /// How many of the keys are used.
    pub range: Range,
    /// What each reply must be.
    pub reply: Reply,
}

/// A command that fills: sent once for every key, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fill {
    /// Its template.
    pub command: &'static str,
    /// For so many keys, however many there are of others.
    pub keys: Option<u64>,
}

impl Fill {
    /// For each of the keys that are asked for.
    const fn each(command: &'static str) -> Fill {
        Fill { command, keys: None }
    }

    /// For so many keys.
    pub const fn of(keys: u64, command: &'static str) -> Fill {
        Fill { command, keys: Some(keys) }
    }

    /// For how many keys.
    pub fn count(&self, sizes: &Sizes) -> u64 {
        self.keys.unwrap_or(sizes.keys)
    }
}

/// How many of the filled keys a test names.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// All of them.
    All,
    /// The first so many.
    Hot(u64),
    /// So many, of whatever it was filled with.
    Exactly(u64),
}

/// What is known of each reply.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// These bytes.
    Exactly(&'static str),
    /// The payload, as a bulk string.
    Value,
    /// Anything but an error.
    Any,
}

const OK: Reply = Reply::Exactly("+OK\r\n");

/// What fills the keys of the plain string tests.
const FILL_STRINGS: &str = "SET key:{key} {value}";

/// What fills with plain strings.
pub const PLAIN_STRINGS: Fill = Fill::each(FILL_STRINGS);

/// All tests.
pub fn all() -> impl Iterator<Item = &'static Test> {
    STRINGS.iter().chain(collections::TESTS)
}

/// Tests of strings, and of the protocol.
static STRINGS: &[Test] = &[
    Test {
        name: "ping",
        about: "the protocol alone: PING",
        fill: &[],
        requests: &["PING"],
        range: Range::All,
        reply: Reply::Exactly("+PONG\r\n"),
    },
    Test {
        name: "get",
        about: "GET of a key that exists",
        fill: &[Fill::each(FILL_STRINGS)],
        requests: &["GET key:{key}"],
        range: Range::All,
        reply: Reply::Value,
    },
    Test {
        name: "get-hot",
        about: "GET of one of 1000 keys: all in cache",
        fill: &[Fill::each(FILL_STRINGS)],
        requests: &["GET key:{key}"],
        range: Range::Hot(1000),
        reply: Reply::Value,
    },
    Test {
        name: "set",
        about: "SET of a key that exists, same length",
        fill: &[Fill::each(FILL_STRINGS)],
        requests: &["SET key:{key} {value}"],
        range: Range::All,
        reply: OK,
    },
    Test {
        name: "set-ex",
        about: "SET with EX 3600: the deadline moves",
        fill: &[Fill::each("SET ttl:{key} {value} EX 3600")],
        requests: &["SET ttl:{key} {value} EX 3600"],
        range: Range::All,
        reply: OK,
    },
    Test {
        name: "incr",
        about: "INCR of a counter that exists",
        fill: &[Fill::each("SET ctr:{key} 1")],
        requests: &["INCR ctr:{key}"],
        range: Range::All,
        reply: Reply::Any,
    },
    Test {
        name: "mset",
        about: "MSET of ten keys (counted as one request)",
        fill: &[Fill::each(FILL_STRINGS)],
        requests: &["MSET key:{key} {value} key:{key} {value} key:{key} {value} key:{key} {value} key:{key} {value} \
             key:{key} {value} key:{key} {value} key:{key} {value} key:{key} {value} key:{key} {value}"],
        range: Range::All,
        reply: OK,
    },
    Test {
        name: "del-set",
        about: "DEL and SET in turn, of independent keys: entries come and go",
        fill: &[Fill::each("SET del:{key} {value}")],
        requests: &["DEL del:{key}", "SET del:{key} {value}"],
        range: Range::All,
        reply: Reply::Any,
    },
];

/// Finds a test by name.
///
/// # Errors
/// With the list of names.
pub fn find(name: &str) -> Result<&'static Test, String> {
    all().find(|test| test.name == name).ok_or_else(|| {
        let names: Vec<&str> = all().map(|test| test.name).collect();
        format!("no test {name:?}; there are {}", names.join(", "))
    })
}

/// The table for `--help`.
pub fn listing() -> String {
    all().map(|test| format!("  {:<13}  {}\n", test.name, test.about)).collect()
}

/// What the generator sends: batches, the keys they name, and the reply that each request must get.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Sent in turn; several where the templates do not divide a batch evenly.
    pub batches: Vec<Batch>,
    /// The numbers of the keys.
    pub keys: Keys,
    /// What each reply must be, if known.
    pub expected: Option<Vec<u8>>,
}

/// The sizes that all tests share.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Keys in the keyspace of each prefix.
    pub keys: u64,
    /// Bytes of a value.
    pub value: usize,
    /// Exponent of the zipf distribution; uniform without.
    pub zipf: Option<f64>,
}

impl Sizes {
    fn payload(&self) -> String {
        "x".repeat(self.value)
    }
}

impl Test {
    /// The traffic of this test at pipeline depth `depth`.
    ///
    /// # Errors
    /// When a size is out of range.
    pub fn traffic(&self, sizes: &Sizes, depth: usize, seed: u64) -> Result<Traffic, String> {
        let payload = sizes.payload();
        let range = match self.range {
            Range::All => sizes.keys,
            Range::Hot(keys) => keys.min(sizes.keys),
            Range::Exactly(keys) => keys,
        };
        let spread = match sizes.zipf {
            Some(theta) => Spread::Zipf(Zipf::new(range, theta)?),
            None => Spread::Uniform,
        };
        let batches = (0..self.requests.len())
            .map(|turn| Batch::new(self.requests, turn * depth, depth, &payload))
            .collect::<Result<_, _>>()?;
        let expected = match self.reply {
            Reply::Exactly(text) => Some(text.as_bytes().to_vec()),
            Reply::Value => Some(format!("${}\r\n{payload}\r\n", payload.len()).into_bytes()),
            Reply::Any => None,
        };
        Ok(Traffic { batches, keys: Keys::new(spread, range, seed), expected })
    }
}

/// The traffic that fills a keyspace, one request a key, in order.
///
/// # Errors
/// When a size is out of range.
pub fn filling(fill: Fill, sizes: &Sizes, depth: usize) -> Result<Traffic, String> {
    let expected = fill.command.starts_with("SET ").then(|| b"+OK\r\n".to_vec());
    Ok(Traffic {
        batches: vec![Batch::new(&[fill.command], 0, depth, &sizes.payload())?],
        keys: Keys::new(Spread::InOrder, fill.count(sizes), 0),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { keys: 1000, value: 8, zipf: None };

    #[test]
    fn every_row_can_be_sent() {
        for test in all() {
            let traffic = test.traffic(&SIZES, 16, 1).unwrap();
            assert!(traffic.batches.iter().all(|batch| batch.depth() == 16), "{}", test.name);
            for fill in test.fill {
                assert!(filling(*fill, &SIZES, 64).is_ok(), "{}", test.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        for test in all() {
            assert!(std::ptr::eq(find(test.name).unwrap(), test));
        }
        assert!(find("nonesuch").unwrap_err().contains("get-hot"));
    }

    #[test]
    fn templates_alternate_even_one_request_at_a_time() {
        let mut traffic = find("del-set").unwrap().traffic(&SIZES, 1, 1).unwrap();
        let sent: Vec<bool> = traffic.batches.iter_mut().map(|b| b.patched(1, || 0).starts_with(b"*2")).collect();
        assert_eq!(sent, [true, false]);
    }

    #[test]
    fn mset_names_ten_keys() {
        let mut traffic = find("mset").unwrap().traffic(&SIZES, 1, 1).unwrap();
        let mut keys = 0;
        traffic.batches[0].patched(1, || {
            keys += 1;
            0
        });
        assert_eq!(keys, 10);
    }
}
