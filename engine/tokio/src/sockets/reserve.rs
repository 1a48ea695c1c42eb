//! A descriptor held back, so that a process that has run out of descriptors can still turn a connection away.
//!
//! Without it the connection would stay in the backlog, its client hanging, and an edge-triggered listener would never be
//! heard of again.

use std::fs::File;
use std::io;

use super::listener::Listener;

#[derive(Debug)]
pub(super) struct Reserve {
    /// Absent for as long as another thread was faster to take the descriptor.
    held: Option<File>,
}

impl Reserve {
    pub(super) fn new() -> io::Result<Reserve> {
        Ok(Reserve { held: Some(File::open("/dev/null")?) })
    }

    /// Accepts and closes one connection of `listener`, which could not be accepted for want of a descriptor.
    pub(super) fn refuse_one(&mut self, listener: &Listener) {
        self.held = None;
        if let Err(error) = listener.refuse() {
            tracing::debug!("can't refuse a connection for want of descriptors: {error}");
        }
        self.held = File::open("/dev/null").ok();
    }
}

/// True when `error` says that descriptors, or the kernel's memory for them, have run out.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
