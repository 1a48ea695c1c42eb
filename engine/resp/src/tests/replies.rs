//! What the encoder writes: byte tables for both versions, and round trips through the decoder.

use quickcheck::{Arbitrary, Gen, quickcheck};

use crate::{DecodeError, DecodeLimits, Encoder, Protocol, Reply, decode, decode_with, encode_command};

/// Writes with `write`; expects these bytes in RESP2 and RESP3.
#[track_caller]
fn check(write: impl Fn(&mut Encoder<'_>), resp2: &str, resp3: &str) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let mut out = b"before".to_vec();
        write(&mut Encoder::new(&mut out, protocol));
        assert_eq!(String::from_utf8_lossy(&out).strip_prefix("before"), Some(expected), "{protocol:?}");
    }
}

#[test]
fn every_type() {
    let both = |write: fn(&mut Encoder<'_>), bytes: &str| check(write, bytes, bytes);
    both(|e| e.ok(), "+OK\r\n");
    both(|e| e.simple("a\rb"), "+a b\r\n");
    both(|e| e.error("ERR no\r\n such\r\n\r\n"), "-ERR no   such\r\n");
    both(|e| e.error("\r\n"), "-\r\n");
    both(|e| e.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
    both(|e| e.bulk(b""), "$0\r\n\r\n");
    both(|e| e.bulk_int(-12), "$3\r\n-12\r\n");
    both(|e| e.array(0), "*0\r\n");
    both(|e| e.array(100), "*100\r\n");
    both(|e| e.array(4_000_000_000), "*4000000000\r\n");
    check(|e| e.null(), "$-1\r\n", "_\r\n");
    check(|e| e.null_array(), "*-1\r\n", "_\r\n");
    check(|e| e.map(2), "*4\r\n", "%2\r\n");
    check(|e| e.set(2), "*2\r\n", "~2\r\n");
    check(|e| e.push(3), "*3\r\n", ">3\r\n");
    check(|e| e.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
    check(|e| e.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    check(|e| e.boolean(true), ":1\r\n", "#t\r\n");
    check(|e| e.boolean(false), ":0\r\n", "#f\r\n");
    check(|e| e.big_number("123"), "$3\r\n123\r\n", "(123\r\n");
    check(|e| e.verbatim(b"txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
}

#[test]
fn rendered_headers_meet_the_computed_ones() {
    for n in [0i64, 1, 9, 10, 11, 99, 100, 101, -1, -9, i64::MAX, i64::MIN] {
        let text = format!(":{n}\r\n");
        check(|e| e.integer(n), &text, &text);
    }
    for n in 0..300 {
        let (array, bulk) = (format!("*{n}\r\n"), format!("${n}\r\n"));
        check(|e| e.array(n), &array, &array);
        check(|e| e.bulk_header(n), &bulk, &bulk);
    }
}

#[test]
fn deferred_lengths() {
    for n in [0usize, 1, 5, 9, 10, 12345] {
        let (array, flat) = (format!("*{n}\r\n:7\r\n"), format!("*{}\r\n:7\r\n", 2 * n));
        let defer_array = |e: &mut Encoder<'_>| {
            let begun = e.deferred_array();
            e.integer(7);
            e.finish_array(begun, n);
        };
        check(defer_array, &array, &array);
        let defer_map = |e: &mut Encoder<'_>| {
            let begun = e.deferred_map();
            e.integer(7);
            e.finish_map(begun, n);
        };
        check(defer_map, &flat, &format!("%{n}\r\n:7\r\n"));
        let nested = |e: &mut Encoder<'_>| {
            let outer = e.deferred_set();
            let inner = e.deferred_array();
            e.finish_array(inner, n);
            e.null();
            e.finish_set(outer, 12);
        };
        check(nested, &format!("*12\r\n*{n}\r\n$-1\r\n"), &format!("~12\r\n*{n}\r\n_\r\n"));
    }
}

#[test]
fn commands() {
    let mut out = Vec::new();
    encode_command(&mut out, &["SET", "k", ""]);
    assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

impl Arbitrary for Reply {
    fn arbitrary(g: &mut Gen) -> Reply {
        arbitrary(g, 3)
    }
}

fn arbitrary(g: &mut Gen, depth: usize) -> Reply {
    let line = |g: &mut Gen| -> Vec<u8> {
        String::arbitrary(g).chars().filter(|c| !matches!(c, '\r' | '\n')).collect::<String>().into_bytes()
    };
    fn several<T>(g: &mut Gen, mut one: impl FnMut(&mut Gen) -> T) -> Vec<T> {
        (0..u8::arbitrary(g) % 4).map(|_| one(g)).collect()
    }
    match u8::arbitrary(g) % if depth == 0 { 9 } else { 13 } {
        0 => Reply::Simple(line(g)),
        1 => Reply::Error(line(g)),
        2 => Reply::Integer(i64::arbitrary(g)),
        3 => Reply::Bulk(Vec::arbitrary(g)),
        4 => Reply::Null,
        // A NaN is equal to nothing, itself included.
        5 => Reply::Double(Some(f64::arbitrary(g)).filter(|value| !value.is_nan()).unwrap_or(-0.5)),
        6 => Reply::Boolean(bool::arbitrary(g)),
        7 => Reply::BigNumber(i128::arbitrary(g).to_string().into_bytes()),
        8 => Reply::Verbatim(*b"txt", Vec::arbitrary(g)),
        9 => Reply::Array(several(g, |g| arbitrary(g, depth - 1))),
        10 => Reply::Set(several(g, |g| arbitrary(g, depth - 1))),
        11 => Reply::Push(several(g, |g| arbitrary(g, depth - 1))),
        _ => Reply::Map(several(g, |g| (arbitrary(g, depth - 1), arbitrary(g, depth - 1)))),
    }
}

fn write(reply: &Reply, e: &mut Encoder<'_>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match reply {
        Reply::Simple(line) => e.simple(&text(line)),
        Reply::Error(line) => e.error(line),
        Reply::Integer(value) => e.integer(*value),
        Reply::Bulk(bytes) => e.bulk(bytes),
        Reply::Null => e.null(),
        Reply::Double(value) => e.double(*value),
        Reply::Boolean(value) => e.boolean(*value),
        Reply::BigNumber(digits) => e.big_number(&text(digits)),
        Reply::Verbatim(format, bytes) => e.verbatim(format, bytes),
        Reply::Array(items) => {
            e.array(items.len());
            items.iter().for_each(|item| write(item, e));
        }
        Reply::Set(items) => {
            e.set(items.len());
            items.iter().for_each(|item| write(item, e));
        }
        Reply::Push(items) => {
            e.push(items.len());
            items.iter().for_each(|item| write(item, e));
        }
        Reply::Map(pairs) => {
            e.map(pairs.len());
            pairs.iter().for_each(|(key, value)| {
                write(key, e);
                write(value, e);
            });
        }
    }
}

/// What is left of a reply in RESP2.
fn in_resp2(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            Reply::Array(items.iter().map(in_resp2).collect())
        }
        Reply::Map(pairs) => {
            Reply::Array(pairs.iter().flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]).collect())
        }
        Reply::Double(value) => {
            let mut text = Vec::new();
            crate::push_double(&mut text, *value);
            Reply::Bulk(text)
        }
        Reply::Boolean(value) => Reply::Integer(i64::from(*value)),
        Reply::BigNumber(text) | Reply::Verbatim(_, text) => Reply::Bulk(text.clone()),
        same => same.clone(),
    }
}

