//! Publish/subscribe: which clients get which messages.
//!
//! A message goes to the subscribers of its channel, in the order in which they subscribed, and then, for each pattern that the
//! channel matches, to the pattern's subscribers; whoever subscribes to both gets both. It is encoded once and appended to
//! what each client is owed, so all subscribers of a channel get the same messages in the same order. Shard channels are
//! a world of their own, without patterns. A client that leaves costs what it had subscribed to, not what others have.
//!
//! Nothing is kept for later: a message without subscribers is gone.

mod patterns;
mod subscribers;
mod subscriptions;

use std::rc::Rc;

use refrain_data::KeyHash;
use refrain_resp::{Encoder, Protocol};

use self::patterns::Patterns;
use self::subscribers::Subscribers;
pub use self::subscriptions::{Kind, Subscriptions};
use crate::names::Names;
use crate::session::Session;
use crate::state::State;

/// Who subscribes to what.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Names<Subscribers>,
    shards: Names<Subscribers>,
    patterns: Patterns,
    /// Subscriptions so far: each gets the next place.
    places: u64,
    /// Clients with at least one subscription.
    clients: usize,
    /// Bytes of all lists of subscribers.
    list_bytes: usize,
    /// The message that is on its way, encoded; kept for its capacity.
    message: Vec<u8>,
}

impl PubSub {
    /// How many names of a kind have subscribers.
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel => self.channels.len(),
            Kind::Pattern => self.patterns.len(),
            Kind::Shard => self.shards.len(),
        }
    }

    /// How many clients subscribe to something.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Bytes that channels, patterns and lists of subscribers take.
    pub fn memory(&self) -> usize {
        self.channels.memory()
            + self.shards.memory()
            + self.patterns.memory()
            + self.list_bytes
            + self.message.capacity()
    }

    /// Names of channels with subscribers, in order. Patterns are not listed.
    pub fn names(&self, kind: Kind, keep: impl Fn(&[u8]) -> bool) -> Vec<&Rc<[u8]>> {
        let names = match kind {
            Kind::Shard => &self.shards,
            _ => &self.channels,
        };
        let mut kept: Vec<&Rc<[u8]>> = names.iter().map(|(name, _)| name).filter(|name| keep(name)).collect();
        kept.sort_unstable();
        kept
    }

    /// How many subscribe to a channel, those by pattern apart.
    pub fn subscribers(&self, kind: Kind, hash: KeyHash, name: &[u8]) -> usize {
        let names = match kind {
            Kind::Shard => &self.shards,
            _ => &self.channels,
        };
        names.get(hash, name).map_or(0, Subscribers::len)
    }

    fn enter(&mut self, kind: Kind, hash: KeyHash, name: &[u8]) -> (Rc<[u8]>, &mut Subscribers) {
        let names = match kind {
            Kind::Pattern => return self.patterns.enter(name),
            Kind::Channel => &mut self.channels,
            Kind::Shard => &mut self.shards,
        };
        let (name, subscribers) = names.enter(hash, name);
        (name.clone(), subscribers)
    }

    fn leave(&mut self, kind: Kind, hash: KeyHash, name: &[u8], place: u64) {
        let subscribers = match kind {
            Kind::Channel => self.channels.get_mut(hash, name),
            Kind::Pattern => self.patterns.get_mut(name),
            Kind::Shard => self.shards.get_mut(hash, name),
        };
        let subscribers = subscribers.expect("what a client subscribes to has subscribers");
        let before = subscribers.memory();
        subscribers.leave(place);
        self.list_bytes = self.list_bytes + subscribers.memory() - before;
        if subscribers.is_empty() {
            self.list_bytes -= subscribers.memory();
            match kind {
                Kind::Channel => drop(self.channels.remove(hash, name)),
                Kind::Pattern => self.patterns.remove(name),
                Kind::Shard => drop(self.shards.remove(hash, name)),
            }
        }
    }
}

