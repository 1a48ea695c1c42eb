//! Commands on streams.
//!
//! Arguments are those of Redis 7.2, against which `COMMAND DOCS` is compared; newer options that handlers take are in the
//! history.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::stream;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "xadd",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        tips: &["nondeterministic_output"],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1), and O(N) for the N entries that trimming removes",
        summary: "Appends an entry to a stream, which is created if need be.",
        history: &[
            ("6.2.0", "The options `NOMKSTREAM`, `MINID` and `LIMIT`."),
            ("7.0.0", "An id of the form `ms-*`."),
            ("8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."),
            ("8.6.0", "The options `IDMP` and `IDMPAUTO`."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::word("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
            Argument::block(
                "trim",
                &[
                    Argument::one_of(
                        "strategy",
                        &[Argument::word("maxlen", "MAXLEN"), Argument::word("minid", "MINID").since("6.2.0")],
                    ),
                    Argument::one_of("operator", &[Argument::word("equal", "="), Argument::word("approximately", "~")])
                        .optional(),
                    Argument::string("threshold"),
                    Argument::integer("count").after("LIMIT").since("6.2.0").optional(),
                ],
            )
            .optional(),
            Argument::one_of("id-selector", &[Argument::word("auto-id", "*"), Argument::string("id")]),
            Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
        ],
        handler: stream::xadd,
        ..Command::BLANK
    },
    Command {
        name: "xdel",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of ids given",
        summary: "Deletes entries of a stream.",
        arguments: &[Argument::key("key", 0), Argument::string("id").multiple()],
        handler: stream::xdel,
        ..Command::BLANK
    },
    Command {
        name: "xlen",
        arity: 2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Returns the number of entries of a stream.",
        arguments: &[Argument::key("key", 0)],
        handler: stream::xlen,
        ..Command::BLANK
    },
    Command {
        name: "xrange",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)+M) where N is the number of entries and M that of those returned",
        summary: "Returns the entries of a stream in a range of ids.",
        history: &[("6.2.0", "Exclusive bounds.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("start"),
            Argument::string("end"),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: stream::xrange,
        ..Command::BLANK
    },
    Command {
        name: "xread",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::keyword("STREAMS", 1, -1, 2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        barrier: true,
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)+M) for each stream, where N is the number of entries and M that of those returned",
        summary: "Returns the entries of streams after given ids; may wait for some.",
        arguments: &[
            Argument::integer("count").after("COUNT").optional(),
            Argument::integer("milliseconds").after("BLOCK").optional(),
            Argument::block("streams", &[Argument::key("key", 0).multiple(), Argument::string("id").multiple()])
                .after("STREAMS"),
        ],
        handler: stream::xread,
        ..Command::BLANK
    },
    Command {
        name: "xrevrange",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)+M) where N is the number of entries and M that of those returned",
        summary: "Returns the entries of a stream in a range of ids, last first.",
        history: &[("6.2.0", "Exclusive bounds.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("end"),
            Argument::string("start"),
            Argument::integer("count").after("COUNT").optional(),
        ],
        handler: stream::xrevrange,
        ..Command::BLANK
    },
    Command {
        name: "xsetid",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Sets the last id of a stream, for replication.",
        history: &[("7.0.0", "The options `ENTRIESADDED` and `MAXDELETEDID`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("last-id"),
            Argument::integer("entries-added").after("ENTRIESADDED").since("7.0.0").optional(),
            Argument::string("max-deleted-id").after("MAXDELETEDID").since("7.0.0").optional(),
        ],
        handler: stream::xsetid,
        ..Command::BLANK
    },
    Command {
        name: "xtrim",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        tips: &["nondeterministic_output"],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of entries removed",
        summary: "Removes the oldest entries of a stream.",
        history: &[
            ("6.2.0", "The options `MINID` and `LIMIT`."),
            ("8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "trim",
                &[
                    Argument::one_of(
                        "strategy",
                        &[Argument::word("maxlen", "MAXLEN"), Argument::word("minid", "MINID").since("6.2.0")],
                    ),
                    Argument::one_of("operator", &[Argument::word("equal", "="), Argument::word("approximately", "~")])
                        .optional(),
                    Argument::string("threshold"),
                    Argument::integer("count").after("LIMIT").since("6.2.0").optional(),
                ],
            ),
        ],
        handler: stream::xtrim,
        ..Command::BLANK
    },
];
