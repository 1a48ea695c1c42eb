//! CLIENT's subcommands.

use super::{Argument, Categories, Command, Flags, Group};
use crate::commands::{client, client_kill, client_list, client_pause, tracking};

/// What most subcommands may do: everything but run inside a script.
const ORDINARY: Flags = Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]);

/// The same, for operators.
const ADMIN: Flags = ORDINARY.with(Flags::ADMIN);

/// Subcommands of CLIENT, by name.
pub(super) const SUBCOMMANDS: &[Command] = &[
    Command {
        name: "client|caching",
        arity: 3,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Makes the next command or transaction an exception to what is remembered of the connection's reads.",
        arguments: &[Argument::one_of("mode", &[Argument::word("yes", "YES"), Argument::word("no", "NO")])],
        handler: tracking::caching,
        ..Command::BLANK
    },
    Command {
        name: "client|capa",
        arity: -3,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "8.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Says what the client is capable of.",
        arguments: &[Argument::string("capability").multiple()],
        handler: client::capa,
        ..Command::BLANK
    },
    Command {
        name: "client|getname",
        arity: 2,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "2.6.9",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Returns the name of the connection.",
        handler: client::getname,
        ..Command::BLANK
    },
    Command {
        name: "client|getredir",
        arity: 2,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Returns the connection that is told of invalidated keys instead.",
        handler: tracking::getredir,
        ..Command::BLANK
    },
    Command {
        name: "client|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: client::help,
        ..Command::BLANK
    },
    Command {
        name: "client|id",
        arity: 2,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Returns the unique number of the connection.",
        handler: client::id,
        ..Command::BLANK
    },
    Command {
        name: "client|info",
        arity: 2,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Describes the connection, as LIST does.",
        handler: client_list::info,
        ..Command::BLANK
    },
    Command {
        name: "client|kill",
        arity: -3,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "2.4.0",
        group: Group::Connection,
        complexity: "O(N) where N is the number of connections",
        summary: "Closes the connections that the filters select.",
        history: &[
            ("2.8.12", "Takes filters, the first of them `ID`."),
            ("3.2.0", "`TYPE` knows `master`."),
            ("5.0.0", "`TYPE` knows `replica`; `slave` means the same."),
            ("6.2.0", "The filter `LADDR`."),
            ("7.4.0", "The filter `MAXAGE`, in seconds since the connection was made."),
        ],
        arguments: &[Argument::one_of(
            "filter",
            &[
                Argument::string("old-format").shown_as("ip:port").deprecated_since("2.8.12"),
                Argument::one_of(
                    "new-format",
                    &[
                        Argument::integer("client-id").after("ID").since("2.8.12").optional(),
                        Argument::one_of(
                            "client-type",
                            &[
                                Argument::word("normal", "NORMAL"),
                                Argument::word("master", "MASTER").since("3.2.0"),
                                Argument::word("slave", "SLAVE"),
                                Argument::word("replica", "REPLICA").since("5.0.0"),
                                Argument::word("pubsub", "PUBSUB"),
                            ],
                        )
                        .after("TYPE")
                        .since("2.8.12")
                        .optional(),
                        Argument::string("username").after("USER").optional(),
                        Argument::string("addr").after("ADDR").shown_as("ip:port").optional(),
                        Argument::string("laddr").after("LADDR").shown_as("ip:port").since("6.2.0").optional(),
                        Argument::one_of("skipme", &[Argument::word("yes", "YES"), Argument::word("no", "NO")])
                            .after("SKIPME")
                            .optional(),
                    ],
                )
                .multiple(),
            ],
        )],
        handler: client_kill::kill,
        ..Command::BLANK
    },
    Command {
        name: "client|list",
        arity: -2,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output"],
        since: "2.4.0",
        group: Group::Connection,
        complexity: "O(N) where N is the number of connections",
        summary: "Lists the connections, one a line.",
        history: &[
            ("2.8.12", "Lines have the field `id`."),
            ("5.0.0", "The filter `TYPE`."),
            ("6.0.0", "Lines have the field `user`."),
            ("6.2.0", "The filter `ID`; lines have `argv-mem`, `tot-mem`, `laddr` and `redir`."),
            ("7.0.0", "Lines have `resp`, `multi-mem`, `rbs` and `rbp`."),
            ("7.0.3", "Lines have `ssub`."),
        ],
        arguments: &[
            Argument::one_of(
                "client-type",
                &[
                    Argument::word("normal", "NORMAL"),
                    Argument::word("master", "MASTER"),
                    Argument::word("replica", "REPLICA"),
                    Argument::word("pubsub", "PUBSUB"),
                ],
            )
            .after("TYPE")
            .since("5.0.0")
            .optional(),
            Argument::integer("client-id").after("ID").since("6.2.0").optional().multiple(),
        ],
        handler: client_list::list,
        ..Command::BLANK
    },
    Command {
        name: "client|no-evict",
        arity: 3,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "7.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Keeps the connection from being closed for want of memory.",
        arguments: &[Argument::one_of("enabled", &[Argument::word("on", "ON"), Argument::word("off", "OFF")])],
        handler: client::no_evict,
        ..Command::BLANK
    },
    Command {
        name: "client|no-touch",
        arity: 3,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "7.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Says whether the connection's commands count as uses of the keys that they read.",
        arguments: &[Argument::one_of("enabled", &[Argument::word("on", "ON"), Argument::word("off", "OFF")])],
        handler: client::no_touch,
        ..Command::BLANK
    },
    Command {
        name: "client|pause",
        arity: -3,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "3.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Holds back the commands of all clients, or their writes, for a while.",
        history: &[("6.2.0", "The mode `WRITE`.")],
        arguments: &[
            Argument::integer("timeout"),
            Argument::one_of("mode", &[Argument::word("write", "WRITE"), Argument::word("all", "ALL")])
                .since("6.2.0")
                .optional(),
        ],
        handler: client_pause::pause,
        ..Command::BLANK
    },
    Command {
        name: "client|reply",
        arity: 3,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "3.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Says whether the connection's commands are answered.",
        arguments: &[Argument::one_of(
            "action",
            &[Argument::word("on", "ON"), Argument::word("off", "OFF"), Argument::word("skip", "SKIP")],
        )],
        handler: client::reply,
        ..Command::BLANK
    },
    Command {
        name: "client|setinfo",
        arity: 4,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "7.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Says which library the client uses.",
        arguments: &[Argument::one_of(
            "attr",
            &[Argument::string("libname").after("LIB-NAME"), Argument::string("libver").after("LIB-VER")],
        )],
        handler: client::setinfo,
        ..Command::BLANK
    },
    Command {
        name: "client|setname",
        arity: 3,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "2.6.9",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Names the connection.",
        arguments: &[Argument::string("connection-name")],
        handler: client::setname,
        ..Command::BLANK
    },
    Command {
        name: "client|tracking",
        arity: -3,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1), and as much again for each prefix",
        summary: "Says whether the connection is told of changes to keys that it may have kept.",
        arguments: &[
            Argument::one_of("status", &[Argument::word("on", "ON"), Argument::word("off", "OFF")]),
            Argument::integer("client-id").after("REDIRECT").optional(),
            Argument::string("prefix").after("PREFIX").optional().multiple_with_token(),
            Argument::word("bcast", "BCAST").optional(),
            Argument::word("optin", "OPTIN").optional(),
            Argument::word("optout", "OPTOUT").optional(),
            Argument::word("noloop", "NOLOOP").optional(),
        ],
        handler: tracking::tracking,
        ..Command::BLANK
    },
    Command {
        name: "client|trackinginfo",
        arity: 2,
        flags: ORDINARY,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Describes what the connection is told of changes to keys.",
        handler: tracking::trackinginfo,
        ..Command::BLANK
    },
    Command {
        name: "client|unblock",
        arity: -3,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(log N) where N is the number of connections",
        summary: "Ends the wait of a client that a blocking command holds.",
        arguments: &[
            Argument::integer("client-id"),
            Argument::one_of("unblock-type", &[Argument::word("timeout", "TIMEOUT"), Argument::word("error", "ERROR")])
                .optional(),
        ],
        handler: client::unblock,
        ..Command::BLANK
    },
    Command {
        name: "client|unpause",
        arity: 2,
        flags: ADMIN,
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(N) where N is the number of clients held back",
        summary: "Ends a pause.",
        handler: client_pause::unpause,
        ..Command::BLANK
    },
];
