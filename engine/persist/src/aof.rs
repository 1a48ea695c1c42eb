//! Append-only files: the commands that changed the data, in order, in as many files as the manifest names.
//!
//! A directory holds a manifest, a base (the data at one point in time, as RDB or as commands) and what was appended since, in
//! one file after another. A file that was being written when its process died ends anywhere; what counts of it are its whole
//! commands, and of a transaction all or nothing. Nothing in here opens a file.

pub mod commands;
mod error;
mod foreign;
pub mod manifest;
mod reader;

pub use error::{AofError, AofErrorKind};
pub use foreign::{blank_seal, seal_gone_on_behind};
pub(crate) use reader::number;
pub use reader::{AofCommand, AofItem, AofReader};
