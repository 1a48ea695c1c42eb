//! Commands on ranges of sorted sets.

use super::{Argument, Categories, Command, Deprecated, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_set;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "zcount",
        arity: 4,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Counts the members of a sorted set whose scores are in a range.",
        arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
        handler: sorted_set::zcount,
        ..Command::BLANK
    },
    Command {
        name: "zlexcount",
        arity: 4,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Counts the members of a sorted set that are in a range of byte strings.",
        arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
        handler: sorted_set::zlexcount,
        ..Command::BLANK
    },
    Command {
        name: "zrange",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of ranks, scores or byte strings.",
        history: &[("6.2.0", "The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("start"),
            Argument::string("stop"),
            Argument::one_of("sortby", &[Argument::word("byscore", "BYSCORE"), Argument::word("bylex", "BYLEX")])
                .since("6.2.0")
                .optional(),
            Argument::word("rev", "REV").since("6.2.0").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .since("6.2.0")
                .optional(),
            Argument::word("withscores", "WITHSCORES").optional(),
        ],
        handler: sorted_set::zrange,
        ..Command::BLANK
    },
    Command {
        name: "zrangebylex",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of byte strings.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `BYLEX` argument" }),
        arguments: &[
            Argument::key("key", 0),
            Argument::string("min"),
            Argument::string("max"),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        handler: sorted_set::zrangebylex,
        ..Command::BLANK
    },
    Command {
        name: "zrangebyscore",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "1.0.5",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of scores.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `BYSCORE` argument" }),
        history: &[("2.0.0", "The option `WITHSCORES`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::double("min"),
            Argument::double("max"),
            Argument::word("withscores", "WITHSCORES").since("2.0.0").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        handler: sorted_set::zrangebyscore,
        ..Command::BLANK
    },
    Command {
        name: "zrangestore",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::OW, KeyFlags::UPDATE]), KeySpec::one(2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those stored",
        summary: "Stores the members of a sorted set in a range of ranks, scores or byte strings.",
        arguments: &[
            Argument::key("dst", 0),
            Argument::key("src", 1),
            Argument::string("min"),
            Argument::string("max"),
            Argument::one_of("sortby", &[Argument::word("byscore", "BYSCORE"), Argument::word("bylex", "BYLEX")])
                .optional(),
            Argument::word("rev", "REV").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        handler: sorted_set::zrangestore,
        ..Command::BLANK
    },
    Command {
        name: "zremrangebylex",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those removed",
        summary: "Removes the members of a sorted set in a range of byte strings.",
        arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
        handler: sorted_set::zremrangebylex,
        ..Command::BLANK
    },
    Command {
        name: "zremrangebyrank",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those removed",
        summary: "Removes the members of a sorted set in a range of ranks.",
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
        handler: sorted_set::zremrangebyrank,
        ..Command::BLANK
    },
    Command {
        name: "zremrangebyscore",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those removed",
        summary: "Removes the members of a sorted set in a range of scores.",
        arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
        handler: sorted_set::zremrangebyscore,
        ..Command::BLANK
    },
    Command {
        name: "zrevrange",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of ranks, highest first.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `REV` argument" }),
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("start"),
            Argument::integer("stop"),
            Argument::word("withscores", "WITHSCORES").optional(),
        ],
        handler: sorted_set::zrevrange,
        ..Command::BLANK
    },
    Command {
        name: "zrevrangebylex",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of byte strings, last first.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `REV` and `BYLEX` arguments" }),
        arguments: &[
            Argument::key("key", 0),
            Argument::string("max"),
            Argument::string("min"),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        handler: sorted_set::zrevrangebylex,
        ..Command::BLANK
    },
    Command {
        name: "zrevrangebyscore",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) where N is the number of members and M that of those returned",
        summary: "Returns the members of a sorted set in a range of scores, highest first.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `REV` and `BYSCORE` arguments" }),
        history: &[("2.1.6", "`min` and `max` may be exclusive.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::double("max"),
            Argument::double("min"),
            Argument::word("withscores", "WITHSCORES").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        handler: sorted_set::zrevrangebyscore,
        ..Command::BLANK
    },
];
