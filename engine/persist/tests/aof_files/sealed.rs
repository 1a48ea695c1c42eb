//! Files of sealed pieces, with stamps and without: what one changed bit leaves of them.

use refrain_persist::aof::{AofError, AofItem, AofReader};
use refrain_persist::{Salt, Seal, seal, stamp};
use refrain_resp::encode_command;

fn commands(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names {
        encode_command(&mut out, &[b"SET", name.as_bytes(), b"value"]);
    }
    out
}

const SALT: Option<Salt> = Some(Salt::new(0x5eed_0123_4567_89ab));

/// A file as a server writes it: it begins with its salt, if it has one, and says when that was; most pieces say when they were
/// written, and all is sealed. The places at which pieces end come with it.
fn file(salt: Option<Salt>) -> (Vec<u8>, Vec<usize>) {
    let mut file = salt.map(Salt::lines).unwrap_or_default();
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
        file.extend(seal(salt, &stamp, &piece, durable));
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
    for salt in [None, SALT] {
        let (file, ends) = file(salt);
        for piece in 1..=file.len() {
            let (items, error, valid, claimed) = read(&file, piece);
            assert_eq!((items.len(), error, valid), (7, None, file.len() as u64), "{piece}");
            assert_eq!((&*items[0], &*items[2]), ("#TS:1700000000", "#TS:1700000001"));
            assert_eq!(claimed, Some(ends[3] as u64));
        }
    }
}

#[test]
fn what_another_server_appends_behind_it_is_read() {
    let (mut file, _) = file(SALT);
    file.extend(b"#TS:1700000009\r\n");
    assert_eq!(read(&file, 7).1, None);
    file.extend(commands(&["e"]));
    let (items, error, valid, _) = read(&file, 7);
    assert_eq!((items.len(), error, valid), (9, None, file.len() as u64));
    // And what this one appends behind that.
    file.extend(seal(SALT, b"", &commands(&["f"]), 20));
    file.extend(commands(&["f"]));
    let (items, error, valid, _) = read(&file, 7);
    assert_eq!((items.len(), error, valid), (10, None, file.len() as u64));
}

#[test]
fn a_file_of_another_server_is_gone_on_with_behind_a_salt() {
    for mut file in [commands(&["z"]), [&b"#TS:1700000000\r\n"[..], &commands(&["z"])].concat(), file(None).0] {
        let before = file.len();
        let (had, ..) = read(&file, 7);
        file.extend(SALT.map(Salt::lines).expect("there is one"));
        let salted = file.len();
        file.extend(seal(SALT, b"", b"", before as u64));
        let begun = file.len();
        file.extend(seal(SALT, b"", &commands(&["y"]), begun as u64));
        file.extend(commands(&["y"]));
        let (items, error, valid, claimed) = read(&file, 7);
        assert_eq!((items.len(), error, valid), (had.len() + 1, None, file.len() as u64));
        assert_eq!(claimed, Some(begun as u64));
        // A salt without its seal is worth nothing, for nothing is sealed with it.
        for len in before..begun {
            let (items, _, valid, _) = read(&file[..len], 7);
            assert_eq!((items, valid), (had.clone(), before as u64), "{len}");
        }
        // Seals of before are none any more.
        let stale = [&file[..begun], &seal(None, b"", &commands(&["y"]), 0), &commands(&["y"])].concat();
        let (_, error, valid, _) = read(&stale, 7);
        assert!(error.is_some_and(|error| error.kind.may_be_unsynced()) && valid == begun as u64);
        // A changed bit in what says the salt changes nothing, or is seen to have been durable.
        for bit in before * 8..salted * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(loads(&damaged).is_none_or(|loaded| loaded == items), "{}", damaged.escape_ascii());
        }
    }
}

/// What a start takes of a last part; `None` if it refuses.
fn loads(bytes: &[u8]) -> Option<Vec<String>> {
    let (items, error, valid, _) = read(bytes, bytes.len());
    let Some(error) = error else { return Some(items) };
    let mut reader = AofReader::new(0, 1 << 20);
    reader.feed(bytes);
    reader.end_of_input();
    while reader.next().is_ok() {}
    let claim = Seal::latest_claim(reader.salt(), reader.rest());
    (error.kind.may_be_unsynced() && claim.is_none_or(|claim| claim <= valid)).then_some(items)
}

