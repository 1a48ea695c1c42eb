//! Commands about the connection itself.

use super::{Argument, Categories, Command, Deprecated, Flags, Group};
use crate::commands::{client, connection};

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "auth",
        arity: -2,
        flags: Flags::of(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::SENTINEL,
            Flags::ALLOW_BUSY,
        ]),
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        group: Group::Connection,
        complexity: "O(N) where N is the number of passwords of the user",
        summary: "Authenticates the connection.",
        history: &[("6.0.0", "Takes a user name beside the password.")],
        arguments: &[Argument::string("username").since("6.0.0").optional(), Argument::string("password")],
        handler: connection::auth,
        ..Command::BLANK
    },
    Command {
        name: "client",
        arity: -2,
        flags: Flags::of(&[Flags::SENTINEL]),
        since: "2.4.0",
        group: Group::Connection,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about client connections.",
        subcommands: CLIENT,
        ..Command::BLANK
    },
    Command {
        name: "echo",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: Categories::of(&[Categories::CONNECTION]),
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Sends the message back.",
        arguments: &[Argument::string("message")],
        handler: connection::echo,
        ..Command::BLANK
    },
    Command {
        name: "hello",
        arity: -1,
        flags: Flags::of(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::SENTINEL,
            Flags::ALLOW_BUSY,
        ]),
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Chooses the protocol version, and may authenticate and name the connection on the way.",
        history: &[("6.2.0", "`protover` may be left out; the reply then describes the connection as it is.")],
        arguments: &[Argument::block(
            "arguments",
            &[
                Argument::integer("protover"),
                Argument::block("auth", &[Argument::string("username"), Argument::string("password")])
                    .after("AUTH")
                    .optional(),
                Argument::string("clientname").after("SETNAME").optional(),
            ],
        )
        .optional()],
        handler: connection::hello,
        ..Command::BLANK
    },
    Command {
        name: "ping",
        arity: -1,
        flags: Flags::of(&[Flags::FAST, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Answers PONG, or the message that was sent.",
        arguments: &[Argument::string("message").optional()],
        handler: connection::ping,
        ..Command::BLANK
    },
    Command {
        name: "quit",
        arity: -1,
        flags: Flags::of(&[
            Flags::ALLOW_BUSY,
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
        ]),
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Ends the connection after everything owed has been sent.",
        deprecated: Some(Deprecated { since: "7.2.0", replaced_by: "closing the connection" }),
        handler: connection::quit,
        ..Command::BLANK
    },
    Command {
        name: "reset",
        arity: 1,
        flags: Flags::of(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::ALLOW_BUSY,
        ]),
        categories: Categories::of(&[Categories::CONNECTION]),
        barrier: true,
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Puts the connection back into the state of a new one.",
        handler: connection::reset,
        ..Command::BLANK
    },
    Command {
        name: "select",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: Categories::of(&[Categories::CONNECTION]),
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Makes another database the connection's own.",
        arguments: &[Argument::integer("index")],
        handler: connection::select,
        ..Command::BLANK
    },
];

/// Subcommands of CLIENT.
const CLIENT: &[Command] = &[
    Command {
        name: "client|getname",
        arity: 2,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "2.6.9",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Returns the name of the connection.",
        handler: client::getname,
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
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        categories: Categories::of(&[Categories::CONNECTION]),
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        summary: "Returns the unique number of the connection.",
        handler: client::id,
        ..Command::BLANK
    },
    Command {
        name: "client|kill",
        arity: -3,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
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
        handler: client::kill,
        ..Command::BLANK
    },
    Command {
        name: "client|list",
        arity: -2,
        flags: Flags::of(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
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
        handler: client::list,
        ..Command::BLANK
    },
    Command {
        name: "client|reply",
        arity: 3,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
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
        name: "client|setname",
        arity: 3,
        flags: Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
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
];
