//! One life's view of its host's disk: `refrain_runtime::Disk`.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use refrain_runtime::{Appended, DirectoryEntry, Disk, File, Open};

use super::{InodeId, Volume, inode};
use crate::runtime::SimRuntime;
use crate::trace::Kind;
use crate::world::Sleep;

/// What calls of the disk are traced as.
#[derive(Debug, Clone, Copy)]
enum Traced {
    Open,
    Rename,
    Remove,
    CreateDirectory,
    List,
    SyncDirectory,
    Append,
    Sync,
    Read,
    Len,
    SetLen,
    WriteAgain,
}

/// A host's disk.
#[derive(Clone)]
pub struct SimDisk {
    runtime: SimRuntime,
}

/// An open file.
#[derive(Clone)]
pub struct SimFile {
    disk: SimDisk,
    inode: InodeId,
}

/// A path as names are kept: from the root, without slashes at its ends.
fn normal(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(name) => name.to_str(),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

impl SimDisk {
    pub(crate) fn new(runtime: SimRuntime) -> SimDisk {
        SimDisk { runtime }
    }

    /// A call that begins now. `begin` happens at once and says how many bytes are moved and whether it is a sync; `end` happens
    /// when that is done, whoever still waits for it, unless the power went meanwhile.
    fn call<M: 'static, T: 'static>(
        &self,
        what: Traced,
        begin: impl FnOnce(&mut Volume) -> (M, u64, bool),
        end: impl FnOnce(&mut Volume, M) -> T + 'static,
    ) -> Completion<T> {
        let node = self.runtime.node();
        let world = self.runtime.world().clone();
        let slot = Rc::new(RefCell::new(None));
        let begun = self.runtime.enter(|now, state| {
            let volume = &mut state.node(node).volume;
            let (begun, bytes, sync) = begin(volume);
            let at = volume.end_of_call(now, bytes, sync);
            let powered = volume.powered;
            state.record(now, node, Kind::Disk, what as u64, bytes);
            (begun, at, powered)
        });
        // A life that is over gets no answer.
        let Ok((begun, at, powered)) = begun else {
            return Completion { runtime: self.runtime.clone(), sleep: None, slot };
        };
        let filled = Rc::clone(&slot);
        world.at(at, move |world| {
            world.enter(|now, state| {
                let volume = &mut state.node(node).volume;
                if volume.powered == powered {
                    let outcome = end(volume, begun);
                    *filled.borrow_mut() = Some(outcome);
                    state.record(now, node, Kind::DiskDone, what as u64, 0);
                }
            });
        });
        Completion { runtime: self.runtime.clone(), sleep: Some(Box::pin(world.sleep_until(at))), slot }
    }

    /// A call that is over at once but for its answer.
    fn at_once<T: 'static>(&self, what: Traced, act: impl FnOnce(&mut Volume) -> T) -> Completion<T> {
        self.call(what, |volume| (act(volume), 0, false), |_, outcome| outcome)
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    /// Nobody has a working directory but the root.
    fn absolute(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    fn open(&self, path: &Path, how: Open) -> impl Future<Output = io::Result<SimFile>> + 'static {
        let opened = self.at_once(Traced::Open, |volume| volume.open(&normal(path), how));
        let disk = self.clone();
        async move { Ok(SimFile { disk, inode: opened.await? }) }
    }

    fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        self.at_once(Traced::Rename, |volume| volume.rename(&normal(from), &normal(to)))
    }

    fn remove(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        self.at_once(Traced::Remove, |volume| volume.remove(&normal(path)))
    }

    /// Every node has a disk of its own, and a process that looks for abandoned files has none open.
    fn remove_abandoned(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        self.remove(path)
    }

    fn create_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        self.at_once(Traced::CreateDirectory, |volume| volume.create_directory(&normal(path)))
    }

    fn list(&self, path: &Path) -> impl Future<Output = io::Result<Vec<DirectoryEntry>>> + 'static {
        self.at_once(Traced::List, |volume| volume.list(&normal(path)))
    }

    fn write_again(&self, path: &Path, from: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let begin = |volume: &mut Volume| match volume.write_again(&normal(path), from) {
            Ok(inode) => (Ok((inode, volume.file_mark(inode))), volume.dirty_bytes(inode), true),
            Err(error) => (Err(error), 0, false),
        };
        self.call(Traced::WriteAgain, begin, |volume, begun| {
            let (inode, mark) = begun?;
            volume.sync_file(inode, mark)
        })
    }

    fn sync_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let path = normal(path);
        self.call(
            Traced::SyncDirectory,
            |volume| (volume.names_mark(), 0, true),
            move |volume, mark| volume.sync_directory(&path, mark),
        )
    }
}

