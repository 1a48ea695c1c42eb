//! What a client can get wrong about the protocol itself, in the words that Redis uses.
//!
//! Each of these ends the connection: after one the position in the stream is unknown.

use std::borrow::Cow;
use std::fmt;

/// A request that breaks the protocol. The server answers `-ERR ` and [`ProtocolError::message`], then closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// The line `*<count>` is longer than the inline limit.
    TooBigMultibulkCount,
    /// `*<count>` is not a canonical integer, or above [`crate::Limits::max_multibulk`].
    InvalidMultibulkLength,
    /// More than 10 arguments before authentication.
    UnauthenticatedMultibulkLength,
    /// The line `$<length>` is longer than the inline limit.
    TooBigBulkCount,
    /// An argument begins with this byte instead of `$`.
    ExpectedBulk(u8),
    /// `$<length>` is not a canonical integer, negative, or above [`crate::Limits::max_bulk`].
    InvalidBulkLength,
    /// An argument longer than 16384 bytes before authentication.
    UnauthenticatedBulkLength,
    /// An inline request longer than [`crate::Limits::max_inline`].
    TooBigInline,
    /// A quote of an inline request is left open, or closed in the middle of a word.
    UnbalancedQuotes,
    /// The whole command would not fit in 4 GiB, the reach of an [`crate::Arg`]. Redis has no such error: there, as
    /// here, `client-query-buffer-limit` ends such a client first, unless it was set above 4 GiB.
    CommandTooBig,
}

impl ProtocolError {
    /// The text after `-ERR `. Bytes and not `str`, for the byte that [`ProtocolError::ExpectedBulk`] quotes may be any.
    pub fn message(&self) -> Cow<'static, [u8]> {
        let text: &'static str = match self {
            ProtocolError::TooBigMultibulkCount => "Protocol error: too big mbulk count string",
            ProtocolError::InvalidMultibulkLength => "Protocol error: invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "Protocol error: unauthenticated multibulk length",
            ProtocolError::TooBigBulkCount => "Protocol error: too big bulk count string",
            ProtocolError::InvalidBulkLength => "Protocol error: invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => "Protocol error: unauthenticated bulk length",
            ProtocolError::TooBigInline => "Protocol error: too big inline request",
            ProtocolError::UnbalancedQuotes => "Protocol error: unbalanced quotes in request",
            ProtocolError::CommandTooBig => "Protocol error: too big command",
            ProtocolError::ExpectedBulk(got) => {
                // An error is one line: Redis shows line breaks inside it as spaces.
                let shown = if matches!(got, b'\r' | b'\n') { b' ' } else { *got };
                let mut message = b"Protocol error: expected '$', got '".to_vec();
                message.extend_from_slice(&[shown, b'\'']);
                return Cow::Owned(message);
            }
        };
        Cow::Borrowed(text.as_bytes())
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message()))
    }
}

impl std::error::Error for ProtocolError {}
