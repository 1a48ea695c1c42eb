//! Inline requests: lines against the naive splitter, and a table of answers that Redis 7.0.15 gave.

use proptest::prelude::*;

use super::{Seen, feed_bytewise, model};
use crate::{Limits, Parsed, ProtocolError, RequestParser};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn lines_split_as_the_model_says(line in "[ab \"'\\\\xn4f\t\r\x0b]{0,24}") {
        let stream = format!("{line}\n").into_bytes();
        let words = model::split(line.strip_suffix('\r').unwrap_or(&line).as_bytes());
        let seen = feed_bytewise(&stream, &Limits::default());
        match words {
            None => prop_assert_eq!(seen.error, Some(ProtocolError::UnbalancedQuotes)),
            Some(words) => {
                let commands = if words.is_empty() { vec![] } else { vec![words] };
                prop_assert_eq!(seen, Seen { commands, error: None, stopped_at: stream.len() });
            }
        }
    }
}

/// `ECHO <words>` has these arguments after the first; `None`: the quotes are unbalanced.
#[track_caller]
fn check(words: &[u8], expected: Option<&[&[u8]]>) {
    let line = [b"ECHO ", words, b"\n"].concat();
    let seen = feed_bytewise(&line, &Limits::default());
    match expected {
        None => assert_eq!(seen.error, Some(ProtocolError::UnbalancedQuotes)),
        Some(words) => assert_eq!(seen.commands[0][1..], *words),
    }
}

#[test]
fn words_as_redis_splits_them() {
    check(br#""a b""#, Some(&[b"a b"]));
    check(br#""a\x41\n\r\t\b\a\q\\ \"""#, Some(&[b"aA\n\r\t\x08\x07q\\ \""]));
    check(br#"'a\'b\n"'"#, Some(&[br#"a'b\n""#]));
    check(br#"a"b c""#, Some(&[b"ab c"]));
    check(br#""""#, Some(&[b""]));
    check(b"''", Some(&[b""]));
    check(br#""\x4g""#, Some(&[b"x4g"]));
    check(br#""\xzz\x""#, Some(&[b"xzzx"]));
    check(br"a\x41b", Some(&[br"a\x41b"]));
    check(b"a\x0bb", Some(&[b"a\x0bb"]));
    check(b"a\x0b", Some(&[b"a\x0b"]));
    check(b"\"a\"\x0b", Some(&[b"a"]));
    check(b"\x0b\x0ca", Some(&[b"a"]));
    check(br#""'""#, Some(&[b"'"]));
    check(br#"'"'"#, Some(&[b"\""]));
    check(b"\xff\xfe", Some(&[b"\xff\xfe"]));
    check(b"\"a\r\"", Some(&[b"a\r"]));
    check(b"a\rb  ", Some(&[b"a", b"b"]));
    check(br#""a" 'b'  c "#, Some(&[b"a", b"b", b"c"]));
    for unbalanced in [&b"\"abc"[..], b"'abc", b"\"a\"b", b"'a'b", b"a\"b\"c", b"\"a\\", b"'a''b'", b"\"a'", b"\"a\\\r"]
    {
        check(unbalanced, None);
    }
}

#[test]
fn unquoted_words_are_not_copied() {
    let mut args = Vec::new();
    let parsed = RequestParser::new().parse(b"  SET k  v \r\nrest", &mut args, &Limits::default());
    assert_eq!(parsed, Ok(Parsed::Command { consumed: 13, argc: 3 }));
    assert_eq!(args[1].start, 6);
}
