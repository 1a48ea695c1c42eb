//! The names of files and directories: as processes see them, and as they would be after the loss of power.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};

use super::InodeId;
use crate::entropy::Stream;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    File(InodeId),
    Directory,
}

/// A change that is not durable yet.
#[derive(Debug)]
enum Change {
    Set(String, Entry),
    Remove(String),
    Rename(String, String, Entry),
}

impl Change {
    /// The directory whose sync makes it durable.
    fn directory(&self) -> &str {
        match self {
            Change::Set(path, _) | Change::Remove(path) | Change::Rename(_, path, _) => parent(path),
        }
    }

    fn apply(self, names: &mut BTreeMap<String, Entry>) {
        match self {
            Change::Set(path, entry) => {
                names.insert(path, entry);
            }
            Change::Remove(path) => {
                names.remove(&path);
            }
            Change::Rename(from, to, entry) => {
                names.remove(&from);
                names.insert(to, entry);
            }
        }
    }
}

/// A host's names. The root directory always exists; paths have no leading or trailing slash, and the root's is empty.
#[derive(Debug, Default)]
pub(crate) struct Names {
    seen: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
    /// Numbered in the order in which they were made.
    unsynced: Vec<(u64, Change)>,
    changes: u64,
}

/// The directory that a path is in.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Names {
    pub(crate) fn get(&self, path: &str) -> Option<Entry> {
        if path.is_empty() { Some(Entry::Directory) } else { self.seen.get(path).copied() }
    }

    fn change(&mut self, change: Change) {
        self.changes += 1;
        self.unsynced.push((self.changes, change));
    }

    pub(crate) fn set(&mut self, path: &str, entry: Entry) -> io::Result<()> {
        if self.get(parent(path)) != Some(Entry::Directory) {
            return Err(ErrorKind::NotFound.into());
        }
        self.seen.insert(path.to_owned(), entry);
        self.change(Change::Set(path.to_owned(), entry));
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &str) -> io::Result<()> {
        match self.get(path) {
            Some(Entry::File(_)) => {}
            Some(Entry::Directory) => return Err(ErrorKind::IsADirectory.into()),
            None => return Err(ErrorKind::NotFound.into()),
        }
        self.seen.remove(path);
        self.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let Some(entry @ Entry::File(_)) = self.get(from) else { return Err(ErrorKind::NotFound.into()) };
        if self.get(to) == Some(Entry::Directory) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if self.get(parent(to)) != Some(Entry::Directory) {
            return Err(ErrorKind::NotFound.into());
        }
        self.seen.remove(from);
        self.seen.insert(to.to_owned(), entry);
        self.change(Change::Rename(from.to_owned(), to.to_owned(), entry));
        Ok(())
    }

    /// What is directly inside a directory, by name.
    pub(crate) fn inside(&self, path: &str) -> io::Result<impl Iterator<Item = (String, Entry)>> {
        match self.get(path) {
            Some(Entry::Directory) => {}
            Some(Entry::File(_)) => return Err(ErrorKind::NotADirectory.into()),
            None => return Err(ErrorKind::NotFound.into()),
        }
        let inside = self.seen.iter().filter(move |(name, _)| parent(name) == path);
        Ok(inside.map(|(name, entry)| (name.rsplit('/').next().unwrap_or(name).to_owned(), *entry)))
    }

    pub(crate) fn mark(&self) -> u64 {
        self.changes
    }

    /// The changes of one directory's names up to `mark` are durable.
    pub(crate) fn sync(&mut self, path: &str, mark: u64) -> io::Result<()> {
        if self.get(path) != Some(Entry::Directory) {
            return Err(ErrorKind::NotFound.into());
        }
        for (number, change) in std::mem::take(&mut self.unsynced) {
            if number <= mark && change.directory() == path {
                change.apply(&mut self.durable);
            } else {
                self.unsynced.push((number, change));
            }
        }
        Ok(())
    }

    /// All is durable as it is.
    pub(crate) fn settle(&mut self) {
        self.unsynced.clear();
        self.durable = self.seen.clone();
    }

    pub(crate) fn lose_power(&mut self, in_order: bool, chance: &mut Stream) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let survivors = chance.below(unsynced.len() as u64 + 1);
        for (at, (_, change)) in unsynced.into_iter().enumerate() {
            let survives = if in_order { (at as u64) < survivors } else { chance.chance(0.5) };
            if survives {
                change.apply(&mut self.durable);
            }
        }
        // What is in a directory that is not there is nowhere.
        let durable = std::mem::take(&mut self.durable);
        for (path, entry) in durable {
            let directory = parent(&path);
            if directory.is_empty() || self.durable.get(directory) == Some(&Entry::Directory) {
                self.durable.insert(path, entry);
            }
        }
        self.seen = self.durable.clone();
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (String, InodeId)> {
        self.seen.iter().filter_map(|(path, entry)| match entry {
            Entry::File(inode) => Some((path.clone(), *inode)),
            Entry::Directory => None,
        })
    }

    pub(crate) fn inodes(&self) -> BTreeSet<InodeId> {
        self.files().map(|(_, inode)| inode).collect()
    }

    pub(crate) fn durable_inodes(&self) -> BTreeSet<InodeId> {
        let file = |entry: &Entry| if let Entry::File(inode) = entry { Some(*inode) } else { None };
        let unsynced = self.unsynced.iter().filter_map(|(_, change)| match change {
            Change::Set(_, entry) | Change::Rename(_, _, entry) => file(entry),
            Change::Remove(_) => None,
        });
        self.durable.values().filter_map(file).chain(unsynced).collect()
    }
}
