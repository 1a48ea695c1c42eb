//! Tests of collections, and of strings as arrays of bits. Those of one large operand take long a request: run them with few
//! connections (`--connections 4`).

use super::{Fill, Range, Reply, Test};

const BOARD: Fill = Fill::of(100_000, "ZADD board {key} member:{again}");
const SIDES: [Fill; 2] = [Fill::of(10_000, "SADD left member:{key}"), Fill::of(10_000, "SADD right member:{key}")];
const RANKS: [Fill; 2] =
    [Fill::of(10_000, "ZADD north {key} member:{again}"), Fill::of(10_000, "ZADD south {key} member:{again}")];

const fn plain(name: &'static str, about: &'static str, requests: &'static [&'static str]) -> Test {
    Test { name, about, fill: &[], requests, range: Range::All, reply: Reply::Any }
}

/// All of them.
pub(super) static TESTS: &[Test] = &[
    plain("lpush", "LPUSH onto one list, which grows", &["LPUSH pushed {value}"]),
    Test {
        fill: &[Fill::of(1_000_000, "RPUSH queue {value}")],
        ..plain(
            "lpush-rpop",
            "LPUSH and RPOP in turn, of one list of a million",
            &["LPUSH queue {value}", "RPOP queue"],
        )
    },
    Test {
        fill: &[Fill::of(1000, "RPUSH page {value}")],
        ..plain("lrange", "LRANGE 0 99 of a list of a thousand", &["LRANGE page 0 99"])
    },
    plain("sadd", "SADD to one set, which grows to --keys members", &["SADD tags tag:{key}"]),
    plain("hset", "HSET of one hash, which grows to --keys fields", &["HSET table field:{key} {value}"]),
    Test {
        fill: &[Fill::of(
            100_000,
            "HSET user:{key} name alice age 32 city zurich mail a@example.org plan basic visits 17 role admin lang de zone cet seen 1719",
        )],
        range: Range::Exactly(100_000),
        ..plain("hset-small", "HSET of a field of one of 100,000 hashes of ten", &["HSET user:{key} visits 18"])
    },
    Test {
        fill: &[Fill::of(
            100_000,
            "HSET user:{key} name alice age 32 city zurich mail a@example.org plan basic visits 17 role admin lang de zone cet seen 1719",
        )],
        range: Range::Exactly(100_000),
        ..plain("hgetall", "HGETALL of one of 100,000 hashes of ten fields", &["HGETALL user:{key}"])
    },
    plain("xadd", "XADD to one stream, which grows", &["XADD log * field {value}"]),
    Test {
        fill: &[BOARD],
        range: Range::Exactly(100_000),
        ..plain("zadd", "ZADD of a member of 100,000 with another score", &["ZADD board {key} member:{key}"])
    },
    Test { fill: &[BOARD], ..plain("zrange", "ZRANGE 0 99 of a sorted set of 100,000", &["ZRANGE board 0 99"]) },
    Test {
        fill: &[BOARD],
        range: Range::Exactly(100_000),
        ..plain(
            "zrangebyscore",
            "ZRANGEBYSCORE of a hundred members, from any score on",
            &["ZRANGEBYSCORE board {key} +inf LIMIT 0 100"],
        )
    },
    Test { fill: &SIDES, ..plain("sinter", "SINTER of two equal sets of 10,000", &["SINTER left right"]) },
    Test {
        fill: &RANKS,
        ..plain("zunionstore", "ZUNIONSTORE of two sorted sets of 10,000", &["ZUNIONSTORE union 2 north south"])
    },
    Test {
        fill: &[Fill::of(100_000, "GEOADD places 1.{noise} 1.{noise} place:{key}")],
        ..plain(
            "geosearch",
            "GEOSEARCH within 10 km among 100,000 places: about 2,500 found",
            &["GEOSEARCH places FROMLONLAT 1.5 1.5 BYRADIUS 10 km ASC"],
        )
    },
    Test {
        fill: &[Fill::of(2000, "APPEND bits {value}")],
        ..plain("bitcount", "BITCOUNT of 128 kB (values of 64 bytes)", &["BITCOUNT bits"])
    },
    Test {
        fill: &[Fill::of(100_000, "PFADD monday user:{key}"), Fill::of(100_000, "PFADD tuesday guest:{key}")],
        ..plain("pfcount", "PFCOUNT of two dense HyperLogLogs", &["PFCOUNT monday tuesday"])
    },
];

/// What memory is measured of beside plain strings: by what is counted, so many of them.
pub const SHAPES: &[(&str, u64, &str)] = &[
    ("sorted set of 1M members, a member", 1_000_000, "ZADD board {noise} member:{key}"),
    ("list of 1M short strings, an element", 1_000_000, "RPUSH queue element:{key}"),
    ("stream of 1M entries of two fields, an entry", 1_000_000, "XADD log * temperature 21.5 humidity {key}"),
    (
        "hash of 10 small fields",
        500_000,
        "HSET user:{key} name alice age 32 city zurich mail a@x.org plan basic visits 17 role admin lang de zone cet seen 1719",
    ),
    ("set of 4 short strings", 1_000_000, "SADD tags:{key} alpha bravo charlie delta"),
];
