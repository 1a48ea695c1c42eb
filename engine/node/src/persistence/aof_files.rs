//! The files of an append-only file: what the manifest names, and how the manifest itself is replaced.
//!
//! The manifest is written aside, synced, given its name, and the folder synced: whoever starts finds the old or the new
//! one, whole, and every file that it names.

use std::io;
use std::path::{Path, PathBuf};

use refrain_persist::aof::manifest::{Manifest, manifest_name, temporary_manifest_name};
use refrain_persist::{Salt, seal, stamp};
use refrain_runtime::{Disk, File, Open};

/// A manifest and where its files are.
#[derive(Debug, Clone)]
pub struct AofFiles {
    folder: PathBuf,
    /// `appendfilename`: what all names begin with.
    name: String,
    manifest: Manifest,
}

impl AofFiles {
    /// Those that `manifest` names, in `folder`, under names that begin with `name`.
    pub fn new(folder: &Path, name: &str, manifest: Manifest) -> AofFiles {
        AofFiles { folder: folder.to_path_buf(), name: name.to_owned(), manifest }
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of one of them.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the manifest is.
    pub fn manifest_path(&self) -> PathBuf {
        self.folder.join(manifest_name(&self.name))
    }

    /// What it says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The same with one more incremental file, and its name.
    pub fn with_new_incremental(&self) -> (String, AofFiles) {
        let mut next = self.clone();
        let name = next.manifest.begin_incremental(&self.name);
        (name, next)
    }

    /// The same with a new base, and its name: the old base and all incremental files but the last have become history. Without an old
    /// base there is no history, for it would say that what is in it had followed one.
    pub fn with_new_base(&self, is_rdb: bool) -> (String, AofFiles) {
        let mut next = self.clone();
        let has_base = next.manifest.base.is_some();
        let name = next.manifest.begin_base(&self.name, is_rdb);
        next.manifest.retire_incrementals(true);
        if !has_base {
            next.manifest.history.clear();
        }
        (name, next)
    }

    /// Forgets the history.
    pub fn drop_history(&mut self) {
        self.manifest.history.clear();
    }

    /// What of these is needed no longer when `next` has taken their place.
    pub fn left_behind(&self, next: &AofFiles) -> Vec<String> {
        let needed = |name: &str| next.manifest.files().any(|file| file.name == name);
        let all = self.manifest.files().chain(&self.manifest.history);
        all.filter(|file| !needed(&file.name)).map(|file| file.name.clone()).collect()
    }

    /// Forgets the incremental files.
    pub fn drop_incremental(&mut self) {
        self.manifest.incremental.clear();
    }

    fn aside(&self) -> PathBuf {
        self.folder.join(temporary_manifest_name(&self.name))
    }

    /// Makes an incremental file that nothing refers to yet. It begins with its salt and a seal, so that it can be told from damage if the
    /// power is lost while the first piece is written; that, and its name, are durable. If it is to say when it was written, it begins
    /// with that behind the salt.
    ///
    /// # Errors
    /// As the disk words them.
    pub async fn make_incremental<D: Disk>(
        &self,
        disk: &D,
        name: &str,
        salt: Salt,
        unix_s: Option<u64>,
    ) -> io::Result<(D::File, u64)> {
        let file = disk.open(&self.path(name), Open::Replace).await?;
        let start = [salt.lines(), seal(Some(salt), &unix_s.map(stamp).unwrap_or_default(), b"", 0)].concat();
        let len = start.len() as u64;
        file.append(start, true).await.outcome?;
        disk.sync_directory(&self.folder).await?;
        Ok((file, len))
    }

    /// Writes the manifest under another name: nothing has happened yet, and what could fail for want of room has not.
    ///
    /// # Errors
    /// As the disk words them.
    pub async fn write_aside<D: Disk>(&self, disk: &D) -> io::Result<()> {
        let file = disk.open(&self.aside(), Open::Replace).await?;
        file.append(self.manifest.format().into_bytes(), true).await.outcome
    }

    /// Writes the manifest, and puts it in its place. May be repeated when it fails; until it succeeds nobody knows which one would be found.
    ///
    /// # Errors
    /// As the disk words them.
    pub async fn publish<D: Disk>(&self, disk: &D) -> io::Result<()> {
        self.write_aside(disk).await?;
        self.rename_aside(disk).await?;
        disk.sync_directory(&self.folder).await
    }

    /// Gives the manifest that was written aside its name, which is durable with the next sync of the folder.
    ///
    /// # Errors
    /// As the disk words them.
    pub async fn rename_aside<D: Disk>(&self, disk: &D) -> io::Result<()> {
        disk.rename(&self.aside(), &self.manifest_path()).await
    }
}