quickcheck! {
    fn round_trips(reply: Reply, behind: Vec<u8>) -> bool {
        [(Protocol::Resp2, in_resp2(&reply)), (Protocol::Resp3, reply.clone())].into_iter().all(|(protocol, expected)| {
            let mut out = Vec::new();
            write(&reply, &mut Encoder::new(&mut out, protocol));
            let len = out.len();
            let no_prefix_is_enough = (0..len).all(|end| decode(&out[..end]) == Ok(None));
            out.extend_from_slice(&behind);
            no_prefix_is_enough && decode(&out) == Ok(Some((expected, len)))
        })
    }

    fn decoding_never_panics_and_a_verdict_stays(bytes: Vec<u8>, marker: u8) -> bool {
        let mut stream = vec![b"+-:$!=*~>%|_#,("[usize::from(marker) % 15]];
        stream.extend(bytes.iter().map(|byte| b"0123456789-\r\n$*%|_tfx:"[usize::from(*byte) % 22]));
        let whole = decode(&stream);
        (0..stream.len()).all(|end| {
            let cut = decode(&stream[..end]);
            cut == Ok(None) || cut == whole
        })
    }
}

#[test]
fn wrong_replies() {
    let check = |input: &[u8], expected| assert_eq!(decode(input).unwrap_err(), expected);
    check(b"?", DecodeError::UnknownType(b'?'));
    check(b":+1\r\n", DecodeError::Malformed);
    check(b"$-2\r\n", DecodeError::Malformed);
    check(b"$1\r\nab\r\n", DecodeError::Malformed);
    check(b"+a\rb", DecodeError::Malformed);
    check(b"_x\r\n", DecodeError::Malformed);
    check(b"#x\r\n", DecodeError::Malformed);
    check(b",infinity\r\n", DecodeError::Malformed);
    check(b"(\r\n", DecodeError::Malformed);
    check(b"=3\r\ntxt\r\n", DecodeError::Malformed);
    check(b"~-1\r\n", DecodeError::Malformed);
    check(b"$536870913\r\n", DecodeError::TooBig);
    check(b"*16777217\r\n", DecodeError::TooBig);
    check(&b"*1\r\n".repeat(33), DecodeError::TooBig);
    check(&b"*1\r\n".repeat(100_000), DecodeError::TooBig);
    assert_eq!(decode(&b"*1\r\n".repeat(32)), Ok(None));
}

#[test]
fn limits_and_odd_replies() {
    let tight = DecodeLimits { depth: 1, len: 3, elements: 2 };
    assert_eq!(decode_with(b"+abcd", &tight), Err(DecodeError::TooBig));
    assert_eq!(decode_with(b"+abc", &tight), Ok(None));
    assert_eq!(decode_with(b"+abc\r\n", &tight), Ok(Some((Reply::Simple(b"abc".to_vec()), 6))));
    assert_eq!(decode_with(b"*3\r\n", &tight), Err(DecodeError::TooBig));
    assert_eq!(decode(b"*-1\r\n"), Ok(Some((Reply::Null, 5))));
    assert_eq!(decode(b"!5\r\nERR x\r\n"), Ok(Some((Reply::Error(b"ERR x".to_vec()), 11))));
    assert_eq!(decode(b"|1\r\n+ttl\r\n:9\r\n:1\r\n"), Ok(Some((Reply::Integer(1), 18))));
    let Ok(Some((Reply::Double(value), 6))) = decode(b",nan\r\n") else { panic!("a double") };
    assert!(value.is_nan());
}
