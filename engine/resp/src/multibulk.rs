//! Commands in the form that libraries send: `*<argc>`, then `$<length>` and the bytes of each argument.
//!
//! Two ways through the same grammar. [`sprint`] handles what nearly all input is (short canonical headers, all bytes
//! there, within the limits) and stops, without judging, at the first thing that is not so; [`advance`] goes on from
//! there with every rule and every error. The sprint may never accept what the careful way would refuse.

use crate::request::{Arg, Limits};
use crate::{ProtocolError, parse_i64, steps};

/// How far a command has been understood. Offsets count from the command's first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    /// All before this has been understood: here a line begins, or the payload of a bulk.
    pub pos: usize,
    /// From `pos` up to here there is no end of line.
    pub scanned: usize,
    /// What begins at `pos`.
    pub at: At,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// The first line.
    Start,
    /// The header of an argument; so many arguments are to come, this one included.
    Header { remaining: u64 },
    /// The payload of an argument, so long; so many arguments are to come, this one included.
    Payload { remaining: u64, len: u32 },
}

impl Cursor {
    pub const START: Cursor = Cursor { pos: 0, scanned: 0, at: At::Start };

    fn move_to(&mut self, pos: usize, at: At) {
        *self = Cursor { pos, scanned: pos, at };
    }
}

/// What an attempt came to.
pub(crate) enum Progress {
    /// The arguments are offsets into the input; the command ends at the cursor.
    Complete,
    /// The arguments are offsets into these bytes; the command ends at the cursor.
    Unquoted(Box<[u8]>),
    /// At least so many bytes are missing.
    Incomplete { wanted: usize },
}

