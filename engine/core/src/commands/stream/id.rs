//! Ids of entries as clients write them.

use refrain_data::stream::StreamId;

use crate::error::ErrorReply;

/// A text that is no id.
pub(super) const INVALID: ErrorReply = ErrorReply::new("ERR Invalid stream ID specified as stream command argument");
const INVALID_START: ErrorReply = ErrorReply::new("ERR invalid start ID for the interval");
const INVALID_END: ErrorReply = ErrorReply::new("ERR invalid end ID for the interval");

/// Longer texts are no ids.
const TEXT_BYTES_MAX: usize = 127;

/// The id of a new entry, as far as the client chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`: the next one.
    Auto,
    /// `ms-*`: the next one of these milliseconds.
    At(u64),
    /// This one.
    Given(StreamId),
}

/// An id without `-` and `+`; the sequence is 0 if it is missing.
pub(super) fn strict(text: &[u8]) -> Result<StreamId, ErrorReply> {
    let text = c_string(text)?;
    if matches!(text, b"-" | b"+") {
        return Err(INVALID);
    }
    numbers(text, 0).ok_or(INVALID)
}

/// An id, or `-` or `+` for the smallest and the largest; `missing_seq` is the sequence if it is missing.
pub(super) fn any(text: &[u8], missing_seq: u64) -> Result<StreamId, ErrorReply> {
    match c_string(text)? {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        text => numbers(text, missing_seq).ok_or(INVALID),
    }
}

/// The id of an entry to be added, which may be left open in part.
pub(super) fn new(text: &[u8]) -> Result<NewId, ErrorReply> {
    let text = c_string(text)?;
    if matches!(text, b"-" | b"+") {
        return Err(INVALID);
    }
    match text.strip_suffix(b"-*") {
        Some(ms) if !ms.contains(&b'-') => number(ms).map(NewId::At).ok_or(INVALID),
        _ => numbers(text, 0).map(NewId::Given).ok_or(INVALID),
    }
}

/// The start of an interval; `(` before it leaves it out.
pub(super) fn start(text: &[u8]) -> Result<StreamId, ErrorReply> {
    match text {
        [b'(', rest @ ..] if !rest.is_empty() => strict(rest)?.next().ok_or(INVALID_START),
        _ => any(text, 0),
    }
}

/// The end of an interval; `(` before it leaves it out.
pub(super) fn end(text: &[u8]) -> Result<StreamId, ErrorReply> {
    match text {
        [b'(', rest @ ..] if !rest.is_empty() => {
            let rest = c_string(rest)?;
            if matches!(rest, b"-" | b"+") {
                return Err(INVALID);
            }
            numbers(rest, u64::MAX).ok_or(INVALID)?.previous().ok_or(INVALID_END)
        }
        _ => any(text, u64::MAX),
    }
}

/// What Redis sees of a text: nothing from a NUL on.
fn c_string(text: &[u8]) -> Result<&[u8], ErrorReply> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(INVALID);
    }
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    Ok(&text[..end])
}

/// `ms` or `ms-seq`.
fn numbers(text: &[u8], missing_seq: u64) -> Option<StreamId> {
    match text.iter().position(|byte| *byte == b'-') {
        Some(dash) => Some(StreamId::new(number(&text[..dash])?, number(&text[dash + 1..])?)),
        None => Some(StreamId::new(number(text)?, missing_seq)),
    }
}

/// A number, as generously as C's `strtoull` reads one: blanks and a plus may precede it, and zeros.
fn number(text: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(|byte| blank(byte)).count()..];
    // After blanks it takes a minus, too, and wraps.
    let (negative, digits) = match text {
        [b'+', digits @ ..] => (false, digits),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let add = |sum: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    let magnitude = digits.iter().try_fold(0, add)?;
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_redis_reads_them() {
        let id = StreamId::new;
        for (text, wanted) in [
            ("5", Some(id(5, 0))),
            ("5-7", Some(id(5, 7))),
            ("005-07", Some(id(5, 7))),
            (" 5-+7", Some(id(5, 7))),
            ("18446744073709551615-18446744073709551615", Some(StreamId::MAX)),
            ("1-1\0rest", Some(id(1, 1))),
            ("", None),
            ("-", None),
            ("+", None),
            ("-5", None),
            ("5-", None),
            ("5-7-1", None),
            ("5 -7", None),
            ("18446744073709551616", None),
            ("x", None),
        ] {
            assert_eq!(strict(text.as_bytes()).ok(), wanted, "{text:?}");
        }
        assert_eq!(strict(&[b'1'; 128]).ok(), None);
        assert_eq!(new(b"5-*").ok(), Some(NewId::At(5)));
        assert_eq!(new(b"5-1").ok(), Some(NewId::Given(id(5, 1))));
        assert_eq!(new(b"1-1-*").ok(), None);
        assert_eq!(new(b"-*").ok(), None);
    }

    #[test]
    fn intervals_may_leave_out_their_ends() {
        let id = StreamId::new;
        assert_eq!(start(b"(5").ok(), Some(id(5, 1)));
        assert_eq!(end(b"(5").ok(), Some(id(5, u64::MAX - 1)));
        assert_eq!(end(b"(5-0").ok(), Some(id(4, u64::MAX)));
        assert_eq!(end(b"5").ok(), Some(id(5, u64::MAX)));
        assert_eq!(start(b"(18446744073709551615-18446744073709551615"), Err(INVALID_START));
        assert_eq!(end(b"(0-0"), Err(INVALID_END));
        assert_eq!((start(b"(-"), start(b"("), end(b"(+")), (Err(INVALID), Err(INVALID), Err(INVALID)));
    }
}
