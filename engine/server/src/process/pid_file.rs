//! `pidfile`: a file that holds the process id while the server runs.
//!
//! Written in the background always ([`DEFAULT`], if nothing else was said), in the foreground when one is named; removed when the server ends in order. A pid file
//! that can't be written is a line in the log and no reason not to serve.

use std::fs;
use std::path::{Path, PathBuf};

use super::reason;

/// Where a server in the background leaves its pid when nothing else was said.
pub(super) const DEFAULT: &str = "/var/run/redis.pid";

/// The file of this process.
pub struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the file, if there is to be one: `path` is the parameter, empty for none.
    pub fn write(path: &str) -> Option<PidFile> {
        if path.is_empty() {
            return None;
        }
        // Made absolute now, for `dir` may change the working directory later.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        if let Err(error) = fs::write(&path, format!("{}\n", std::process::id())) {
            tracing::warn!("Failed to write PID file: {}", reason(&error));
        }
        Some(PidFile { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file: the server ends in order.
    pub fn remove(self) {
        tracing::info!("Removing the pid file.");
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!("Removing the pid file {}: {}", self.path.display(), reason(&error));
        }
    }
}
