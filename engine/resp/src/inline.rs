//! Inline requests: a line typed by a person, split into words at white space, with quotes and escapes.
//!
//! Words are offsets into the line as long as they are written as they are meant; the first quote makes the whole line
//! be unquoted into a buffer of its own. The rules are those of Redis's `sdssplitargs`, its odd corners included: a quote
//! may open in the middle of a word but must close at the end of one, and `\v` and `\f` separate words only next to
//! other space.

use crate::multibulk::{Cursor, Progress};
use crate::request::{Arg, Limits};
use crate::{ProtocolError, steps};

/// Goes on from the cursor: the request is complete when its line is.
pub(crate) fn advance(
    cursor: &mut Cursor,
    input: &[u8],
    args: &mut Vec<Arg>,
    limits: &Limits,
) -> Result<Progress, ProtocolError> {
    let max = limits.max_inline.min(u32::MAX as usize - 1);
    let window = &input[..input.len().min(max + 1)];
    let from = cursor.scanned;
    let found = memchr::memchr2(b'\n', 0, &window[from..]).map(|at| from + at);
    steps::count(found.unwrap_or(window.len()) - from + 1);
    // A NUL is looked at again at the next call, and hides the rest again.
    cursor.scanned = found.unwrap_or(window.len());
    match found {
        Some(end) if window[end] == b'\n' => {
            cursor.pos = end + 1;
            let line = &window[..end];
            split(line.strip_suffix(b"\r").unwrap_or(line), args)
        }
        _ if input.len() > max => Err(ProtocolError::TooBigInline),
        _ => Ok(Progress::Incomplete { wanted: 1 }),
    }
}

/// Splits a line (free of NULs) into words and appends them to `args`.
fn split(line: &[u8], args: &mut Vec<Arg>) -> Result<Progress, ProtocolError> {
    let base = args.len();
    let mut pos = 0;
    while let Some(start) = next_word(line, pos) {
        let word = &line[start..];
        let len = word.iter().position(|&byte| ends_word(byte)).unwrap_or(word.len());
        if word[..len].iter().any(|byte| matches!(byte, b'"' | b'\'')) {
            args.truncate(base);
            return unquote(line, args).map(Progress::Unquoted);
        }
        args.push(Arg { start: start as u32, len: len as u32 });
        pos = start + len;
    }
    Ok(Progress::Complete)
}

/// Splits a line into words as a request of a person's is split, quotes and escapes undone. `None` when quotes are not
/// balanced. A NUL ends the line.
pub fn split_words(line: &[u8]) -> Option<Vec<Box<[u8]>>> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut args = Vec::new();
    let unquoted = match split(line, &mut args) {
        Ok(Progress::Unquoted(bytes)) => Some(bytes),
        Ok(_) => None,
        Err(_) => return None,
    };
    let bytes = unquoted.as_deref().unwrap_or(line);
    Some(args.iter().map(|arg| arg.of(bytes).into()).collect())
}

/// Splits a line with quotes: the words' bytes end to end, each word's place in them appended to `args`.
fn unquote(line: &[u8], args: &mut Vec<Arg>) -> Result<Box<[u8]>, ProtocolError> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut pos = 0;
    while let Some(start) = next_word(line, pos) {
        let word_start = bytes.len();
        pos = start;
        loop {
            match line.get(pos) {
                None => break,
                Some(&byte) if ends_word(byte) => break,
                Some(&quote @ (b'"' | b'\'')) => {
                    pos = quoted(line, pos + 1, quote, &mut bytes)?;
                    break;
                }
                Some(&byte) => bytes.push(byte),
            }
            pos += 1;
        }
        args.push(Arg { start: word_start as u32, len: (bytes.len() - word_start) as u32 });
    }
    Ok(bytes.into_boxed_slice())
}

/// Takes a quoted stretch, whose quote was before `pos`; returns the offset behind the closing one.
fn quoted(line: &[u8], mut pos: usize, quote: u8, bytes: &mut Vec<u8>) -> Result<usize, ProtocolError> {
    loop {
        let (byte, taken) = match &line[pos..] {
            [] => return Err(ProtocolError::UnbalancedQuotes),
            [close, rest @ ..] if *close == quote => {
                return match rest.first() {
                    Some(&next) if !is_space(next) => Err(ProtocolError::UnbalancedQuotes),
                    _ => Ok(pos + 1),
                };
            }
            [b'\\', escape @ ..] if quote == b'"' => unescape(escape),
            [b'\\', b'\'', ..] => (b'\'', 2),
            [byte, ..] => (*byte, 1),
        };
        bytes.push(byte);
        pos += taken;
    }
}

/// What a backslash between double quotes stands for, and how many bytes it took with it.
fn unescape(after: &[u8]) -> (u8, usize) {
    match after {
        [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            (hex_digit(*high) << 4 | hex_digit(*low), 4)
        }
        [b'n', ..] => (b'\n', 2),
        [b'r', ..] => (b'\r', 2),
        [b't', ..] => (b'\t', 2),
        [b'b', ..] => (0x08, 2),
        [b'a', ..] => (0x07, 2),
        [other, ..] => (*other, 2),
        [] => (b'\\', 1),
    }
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn next_word(line: &[u8], pos: usize) -> Option<usize> {
    line[pos..].iter().position(|&byte| !is_space(byte)).map(|skipped| pos + skipped)
}

/// What may stand around words: C's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What ends an unquoted word: less than [`is_space`].
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
