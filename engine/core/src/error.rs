//! The exact error texts that peers see.
//!
//! An [`ErrorReply`] is the whole line after the `-`, code included. Texts that several commands share are constants here,
//! so that one wording has one home.

use std::borrow::Cow;

/// An error as the peer sees it, without the leading `-` and the line end: bytes, for it may quote what the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReply(Cow<'static, [u8]>);

impl ErrorReply {
    /// A text known at compile time.
    pub const fn new(text: &'static str) -> ErrorReply {
        ErrorReply(Cow::Borrowed(text.as_bytes()))
    }

    /// A text made for this occasion.
    pub fn owned(text: impl Into<Vec<u8>>) -> ErrorReply {
        ErrorReply(Cow::Owned(text.into()))
    }

    /// A text with something that the peer sent in its middle.
    pub fn quoting(before: &str, quoted: &[u8], after: &str) -> ErrorReply {
        ErrorReply::owned([before.as_bytes(), printable(quoted), after.as_bytes()].concat())
    }

    /// The whole text.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The code: the first word, by which `INFO errorstats` counts. What has no short first word counts as `ERR`.
    pub fn code(&self) -> Cow<'_, str> {
        const CODE_MAX: usize = 31;
        let end = self.0.iter().take(CODE_MAX).position(|byte| *byte == b' ');
        end.map_or(Cow::Borrowed("ERR"), |end| String::from_utf8_lossy(&self.0[..end]))
    }

    /// A container's subcommand called in a way that it doesn't know, as Redis words it. Both names are as the client typed them.
    pub fn subcommand_syntax(container: &[u8], subcommand: &[u8]) -> ErrorReply {
        let container = printable(container).to_ascii_uppercase();
        ErrorReply::owned(
            [
                b"ERR unknown subcommand or wrong number of arguments for '".as_slice(),
                printable(subcommand),
                b"'. Try ",
                &container,
                b" HELP.",
            ]
            .concat(),
        )
    }

    /// The arity error of a command, as Redis words it.
    pub fn arity(name: &str) -> ErrorReply {
        ErrorReply::owned(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// A TTL that is not positive or overflows, as Redis words it.
    pub fn invalid_expire(name: &str) -> ErrorReply {
        ErrorReply::owned(format!("ERR invalid expire time in '{name}' command"))
    }
}

/// What an error repeats of bytes that the peer sent: at most 128, and nothing from a NUL on, as Redis's C strings end there.
/// Line ends are neutralised by the encoder.
pub fn printable(bytes: &[u8]) -> &[u8] {
    const QUOTED_MAX: usize = 128;
    let end = bytes.iter().take(QUOTED_MAX).position(|b| *b == 0).unwrap_or(bytes.len().min(QUOTED_MAX));
    &bytes[..end]
}

/// The system's words for `error`, without the number that std appends.
pub fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A value of another type than the command works on.
pub const WRONG_TYPE: ErrorReply = ErrorReply::new("WRONGTYPE Operation against a key holding the wrong kind of value");
/// Options that do not parse.
pub const SYNTAX: ErrorReply = ErrorReply::new("ERR syntax error");
/// A number was expected.
pub const NOT_AN_INTEGER: ErrorReply = ErrorReply::new("ERR value is not an integer or out of range");
/// A floating-point number was expected.
pub const NOT_A_FLOAT: ErrorReply = ErrorReply::new("ERR value is not a valid float");
/// COPY or MOVE of a key onto itself.
pub const SAME_OBJECT: ErrorReply = ErrorReply::new("ERR source and destination objects are the same");
/// INCR and its like would leave the range of i64.
pub const INCREMENT_OVERFLOW: ErrorReply = ErrorReply::new("ERR increment or decrement would overflow");
/// DECRBY's argument cannot be negated.
pub const DECREMENT_OVERFLOW: ErrorReply = ErrorReply::new("ERR decrement would overflow");
/// A key that must exist.
pub const NO_SUCH_KEY: ErrorReply = ErrorReply::new("ERR no such key");
/// A database index that does not exist.
pub const DB_OUT_OF_RANGE: ErrorReply = ErrorReply::new("ERR DB index is out of range");
/// A string would grow beyond `proto-max-bulk-len`.
pub const STRING_TOO_LONG: ErrorReply = ErrorReply::new("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
/// Anything but AUTH, HELLO, QUIT and RESET before authentication.
pub const NOAUTH: ErrorReply = ErrorReply::new("NOAUTH Authentication required.");
/// Wrong user name or password.
pub const WRONGPASS: ErrorReply = ErrorReply::new("WRONGPASS invalid username-password pair or user is disabled.");
/// What is never queued.
pub const NOT_IN_MULTI: ErrorReply = ErrorReply::new("ERR Command not allowed inside a transaction");
/// While the data set is being loaded.
pub const LOADING: ErrorReply = ErrorReply::new("LOADING Redis is loading the dataset in memory");
/// EXEC after a command was refused while queueing.
pub const EXECABORT: ErrorReply = ErrorReply::new("EXECABORT Transaction discarded because of previous errors.");
/// A cursor that is no unsigned number.
pub const INVALID_CURSOR: ErrorReply = ErrorReply::new("ERR invalid cursor");
