//! Commands about files.

use super::{Argument, Categories, Command, Flags, Group};
use crate::commands::persistence;

/// Flags of what saves the data set.
const OF_SAVING: Flags = Flags::of(&[Flags::NO_ASYNC_LOADING, Flags::ADMIN, Flags::NOSCRIPT]);

/// Commands of this kind. They belong to the group of the server.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "bgrewriteaof",
        arity: 1,
        flags: OF_SAVING,
        group: Group::Server,
        complexity: "O(1)",
        summary: "Rewrites the append-only file in the background.",
        handler: persistence::bgrewriteaof,
        ..Command::BLANK
    },
    Command {
        name: "bgsave",
        arity: -1,
        flags: OF_SAVING,
        group: Group::Server,
        complexity: "O(1)",
        summary: "Saves the data set in the background.",
        history: &[("3.2.2", "The option `SCHEDULE`.")],
        arguments: &[Argument::word("schedule", "SCHEDULE").since("3.2.2").optional()],
        handler: persistence::bgsave,
        ..Command::BLANK
    },
    Command {
        name: "lastsave",
        arity: 1,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: Categories::of(&[Categories::ADMIN, Categories::DANGEROUS]),
        tips: &["nondeterministic_output"],
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns when the data set was saved last.",
        handler: persistence::lastsave,
        ..Command::BLANK
    },
    Command {
        name: "save",
        arity: 1,
        flags: OF_SAVING.with(Flags::NO_MULTI),
        barrier: true,
        group: Group::Server,
        complexity: "O(N) where N is the number of keys in all databases",
        summary: "Saves the data set while everything else waits.",
        handler: persistence::save,
        ..Command::BLANK
    },
];
