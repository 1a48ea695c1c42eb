//! Files, as logs and snapshots need them: appended to, read, made durable, given another name.
//!
//! Calls take owned buffers and give futures that live in the loop's set of jobs; the work begins when the call is made, and
//! dropping a future does not cancel it. The changes of one file are made one after the other by their caller: it waits for
//! one before it asks for the next. Reads may go on beside them.
//!
//! What is promised of durability is what POSIX promises and no more: bytes survive a power loss once a sync that began after
//! they were written has ended well, a name (of a new file, after a rename or a removal) once its directory was synced. After
//! a sync that failed nothing is known of the bytes that it was to cover, and a later sync that succeeds says nothing of them.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// To be read; it must exist.
    Read,
    /// To be read and appended to; made if it does not exist. Fails (`ResourceBusy`) while another process has it open to be written,
    /// as far as the system can tell.
    Append,
    /// To be read and appended to; made if it does not exist, emptied if it does. Fails like [`Open::Append`].
    Replace,
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    /// Without the directory's. Names that are no UTF-8 are none of ours and are left out.
    pub name: String,
    /// The file's length in bytes; 0 for a directory.
    pub len: u64,
    /// Whether it is a directory itself.
    pub is_directory: bool,
}

/// What has become of bytes that were to be appended.
#[derive(Debug)]
pub struct Appended {
    /// The buffer, given back as it came.
    pub bytes: Vec<u8>,
    /// How many bytes of all are in the file now. Fewer than all only when there was an error; they may end anywhere.
    pub written: usize,
    /// Why not all of them are, or why they are not durable though that was asked for.
    pub outcome: io::Result<()>,
}

/// The disk of one node. Relative paths start at the process's directory.
pub trait Disk: Clone + 'static {
    /// An open file.
    type File: File;

    /// What a file is called whatever becomes of the working directory, as long as no directory is renamed.
    fn absolute(&self, path: &Path) -> PathBuf;

    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> impl Future<Output = io::Result<Self::File>> + 'static;

    /// Gives a file another name, in the place of whatever had it. Whoever looks finds the old file or the new one.
    fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>> + 'static;

    /// Removes a file.
    fn remove(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static;

    /// Removes a file that nobody writes any more. One that was opened to be written and is still open, in
    /// whichever process, stays; so does one of which that can't be told.
    fn remove_abandoned(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static;

    /// Makes a directory, unless there is one.
    fn create_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static;

    /// What a directory holds, by name.
    fn list(&self, path: &Path) -> impl Future<Output = io::Result<Vec<DirectoryEntry>>> + 'static;

    /// Writes what a file holds from this offset on over itself, and makes it durable: also where an earlier sync has failed, after
    /// which the bytes look as if they were on the disk and no later sync would put them there. At no moment does the file hold
    /// anything else.
    fn write_again(&self, path: &Path, from: u64) -> impl Future<Output = io::Result<()>> + 'static;

    /// Makes the names in a directory durable, as they are when the call is made.
    fn sync_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static;
}

/// An open file. Clones are handles on the same one; it is closed when the last is dropped.
pub trait File: Clone + 'static {
    /// Appends bytes, and makes the whole file durable after them if `sync` says so.
    fn append(&self, bytes: Vec<u8>, sync: bool) -> impl Future<Output = Appended> + 'static {
        self.append_headed(Vec::new(), bytes, sync)
    }

    /// The same of `head` and what is to stand behind it, as if they were one: they need not be copied together. Those of `head` count
    /// among the bytes that were written; the buffer that comes back is the other.
    fn append_headed(&self, head: Vec<u8>, bytes: Vec<u8>, sync: bool) -> impl Future<Output = Appended> + 'static;

    /// Makes durable what was written before the call.
    fn sync(&self) -> impl Future<Output = io::Result<()>> + 'static;

    /// Reads up to `len` bytes from `offset` on: fewer only where the file ends.
    fn read_at(&self, offset: u64, len: usize) -> impl Future<Output = io::Result<Vec<u8>>> + 'static;

    /// The file's length in bytes.
    fn size(&self) -> impl Future<Output = io::Result<u64>> + 'static;

    /// Cuts the file off, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static;
}
