//! Replies read back: for clients (the simulator's, the tests') and for links on which this server is the client.

use crate::parse_i64;

/// One reply. Text is bytes: nothing in the protocol says UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// `+`
    Simple(Vec<u8>),
    /// `-` and `!`: code, space and text.
    Error(Vec<u8>),
    /// `:`
    Integer(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `_`, and RESP2's `$-1` and `*-1`.
    Null,
    /// `*`
    Array(Vec<Reply>),
    /// `%`: keys and values in the order sent.
    Map(Vec<(Reply, Reply)>),
    /// `~`: members in the order sent.
    Set(Vec<Reply>),
    /// `>`: a message that answers no command.
    Push(Vec<Reply>),
    /// `,`
    Double(f64),
    /// `#`
    Boolean(bool),
    /// `(`: the digits.
    BigNumber(Vec<u8>),
    /// `=`: three bytes of format, and the text.
    Verbatim([u8; 3], Vec<u8>),
}

/// Bytes that are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// No type begins with this byte.
    UnknownType(u8),
    /// A length or number that is none.
    Malformed,
    /// Nested, long, or many beyond the limits.
    TooBig,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::UnknownType(byte) => write!(f, "no reply begins with byte 0x{byte:02x}"),
            DecodeError::Malformed => f.write_str("malformed length or number in a reply"),
            DecodeError::TooBig => f.write_str("reply beyond the limits of depth, length or elements"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// How much a server may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How deep aggregates may nest.
    pub depth: usize,
    /// The longest string or line, in bytes.
    pub len: usize,
    /// The most elements of an aggregate.
    pub elements: usize,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits { depth: 32, len: 512 << 20, elements: 1 << 24 }
    }
}

/// Decodes the reply at the start of `input` under the default limits: the reply and its length in bytes, or `None`
/// while it is incomplete. Keeps nothing between calls: a reply that comes in many pieces is looked at anew each time.
///
/// # Errors
/// Bytes that no continuation makes a reply, or one beyond the limits.
pub fn decode(input: &[u8]) -> Result<Option<(Reply, usize)>, DecodeError> {
    decode_with(input, &DecodeLimits::default())
}

/// As [`decode`], under limits of the caller's choice.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(input: &[u8], limits: &DecodeLimits) -> Result<Option<(Reply, usize)>, DecodeError> {
    let mut decoder = Decoder { input, pos: 0, limits };
    match decoder.reply(limits.depth) {
        Ok(reply) => Ok(Some((reply, decoder.pos))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Wrong(error)) => Err(error),
    }
}

struct Decoder<'i> {
    input: &'i [u8],
    pos: usize,
    limits: &'i DecodeLimits,
}

/// Why decoding went no further.
enum Stop {
    Incomplete,
    Wrong(DecodeError),
}

const MALFORMED: Stop = Stop::Wrong(DecodeError::Malformed);
const TOO_BIG: Stop = Stop::Wrong(DecodeError::TooBig);

