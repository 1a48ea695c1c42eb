//! The log of refusals behind `ACL LOG`: newest first, similar ones of a minute in one entry, bounded.

use std::collections::VecDeque;

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
    /// Name and password.
    Auth,
}

impl Reason {
    /// The word in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
            Reason::Auth => "auth",
        }
    }
}

/// Where it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// A command by itself.
    TopLevel,
    /// While a transaction was queued or executed.
    Multi,
}

impl Context {
    /// The word in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Context::TopLevel => "toplevel",
            Context::Multi => "multi",
        }
    }
}

/// One kind of refusal, and how often it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How often.
    pub count: u64,
    /// Why.
    pub reason: Reason,
    /// Where.
    pub context: Context,
    /// The command, key or channel; for a login the command that was used.
    pub object: Box<[u8]>,
    /// Whose.
    pub username: Box<[u8]>,
    /// The client that was refused last, as CLIENT LIST shows it.
    pub client: String,
    /// Counts up over all entries.
    pub id: u64,
    /// Unix milliseconds of the first refusal.
    pub created_ms: u64,
    /// Unix milliseconds of the last one.
    pub updated_ms: u64,
}

/// Refusals, newest first.
#[derive(Debug, Default)]
pub struct AclLog {
    entries: VecDeque<Entry>,
    next_id: u64,
}

/// What clients named is kept up to so many bytes: a log of large keys must not become large.
const TEXT_MAX: usize = 4096;

impl AclLog {
    /// Remembers a refusal. No more than `max_len` entries are kept (`acllog-max-len`).
    pub fn add(
        &mut self,
        now_ms: u64,
        max_len: usize,
        what: (Reason, Context),
        object: &[u8],
        username: &[u8],
        client: String,
    ) {
        const LOOKED_AT: usize = 10;
        const SIMILAR_MS: u64 = 60_000;
        let (reason, context) = what;
        let object = &object[..object.len().min(TEXT_MAX)];
        let username = &username[..username.len().min(TEXT_MAX)];
        let is_similar = |entry: &Entry| {
            entry.reason == reason
                && entry.context == context
                && now_ms.abs_diff(entry.updated_ms) <= SIMILAR_MS
                && *entry.object == *object
                && *entry.username == *username
        };
        let known = self.entries.iter().take(LOOKED_AT).position(is_similar).and_then(|at| self.entries.remove(at));
        if let Some(entry) = known {
            self.entries.push_front(Entry { count: entry.count + 1, client, updated_ms: now_ms, ..entry });
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        let (object, username) = (object.into(), username.into());
        let (created_ms, updated_ms) = (now_ms, now_ms);
        self.entries.push_front(Entry {
            count: 1,
            reason,
            context,
            object,
            username,
            client,
            id,
            created_ms,
            updated_ms,
        });
        // A shorter limit takes effect with the next entry.
        self.entries.truncate(max_len);
    }

    /// Forgets everything but the numbering.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Entries, newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(log: &mut AclLog, now_ms: u64, object: &str) {
        log.add(now_ms, 3, (Reason::Key, Context::TopLevel), object.as_bytes(), b"u", now_ms.to_string());
    }

    #[test]
    fn similar_refusals_of_a_minute_are_one_entry() {
        let mut log = AclLog::default();
        add(&mut log, 1000, "a");
        add(&mut log, 2000, "b");
        add(&mut log, 61_000, "a");
        let first = log.entries().next().expect("three were added");
        assert_eq!((first.count, first.id, first.created_ms, first.updated_ms), (2, 0, 1000, 61_000));
        assert_eq!(first.client, "61000", "the last client is shown");
        add(&mut log, 121_001, "a");
        assert_eq!(log.entries().map(|e| (e.id, e.count)).collect::<Vec<_>>(), [(2, 1), (0, 2), (1, 1)]);
    }

    #[test]
    fn it_is_bounded_in_entries_and_in_bytes() {
        let mut log = AclLog::default();
        for i in 0..10 {
            add(&mut log, 1000, &format!("{i}{}", "x".repeat(100_000)));
        }
        assert_eq!(log.entries().len(), 3);
        assert!(log.entries().all(|entry| entry.object.len() == TEXT_MAX));
        assert_eq!(log.entries().next().map(|e| e.id), Some(9));
    }
}
