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

    /// Where the payload of the last argument begins, and its length, if that is what comes next.
    pub fn last_payload(&self) -> Option<(usize, u32)> {
        match self.at {
            At::Payload { remaining: 1, len } => Some((self.pos, len)),
            _ => None,
        }
    }

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

/// The most digits that the sprint reads in a header; what they can say is below every limit before authentication.
const SHORT_DIGITS: u32 = 3;

/// Takes the command at one go if it is complete and plain: its arguments appended, its length returned. Otherwise the
/// cursor behind what was understood, the arguments before it appended.
#[inline(always)]
pub(crate) fn sprint(input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> Result<usize, Cursor> {
    // Offsets are 32 bits, with room for one step beyond: what lies further is left to the careful way.
    const REACH: usize = u32::MAX as usize - 10usize.pow(SHORT_DIGITS) - 16;
    let reach = input.len().min(REACH) as u32;
    let Some((count, mut pos)) = short_header(input, 0, b'*') else { return Err(Cursor::START) };
    let allowed = limits.authenticated || u64::from(count) <= Limits::UNAUTHENTICATED_MULTIBULK;
    if count == 0 || i64::from(count) > limits.max_multibulk || !allowed {
        return Err(Cursor::START);
    }
    let mut remaining = count;
    while let Some((len, start)) = short_header(input, pos, b'$') {
        let end = start + len + 2;
        if end > reach || u64::from(len) > limits.max_bulk {
            break;
        }
        args.push(Arg { start, len });
        pos = end;
        remaining -= 1;
        if remaining == 0 {
            return Ok(pos as usize);
        }
    }
    let mut cursor = Cursor::START;
    cursor.move_to(pos as usize, At::Header { remaining: u64::from(remaining) });
    Err(cursor)
}

/// Reads `<marker><digits>\r?` with one to three digits: the number, and the offset behind the line. `None` for all else.
///
/// Four bytes are taken as one word, and xor with the line that is expected, all digits 0, leaves the digits' values and
/// zeros. Turned by a byte, so that a wrong marker comes out on top, one comparison sees all that is wrong above a digit.
#[inline(always)]
fn short_header(input: &[u8], pos: u32, marker: u8) -> Option<(u32, u32)> {
    // No header with what must follow it is shorter than six bytes, so a complete command never misses the window.
    let window: &[u8; 6] = input.get(pos as usize..pos as usize + 6)?.try_into().ok()?;
    let word = u32::from_le_bytes(*window.first_chunk()?);
    let differs_from = |line: [u8; 4]| (word ^ u32::from_le_bytes(line)).rotate_right(8);

    // The byte behind the `\r` is anything.
    let one = ((word ^ u32::from_le_bytes([marker, b'0', b'\r', 0])) & 0x00ff_ffff).rotate_right(8);
    if one <= 9 {
        return Some((one, pos + 4));
    }
    // A longer number must not begin with a zero.
    let leading = |digits: u32| (digits & 0xff).wrapping_sub(1) <= 8;
    let two = differs_from([marker, b'0', b'0', b'\r']);
    if two <= 0x0909 {
        return leading(two).then_some(((two & 0xff) * 10 + (two >> 8), pos + 5));
    }
    let three = differs_from([marker, b'0', b'0', b'0']);
    let second = three >> 8 & 0xff;
    if three <= 0x0009_ffff && second <= 9 && leading(three) && window[4] == b'\r' {
        return Some(((three & 0xff) * 100 + second * 10 + (three >> 16), pos + 6));
    }
    None
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