#[test]
fn one_changed_bit_is_seen_or_changes_nothing() {
    for salt in [None, SALT] {
        let (file, ends) = file(salt);
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
            if end_before.is_none() {
                assert!(loads(&damaged).is_none_or(|items| items[1..] == whole[1..]), "{}", damaged.escape_ascii());
            }
        }
    }
}

#[test]
fn what_is_cut_off_anywhere_ends_with_a_whole_piece() {
    for salt in [None, SALT] {
        let (file, ends) = file(salt);
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
}

fn sealed(salt: Option<Salt>, stamp: &[u8], piece: &[u8], durable: u64) -> Vec<u8> {
    [&seal(salt, stamp, piece, durable)[..], piece].concat()
}

#[test]
fn what_a_client_has_sent_claims_nothing_in_a_torn_piece() {
    let imitated = [sealed(None, b"", b"", 1 << 40), sealed(Some(Salt::new(1)), &stamp(7), b"", 1 << 40)].concat();
    let imitated = [&imitated[..], &Salt::new(1).lines(), &imitated].concat();
    let mut piece = Vec::new();
    encode_command(&mut piece, &[&b"SET"[..], b"a", &imitated]);
    let (file, _) = file(SALT);
    let (items, ..) = read(&file, file.len());
    let mut whole = [file, sealed(SALT, b"", &piece, 20)].concat();
    // Of the loss of power's making: the piece is there, and not all of it is what was written.
    let at = whole.len() - piece.len();
    for bytes in [0..4, 12..20] {
        whole[at + bytes.start..at + bytes.end].fill(0);
        assert_eq!(loads(&whole), Some(items.clone()), "{}", whole.escape_ascii());
    }
    // Unless the file shows it.
    whole.extend(sealed(SALT, b"", b"", whole.len() as u64));
    assert_eq!(loads(&whole), None);
}

#[test]
fn without_a_salt_what_a_client_has_sent_claims_nothing_in_a_piece_without_an_end() {
    let sealed = |stamp: &[u8], piece: &[u8], durable| sealed(None, stamp, piece, durable);
    let latest_claim = |bytes: &[u8]| Seal::latest_claim(None, bytes);
    let mut piece = Vec::new();
    let looks_sealed = sealed(&stamp(7), b"*1\r\n$4\r\nPING\r\n", 1 << 40);
    encode_command(&mut piece, &[&b"SET"[..], b"a", &looks_sealed]);
    encode_command(&mut piece, &[&b"SET"[..], &looks_sealed, b"b"]);
    for stamp in [stamp(1_700_000_000), Vec::new()] {
        let whole = sealed(&stamp, &piece, 20);
        for len in 0..whole.len() {
            assert_eq!(latest_claim(&whole[..len]), None, "{len}");
        }
        // One that only says that it is longer has others behind it.
        let line = String::from_utf8(seal(None, &stamp, &piece, 20)).expect("it is text");
        let longer = line.replace(&format!(" {} ", piece.len()), " 9999 ");
        assert_ne!(longer, line);
        for behind in [sealed(b"", b"", 30), sealed(&stamp, b"*1\r\n$4\r\nPING\r\n", 30)] {
            let file = [longer.as_bytes(), &piece, &behind, &behind[..9]].concat();
            assert_eq!(latest_claim(&file), Some(30));
        }
        // Of what are no commands any more nobody knows where one ends.
        piece[2] = b'x';
        assert_eq!(latest_claim(&[longer.as_bytes(), &piece].concat()), Some(1 << 40));
        piece[2] = b'\r';
    }
}

#[test]
fn a_piece_of_any_length_is_waited_for_if_the_file_is_long_enough() {
    // A length of 8 GiB, and some of what that is.
    let line = seal(SALT, b"", b"", 20);
    let line = [SALT.map(Salt::lines).expect("there is one"), line].concat();
    let line = String::from_utf8(line).expect("it is text").replace(" 0 20", " 8589934592 20");
    for (file_len, waits) in [(9 << 30, true), (8 << 30, false), (u64::MAX, true)] {
        let mut reader = AofReader::new(0, 1 << 20).of_len(file_len);
        reader.feed(line.as_bytes());
        reader.feed(&commands(&["a"]));
        for _ in 0..2 {
            assert!(matches!(reader.next(), Ok(Some(AofItem::Annotation(_)))), "it says its salt twice");
        }
        assert_eq!(reader.next().is_ok_and(|item| item.is_none()), waits, "{file_len}");
    }
}
