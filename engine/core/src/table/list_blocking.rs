//! Commands on lists that may wait for elements.

use super::{Argument, Categories, Command, Deprecated, Flags, Group, KeyFlags, KeySpec};
use crate::commands::list;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "blmove",
        arity: 6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
            KeySpec::one(2, &[KeyFlags::RW, KeyFlags::INSERT]),
        ],
        barrier: true,
        since: "6.2.0",
        group: Group::List,
        complexity: "O(1)",
        summary: "Does what `LMOVE` does, and waits for an element if there is none.",
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::one_of("wherefrom", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]),
            Argument::one_of("whereto", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]),
            Argument::double("timeout"),
        ],
        handler: list::blmove,
        ..Command::BLANK
    },
    Command {
        name: "blmovem",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
            KeySpec::one(2, &[KeyFlags::RW, KeyFlags::INSERT]),
        ],
        barrier: true,
        since: "8.10.0",
        group: Group::List,
        complexity: "O(N) where N is the number of elements moved",
        summary: "Does what `LMOVEM` does, and waits for elements if there are none or too few.",
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::one_of("wherefrom", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]),
            Argument::one_of("whereto", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]),
            Argument::double("timeout"),
            Argument::block(
                "how-many",
                &[
                    Argument::one_of(
                        "selector",
                        &[Argument::integer("count").after("COUNT"), Argument::integer("exactly").after("EXACTLY")],
                    ),
                    Argument::one_of("ordering", &[Argument::word("obo", "OBO"), Argument::word("bulk", "BULK")]),
                ],
            )
            .optional(),
        ],
        handler: list::blmovem,
        ..Command::BLANK
    },
    Command {
        name: "blmpop",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[KeySpec::counted(2, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "7.0.0",
        group: Group::List,
        complexity: "O(N+M) where N is the number of keys and M the number of elements returned",
        summary: "Does what `LMPOP` does, and waits for an element if there is none.",
        arguments: &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: list::blmpop,
        ..Command::BLANK
    },
    Command {
        name: "blpop",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[KeySpec::range(1, -2, 1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "2.0.0",
        group: Group::List,
        complexity: "O(N) where N is the number of keys",
        summary: "Takes the first element of the first list of several that is not empty; waits for one if there is none.",
        history: &[("6.0.0", "`timeout` may have a fraction.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        handler: list::blpop,
        ..Command::BLANK
    },
    Command {
        name: "brpop",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[KeySpec::range(1, -2, 1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        barrier: true,
        since: "2.0.0",
        group: Group::List,
        complexity: "O(N) where N is the number of keys",
        summary: "Takes the last element of the first list of several that is not empty; waits for one if there is none.",
        history: &[("6.0.0", "`timeout` may have a fraction.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        handler: list::brpop,
        ..Command::BLANK
    },
    Command {
        name: "brpoplpush",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::LIST]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
            KeySpec::one(2, &[KeyFlags::RW, KeyFlags::INSERT]),
        ],
        barrier: true,
        since: "2.2.0",
        group: Group::List,
        complexity: "O(1)",
        summary: "Does what `RPOPLPUSH` does, and waits for an element if there is none.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`BLMOVE` with the `RIGHT` and `LEFT` arguments" }),
        history: &[("6.0.0", "`timeout` may have a fraction.")],
        arguments: &[Argument::key("source", 0), Argument::key("destination", 1), Argument::double("timeout")],
        handler: list::brpoplpush,
        ..Command::BLANK
    },
];
