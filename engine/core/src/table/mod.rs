//! The command table: everything that is known of a command before it runs, as constants, and the only place where it is
//! known.
//!
//! Dispatch, ACL, cluster routing, tracking, propagation and `COMMAND` all read these entries and ask one key extractor
//! ([`keys()`]), so they cannot disagree about what a command is or which keys it touches. Entries never change at run time;
//! what differs between servers (renamed commands) is in the index, [`Table`].
//!
//! Each group of commands is one file of entries. To add a command, write its entry in its group's file and its handler under
//! `commands`.

mod absent;
mod acl;
mod argument;
mod bitmap;
mod client;
mod command;
mod connection;
mod describe;
mod flags;
mod generic;
mod generic_sorting;
mod generic_values;
mod geo;
mod geo_radius;
mod hash;
mod hash_deadlines;
mod hyperloglog;
mod key_spec;
mod keys;
mod list;
mod list_blocking;
mod lookup;
mod observing;
mod operating;
mod persistence;
mod pubsub;
mod server;
mod set;
mod sorted_set;
mod sorted_set_popping;
mod sorted_set_ranges;
mod sorted_set_several;
mod stream;
mod stream_groups;
mod stream_newer;
mod string;
mod string_newer;
mod syntax;
#[cfg(test)]
mod tests;
mod transactions;

pub use self::absent::is_absent;
pub use argument::{Argument, ArgumentFlags, Kind};
pub use command::{Channels, Command, Deprecated, Group};
pub use describe::{documentation, information};
pub(crate) use flags::bit_set;
pub use flags::{Categories, Flags};
pub use key_spec::{BeginSearch, FindKeys, KeyFlags, KeySpec, LegacyRange};
pub use keys::{Arguments, KeyError, KeyFinder, KeyRef, keys};
pub use lookup::{CommandId, Found, NAME_MAX, RenameError, Table, Unresolved};
pub use syntax::{help, syntax};

/// Every command, by group.
pub static COMMANDS: &[&[Command]] = &[
    acl::COMMANDS,
    bitmap::COMMANDS,
    connection::COMMANDS,
    generic::COMMANDS,
    generic_sorting::COMMANDS,
    generic_values::COMMANDS,
    geo::COMMANDS,
    geo_radius::COMMANDS,
    hash::COMMANDS,
    hash_deadlines::COMMANDS,
    hyperloglog::COMMANDS,
    list::COMMANDS,
    list_blocking::COMMANDS,
    observing::COMMANDS,
    operating::COMMANDS,
    persistence::COMMANDS,
    pubsub::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    sorted_set_popping::COMMANDS,
    sorted_set_ranges::COMMANDS,
    sorted_set_several::COMMANDS,
    stream::COMMANDS,
    stream_groups::COMMANDS,
    stream_newer::COMMANDS,
    string::COMMANDS,
    string_newer::COMMANDS,
    transactions::COMMANDS,
];
