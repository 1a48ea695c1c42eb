//! ACL and its subcommands.

use super::{Argument, Command, Flags, Group};
use crate::commands::acl;

/// Commands of this file.
pub(super) const COMMANDS: &[Command] = &[Command {
    name: "acl",
    arity: -2,
    flags: Flags::of(&[Flags::SENTINEL]),
    since: "6.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Contains the commands about users and what they may do.",
    subcommands: ACL,
    ..Command::BLANK
}];

/// For every user.
const OPEN: Flags = Flags::of(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL]);

/// For operators.
const ADMIN: Flags = OPEN.with(Flags::ADMIN);

/// Subcommands of ACL.
const ACL: &[Command] = &[
    Command {
        name: "acl|cat",
        arity: -2,
        flags: OPEN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Lists the categories, or the commands of one.",
        arguments: &[Argument::string("category").optional()],
        handler: acl::cat,
        ..Command::BLANK
    },
    Command {
        name: "acl|deluser",
        arity: -3,
        flags: ADMIN,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        barrier: true,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(1) a user, and O(N) for the connections that end",
        summary: "Deletes users and ends their connections.",
        arguments: &[Argument::string("username").multiple()],
        handler: acl::deluser,
        ..Command::BLANK
    },
    Command {
        name: "acl|dryrun",
        arity: -4,
        flags: ADMIN,
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Says whether a user may make a call, without making it.",
        arguments: &[
            Argument::string("username"),
            Argument::string("command"),
            Argument::string("arg").optional().multiple(),
        ],
        handler: acl::dryrun,
        ..Command::BLANK
    },
    Command {
        name: "acl|genpass",
        arity: -2,
        flags: OPEN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Makes up a password that nobody can guess.",
        arguments: &[Argument::integer("bits").optional()],
        handler: acl::genpass,
        ..Command::BLANK
    },
    Command {
        name: "acl|getuser",
        arity: 3,
        flags: ADMIN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of the user's rules",
        summary: "Describes a user by its rules.",
        history: &[
            ("6.2.0", "Patterns of channels."),
            ("7.0.0", "Selectors; patterns of keys and channels as the rules that set them."),
        ],
        arguments: &[Argument::string("username")],
        handler: acl::getuser,
        ..Command::BLANK
    },
    Command {
        name: "acl|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL]),
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: acl::help,
        ..Command::BLANK
    },
    Command {
        name: "acl|list",
        arity: 2,
        flags: ADMIN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of users",
        summary: "Describes every user in a line, as in a file of users.",
        handler: acl::list,
        ..Command::BLANK
    },
    Command {
        name: "acl|load",
        arity: 2,
        flags: ADMIN,
        barrier: true,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of users",
        summary: "Replaces the users by those of the file of users.",
        handler: acl::load,
        ..Command::BLANK
    },
    Command {
        name: "acl|log",
        arity: -2,
        flags: ADMIN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of entries shown",
        summary: "Shows what users were refused lately.",
        history: &[("7.2.0", "Entries have a number, and the times of their first and last refusal.")],
        arguments: &[
            Argument::one_of("operation", &[Argument::integer("count"), Argument::word("reset", "RESET")]).optional()
        ],
        handler: acl::log,
        ..Command::BLANK
    },
    Command {
        name: "acl|save",
        arity: 2,
        flags: ADMIN,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of users",
        summary: "Writes the users to the file of users.",
        handler: acl::save,
        ..Command::BLANK
    },
    Command {
        name: "acl|setuser",
        arity: -3,
        flags: ADMIN,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        barrier: true,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of rules",
        summary: "Makes or changes a user by rules, all of them or none.",
        history: &[
            ("6.2.0", "Patterns of channels."),
            ("7.0.0", "Selectors, and reading and writing apart in patterns of keys."),
        ],
        arguments: &[Argument::string("username"), Argument::string("rule").optional().multiple()],
        handler: acl::setuser,
        ..Command::BLANK
    },
    Command {
        name: "acl|users",
        arity: 2,
        flags: ADMIN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(N) where N is the number of users",
        summary: "Lists the names of the users.",
        handler: acl::users,
        ..Command::BLANK
    },
    Command {
        name: "acl|whoami",
        arity: 2,
        flags: OPEN,
        since: "6.0.0",
        group: Group::Server,
        complexity: "O(1)",
        summary: "Returns the name of the connection's user.",
        handler: acl::whoami,
        ..Command::BLANK
    },
];
