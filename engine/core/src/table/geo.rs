//! Commands on geographic indexes, which are sorted sets.

use super::{Argument, Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::geo;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "geoadd",
        arity: -5,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RW, KeyFlags::UPDATE])],
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(log(N)) for each member, where N is the number of members",
        summary: "Adds members to a geographic index, which is created if need be, or moves them.",
        history: &[("6.2.0", "The options `CH`, `NX` and `XX`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
                .since("6.2.0")
                .optional(),
            Argument::word("change", "CH").since("6.2.0").optional(),
            Argument::block(
                "data",
                &[Argument::double("longitude"), Argument::double("latitude"), Argument::string("member")],
            )
            .multiple(),
        ],
        handler: geo::geoadd,
        ..Command::BLANK
    },
    Command {
        name: "geodist",
        arity: -4,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(1)",
        summary: "Returns the distance between two members of a geographic index.",
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member1"),
            Argument::string("member2"),
            Argument::one_of(
                "unit",
                &[
                    Argument::word("m", "M"),
                    Argument::word("km", "KM"),
                    Argument::word("ft", "FT"),
                    Argument::word("mi", "MI"),
                ],
            )
            .optional(),
        ],
        handler: geo::geodist,
        ..Command::BLANK
    },
    Command {
        name: "geohash",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N) where N is the number of members given",
        summary: "Returns where members of a geographic index are, as geohash strings.",
        arguments: &[Argument::key("key", 0), Argument::string("member").optional().multiple()],
        handler: geo::geohash,
        ..Command::BLANK
    },
    Command {
        name: "geopos",
        arity: -2,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(N) where N is the number of members given",
        summary: "Returns where members of a geographic index are, as longitudes and latitudes.",
        arguments: &[Argument::key("key", 0), Argument::string("member").optional().multiple()],
        handler: geo::geopos,
        ..Command::BLANK
    },
    Command {
        name: "geosearch",
        arity: -7,
        flags: Flags::of(&[Flags::READONLY]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Returns the members of a geographic index within a circle or a rectangle.",
        history: &[("7.0.0", "Upper case units.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "from",
                &[
                    Argument::string("member").after("FROMMEMBER"),
                    Argument::block("fromlonlat", &[Argument::double("longitude"), Argument::double("latitude")])
                        .after("FROMLONLAT"),
                ],
            ),
            Argument::one_of(
                "by",
                &[
                    Argument::block(
                        "circle",
                        &[
                            Argument::double("radius").after("BYRADIUS"),
                            Argument::one_of(
                                "unit",
                                &[
                                    Argument::word("m", "M"),
                                    Argument::word("km", "KM"),
                                    Argument::word("ft", "FT"),
                                    Argument::word("mi", "MI"),
                                ],
                            ),
                        ],
                    ),
                    Argument::block(
                        "box",
                        &[
                            Argument::double("width").after("BYBOX"),
                            Argument::double("height"),
                            Argument::one_of(
                                "unit",
                                &[
                                    Argument::word("m", "M"),
                                    Argument::word("km", "KM"),
                                    Argument::word("ft", "FT"),
                                    Argument::word("mi", "MI"),
                                ],
                            ),
                        ],
                    ),
                ],
            ),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").optional()],
            )
            .optional(),
            Argument::word("withcoord", "WITHCOORD").optional(),
            Argument::word("withdist", "WITHDIST").optional(),
            Argument::word("withhash", "WITHHASH").optional(),
        ],
        handler: geo::geosearch,
        ..Command::BLANK
    },
    Command {
        name: "geosearchstore",
        arity: -8,
        flags: Flags::of(&[Flags::WRITE, Flags::DENYOOM]),
        categories: Categories::of(&[Categories::GEO]),
        keys: &[KeySpec::one(1, &[KeyFlags::OW, KeyFlags::UPDATE]), KeySpec::one(2, &[KeyFlags::RO, KeyFlags::ACCESS])],
        since: "6.2.0",
        group: Group::Geo,
        complexity: "O(N+log(M)) where N is the number of members near the area and M that of all",
        summary: "Stores the members of a geographic index within a circle or a rectangle.",
        history: &[("7.0.0", "Upper case units.")],
        arguments: &[
            Argument::key("destination", 0),
            Argument::key("source", 1),
            Argument::one_of(
                "from",
                &[
                    Argument::string("member").after("FROMMEMBER"),
                    Argument::block("fromlonlat", &[Argument::double("longitude"), Argument::double("latitude")])
                        .after("FROMLONLAT"),
                ],
            ),
            Argument::one_of(
                "by",
                &[
                    Argument::block(
                        "circle",
                        &[
                            Argument::double("radius").after("BYRADIUS"),
                            Argument::one_of(
                                "unit",
                                &[
                                    Argument::word("m", "M"),
                                    Argument::word("km", "KM"),
                                    Argument::word("ft", "FT"),
                                    Argument::word("mi", "MI"),
                                ],
                            ),
                        ],
                    ),
                    Argument::block(
                        "box",
                        &[
                            Argument::double("width").after("BYBOX"),
                            Argument::double("height"),
                            Argument::one_of(
                                "unit",
                                &[
                                    Argument::word("m", "M"),
                                    Argument::word("km", "KM"),
                                    Argument::word("ft", "FT"),
                                    Argument::word("mi", "MI"),
                                ],
                            ),
                        ],
                    ),
                ],
            ),
            Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")]).optional(),
            Argument::block(
                "count-block",
                &[Argument::integer("count").after("COUNT"), Argument::word("any", "ANY").optional()],
            )
            .optional(),
            Argument::word("storedist", "STOREDIST").optional(),
        ],
        handler: geo::geosearchstore,
        ..Command::BLANK
    },
];