impl<'i> Decoder<'i> {
    /// One reply, within which aggregates may nest `depth` deep.
    fn reply(&mut self, depth: usize) -> Result<Reply, Stop> {
        loop {
            let &marker = self.input.get(self.pos).ok_or(Stop::Incomplete)?;
            self.pos += 1;
            return match marker {
                b'+' => Ok(Reply::Simple(self.line()?.to_vec())),
                b'-' => Ok(Reply::Error(self.line()?.to_vec())),
                b':' => Ok(Reply::Integer(parse_i64(self.line()?).ok_or(MALFORMED)?)),
                b'$' => Ok(self.string()?.map_or(Reply::Null, |bytes| Reply::Bulk(bytes.to_vec()))),
                b'!' => Ok(Reply::Error(self.string()?.ok_or(MALFORMED)?.to_vec())),
                b'=' => match self.string()?.ok_or(MALFORMED)? {
                    [a, b, c, b':', text @ ..] => Ok(Reply::Verbatim([*a, *b, *c], text.to_vec())),
                    _ => Err(MALFORMED),
                },
                b'*' => match self.count()? {
                    None => Ok(Reply::Null),
                    Some(count) => Ok(Reply::Array(self.elements(count, depth)?)),
                },
                b'~' => self.count()?.ok_or(MALFORMED).and_then(|count| self.elements(count, depth)).map(Reply::Set),
                b'>' => self.count()?.ok_or(MALFORMED).and_then(|count| self.elements(count, depth)).map(Reply::Push),
                b'%' => self.count()?.ok_or(MALFORMED).and_then(|count| self.pairs(count, depth)).map(Reply::Map),
                b'|' => {
                    // Attributes tell of the reply behind them; nobody here asks for them.
                    let count = self.count()?.ok_or(MALFORMED)?;
                    self.pairs(count, depth)?;
                    continue;
                }
                b'_' if self.line()?.is_empty() => Ok(Reply::Null),
                b'#' => match self.line()? {
                    b"t" => Ok(Reply::Boolean(true)),
                    b"f" => Ok(Reply::Boolean(false)),
                    _ => Err(MALFORMED),
                },
                b',' => Ok(Reply::Double(double(self.line()?).ok_or(MALFORMED)?)),
                b'(' => {
                    let line = self.line()?;
                    let digits = line.strip_prefix(b"-").unwrap_or(line);
                    let canonical = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
                    if canonical { Ok(Reply::BigNumber(line.to_vec())) } else { Err(MALFORMED) }
                }
                b'_' => Err(MALFORMED),
                unknown => Err(Stop::Wrong(DecodeError::UnknownType(unknown))),
            };
        }
    }

    fn elements(&mut self, count: usize, depth: usize) -> Result<Vec<Reply>, Stop> {
        let depth = depth.checked_sub(1).ok_or(TOO_BIG)?;
        // Room grows with what has arrived, not with what was announced.
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(self.reply(depth)?);
        }
        Ok(elements)
    }

    fn pairs(&mut self, count: usize, depth: usize) -> Result<Vec<(Reply, Reply)>, Stop> {
        let depth = depth.checked_sub(1).ok_or(TOO_BIG)?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push((self.reply(depth)?, self.reply(depth)?));
        }
        Ok(pairs)
    }

    /// The rest of the line, and moves behind it.
    fn line(&mut self) -> Result<&'i [u8], Stop> {
        let rest = &self.input[self.pos..];
        let window = &rest[..rest.len().min(self.limits.len.saturating_add(1))];
        let Some(end) = memchr::memchr(b'\r', window) else {
            return Err(if rest.len() > self.limits.len { TOO_BIG } else { Stop::Incomplete });
        };
        match rest.get(end + 1) {
            None => Err(Stop::Incomplete),
            Some(b'\n') => {
                self.pos += end + 2;
                Ok(&rest[..end])
            }
            Some(_) => Err(MALFORMED),
        }
    }

    /// A length: `None` for -1, the null of RESP2.
    fn length(&mut self, max: usize) -> Result<Option<usize>, Stop> {
        match parse_i64(self.line()?).ok_or(MALFORMED)? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| MALFORMED)?;
                if length > max { Err(TOO_BIG) } else { Ok(Some(length)) }
            }
        }
    }

    fn count(&mut self) -> Result<Option<usize>, Stop> {
        self.length(self.limits.elements)
    }

    /// A string with its length before it, and moves behind it.
    fn string(&mut self) -> Result<Option<&'i [u8]>, Stop> {
        let Some(length) = self.length(self.limits.len)? else { return Ok(None) };
        let rest = &self.input[self.pos..];
        let ending = rest.get(length..).unwrap_or_default();
        match ending {
            [b'\r', b'\n', ..] => {
                self.pos += length + 2;
                Ok(Some(&rest[..length]))
            }
            [] | [b'\r'] => Err(Stop::Incomplete),
            _ => Err(MALFORMED),
        }
    }
}

/// A number as RESP3 writes it.
fn double(text: &[u8]) -> Option<f64> {
    match text {
        b"inf" => Some(f64::INFINITY),
        b"-inf" => Some(f64::NEG_INFINITY),
        b"nan" | b"-nan" => Some(f64::NAN),
        // The names that Rust would also take are not RESP.
        _ if text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) => {
            std::str::from_utf8(text).ok()?.parse().ok()
        }
        _ => None,
    }
}
