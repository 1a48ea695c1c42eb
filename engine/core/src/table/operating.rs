//! Commands about the server as a process and as a peer, and those for developers.

use super::{Argument, Categories, Command, Flags, Group};
use crate::commands::{debug, lolwut, module, server};

/// Flags of what loads or unloads a module.
const OF_LOADING_A_MODULE: Flags =
    Flags::of(&[Flags::NO_ASYNC_LOADING, Flags::ADMIN, Flags::NOSCRIPT, Flags::PROTECTED]);

/// Commands of this kind. Most belong to the group of the server, some to that of the cluster.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "asking",
        arity: 1,
        flags: Flags::of(&[Flags::FAST]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "3.0.0",
        group: Group::Cluster,
        complexity: "O(1)",
        summary: "Lets the next command act on a slot that is being imported.",
        handler: server::only_in_cluster,
        ..Command::BLANK
    },
    Command {
        name: "debug",
        arity: -2,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::PROTECTED]),
        barrier: true,
        internal: true,
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands for developers of the server.",
        handler: debug::debug,
        ..Command::BLANK
    },
    Command {
        name: "lolwut",
        arity: -1,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        since: "5.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the size of the drawing",
        summary: "Draws something, and names the version.",
        arguments: &[Argument::integer("version").after("VERSION").optional()],
        handler: lolwut::lolwut,
        ..Command::BLANK
    },
    Command {
        name: "module",
        arity: -2,
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about modules.",
        subcommands: MODULE,
        ..Command::BLANK
    },
    Command {
        name: "readonly",
        arity: 1,
        flags: Flags::of(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "3.0.0",
        group: Group::Cluster,
        complexity: "O(1)",
        summary: "Lets the connection read from a replica of a cluster.",
        handler: server::only_in_cluster,
        ..Command::BLANK
    },
    Command {
        name: "readwrite",
        arity: 1,
        flags: Flags::of(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "3.0.0",
        group: Group::Cluster,
        complexity: "O(1)",
        summary: "Takes back READONLY.",
        handler: server::only_in_cluster,
        ..Command::BLANK
    },
    Command {
        name: "role",
        arity: 1,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::ADMIN, Categories::DANGEROUS]),
        since: "2.8.12",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns the server's part in replication.",
        handler: server::role,
        ..Command::BLANK
    },
    Command {
        name: "time",
        arity: 1,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        tips: &["nondeterministic_output"],
        since: "2.6.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns the time: seconds, and microseconds within the second.",
        handler: server::time,
        ..Command::BLANK
    },
];

/// Subcommands of MODULE.
const MODULE: &[Command] = &[
    Command {
        name: "module|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE]),
        since: "5.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: module::help,
        ..Command::BLANK
    },
    Command {
        name: "module|list",
        arity: 2,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT]),
        tips: &["nondeterministic_output_order"],
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of modules",
        summary: "Lists the modules.",
        handler: module::list,
        ..Command::BLANK
    },
    Command {
        name: "module|load",
        arity: -3,
        flags: OF_LOADING_A_MODULE,
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Loads a module.",
        arguments: &[Argument::string("path"), Argument::string("arg").optional().multiple()],
        handler: module::load,
        ..Command::BLANK
    },
    Command {
        name: "module|loadex",
        arity: -3,
        flags: OF_LOADING_A_MODULE,
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Loads a module with parameters of its own.",
        arguments: &[
            Argument::string("path"),
            Argument::block("configs", &[Argument::string("name"), Argument::string("value")])
                .after("CONFIG")
                .optional()
                .multiple_with_token(),
            Argument::string("args").after("ARGS").optional().multiple(),
        ],
        handler: module::load,
        ..Command::BLANK
    },
    Command {
        name: "module|unload",
        arity: 3,
        flags: OF_LOADING_A_MODULE,
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Unloads a module.",
        arguments: &[Argument::string("name")],
        handler: module::unload,
        ..Command::BLANK
    },
];
