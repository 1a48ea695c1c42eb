//! Commands on HyperLogLogs, which are strings.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::hyperloglog;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "pfadd",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HYPERLOGLOG]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::INSERT])],
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(N) where N is the number of elements",
        summary: "Adds elements to a HyperLogLog, which is created if need be.",
        arguments: &[Argument::key("key", 0), Argument::string("element").optional().multiple()],
        handler: hyperloglog::pfadd,
        ..Command::BLANK
    },
    Command {
        name: "pfcount",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY, Flags::MAY_REPLICATE]),
        categories: Categories::of(&[Categories::HYPERLOGLOG]),
        keys: &[KeySpec::rest(1, &[KeyFlags::RW, KeyFlags::ACCESS])],
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(1) for one key, O(N) for N keys",
        summary: "Estimates how many different elements HyperLogLogs have seen, together.",
        arguments: &[Argument::key("key", 0).multiple()],
        handler: hyperloglog::pfcount,
        ..Command::BLANK
    },
    Command {
        name: "pfdebug",
        arity: 3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::ADMIN]),
        categories: Categories::of(&[Categories::HYPERLOGLOG]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::ACCESS])],
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "N/A",
        summary: "Shows and changes the insides of a HyperLogLog, for tests.",
        internal: true,
        arguments: &[Argument::string("subcommand"), Argument::key("key", 0)],
        handler: hyperloglog::pfdebug,
        ..Command::BLANK
    },
    Command {
        name: "pfmerge",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::HYPERLOGLOG]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::INSERT]),
            KeySpec::rest(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
        ],
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(N) where N is the number of keys",
        summary: "Merges HyperLogLogs into one.",
        arguments: &[Argument::key("destkey", 0), Argument::key("sourcekey", 1).optional().multiple()],
        handler: hyperloglog::pfmerge,
        ..Command::BLANK
    },
    Command {
        name: "pfselftest",
        arity: 1,
        flags: Flags::of(&[Flags::ADMIN]),
        categories: Categories::of(&[Categories::HYPERLOGLOG]),
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "N/A",
        summary: "Runs a test of the HyperLogLog code.",
        internal: true,
        handler: hyperloglog::pfselftest,
        ..Command::BLANK
    },
];
