//! Commands on streams that are newer than Redis 7.2.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::stream;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "xackdel",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE, KeyFlags::DELETE])],
        since: "8.2.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of ids given",
        summary: "Acknowledges entries of a stream for a group and deletes them.",
        arguments: &[
            Argument::key("key", 0),
            Argument::string("group"),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("keepref", "KEEPREF"),
                    Argument::word("delref", "DELREF"),
                    Argument::word("acked", "ACKED"),
                ],
            )
            .optional(),
            Argument::block("ids", &[Argument::integer("numids"), Argument::string("id").multiple()]).after("IDS"),
        ],
        handler: stream::xackdel,
        ..Command::BLANK
    },
    Command {
        name: "xcfgset",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "8.6.0",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Sets for how long a stream remembers what producers have sent, and of how many entries.",
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "idmp-duration-block",
                &[Argument::word("idmp-duration-token", "IDMP-DURATION"), Argument::integer("duration")],
            )
            .optional(),
            Argument::block(
                "idmp-maxsize-block",
                &[Argument::word("idmp-maxsize-token", "IDMP-MAXSIZE"), Argument::integer("maxsize")],
            )
            .optional(),
        ],
        handler: stream::xcfgset,
        ..Command::BLANK
    },
    Command {
        name: "xdelex",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE])],
        since: "8.2.0",
        group: Group::Stream,
        complexity: "O(N) where N is the number of ids given",
        summary: "Deletes entries of a stream, and says what becomes of references to them.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "condition",
                &[
                    Argument::word("keepref", "KEEPREF"),
                    Argument::word("delref", "DELREF"),
                    Argument::word("acked", "ACKED"),
                ],
            )
            .optional(),
            Argument::block("ids", &[Argument::integer("numids"), Argument::string("id").multiple()]).after("IDS"),
        ],
        handler: stream::xdelex,
        ..Command::BLANK
    },
    Command {
        name: "xidmprecord",
        arity: 5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STREAM]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "8.6.2",
        group: Group::Stream,
        complexity: "O(1)",
        summary: "Says that an entry of a stream was sent by a producer, for append-only files.",
        arguments: &[
            Argument::key("key", 0),
            Argument::string("pid"),
            Argument::string("iid"),
            Argument::string("stream-id"),
        ],
        handler: stream::xidmprecord,
        ..Command::BLANK
    },
];
