//! Commands on strings that are newer than Redis 7.2. Clients learn from `since` that another server may not have them.

use super::{Argument, Categories, Command, FindKeys, Flags, Group, KeyFlags, KeySpec, keys};
use crate::commands::string;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "delex",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::DELETE, KeyFlags::VARIABLE_FLAGS])],
        key_finder: Some(keys::delex),
        since: "8.4.0",
        group: Group::String,
        complexity: "O(1), or O(N) where N is the length of the value, for digests",
        summary: "Deletes a key if its value is, or is not, the one given.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "condition",
                &[
                    Argument::string("ifeq-value").after("IFEQ"),
                    Argument::string("ifne-value").after("IFNE"),
                    Argument::string("ifdeq-digest").after("IFDEQ"),
                    Argument::string("ifdne-digest").after("IFDNE"),
                ],
            )
            .optional(),
        ],
        handler: string::delex,
        ..Command::BLANK
    },
    Command {
        name: "digest",
        arity: 2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "8.4.0",
        group: Group::String,
        complexity: "O(N) where N is the length of the value",
        summary: "Returns the XXH3 digest of the string value of a key.",
        arguments: &[Argument::key("key", 0)],
        handler: string::digest,
        ..Command::BLANK
    },
    Command {
        name: "increx",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        since: "8.8.0",
        group: Group::String,
        complexity: "O(1)",
        summary: "Adds to the number in a key, within bounds, and may change its time to live.",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "increment",
                &[Argument::double("float").after("BYFLOAT"), Argument::integer("integer").after("BYINT")],
            )
            .optional(),
            Argument::word("saturate", "SATURATE").optional(),
            Argument::string("lowerbound").after("LBOUND").optional(),
            Argument::string("upperbound").after("UBOUND").optional(),
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
            Argument::word("enx", "ENX").optional(),
        ],
        handler: string::increx,
        ..Command::BLANK
    },
    Command {
        name: "msetex",
        arity: -4,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec {
            find: FindKeys::KeyNum { number: 0, first: 1, step: 2 },
            ..KeySpec::counted(1, &[KeyFlags::OW, KeyFlags::UPDATE])
        }],
        since: "8.4.0",
        group: Group::String,
        complexity: "O(N) where N is the number of keys",
        summary: "Gives several keys string values and one time to live, all or none.",
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        arguments: &[
            Argument::integer("numkeys"),
            Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple(),
            Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")]).optional(),
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
        ],
        handler: string::msetex,
        ..Command::BLANK
    },
];
