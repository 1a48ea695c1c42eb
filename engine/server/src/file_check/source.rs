//! A file that is checked: read in pieces from its beginning, cut off only when that was decided.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Failed;
use super::console::Console;

/// How much is read at once.
const PIECE_BYTES: usize = 1 << 20;

/// An open file.
pub struct Source<'a> {
    console: &'a Console,
    file: File,
    /// How long it was when it was opened.
    pub len: u64,
    read: u64,
    piece: Vec<u8>,
}

impl<'a> Source<'a> {
    /// Opens a file, to be cut off perhaps: not one that a server is writing.
    pub fn open(console: &'a Console, path: &Path, may_truncate: bool) -> io::Result<Source<'a>> {
        let file = OpenOptions::new().read(true).write(may_truncate).open(path)?;
        if may_truncate && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "a server is writing to it"));
        }
        let len = file.metadata()?.len();
        console.begin(len);
        Ok(Source { console, file, len, read: 0, piece: vec![0; PIECE_BYTES] })
    }

    /// The next piece; empty at the end.
    pub fn next_piece(&mut self) -> io::Result<&[u8]> {
        let len = loop {
            match self.file.read(&mut self.piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.read += len as u64;
        self.console.progress(self.read);
        if len == 0 {
            self.console.end();
        }
        Ok(&self.piece[..len])
    }

    /// All that stands behind an offset; `None` if that is more than 1 GiB.
    pub fn from(&self, offset: u64) -> io::Result<Option<Vec<u8>>> {
        const MOST: u64 = 1 << 30;
        let len = self.len.saturating_sub(offset);
        if len > MOST {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(Some(bytes))
    }

    /// Writes over what stands at an offset, for good.
    pub fn overwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        self.file.sync_all()
    }

    /// Cuts the file off, for good.
    pub fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.sync_all()
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        self.console.end();
    }
}

/// The first bytes of a file, at most so many.
pub fn first_bytes(console: &Console, path: &Path, count: u64) -> Result<Vec<u8>, Failed> {
    let read = |file: File| {
        let mut bytes = Vec::new();
        file.take(count).read_to_end(&mut bytes).map(|_| bytes)
    };
    File::open(path).and_then(read).map_err(|error| {
        console.say(&format!("Cannot open file {}: {error}", path.display()));
        Failed
    })
}
