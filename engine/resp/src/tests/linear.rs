//! Linear time, proved by counting: a peer that sends byte by byte costs a constant for each byte.

use crate::{Limits, Parsed, RequestParser, encode_command, steps};

/// Feeds one byte at a time and gives back the steps taken.
#[track_caller]
fn check_linear(stream: &[u8]) {
    let limits = Limits::default();
    let mut parser = RequestParser::new();
    let mut args = Vec::new();
    let mut start = 0;
    steps::take();
    for end in 1..=stream.len() {
        match parser.parse(&stream[start..end], &mut args, &limits) {
            Ok(Parsed::Incomplete { .. }) => {}
            Ok(Parsed::Command { consumed, .. } | Parsed::Inline { consumed, .. } | Parsed::Nothing { consumed }) => {
                start += consumed;
                args.clear();
            }
            Err(_) => break,
        }
    }
    let (steps, bound) = (steps::take(), 4 * stream.len() + 16);
    assert!(steps >= stream.len() / 8, "the counter counts: {steps}");
    assert!(steps <= bound, "{steps} steps for {} bytes", stream.len());
}

#[test]
fn byte_by_byte_costs_a_constant_a_byte() {
    let mut many_small = Vec::new();
    encode_command(&mut many_small, &vec![b"x"; 20_000]);
    check_linear(&many_small);

    let mut one_big = Vec::new();
    encode_command(&mut one_big, &[vec![b'\r'; 100_000]]);
    check_linear(&one_big);

    check_linear(&[b"SET key ".as_slice(), &[b'v'; 65_000], b"\r\n"].concat());
    check_linear(&[b"SET key \"".as_slice(), &[b'v'; 65_000], b"\"\r\n"].concat());
    check_linear(&[b"*".as_slice(), &[b'1'; 70_000]].concat());
    check_linear(&[b"*1\r\n$".as_slice(), &[b'1'; 70_000]].concat());
    check_linear(&[b"GET \0".as_slice(), &[b'\n'; 70_000]].concat());
    check_linear(&[b"*1\0".as_slice(), &[b'\r'; 70_000]].concat());
    check_linear(&b"\r\n".repeat(20_000));
    check_linear(&b"*0\r\n".repeat(20_000));
}

#[test]
fn an_idle_parser_is_one_word() {
    assert_eq!(size_of::<RequestParser>(), size_of::<usize>());
    assert_eq!(size_of::<crate::Arg>(), 8);
}

#[test]
fn a_count_announced_takes_no_room() {
    let mut parser = RequestParser::new();
    let mut args = Vec::new();
    let parsed = parser.parse(b"*2147483647\r\n", &mut args, &Limits::default());
    assert_eq!(parsed, Ok(Parsed::Incomplete { wanted: 1 }));
    assert!(parser.memory() < 256 && args.capacity() < 16);
}

#[test]
fn a_big_bulk_says_how_much_is_missing() {
    let mut parser = RequestParser::new();
    let parsed = parser.parse(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nabc", &mut Vec::new(), &Limits::default());
    assert_eq!(parsed, Ok(Parsed::Incomplete { wanted: 100_002 - 3 }));
}
