//! Commands on the groups of consumers of streams.
//!
//! Arguments are those of Redis 7.2, against which `COMMAND DOCS` is compared; newer options that handlers take are in the
//! history.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::stream;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "xack",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of ids given",
        summary: "Acknowledges entries of a stream for a group.",
        arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("id").multiple()],
        handler: stream::xack,
        ..Command::BLANK
    },
    Command {
        name: "xautoclaim",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        group: Group::Stream,
        complexity: "O(1) for a small count",
        summary: "Gives entries that have been pending for long to another consumer, some at a time.",
        history: &[("7.0.0", "A list of ids that are no longer in the stream.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::string("consumer"),
            Argument::string("min-idle-time"),
            Argument::string("start"),
            Argument::integer("count").after("COUNT").optional(),
            Argument::word("justid", "JUSTID").optional(),
        ],
        handler: stream::xautoclaim,
        ..Command::BLANK
    },
    Command {
        name: "xclaim",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        tips: &["nondeterministic_output"],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)) for each id, where N is the number of pending entries",
        summary: "Gives pending entries to another consumer.",
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::string("consumer"),
            Argument::string("min-idle-time"),
            Argument::string("id").multiple(),
            Argument::integer("ms").after("IDLE").optional(),
            Argument::unix_time("unix-time-milliseconds").after("TIME").optional(),
            Argument::integer("count").after("RETRYCOUNT").optional(),
            Argument::word("force", "FORCE").optional(),
            Argument::word("justid", "JUSTID").optional(),
            Argument::string("lastid").after("LASTID").optional(),
        ],
        handler: stream::xclaim,
        ..Command::BLANK
    },
    Command {
        name: "xgroup",
        arity: -2,
        since: "5.0.0",
        group: Group::Stream,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands that manage groups of consumers.",
        subcommands: XGROUP,
        ..Command::BLANK
    },
    Command {
        name: "xinfo",
        arity: -2,
        since: "5.0.0",
        group: Group::Stream,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands that tell of streams, groups and consumers.",
        subcommands: XINFO,
        ..Command::BLANK
    },
    Command {
        name: "xpending",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        tips: &["nondeterministic_output"],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of entries returned, or of consumers",
        summary: "Tells of what is pending in a group, in sum or entry by entry.",
        history: &[("6.2.0", "The option `IDLE` and exclusive bounds.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::block(
                "filters",
                &[
                    Argument::integer("min-idle-time").after("IDLE").since("6.2.0").optional(),
                    Argument::string("start"),
                    Argument::string("end"),
                    Argument::integer("count"),
                    Argument::string("consumer").optional(),
                ],
            )
            .optional(),
        ],
        handler: stream::xpending,
        ..Command::BLANK
    },
    Command {
        name: "xreadgroup",
        arity: -7,
        flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::keyword("STREAMS", 4, -1, 2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        barrier: true,
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(M) for each stream, where M is the number of entries returned",
        summary: "Returns entries of streams for a consumer of a group, for which they are pending from then on; may wait for some.",
        history: &[("8.4.0", "The option `CLAIM`.")],
        arguments: &[
            Argument::block("group-block", &[Argument::string("group"), Argument::string("consumer")]).after("GROUP"),
            Argument::integer("count").after("COUNT").optional(),
            Argument::integer("milliseconds").after("BLOCK").optional(),
            Argument::word("noack", "NOACK").optional(),
            Argument::block("streams", &[Argument::key("key", 0).multiple(), Argument::string("id").multiple()])
                .after("STREAMS"),
        ],
        handler: stream::xreadgroup,
        ..Command::BLANK
    },
];

/// What `XGROUP` contains.
const XGROUP: &[Command] = &[
    Command {
        name: "xgroup|create",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::INSERT])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Makes a group.",
        history: &[("7.0.0", "The option `ENTRIESREAD`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::one_of("id-selector", &[Argument::string("id"), Argument::word("new-id", "$")]),
            Argument::word("mkstream", "MKSTREAM").optional(),
            Argument::integer("entries-read").after("ENTRIESREAD").optional(),
        ],
        handler: stream::xgroup_create,
        ..Command::BLANK
    },
    Command {
        name: "xgroup|createconsumer",
        arity: 5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::INSERT])],
        since: "6.2.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Makes a consumer in a group.",
        arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("consumer")],
        handler: stream::xgroup_createconsumer,
        ..Command::BLANK
    },
    Command {
        name: "xgroup|delconsumer",
        arity: 5,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of entries pending for it",
        summary: "Deletes a consumer of a group and what is pending for it.",
        arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("consumer")],
        handler: stream::xgroup_delconsumer,
        ..Command::BLANK
    },
    Command {
        name: "xgroup|destroy",
        arity: 4,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of entries pending in it",
        summary: "Deletes a group.",
        arguments: &[Argument::key("key", 0), Argument::string("group")],
        handler: stream::xgroup_destroy,
        ..Command::BLANK
    },
    Command {
        name: "xgroup|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::STREAM]),
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Returns text about the subcommands.",
        handler: stream::xgroup_help,
        ..Command::BLANK
    },
    Command {
        name: "xgroup|setid",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Sets the id of the last entry delivered to a group.",
        history: &[("7.0.0", "The option `ENTRIESREAD`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::one_of("id-selector", &[Argument::string("id"), Argument::word("new-id", "$")]),
            Argument::integer("entriesread").after("ENTRIESREAD").shown_as("entries-read").optional(),
        ],
        handler: stream::xgroup_setid,
        ..Command::BLANK
    },
];

/// What `XINFO` contains.
const XINFO: &[Command] = &[
    Command {
        name: "xinfo|consumers",
        arity: 4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        tips: &["nondeterministic_output"],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of consumers",
        summary: "Lists the consumers of a group.",
        history: &[("7.2.0", "The field `inactive`.")],
        arguments: &[Argument::key("key", 0), Argument::string("group")],
        handler: stream::xinfo_consumers,
        ..Command::BLANK
    },
    Command {
        name: "xinfo|groups",
        arity: 3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of groups",
        summary: "Lists the groups of a stream.",
        history: &[("7.0.0", "The fields `entries-read` and `lag`.")],
        arguments: &[Argument::key("key", 0)],
        handler: stream::xinfo_groups,
        ..Command::BLANK
    },
    Command {
        name: "xinfo|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE]),
        categories: Categories::of(&[Categories::STREAM]),
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Returns text about the subcommands.",
        handler: stream::xinfo_help,
        ..Command::BLANK
    },
    Command {
        name: "xinfo|stream",
        arity: -3,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1), or O(N) where N is what `FULL` lists",
        summary: "Tells of a stream, and with `FULL` of its groups and entries.",
        history: &[
            ("6.0.0", "The option `FULL`."),
            (
                "7.0.0",
                "The fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
            ),
            ("7.2.0", "The field `active-time`; `seen-time` counts attempts too."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "full-block",
                &[Argument::word("full", "FULL"), Argument::integer("count").after("COUNT").optional()],
            )
            .optional(),
        ],
        handler: stream::xinfo_stream,
        ..Command::BLANK
    },
];
