//! What another server has written behind a piece that was cut short.
//!
//! Other servers take a seal for a comment. One that starts on a file whose last piece is torn cuts what is left of the piece behind its
//! last whole command, keeps the line that sealed it, and goes on behind that. What it wrote then is no remainder of a torn piece, and
//! must not be cut off as one.

use std::ops::Range;

use super::{AofErrorKind, AofItem, AofReader};
use crate::seal::{STAMP_PREFIX, Seal};

/// Where in `tail` the line lies that seals the piece in front, if another server has gone on behind that piece. `tail` begins with the
/// stamp or the seal of the first piece that doesn't hold, and goes up to the end of the file.
///
/// It has if a whole command ends further behind the seal than the piece had bytes, and nothing but commands and times stands before
/// that. Nothing that is torn looks so, for behind a piece of ours stands the seal of the next, or what is left of it. If no command ends
/// there, what follows can't be told from a torn piece: `None`.
#[must_use]
pub fn seal_gone_on_behind(tail: &[u8]) -> Option<Range<usize>> {
    let stamp_len = match tail.starts_with(STAMP_PREFIX) {
        true => tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |end| end + 1),
        false => 0,
    };
    let line = &tail[stamp_len..];
    let seal = Seal::parse(line).filter(|seal| seal.stamp_len == stamp_len)?;
    let behind = &line[seal.line_len..];
    let mut reader = AofReader::new(0, u64::MAX).of_len(behind.len() as u64);
    reader.feed(behind);
    reader.end_of_input();
    let mut goes_beyond = false;
    loop {
        let is_command = match reader.next() {
            Ok(Some(AofItem::Command(_))) => true,
            Ok(Some(AofItem::Annotation(line))) if is_time(line) => false,
            // A seal of which a part is lost, be it in the middle.
            Ok(Some(AofItem::Annotation(_))) => return None,
            Err(error) if error.kind == AofErrorKind::BrokenSeal => return None,
            Ok(None) | Err(_) => break,
        };
        goes_beyond |= is_command && reader.offset() > seal.len;
    }
    (goes_beyond && reader.claimed().is_none()).then_some(stamp_len..stamp_len + seal.line_len)
}

/// Whether a line, without its end, is a time and nothing else.
fn is_time(line: &[u8]) -> bool {
    line.strip_prefix(STAMP_PREFIX).is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// What may stand in the place of a seal of so many bytes, line end included, and seals nothing: a time that comes before all others, as
/// another server would have written it.
#[must_use]
pub fn blank_seal(line_len: usize) -> Vec<u8> {
    const LINE_END: &[u8] = b"\r\n";
    let digits = line_len.saturating_sub(STAMP_PREFIX.len() + LINE_END.len());
    [STAMP_PREFIX, &b"0".repeat(digits), LINE_END].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{SEAL_PREFIX, Salt, seal, stamp};

    fn is_continued(tail: &[u8]) -> bool {
        seal_gone_on_behind(tail).is_some()
    }

    #[test]
    fn commands_behind_a_torn_piece_are_told_from_what_is_left_of_it() {
        let command = |key: &str| format!("*2\r\n$3\r\nDEL\r\n${}\r\n{key}\r\n", key.len()).into_bytes();
        let piece = [command("a"), command("b"), command("c")].concat();
        let other = [b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec(), command("d"), command("e")].concat();
        for stamp in [Vec::new(), stamp(7)] {
            for salt in [None, Some(Salt::new(5))] {
                let line = seal(salt, &stamp, &piece, 9);
                let next = seal(salt, b"", &other, 9);
                // Torn anywhere, and whatever of the next piece there is.
                for cut in 0..=piece.len() {
                    assert!(!is_continued(&[&line[..], &piece[..cut]].concat()), "{cut}");
                }
                for cut in 1..=next.len() {
                    assert!(!is_continued(&[&line[..], &piece, &next[..cut]].concat()), "{cut}");
                }
                assert!(!is_continued(&[&line[..], &piece, &next, &other].concat()));
                // The next seal lacks its middle, and whole commands follow, or times and commands.
                let later = crate::seal::stamp(8);
                let stamped = [&later[..], &seal(salt, &later, &other, 9)].concat();
                for next in [&next, &stamped] {
                    for (from, to) in
                        (1..next.len() - 1).flat_map(|from| (from + 1..next.len()).map(move |to| (from, to)))
                    {
                        let mut torn = next.clone();
                        torn[from..to].fill(0);
                        assert!(!is_continued(&[&line[..], &piece, &torn, &other].concat()), "{from} {to}");
                    }
                }
                assert!(!is_continued(&[&line[..], &piece, &[0; 40]].concat()));
                // Cut by another server, which went on, and may have been cut short as well.
                for kept in [0, command("a").len(), 2 * command("a").len()] {
                    let tail = [&line[..], &piece[..kept], &other, &other].concat();
                    let commands = [b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".len(), command("d").len(), command("e").len()];
                    let ends = (commands.iter().chain(&commands)).scan(kept, |end, len| {
                        *end += len;
                        Some(*end)
                    });
                    let ends: Vec<usize> = ends.collect();
                    for len in kept..=tail.len() - line.len() {
                        let told = ends.iter().any(|end| *end > piece.len() && *end <= len);
                        assert_eq!(is_continued(&tail[..line.len() + len]), told, "{kept} {len}");
                    }
                    let found = seal_gone_on_behind(&tail).expect("it went on");
                    assert!(tail[found.clone()].starts_with(SEAL_PREFIX) && tail[found.end - 1] == b'\n');
                    // With the line out of the way all of it is there.
                    let mut blank = tail.clone();
                    blank[found.clone()].copy_from_slice(&blank_seal(found.len()));
                    let salted = salt.map_or(Vec::new(), Salt::lines);
                    let before = [&seal(salt, b"", &piece, 9)[..], &piece].concat();
                    for whole in [[&salted[..], &before, &blank].concat(), [&salted[..], &blank].concat()] {
                        let mut reader = AofReader::new(0, u64::MAX).of_len(whole.len() as u64);
                        reader.feed(&whole);
                        reader.end_of_input();
                        while reader.next().expect("nothing is damaged").is_some() {}
                        assert_eq!(reader.valid_up_to(), whole.len() as u64);
                    }
                }
            }
        }
        assert!(!is_continued(b"") && !is_continued(b"#CRC:") && !is_continued(b"#TS:1") && !is_continued(&other));
    }
}
