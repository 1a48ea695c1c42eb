//! Client-side caching: telling clients which of the keys that they may have kept are no longer what they were.
//!
//! By default the server remembers which client has read which key, and tells it once when the key is changed, whatever changes
//! it: a command, a deadline, want of memory. A client in broadcast mode is told of every change under its prefixes instead,
//! and nothing is remembered of what it reads. A client that cannot be told itself (RESP2) names another that is.
//!
//! *Law.* An invalidation is caused by a change and comes behind it: it joins what its receiver is owed while the command that
//! changes the key executes, so it stands before the reply of every later command of that receiver, whoever sent which bytes
//! in which round. The client whose command it is gets first that command's reply (that of EXEC for a whole transaction),
//! then messages, then invalidations of what it had read, then broadcasts. Broadcasts are gathered for the length of one
//! command (or transaction, or slice of periodic work) and then sent, a message for each prefix, its keys in order.
//!
//! NOLOOP spares a client what its own commands have changed, and nothing else: of a deadline that its command has met, or of a
//! key that the table has given up, it is told like anybody, for it cannot know. (Redis is silent then.)
//!
//! Flushing and swapping databases make everything invalid at once: one message without keys to each client. Keys are known
//! here by name alone, as to clients, whatever their database.
//!
//! The table of what was read holds `tracking-table-max-keys` keys at most; beyond it, keys chosen at random are given up, and
//! their readers are told as if they had changed.

mod broadcast;
mod readers;

use std::collections::{BTreeMap, BTreeSet};

use refrain_data::KeyHash;
use refrain_resp::{Encoder, Protocol};

pub use self::broadcast::Broadcasts;
use self::readers::Readers;
use crate::call::{Args, Key, KeyHashes};
use crate::names::Names;
use crate::session::{Closing, Session, SessionId};
use crate::state::State;
use crate::table::{self, Arguments, Command, Flags, KeyRef};

/// Which reads of a client are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// All.
    #[default]
    All,
    /// OPTIN: those for which it has asked by CLIENT CACHING YES.
    OptIn,
    /// OPTOUT: all but those that it has excepted by CLIENT CACHING NO.
    OptOut,
}

/// How a client wants to be told.
#[derive(Debug, Default)]
pub struct Options {
    /// BCAST: of all changes under its prefixes.
    pub broadcast: bool,
    /// OPTIN or OPTOUT.
    pub choice: Choice,
    /// NOLOOP: not of its own changes.
    pub noloop: bool,
    /// REDIRECT: another client is told instead.
    pub redirect: Option<Redirect>,
}

/// Who is told instead.
#[derive(Debug, Clone, Copy)]
pub struct Redirect {
    /// As the client named it.
    pub client_id: u64,
    /// Its session then.
    pub session: SessionId,
}

/// A client that is told.
#[derive(Debug, Default)]
pub struct Tracker {
    /// What it has asked for.
    pub options: Options,
    /// The client that is told instead has gone.
    pub broken: bool,
    /// CLIENT CACHING was called for the next command or transaction.
    pub caching: bool,
    /// Prefixes that it listens to.
    pub prefixes: BTreeSet<Box<[u8]>>,
}

/// Everything about client-side caching.
#[derive(Debug, Default)]
pub struct Tracking {
    trackers: BTreeMap<SessionId, Tracker>,
    /// Keys that were read, and by whom.
    table: Names<Readers>,
    /// Pairs of a key and a reader.
    items: usize,
    /// Bytes of the lists of readers.
    reader_bytes: usize,
    broadcasts: Broadcasts,
    /// Trackers that are not in broadcast mode.
    remembering: usize,
    /// Trackers with [`Tracker::caching`].
    caching: usize,
    /// What the client whose command executes will be told behind its reply; `None` stands for everything.
    pending: Vec<Option<Box<[u8]>>>,
    keys: Vec<KeyRef>,
    /// A test wants keys to be invalidated when the command that will change them is queued.
    pub(crate) is_early: bool,
    /// A test wants nobody to be told of deadlines.
    pub(crate) forgets_deadlines: bool,
    /// It was done then.
    is_done: bool,
}

impl Tracking {
    /// How many clients are told.
    pub fn clients(&self) -> usize {
        self.trackers.len()
    }

