//! One entry of the table: everything that is known of a command before it runs.

use super::keys::KeyFinder;
use super::{Argument, Categories, Flags, KeySpec, LegacyRange};
use crate::call::{Call, Handler, Outcome};

/// What a command is about, as the documentation groups it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Keys of any type.
    Generic,
    /// Strings.
    String,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Hashes.
    Hash,
    /// Publish/subscribe.
    PubSub,
    /// Transactions.
    Transactions,
    /// The connection itself.
    Connection,
    /// The server as a whole.
    Server,
    /// Scripts and functions.
    Scripting,
    /// HyperLogLogs.
    HyperLogLog,
    /// The cluster.
    Cluster,
    /// Sentinel.
    Sentinel,
    /// Geographic indexes.
    Geo,
    /// Streams.
    Stream,
    /// Bitmaps.
    Bitmap,
}

impl Group {
    /// The name in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::PubSub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::HyperLogLog => "hyperloglog",
            Group::Cluster => "cluster",
            Group::Sentinel => "sentinel",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
        }
    }
}

/// That a command is discouraged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deprecated {
    /// From which version on.
    pub since: &'static str,
    /// What to use instead.
    pub replaced_by: &'static str,
}

/// Which arguments of a command name channels of publish/subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// None, or only such as it stops listening to.
    None,
    /// The first: it publishes to it.
    Publish,
    /// All: it subscribes to them.
    Subscribe,
    /// All, as patterns: it subscribes to what matches them.
    SubscribePatterns,
}

/// One command, subcommand or container of subcommands. Entries are constants: nothing in here changes at run time.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Full name in lower case; a subcommand's begins with its container's: `client|kill`.
    pub name: &'static str,
    /// Number of arguments with the name (and the subcommand's) counted; negative for at least that many.
    pub arity: i32,
    /// What it may do, and when it may run.
    pub flags: Flags,
    /// ACL categories beyond those that follow from the flags; [`Command::all_categories`] has both.
    pub categories: Categories,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Finds the keys where the specs can't (or can't tell their flags).
    pub key_finder: Option<KeyFinder>,
    /// Where channels are.
    pub channels: Channels,
    /// Hints for clients and proxies, as `COMMAND` shows them.
    pub tips: &'static [&'static str],
    /// The argument that names an element of the collection at the first key, or 0: where it is in a large one is asked for ahead. It
    /// is a hint, which options may make wrong.
    pub element: usize,
    /// The argument before it that says what score the element gets, or 0: where that is in a large sorted set is asked for ahead, too.
    pub score: usize,
    /// Nothing more of its connection is parsed until it has finished: it changes how what follows is read or answered,
    /// may end the connection, or may wait.
    pub barrier: bool,
    /// The first version of Redis that had it.
    pub since: &'static str,
    /// What it is about.
    pub group: Group,
    /// Its cost in the size of what it works on; empty for none to state.
    pub complexity: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Set for commands that clients should no longer use.
    pub deprecated: Option<Deprecated>,
    /// Used between servers, not by clients.
    pub internal: bool,
    /// Versions and what they changed.
    pub history: &'static [(&'static str, &'static str)],
    /// Its arguments, for the documentation.
    pub arguments: &'static [Argument],
    /// For a container: what is called through it, sorted by name.
    pub subcommands: &'static [Command],
    /// What runs. Of a container without a meaning of its own: never called, for lookup goes through to a subcommand.
    pub handler: Handler,
}

impl Command {
    /// What an entry says unless it says otherwise. Not a command by itself.
    pub(crate) const BLANK: Command = Command {
        name: "",
        arity: 0,
        flags: Flags::NONE,
        categories: Categories::NONE,
        keys: &[],
        key_finder: None,
        channels: Channels::None,
        tips: &[],
        element: 0,
        score: 0,
        barrier: false,
        since: "1.0.0",
        group: Group::Generic,
        complexity: "",
        summary: "",
        deprecated: None,
        internal: false,
        history: &[],
        arguments: &[],
        subcommands: &[],
        handler: container,
    };

    /// True when `argc` arguments, name included, are a number that the command takes.
    pub const fn takes(&self, argc: usize) -> bool {
        let bound = self.arity.unsigned_abs() as usize;
        if self.arity >= 0 { argc == bound } else { argc >= bound }
    }

    /// All ACL categories: those of the entry and those that its flags imply.
    pub const fn all_categories(&self) -> Categories {
        Categories::implied_by(self.flags, self.categories)
    }

    /// The flags that `COMMAND` shows: without those that concern only the server, and with the one that follows from the
    /// key specs.
    pub fn shown_flags(&self) -> Flags {
        let shown = self.flags.without(Flags::HIDDEN);
        let (_, whole) = LegacyRange::covering(self.keys);
        if whole { shown } else { shown.with(Flags::MOVABLEKEYS) }
    }

    /// The name that a client types as one word: `kill` of `client|kill`.
    pub fn own_name(&self) -> &'static str {
        self.name.rsplit('|').next().expect("rsplit yields at least one piece")
    }
}

/// The handler of a container that can't be called by itself. Its arity asks for a subcommand, and lookup replaces it by
/// that subcommand or reports it unknown.
fn container(_: &mut Call<'_>) -> Outcome {
    unreachable!("lookup resolves a container to one of its subcommands");
}
