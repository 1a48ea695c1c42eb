//! One client connection as the engine knows it: who it is, what it has selected, what it has queued, what it is owed.
//!
//! A session is never a socket. The node maps sockets to [`SessionId`]s; an id kept beyond its session's life is
//! recognised by its generation.

use std::ops::Range;
use std::sync::Arc;

use refrain_resp::{Encoder, Protocol, RequestParser};

use crate::acl::UserId;
use crate::blocked::Blocked;
use crate::client_buffers::Room;
use crate::client_memory::Accounted;
use crate::config::ClientClass;
use crate::long_argument::LongArgument;
use crate::output::Output;
use crate::pubsub::{Kind, Subscriptions};
use crate::table::Command;
use crate::transaction::{Queued, Transaction};

/// Names a session: a slot, and which tenant of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// Index into the engine's sessions; small and dense.
    pub slot: u32,
    /// Tells this tenant of the slot from earlier ones.
    pub generation: u32,
}

/// Whether replies are sent (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// Every reply is sent.
    #[default]
    On,
    /// None is.
    Off,
    /// The next command's is not.
    SkipNext,
    /// The present command's is not.
    SkipThis,
}

/// Whether and when the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closing {
    /// It goes on.
    #[default]
    Open,
    /// Once what is owed has been sent (QUIT, a protocol error, the peer's own end).
    AfterReplies,
    /// At once, whatever is owed (CLIENT KILL, an output limit).
    Now,
}

/// Where a client came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The peer, as `CLIENT LIST` prints it.
    pub remote: String,
    /// Our side, as `CLIENT LIST` prints it.
    pub local: String,
    /// Loopback or a Unix-domain socket: what protected mode lets in.
    pub is_local: bool,
    /// A Unix-domain socket.
    pub is_unix: bool,
    /// The socket's descriptor, as `CLIENT LIST` prints it; -1 where there is none.
    pub descriptor: i64,
}

/// What `CLIENT SETINFO` says of the library that a client uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    /// `LIB-NAME`.
    pub name: Box<[u8]>,
    /// `LIB-VER`.
    pub version: Box<[u8]>,
}

