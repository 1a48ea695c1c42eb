//! The outcome of a stream depends on its bytes alone: not on the cuts, not on which way through the grammar was taken.

use proptest::prelude::*;

use super::{Seen, feed, feed_bytewise, model};
use crate::{Limits, Parsed, ProtocolError, RequestParser, encode_command};

fn small_limits() -> impl Strategy<Value = Limits> {
    (0..80u64, 4..48usize, 0..16i64, any::<bool>()).prop_map(|(max_bulk, max_inline, max_multibulk, authenticated)| {
        Limits { max_bulk, max_inline, max_multibulk, authenticated }
    })
}

fn command() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![8 => 0..12usize, 2 => 95..105usize, 1 => 995..1005usize];
    let arg = length.prop_flat_map(|len| prop::collection::vec(any::<u8>(), len));
    prop_oneof![9 => prop::collection::vec(arg, 1..5), 1 => prop::collection::vec(Just(b"x".to_vec()), 98..102)]
}

/// Bytes that look enough like requests to get past the first line.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let encoded = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..14).prop_map(|args| {
        let mut out = Vec::new();
        encode_command(&mut out, &args);
        out
    });
    let soup = prop::collection::vec(prop::sample::select(&b"*$0123456789-+\r\n \t\"'\\xab\0\x0b"[..]), 0..30);
    let header = ("[*$]", -2..40i64).prop_map(|(marker, n)| format!("{marker}{n}\r\n").into_bytes());
    prop_oneof![
        4 => encoded,
        2 => soup,
        2 => header,
        1 => "[ a-z\"'\\\\]{0,20}\r?\n".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// Streams of fragments with a few bytes changed.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop::collection::vec(fragment(), 1..6), changes).prop_map(|(fragments, changes)| {
        let mut stream = fragments.concat();
        for (at, byte) in changes {
            if !stream.is_empty() {
                let at = at.index(stream.len());
                stream[at] = byte;
            }
        }
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn commands_come_out_as_they_went_in(
        commands in prop::collection::vec(command(), 0..6),
        cuts in prop::collection::vec(0..6000usize, 0..20),
    ) {
        let mut stream = Vec::new();
        for command in &commands {
            encode_command(&mut stream, command);
        }
        let expected = Seen { commands, error: None, stopped_at: stream.len() };
        prop_assert_eq!(&feed(&stream, &[], &Limits::default()), &expected);
        prop_assert_eq!(&feed(&stream, &cuts, &Limits::default()), &expected);
    }

    #[test]
    fn any_bytes_mean_the_same_however_cut(
        stream in hostile(),
        cuts in prop::collection::vec(0..200usize, 0..8),
        limits in small_limits(),
    ) {
        let expected = model::read(&stream, &limits);
        prop_assert_eq!(&feed(&stream, &[], &limits), &expected);
        prop_assert_eq!(&feed(&stream, &cuts, &limits), &expected);
        prop_assert_eq!(&feed_bytewise(&stream, &limits), &expected);
    }
}

/// A header is a length if and only if the model reads it as one: every text of one or two bytes, and of three and four
/// from those around the digits.
#[test]
fn every_short_header() {
    let near = b"0123459:/-+ ;\n$*\x7f\x80\xb0\xb9\xff";
    let all: Vec<u8> = (0..=255).collect();
    let mut texts: Vec<Vec<u8>> = all.iter().map(|&byte| vec![byte]).collect();
    texts.extend(all.iter().flat_map(|&a| all.iter().map(move |&b| vec![a, b])));
    for (&a, &b, &c) in triples(near) {
        texts.push(vec![a, b, c]);
        texts.push(vec![b'1', a, b, c]);
    }
    let limits = Limits::default();
    let payload = [b'v'; 2100];
    for text in texts {
        // A line end or a NUL within ends or hides the line: no header of this text.
        if text.iter().any(|byte| matches!(byte, b'\r' | 0)) {
            continue;
        }
        let stream = [b"*1\r\n$", &text[..], b"\r\n", &payload].concat();
        let parsed = RequestParser::new().parse(&stream, &mut Vec::new(), &limits);
        let expected = match model::canonical(&text).map(usize::try_from) {
            Some(Ok(len)) if len <= 2098 => Ok(Parsed::Command { consumed: text.len() + 9 + len, argc: 1 }),
            Some(Ok(len)) => Ok(Parsed::Incomplete { wanted: len + 2 - payload.len() }),
            _ => Err(ProtocolError::InvalidBulkLength),
        };
        assert_eq!(parsed, expected, "{text:?}");
    }
}

/// All triples of the bytes.
fn triples(bytes: &[u8]) -> impl Iterator<Item = (&u8, &u8, &u8)> {
    bytes.iter().flat_map(move |a| bytes.iter().flat_map(move |b| bytes.iter().map(move |c| (a, b, c))))
}

/// A few megabytes of damaged pipelines from a fixed stream of numbers, longer than the generated cases above.
#[test]
fn megabytes_of_damage() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut total, mut errors) = (0, 0);
    while total < 4 << 20 {
        let mut stream = Vec::new();
        while stream.len() < 2 << 10 {
            let args: Vec<Vec<u8>> = (0..1 + random(6)).map(|_| vec![random(256) as u8; random(24)]).collect();
            encode_command(&mut stream, &args);
        }
        for _ in 0..random(3) {
            let at = random(stream.len());
            stream[at] = if random(3) == 0 { random(256) as u8 } else { b"*$\r\n0-9\0"[random(8)] };
        }
        let limits = Limits { max_bulk: 1000, max_inline: 100, max_multibulk: 20, authenticated: random(4) > 0 };
        let cuts: Vec<usize> = (0..random(40)).map(|_| random(stream.len())).collect();
        let whole = feed(&stream, &[], &limits);
        assert_eq!(feed(&stream, &cuts, &limits), whole);
        errors += usize::from(whole.error.is_some());
        total += stream.len();
    }
    assert!(errors > 300, "the damage reaches the errors: {errors}");
}
