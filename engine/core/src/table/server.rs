//! Commands about the server as a whole.

use super::{Argument, Categories, Command, Flags, Group};
use crate::commands::{command, config, keyspace, monitor, shutdown};

/// When FLUSHALL and FLUSHDB free what they delete.
const FLUSH_TYPE: &[Argument] = &[Argument::one_of(
    "flush-type",
    &[Argument::word("async", "ASYNC").since("4.0.0"), Argument::word("sync", "SYNC").since("6.2.0")],
)
.optional()];

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "command",
        arity: -1,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output_order"],
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N) where N is the number of commands",
        summary: "Describes every command.",
        subcommands: COMMAND,
        handler: command::command,
        ..Command::BLANK
    },
    Command {
        name: "config",
        arity: -2,
        since: "2.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about the server's parameters.",
        subcommands: CONFIG,
        ..Command::BLANK
    },
    Command {
        name: "dbsize",
        arity: 1,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::KEYSPACE]),
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns how many keys the database has.",
        handler: keyspace::dbsize,
        ..Command::BLANK
    },
    Command {
        name: "flushall",
        arity: -1,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        barrier: true,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        group: Group::Server,
        complexity: "O(N) where N is the number of keys in all databases",
        summary: "Deletes every key of every database.",
        history: &[("4.0.0", "The option `ASYNC`."), ("6.2.0", "The option `SYNC`.")],
        arguments: FLUSH_TYPE,
        handler: keyspace::flushall,
        ..Command::BLANK
    },
    Command {
        name: "flushdb",
        arity: -1,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        group: Group::Server,
        complexity: "O(N) where N is the number of keys in the database",
        summary: "Deletes every key of the database.",
        history: &[("4.0.0", "The option `ASYNC`."), ("6.2.0", "The option `SYNC`.")],
        arguments: FLUSH_TYPE,
        handler: keyspace::flushdb,
        ..Command::BLANK
    },
    Command {
        name: "monitor",
        arity: 1,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        barrier: true,
        group: Group::Server,
        complexity: "O(1), and as much again for every command that is shown",
        summary: "Shows every command that the server executes from here on.",
        handler: monitor::monitor,
        ..Command::BLANK
    },
    Command {
        name: "shutdown",
        arity: -1,
        flags: Flags::of(&[
            Flags::ADMIN,
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::NO_MULTI,
            Flags::SENTINEL,
            Flags::ALLOW_BUSY,
        ]),
        barrier: true,
        group: Group::Server,
        complexity: "O(N) where N is the number of keys, when they are saved; otherwise O(1)",
        summary: "Ends the server, saving the data set if it is configured to.",
        history: &[("7.0.0", "The options `NOW`, `FORCE` and `ABORT`.")],
        arguments: &[
            Argument::one_of("save-selector", &[Argument::word("nosave", "NOSAVE"), Argument::word("save", "SAVE")])
                .optional(),
            Argument::word("now", "NOW").since("7.0.0").optional(),
            Argument::word("force", "FORCE").since("7.0.0").optional(),
            Argument::word("abort", "ABORT").since("7.0.0").optional(),
        ],
        handler: shutdown::shutdown,
        ..Command::BLANK
    },
    Command {
        name: "swapdb",
        arity: 3,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of clients that watch or wait for keys of either",
        summary: "Exchanges two databases.",
        arguments: &[Argument::integer("index1"), Argument::integer("index2")],
        handler: keyspace::swapdb,
        ..Command::BLANK
    },
];

/// Subcommands of COMMAND.
const COMMAND: &[Command] = &[
    Command {
        name: "command|count",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns how many commands there are.",
        handler: command::count,
        ..Command::BLANK
    },
    Command {
        name: "command|docs",
        arity: -2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output_order"],
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of commands asked for",
        summary: "Documents the named commands, or all.",
        arguments: &[Argument::string("command-name").optional().multiple()],
        handler: command::docs,
        ..Command::BLANK
    },
    Command {
        name: "command|getkeys",
        arity: -3,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N) where N is the number of its arguments",
        summary: "Extracts the keys of a whole command.",
        arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
        handler: command::getkeys,
        ..Command::BLANK
    },
    Command {
        name: "command|getkeysandflags",
        arity: -3,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of its arguments",
        summary: "Extracts the keys of a whole command, and says what it does with each.",
        arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
        handler: command::getkeysandflags,
        ..Command::BLANK
    },
    Command {
        name: "command|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "5.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: command::help,
        ..Command::BLANK
    },
    Command {
        name: "command|info",
        arity: -2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output_order"],
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N) where N is the number of commands asked for",
        summary: "Describes the named commands, or all.",
        history: &[("7.0.0", "Without names it describes every command.")],
        arguments: &[Argument::string("command-name").optional().multiple()],
        handler: command::info,
        ..Command::BLANK
    },
    Command {
        name: "command|list",
        arity: -2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output_order"],
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of commands",
        summary: "Lists the names of the commands.",
        arguments: &[Argument::one_of(
            "filterby",
            &[
                Argument::string("module-name").after("MODULE"),
                Argument::string("category").after("ACLCAT"),
                Argument::pattern("pattern").after("PATTERN"),
            ],
        )
        .after("FILTERBY")
        .optional()],
        handler: command::list,
        ..Command::BLANK
    },
];

/// Subcommands of CONFIG.
const CONFIG: &[Command] = &[
    Command {
        name: "config|get",
        arity: -3,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of patterns",
        summary: "Returns the parameters that the patterns select, with their values.",
        history: &[("7.0.0", "Takes several patterns.")],
        arguments: &[Argument::string("parameter").multiple()],
        handler: config::get,
        ..Command::BLANK
    },
    Command {
        name: "config|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE]),
        since: "5.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: config::help,
        ..Command::BLANK
    },
    Command {
        name: "config|resetstat",
        arity: 2,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Starts the counters of INFO again.",
        handler: config::resetstat,
        ..Command::BLANK
    },
    Command {
        name: "config|rewrite",
        arity: 2,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "2.8.0",
        group: Group::Server,
        complexity: "O(N) where N is the length of the configuration file",
        summary: "Brings the configuration file up to date with the parameters.",
        handler: config::rewrite,
        ..Command::BLANK
    },
    Command {
        name: "config|set",
        arity: -4,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        barrier: true,
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of parameters",
        summary: "Changes parameters while the server runs.",
        history: &[("7.0.0", "Takes several parameters, of which all are set or none.")],
        arguments: &[Argument::block("data", &[Argument::string("parameter"), Argument::string("value")]).multiple()],
        handler: config::set,
        ..Command::BLANK
    },
];
