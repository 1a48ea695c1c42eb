//! What is recorded of clients with slow commands, and of what SLOWLOG says about them.

use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub struct Overload {
    /// Replies to each client of a heavy group.
    pub served: BTreeMap<String, BTreeMap<String, u64>>,
    /// What SLOWLOG showed, by the entries' ids.
    pub slow: BTreeMap<i64, SlowEntry>,
    /// Ids that were shown with two different contents.
    pub changed: Vec<i64>,
}

/// One entry of SLOWLOG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowEntry {
    /// Its id.
    pub id: i64,
    /// How long the command took, in microseconds.
    pub us: i64,
    /// The command's name, in capitals.
    pub command: String,
    /// The client's name.
    pub client: String,
}

impl Overload {
    /// A heavy client got a reply.
    pub fn served(&mut self, group: &str, client: &str) {
        let group = self.served.entry(group.to_owned()).or_default();
        *group.entry(client.to_owned()).or_default() += 1;
    }

    /// SLOWLOG has shown these.
    pub fn logged(&mut self, entries: Vec<SlowEntry>) {
        for entry in entries {
            let known = self.slow.insert(entry.id, entry.clone());
            if known.is_some_and(|known| known != entry) {
                self.changed.push(entry.id);
            }
        }
    }
}
