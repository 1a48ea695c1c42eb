//! What the tools beside the server are made of: the checkers of the files that it writes.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tools stand below the seam: they read real files, wait for real servers and ask a real person"
)]

mod backup;
pub mod file_check;

pub use backup::run as backup;