    /// How many keys somebody has read.
    pub fn keys(&self) -> usize {
        self.table.len()
    }

    /// How many pairs of a key and a reader there are.
    pub fn items(&self) -> usize {
        self.items
    }

    /// How many prefixes somebody listens to.
    pub fn prefixes(&self) -> usize {
        self.broadcasts.len()
    }

    /// Bytes that all of it takes.
    pub fn memory(&self) -> usize {
        self.table.memory()
            + self.reader_bytes
            + self.broadcasts.memory()
            + self.trackers.len() * size_of::<(SessionId, Tracker)>() * 3 / 2
    }

    /// A client's part in it.
    pub fn of(&self, session: SessionId) -> Option<&Tracker> {
        self.trackers.get(&session)
    }

    /// Whether a change of a key may concern anybody.
    pub(crate) fn is_active(&self) -> bool {
        !self.trackers.is_empty() || !self.table.is_empty()
    }

    /// Whether some client's reads are remembered.
    pub(crate) fn is_remembering(&self) -> bool {
        self.remembering > 0
    }

    /// Says of a tracker's next command or transaction that it is an exception.
    pub(crate) fn set_caching(&mut self, session: SessionId, caching: bool) {
        if let Some(tracker) = self.trackers.get_mut(&session)
            && tracker.caching != caching
        {
            tracker.caching = caching;
            if caching { self.caching += 1 } else { self.caching -= 1 }
        }
    }

    fn enter(&mut self, hash: KeyHash, name: &[u8], who: SessionId) {
        let trackers = &self.trackers;
        let (_, readers) = self.table.enter(hash, name);
        let (items, bytes) = (readers.len(), readers.memory());
        readers.add(who, |other| trackers.contains_key(&other));
        self.items = self.items + readers.len() - items;
        self.reader_bytes = self.reader_bytes + readers.memory() - bytes;
    }

    fn take(&mut self, hash: KeyHash, name: &[u8]) -> Option<Readers> {
        let readers = self.table.remove(hash, name)?;
        self.items -= readers.len();
        self.reader_bytes -= readers.memory();
        Some(readers)
    }
}

