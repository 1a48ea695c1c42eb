//! Commands that combine several sorted sets.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_set;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "zdiff",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N+M*log(M)) where N is the size of all inputs and M that of the result",
        summary: "Returns the members of a sorted set that are in none of the others.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::word("withscores", "WITHSCORES").optional(),
        ],
        handler: sorted_set::zdiff,
        ..Command::BLANK
    },
    Command {
        name: "zdiffstore",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::counted(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
        ],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N+M*log(M)) where N is the size of all inputs and M that of the result",
        summary: "Stores the members of a sorted set that are in none of the others.",
        arguments: &[Argument::key("destination", 0), Argument::integer("numkeys"), Argument::key("key", 1).multiple()],
        handler: sorted_set::zdiffstore,
        ..Command::BLANK
    },
    Command {
        name: "zinter",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N*K)+O(M*log(M)) where N is the size of the smallest input, K the number of inputs and M the size of the result",
        summary: "Returns what several sorted sets have in common.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[Argument::word("sum", "SUM"), Argument::word("min", "MIN"), Argument::word("max", "MAX")],
            )
            .after("AGGREGATE")
            .optional(),
            Argument::word("withscores", "WITHSCORES").optional(),
        ],
        handler: sorted_set::zinter,
        ..Command::BLANK
    },
    Command {
        name: "zintercard",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(N*K) where N is the size of the smallest input and K the number of inputs",
        summary: "Counts what several sorted sets have in common.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("limit").after("LIMIT").optional(),
        ],
        handler: sorted_set::zintercard,
        ..Command::BLANK
    },
    Command {
        name: "zinterstore",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::counted(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
        ],
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(N*K)+O(M*log(M)) where N is the size of the smallest input, K the number of inputs and M the size of the result",
        summary: "Stores what several sorted sets have in common.",
        arguments: &[
            Argument::key("destination", 0),
            Argument::integer("numkeys"),
            Argument::key("key", 1).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[Argument::word("sum", "SUM"), Argument::word("min", "MIN"), Argument::word("max", "MAX")],
            )
            .after("AGGREGATE")
            .optional(),
        ],
        handler: sorted_set::zinterstore,
        ..Command::BLANK
    },
    Command {
        name: "zunion",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N)+O(M*log(M)) where N is the size of all inputs and M that of the result",
        summary: "Returns the members of several sorted sets together.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[Argument::word("sum", "SUM"), Argument::word("min", "MIN"), Argument::word("max", "MAX")],
            )
            .after("AGGREGATE")
            .optional(),
            Argument::word("withscores", "WITHSCORES").optional(),
        ],
        handler: sorted_set::zunion,
        ..Command::BLANK
    },
    Command {
        name: "zunionstore",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::counted(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
        ],
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(N)+O(M*log(M)) where N is the size of all inputs and M that of the result",
        summary: "Stores the members of several sorted sets together.",
        arguments: &[
            Argument::key("destination", 0),
            Argument::integer("numkeys"),
            Argument::key("key", 1).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[Argument::word("sum", "SUM"), Argument::word("min", "MIN"), Argument::word("max", "MAX")],
            )
            .after("AGGREGATE")
            .optional(),
        ],
        handler: sorted_set::zunionstore,
        ..Command::BLANK
    },
];
