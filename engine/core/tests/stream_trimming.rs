//! Trimming that minds groups (`DELREF`, `ACKED`): which entries go, as recorded from Redis 8.6, and that whoever repeats what is
//! propagated loses the same ones, however its entries are packed.

mod fixture;

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::{Config, SessionId};

fn bench(node_max_entries: i64) -> (Bench, SessionId) {
    let mut config = Config::default();
    config.encodings.stream_node_max_entries = node_max_entries;
    let mut bench = Bench::new(config, None);
    let client = bench.connect();
    (bench, client)
}

/// A stream of so many entries, of which a group has read some and acknowledged those.
fn fill(bench: &mut Bench, client: SessionId, entries: u64, read: u64, acknowledged: &[u64]) {
    for i in 1..=entries {
        bench.ask(client, &format!("XADD s {i}-1 f v"));
    }
    bench.ask(client, "XGROUP CREATE s g 0");
    if read > 0 {
        bench.ask(client, &format!("XREADGROUP GROUP g c COUNT {read} STREAMS s >"));
    }
    for i in acknowledged {
        bench.ask(client, &format!("XACK s g {i}-1"));
    }
}

/// The milliseconds of the entries that are there.
fn entries(bench: &mut Bench, client: SessionId) -> Vec<u64> {
    let reply = bench.ask(client, "XRANGE s - +");
    reply.split("\r\n").filter_map(|line| line.strip_suffix("-1")?.parse().ok()).collect()
}

fn pending(bench: &mut Bench, client: SessionId) -> String {
    bench.ask(client, "XPENDING s g - + 1000")
}

/// Ten entries a block, 95 in all, of which 40 are read and 25 of those acknowledged.
#[test]
fn where_references_matter_no_block_stays_whole_and_limits_go_by_blocks() {
    let first_25: Vec<u64> = (1..=25).collect();
    for (trim, gone) in [
        ("MAXLEN ~ 52", 40),
        ("MINID ~ 44", 40),
        ("MAXLEN ~ 52 LIMIT 15", 10),
        ("MAXLEN ~ 52 DELREF", 43),
        ("MAXLEN ~ 50 DELREF", 45),
        ("MINID ~ 44 DELREF", 43),
        ("MAXLEN ~ 52 LIMIT 15 DELREF", 10),
        ("MAXLEN ~ 52 LIMIT 30 DELREF", 30),
        ("MAXLEN ~ 0 LIMIT 7 DELREF", 0),
        ("MAXLEN ~ 52 ACKED", 25),
        ("MINID ~ 44 ACKED", 25),
        ("MAXLEN ~ 52 LIMIT 15 ACKED", 10),
        ("MAXLEN ~ 52 LIMIT 30 ACKED", 25),
        ("MAXLEN ~ 0 LIMIT 7 ACKED", 0),
        ("MINID ~ 44 LIMIT 15 ACKED", 10),
        ("MAXLEN = 52 ACKED", 25),
        ("MINID = 44 ACKED", 25),
    ] {
        let (mut bench, client) = bench(10);
        fill(&mut bench, client, 95, 40, &first_25);
        assert_eq!(bench.ask(client, &format!("XTRIM s {trim}")), format!(":{gone}\r\n"), "{trim}");
        assert_eq!(entries(&mut bench, client), (gone + 1..=95).collect::<Vec<_>>(), "{trim}");
    }
}

/// 30 entries, of which 28 are read.
#[test]
fn a_block_that_would_have_to_be_divided_is_the_last_that_is_looked_at() {
    for (node, acknowledged, most, gone) in [
        (1, &[3, 8, 11, 15, 16, 18][..], 26, 4),
        (3, &[3, 8, 11, 15, 16, 18], 26, 3),
        (3, &[3, 8, 11, 15, 16, 18], 24, 6),
        (10, &[11, 12], 26, 0),
        (10, &[11, 12], 24, 0),
        (10, &[11, 12], 20, 2),
        (10, &[3, 11, 15], 24, 1),
        (10, &[3, 11, 15], 20, 3),
        (100, &[3, 11, 15], 26, 3),
        (100, &[3, 8, 11, 15, 16, 18], 26, 4),
    ] {
        for how in ["=", "~"] {
            let (mut bench, client) = bench(node);
            fill(&mut bench, client, 30, 28, acknowledged);
            let reply = bench.ask(client, &format!("XTRIM s MAXLEN {how} {most} ACKED"));
            assert_eq!(reply, format!(":{gone}\r\n"), "{node} {acknowledged:?} {how} {most}");
        }
    }
}

proptest! {
    #[test]
    fn whoever_repeats_it_loses_the_same_entries(
        node in prop::sample::select(vec![1i64, 3, 10]),
        copys_node in prop::sample::select(vec![1i64, 2, 7, 100]),
        count in 1u64..40,
        read in 0u64..40,
        acknowledged in prop::collection::vec(1u64..40, 0..30),
        trims in prop::collection::vec(
            (any::<bool>(), any::<bool>(), 0u64..42, prop::option::of(0u64..40), 0usize..3, any::<bool>()),
            1..5,
        ),
    ) {
        let (mut bench, client) = bench(node);
        fill(&mut bench, client, count, read, &acknowledged);
        for (i, (by_length, exact, to, limit, references, adds)) in trims.into_iter().enumerate() {
            let mut trim = if by_length { "MAXLEN ".to_owned() } else { "MINID ".to_owned() };
            trim += &format!("{} {to}", if exact { '=' } else { '~' });
            trim += &limit.filter(|_| !exact).map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
            trim += ["", " DELREF", " ACKED"][references];
            let line = if adds { format!("XADD s {trim} {}-1 f v", 50 + i) } else { format!("XTRIM s {trim}") };
            let reply = bench.ask(client, &line);
            prop_assert!(!reply.starts_with('-'), "{}: {}", line, reply);
        }
        let propagated = bench.engine.effects().stream.bytes().to_vec();
        let (mut copy, link) = self::bench(copys_node);
        for part in propagated.chunks(8 * 1024) {
            copy.send(link, part);
        }
        let replies = String::from_utf8_lossy(&copy.received[&link]).into_owned();
        prop_assert!(!replies.contains("-ERR"), "not executable: {replies}");
        let client_of_copy = copy.connect();
        prop_assert_eq!(entries(&mut copy, client_of_copy), entries(&mut bench, client));
        prop_assert_eq!(pending(&mut copy, client_of_copy), pending(&mut bench, client));
    }
}
