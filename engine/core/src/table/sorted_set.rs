//! Commands on the members of sorted sets.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_set;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "zadd",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        element: 3,
        score: 2,
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) for each member, where N is the number of members",
        summary: "Adds members to a sorted set, which is created if need be, or changes their scores.",
        history: &[
            ("2.4.0", "More than one member."),
            ("3.0.2", "The options `XX`, `NX`, `CH` and `INCR`."),
            ("6.2.0", "The options `GT` and `LT`."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
                .since("3.0.2")
                .optional(),
            Argument::one_of("comparison", &[Argument::word("gt", "GT"), Argument::word("lt", "LT")])
                .since("6.2.0")
                .optional(),
            Argument::word("change", "CH").since("3.0.2").optional(),
            Argument::word("increment", "INCR").since("3.0.2").optional(),
            Argument::block("data", &[Argument::double("score"), Argument::string("member")]).multiple(),
        ],
        handler: sorted_set::zadd,
        ..Command::BLANK
    },
    Command {
        name: "zcard",
        arity: 2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO])],
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(1)",
        summary: "Returns the number of members of a sorted set.",
        arguments: &[Argument::key("key", 0)],
        handler: sorted_set::zcard,
        ..Command::BLANK
    },
    Command {
        name: "zincrby",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        element: 3,
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Adds to the score of a member of a sorted set; no member counts as 0.",
        arguments: &[Argument::key("key", 0), Argument::integer("increment"), Argument::string("member")],
        handler: sorted_set::zincrby,
        ..Command::BLANK
    },
    Command {
        name: "zmscore",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        element: 2,
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N) where N is the number of members asked about",
        summary: "Returns the scores of several members of a sorted set.",
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        handler: sorted_set::zmscore,
        ..Command::BLANK
    },
    Command {
        name: "zrandmember",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N) where N is the number of members returned",
        summary: "Returns members of a sorted set, chosen at random.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "options",
                &[Argument::integer("count"), Argument::word("withscores", "WITHSCORES").optional()],
            )
            .optional(),
        ],
        handler: sorted_set::zrandmember,
        ..Command::BLANK
    },
    Command {
        name: "zrank",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        element: 2,
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Returns how many members of a sorted set come before one.",
        history: &[("7.2.0", "The option `WITHSCORE`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::word("withscore", "WITHSCORE").optional(),
        ],
        handler: sorted_set::zrank,
        ..Command::BLANK
    },
    Command {
        name: "zrem",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        element: 2,
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(M*log(N)) where N is the number of members and M that of those given",
        summary: "Removes members from a sorted set.",
        history: &[("2.4.0", "More than one `member`.")],
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        handler: sorted_set::zrem,
        ..Command::BLANK
    },
    Command {
        name: "zrevrank",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        element: 2,
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Returns how many members of a sorted set come after one.",
        history: &[("7.2.0", "The option `WITHSCORE`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::word("withscore", "WITHSCORE").optional(),
        ],
        handler: sorted_set::zrevrank,
        ..Command::BLANK
    },
    Command {
        name: "zscan",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        tips: &["nondeterministic_output"],
        since: "2.8.0",
        group: Group::SortedSet,
        complexity: "O(1) for a call, O(N) for a whole walk over N members",
        summary: "Walks over the members and scores of a sorted set, some at a time.",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("cursor"),
            Argument::pattern("pattern").after("MATCH").optional(),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: sorted_set::zscan,
        ..Command::BLANK
    },
    Command {
        name: "zscore",
        arity: 3,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        element: 2,
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(1)",
        summary: "Returns the score of a member of a sorted set.",
        arguments: &[Argument::key("key", 0), Argument::string("member")],
        handler: sorted_set::zscore,
        ..Command::BLANK
    },
];
