//! What outlives a process: RDB (its encodings of values, the files that are made of them, the payloads of DUMP and RESTORE) and
//! append-only files.
//!
//! Pure: bytes in, bytes out. What is written of a value equals what Redis 7.2 writes, byte for byte, compression included. What is read may
//! be anything: a malformed or hostile input gives an error, never a panic, and never more memory than it could rightly ask for.

pub mod aof;
mod crc64;
mod dump;
mod functions;
mod incoming;
mod input;
mod length;
pub mod rdb;
mod seal;
mod string;
mod value;

pub use crc64::{Crc64, crc64};
pub use dump::{DumpError, dump, restore, restore_unchecked};
pub use functions::{UnnamedLibrary, library_name, restore_libraries};
pub use input::Input;
pub use length::{Length, read_length, write_length};
pub use rdb::{Usage, Version};
pub use seal::{SEAL_BYTES_MAX, SEAL_PREFIX, Salt, Seal, seal, stamp};
pub use string::{Compressor, StringValue, read_string, write_string};
pub use value::{Limits, Restored, read_value, value_type, version_of, write_value};

/// The input ends too early, or is nothing that RDB knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;
