//! Keyspace notifications: what happened to which key, told to whoever subscribed.
//!
//! Commands say what they did through [`State::notify`], always, in the order in which it happened; `notify-keyspace-events`
//! decides what of it is published. Off by default, it then costs one comparison.

use crate::call::Key;
use crate::state::State;
use crate::table::bit_set;

bit_set! {
    /// Classes of events. Their names are the letters of `notify-keyspace-events`.
    NotifyClass(u32) {
        /// Published to `__keyspace@<db>__:<key>`, the event as the message.
        KEYSPACE = "K",
        /// Published to `__keyevent@<db>__:<event>`, the key as the message.
        KEYEVENT = "E",
        /// DEL, EXPIRE, RENAME and others that work on every type.
        GENERIC = "g",
        /// Strings.
        STRING = "$",
        /// Lists.
        LIST = "l",
        /// Sets.
        SET = "s",
        /// Hashes.
        HASH = "h",
        /// Sorted sets.
        SORTED_SET = "z",
        /// Keys removed because their deadline had come.
        EXPIRED = "x",
        /// Keys removed for want of memory.
        EVICTED = "e",
        /// Streams.
        STREAM = "t",
        /// A key was asked for that does not exist. Not part of `A`.
        KEY_MISS = "m",
        /// Modules' types.
        MODULE = "d",
        /// A key came into being. Not part of `A`.
        NEW = "n",
    }
}

impl State {
    /// Says that `event` happened to `key`.
    #[inline]
    pub fn notify(&mut self, class: NotifyClass, event: &'static str, key: &Key<'_>) {
        if self.notified.intersects(class) {
            self.publish_event(event, key.db, key.name);
        }
    }

    /// The event to those who listen for the key, and the key to those who listen for the event.
    #[cold]
    fn publish_event(&mut self, event: &'static str, db: usize, key: &[u8]) {
        let mut digits = itoa::Buffer::new();
        let db = digits.format(db).as_bytes();
        let mut channel = std::mem::take(&mut self.event_channel);
        for (class, space, name, message) in [
            (NotifyClass::KEYSPACE, b"__keyspace@", key, event.as_bytes()),
            (NotifyClass::KEYEVENT, b"__keyevent@", event.as_bytes(), key),
        ] {
            if self.notified.contains(class) {
                channel.clear();
                for part in [space, db, b"__:", name] {
                    channel.extend_from_slice(part);
                }
                self.publish(&channel, message);
            }
        }
        self.event_channel = channel;
    }
}
