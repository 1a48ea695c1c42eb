//! Commands on strings as arrays of bits.
//!
//! Arguments are those of Redis 7.2, against which `COMMAND DOCS` is compared; newer options that handlers take are in the
//! history.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec, keys};
use crate::commands::bitmap;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "bitcount",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.6.0",
        group: Group::Bitmap,
        complexity: "O(N) where N is the length of the part",
        summary: "Counts the bits that are set in a string, or in a part of it.",
        history: &[("7.0.0", "The options `BYTE` and `BIT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "range",
                &[
                    Argument::integer("start"),
                    Argument::integer("end"),
                    Argument::one_of("unit", &[Argument::word("byte", "BYTE"), Argument::word("bit", "BIT")])
                        .since("7.0.0")
                        .optional(),
                ],
            )
            .optional(),
        ],
        handler: bitmap::bitcount,
        ..Command::BLANK
    },
    Command {
        name: "bitfield",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE, KeyFlags::VARIABLE_FLAGS])],
        key_finder: Some(keys::bitfield),
        since: "3.2.0",
        group: Group::Bitmap,
        complexity: "O(N) where N is the number of operations",
        summary: "Reads, sets and increments integers of any width within a string.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "operation",
                &[
                    Argument::block("get-block", &[Argument::string("encoding"), Argument::integer("offset")])
                        .after("GET"),
                    Argument::block(
                        "write",
                        &[
                            Argument::one_of(
                                "overflow-block",
                                &[
                                    Argument::word("wrap", "WRAP"),
                                    Argument::word("sat", "SAT"),
                                    Argument::word("fail", "FAIL"),
                                ],
                            )
                            .after("OVERFLOW")
                            .optional(),
                            Argument::one_of(
                                "write-operation",
                                &[
                                    Argument::block(
                                        "set-block",
                                        &[
                                            Argument::string("encoding"),
                                            Argument::integer("offset"),
                                            Argument::integer("value"),
                                        ],
                                    )
                                    .after("SET"),
                                    Argument::block(
                                        "incrby-block",
                                        &[
                                            Argument::string("encoding"),
                                            Argument::integer("offset"),
                                            Argument::integer("increment"),
                                        ],
                                    )
                                    .after("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .optional()
            .multiple(),
        ],
        handler: bitmap::bitfield,
        ..Command::BLANK
    },
    Command {
        name: "bitfield_ro",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.0.0",
        group: Group::Bitmap,
        complexity: "O(N) where N is the number of operations",
        summary: "Reads integers of any width within a string.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("get-block", &[Argument::string("encoding"), Argument::integer("offset")])
                .after("GET")
                .optional()
                .multiple_with_token(),
        ],
        handler: bitmap::bitfield_ro,
        ..Command::BLANK
    },
    Command {
        name: "bitop",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[
            KeySpec::one(2, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::rest(3, &[KeyFlags::RO, KeyFlags::ACCESS]),
        ],
        since: "2.6.0",
        group: Group::Bitmap,
        complexity: "O(N) where N is the length of all strings",
        summary: "Combines strings bit by bit and stores the result.",
        history: &[("8.2.0", "The operations `DIFF`, `DIFF1`, `ANDOR` and `ONE`.")],
        arguments: &[
            Argument::one_of(
                "operation",
                &[
                    Argument::word("and", "AND"),
                    Argument::word("or", "OR"),
                    Argument::word("xor", "XOR"),
                    Argument::word("not", "NOT"),
                ],
            ),
            Argument::key("destkey", 0),
            Argument::key("key", 1).multiple(),
        ],
        handler: bitmap::bitop,
        ..Command::BLANK
    },
    Command {
        name: "bitpos",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.8.7",
        group: Group::Bitmap,
        complexity: "O(N) where N is the length of the part",
        summary: "Finds the first bit that is set, or clear, in a string or a part of it.",
        history: &[("7.0.0", "The options `BYTE` and `BIT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("bit"),
            Argument::block(
                "range",
                &[
                    Argument::integer("start"),
                    Argument::block(
                        "end-unit-block",
                        &[
                            Argument::integer("end"),
                            Argument::one_of("unit", &[Argument::word("byte", "BYTE"), Argument::word("bit", "BIT")])
                                .since("7.0.0")
                                .optional(),
                        ],
                    )
                    .optional(),
                ],
            )
            .optional(),
        ],
        handler: bitmap::bitpos,
        ..Command::BLANK
    },
    Command {
        name: "getbit",
        arity: 3,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "2.2.0",
        group: Group::Bitmap,
        complexity: "O(1)",
        summary: "Returns a bit of a string.",
        arguments: &[Argument::key("key", 0), Argument::integer("offset")],
        handler: bitmap::getbit,
        ..Command::BLANK
    },
    Command {
        name: "setbit",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::BITMAP]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        since: "2.2.0",
        group: Group::Bitmap,
        complexity: "O(1)",
        summary: "Sets or clears a bit of a string, which is created or extended if need be.",
        arguments: &[Argument::key("key", 0), Argument::integer("offset"), Argument::integer("value")],
        handler: bitmap::setbit,
        ..Command::BLANK
    },
];
