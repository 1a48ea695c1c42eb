//! The configuration text: `redis.conf` and what the command line adds to it.
//!
//! This module knows the grammar and where each line came from; it does not know a single parameter. What it yields is
//! an ordered list of directives, in which a later one overrides an earlier one by whatever rule its parameter has.
//! Errors read as Redis's do, because operators and test suites look for them.

mod source;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use crate::command_line::Invocation;
use crate::process::reason;

/// The version of Redis whose behaviour and messages are kept.
pub const REDIS_VERSION: &str = "7.2.4";

/// What becomes of a directive.
pub type Apply<'a> = &'a mut dyn FnMut(Directive) -> Result<(), ConfFileError>;

/// One line of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The parameter's name, in lower case.
    pub name: String,
    /// Its values, unquoted.
    pub args: Vec<Vec<u8>>,
    /// Where it stands.
    pub place: Place,
}

/// Where a directive stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The included file; `None` for the main text (file, standard input and command line, counted through).
    pub included: Option<Rc<PathBuf>>,
    /// Line number from 1. Options of the command line are counted behind the file's lines.
    pub line: usize,
    /// The line itself, without the blanks around it.
    pub text: String,
}

impl Place {
    /// The error for a directive that can't be accepted, for `reason`.
    pub fn fatal(&self, reason: &str) -> ConfFileError {
        ConfFileError::Directive { place: self.clone(), reason: reason.to_owned() }
    }
}

/// Why there is no configuration. `Display` gives what the operator is to see; the exit code is 1.
#[derive(Debug)]
pub enum ConfFileError {
    /// A line is wrong.
    Directive {
        /// Which line.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// What the lines say together is wrong.
    Whole {
        /// What is wrong with it.
        reason: String,
    },
    /// A file can't be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl fmt::Display for ConfFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfFileError::Directive { place, reason } => {
                write!(f, "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***\nReading the configuration file")?;
                if let Some(path) = &place.included {
                    write!(f, " '{}'", path.display())?;
                }
                write!(f, ", at line {}\n>>> '{}'\n{reason}\n", place.line, place.text)
            }
            ConfFileError::Whole { reason } => {
                write!(f, "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***\n{reason}\n")
            }
            ConfFileError::Unreadable { path, error } => {
                write!(f, "Fatal error, can't open config file '{}': {}", path.display(), reason(error))
            }
        }
    }
}

impl std::error::Error for ConfFileError {}

impl ConfFileError {
    /// The error for a configuration that is wrong as a whole.
    pub fn whole(reason: &str) -> ConfFileError {
        ConfFileError::Whole { reason: reason.to_owned() }
    }
}

/// Reads everything that `invocation` names, includes resolved, and hands each directive to `apply` before the next is read.
///
/// # Errors
/// A file that can't be read, a line that is no directive, or the first that `apply` refuses.
pub fn load(invocation: &Invocation, apply: Apply<'_>) -> Result<(), ConfFileError> {
    let mut text = Vec::new();
    if let Some(path) = &invocation.config_file {
        text = source::read_file(path)?;
    }
    if invocation.from_stdin {
        text.extend(source::read_stdin()?);
    }
    if !invocation.options.is_empty() {
        text.push(b'\n');
        text.extend_from_slice(&invocation.options);
    }
    source::parse(&text, None, 0, apply)
}
