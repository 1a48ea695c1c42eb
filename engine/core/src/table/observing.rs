//! Commands that tell what the server does and has done.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::{info, latency, memory, slowlog};

/// Flags of what shows or resets a log.
const OF_A_LOG: Flags = Flags::of(&[Flags::ADMIN, Flags::LOADING, Flags::STALE]);

/// Flags of what shows or resets a measurement of latency.
const OF_LATENCY: Flags = Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]);

/// Flags of a HELP.
const OF_HELP: Flags = Flags::of(&[Flags::LOADING, Flags::STALE]);

/// What a proxy has to know of a report about one node.
const OF_A_NODE: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

/// The same about a node of a shard.
const OF_A_SHARD: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

/// Commands of this kind; they belong to the group of the server.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "commandlog",
        arity: -2,
        since: "8.1.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about commands that took long or were large.",
        subcommands: COMMANDLOG,
        ..Command::BLANK
    },
    Command {
        name: "info",
        arity: -1,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::DANGEROUS]),
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        group: Group::Server,
        complexity: "O(1)",
        summary: "Reports on the server, by sections.",
        history: &[("7.0.0", "Takes several sections.")],
        arguments: &[Argument::string("section").optional().multiple()],
        handler: info::info,
        ..Command::BLANK
    },
    Command {
        name: "latency",
        arity: -2,
        since: "2.8.13",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about what held up the server, and how long commands take.",
        subcommands: LATENCY,
        ..Command::BLANK
    },
    Command {
        name: "memory",
        arity: -2,
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about what takes memory.",
        subcommands: MEMORY,
        ..Command::BLANK
    },
    Command {
        name: "slowlog",
        arity: -2,
        since: "2.2.12",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about commands that took long.",
        subcommands: SLOWLOG,
        ..Command::BLANK
    },
];

const KIND: Argument = Argument::one_of(
    "type",
    &[
        Argument::word("slow", "SLOW"),
        Argument::word("large-request", "LARGE-REQUEST"),
        Argument::word("large-reply", "LARGE-REPLY"),
    ],
);

/// Subcommands of COMMANDLOG.
const COMMANDLOG: &[Command] = &[
    Command {
        name: "commandlog|get",
        arity: 4,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of entries returned",
        summary: "Returns the latest commands of one kind.",
        arguments: &[Argument::integer("count"), KIND],
        handler: slowlog::get_kind,
        ..Command::BLANK
    },
    Command {
        name: "commandlog|help",
        arity: 2,
        flags: OF_HELP,
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: slowlog::help,
        ..Command::BLANK
    },
    Command {
        name: "commandlog|len",
        arity: 3,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns how many commands of one kind are remembered.",
        arguments: &[KIND],
        handler: slowlog::len_of_kind,
        ..Command::BLANK
    },
    Command {
        name: "commandlog|reset",
        arity: 3,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of entries",
        summary: "Forgets the commands of one kind.",
        arguments: &[KIND],
        handler: slowlog::reset_kind,
        ..Command::BLANK
    },
];

/// Subcommands of LATENCY.
const LATENCY: &[Command] = &[
    Command {
        name: "latency|doctor",
        arity: 2,
        flags: OF_LATENCY,
        tips: OF_A_NODE,
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains what held up the server, and what may help.",
        handler: latency::doctor,
        ..Command::BLANK
    },
    Command {
        name: "latency|graph",
        arity: 3,
        flags: OF_LATENCY,
        tips: OF_A_NODE,
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Draws how long an event held up the server.",
        arguments: &[Argument::string("event")],
        handler: latency::graph,
        ..Command::BLANK
    },
    Command {
        name: "latency|help",
        arity: 2,
        flags: OF_HELP,
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: latency::help,
        ..Command::BLANK
    },
    Command {
        name: "latency|histogram",
        arity: -2,
        flags: OF_LATENCY,
        tips: OF_A_NODE,
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of commands with a histogram",
        summary: "Returns how many calls of a command took how long.",
        arguments: &[Argument::string("command").optional().multiple()],
        handler: latency::histogram,
        ..Command::BLANK
    },
    Command {
        name: "latency|history",
        arity: 3,
        flags: OF_LATENCY,
        tips: OF_A_NODE,
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns when an event held up the server, and how long.",
        arguments: &[Argument::string("event")],
        handler: latency::history,
        ..Command::BLANK
    },
    Command {
        name: "latency|latest",
        arity: 2,
        flags: OF_LATENCY,
        tips: OF_A_NODE,
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns when each event held up the server last, and how long.",
        handler: latency::latest,
        ..Command::BLANK
    },
    Command {
        name: "latency|reset",
        arity: -2,
        flags: OF_LATENCY,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Forgets what held up the server.",
        arguments: &[Argument::string("event").optional().multiple()],
        handler: latency::reset,
        ..Command::BLANK
    },
];

/// Subcommands of MEMORY.
const MEMORY: &[Command] = &[
    Command {
        name: "memory|doctor",
        arity: 2,
        tips: OF_A_SHARD,
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Says what looks wrong about the use of memory.",
        handler: memory::doctor,
        ..Command::BLANK
    },
    Command {
        name: "memory|help",
        arity: 2,
        flags: OF_HELP,
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: memory::help,
        ..Command::BLANK
    },
    Command {
        name: "memory|malloc-stats",
        arity: 2,
        tips: OF_A_SHARD,
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on how much memory is in use.",
        summary: "Returns what the allocator says of itself.",
        handler: memory::malloc_stats,
        ..Command::BLANK
    },
    Command {
        name: "memory|purge",
        arity: 2,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on how much memory is free.",
        summary: "Gives memory that nobody uses back to the system.",
        handler: memory::purge,
        ..Command::BLANK
    },
    Command {
        name: "memory|stats",
        arity: 2,
        tips: OF_A_SHARD,
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns where memory goes.",
        handler: memory::stats,
        ..Command::BLANK
    },
    Command {
        name: "memory|usage",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        keys: &[KeySpec::one(2, &[KeyFlags::RO])],
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of samples",
        summary: "Returns how much memory a key takes.",
        arguments: &[Argument::key("key", 0), Argument::integer("count").after("SAMPLES").optional()],
        handler: memory::usage,
        ..Command::BLANK
    },
];

/// Subcommands of SLOWLOG.
const SLOWLOG: &[Command] = &[
    Command {
        name: "slowlog|get",
        arity: -2,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(N) where N is the number of entries returned",
        summary: "Returns the latest commands that took long.",
        history: &[("4.0.0", "Entries tell the client's address and name.")],
        arguments: &[Argument::integer("count").optional()],
        handler: slowlog::get,
        ..Command::BLANK
    },
    Command {
        name: "slowlog|help",
        arity: 2,
        flags: OF_HELP,
        since: "6.2.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: slowlog::help,
        ..Command::BLANK
    },
    Command {
        name: "slowlog|len",
        arity: 2,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns how many commands that took long are remembered.",
        handler: slowlog::len,
        ..Command::BLANK
    },
    Command {
        name: "slowlog|reset",
        arity: 2,
        flags: OF_A_LOG,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(N) where N is the number of entries",
        summary: "Forgets the commands that took long.",
        handler: slowlog::reset,
        ..Command::BLANK
    },
];
