//! What is recorded of publishers and subscribers: every message that was published, and all that each connection heard.

use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub struct Messages {
    /// Every message, in the order in which they were sent.
    pub publications: Vec<Publication>,
    /// Every subscriber's connection.
    pub listeners: Vec<Listener>,
    /// Where each message stands among the publications.
    places: BTreeMap<MessageId, usize>,
}

/// A publisher's process, and the number of its message: both counted by the harness, never used twice.
pub type MessageId = (u64, u64);

/// One message as its publisher sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its name.
    pub id: MessageId,
    /// Where to.
    pub channel: String,
    /// Whether that is a shard channel.
    pub shard: bool,
    /// When it was sent.
    pub sent: u64,
    /// When it was answered, and how many receivers it had.
    pub acked: Option<(u64, i64)>,
}

/// What one can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// A channel.
    Channel,
    /// A pattern of channels' names.
    Pattern,
    /// A shard channel.
    Shard,
}

/// A topic's kind and name.
pub type Subscription = (Topic, String);

/// All that one connection of a subscriber sent and heard, in order.
#[derive(Debug, Default)]
pub struct Listener {
    /// Whose connection.
    pub client: String,
    /// What happened and when.
    pub events: Vec<(u64, Event)>,
}

/// Something that a subscriber did or heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Asked to subscribe (true) or to leave.
    Asked(bool, Subscription),
    /// Was told that it did, and how many subscriptions there are.
    Confirmed(bool, Subscription, i64),
    /// Got a message through a subscription.
    Message {
        /// The subscription that brought it.
        by: Subscription,
        /// The channel.
        channel: String,
        /// Which message.
        id: MessageId,
    },
    /// Sent a PING.
    Pinged(u64),
    /// It was answered.
    Ponged(u64),
}

impl Messages {
    /// A message is on its way.
    pub fn publish(&mut self, publication: Publication) {
        self.places.insert(publication.id, self.publications.len());
        self.publications.push(publication);
    }

    /// A message was answered.
    pub fn acknowledge(&mut self, id: MessageId, at: u64, receivers: i64) {
        if let Some(place) = self.places.get(&id) {
            self.publications[*place].acked = Some((at, receivers));
        }
    }

    /// The message of that name.
    pub fn find(&self, id: MessageId) -> Option<&Publication> {
        self.places.get(&id).map(|place| &self.publications[*place])
    }

    /// A subscriber has connected: its number among the listeners.
    pub fn connect(&mut self, client: &str) -> usize {
        self.listeners.push(Listener { client: client.to_owned(), events: Vec::new() });
        self.listeners.len() - 1
    }

    /// Something happened on a subscriber's connection.
    pub fn event(&mut self, listener: usize, at: u64, event: Event) {
        self.listeners[listener].events.push((at, event));
    }
}

/// Whether a subscription brings what is published to a channel. Patterns here are a prefix and `*`.
pub fn brings((topic, name): &Subscription, channel: &str, shard: bool) -> bool {
    match topic {
        Topic::Channel => !shard && name == channel,
        Topic::Shard => shard && name == channel,
        Topic::Pattern => !shard && name.strip_suffix('*').is_some_and(|prefix| channel.starts_with(prefix)),
    }
}
