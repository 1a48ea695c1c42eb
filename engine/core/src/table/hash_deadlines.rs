//! Commands on the times to live of the fields of hashes. All are newer than Redis 7.2.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::hash;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "hexpire",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Gives fields of a hash a time to live in seconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("seconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("nx", "NX"),
                    Argument::word("xx", "XX"),
                    Argument::word("gt", "GT"),
                    Argument::word("lt", "LT"),
                ],
            )
            .optional(),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hexpire,
        ..Command::BLANK
    },
    Command {
        name: "hexpireat",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Lets fields of a hash end at a time given in seconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::unix_time("unix-time-seconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("nx", "NX"),
                    Argument::word("xx", "XX"),
                    Argument::word("gt", "GT"),
                    Argument::word("lt", "LT"),
                ],
            )
            .optional(),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hexpireat,
        ..Command::BLANK
    },
    Command {
        name: "hexpiretime",
        arity: -5,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns when fields of a hash end, in seconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hexpiretime,
        ..Command::BLANK
    },
    Command {
        name: "hgetdel",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns the values of fields of a hash and deletes the fields.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hgetdel,
        ..Command::BLANK
    },
    Command {
        name: "hgetex",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns the values of fields of a hash and may change their time to live.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").after("EX"),
                    Argument::integer("milliseconds").after("PX"),
                    Argument::unix_time("unix-time-seconds").after("EXAT"),
                    Argument::unix_time("unix-time-milliseconds").after("PXAT"),
                    Argument::word("persist", "PERSIST"),
                ],
            )
            .optional(),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hgetex,
        ..Command::BLANK
    },
    Command {
        name: "hpersist",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Ends the time to live of fields of a hash: they stay.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hpersist,
        ..Command::BLANK
    },
    Command {
        name: "hpexpire",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Gives fields of a hash a time to live in milliseconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("milliseconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("nx", "NX"),
                    Argument::word("xx", "XX"),
                    Argument::word("gt", "GT"),
                    Argument::word("lt", "LT"),
                ],
            )
            .optional(),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hpexpire,
        ..Command::BLANK
    },
    Command {
        name: "hpexpireat",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Lets fields of a hash end at a time given in milliseconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::unix_time("unix-time-milliseconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("nx", "NX"),
                    Argument::word("xx", "XX"),
                    Argument::word("gt", "GT"),
                    Argument::word("lt", "LT"),
                ],
            )
            .optional(),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hpexpireat,
        ..Command::BLANK
    },
    Command {
        name: "hpexpiretime",
        arity: -5,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns when fields of a hash end, in milliseconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hpexpiretime,
        ..Command::BLANK
    },
    Command {
        name: "hpttl",
        arity: -5,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns how long fields of a hash have to live, in milliseconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::hpttl,
        ..Command::BLANK
    },
    Command {
        name: "hsetex",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Gives fields of a hash values and a time to live.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of("condition", &[Argument::word("fnx", "FNX"), Argument::word("fxx", "FXX")]).optional(),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").after("EX"),
                    Argument::integer("milliseconds").after("PX"),
                    Argument::unix_time("unix-time-seconds").after("EXAT"),
                    Argument::unix_time("unix-time-milliseconds").after("PXAT"),
                    Argument::word("keepttl", "KEEPTTL"),
                ],
            )
            .optional(),
            Argument::block(
                "fields",
                &[
                    Argument::integer("numfields"),
                    Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
                ],
            )
            .after("FIELDS"),
        ],
        handler: hash::hsetex,
        ..Command::BLANK
    },
    Command {
        name: "httl",
        arity: -5,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "7.4.0",
        group: Group::Hash,
        complexity: "O(N) where N is the number of fields given",
        summary: "Returns how long fields of a hash have to live, in seconds.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
                .after("FIELDS"),
        ],
        handler: hash::httl,
        ..Command::BLANK
    },
];
