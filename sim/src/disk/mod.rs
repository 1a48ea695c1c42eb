//! The disk of a simulated host: a page cache over what is really on the platter.
//!
//! A process sees the cache. What survives the loss of power is what was made durable, and of the rest whatever chance leaves:
//! each 512-byte sector that was written and not synced is there, is not, or is torn, independently of the others; a file's
//! length is decided apart from its contents; and of the names that were given, changed or taken away without a sync of their
//! directory a beginning survives, or any part, as the host is configured. A sync covers what was written before it began. One
//! that fails leaves the pages clean: they look right until the power goes, and no later sync writes them.
//!
//! Nothing of this is ever told to the process. The end of a process (kill) loses nothing of the cache.

mod handle;
mod inode;
mod names;

pub use handle::{SimDisk, SimFile};

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::Duration;

use refrain_runtime::{DirectoryEntry, Open};

use crate::entropy::Stream;
use inode::Inode;
use names::{Entry, Names};

/// How a host's disk behaves. Plain data, so that a plan can carry it; a fault replaces it for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiskConfig {
    /// The least and the most time that a call takes which only touches the cache.
    pub call: [Duration; 2],
    /// The least and the most time that a sync takes.
    pub sync: [Duration; 2],
    /// How many bytes a second are read, and written back by a sync; 0 is without bound.
    pub bytes_per_second: u64,
    /// Bytes that all files may have together.
    pub capacity: u64,
    /// How often a write fails (EIO), some of its bytes written.
    pub write_error: f64,
    /// How often a write to a disk with room takes only a part, and says that there is no room.
    pub no_room: f64,
    /// How often a sync fails (EIO).
    pub sync_error: f64,
    /// How often a read fails (EIO).
    pub read_error: f64,
    /// How often a sector that was written and not synced survives the loss of power.
    pub unsynced_survives: f64,
    /// How often one that survives does so in part.
    pub torn: f64,
    /// Whether changes of names survive in the order in which they were made, rather than any of them.
    pub names_in_order: bool,
    /// A sync of a directory does nothing, and says that it was done: so a process can be seen that forgets it.
    pub forgets_names: bool,
}

impl Default for DiskConfig {
    /// A quick, large, faultless disk, on which the loss of power is as bad as it may be.
    fn default() -> DiskConfig {
        DiskConfig {
            call: [Duration::from_micros(5), Duration::from_micros(50)],
            sync: [Duration::from_micros(100), Duration::from_millis(2)],
            bytes_per_second: 500 << 20,
            capacity: 1 << 40,
            write_error: 0.0,
            no_room: 0.0,
            sync_error: 0.0,
            read_error: 0.0,
            unsynced_survives: 0.5,
            torn: 0.25,
            names_in_order: false,
            forgets_names: false,
        }
    }
}

/// Names an inode. Never used twice.
pub(crate) type InodeId = u64;

/// One host's disk.
pub(crate) struct Volume {
    pub(crate) config: DiskConfig,
    /// While it stands still no call ends.
    pub(crate) stuck_until: u64,
    /// Counts losses of power: what was under way before one never ends.
    pub(crate) powered: u64,
    inodes: BTreeMap<InodeId, Inode>,
    names: Names,
    next_inode: InodeId,
    chance: Stream,
}

impl Volume {
    pub(crate) fn new(chance: Stream) -> Volume {
        Volume {
            config: DiskConfig::default(),
            stuck_until: 0,
            powered: 0,
            inodes: BTreeMap::new(),
            names: Names::default(),
            next_inode: 1,
            chance,
        }
    }

    fn between(&mut self, [least, most]: [Duration; 2]) -> u64 {
        let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        self.chance.range(nanos(least)..nanos(most).max(nanos(least) + 1))
    }

    /// When a call that begins now ends: it touches the cache, moves so many bytes, and syncs if asked to.
    pub(crate) fn end_of_call(&mut self, now: u64, bytes: u64, sync: bool) -> u64 {
        let mut takes = self.between(self.config.call);
        if sync {
            takes += self.between(self.config.sync);
        }
        takes += bytes.saturating_mul(1_000_000_000).checked_div(self.config.bytes_per_second).unwrap_or(0);
        now.max(self.stuck_until).saturating_add(takes)
    }

    pub(crate) fn open(&mut self, path: &str, how: Open) -> io::Result<InodeId> {
        match (self.names.get(path), how) {
            (Some(Entry::Directory), _) => Err(ErrorKind::IsADirectory.into()),
            (Some(Entry::File(inode)), Open::Replace) => {
                self.inode(inode)?.set_len(0);
                Ok(inode)
            }
            (Some(Entry::File(inode)), _) => Ok(inode),
            (None, Open::Read) => Err(ErrorKind::NotFound.into()),
            (None, _) => {
                let inode = self.next_inode;
                self.names.set(path, Entry::File(inode))?;
                self.next_inode += 1;
                self.inodes.insert(inode, Inode::default());
                Ok(inode)
            }
        }
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.names.rename(from, to)
    }

    pub(crate) fn remove(&mut self, path: &str) -> io::Result<()> {
        self.names.remove(path)
    }

    pub(crate) fn create_directory(&mut self, path: &str) -> io::Result<()> {
        match self.names.get(path) {
            Some(Entry::Directory) => Ok(()),
            Some(Entry::File(_)) => Err(ErrorKind::AlreadyExists.into()),
            None => self.names.set(path, Entry::Directory),
        }
    }

    pub(crate) fn list(&self, path: &str) -> io::Result<Vec<DirectoryEntry>> {
        let inside = self.names.inside(path)?;
        let entries = inside.map(|(name, entry)| match entry {
            Entry::Directory => DirectoryEntry { name, len: 0, is_directory: true },
            Entry::File(inode) => {
                let len = self.inodes.get(&inode).map_or(0, |inode| inode.len());
                DirectoryEntry { name, len, is_directory: false }
            }
        });
        Ok(entries.collect())
    }

