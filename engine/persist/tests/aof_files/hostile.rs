//! Files that were damaged on purpose: each gives commands or an error, and what is said to be valid of it is.
//!
//! Some thousands by default; `REFRAIN_FUZZ_FILES=100000` for as many as that.

use refrain_persist::aof::{AofItem, AofReader};
use refrain_resp::encode_command;

/// SplitMix64: all the randomness here comes from one number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n.max(1) as u64) as usize
    }
}

fn sample(dice: &mut Dice) -> Vec<u8> {
    let mut file = Vec::new();
    for _ in 0..=dice.below(6) {
        match dice.below(4) {
            0 => file.extend_from_slice(b"#TS:1700000000\r\n"),
            1 => {
                encode_command(&mut file, &[b"MULTI"]);
                encode_command(&mut file, &[&b"INCR"[..], b"counter"]);
                encode_command(&mut file, &[b"EXEC"]);
            }
            2 => encode_command(&mut file, &[&b"SET"[..], b"key", &[b'v'; 200]]),
            _ => encode_command(&mut file, &[&b"RPUSH"[..], b"list", b"", b"\r\n", b"*1\r\n"]),
        }
    }
    file
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = dice.below(bytes.len());
        let len = dice.below(8.min(bytes.len() - at)) + 1;
        match dice.below(6) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = b"\r\n*$#0123456789-"[dice.below(16)],
            2 => bytes[at] = dice.roll() as u8,
            3 => drop(bytes.drain(at..(at + len).min(bytes.len()))),
            4 => {
                let copy = bytes[at..(at + len).min(bytes.len())].to_vec();
                let to = dice.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => bytes.truncate(at),
        }
    }
}

/// Reads all; how many items, whether that is all there is, and up to where it is valid.
fn read(bytes: &[u8], piece: usize) -> (usize, bool, usize) {
    let mut reader = AofReader::new(0, 1 << 20);
    let mut items = 0;
    let mut pieces = bytes.chunks(piece);
    let mut ended = false;
    let is_whole = loop {
        match reader.next() {
            Ok(Some(AofItem::Command(command))) => {
                assert_eq!(command.arguments().next(), Some(command.name()));
                assert!(command.arguments().map(<[u8]>::len).sum::<usize>() < command.bytes().len());
                items += 1;
            }
            Ok(Some(AofItem::Annotation(line))) => {
                assert!(line.starts_with(b"#"));
                items += 1;
            }
            Ok(None) if ended => break true,
            Ok(None) => match pieces.next() {
                Some(piece) => reader.feed(piece),
                None => {
                    reader.end_of_input();
                    ended = true;
                }
            },
            Err(error) => {
                assert!(error.offset <= bytes.len() as u64 && !error.to_string().is_empty());
                break false;
            }
        }
    };
    (items, is_whole, usize::try_from(reader.valid_up_to()).expect("it is within the file"))
}

#[test]
fn what_is_said_to_be_valid_of_a_damaged_file_is() {
    #[expect(clippy::disallowed_methods, reason = "how long to fuzz is the person's choice who runs it")]
    let files: u64 = std::env::var("REFRAIN_FUZZ_FILES").ok().and_then(|files| files.parse().ok()).unwrap_or(10_000);
    let (mut damaged, mut partly) = (0, 0);
    for seed in 0..files {
        let mut dice = Dice(seed);
        let mut bytes = sample(&mut dice);
        mutate(&mut bytes, &mut dice);
        let (items, is_whole, valid) = read(&bytes, dice.below(50) + 1);
        assert!(valid <= bytes.len() && (!is_whole || valid == bytes.len()), "seed {seed}");
        let (items_again, is_whole_again, valid_again) = read(&bytes[..valid], bytes.len().max(1));
        assert!(is_whole_again && valid_again == valid && items_again <= items, "seed {seed}");
        damaged += u64::from(!is_whole);
        partly += u64::from(!is_whole && valid > 0);
    }
    assert!(damaged > files / 3 && partly > files / 5, "{damaged} damaged, {partly} of them partly valid");
}
