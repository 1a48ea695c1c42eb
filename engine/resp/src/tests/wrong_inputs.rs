//! Wrong and odd requests, each with what Redis 7.0.15 answered to it.

use super::{Seen, feed, feed_bytewise};
use crate::Limits;

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// `Waits`: no answer; `Skips`: the PING behind it is answered; otherwise the error.
enum Answer {
    Waits,
    Skips,
    Error(&'static [u8]),
}
use Answer::{Error, Skips, Waits};

fn check_as(input: &[u8], authenticated: bool, expected: Answer) {
    let limits = Limits { authenticated, ..Limits::default() };
    let stream = match expected {
        Skips => [input, PING].concat(),
        _ => input.to_vec(),
    };
    // Large ones in pieces around the limit of 64 KiB, where the answers change.
    let late: Vec<usize> = (65_500..stream.len()).collect();
    let mut ways = vec![feed(&stream, &[], &limits), feed(&stream, &late, &limits)];
    if stream.len() < 1000 {
        ways.push(feed_bytewise(&stream, &limits));
    }
    for Seen { commands, error, .. } in ways {
        let error = error.map(|error| error.message().into_owned());
        let shown = String::from_utf8_lossy(&input[..input.len().min(40)]);
        match &expected {
            Waits => assert!(commands.is_empty() && error.is_none(), "{shown:?}: {commands:?} {error:?}"),
            Skips => assert_eq!((commands, error), (vec![vec![b"PING".to_vec()]], None), "{shown:?}"),
            Error(text) => {
                let text = [b"Protocol error: ", *text].concat();
                assert_eq!((commands, error), (vec![], Some(text)), "{shown:?}");
            }
        }
    }
}

fn check(input: &[u8], expected: Answer) {
    check_as(input, true, expected);
}

#[test]
fn multibulk_counts() {
    for input in ["*01", "*+1", "*", "* 1", "*1 ", "*-0", "*00", "*11x", "*1\n$4", "*2147483648"] {
        check(format!("{input}\r\n").as_bytes(), Error(b"invalid multibulk length"));
    }
    for input in
        ["*9223372036854775807", "*9223372036854775808", "*-9223372036854775809", "*99999999999999999999999999"]
    {
        check(format!("{input}\r\n").as_bytes(), Error(b"invalid multibulk length"));
    }
    for input in
        ["*0\r\n", "*-1\r\n", "*-5\r\n", "*-9223372036854775808\r\n", "\r\n", "\n", "   \r\n", "\t\x0b\x0c \r\n"]
    {
        check(input.as_bytes(), Skips);
    }
    check(b"*2147483647\r\n", Waits);
    check(b"*1\0\r\n*1\r\n$4\r\nPING\r\n", Waits);
}

#[test]
fn bulk_lengths() {
    for input in ["$-1", "$ 3", "$03", "$+3", "$", "$536870913", "$9223372036854775808", "$99999999999", "$-0"] {
        check(format!("*1\r\n{input}\r\n").as_bytes(), Error(b"invalid bulk length"));
    }
    check(b"*1\r\n$536870912\r\n", Waits);
}

#[test]
fn something_else_than_a_bulk() {
    check(b"*1\r\nfoo\r\n", Error(b"expected '$', got 'f'"));
    check(b"*1\r\nfoo", Waits);
    check(b"*1\r\n\r\n", Error(b"expected '$', got ' '"));
    check(b"*1\r\n\n\r\n", Error(b"expected '$', got ' '"));
    check(b"*1\r\n\xff\r\n", Error(b"expected '$', got '\xff'"));
    check(b"*1\r\n\x01\r\n", Error(b"expected '$', got '\x01'"));
    check(b"*1\r\n%s\r\n", Error(b"expected '$', got '%'"));
    check(b"*1\r\n*\r\n", Error(b"expected '$', got '*'"));
    check(b"*1\r\n\0\r\n*1\r\n$4\r\nPING\r\n", Waits);
}

#[test]
fn line_ends_are_not_verified() {
    let seen = feed_bytewise(b"*1\rX$4\rYPINGZW", &Limits::default());
    assert_eq!((seen.commands, seen.error), (vec![vec![b"PING".to_vec()]], None));
    assert_eq!(feed(b"*1\rX$4\rYPINGZW", &[], &Limits::default()).stopped_at, 14);
}

#[test]
fn lines_without_end() {
    let line = |start: &[u8], len: usize| [start, &vec![b'1'; len - start.len()]].concat();
    let behind = |before: &[u8], line: Vec<u8>| [before, &line].concat();
    check(&line(b"*", 65536), Waits);
    check(&line(b"*", 65537), Error(b"too big mbulk count string"));
    check(&line(b"*", 70001), Error(b"too big mbulk count string"));
    check(&line(b"*1\0\r\n", 65537), Error(b"too big mbulk count string"));
    check(&behind(b"*1\r\n", line(b"$", 65536)), Waits);
    check(&behind(b"*1\r\n", line(b"$", 65537)), Error(b"too big bulk count string"));
    check(&behind(b"*1\r\n", line(b"\0", 65536)), Waits);
    check(&behind(b"*1\r\n", line(b"\0", 65537)), Error(b"too big bulk count string"));
    check(&line(b"x", 65536), Waits);
    check(&line(b"x", 65537), Error(b"too big inline request"));
    check(&line(b"PING\0", 65535), Waits);
    check(&line(b"PING\0\n", 65537), Error(b"too big inline request"));
    // Redis takes this one if the line's end comes in the same read as the byte over the limit, and refuses it
    // otherwise. Here it is always refused: the outcome must not depend on the cut.
    check(&behind(&line(b"x", 65536), b"\r\n".to_vec()), Error(b"too big inline request"));
    check(&line(b"*", 65536 + 1), Error(b"too big mbulk count string"));
}

#[test]
fn quotes() {
    check(b"ECHO \"a\r\n", Error(b"unbalanced quotes in request"));
    check(b"PING", Waits);
    check(b"PING\r", Waits);
    check(b"PING \0x\r\n*1\r\n$4\r\nPING\r\n", Waits);
}

#[test]
fn before_authentication() {
    check_as(b"*11\r\n", false, Error(b"unauthenticated multibulk length"));
    check_as(b"*11x\r\n", false, Error(b"invalid multibulk length"));
    check_as(b"*2147483648\r\n", false, Error(b"invalid multibulk length"));
    check_as(b"*10\r\n$16384\r\n", false, Waits);
    check_as(b"*10\r\n$16385\r\n", false, Error(b"unauthenticated bulk length"));
    check_as(b"*1\r\n$99999999999\r\n", false, Error(b"invalid bulk length"));
    check_as(b"*11\r\n", true, Waits);
    check_as(b"*10\r\n$16385\r\n", true, Waits);
}

#[test]
fn beyond_the_reach_of_an_offset() {
    let limits = Limits { max_bulk: u64::MAX, ..Limits::default() };
    let error = |input: &[u8]| feed_bytewise(input, &limits).error.map(|error| error.message().into_owned());
    let too_big = Some(b"Protocol error: too big command".to_vec());
    assert_eq!(error(b"*1\r\n$4294967296\r\n"), too_big);
    assert_eq!(error(b"*1\r\n$9223372036854775807\r\n"), too_big);
    assert_eq!(error(b"*1\r\n$4294967277\r\n"), too_big);
    assert_eq!(error(b"*1\r\n$4294967276\r\n"), None);
}
