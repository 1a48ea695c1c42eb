//! Replies of any length end where the client is to be closed for what it is owed: no command fills the memory for somebody
//! who will never read it. And it is the whole reply that whoever has no limit gets.

mod fixture;

use fixture::{Bench, command};
use refrain_core::{Closing, Config, SessionId};

/// The limit, and how far beyond it a reply may go: a piece of a stream's entries, and an element.
const LIMIT: usize = 60_000;
const SLACK: usize = 400_000;

/// Sends commands and reads nothing of interest.
fn send(bench: &mut Bench, client: SessionId, words: &[&[u8]]) {
    let reply = bench.send(client, command(words));
    assert!(!reply.starts_with(b"-"), "{}", reply.escape_ascii());
}

fn entry_id(i: usize) -> String {
    format!("17000000{i:05}-1")
}

/// One collection of each type, whose every complete reply is a few megabytes.
fn fill(bench: &mut Bench, client: SessionId) {
    let long = [b'x'; 400];
    let names: Vec<Vec<u8>> = (0..4000).map(|i| [format!("{i:05}-").as_bytes(), &long].concat()).collect();
    let of = |head: &[&'static [u8]], each: &dyn Fn(usize, &mut Vec<Vec<u8>>)| {
        let mut words: Vec<Vec<u8>> = head.iter().map(|word| word.to_vec()).collect();
        (0..names.len()).for_each(|i| each(i, &mut words));
        words
    };
    let all = [
        of(&[b"RPUSH", b"list"], &|i, words| words.push(names[i].clone())),
        of(&[b"SADD", b"set"], &|i, words| words.push(names[i].clone())),
        of(&[b"HSET", b"hash"], &|i, words| words.extend([names[i].clone(), long.to_vec()])),
        of(&[b"ZADD", b"zset"], &|i, words| words.extend([i.to_string().into_bytes(), names[i].clone()])),
        of(&[b"GEOADD", b"geo"], &|i, words| words.extend([b"13.4".to_vec(), b"52.5".to_vec(), names[i].clone()])),
        of(&[b"MSET"], &|i, words| words.extend([names[i].clone(), b"v".to_vec()])),
    ];
    for words in &all {
        send(bench, client, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    for _ in 0..30 {
        let words: Vec<&[u8]> = [&b"RPUSH"[..], b"same"].into_iter().chain([&b"a"[..]; 5000]).collect();
        send(bench, client, &words);
    }
    send(bench, client, &[b"XGROUP", b"CREATE", b"stream", b"group", b"0", b"MKSTREAM"]);
    for (i, name) in names.iter().enumerate() {
        send(bench, client, &[b"XADD", b"stream", entry_id(i).as_bytes(), b"field", name]);
    }
    send(bench, client, &[b"XREADGROUP", b"GROUP", b"group", b"one", b"STREAMS", b"stream", b">"]);
    send(bench, client, &[b"HSET", b"wide", b"field", &[b'y'; 50_000]]);
}

/// What can be answered with more than there is room for.
fn commands() -> Vec<String> {
    let many = |word: &str| vec![word; 100].join(" ");
    let entries: String = (0..4000).map(|i| entry_id(i) + " ").collect();
    [
        "LRANGE list 0 -1",
        "LPOP list 3000",
        "RPOP list 3000",
        "LMPOP 1 list LEFT COUNT 3000",
        "LMOVEM list other LEFT LEFT COUNT 3000 BULK",
        "LPOS same a COUNT 0",
        "SORT list ALPHA",
        "SMEMBERS set",
        "SUNION set",
        "SDIFF set",
        "SINTER set",
        "SRANDMEMBER set 3000",
        "SRANDMEMBER set -3000",
        "SRANDMEMBER set -9000000000000000000",
        "SPOP set 1500",
        "SSCAN set 0 COUNT 4000",
        "HGETALL hash",
        "HKEYS hash",
        "HVALS hash",
        "HRANDFIELD hash 3000",
        "HRANDFIELD hash 4000 WITHVALUES",
        "HRANDFIELD hash -3000",
        "HRANDFIELD hash -4000000000000000000 WITHVALUES",
        "HSCAN hash 0 COUNT 4000",
        &format!("HMGET wide {}", many("field")),
        &format!("HGETEX wide FIELDS 100 {}", many("field")),
        "ZRANGE zset 0 -1",
        "ZRANGE zset 0 -1 REV WITHSCORES",
        "ZRANGEBYSCORE zset -inf +inf",
        "ZUNION 1 zset",
        "ZINTER 1 zset WITHSCORES",
        "ZDIFF 1 zset",
        "ZRANDMEMBER zset 3000",
        "ZRANDMEMBER zset -3000",
        "ZRANDMEMBER zset -9000000000000000000",
        "ZPOPMIN zset 3000",
        "ZMPOP 1 zset MAX COUNT 3000",
        "ZSCAN zset 0 COUNT 4000",
        "GEOSEARCH geo FROMLONLAT 13.4 52.5 BYRADIUS 10 km ASC WITHDIST",
        "GEORADIUS geo 13.4 52.5 10 km",
        "XRANGE stream - +",
        "XREVRANGE stream + -",
        "XREAD STREAMS stream 0",
        "XREADGROUP GROUP group one STREAMS stream 0",
        "XPENDING stream group - + 4000",
        "XINFO STREAM stream FULL COUNT 0",
        &format!("XCLAIM stream group two 0 {entries}"),
        &format!("XCLAIM stream group two 0 {entries} JUSTID"),
        "XAUTOCLAIM stream group two 0 0 COUNT 4000",
        "XAUTOCLAIM stream group two 0 0 COUNT 4000 JUSTID",
        "KEYS *",
        "SCAN 0 COUNT 5000",
        &format!("MGET {}", many("text")),
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn every_long_reply_ends_at_the_limit() {
    let mut bench = Bench::new(Config::default(), None);
    let operator = bench.connect();
    fill(&mut bench, operator);
    send(&mut bench, operator, &[b"SET", b"text", &[b'z'; 40_000]]);
    for key in ["list", "set", "zset", "stream"] {
        bench.ask(operator, &format!("RENAME {key} full:{key}"));
    }
    bench.engine.effects().stream.enable(false);
    bench.ask(operator, &format!("CONFIG SET client-output-buffer-limit \"normal {LIMIT} 0 0\""));
    for line in commands() {
        for protocol in [2, 3] {
            // What a command takes is there for the next.
            for key in ["list", "set", "zset", "stream"] {
                bench.ask(operator, &format!("COPY full:{key} {key} REPLACE"));
            }
            let client = bench.connect();
            bench.ask(client, &format!("HELLO {protocol}"));
            let words: Vec<&[u8]> = line.split_ascii_whitespace().map(str::as_bytes).collect();
            let reply = bench.send(client, command(&words));
            let shown = &line[..line.len().min(60)];
            assert!((LIMIT..LIMIT + SLACK).contains(&reply.len()), "{shown}: {} bytes", reply.len());
            assert_eq!(bench.engine.closing(client), Closing::Now, "{shown}");
            bench.engine.disconnect(client);
        }
    }
}

/// Negative counts that would make a reply of any length, where nothing bounds it.
#[test]
fn draws_have_a_bound_of_their_own() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    bench.ask(client, "SADD s a\r\nHSET h a 1\r\nZADD z 1 a");
    for (name, key, with) in
        [("SRANDMEMBER", "s", ""), ("HRANDFIELD", "h", "WITHVALUES"), ("ZRANDMEMBER", "z", "WITHSCORES")]
    {
        for count in ["-16777217", "-4611686018427387903"] {
            let reply = bench.ask(client, &format!("{name} {key} {count}"));
            assert_eq!(reply, "-ERR value is out of range\r\n", "{name} {count}");
            // Of nothing there is nothing to draw.
            assert_eq!(bench.ask(client, &format!("{name} missing {count}")), "*0\r\n");
            if !with.is_empty() {
                let reply = bench.ask(client, &format!("{name} {key} {count} {with}"));
                assert_eq!(reply, "-ERR value is out of range\r\n", "{name} {count}");
            }
        }
        let reply = bench.ask(client, &format!("{name} {key} -16777216"));
        assert_eq!(reply.len(), "*16777216\r\n".len() + 7 * 16_777_216);
    }
}
