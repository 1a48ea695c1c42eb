//! Reading a history from text: which format it is, and what went wrong on which line.
//!
//! The format is recognised by the first line that says anything. A reader never guesses: a line that it cannot place is an
//! error, for a history with an event missing has another verdict.

use std::fmt;

use super::{History, etcd, json_lines, kv_edn};

/// Why a text is not a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Counted from one; zero if it is the text as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl ReadError {
    pub(super) fn at(line: usize, message: impl fmt::Display) -> ReadError {
        ReadError { line, message: message.to_string() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// Reads a history in any of the known formats.
///
/// # Errors
/// The first line that is not understood, or a text without any event.
pub fn read(text: &str) -> Result<History, ReadError> {
    let opening = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let history = if opening.starts_with("{\"") || opening.starts_with("{ \"") {
        json_lines::read(text)
    } else if opening.starts_with('{') {
        kv_edn::read(text)
    } else if opening.starts_with("INFO") {
        etcd::read(text)
    } else {
        let formats = "a jepsen.util log (INFO …), EDN events ({:process …) or JSON lines ({\"process\": …)";
        return Err(ReadError::at(0, format!("no history: it opens like none of {formats}")));
    }?;
    if history.operations().is_empty() {
        return Err(ReadError::at(0, "no history: it has no events"));
    }
    Ok(history)
}