/// One client.
#[derive(Debug)]
pub struct Session {
    /// The handle that the node uses.
    pub handle: SessionId,
    /// `CLIENT ID`: counts up from 1, never used twice.
    pub id: u64,
    /// Where it came from.
    pub origin: Box<Origin>,
    /// `CLIENT SETNAME`.
    pub name: Box<[u8]>,
    /// `CLIENT SETINFO`; it outlives RESET.
    pub library: Library,
    /// `CLIENT NO-EVICT`: never closed for want of memory.
    pub no_evict: bool,
    /// `CLIENT NO-TOUCH`: its reads don't count as uses.
    pub no_touch: bool,
    /// `CLIENT CAPA redirect`: understands being sent elsewhere.
    pub follows_redirects: bool,
    /// Selected database.
    pub db: usize,
    /// RESP version.
    pub protocol: Protocol,
    /// Who it is. Until it logs in, the user that every connection begins with.
    pub user: UserId,
    /// It has logged in, or need not have when it connected.
    pub authenticated: bool,
    /// It must log in before it may do anything. Derived from the users.
    pub must_log_in: bool,
    /// Its user may do everything: nothing need be checked. Derived from the users.
    pub unrestricted: bool,
    /// `CLIENT REPLY`.
    pub reply_mode: ReplyMode,
    /// Between MULTI and EXEC: what is queued.
    pub transaction: Option<Box<Transaction>>,
    /// Keys being watched.
    pub watch: crate::watch::WatchList,
    /// Keys that its commands read are remembered (`CLIENT TRACKING`).
    pub(crate) remembers_reads: bool,
    /// It is shown all commands (`MONITOR`).
    pub monitors: bool,
    /// Channels and patterns subscribed to; `None` when there are none.
    pub subscriptions: Option<Box<Subscriptions>>,
    /// Replies on their way.
    pub output: Output,
    /// Remembers a request that has only partly arrived.
    pub parser: RequestParser,
    /// Bytes that have arrived and have not been executed.
    pub pending: Vec<u8>,
    /// How many bytes of `pending` have been executed already: moving the rest to the front each round would make a long
    /// pipeline quadratic.
    pub pending_from: usize,
    /// The command whose last argument arrives, if that is long. It comes before what is pending.
    pub(crate) long: Option<Box<LongArgument>>,
    /// Bytes that the present round has taken out of `pending`, or got for this session from the node.
    pub(crate) in_round: usize,
    /// Capacity of `pending` that the present round has taken.
    pub(crate) lent: usize,
    /// Bytes that the command whose beginning is pending still wants, as far as it has said.
    pub(crate) wanted: usize,
    /// How much room its buffers keep.
    pub(crate) room: Room,
    /// What it was last known to take.
    pub(crate) accounted: Accounted,
    /// Bytes of the prefixes of whose changes it is told.
    pub(crate) prefix_bytes: usize,
    /// The peer has ended its sending side.
    pub input_ended: bool,
    /// Whether the connection is to end.
    pub closing: Closing,
    /// Monotonic microseconds at which it connected.
    pub connected_us: u64,
    /// Monotonic microseconds at which it last sent something.
    pub active_us: u64,
    /// The last command, for `CLIENT LIST`.
    pub last_command: Option<&'static Command>,
    /// Monotonic microseconds since when the soft output limit is exceeded.
    pub over_soft_limit_since_us: Option<u64>,
    /// Its next command is not executed before this moment of the monotonic clock; the tick wakes it.
    pub(crate) held_until_us: Option<u64>,
    /// Its turn among those who are held, until the command that was held is looked at.
    pub(crate) turn: Option<u64>,
    /// The command that waits to be served.
    pub(crate) blocked: Option<Box<Blocked>>,
    /// Position in the propagation stream behind the last that it has written.
    pub(crate) written_to: u64,
    /// Its commands are never kept waiting: nobody would let them go on.
    pub(crate) never_waits: bool,
    /// While it executes what it had queued: how much that is.
    pub(crate) executing: Option<Queued>,
    /// In the engine's list of sessions that the node must look at.
    pub(crate) attended: bool,
    /// Turns for which its commands come after everybody else's, for it has caused much work.
    pub(crate) heavy_turns: u8,
    /// In one of the engine's lists of sessions with bytes left to execute.
    pub(crate) runnable: bool,
    /// Has commands left to execute that wait until more of its replies have been read.
    pub(crate) stalled: bool,
    /// Has commands left to execute that wait for the end of a pause: its turn among those who do.
    pub(crate) held_back: Option<u64>,
}

impl Session {
    /// A client that has just connected, and may do nothing yet.
    pub fn new(handle: SessionId, id: u64, origin: Origin, now_us: u64) -> Session {
        Session {
            handle,
            id,
            origin: Box::new(origin),
            name: Box::default(),
            library: Library::default(),
            no_evict: false,
            no_touch: false,
            follows_redirects: false,
            db: 0,
            protocol: Protocol::Resp2,
            user: UserId::DEFAULT,
            authenticated: false,
            must_log_in: true,
            unrestricted: false,
            reply_mode: ReplyMode::On,
            transaction: None,
            watch: Default::default(),
            remembers_reads: false,
            monitors: false,
            subscriptions: None,
            output: Output::default(),
            parser: RequestParser::default(),
            pending: Vec::new(),
            pending_from: 0,
            long: None,
            in_round: 0,
            lent: 0,
            wanted: 0,
            room: Room::new(now_us),
            accounted: Accounted::default(),
            prefix_bytes: 0,
            input_ended: false,
            closing: Closing::Open,
            connected_us: now_us,
            active_us: now_us,
            last_command: None,
            over_soft_limit_since_us: None,
            held_until_us: None,
            turn: None,
            blocked: None,
            written_to: 0,
            never_waits: false,
            executing: None,
            attended: false,
            heavy_turns: 0,
            runnable: false,
            stalled: false,
            held_back: None,
        }
    }

