//! The law of phases: any streams of any clients, cut anywhere, give byte-equal replies whether executed one command a round
//! or grouped. And what they leave in the propagation stream, executed on an empty engine, gives an equal data set.

mod fixture;

use fixture::{Bench, command, fileless};
use proptest::prelude::*;
use refrain_core::SessionId;
use refrain_persist::aof::{AofItem, AofReader};

const CLIENTS: usize = 3;

/// A payload of DUMP, quoted for an inline request.
const FOO: &str = "\\x00\\x03foo\\x0b\\x00\\x1a\\x96\\x84\\xa8\\xb0^S\\x1e";

/// One request of one client, as bytes.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let value =
        prop::sample::select(vec!["", "1", "41", "-7", "x", "9223372036854775807", "a longer value than most of them"]);
    let ttl = prop::sample::select(vec!["0", "1", "3", "8", "-1", "zz"]);
    let text = (key.clone(), key, value, ttl, 0usize..158).prop_map(|(k, l, v, t, which)| match which {
        0 => format!("SET {k} \"{v}\""),
        1 => format!("SET {k} \"{v}\" PX {t}"),
        2 => format!("SET {k} \"{v}\" NX GET"),
        3 => format!("SET {k} \"{v}\" XX KEEPTTL"),
        4 => format!("SET {k} \"{v}\" IFEQ 1"),
        5..=9 => format!("GET {k}"),
        10 => format!("MGET {k} {l} {k}"),
        11 => format!("MSET {k} \"{v}\" {l} 2"),
        12 => format!("INCR {k}"),
        13 => format!("DECRBY {k} 3"),
        14 => format!("APPEND {k} \"{v}\""),
        15 => format!("GETDEL {k}"),
        16 => format!("GETEX {k} PX {t}"),
        17 => format!("DEL {k} {l}"),
        18 => format!("PEXPIRE {k} {t}"),
        19 => format!("PEXPIRE {k} {t} GT"),
        20 => format!("PTTL {k}"),
        21 => format!("PERSIST {k}"),
        22 => format!("EXISTS {k} {l}"),
        23 => "DBSIZE".into(),
        24..=26 => "MULTI".into(),
        27..=30 => "EXEC".into(),
        31 => "DISCARD".into(),
        32 => format!("WATCH {k} {l}"),
        33 => "UNWATCH".into(),
        34 => "SELECT 1".into(),
        35 => "SELECT 0".into(),
        36 => "FLUSHDB".into(),
        37 => "SWAPDB 0 1".into(),
        38 => "HELLO 3".into(),
        39 => "CLIENT REPLY SKIP".into(),
        40 => "RESET".into(),
        41 => format!("NOSUCH {k}"),
        42 => "GET".into(),
        43 => "KEYS *".into(),
        44 => "TYPE a".into(),
        45 => "CONFIG GET timeout".into(),
        46 => "CONFIG SET timeout 0".into(),
        47 => format!("CLIENT SETNAME {k}"),
        48 => "CLIENT GETNAME".into(),
        49 => "CLIENT ID".into(),
        50 => format!("COMMAND GETKEYS GET {k}"),
        51 => format!("CLIENT PAUSE {t} WRITE"),
        52 => "CLIENT PAUSE 2".into(),
        53 | 54 => "CLIENT UNPAUSE".into(),
        55 => "SCAN 0 COUNT 100".into(),
        56 => format!("SETNX {k} \"{v}\""),
        57 => format!("PSETEX {k} {t} \"{v}\""),
        58 => format!("GETSET {k} \"{v}\""),
        59 => format!("MSETNX {k} \"{v}\" {l} 2"),
        60 => format!("MSETEX 2 {k} \"{v}\" {l} 2 PX {t}"),
        61 => format!("MSETEX 1 {k} \"{v}\" XX KEEPTTL"),
        62 => format!("GETRANGE {k} 1 -2"),
        63 => format!("SETRANGE {k} 3 \"{v}\""),
        64 => format!("INCRBYFLOAT {k} 0.1"),
        65 => format!("INCREX {k} UBOUND 42 SATURATE PX {t} ENX"),
        66 => format!("INCREX {k} BYFLOAT -0.3 PERSIST"),
        67 => format!("INCREX {k} PXAT 1700000000002"),
        68 => format!("DELEX {k} IFEQ 1"),
        69 => format!("DELEX {k} IFDNE 0123456789abcdef"),
        70 => format!("DIGEST {k}"),
        71 => format!("LCS {k} {l} IDX"),
        72 | 73 => format!("RENAME {k} {l}"),
        74 => format!("RENAMENX {k} {l}"),
        75 => format!("COPY {k} {l} REPLACE"),
        76 => format!("COPY {k} {l} DB 1"),
        77 | 78 => format!("MOVE {k} 1"),
        79 => format!("DUMP {k}"),
        // Only inline requests have escapes; in the other form it is refused.
        80 | 81 => format!("RESTORE {k} 3 \"{FOO}\" REPLACE"),
        82 => format!("RESTORE {k} 1700000000004 \"{FOO}\" REPLACE ABSTTL IDLETIME 5"),
        83 => format!("OBJECT ENCODING {k}"),
        84 => format!("OBJECT IDLETIME {k}"),
        85 => "WAIT 0 2".into(),
        86 => "CONFIG SET notify-keyspace-events KEAnm".into(),
        87 => "PSUBSCRIBE __keyevent@*".into(),
        88 => format!("SUBSCRIBE {k} {l}"),
        89 => format!("PSUBSCRIBE {k}* __key*"),
        90 => format!("SSUBSCRIBE {k}"),
        91 | 92 => "UNSUBSCRIBE".into(),
        93 => "PUNSUBSCRIBE".into(),
        94 => "SUNSUBSCRIBE".into(),
        95..=97 => format!("PUBLISH {k} \"{v}\""),
        98 => format!("SPUBLISH {k} \"{v}\""),
        99 => "PUBSUB CHANNELS".into(),
        100 => format!("PUBSUB NUMSUB {k}"),
        101 | 102 => "CLIENT TRACKING ON".into(),
        103 => "CLIENT TRACKING OFF".into(),
        104 => "CLIENT TRACKING ON NOLOOP".into(),
        105 => "CLIENT TRACKING ON BCAST".into(),
        106 => format!("CLIENT TRACKING ON BCAST PREFIX {k} NOLOOP"),
        107 => "CLIENT TRACKING ON OPTIN".into(),
        108 => "CLIENT CACHING YES".into(),
        109 => "CLIENT TRACKING ON REDIRECT 1".into(),
        110 => "CLIENT TRACKING ON REDIRECT 2".into(),
        111 => "SUBSCRIBE __redis__:invalidate".into(),
        112 => "CLIENT TRACKINGINFO".into(),
        113 => "CONFIG SET notify-keyspace-events KEAmn".into(),
        114 => "CONFIG SET notify-keyspace-events Kx".into(),
        115 => "CONFIG SET tracking-table-max-keys 2".into(),
        116 => "MONITOR".into(),
        117..=119 => "HELLO 3".into(),
        120 => "FLUSHALL".into(),
        121 => "RESET".into(),
        122 => format!("HSET {k} f1 \"{v}\" f2 2"),
        123 => format!("HSET {k} f1 {t}"),
        124 => format!("HINCRBY {k} f1 2"),
        125 => format!("HINCRBYFLOAT {k} f1 0.1"),
        126 => format!("HPEXPIRE {k} {t} FIELDS 1 f1"),
        127 => format!("HPEXPIRE {k} {t} FIELDS 2 f1 f2"),
        128 => format!("HPERSIST {k} FIELDS 1 f1"),
        129 => format!("HGETALL {k}"),
        130 => format!("HDEL {k} f1"),
        131 => format!("HSETEX {k} PX {t} FIELDS 1 f2 \"{v}\""),
        132 => format!("HSETEX {k} KEEPTTL FIELDS 1 f1 \"{v}\""),
        133 => format!("HGETEX {k} PX {t} FIELDS 2 f1 f3"),
        134 => format!("HGETDEL {k} FIELDS 1 f2"),
        135 => format!("HSETNX {k} f1 \"{v}\""),
        136 => format!("HLEN {k}"),
        137 => format!("HPTTL {k} FIELDS 1 f1"),
        138 => format!("LPUSH {k} \"{v}\" 2"),
        139 => format!("RPUSH {k} \"{v}\" 1 2 3"),
        140 => format!("RPUSHX {k} 4"),
        141 => format!("LPOP {k}"),
        142 => format!("RPOP {k} 2"),
        143 => format!("LRANGE {k} 0 -1"),
        144 => format!("LMOVE {k} {l} LEFT RIGHT"),
        145 => format!("LMOVEM {k} {l} RIGHT RIGHT COUNT 2 OBO"),
        146 => format!("LINDEX {k} -1"),
        147 => format!("LLEN {k}"),
        148 => format!("RPOPLPUSH {k} {l}"),
        149 => format!("LPOS {k} 2 COUNT 0"),
        150 => format!("LMOVEM {k} {l} LEFT RIGHT EXACTLY 3 BULK"),
        151 => format!("LINSERT {k} BEFORE 2 5"),
        152 => format!("LREM {k} 1 2"),
        153 => format!("LTRIM {k} 1 -1"),
        154 => format!("LSET {k} 0 \"{v}\""),
        155 => format!("RPUSH {k} 7"),
        156 => format!("LMPOP 2 {k} {l} RIGHT"),
        _ => "PUBLISH a b".into(),
    });
    (text, any::<bool>()).prop_map(|(text, inline)| {
        if inline {
            return format!("{text}\r\n").into_bytes();
        }
        let words: Vec<String> = text.split(' ').map(|w| w.trim_matches('"').to_owned()).collect();
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        command(&words)
    })
}

