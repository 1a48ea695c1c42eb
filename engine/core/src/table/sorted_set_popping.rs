//! Commands that take members from sorted sets, and may wait for some.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_set;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "bzmpop",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(2, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(K)+O(M*log(N)) where K is the number of keys, N the number of members and M that of those returned",
        summary: "Does what `ZMPOP` does, and waits for a member if there is none.",
        arguments: &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::word("min", "MIN"), Argument::word("max", "MAX")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: sorted_set::bzmpop,
        ..Command::BLANK
    },
    Command {
        name: "bzpopmax",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::range(1, -2, 1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Removes the member with the highest score from the first sorted set of several that is not empty; waits for one if there is none.",
        history: &[("6.0.0", "`timeout` may have a fraction.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        handler: sorted_set::bzpopmax,
        ..Command::BLANK
    },
    Command {
        name: "bzpopmin",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::range(1, -2, 1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of members",
        summary: "Removes the member with the lowest score from the first sorted set of several that is not empty; waits for one if there is none.",
        history: &[("6.0.0", "`timeout` may have a fraction.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        handler: sorted_set::bzpopmin,
        ..Command::BLANK
    },
    Command {
        name: "zmpop",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::counted(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(K)+O(M*log(N)) where K is the number of keys, N the number of members and M that of those returned",
        summary: "Removes the members with the lowest or highest scores from the first sorted set of several that is not empty.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::word("min", "MIN"), Argument::word("max", "MAX")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: sorted_set::zmpop,
        ..Command::BLANK
    },
    Command {
        name: "zpopmax",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(M*log(N)) where N is the number of members and M that of those returned",
        summary: "Removes the members with the highest scores from a sorted set and returns them.",
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
        handler: sorted_set::zpopmax,
        ..Command::BLANK
    },
    Command {
        name: "zpopmin",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::SORTEDSET]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(M*log(N)) where N is the number of members and M that of those returned",
        summary: "Removes the members with the lowest scores from a sorted set and returns them.",
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
        handler: sorted_set::zpopmin,
        ..Command::BLANK
    },
];
