//! Blocked clients: commands that wait until a key has something for them, or until their time is up.
//!
//! A handler that cannot be served says so with [`Call::block`] before it has changed or answered anything. Its command is then
//! kept with its session, which executes nothing more; what the client goes on to send stays pending. When one of the keys is
//! changed, the same handler runs again with the same arguments, as often as it takes: it answers, or it asks to wait again and
//! has lost nothing, its place among those who wait for the key least of all.
//!
//! *Laws.* Who came first is served first, key by key: keys in the order in which they were changed, clients of a key in the
//! order in which they began to wait, whatever else they wait for. Serving follows the command that changed the keys (EXEC as a
//! whole) and comes before any other command of anybody, so nobody who comes later takes what was meant for one who waits. What
//! serving changes may serve others, in turn and never by recursion. A waiter is served once; one that is gone, or that is to
//! be closed, is not served, and what it would have got stays where it is.
//!
//! Only barriers may block: nothing of their connection was parsed after them.

mod alarms;
mod serving;
#[cfg(test)]
mod tests;
mod timeout;
mod waiters;

use std::ops::Range;

use refrain_data::{KeyHash, Kind};

pub use self::timeout::Timeout;
pub use self::waiters::Waiters;
use crate::call::{Call, Key, Request};
use crate::kept::KeptCommand;
use crate::session::SessionId;
use crate::state::State;
use crate::table::Found;

/// What a command waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Arguments that are keys; any of them may serve it.
    keys: Range<usize>,
    /// The kind of value that can.
    kind: Kind,
    timeout: Timeout,
    when_unusable: bool,
    at_end: AtEnd,
    age_ms: Option<u64>,
    looks_us: Vec<Option<u64>>,
}

impl Block {
    /// Until one of the keys (arguments, of the command as it came) is changed and holds a value of this kind. At the end of
    /// the time the reply is a null array.
    pub fn on(kind: Kind, keys: Range<usize>, timeout: Timeout) -> Block {
        Block {
            keys,
            kind,
            timeout,
            when_unusable: false,
            at_end: AtEnd::NullArray,
            age_ms: None,
            looks_us: Vec::new(),
        }
    }

    /// Until the time is up. The handler then runs again, and finds [`Run::TimeIsUp`].
    pub fn until(timeout: Timeout) -> Block {
        Block { at_end: AtEnd::RunAgain, ..Block::on(Kind::String, 0..0, timeout) }
    }

    /// Until the node says what is to be answered. Nothing else ends it.
    pub(crate) fn for_node() -> Block {
        Block { at_end: AtEnd::Never, ..Block::on(Kind::String, 0..0, Timeout::NONE) }
    }

    /// Also when one of the keys is gone, or holds a value of another kind: there is an error to be answered then.
    #[must_use]
    pub fn or_unusable(self) -> Block {
        Block { when_unusable: true, ..self }
    }

    /// Also when something that is there is old enough, at `age_ms` milliseconds. What is known to come so far is asked for key by
    /// key, by monotonic time; of what begins to age meanwhile [`State::begins_to_age`] tells.
    #[must_use]
    pub fn or_aged(self, age_ms: u64, looks_us: Vec<Option<u64>>) -> Block {
        Block { age_ms: Some(age_ms), looks_us, ..self }
    }
}

/// What a client gets when its time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    NullArray,
    RunAgain,
    /// It is not up before the node has answered.
    Never,
}

/// Why a handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Run {
    /// The command has just come.
    #[default]
    First,
    /// It has waited, and may be served now.
    Again,
    /// It has waited for long enough.
    TimeIsUp,
}

/// How a wait ends that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As if the time were up.
    TimeIsUp,
    /// With an error (CLIENT UNBLOCK).
    Error,
}

/// A handler's wish to wait, as the engine gets it.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    block: Block,
    /// Names of the keys with their hashes.
    keys: Vec<(Box<[u8]>, KeyHash)>,
    /// The command to run next time, if it is another.
    args: Option<Vec<Box<[u8]>>>,
    /// When to look at each key again, if anything in it is to become old enough.
    looks_us: Vec<Option<u64>>,
}

