//! What is recorded of producers and consumers of queues: every element that was pushed, everything that was asked for and got.

use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub struct Queues {
    /// Every element, in the order in which they were sent.
    pub pushed: Vec<Pushed>,
    /// Everything that consumers asked for.
    pub takes: Vec<Take>,
    /// What consumers found in their own lists when they came back, with whose it was.
    pub recovered: Vec<(String, String)>,
    /// What was left in each queue and list when all was over; `None` if nobody could look.
    pub left: Option<BTreeMap<String, Vec<String>>>,
}

/// One element as its producer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its name, never used twice.
    pub element: String,
    /// Where to.
    pub queue: String,
    /// The producer's process: what one process sends is executed in the order of sending.
    pub process: u64,
    /// When it was sent.
    pub sent: u64,
    /// When it was answered.
    pub acked: Option<u64>,
}

/// One request of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Who asked.
    pub client: String,
    /// `CLIENT ID` of the connection.
    pub connection: i64,
    /// From which queues.
    pub queues: Vec<String>,
    /// How many elements it can get.
    pub most: usize,
    /// They go to the consumer's own list, where they stay whatever becomes of the reply.
    pub moves: bool,
    /// When it was sent.
    pub sent: u64,
    /// When it was answered, and with what.
    pub got: Option<(u64, Vec<String>)>,
    /// Its connection is given up: nobody will read an answer.
    pub given_up: bool,
    /// When the server was known to have forgotten the connection.
    pub gone_by: Option<u64>,
}

impl Queues {
    /// A consumer asks: its number among the takes.
    pub fn ask(&mut self, take: Take) -> usize {
        self.takes.push(take);
        self.takes.len() - 1
    }

    /// All that a client has asked for and not heard of is given up.
    pub fn give_up(&mut self, client: &str) {
        for take in self.takes.iter_mut().filter(|take| take.client == client && take.got.is_none()) {
            take.given_up = true;
        }
    }

    /// Connections of a client with requests that may still be served, as far as is known.
    pub fn haunting(&self, client: &str) -> Vec<i64> {
        let haunts = |take: &&Take| take.client == client && take.given_up && take.gone_by.is_none();
        let mut ids: Vec<i64> = self.takes.iter().filter(haunts).map(|take| take.connection).collect();
        ids.dedup();
        ids
    }

    /// The server has forgotten a connection.
    pub fn laid_to_rest(&mut self, connection: i64, at: u64) {
        for take in self.takes.iter_mut().filter(|take| take.connection == connection && take.given_up) {
            take.gone_by.get_or_insert(at);
        }
    }
}
