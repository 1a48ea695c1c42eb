//! What can be wrong with an append-only file, and what of it the loss of power explains.

use std::fmt;

/// Why a file can't be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AofError {
    /// Where in the file.
    pub offset: u64,
    /// What is wrong.
    pub kind: AofErrorKind,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AofErrorKind {
    /// Another byte than what an array or a bulk string begins with, or an annotation.
    Prefix {
        /// What should be there.
        expected: u8,
        /// What is there.
        found: u8,
    },
    /// No line end where a number or an argument ends.
    LineEnd {
        /// What is there.
        found: [u8; 2],
    },
    /// A number that is none, or out of range.
    Number,
    /// An annotation that does not end.
    LongAnnotation,
    /// A MULTI within a transaction.
    UnexpectedMulti,
    /// An EXEC without one.
    UnexpectedExec,
    /// The file ends within a command.
    Truncated,
    /// The file ends within a transaction.
    OpenTransaction,
    /// A seal does not hold for what follows it, or is not whole.
    BrokenSeal,
    /// Behind a sealed piece stands something that no server has written.
    Unsealed,
}

impl AofErrorKind {
    /// Whether the file only ends too early: what a process leaves behind that died while it wrote. Its valid part is as good as
    /// any.
    #[must_use]
    pub fn is_truncation(&self) -> bool {
        matches!(self, AofErrorKind::Truncated | AofErrorKind::OpenTransaction)
    }

    /// Whether the loss of power may leave this behind of what was written last: sectors that were never synced may be missing,
    /// torn, or there without those before them. Whether it did, or something that was durable is damaged, is told by the
    /// seals that follow ([`Seal::latest_claim`](crate::Seal::latest_claim)).
    #[must_use]
    pub fn may_be_unsynced(&self) -> bool {
        self.is_truncation() || matches!(self, AofErrorKind::BrokenSeal | AofErrorKind::Unsealed)
    }
}

impl fmt::Display for AofErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AofErrorKind::Prefix { expected, found } => {
                let (expected, found) = (char::from(*expected), found.escape_ascii());
                write!(f, "Expected prefix '{expected}', got: '{found}'")
            }
            AofErrorKind::LineEnd { found: [a, b] } => write!(f, "Expected \\r\\n, got: {a:02x}{b:02x}"),
            AofErrorKind::Number => f.write_str("Expected a number in range"),
            AofErrorKind::LongAnnotation => f.write_str("Annotation is too long"),
            AofErrorKind::UnexpectedMulti => f.write_str("Unexpected MULTI"),
            AofErrorKind::UnexpectedExec => f.write_str("Unexpected EXEC"),
            AofErrorKind::Truncated => f.write_str("Reached EOF within a command"),
            AofErrorKind::BrokenSeal => f.write_str("The checksum does not hold"),
            AofErrorKind::Unsealed => f.write_str("What follows is no command"),
            AofErrorKind::OpenTransaction => f.write_str("Reached EOF before reading EXEC for MULTI"),
        }
    }
}

impl fmt::Display for AofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.kind, self.offset)
    }
}

impl std::error::Error for AofError {}