/// The part of a session that waits.
#[derive(Debug)]
pub(crate) struct Blocked {
    command: KeptCommand,
    keys: Vec<(Box<[u8]>, KeyHash)>,
    kind: Kind,
    when_unusable: bool,
    at_end: AtEnd,
    /// The age, in milliseconds, at which something that is there serves it.
    age_ms: Option<u64>,
    /// Its place in time among all who wait.
    ticket: u64,
    /// Monotonic microseconds.
    deadline_us: Option<u64>,
    /// Its end has been decided, and comes with the next serving.
    ends: bool,
    /// Ticks that its runs have taken.
    pub(crate) ticks: u64,
    /// The round in which it began to wait has bytes of it that come after.
    pub(crate) has_more: bool,
}

impl Blocked {
    /// Bytes that it takes, its places in queues included.
    pub(crate) fn memory(&self) -> usize {
        const PLACE: usize = 3 * size_of::<(u64, SessionId)>();
        let keys: usize = self.keys.iter().map(|(name, _)| 2 * name.len() + PLACE).sum();
        size_of::<Blocked>() + self.command.memory() + keys + self.keys.capacity() * size_of::<(Box<[u8]>, KeyHash)>()
    }

    /// Bytes of the arguments that are kept.
    pub(crate) fn arguments_len(&self) -> usize {
        self.command.arguments_len()
    }

    /// The command that waits.
    pub(crate) fn found(&self) -> Found {
        self.command.found
    }
}

impl Call<'_> {
    /// Whether this command may wait: not inside a transaction, where everything happens at one moment.
    pub fn may_block(&self) -> bool {
        !self.session.in_exec() && !self.session.never_waits
    }

    /// Waits, having changed and answered nothing: the handler is to return `Ok(())` then, and will run again. Where it may not
    /// wait it is answered as at the end of its time, by a null array.
    pub fn block(&mut self, block: Block) {
        self.wish(block, None);
    }

    /// The same, but next time the handler gets these arguments (the name included): for what was relative to this moment.
    pub fn block_with(&mut self, block: Block, args: &[&[u8]]) {
        self.wish(block, Some(args));
    }

    fn wish(&mut self, mut block: Block, args: Option<&[&[u8]]>) {
        if !self.may_block() {
            self.reply().null_array();
            return;
        }
        // One that waits again waits for what it waited for.
        let looks_us = std::mem::take(&mut block.looks_us);
        let wish = if self.run == Run::First {
            let named = |i: usize| (self.args.at(i).into(), self.key(i).hash);
            let keys = block.keys.clone().map(named).collect();
            let args = args.map(|args| args.iter().map(|arg| Box::from(*arg)).collect());
            Wish { block, keys, args, looks_us }
        } else {
            Wish { block, keys: Vec::new(), args: None, looks_us }
        };
        self.request = Some(Request::Block(Box::new(wish)));
    }
}

impl State {
    /// Ends the wait of a client by its id. False when it does not wait for a key or for time.
    pub(crate) fn end_wait(&mut self, client_id: u64, ending: Ending) -> bool {
        let mut all = self.sessions.iter_mut();
        let Some(session) = all.find(|s| s.id == client_id) else { return false };
        self.waiters.end(session, ending)
    }

    /// Something in a key begins to age for which somebody may wait: see [`Block::or_aged`].
    pub(crate) fn begins_to_age(&mut self, key: &Key<'_>) {
        if !self.waiters.is_empty() {
            self.waiters.begins_to_age(key, self.now.mono_us);
        }
    }

    /// A whole database was changed: emptied, or put in another's place.
    pub(crate) fn database_changed(&mut self, db: usize) {
        let State { waiters, keyspace, .. } = self;
        if !waiters.is_empty() {
            waiters.database_changed(db, |name| keyspace.hash(name));
        }
    }
}