impl File for SimFile {
    fn append_headed(&self, head: Vec<u8>, bytes: Vec<u8>, sync: bool) -> impl Future<Output = Appended> + 'static {
        let inode = self.inode;
        let begin = move |volume: &mut Volume| {
            let (written, outcome) = match head.is_empty() {
                true => volume.append(inode, &bytes),
                false => volume.append(inode, &[&head[..], &bytes].concat()),
            };
            let syncs = sync && outcome.is_ok();
            let mark = if syncs { Some(volume.file_mark(inode)) } else { None };
            let moved = if syncs { volume.dirty_bytes(inode) } else { 0 };
            ((Appended { bytes, written, outcome }, mark), moved, syncs)
        };
        let end = move |volume: &mut Volume, (mut appended, mark): (Appended, Option<inode::Mark>)| {
            if let Some(mark) = mark {
                appended.outcome = volume.sync_file(inode, mark);
            }
            appended
        };
        self.disk.call(Traced::Append, begin, end)
    }

    fn sync(&self) -> impl Future<Output = io::Result<()>> + 'static {
        let inode = self.inode;
        let begin = move |volume: &mut Volume| (volume.file_mark(inode), volume.dirty_bytes(inode), true);
        self.disk.call(Traced::Sync, begin, move |volume, mark| volume.sync_file(inode, mark))
    }

    fn read_at(&self, offset: u64, len: usize) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        let inode = self.inode;
        let begin = move |volume: &mut Volume| {
            let read = volume.read_at(inode, offset, len);
            let bytes = read.as_ref().map_or(0, |bytes| bytes.len() as u64);
            (read, bytes, false)
        };
        self.disk.call(Traced::Read, begin, |_, read| read)
    }

    fn size(&self) -> impl Future<Output = io::Result<u64>> + 'static {
        let inode = self.inode;
        self.disk.at_once(Traced::Len, |volume| volume.len(inode))
    }

    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let inode = self.inode;
        self.disk.at_once(Traced::SetLen, |volume| volume.set_len(inode, len))
    }
}

/// A call under way. Its life may end first; then nobody hears of it.
struct Completion<T> {
    runtime: SimRuntime,
    sleep: Option<Pin<Box<Sleep>>>,
    slot: Rc<RefCell<Option<T>>>,
}

impl<T> Unpin for Completion<T> {}

impl<T> Future for Completion<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            let Some(sleep) = &mut self.sleep else { return Poll::Pending };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let world = self.runtime.world().clone();
            let node = self.runtime.node();
            // A process at work looks at what was done for it when it is done itself.
            match self.runtime.enter(|_, state| state.node(node).busy_until) {
                Ok(at) if at > world.now() => self.sleep = Some(Box::pin(world.sleep_until(at))),
                Ok(_) => {
                    let outcome = self.slot.borrow_mut().take();
                    if let Some(outcome) = outcome {
                        return Poll::Ready(outcome);
                    }
                    // The event that ends the call is due in this moment, or the power has gone.
                    let next = world.now() + 1;
                    self.sleep = Some(Box::pin(world.sleep_until(next)));
                }
                Err(_) => self.sleep = None,
            }
        }
    }
}
