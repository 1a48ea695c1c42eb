//! Commands that sort the elements of a key, whatever type of collection it is.

use super::{Argument, BeginSearch, Categories, Command, FindKeys, Flags, Group, KeyFlags, KeySpec, keys};
use crate::commands::sort;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "sort",
        arity: -2,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::SET, Categories::SORTEDSET, Categories::LIST, Categories::DANGEROUS]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
            KeySpec {
                flags: KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]),
                begin: BeginSearch::Unknown,
                find: FindKeys::Unknown,
                notes: "Keys that `BY` and `GET` name depend on the elements.",
            },
            KeySpec {
                flags: KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]),
                begin: BeginSearch::Unknown,
                find: FindKeys::Unknown,
                notes: "The key after `STORE`; any word before it may be part of another option.",
            },
        ],
        key_finder: Some(keys::sort),
        group: Group::Generic,
        complexity: "O(N+M*log(M)) where N is the number of elements and M that of those returned",
        summary: "Sorts the elements of a list, set or sorted set and returns or stores them, or what keys named after them hold.",
        arguments: &[
            Argument::key("key", 0),
            Argument { key_spec: Some(1), ..Argument::pattern("by-pattern") }
                .after("BY")
                .shown_as("pattern")
                .optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
            Argument { key_spec: Some(1), ..Argument::pattern("get-pattern") }
                .after("GET")
                .shown_as("pattern")
                .optional()
                .multiple_with_token(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::word("sorting", "ALPHA").optional(),
            Argument::key("destination", 2).after("STORE").optional(),
        ],
        handler: sort::sort,
        ..Command::BLANK
    },
    Command {
        name: "sort_ro",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::SET, Categories::SORTEDSET, Categories::LIST, Categories::DANGEROUS]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
            KeySpec {
                flags: KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]),
                begin: BeginSearch::Unknown,
                find: FindKeys::Unknown,
                notes: "Keys that `BY` and `GET` name depend on the elements.",
            },
        ],
        key_finder: Some(keys::sort_ro),
        since: "7.0.0",
        group: Group::Generic,
        complexity: "O(N+M*log(M)) where N is the number of elements and M that of those returned",
        summary: "Sorts the elements of a list, set or sorted set and returns them, or what keys named after them hold.",
        arguments: &[
            Argument::key("key", 0),
            Argument { key_spec: Some(1), ..Argument::pattern("by-pattern") }
                .after("BY")
                .shown_as("pattern")
                .optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
            Argument { key_spec: Some(1), ..Argument::pattern("get-pattern") }
                .after("GET")
                .shown_as("pattern")
                .optional()
                .multiple_with_token(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::word("sorting", "ALPHA").optional(),
        ],
        handler: sort::sort_ro,
        ..Command::BLANK
    },
];
