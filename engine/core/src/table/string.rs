//! Commands on strings.
//!
//! Arguments are those of Redis 7.2, against which `COMMAND DOCS` is compared; newer options that handlers take are in the
//! history.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec, keys};
use crate::commands::string;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "append",
        arity: 3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::INSERT])],
        since: "2.0.0",
        group: Group::String,
        complexity: "O(1) amortized, for a short suffix",
        summary: "Appends to the string value of a key, which is created if need be.",
        arguments: &[Argument::key("key", 0), Argument::string("value")],
        handler: string::append,
        ..Command::BLANK
    },
    Command {
        name: "decr",
        arity: 2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        group: Group::String,
        complexity: "O(1)",
        summary: "Subtracts one from the integer value of a key; no key counts as 0.",
        arguments: &[Argument::key("key", 0)],
        handler: string::decr,
        ..Command::BLANK
    },
    Command {
        name: "decrby",
        arity: 3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        group: Group::String,
        complexity: "O(1)",
        summary: "Subtracts from the integer value of a key; no key counts as 0.",
        arguments: &[Argument::key("key", 0), Argument::integer("decrement")],
        handler: string::decrby,
        ..Command::BLANK
    },
    Command {
        name: "get",
        arity: 2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        group: Group::String,
        complexity: "O(1)",
        summary: "Returns the string value of a key.",
        arguments: &[Argument::key("key", 0)],
        handler: string::get,
        ..Command::BLANK
    },
    Command {
        name: "getdel",
        arity: 2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])],
        since: "6.2.0",
        group: Group::String,
        complexity: "O(1)",
        summary: "Returns the string value of a key and deletes the key.",
        arguments: &[Argument::key("key", 0)],
        handler: string::getdel,
        ..Command::BLANK
    },
    Command {
        name: "getex",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        since: "6.2.0",
        group: Group::String,
        complexity: "O(1)",
        summary: "Returns the string value of a key and may change its time to live.",
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
        ],
        handler: string::getex,
        ..Command::BLANK
    },
    Command {
        name: "incr",
        arity: 2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        group: Group::String,
        complexity: "O(1)",
        summary: "Adds one to the integer value of a key; no key counts as 0.",
        arguments: &[Argument::key("key", 0)],
        handler: string::incr,
        ..Command::BLANK
    },
    Command {
        name: "incrby",
        arity: 3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])],
        group: Group::String,
        complexity: "O(1)",
        summary: "Adds to the integer value of a key; no key counts as 0.",
        arguments: &[Argument::key("key", 0), Argument::integer("increment")],
        handler: string::incrby,
        ..Command::BLANK
    },
    Command {
        name: "mget",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::rest(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        tips: &["request_policy:multi_shard"],
        group: Group::String,
        complexity: "O(N) where N is the number of keys",
        summary: "Returns the string values of several keys.",
        arguments: &[Argument::key("key", 0).multiple()],
        handler: string::mget,
        ..Command::BLANK
    },
    Command {
        name: "mset",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::range(1, -1, 2, &[KeyFlags::OW, KeyFlags::UPDATE])],
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        since: "1.0.1",
        group: Group::String,
        complexity: "O(N) where N is the number of keys",
        summary: "Gives several keys string values, all at once.",
        arguments: &[Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple()],
        handler: string::mset,
        ..Command::BLANK
    },
    Command {
        name: "set",
        arity: -3,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE, KeyFlags::VARIABLE_FLAGS])],
        key_finder: Some(keys::set),
        group: Group::String,
        complexity: "O(1)",
        summary: "Gives a key a string value, whatever it held; the key's time to live ends.",
        history: &[
            ("2.6.12", "The options `EX`, `PX`, `NX` and `XX`."),
            ("6.0.0", "The option `KEEPTTL`."),
            ("6.2.0", "The options `GET`, `EXAT` and `PXAT`."),
            ("7.0.0", "`NX` and `GET` go together."),
            ("8.4.0", "The conditions `IFEQ` and `IFNE` (on the value), `IFDEQ` and `IFDNE` (on its digest)."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("value"),
            Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
                .since("2.6.12")
                .optional(),
            Argument::word("get", "GET").since("6.2.0").optional(),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").after("EX").since("2.6.12"),
                    Argument::integer("milliseconds").after("PX").since("2.6.12"),
                    Argument::unix_time("unix-time-seconds").after("EXAT").since("6.2.0"),
                    Argument::unix_time("unix-time-milliseconds").after("PXAT").since("6.2.0"),
                    Argument::word("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .optional(),
        ],
        handler: string::set,
        ..Command::BLANK
    },
    Command {
        name: "strlen",
        arity: 2,
        flags: Flags::of(&[Flags::READONLY, Flags::FAST]),
        categories: Categories::of(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO])],
        since: "2.2.0",
        group: Group::String,
        complexity: "O(1)",
        summary: "Returns the length of the string value of a key, in bytes.",
        arguments: &[Argument::key("key", 0)],
        handler: string::strlen,
        ..Command::BLANK
    },
];
