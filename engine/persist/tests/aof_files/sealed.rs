//! Files of sealed pieces, with stamps and without: what one changed bit leaves of them.

use refrain_persist::aof::{AofError, AofItem, AofReader};
use refrain_persist::{Seal, seal, stamp};
use refrain_resp::encode_command;

fn commands(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names {
        encode_command(&mut out, &[b"SET", name.as_bytes(), b"value"]);
    }
    out
}

/// A file as a server writes it: its first line says when it begins, most pieces say when they were written, and all is sealed. The
/// places at which pieces end come with it.
fn file() -> (Vec<u8>, Vec<usize>) {
    let mut file = Vec::new();
    let mut ends = Vec::new();
    for (unix_s, piece) in [
        (Some(1_700_000_000), commands(&[])),
        (None, commands(&["a"])),
        (Some(1_700_000_001), commands(&["b", "c"])),
        (Some(1_700_000_002), commands(&["d"])),
        (None, commands(&[])),
    ] {
        let stamp = unix_s.map(stamp).unwrap_or_default();
        let durable = file.len() as u64;
        file.extend(seal(&stamp, &piece, durable));
        file.extend(piece);
        ends.push(file.len());
    }
    (file, ends)
}

/// What of it counts: commands and stamps, no seals; how it ended; up to where it is valid; what it claims.
fn read(bytes: &[u8], piece: usize) -> (Vec<String>, Option<AofError>, u64, Option<u64>) {
    let mut reader = AofReader::new(0, 1 << 20);
    let mut items = Vec::new();
    let mut pieces = bytes.chunks(piece);
    let mut ended = false;
    let error = loop {
        match reader.next() {
            Ok(Some(AofItem::Command(command))) => items.push(command.bytes().escape_ascii().to_string()),
            Ok(Some(AofItem::Annotation(line))) if line.starts_with(b"#TS:") => {
                items.push(line.escape_ascii().to_string())
            }
            Ok(Some(AofItem::Annotation(_))) => {}
            Ok(None) if ended => break None,
            Ok(None) => match pieces.next() {
                Some(piece) => reader.feed(piece),
                None => {
                    reader.end_of_input();
                    ended = true;
                }
            },
            Err(error) => break Some(error),
        }
    };
    (items, error, reader.valid_up_to(), reader.claimed())
}

#[test]
fn however_it_arrives_it_is_whole() {
    let (file, ends) = file();
    for piece in 1..=file.len() {
        let (items, error, valid, claimed) = read(&file, piece);
        assert_eq!((items.len(), error, valid), (7, None, file.len() as u64), "{piece}");
        assert_eq!((&*items[0], &*items[2]), ("#TS:1700000000", "#TS:1700000001"));
        assert_eq!(claimed, Some(ends[3] as u64));
    }
}

#[test]
fn what_another_server_appends_behind_it_is_read() {
    let (mut file, _) = file();
    file.extend(b"#TS:1700000009\r\n");
    assert_eq!(read(&file, 7).1, None);
    file.extend(commands(&["e"]));
    let (items, error, valid, _) = read(&file, 7);
    assert_eq!((items.len(), error, valid), (9, None, file.len() as u64));
}

#[test]
fn one_changed_bit_is_seen_or_changes_nothing() {
    let (file, ends) = file();
    let (whole, ..) = read(&file, file.len());
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let end_before = ends.iter().rev().find(|end| **end <= bit / 8);
        for piece in [file.len(), 13] {
            let (items, error, valid, _) = read(&damaged, piece);
            let what = damaged.escape_ascii();
            match (error, end_before) {
                // The first piece is durable before anybody can append to the file.
                (error, None) => assert!(error.is_some() || items[1..] == whole[1..], "{what}"),
                (None, _) => panic!("it is not seen: {what}"),
                (Some(error), Some(end)) => {
                    assert!(error.kind.may_be_unsynced(), "{error}: {what}");
                    assert!(whole.starts_with(&items), "{what}");
                    // A stamp may be left over whose seal is broken: it says nothing of any command.
                    let stamp = stamp(1_700_000_000).len() as u64;
                    assert!(valid == *end as u64 || valid == *end as u64 + stamp, "{what}");
                }
            }
        }
    }
}

#[test]
fn what_is_cut_off_anywhere_ends_with_a_whole_piece() {
    let (file, ends) = file();
    for cut in ends[0]..file.len() {
        let (_, error, valid, _) = read(&file[..cut], 17);
        let end = ends.iter().rev().find(|end| **end <= cut).expect("the first piece is there");
        let stamp = stamp(1_700_000_000).len();
        assert!(valid == *end as u64 || valid == (*end + stamp) as u64, "{cut}");
        let ends_with_stamp = cut == *end + stamp && file[*end..].starts_with(b"#TS:");
        assert_eq!(error.is_none(), cut == *end || ends_with_stamp, "{cut}: {error:?}");
        assert!(error.is_none_or(|error| error.kind.may_be_unsynced()));
    }
}

#[test]
fn what_a_client_has_sent_claims_nothing_in_a_piece_without_an_end() {
    let sealed = |stamp: &[u8], piece: &[u8], durable| [&seal(stamp, piece, durable)[..], piece].concat();
    let mut piece = Vec::new();
    let looks_sealed = sealed(&stamp(7), b"*1\r\n$4\r\nPING\r\n", 1 << 40);
    encode_command(&mut piece, &[&b"SET"[..], b"a", &looks_sealed]);
    encode_command(&mut piece, &[&b"SET"[..], &looks_sealed, b"b"]);
    for stamp in [stamp(1_700_000_000), Vec::new()] {
        let whole = sealed(&stamp, &piece, 20);
        for len in 0..whole.len() {
            assert_eq!(Seal::latest_claim(&whole[..len]), None, "{len}");
        }
        // One that only says that it is longer has others behind it.
        let line = String::from_utf8(seal(&stamp, &piece, 20)).expect("it is text");
        let longer = line.replace(&format!(" {} ", piece.len()), " 9999 ");
        assert_ne!(longer, line);
        for behind in [sealed(b"", b"", 30), sealed(&stamp, b"*1\r\n$4\r\nPING\r\n", 30)] {
            let file = [longer.as_bytes(), &piece, &behind, &behind[..9]].concat();
            assert_eq!(Seal::latest_claim(&file), Some(30));
        }
        // Of what are no commands any more nobody knows where one ends.
        piece[2] = b'x';
        assert_eq!(Seal::latest_claim(&[longer.as_bytes(), &piece].concat()), Some(1 << 40));
        piece[2] = b'\r';
    }
}
