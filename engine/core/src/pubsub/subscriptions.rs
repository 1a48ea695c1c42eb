//! What one client subscribes to: channels, patterns and shard channels, each by name, with its place among the subscribers.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The three kinds of subscription. They have nothing in common but their form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SUBSCRIBE: messages to one channel.
    Channel,
    /// PSUBSCRIBE: messages to all channels that match.
    Pattern,
    /// SSUBSCRIBE: messages to one channel of a shard.
    Shard,
}

/// Subscriptions of one client.
#[derive(Debug, Default)]
pub struct Subscriptions {
    by_kind: [BTreeMap<Rc<[u8]>, u64>; 3],
}

/// Bytes that one subscription takes in its client's map; the name belongs to the server's.
const BYTES_EACH: usize = size_of::<(Rc<[u8]>, u64)>() * 3 / 2;

impl Subscriptions {
    /// How many of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.by_kind[kind as usize].len()
    }

    /// True when there are none of any kind.
    pub fn is_empty(&self) -> bool {
        self.by_kind.iter().all(BTreeMap::is_empty)
    }

    /// Bytes that they take.
    pub fn memory(&self) -> usize {
        size_of::<Subscriptions>() + self.by_kind.iter().map(|names| names.len() * BYTES_EACH).sum::<usize>()
    }

    /// Names of a kind, in order.
    pub fn names(&self, kind: Kind) -> impl ExactSizeIterator<Item = &Rc<[u8]>> {
        self.by_kind[kind as usize].keys()
    }

    pub(super) fn contains(&self, kind: Kind, name: &[u8]) -> bool {
        self.by_kind[kind as usize].contains_key(name)
    }

    pub(super) fn insert(&mut self, kind: Kind, name: Rc<[u8]>, place: u64) {
        self.by_kind[kind as usize].insert(name, place);
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &[u8]) -> Option<u64> {
        self.by_kind[kind as usize].remove(name)
    }

    pub(super) fn take(&mut self, kind: Kind) -> BTreeMap<Rc<[u8]>, u64> {
        std::mem::take(&mut self.by_kind[kind as usize])
    }
}