    /// Appends to what the client is owed.
    #[inline]
    pub fn reply(&mut self) -> Encoder<'_> {
        Encoder::new(self.output.buffer(), self.protocol)
    }

    /// Replies with a long string, which is not copied.
    #[cold]
    pub fn reply_shared(&mut self, value: Arc<Vec<u8>>) {
        let whole = 0..value.len();
        self.reply_part(value, whole);
    }

    /// Replies with a part of a long string, which is not copied.
    #[cold]
    pub fn reply_part(&mut self, value: Arc<Vec<u8>>, part: Range<usize>) {
        self.reply().bulk_header(part.len());
        self.output.push_shared(value, part);
        self.output.buffer().extend_from_slice(b"\r\n");
    }

    /// Whether a transaction is open.
    #[inline]
    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Whether it executes what it had queued.
    #[inline]
    pub(crate) fn in_exec(&self) -> bool {
        self.executing.is_some()
    }

    /// How much it has queued or executes as one transaction.
    pub(crate) fn queued(&self) -> Option<Queued> {
        self.executing.or(self.transaction.as_ref().map(|t| t.extent()))
    }

    /// Whether a command of its waits for the end of a pause.
    #[inline]
    pub fn is_held_back(&self) -> bool {
        self.held_back.is_some()
    }

    /// Whether a command of its waits for a key, or for its time to be up.
    #[inline]
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Whether its commands wait for anything but their turn: a pause, a moment, or to be served.
    #[inline]
    pub(crate) fn waits(&self) -> bool {
        self.held_back.is_some() || self.held_until_us.is_some() || self.blocked.is_some()
    }

    /// Bytes that have arrived and of which the parser has not made arguments.
    pub fn input_len(&self) -> usize {
        let long = self.long.as_ref().map_or(0, |long| long.unparsed());
        long + (self.pending.len() - self.pending_from + self.in_round).saturating_sub(self.parser.understood())
    }

    /// Whether something has come that can be executed, or may be.
    pub(crate) fn has_input(&self) -> bool {
        !self.pending.is_empty() || self.has_long_command()
    }

    /// Whether a command with a long argument has come as a whole.
    pub(crate) fn has_long_command(&self) -> bool {
        self.long.as_ref().is_some_and(|long| long.is_complete())
    }

    /// Whether it may be closed for having sent nothing for long: not one that waits for us, or for what others publish.
    pub fn may_time_out(&self) -> bool {
        self.closing != Closing::Now && !self.waits() && self.class() == ClientClass::Normal
    }

    /// The class whose output limits it has.
    pub fn class(&self) -> ClientClass {
        match self.subscriptions {
            Some(_) => ClientClass::Pubsub,
            None => ClientClass::Normal,
        }
    }

    /// Whether it may execute only what belongs to subscriptions: in RESP2 messages and replies look alike.
    #[inline]
    pub fn is_subscriber_only(&self) -> bool {
        self.subscriptions.is_some() && self.protocol == Protocol::Resp2
    }

    /// How many subscriptions of a kind it has.
    pub fn subscribed(&self, kind: Kind) -> usize {
        self.subscriptions.as_ref().map_or(0, |s| s.count(kind))
    }

    /// Whether what its commands answer is dropped (`CLIENT REPLY`).
    pub fn is_silenced(&self) -> bool {
        matches!(self.reply_mode, ReplyMode::Off | ReplyMode::SkipThis)
    }

    /// Bytes that this session takes, all in all.
    pub fn memory(&self) -> usize {
        size_of::<Session>()
            + size_of::<Origin>()
            + self.origin.remote.len()
            + self.origin.local.len()
            + self.name.len()
            + self.library.name.len()
            + self.library.version.len()
            + self.output.memory()
            + self.pending.capacity()
            + self.long.as_ref().map_or(0, |long| long.memory())
            + self.lent
            + self.parser.memory()
            + self.queued().map_or(0, |queued| queued.memory)
            + self.blocked.as_ref().map_or(0, |b| b.memory())
            + self.subscriptions.as_ref().map_or(0, |s| s.memory())
            + self.watch.memory()
            + self.prefix_bytes
    }
}
