//! What another server has written behind a piece that was cut short.
//!
//! Other servers take a seal for a comment. One that starts on a file whose last piece is torn cuts what is left of the piece behind its
//! last whole command, keeps the line that sealed it, and goes on behind that. What it wrote then is no remainder of a torn piece, and
//! must not be cut off as one.

use super::{AofItem, AofReader};
use crate::seal::Seal;

/// Whether more whole commands than a piece had stand behind its seal, up to the end, and no other seal: `tail` begins with the stamp or the
/// line that sealed it, which doesn't hold. Nothing that is torn looks so, for behind a piece of ours stands the seal of the next.
///
/// If fewer bytes follow than the piece had, that can't be told from a piece that was torn where a command ends: false. So it is if
/// their end is torn, too.
#[must_use]
pub fn is_continued(tail: &[u8]) -> bool {
    let stamp_len = match tail.starts_with(crate::seal::STAMP_PREFIX) {
        true => tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |end| end + 1),
        false => 0,
    };
    let line = &tail[stamp_len..];
    let Some(seal) = Seal::parse(line).filter(|seal| seal.stamp_len == stamp_len) else { return false };
    let behind = &line[seal.line_len..];
    if behind.len() as u64 <= seal.len {
        return false;
    }
    let mut reader = AofReader::new(0, u64::MAX).of_len(behind.len() as u64);
    reader.feed(behind);
    reader.end_of_input();
    loop {
        match reader.next() {
            Ok(Some(AofItem::Command(_) | AofItem::Annotation(_))) => {}
            Ok(None) => return reader.claimed().is_none(),
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{Salt, seal, stamp};

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
                assert!(!is_continued(&[&line[..], &piece, &[0; 40]].concat()));
                // Cut by another server, which went on.
                for kept in [0, command("a").len(), 2 * command("a").len()] {
                    let tail = [&line[..], &piece[..kept], &other].concat();
                    assert_eq!(is_continued(&tail), kept + other.len() > piece.len(), "{kept}");
                    assert!(is_continued(&[&tail[..], &other].concat()), "{kept}");
                    assert!(!is_continued(&[&tail[..], &other[..5]].concat()), "{kept}");
                }
            }
        }
        assert!(!is_continued(b"") && !is_continued(b"#CRC:") && !is_continued(b"#TS:1") && !is_continued(&other));
    }
}
