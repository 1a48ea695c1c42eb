//! Transactions.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::transaction;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "discard",
        arity: 1,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY]),
        categories: Categories::of(&[Categories::TRANSACTION]),
        since: "2.0.0",
        group: Group::Transactions,
        complexity: "O(N) where N is the number of queued commands",
        summary: "Drops the queued commands.",
        handler: transaction::discard,
        ..Command::BLANK
    },
    Command {
        name: "exec",
        arity: 1,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SKIP_SLOWLOG]),
        categories: Categories::of(&[Categories::TRANSACTION]),
        barrier: true,
        since: "1.2.0",
        group: Group::Transactions,
        complexity: "Depends on the queued commands.",
        summary: "Executes the queued commands, unless a watched key was changed.",
        handler: transaction::exec,
        ..Command::BLANK
    },
    Command {
        name: "multi",
        arity: 1,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY]),
        categories: Categories::of(&[Categories::TRANSACTION]),
        since: "1.2.0",
        group: Group::Transactions,
        complexity: "O(1)",
        summary: "Begins a transaction: what follows is queued.",
        handler: transaction::multi,
        ..Command::BLANK
    },
    Command {
        name: "unwatch",
        arity: 1,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY]),
        categories: Categories::of(&[Categories::TRANSACTION]),
        since: "2.2.0",
        group: Group::Transactions,
        complexity: "O(1)",
        summary: "Forgets every watched key.",
        handler: transaction::unwatch,
        ..Command::BLANK
    },
    Command {
        name: "watch",
        arity: -2,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY]),
        categories: Categories::of(&[Categories::TRANSACTION]),
        keys: &[KeySpec::rest(1, &[KeyFlags::RO])],
        since: "2.2.0",
        group: Group::Transactions,
        complexity: "O(1) a key",
        summary: "Makes the next transaction depend on keys staying unchanged.",
        arguments: &[Argument::key("key", 0).multiple()],
        handler: transaction::watch,
        ..Command::BLANK
    },
];