    /// How many changes of names there were: what a directory's sync that begins now covers.
    pub(crate) fn names_mark(&self) -> u64 {
        self.names.mark()
    }

    /// The directory's names as they were at `mark` are durable, unless the disk says otherwise.
    pub(crate) fn sync_directory(&mut self, path: &str, mark: u64) -> io::Result<()> {
        if self.chance.chance(self.config.sync_error) {
            return Err(input_output());
        }
        if self.config.forgets_names {
            return Ok(());
        }
        self.names.sync(path, mark)
    }

    fn inode(&mut self, id: InodeId) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&id).ok_or(ErrorKind::NotFound.into())
    }

    /// Appends as much as there is room for and the disk takes. How much that was, and the error if it was not all.
    pub(crate) fn append(&mut self, id: InodeId, bytes: &[u8]) -> (usize, io::Result<()>) {
        let used: u64 = self.names.files().filter_map(|(_, id)| self.inodes.get(&id)).map(Inode::len).sum();
        let room = usize::try_from(self.config.capacity.saturating_sub(used)).unwrap_or(usize::MAX);
        let part = |chance: &mut Stream| chance.below(bytes.len() as u64) as usize;
        let (taken, outcome) = if self.chance.chance(self.config.write_error) {
            (part(&mut self.chance), Err(input_output()))
        } else if self.chance.chance(self.config.no_room) {
            (part(&mut self.chance), Err(ErrorKind::StorageFull.into()))
        } else if bytes.len() > room {
            (room, Err(ErrorKind::StorageFull.into()))
        } else {
            (bytes.len(), Ok(()))
        };
        match self.inode(id) {
            Ok(inode) => {
                inode.append(&bytes[..taken]);
                (taken, outcome)
            }
            Err(error) => (0, Err(error)),
        }
    }

    /// Writes a file's bytes from this offset on over themselves, unless the disk takes none.
    pub(crate) fn write_again(&mut self, path: &str, from: u64) -> io::Result<InodeId> {
        let id = self.open(path, Open::Read)?;
        if self.chance.chance(self.config.write_error) {
            return Err(input_output());
        }
        self.inode(id)?.write_again(from);
        Ok(id)
    }

    /// What a sync of the file that begins now covers.
    pub(crate) fn file_mark(&mut self, id: InodeId) -> inode::Mark {
        self.inode(id).map(|inode| inode.mark()).unwrap_or_default()
    }

    /// Bytes that a sync of the file would write.
    pub(crate) fn dirty_bytes(&mut self, id: InodeId) -> u64 {
        self.inode(id).map_or(0, |inode| inode.dirty_bytes())
    }

    /// A sync of the file ends: what `mark` covers is durable, or the disk fails it and it never will be.
    pub(crate) fn sync_file(&mut self, id: InodeId, mark: inode::Mark) -> io::Result<()> {
        let fails = self.chance.chance(self.config.sync_error);
        let inode = self.inode(id)?;
        if fails {
            inode.forget(&mark);
            return Err(input_output());
        }
        inode.make_durable(mark);
        Ok(())
    }

    pub(crate) fn read_at(&mut self, id: InodeId, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        if self.chance.chance(self.config.read_error) {
            return Err(input_output());
        }
        Ok(self.inode(id)?.read_at(offset, len))
    }

    pub(crate) fn len(&mut self, id: InodeId) -> io::Result<u64> {
        self.inode(id).map(|inode| inode.len())
    }

    pub(crate) fn set_len(&mut self, id: InodeId, len: u64) -> io::Result<()> {
        self.inode(id)?.set_len(len);
        Ok(())
    }

    /// The power goes.
    pub(crate) fn lose_power(&mut self) {
        self.names.lose_power(self.config.names_in_order, &mut self.chance);
        let named = self.names.inodes();
        self.inodes.retain(|id, _| named.contains(id));
        for inode in self.inodes.values_mut() {
            inode.lose_power(self.config.unsynced_survives, self.config.torn, &mut self.chance);
        }
        self.stuck_until = 0;
        self.powered += 1;
    }

    /// A process has ended: what has no name any more is gone.
    pub(crate) fn close_all(&mut self) {
        let named = self.names.inodes();
        let durable = self.names.durable_inodes();
        self.inodes.retain(|id, _| named.contains(id) || durable.contains(id));
    }

    /// Changes one bit of one file, in the cache and on the platter. False when there is nothing to change.
    pub(crate) fn rot(&mut self, which: u64, at: u64) -> bool {
        let mut files: Vec<&mut Inode> = self.inodes.values_mut().filter(|inode| inode.len() > 0).collect();
        let count = files.len() as u64;
        if count == 0 {
            return false;
        }
        files[(which % count) as usize].rot(at);
        true
    }

    /// All files as a process would find them, for oracles.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.names.files();
        files.filter_map(|(path, id)| Some((path, self.inodes.get(&id)?.read_at(0, usize::MAX)))).collect()
    }

    /// Puts a file there, durable, as if it had always been there.
    pub(crate) fn place(&mut self, path: &str, contents: &[u8]) -> io::Result<()> {
        let id = self.open(path, Open::Replace)?;
        let inode = self.inode(id)?;
        inode.append(contents);
        let mark = inode.mark();
        inode.make_durable(mark);
        self.names.settle();
        Ok(())
    }
}

/// EIO, which std has no word for.
fn input_output() -> io::Error {
    const EIO: i32 = 5;
    io::Error::from_raw_os_error(EIO)
}

#[cfg(test)]
mod tests;
