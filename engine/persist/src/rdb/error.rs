//! What can be wrong with a file: where, at which key, and what.

use std::fmt;

use super::reader::owned;
use crate::Input;
use crate::value::Limits;

/// Why a file can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdbError {
    /// How many bytes of the file had been understood.
    pub offset: u64,
    /// The key that was being read, if it was known already.
    pub key: Option<Vec<u8>>,
    /// The number of the value's type, if a key or a value was being read.
    pub value_type: Option<u8>,
    /// What was being read.
    pub doing: Doing,
    /// What is wrong.
    pub kind: RdbErrorKind,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RdbErrorKind {
    /// It does not begin as a file of this format does.
    Signature,
    /// It is of a version that is not known here.
    Version(u16),
    /// It ends before its end.
    UnexpectedEnd,
    /// A number that is no type and no opcode.
    Type(u8),
    /// Something contradicts itself, or is longer than it may be.
    Malformed,
    /// A value does, in this way.
    Damaged(&'static str),
    /// A value of a module's type.
    ModuleType(String),
    /// Data of a module beside the keys.
    ModuleAux(String),
    /// What modules attached to a key.
    KeyMetadata(String),
    /// Slots of a cluster that were being imported.
    SlotImport,
    /// Functions as a release candidate wrote them.
    PreReleaseFunctions,
    /// The checksum does not fit what it covers.
    Checksum {
        /// Of what was read.
        expected: u64,
        /// What the file says.
        found: u64,
    },
}

/// What of a file was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Signature and version.
    Start,
    /// The number of a type or an opcode.
    Type,
    /// A deadline.
    Expire,
    /// A key.
    Key,
    /// A value.
    Value,
    /// The checksum.
    Checksum,
    /// A number: of a database, or of keys.
    Length,
    /// What the file says of itself.
    Aux,
    /// Data of a module.
    ModuleAux,
    /// A library of functions.
    Functions,
}

impl RdbError {
    /// An error, its kind and place yet to be said, at what may be a key: `bytes` begin with its type then.
    pub(super) fn at_key(bytes: &[u8], limits: &Limits, doing: Doing) -> RdbError {
        let mut input = Input::new(bytes);
        let at_key = matches!(doing, Doing::Key | Doing::Value);
        let value_type = input.take_array().ok().map(|[value_type]| value_type).filter(|_| at_key);
        let key = if doing == Doing::Value { owned(&mut input, limits).ok() } else { None };
        let key = key.map(|key| key.into_owned());
        RdbError { offset: 0, key, value_type, doing, kind: RdbErrorKind::Malformed }
    }
}

impl Doing {
    /// The name that Redis's checker has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Doing::Start => "start",
            Doing::Type => "read-type",
            Doing::Expire => "read-expire",
            Doing::Key => "read-key",
            Doing::Value => "read-object-value",
            Doing::Checksum => "check-sum",
            Doing::Length => "read-len",
            Doing::Aux => "read-aux",
            Doing::ModuleAux => "read-module-aux",
            Doing::Functions => "read-functions",
        }
    }
}

impl fmt::Display for RdbErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RdbErrorKind::Signature => f.write_str("Wrong signature trying to load DB from file"),
            RdbErrorKind::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            RdbErrorKind::UnexpectedEnd => f.write_str("Unexpected EOF reading RDB file"),
            RdbErrorKind::Type(number) => write!(f, "Invalid object type: {number}"),
            RdbErrorKind::Malformed => f.write_str("Bad data format"),
            RdbErrorKind::Damaged(how) => f.write_str(how.trim_end_matches('.')),
            RdbErrorKind::ModuleType(name) => {
                write!(f, "The RDB file contains module data I can't load: no matching module type '{name}'")
            }
            RdbErrorKind::ModuleAux(name) => {
                write!(f, "The RDB file contains AUX module data I can't load: no matching module '{name}'")
            }
            RdbErrorKind::KeyMetadata(names) => {
                write!(f, "The RDB file contains key metadata I can't load: no matching class '{names}'")
            }
            RdbErrorKind::SlotImport => {
                f.write_str("The RDB file contains a slot import that had not finished, which I can't load")
            }
            RdbErrorKind::PreReleaseFunctions => f.write_str("Pre-release function format not supported."),
            RdbErrorKind::Checksum { expected, found } => {
                write!(f, "RDB CRC error. Wrong RDB checksum expected: ({expected:x}) but got ({found:x})")
            }
        }
    }
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.kind, self.offset)?;
        match &self.key {
            Some(key) => write!(f, ", reading key '{}'", key.escape_ascii()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RdbError {}