/// Takes the command at one go if it is complete and plain: true, its arguments appended and the cursor at its end.
/// Otherwise false, the cursor behind what was understood, the arguments before it appended.
#[inline]
pub(crate) fn sprint(cursor: &mut Cursor, input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> bool {
    let (mut max_count, mut max_bulk) = (u64::try_from(limits.max_multibulk).unwrap_or(0), limits.max_bulk);
    if !limits.authenticated {
        max_count = max_count.min(Limits::UNAUTHENTICATED_MULTIBULK);
        max_bulk = max_bulk.min(Limits::UNAUTHENTICATED_BULK);
    }
    let Some((count, mut pos)) = short_header(input, 0, b'*') else { return false };
    if count == 0 || u64::from(count) > max_count {
        return false;
    }
    // Offsets are 32 bits: what lies beyond is left to the careful way.
    let reach = input.len().min(u32::MAX as usize);
    let mut remaining = count;
    while remaining > 0 {
        let Some((len, start)) = short_header(input, pos, b'$') else { break };
        let end = start + len as usize + 2;
        if end > reach || u64::from(len) > max_bulk {
            break;
        }
        args.push(Arg { start: start as u32, len });
        pos = end;
        remaining -= 1;
    }
    if remaining > 0 {
        cursor.move_to(pos, At::Header { remaining: u64::from(remaining) });
        return false;
    }
    cursor.pos = pos;
    true
}

/// Reads `<marker><digits>\r?` with one to three digits: the number, and the offset behind the line. `None` for all else.
#[inline(always)]
fn short_header(input: &[u8], pos: usize, marker: u8) -> Option<(u32, usize)> {
    // The shortest legal continuation of a header is longer than this window, so that a plain command never misses it.
    let window: &[u8; 6] = input.get(pos..)?.first_chunk()?;
    let digit = |at: usize| u32::from(window[at].wrapping_sub(b'0'));
    let first = digit(1);
    if window[0] != marker || first > 9 {
        return None;
    }
    if window[2] == b'\r' {
        return Some((first, pos + 4));
    }
    let second = digit(2);
    if first == 0 || second > 9 {
        return None;
    }
    if window[3] == b'\r' {
        return Some((first * 10 + second, pos + 5));
    }
    let third = digit(3);
    if third > 9 || window[4] != b'\r' {
        return None;
    }
    Some((first * 100 + second * 10 + third, pos + 6))
}

/// Goes on from the cursor as far as the input allows.
pub(crate) fn advance(
    cursor: &mut Cursor,
    input: &[u8],
    args: &mut Vec<Arg>,
    limits: &Limits,
) -> Result<Progress, ProtocolError> {
    loop {
        steps::count(1);
        match cursor.at {
            At::Start => {
                let Some(line) = header(cursor, input, limits.max_inline, ProtocolError::TooBigMultibulkCount)? else {
                    return Ok(Progress::Incomplete { wanted: 1 });
                };
                let after = line.len() + 2;
                match multibulk_length(line, limits)? {
                    0 => {
                        cursor.pos = after;
                        return Ok(Progress::Complete);
                    }
                    remaining => cursor.move_to(after, At::Header { remaining }),
                }
            }
            At::Header { remaining } => {
                let Some(line) = header(cursor, input, limits.max_inline, ProtocolError::TooBigBulkCount)? else {
                    return Ok(Progress::Incomplete { wanted: 1 });
                };
                let len = bulk_length(line, limits)?;
                let start = cursor.pos + line.len() + 2;
                let len = u32::try_from(len).map_err(|_| ProtocolError::CommandTooBig)?;
                if start as u64 + u64::from(len) + 2 > u64::from(u32::MAX) {
                    return Err(ProtocolError::CommandTooBig);
                }
                cursor.move_to(start, At::Payload { remaining, len });
            }
            At::Payload { remaining, len } => {
                let end = cursor.pos + len as usize + 2;
                if end > input.len() {
                    return Ok(Progress::Incomplete { wanted: end - input.len() });
                }
                args.push(Arg { start: cursor.pos as u32, len });
                if remaining == 1 {
                    cursor.pos = end;
                    return Ok(Progress::Complete);
                }
                cursor.move_to(end, At::Header { remaining: remaining - 1 });
            }
        }
    }
}

/// The line at the cursor without its end, once the `\r` and one byte behind it are there.
fn header<'i>(
    cursor: &mut Cursor,
    input: &'i [u8],
    max: usize,
    too_big: ProtocolError,
) -> Result<Option<&'i [u8]>, ProtocolError> {
    let line = &input[cursor.pos..];
    let window = &line[..line.len().min(max.saturating_add(1))];
    let from = cursor.scanned - cursor.pos;
    let found = memchr::memchr2(b'\r', 0, &window[from..]).map(|at| from + at);
    steps::count(found.unwrap_or(window.len()) - from + 1);
    // Looked at again at the next call: the `\r` that waits for its `\n`, or the NUL that hides the rest.
    cursor.scanned = cursor.pos + found.unwrap_or(window.len());
    match found {
        Some(end) if window[end] == b'\r' => Ok((end + 2 <= line.len()).then(|| &line[..end])),
        _ if line.len() > max => Err(too_big),
        _ => Ok(None),
    }
}

/// How many arguments the line `*<count>` announces: 0 for none.
fn multibulk_length(line: &[u8], limits: &Limits) -> Result<u64, ProtocolError> {
    match parse_i64(&line[1..]) {
        Some(count) if count <= limits.max_multibulk => {
            let count = u64::try_from(count).unwrap_or(0);
            if count > Limits::UNAUTHENTICATED_MULTIBULK && !limits.authenticated {
                return Err(ProtocolError::UnauthenticatedMultibulkLength);
            }
            Ok(count)
        }
        _ => Err(ProtocolError::InvalidMultibulkLength),
    }
}

/// How many bytes the line `$<length>` announces.
fn bulk_length(line: &[u8], limits: &Limits) -> Result<u64, ProtocolError> {
    let digits = match line {
        [b'$', digits @ ..] => digits,
        [got, ..] => return Err(ProtocolError::ExpectedBulk(*got)),
        [] => return Err(ProtocolError::ExpectedBulk(b'\r')),
    };
    match parse_i64(digits).map(u64::try_from) {
        Some(Ok(len)) if len <= limits.max_bulk => {
            if len > Limits::UNAUTHENTICATED_BULK && !limits.authenticated {
                return Err(ProtocolError::UnauthenticatedBulkLength);
            }
            Ok(len)
        }
        _ => Err(ProtocolError::InvalidBulkLength),
    }
}
