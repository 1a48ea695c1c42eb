//! The older commands that search geographic indexes.

use super::{Argument, Categories, Command, Deprecated, Flags, Group, KeyFlags, KeySpec, keys};
use crate::commands::geo;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "georadius",
        arity: -6,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
            KeySpec::keyword("STORE", 6, 0, 0, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::keyword("STOREDIST", 6, 0, 0, &[KeyFlags::OW, KeyFlags::UPDATE]),
        ],
        key_finder: Some(keys::georadius),
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Returns or stores the members of a geographic index around a point.",
        deprecated: Some(Deprecated {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
        }),
        history: &[("6.2.0", "The option `ANY` of `COUNT`."), ("7.0.0", "Upper case units.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::double("longitude"),
            Argument::double("latitude"),
            Argument::double("radius"),
            Argument::one_of(
                "unit",
                &[
                    Argument::word("m", "M"),
                    Argument::word("km", "KM"),
                    Argument::word("ft", "FT"),
                    Argument::word("mi", "MI"),
                ],
            ),
            Argument::word("withcoord", "WITHCOORD").optional(),
            Argument::word("withdist", "WITHDIST").optional(),
            Argument::word("withhash", "WITHHASH").optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").since("6.2.0").optional()],
            )
            .optional(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::one_of(
                "store",
                &[
                    Argument::key("storekey", 1).after("STORE").shown_as("key"),
                    Argument::key("storedistkey", 2).after("STOREDIST").shown_as("key"),
                ],
            )
            .optional(),
        ],
        handler: geo::georadius,
        ..Command::BLANK
    },
    Command {
        name: "georadius_ro",
        arity: -6,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "3.2.10",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Returns the members of a geographic index around a point.",
        deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`GEOSEARCH` with the `BYRADIUS` argument" }),
        history: &[("6.2.0", "The option `ANY` of `COUNT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::double("longitude"),
            Argument::double("latitude"),
            Argument::double("radius"),
            Argument::one_of(
                "unit",
                &[
                    Argument::word("m", "M"),
                    Argument::word("km", "KM"),
                    Argument::word("ft", "FT"),
                    Argument::word("mi", "MI"),
                ],
            ),
            Argument::word("withcoord", "WITHCOORD").optional(),
            Argument::word("withdist", "WITHDIST").optional(),
            Argument::word("withhash", "WITHHASH").optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").since("6.2.0").optional()],
            )
            .optional(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
        ],
        handler: geo::georadius_ro,
        ..Command::BLANK
    },
    Command {
        name: "georadiusbymember",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[
            KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
            KeySpec::keyword("STORE", 5, 0, 0, &[KeyFlags::OW, KeyFlags::UPDATE]),
            KeySpec::keyword("STOREDIST", 5, 0, 0, &[KeyFlags::OW, KeyFlags::UPDATE]),
        ],
        key_finder: Some(keys::georadiusbymember),
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Returns or stores the members of a geographic index around one of them.",
        deprecated: Some(Deprecated {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        }),
        history: &[("7.0.0", "Upper case units.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::double("radius"),
            Argument::one_of(
                "unit",
                &[
                    Argument::word("m", "M"),
                    Argument::word("km", "KM"),
                    Argument::word("ft", "FT"),
                    Argument::word("mi", "MI"),
                ],
            ),
            Argument::word("withcoord", "WITHCOORD").optional(),
            Argument::word("withdist", "WITHDIST").optional(),
            Argument::word("withhash", "WITHHASH").optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").optional()],
            )
            .optional(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::one_of(
                "store",
                &[
                    Argument::key("storekey", 1).after("STORE").shown_as("key"),
                    Argument::key("storedistkey", 2).after("STOREDIST").shown_as("key"),
                ],
            )
            .optional(),
        ],
        handler: geo::georadiusbymember,
        ..Command::BLANK
    },
    Command {
        name: "georadiusbymember_ro",
        arity: -5,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "3.2.10",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Returns the members of a geographic index around one of them.",
        deprecated: Some(Deprecated {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
        }),
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::double("radius"),
            Argument::one_of(
                "unit",
                &[
                    Argument::word("m", "M"),
                    Argument::word("km", "KM"),
                    Argument::word("ft", "FT"),
                    Argument::word("mi", "MI"),
                ],
            ),
            Argument::word("withcoord", "WITHCOORD").optional(),
            Argument::word("withdist", "WITHDIST").optional(),
            Argument::word("withhash", "WITHHASH").optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").optional()],
            )
            .optional(),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
        ],
        handler: geo::georadiusbymember_ro,
        ..Command::BLANK
    },
];