/// Requests of all clients, where their streams are cut, and how much time passes between rounds.
#[derive(Debug, Clone)]
struct Story {
    streams: Vec<Vec<u8>>,
    /// Each round: how many bytes each client sends, and the milliseconds that pass before.
    rounds: Vec<(Vec<usize>, u64)>,
}

fn story() -> impl Strategy<Value = Story> {
    let stream = prop::collection::vec(request(), 1..40).prop_map(|requests| requests.concat());
    let streams = prop::collection::vec(stream, CLIENTS);
    let round = (prop::collection::vec(0usize..600, CLIENTS), 0u64..4);
    (streams, prop::collection::vec(round, 1..12)).prop_map(|(streams, rounds)| Story { streams, rounds })
}

/// Plays a story; `one_by_one` feeds every byte in a round of its own, so that every command executes alone.
fn play(story: &Story, one_by_one: bool) -> (Bench, Vec<SessionId>) {
    let mut bench = Bench::new(fileless(), None);
    let clients: Vec<SessionId> = story.streams.iter().map(|_| bench.connect()).collect();
    let mut sent = [0; CLIENTS];
    let everything: Vec<usize> = story.streams.iter().map(Vec::len).collect();
    // The last ones wait out every pause that is asked for on the way.
    let last = (everything, 20);
    for (cuts, pause) in story.rounds.iter().chain(std::iter::repeat_n(&last, 40)) {
        bench.advance_ms(*pause);
        // Those whom a pause held back until now go first, whatever comes now.
        bench.round(&[]);
        let mut inputs: Vec<(SessionId, &[u8])> = Vec::new();
        for (i, stream) in story.streams.iter().enumerate() {
            // One whom a pause holds back awaits his answer. What he would send meanwhile is executed when he goes on, whoever
            // ended the pause and when in the round: that is for him alone to see, but not for him alone to feel.
            let waits = bench.engine.state().sessions.get(clients[i]).is_some_and(|s| s.is_held_back());
            let end = if waits { sent[i] } else { stream.len().min(sent[i] + cuts[i]) };
            if end > sent[i] {
                inputs.push((clients[i], &stream[sent[i]..end]));
            }
            sent[i] = end;
        }
        if one_by_one {
            for (client, bytes) in inputs {
                for byte in bytes {
                    bench.round(&[(client, &[*byte])]);
                }
            }
        } else {
            bench.round(&inputs);
        }
    }
    (bench, clients)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn grouping_is_invisible(story in story()) {
        let (alone, clients) = play(&story, true);
        let (grouped, _) = play(&story, false);
        for client in clients {
            let (a, b) = (&alone.received[&client], &grouped.received[&client]);
            prop_assert_eq!(String::from_utf8_lossy(a), String::from_utf8_lossy(b));
        }
        prop_assert_eq!(alone.data(), grouped.data());
    }

    #[test]
    fn the_propagation_stream_reproduces_the_data_set(story in story(), cut in any::<prop::sample::Index>()) {
        let (mut original, _) = play(&story, false);
        let stream = original.engine.effects().stream.bytes().to_vec();
        prop_assert_eq!(original.engine.effects().stream.position(), 1 + stream.len() as u64);
        let mut copy = Bench::new(fileless(), None);
        let link = copy.connect();
        // What has expired is deleted by the stream, never by the copy's own clock: it stands still at the start.
        for part in stream.chunks(8 * 1024) {
            copy.round(&[(link, part)]);
        }
        let replies = String::from_utf8_lossy(&copy.received[&link]).into_owned();
        prop_assert!(!replies.contains("-ERR"), "the stream holds something that does not execute: {replies}");
        let now = original.engine.state().now.unix_ms();
        let live = |bench: &Bench| {
            let mut data = bench.data();
            data.retain(|_, (_, deadline)| deadline.is_none_or(|at| at > now));
            data
        };
        prop_assert_eq!(live(&original), live(&copy));

        // As an append-only file it does the same, whenever that is read.
        for years in [0, 20] {
            let mut loaded = Bench::new(fileless(), None);
            loaded.advance_ms(years * 365 * 86_400_000);
            load(&mut loaded, &stream)?;
            prop_assert_eq!(loaded.data(), copy.data());
            prop_assert_eq!(loaded.engine.state().stats.unexpected_errors, 0);
        }
        // A file that ends early holds whole commands and whole transactions.
        let mut reader = AofReader::new(0, 1 << 20);
        reader.feed(&stream[..cut.index(stream.len() + 1)]);
        reader.end_of_input();
        while let Ok(Some(_)) = reader.next() {}
        let mut begun = Bench::new(fileless(), None);
        load(&mut begun, &stream[..cut.index(stream.len() + 1)])?;
        let mut whole = Bench::new(fileless(), None);
        load(&mut whole, &stream[..usize::try_from(reader.valid_up_to()).unwrap()])?;
        prop_assert_eq!(begun.data(), whole.data());
    }
}

/// Loads the beginning of an append-only file into an empty engine.
fn load(bench: &mut Bench, file: &[u8]) -> Result<(), TestCaseError> {
    let mut reader = AofReader::new(0, 1 << 20);
    reader.feed(file);
    reader.end_of_input();
    bench.engine.loading_began(file.len() as u64);
    let error = loop {
        match reader.next() {
            Ok(Some(AofItem::Command(command))) => {
                bench.engine.replay(command).map_err(|error| TestCaseError::fail(error.to_string()))?;
            }
            Ok(Some(AofItem::Annotation(_))) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    prop_assert!(error.is_none_or(|error| error.kind.is_truncation()));
    bench.engine.replay_ends();
    bench.engine.loading_ended();
    Ok(())
}
