//! A naive reader of the request grammar: no state, no offsets, every prefix read anew. Slow, and easy to believe.

use super::Seen;
use crate::{Limits, ProtocolError};

/// What one attempt at the start of a buffer comes to.
enum Attempt {
    More,
    Done { consumed: usize, args: Vec<Vec<u8>> },
}

/// Reads a stream as if it came byte by byte.
pub fn read(stream: &[u8], limits: &Limits) -> Seen {
    let mut seen = Seen::default();
    for end in 1..=stream.len() {
        match attempt(&stream[seen.stopped_at..end], limits) {
            Ok(Attempt::More) => {}
            Ok(Attempt::Done { consumed, args }) => {
                seen.stopped_at += consumed;
                if !args.is_empty() {
                    seen.commands.push(args);
                }
            }
            Err(error) => {
                seen.error = Some(error);
                break;
            }
        }
    }
    seen
}

/// The bytes before `terminator`, if it comes before any NUL.
fn up_to(buffer: &[u8], terminator: u8) -> Option<&[u8]> {
    let visible = buffer.split(|&byte| byte == 0).next().unwrap_or_default();
    let end = visible.iter().position(|&byte| byte == terminator)?;
    Some(&visible[..end])
}

fn attempt(buffer: &[u8], limits: &Limits) -> Result<Attempt, ProtocolError> {
    if buffer[0] != b'*' {
        return match up_to(buffer, b'\n') {
            None if buffer.len() > limits.max_inline => Err(ProtocolError::TooBigInline),
            None => Ok(Attempt::More),
            Some(line) => {
                let args = split(line.strip_suffix(b"\r").unwrap_or(line)).ok_or(ProtocolError::UnbalancedQuotes)?;
                Ok(Attempt::Done { consumed: line.len() + 1, args })
            }
        };
    }
    let Some(line) = up_to(buffer, b'\r') else {
        return if buffer.len() > limits.max_inline {
            Err(ProtocolError::TooBigMultibulkCount)
        } else {
            Ok(Attempt::More)
        };
    };
    if buffer.len() < line.len() + 2 {
        return Ok(Attempt::More);
    }
    let count = canonical(&line[1..]).filter(|&count| count <= limits.max_multibulk);
    let count = count.ok_or(ProtocolError::InvalidMultibulkLength)?;
    if count > 10 && !limits.authenticated {
        return Err(ProtocolError::UnauthenticatedMultibulkLength);
    }
    let mut rest = &buffer[line.len() + 2..];
    let mut args = Vec::new();
    for _ in 0..count {
        let Some(line) = up_to(rest, b'\r') else {
            return if rest.len() > limits.max_inline {
                Err(ProtocolError::TooBigBulkCount)
            } else {
                Ok(Attempt::More)
            };
        };
        if rest.len() < line.len() + 2 {
            return Ok(Attempt::More);
        }
        if rest[0] != b'$' {
            return Err(ProtocolError::ExpectedBulk(rest[0]));
        }
        let len = canonical(&line[1..]).filter(|&len| len >= 0 && len as u64 <= limits.max_bulk);
        let len = len.ok_or(ProtocolError::InvalidBulkLength)? as usize;
        if len > 16384 && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        rest = &rest[line.len() + 2..];
        if rest.len() < len + 2 {
            return Ok(Attempt::More);
        }
        args.push(rest[..len].to_vec());
        rest = &rest[len + 2..];
    }
    Ok(Attempt::Done { consumed: buffer.len() - rest.len(), args })
}

/// An integer that prints as it was written.
pub fn canonical(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// Splits an inline line byte by byte: `None` for unbalanced quotes.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let space = |byte: u8| b" \t\n\r\x0b\x0c".contains(&byte);
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, &mut word) {
            (Some(open), Some(text)) if byte == open => {
                if bytes.peek().is_some_and(|&next| !space(next)) {
                    return None;
                }
                words.push(std::mem::take(text));
                (quote, word) = (None, None);
            }
            (Some(b'"'), Some(text)) if byte == b'\\' => match bytes.next() {
                None => return None,
                Some(b'x') => {
                    let digits: Vec<u8> = bytes.clone().take(2).collect();
                    let pair = std::str::from_utf8(&digits).ok().filter(|pair| pair.len() == 2 && !pair.contains('+'));
                    match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                        Some(value) => {
                            text.push(value);
                            bytes.nth(1);
                        }
                        None => text.push(b'x'),
                    }
                }
                Some(b'n') => text.push(b'\n'),
                Some(b'r') => text.push(b'\r'),
                Some(b't') => text.push(b'\t'),
                Some(b'b') => text.push(8),
                Some(b'a') => text.push(7),
                Some(other) => text.push(other),
            },
            (Some(b'\''), Some(text)) if byte == b'\\' && bytes.peek() == Some(&b'\'') => {
                bytes.next();
                text.push(b'\'');
            }
            (Some(_), Some(text)) => text.push(byte),
            (None, None) if space(byte) => {}
            (None, _) if b" \t\n\r".contains(&byte) => words.extend(word.take()),
            (None, _) => {
                let text = word.get_or_insert_default();
                if b"\"'".contains(&byte) { quote = Some(byte) } else { text.push(byte) }
            }
            (Some(_), None) => unreachable!("a quote is open only within a word"),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}
