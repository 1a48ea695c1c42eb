//! Long arguments in pieces, and from the first byte to the keyspace.

use super::*;
use crate::clock::Now;
use crate::engine::Engine;
use crate::hooks::{Hooks, ProcessReport};
use crate::session::{Origin, SessionId};
use crate::{Config, Input, ReadInto};

#[test]
fn an_argument_comes_in_pieces_of_any_size_and_leaves_what_follows() {
    let len = 3 * LONG_BYTES_MIN + 5;
    let value: Vec<u8> = (0..len).map(|i| i as u8).collect();
    let head = format!("*2\r\n$4\r\nECHO\r\n${len}\r\n");
    let mut input = head.clone().into_bytes();
    input.extend_from_slice(&value);
    input.extend_from_slice(b"\r\nPING\r\n");
    for step in [1000, 1 << 16, LONG_BYTES_MIN, len + 1, usize::MAX] {
        let bulk = LongBulk { args: vec![Arg { start: 8, len: 4 }], start: head.len(), len: len as u32 };
        let mut long = LongArgument::begin(&input[..head.len() + 3], bulk);
        let mut rest = &input[head.len() + 3..];
        while !long.is_complete() {
            let (piece, later) = rest.split_at(rest.len().min(step));
            let left = long.take(piece);
            assert!(left.is_empty() || long.is_complete());
            rest = &rest[piece.len() - left.len()..];
            let _ = later;
        }
        assert_eq!(rest, b"PING\r\n");
        let args = long.args(long.offsets());
        assert_eq!((args.len(), args.at(0)), (2, b"ECHO".as_slice()));
        assert!(args.at(1) == value);
        assert!(args.iter().last() == Some(value.as_slice()));
        assert!(long.memory() < len + 1000, "room is made for what comes, and no more");
    }
}

#[test]
fn little_room_is_made_for_what_is_only_announced() {
    let bulk = LongBulk { args: Vec::new(), start: 0, len: 512 << 20 };
    let mut long = LongArgument::begin(b"x", bulk);
    assert!(long.memory() < 2 * LONG_BYTES_MIN);
    for _ in 0..5 {
        long.take(&[0; LONG_BYTES_MIN]);
        assert!(long.memory() <= 2 * long.received() + LONG_BYTES_MIN);
    }
}

struct StillHooks;

impl Hooks for StillHooks {
    fn now(&self) -> Now {
        Now { unix_us: 1_700_000_000_000_000, mono_us: 1 }
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_per_second(&self) -> u64 {
        1_000_000
    }

    fn work(&self, _: u64) {}

    fn entropy(&self) -> u64 {
        7
    }

    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }
}

/// Sends bytes as they would arrive at once.
fn send(engine: &mut Engine<StillHooks>, id: SessionId, bytes: &[u8]) {
    let (arena, part) = match engine.read_into(id) {
        ReadInto::Arena => (bytes, Some(0..bytes.len())),
        ReadInto::Pending(pending) => {
            pending.extend_from_slice(bytes);
            (&[][..], None)
        }
        ReadInto::Long => {
            engine.receive(id, bytes);
            (&[][..], None)
        }
        ReadInto::Later | ReadInto::Nothing => panic!("nothing is in the way"),
    };
    engine.round(arena, &[Input { session: id, bytes: part, len: bytes.len() }]);
    while engine.is_runnable() {
        engine.round(&[], &[]);
    }
}

#[test]
fn commands_that_store_a_long_argument_keep_its_buffer() {
    let value = vec![b'v'; 2 * LONG_BYTES_MIN];
    for command in
        ["SET k", "SETNX k", "SETEX k 100", "PSETEX k 100", "GETSET k", "APPEND k", "MSET a 1 k", "MSETNX a 1 k"]
    {
        let mut engine = Engine::new(Config::default(), StillHooks);
        let origin = Origin { remote: "a".into(), local: "b".into(), is_local: true, is_unix: false, descriptor: -1 };
        let id = engine.connect(origin).unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        let mut head = format!("*{}\r\n", words.len() + 1);
        for word in words {
            head += &format!("${}\r\n{word}\r\n", word.len());
        }
        head += &format!("${}\r\n", value.len());
        send(&mut engine, id, head.as_bytes());
        for piece in value.chunks(100_000) {
            send(&mut engine, id, piece);
        }
        let long = engine.state().sessions.get(id).and_then(|session| session.long.as_ref()).expect("it has begun");
        let arrived_at = long.bytes.as_ptr();
        send(&mut engine, id, b"\r\n");
        let keyspace = &engine.state().keyspace;
        let entry = keyspace.db(0).get(keyspace.hash(b"k"), b"k").expect(command);
        assert_eq!(entry.share().expect("it is long").as_ptr(), arrived_at, "{command} has copied it");
    }
}

#[test]
fn replies_with_a_long_value_share_its_buffer() {
    let mut engine = Engine::new(Config::default(), StillHooks);
    let origin = Origin { remote: "a".into(), local: "b".into(), is_local: true, is_unix: false, descriptor: -1 };
    let id = engine.connect(origin).unwrap();
    let len = 2 * LONG_BYTES_MIN;
    let whole = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${len}\r\n{}\r\n", "v".repeat(len));
    let holders = |engine: &Engine<StillHooks>| {
        let keyspace = &engine.state().keyspace;
        Arc::strong_count(&keyspace.db(0).get(keyspace.hash(b"k"), b"k").and_then(|entry| entry.share()).unwrap()) - 1
    };
    send(&mut engine, id, whole.as_bytes());
    assert_eq!(holders(&engine), 1);
    for (command, shares) in [
        ("GET k", true),
        ("MGET k k", true),
        ("GETEX k PERSIST", true),
        ("GETRANGE k 10 -10", true),
        ("GETRANGE k 0 299999", true),
        // It would keep the whole for a small part.
        ("GETRANGE k 0 199999", false),
        ("GETRANGE k 0 10", false),
        ("SET k x NX GET", true),
    ] {
        let before = holders(&engine);
        send(&mut engine, id, format!("{command}\r\n").as_bytes());
        assert_eq!(holders(&engine) > before, shares, "{command}");
    }
}
