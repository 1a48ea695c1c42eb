//! RDB files: the data at one point in time, written piece by piece and read as it arrives.
//!
//! ```text
//! "REDIS" version | AUX … | FUNCTION2 … | (SELECTDB RESIZEDB (deadline? usage? type key value)…)… | EOF | checksum
//! ```
//!
//! What is written, Redis reads: version 10 is Redis 7.0's, 11 is 7.2's and Valkey's, 12 is 7.4's, 13 is 8.6's. What is read is every
//! version up to 13, and 80, which is that of Valkey 9 and stands behind `VALKEY`: see [`Dialect`]. What they hold beside
//! the data is dropped when it says nothing of it (numbers of keys by slot) and
//! refused by its name otherwise (data of modules, an import of slots that had not ended). Nothing in here opens a file, and
//! nothing is believed of a file before its bytes are there.

mod dialect;
mod error;
mod find;
mod reader;
mod skim;
mod writer;

pub(crate) use dialect::Dialect;
pub use error::{Doing, RdbError, RdbErrorKind};
pub use reader::{Checksum, Item, LoadedKey, Modules, RdbReader, ReadOptions};
pub use writer::{Aux, Batch, RdbOptions, RdbWriter};

/// What a file begins with; four digits follow.
const SIGNATURE: &[u8] = b"REDIS";

/// What a file begins with whose numbers are Valkey's; three digits follow.
const VALKEY_SIGNATURE: &[u8] = b"VALKEY";

/// With so many bytes of its beginning it is known whether a file is one: see [`is_rdb`].
pub const SIGNATURE_BYTES: usize = VALKEY_SIGNATURE.len();

/// Whether what begins so is a file of this format, of whatever version, and no list of commands.
#[must_use]
pub fn is_rdb(beginning: &[u8]) -> bool {
    beginning.starts_with(SIGNATURE) || beginning.starts_with(VALKEY_SIGNATURE)
}

/// Signature and version.
const HEADER_BYTES: usize = SIGNATURE.len() + 4;

/// From this version on a checksum follows the end.
const VERSION_WITH_CHECKSUM: u16 = 5;

/// What stands where the number of a type may stand.
pub(crate) mod opcode {
    /// Valkey's: slots that were being imported.
    pub(super) const SLOT_IMPORT: u8 = 243;
    /// Redis's: what modules attached to the key that follows.
    pub(super) const KEY_META: u8 = 243;
    pub(super) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION2: u8 = 245;
    pub(super) const FUNCTION_PRE_GA: u8 = 246;
    pub(super) const MODULE_AUX: u8 = 247;
    pub(super) const IDLE: u8 = 248;
    pub(super) const FREQ: u8 = 249;
    pub(super) const AUX: u8 = 250;
    pub(super) const RESIZEDB: u8 = 251;
    pub(super) const EXPIRETIME_MS: u8 = 252;
    pub(super) const EXPIRETIME: u8 = 253;
    pub(super) const SELECTDB: u8 = 254;
    pub(super) const EOF: u8 = 255;
}

/// A version of the format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Redis 7.0's.
    V10,
    /// Redis 7.2's and Valkey's: small packed sets, and when a consumer of a stream was last active.
    V11,
    /// Redis 7.4's: deadlines of fields of hashes.
    V12,
    /// Redis 8.6's: what streams remember of producers.
    V13,
}

impl Version {
    /// The newest that is written.
    pub const NEWEST: Version = Version::V13;

    /// The number in a file's header.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Version::V10 => 10,
            Version::V11 => 11,
            Version::V12 => 12,
            Version::V13 => 13,
        }
    }
}

/// What a file says of a key's use, for eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// Nothing.
    #[default]
    Nothing,
    /// Nobody has asked for it for so long.
    Idle {
        /// How long.
        seconds: u64,
    },
    /// How often it is asked for: the logarithmic counter of LFU.
    Frequency(u8),
}
