//! Values so long that they arrive in a buffer of their own, and that replies don't copy: nobody can tell them from others.

mod fixture;

use fixture::Bench;
use refrain_core::{Config, SessionId};

const LEN: usize = (1 << 20) + 4321;

/// A command in the form that libraries send.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn value(salt: usize) -> Vec<u8> {
    (0..LEN).map(|i| (i * 31 + salt * 7 + i / 1000) as u8).collect()
}

/// Sends `bytes` cut into pieces and returns all that was answered.
fn send(bench: &mut Bench, client: SessionId, bytes: &[u8], piece: usize) -> Vec<u8> {
    let before = bench.received[&client].len();
    for piece in bytes.chunks(piece) {
        bench.round(&[(client, piece)]);
    }
    bench.received[&client][before..].to_vec()
}

fn bench() -> (Bench, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    (bench, client)
}

/// Whatever takes a long argument, among short commands before and behind.
fn story() -> Vec<u8> {
    let (a, b) = (value(1), value(2));
    let commands: Vec<Vec<&[u8]>> = vec![
        vec![b"SET", b"short", b"v"],
        vec![b"SET", b"a", &a],
        vec![b"GET", b"short"],
        vec![b"GET", b"a"],
        vec![b"SET", b"a", &b, b"NX"],
        vec![b"SET", b"a", &b, b"EX", b"100"],
        vec![b"SETEX", b"b", b"100", &b],
        vec![b"APPEND", b"b", &a],
        vec![b"STRLEN", b"b"],
        vec![b"GETRANGE", b"b", b"1048570", b"1048590"],
        vec![b"GETRANGE", b"b", b"7", b"-100000"],
        vec![b"SET", b"b", b"short", b"GET"],
        vec![b"SETRANGE", b"far", b"2000000", b"x"],
        vec![b"GETRANGE", b"far", b"1000000", b"-1"],
        vec![b"APPEND", b"new", &b],
        vec![b"GETRANGE", b"new", b"0", b"-2"],
        vec![b"MSET", b"c", &a, b"d", &b],
        vec![b"MGET", b"c", b"none", b"d", b"short"],
        vec![b"SETRANGE", b"c", b"5", &b],
        vec![b"GETSET", b"d", &a],
        vec![b"GET", b"d"],
        vec![b"MULTI"],
        vec![b"SET", b"e", &b],
        vec![b"GET", b"e"],
        vec![b"EXEC"],
        vec![b"ECHO", &a],
        vec![b"NOSUCH", &a],
        vec![b"GET", b"e", &a],
        vec![b"SETNX", b"f", &a],
        vec![b"SETNX", b"f", &b],
        vec![b"COPY", b"f", b"g"],
        vec![b"APPEND", b"f", b"x"],
        vec![b"GETDEL", b"g"],
        vec![b"GETEX", b"f", b"PERSIST"],
        vec![b"GET", &a],
        vec![b"SET", &a, &b],
        vec![b"GET", &a],
        vec![b"CLIENT", b"REPLY", b"SKIP"],
        vec![b"GET", b"f"],
        vec![b"STRLEN", b"f"],
        vec![b"HELLO", b"3"],
        vec![b"GET", b"f"],
        vec![b"DEL", b"a", b"b", b"c", b"d", b"e", b"f"],
        vec![b"DBSIZE"],
    ];
    // What HELLO says holds the client's id, the same in each world here.
    commands.iter().flat_map(|words| command(words)).collect()
}

#[test]
fn replies_are_the_same_however_the_bytes_are_cut() {
    let story = story();
    let whole = {
        let (mut bench, client) = bench();
        send(&mut bench, client, &story, usize::MAX)
    };
    assert!(whole.len() > 8 * LEN);
    for piece in [16 << 10, 100_003, LEN, 3 * LEN + 1] {
        let (mut bench, client) = bench();
        let cut = send(&mut bench, client, &story, piece);
        assert_eq!(cut.len(), whole.len());
        assert!(cut == whole, "pieces of {piece}");
    }
}

#[test]
fn a_value_in_a_reply_is_the_one_that_was_read() {
    let (mut bench, client) = bench();
    let (old, new) = (value(1), value(2));
    send(&mut bench, client, &command(&[b"SET", b"k", &old]), 16 << 10);
    let mut bytes = command(&[b"GET", b"k"]);
    bytes.extend(command(&[b"APPEND", b"k", b"tail"]));
    bytes.extend(command(&[b"GET", b"k"]));
    bytes.extend(command(&[b"SETRANGE", b"k", b"0", b"XXXX"]));
    bytes.extend(command(&[b"SET", b"k", &new]));
    let got = send(&mut bench, client, &bytes, usize::MAX);
    let expected = [
        format!("${LEN}\r\n").as_bytes(),
        &old,
        format!("\r\n:{}\r\n${}\r\n", LEN + 4, LEN + 4).as_bytes(),
        &old,
        format!("tail\r\n:{}\r\n+OK\r\n", LEN + 4).as_bytes(),
    ]
    .concat();
    assert!(got == expected);
}

#[test]
fn a_long_command_that_has_to_wait_is_executed_once_and_in_its_turn() {
    let (mut bench, client) = bench();
    let operator = bench.connect();
    bench.ask(operator, "CLIENT PAUSE 100000 WRITE");
    let mut bytes = command(&[b"APPEND", b"k", &value(1)]);
    bytes.extend(command(&[b"STRLEN", b"k"]));
    assert_eq!(send(&mut bench, client, &bytes, 16 << 10), b"");
    assert_eq!(bench.ask(operator, "EXISTS k"), ":0\r\n");
    let before = bench.received[&client].len();
    bench.ask(operator, "CLIENT UNPAUSE");
    bench.round(&[]);
    assert_eq!(bench.received[&client][before..], *format!(":{LEN}\r\n:{LEN}\r\n").as_bytes());
}

#[test]
fn what_arrives_counts_against_the_limit_of_unexecuted_input() {
    let (mut bench, client) = bench();
    let operator = bench.connect();
    bench.ask(operator, "CONFIG SET client-query-buffer-limit 1mb");
    send(&mut bench, client, format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", 4 << 20).as_bytes(), 100);
    for _ in 0..64 {
        bench.round(&[(client, &[b'v'; 16 << 10])]);
    }
    assert_ne!(bench.engine.closing(client), refrain_core::Closing::Open);
}