/// What a client is told to be no longer true.
#[derive(Clone, Copy)]
enum Invalid<'a> {
    Key(&'a [u8]),
    /// An array, encoded.
    Keys(&'a [u8]),
    Everything,
}

impl State {
    /// Begins to tell a client, or changes how. `prefixes` join those that it listens to already.
    pub(crate) fn track<'a>(
        &mut self,
        session: &mut Session,
        options: Options,
        prefixes: impl Iterator<Item = &'a [u8]>,
    ) {
        let tracking = &mut self.tracking;
        let known = tracking.trackers.contains_key(&session.handle);
        let tracker = tracking.trackers.entry(session.handle).or_default();
        if !known && !options.broadcast {
            tracking.remembering += 1;
        }
        tracker.broken = false;
        session.remembers_reads = !options.broadcast;
        tracker.options = options;
        for prefix in prefixes {
            tracking.broadcasts.listen(prefix, session.handle);
            if tracker.prefixes.insert(prefix.into()) {
                session.prefix_bytes += prefix.len() + size_of::<Box<[u8]>>();
            }
        }
        self.listeners_changed();
    }

    /// Tells a client no longer. What it has read stays in the table until it changes.
    pub(crate) fn untrack(&mut self, session: &mut Session) {
        self.tracking.set_caching(session.handle, false);
        let Some(tracker) = self.tracking.trackers.remove(&session.handle) else { return };
        for prefix in &tracker.prefixes {
            self.tracking.broadcasts.leave(prefix, session.handle);
        }
        if !tracker.options.broadcast {
            self.tracking.remembering -= 1;
        }
        session.remembers_reads = false;
        session.prefix_bytes = 0;
        self.listeners_changed();
    }

    /// Remembers the keys that a command of a client has read.
    pub(crate) fn remember_reads(
        &mut self,
        session: &Session,
        command: &Command,
        args: Args<'_>,
        hashes: KeyHashes<'_>,
        entropy: impl Fn() -> u64,
    ) {
        let Some(tracker) = self.tracking.of(session.handle) else { return };
        let remembers = match tracker.options.choice {
            Choice::All => true,
            Choice::OptIn => tracker.caching,
            Choice::OptOut => !tracker.caching,
        };
        if !remembers || !command.flags.contains(Flags::READONLY) {
            return;
        }
        let mut keys = std::mem::take(&mut self.tracking.keys);
        let argument = |i: usize| args.at(i);
        // A call whose keys cannot be told was answered with an error, and has read nothing.
        let _ = table::keys(command, Arguments::new(args.len(), &argument), &mut keys);
        for key in &keys {
            let i = key.index as usize;
            let hash = hashes.of(i).unwrap_or_else(|| self.keyspace.hash(args.at(i)));
            self.tracking.enter(hash, args.at(i), session.handle);
        }
        let read = keys.len();
        self.tracking.keys = keys;
        self.limit_tracking(2 * read, entropy);
    }

    /// Gives up at most `most` keys of a table that holds too many.
    pub(crate) fn limit_tracking(&mut self, most: usize, entropy: impl Fn() -> u64) {
        let max = match self.config.limits.tracking_table_max_keys {
            0 => return,
            max => usize::try_from(max).unwrap_or(usize::MAX),
        };
        for _ in 0..most {
            if self.tracking.table.len() <= max {
                break;
            }
            let Some((hash, name)) = self.tracking.table.pick(entropy()) else { break };
            let name = name.clone();
            self.tell_readers(hash, &name, None);
        }
    }

    /// A key was changed, by the command of the client that executes or (a deadline, want of memory) by nobody's.
    pub(crate) fn invalidate(&mut self, key: &Key<'_>, by: Option<SessionId>) {
        let forgotten = self.tracking.forgets_deadlines && by.is_none();
        if !self.tracking.is_active() || self.tracking.is_done || forgotten {
            return;
        }
        if !self.tracking.broadcasts.is_empty() && self.tracking.broadcasts.gather(key.name, by) {
            self.after_reply = true;
        }
        self.tell_readers(key.hash, key.name, by);
    }

    /// What a test wants instead of an invalidation behind the change: one when the change is queued.
    #[cold]
    pub(crate) fn invalidate_early(&mut self, command: &Command, args: Args<'_>) {
        let mut keys = Vec::new();
        let argument = |i: usize| args.at(i);
        if command.flags.contains(Flags::WRITE)
            && table::keys(command, Arguments::new(args.len(), &argument), &mut keys).is_ok()
        {
            for key in keys {
                let name = args.at(key.index as usize);
                self.invalidate(&Key { db: 0, name, hash: self.keyspace.hash(name) }, None);
            }
        }
    }

    /// A transaction begins or ends; with the same bug, what it changes is known already.
    #[cold]
    pub(crate) fn skip_invalidations(&mut self, skip: bool) {
        self.tracking.is_done = skip;
    }

    /// Tells everybody who has read a key, and forgets that they have.
    fn tell_readers(&mut self, hash: KeyHash, name: &[u8], by: Option<SessionId>) {
        let Some(readers) = self.tracking.take(hash, name) else { return };
        for reader in readers.as_slice() {
            let Some(tracker) = self.tracking.of(*reader) else { continue };
            if tracker.options.broadcast || tracker.options.noloop && by == Some(*reader) {
                continue;
            }
            if self.executing.is_none_or(|e| e.session != *reader) {
                self.send_invalidation(*reader, Invalid::Key(name));
            } else {
                self.tracking.pending.push(Some(name.into()));
                self.after_reply = true;
            }
        }
    }

    /// Every key may have changed.
    pub(crate) fn invalidate_everything(&mut self) {
        if !self.tracking.is_active() {
            return;
        }
        // In the order in which they connected: several may name the same client.
        let id = |session: &SessionId| self.sessions.get(*session).map(|s| s.id);
        let mut trackers: Vec<_> = self.tracking.trackers.keys().map(|session| (id(session), *session)).collect();
        trackers.sort_unstable();
        for (_, tracker) in trackers {
            if self.executing.is_none_or(|e| e.session != tracker) {
                self.send_invalidation(tracker, Invalid::Everything);
            } else {
                self.tracking.pending.push(None);
                self.after_reply = true;
            }
        }
        let tracking = &mut self.tracking;
        (tracking.table, tracking.items, tracking.reader_bytes) = (Names::default(), 0, 0);
        self.listeners_changed();
    }

    /// Tells the client that executes what was held back until its reply was complete, and everybody what was gathered.
    pub(crate) fn send_gathered_invalidations(&mut self) {
        if let Some(executing) = self.executing {
            for name in std::mem::take(&mut self.tracking.pending) {
                let invalid = name.as_deref().map_or(Invalid::Everything, Invalid::Key);
                self.send_invalidation(executing.session, invalid);
            }
        }
        while let Some(broadcast) = self.tracking.broadcasts.next() {
            let to_all = broadcast.encode(None);
            for listener in &broadcast.listeners {
                let noloop = self.tracking.of(*listener).is_some_and(|t| t.options.noloop);
                let but_own = if noloop { broadcast.encode(Some(*listener)) } else { None };
                if let Some(keys) = if noloop { &but_own } else { &to_all } {
                    self.send_invalidation(*listener, Invalid::Keys(keys));
                }
            }
        }
    }

    /// CLIENT CACHING holds for one command or transaction: the one that has just ended, unless it was of CLIENT itself.
    pub(crate) fn end_exception(&mut self, session: &Session, command: Option<&Command>) {
        let continues = session.in_transaction()
            || session.held_until_us.is_some()
            || session.is_blocked()
            || command.is_some_and(|c| c.name.starts_with("client|"));
        if !continues {
            self.tracking.set_caching(session.handle, false);
        }
        self.after_reply |= self.tracking.caching > 0;
    }

    /// Sends one message to a client that is told, or to whom it has named.
    fn send_invalidation(&mut self, tracker: SessionId, invalid: Invalid<'_>) {
        let Some(redirect) = self.tracking.of(tracker).map(|t| t.options.redirect) else { return };
        let Some((own_protocol, _)) = self.reachable(tracker) else { return };
        let receiver = redirect.map_or(tracker, |r| r.session);
        let Some((protocol, subscribed)) = self.reachable(receiver) else {
            if let Some(redirect) = redirect {
                self.report_broken_redirect(tracker, own_protocol, redirect);
            }
            return;
        };
        let payload = |encoder: &mut Encoder<'_>| match invalid {
            Invalid::Key(name) => {
                encoder.array(1);
                encoder.bulk(name);
            }
            Invalid::Keys(array) => encoder.encoded(array),
            // In the protocol of the client whose keys they are, as Redis has it.
            Invalid::Everything => encoder.encoded(if own_protocol == Protocol::Resp2 { b"$-1\r\n" } else { b"_\r\n" }),
        };
        match protocol {
            Protocol::Resp3 => self.push(receiver, |encoder| {
                encoder.push(2);
                encoder.bulk(b"invalidate");
                payload(encoder);
            }),
            Protocol::Resp2 if redirect.is_some() && subscribed => self.push(receiver, |encoder| {
                encoder.push(3);
                encoder.bulk(b"message");
                encoder.bulk(b"__redis__:invalidate");
                payload(encoder);
            }),
            Protocol::Resp2 => false,
        };
    }

    /// The client that is told instead has gone: nobody is told any more, and RESP3 has words for that.
    fn report_broken_redirect(&mut self, session: SessionId, protocol: Protocol, redirect: Redirect) {
        if let Some(tracker) = self.tracking.trackers.get_mut(&session) {
            tracker.broken = true;
        }
        if protocol == Protocol::Resp3 {
            self.push(session, |encoder| {
                encoder.push(2);
                encoder.bulk(b"tracking-redir-broken");
                encoder.integer(redirect.client_id as i64);
            });
        }
    }

    /// The protocol of a client that can be sent something, and whether it subscribes to anything.
    fn reachable(&self, session: SessionId) -> Option<(Protocol, bool)> {
        match self.executing.filter(|e| e.session == session) {
            Some(executing) => Some((executing.protocol, executing.subscribed)),
            None => {
                let session = self.sessions.get(session).filter(|s| s.closing == Closing::Open)?;
                Some((session.protocol, session.subscriptions.is_some()))
            }
        }
    }
}