impl State {
    /// Subscribes a client. One that already subscribes stays where it is.
    pub(crate) fn subscribe(&mut self, session: &mut Session, kind: Kind, name: &[u8]) {
        let pubsub = &mut self.pubsub;
        let subscriptions = session.subscriptions.get_or_insert_with(|| {
            pubsub.clients += 1;
            Box::default()
        });
        if subscriptions.contains(kind, name) {
            return;
        }
        pubsub.places += 1;
        let place = pubsub.places;
        let (name, subscribers) = pubsub.enter(kind, self.keyspace.hash(name), name);
        let before = subscribers.memory();
        subscribers.join(place, session.handle);
        let grown = subscribers.memory() - before;
        pubsub.list_bytes += grown;
        subscriptions.insert(kind, name, place);
        self.executing_changed(session);
    }

    /// Takes one subscription back. A name that the client does not subscribe to is no error.
    pub(crate) fn unsubscribe(&mut self, session: &mut Session, kind: Kind, name: &[u8]) {
        let Some(subscriptions) = &mut session.subscriptions else { return };
        let Some(place) = subscriptions.remove(kind, name) else { return };
        self.pubsub.leave(kind, self.keyspace.hash(name), name, place);
        self.drop_if_empty(session);
    }

    /// Takes all subscriptions of all kinds back.
    pub(crate) fn unsubscribe_from_all(&mut self, session: &mut Session) {
        let Some(subscriptions) = &mut session.subscriptions else { return };
        for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
            for (name, place) in subscriptions.take(kind) {
                self.pubsub.leave(kind, self.keyspace.hash(&name), &name, place);
            }
        }
        self.drop_if_empty(session);
    }

    fn drop_if_empty(&mut self, session: &mut Session) {
        if session.subscriptions.as_ref().is_some_and(|s| s.is_empty()) {
            session.subscriptions = None;
            self.pubsub.clients -= 1;
        }
        self.executing_changed(session);
    }

    /// Sends a message to the subscribers of a channel and of the patterns that it matches. Returns how many messages went out.
    pub fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        if self.pubsub.channels.is_empty() && self.pubsub.patterns.is_empty() {
            return 0;
        }
        // Nothing that is done for a message subscribes anybody or looks at who does.
        let mut pubsub = std::mem::take(&mut self.pubsub);
        let mut sent = 0;
        if let Some(subscribers) = pubsub.channels.get(self.keyspace.hash(channel), channel) {
            encode(&mut pubsub.message, &[b"message", channel, message]);
            sent += self.send_to_all(subscribers, &pubsub.message);
        }
        for (pattern, subscribers) in pubsub.patterns.matching(channel) {
            encode(&mut pubsub.message, &[b"pmessage", pattern, channel, message]);
            sent += self.send_to_all(subscribers, &pubsub.message);
            if self.pattern_message_twice {
                self.send_to_all(subscribers, &pubsub.message);
            }
        }
        pubsub.release_message();
        self.pubsub = pubsub;
        sent
    }

    /// Sends a message to the subscribers of a shard channel. Returns how many messages went out.
    pub fn publish_to_shard(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let hash = self.keyspace.hash(channel);
        let mut pubsub = std::mem::take(&mut self.pubsub);
        let mut sent = 0;
        if let Some(subscribers) = pubsub.shards.get(hash, channel) {
            encode(&mut pubsub.message, &[b"smessage", channel, message]);
            sent = self.send_to_all(subscribers, &pubsub.message);
        }
        pubsub.release_message();
        self.pubsub = pubsub;
        sent
    }

    fn send_to_all(&mut self, subscribers: &Subscribers, message: &[u8]) -> usize {
        let lost = self.message_lost && self.stats.commands_processed.is_multiple_of(31);
        let count = if lost { subscribers.len() - 1 } else { subscribers.len() };
        subscribers.iter().take(count).filter(|who| self.push_encoded(*who, message)).count()
    }
}

impl PubSub {
    /// A buffer that a huge message has grown is not kept.
    fn release_message(&mut self) {
        const KEPT_MAX: usize = 64 * 1024;
        if self.message.capacity() > KEPT_MAX {
            self.message = Vec::new();
        }
    }
}

/// Encodes a message in RESP2; what differs in RESP3 is the first byte.
fn encode(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.clear();
    let mut encoder = Encoder::new(out, Protocol::Resp2);
    encoder.push(parts.len());
    parts.iter().for_each(|part| encoder.bulk(part));
}
