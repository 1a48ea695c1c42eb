//! Which version of the RDB format a file or a payload is written in: the lowest that can hold what it has.

use refrain_persist::Version;
use refrain_resp::{Reply, decode};

use crate::bench;
use crate::fixture::command;

#[test]
fn a_payload_is_of_the_lowest_version_that_can_hold_its_value() {
    let (mut bench, client) = bench("");
    for (line, version) in [
        ("SET k v", 10),
        ("RPUSH k a b", 10),
        ("SADD k 1 2", 10),
        ("SADD k a b", 10),
        ("ZADD k 1 a", 10),
        ("HSET k f v", 10),
        ("HSET k f v\r\nHPEXPIRE k 1000 FIELDS 1 f", 12),
        ("XADD k 1-1 f v", 10),
        ("XADD k 1-1 f v\r\nXGROUP CREATE k g 0", 10),
        ("XADD k 1-1 f v\r\nXGROUP CREATE k g 0\r\nXGROUP CREATECONSUMER k g c", 11),
    ] {
        bench.ask(client, "FLUSHALL");
        bench.ask(client, line);
        let reply = bench.send(client, "DUMP k\r\n");
        let Ok(Some((Reply::Bulk(payload), _))) = decode(&reply) else { panic!("{line}: no payload") };
        let footer = payload[payload.len() - 10..].first_chunk().expect("it has a version and a checksum");
        assert_eq!(u16::from_le_bytes(*footer), version, "{line}");
        // It comes back as what it was.
        let restore = command(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]);
        assert_eq!(bench.send(client, restore), b"+OK\r\n", "{line}");
        assert_eq!(bench.send(client, "DUMP k\r\n"), reply, "{line}");
    }
}

#[test]
fn a_file_is_of_the_oldest_version_that_holds_what_there_is() {
    let (mut bench, client) = bench("");
    assert_eq!(bench.engine.snapshot_version(), Version::V10);
    for (newer, version) in [
        ("XGROUP CREATECONSUMER s g c", Version::V11),
        ("HEXPIRE h 100 FIELDS 1 f", Version::V12),
        ("XADD s IDMP p i * f v", Version::V13),
    ] {
        bench.send(client, "XGROUP CREATE s g $ MKSTREAM\r\nHSET h f v\r\n");
        assert_eq!(bench.engine.snapshot_version(), Version::V10, "before {newer}");
        bench.ask(client, newer);
        assert_eq!(bench.engine.snapshot_version(), version, "{newer}");
        assert_eq!(bench.ask(client, "FLUSHALL"), "+OK\r\n");
        assert_eq!(bench.engine.snapshot_version(), Version::V10, "when all is gone");
    }
}
