//! Commands about the connection itself.

use super::{Argument, Categories, Command, Deprecated, Flags, Group};
use crate::commands::connection;

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
        subcommands: super::client::SUBCOMMANDS,
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
