//! What is recorded of client-side caches: what was written and seen of each key, and what was served from a cache.

/// See the module.
#[derive(Debug, Default)]
pub struct Caching {
    /// Every write.
    pub writes: Vec<Write>,
    /// What was read from the server.
    pub sights: Vec<Sight>,
    /// What was served from caches.
    pub hits: Vec<Hit>,
}

/// A value that is written once only, or nothing.
pub type Value = Option<String>;

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key; `None` for all keys.
    pub key: Option<String>,
    /// What was written; `None` when it was deleted.
    pub value: Value,
    /// Its time to live, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// When it was sent; for one in a transaction, when EXEC was.
    pub sent: u64,
    /// When the answer came that it was done. Without one it may have been done, may be done later, or never.
    pub done: Option<u64>,
}

/// What the server said of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// When it was asked for.
    pub asked: u64,
    /// When the answer came.
    pub answered: u64,
}

/// A value served from a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Whose cache.
    pub client: String,
    /// How the server tells it of changes.
    pub mode: &'static str,
    /// When it was served.
    pub at: u64,
    /// When the last command was sent that had been answered on the connection that brings invalidations.
    pub since: u64,
    /// What the cache held, and since when.
    pub held: Sight,
}

impl Caching {
    /// A write is on its way. Its number, for when it is done.
    pub fn write(&mut self, key: Option<&str>, value: Value, ttl_ms: Option<u64>, sent: u64) -> usize {
        self.writes.push(Write { key: key.map(str::to_owned), value, ttl_ms, sent, done: None });
        self.writes.len() - 1
    }

    /// A write is done.
    pub fn done(&mut self, write: usize, at: u64) {
        self.writes[write].done = Some(at);
    }
}
