//! Real files, behind a few threads of their own: a sync that takes long holds up neither the loop nor CPU work.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::future::Future;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::cell::RefCell;
use std::rc::Rc;

use refrain_runtime::{Appended, DirectoryEntry, Disk, File as DiskFile, Open};

use crate::offload::Pool;

/// Threads that may stand in a system call at once: the log, a snapshot, a removal, a directory.
const THREADS: usize = 4;

/// What a new file may be opened by.
const MODE_OF_NEW: u32 = 0o644;

/// Bytes that are read and written over themselves at once.
const WRITTEN_AGAIN_AT_ONCE: usize = 1 << 20;

/// The machine's file system.
#[derive(Debug, Clone)]
pub struct TokioDisk {
    pool: Rc<RefCell<Pool>>,
}

impl Default for TokioDisk {
    fn default() -> TokioDisk {
        TokioDisk { pool: Rc::new(RefCell::new(Pool::new("refrain-disk", THREADS))) }
    }
}

impl TokioDisk {
    fn submit<T, J>(&self, job: J) -> impl Future<Output = T> + use<T, J> + 'static
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        self.pool.borrow_mut().submit(job)
    }
}

/// An open file of it.
#[derive(Debug, Clone)]
pub struct TokioFile {
    disk: TokioDisk,
    file: Arc<File>,
}

impl Disk for TokioDisk {
    type File = TokioFile;

    fn absolute(&self, path: &Path) -> PathBuf {
        // There is no other name where the working directory has been removed.
        std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
    }

    fn open(&self, path: &Path, how: Open) -> impl Future<Output = io::Result<TokioFile>> + 'static {
        let (path, disk) = (path.to_path_buf(), self.clone());
        let opened = self.submit(move || {
            let mut options = OpenOptions::new();
            match how {
                Open::Read => options.read(true),
                Open::Append | Open::Replace => options.read(true).append(true).create(true).mode(MODE_OF_NEW),
            };
            let file = retry(|| options.open(&path))?;
            // For whoever asks whether it is abandoned, and whoever would write to it as well. There are file systems without locks.
            let locked = if how == Open::Read { Ok(()) } else { file.try_lock() };
            if matches!(locked, Err(TryLockError::WouldBlock)) {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing to it"));
            }
            if how == Open::Replace {
                file.set_len(0)?;
            }
            io::Result::Ok(file)
        });
        async move { Ok(TokioFile { disk, file: Arc::new(opened.await?) }) }
    }

    fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let (from, to) = (from.to_path_buf(), to.to_path_buf());
        self.submit(move || retry(|| fs::rename(&from, &to)))
    }

    fn remove(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || retry(|| fs::remove_file(&path)))
    }

    fn remove_abandoned(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || {
            let file = retry(|| File::open(&path))?;
            file.try_lock().map_err(io::Error::from)?;
            retry(|| fs::remove_file(&path))
        })
    }

    fn create_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || match retry(|| fs::create_dir(&path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            outcome => outcome,
        })
    }

    fn list(&self, path: &Path) -> impl Future<Output = io::Result<Vec<DirectoryEntry>>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || {
            let mut entries = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                // A file may be gone between its listing and the look at it.
                let Ok(metadata) = entry.metadata() else { continue };
                let is_directory = metadata.is_dir();
                entries.push(DirectoryEntry { name, len: if is_directory { 0 } else { metadata.len() }, is_directory });
            }
            entries.sort();
            Ok(entries)
        })
    }

    fn write_again(&self, path: &Path, from: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || {
            // Not opened to be appended to: then every write would go to its end.
            let file = retry(|| OpenOptions::new().read(true).write(true).open(&path))?;
            let mut chunk = vec![0; WRITTEN_AGAIN_AT_ONCE];
            let mut offset = from;
            loop {
                let read = retry(|| file.read_at(&mut chunk, offset))?;
                if read == 0 {
                    return file.sync_data();
                }
                file.write_all_at(&chunk[..read], offset)?;
                offset += read as u64;
            }
        })
    }

    fn sync_directory(&self, path: &Path) -> impl Future<Output = io::Result<()>> + 'static {
        let path = path.to_path_buf();
        self.submit(move || match retry(|| File::open(&path)?.sync_all()) {
            // There are file systems on which names are not synced by themselves, and which say so: nothing else can be done there.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        })
    }
}

impl DiskFile for TokioFile {
    fn append_headed(&self, head: Vec<u8>, bytes: Vec<u8>, sync: bool) -> impl Future<Output = Appended> + 'static {
        let file = Arc::clone(&self.file);
        self.disk.submit(move || {
            let mut written = 0;
            let mut outcome = Ok(());
            while written < head.len() + bytes.len() && outcome.is_ok() {
                let (of_head, of_bytes) = (written.min(head.len()), written.saturating_sub(head.len()));
                let left = [IoSlice::new(&head[of_head..]), IoSlice::new(&bytes[of_bytes..])];
                match (&*file).write_vectored(&left) {
                    Ok(0) => outcome = Err(io::ErrorKind::WriteZero.into()),
                    Ok(n) => written += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => outcome = Err(error),
                }
            }
            if sync && outcome.is_ok() {
                outcome = file.sync_data();
            }
            Appended { bytes, written, outcome }
        })
    }

    // A failed sync is not repeated, not even for EINTR: the pages may count as clean already.
    fn sync(&self) -> impl Future<Output = io::Result<()>> + 'static {
        let file = Arc::clone(&self.file);
        self.disk.submit(move || file.sync_data())
    }

    fn read_at(&self, offset: u64, len: usize) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        let file = Arc::clone(&self.file);
        self.disk.submit(move || {
            let mut bytes = vec![0; len];
            let mut read = 0;
            while read < len {
                match file.read_at(&mut bytes[read..], offset + read as u64) {
                    Ok(0) => break,
                    Ok(n) => read += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            bytes.truncate(read);
            Ok(bytes)
        })
    }

    fn size(&self) -> impl Future<Output = io::Result<u64>> + 'static {
        let file = Arc::clone(&self.file);
        self.disk.submit(move || Ok(file.metadata()?.len()))
    }

    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let file = Arc::clone(&self.file);
        self.disk.submit(move || retry(|| file.set_len(len)))
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn what_is_appended_is_read_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let disk = TokioDisk::default();
        let path = folder.path().join("log");
        assert_eq!(wait(disk.open(&path, Open::Read)).map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
        let file = wait(disk.open(&path, Open::Append)).unwrap();
        for (part, sync) in [("one ", false), ("two ", true), ("three", false)] {
            let appended = wait(file.append(part.into(), sync));
            appended.outcome.unwrap();
            assert_eq!((appended.written, &appended.bytes[..]), (part.len(), part.as_bytes()));
        }
        wait(file.sync()).unwrap();
        assert_eq!(wait(file.size()).unwrap(), 13);
        assert_eq!(wait(file.read_at(4, 3)).unwrap(), b"two");
        assert_eq!(wait(file.read_at(8, 100)).unwrap(), b"three");
        wait(file.set_len(4)).unwrap();
        wait(file.append(b"four".to_vec(), true)).outcome.unwrap();
        // By two at once it would be torn to pieces.
        assert_eq!(wait(disk.open(&path, Open::Append)).map(drop).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        assert!(wait(disk.remove_abandoned(&path)).is_err());
        drop(file);
        let again = wait(disk.open(&path, Open::Append)).unwrap();
        assert_eq!(wait(again.read_at(0, 100)).unwrap(), b"one four");
        for from in [0, 3, 8, 100] {
            wait(disk.write_again(&path, from)).unwrap();
            assert_eq!(wait(again.read_at(0, 100)).unwrap(), b"one four", "it stays what it is");
        }
        wait(again.append(b" five".to_vec(), false)).outcome.unwrap();
        assert_eq!(wait(again.read_at(0, 100)).unwrap(), b"one four five");
        assert_eq!(wait(disk.open(&path, Open::Replace)).map(drop).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(wait(again.size()).unwrap(), 13, "what another writes is not emptied");
        drop(again);
        let replaced = wait(disk.open(&path, Open::Replace)).unwrap();
        assert_eq!(wait(replaced.size()).unwrap(), 0);
    }

    #[test]
    fn names_come_go_and_change() {
        let folder = tempfile::tempdir().unwrap();
        let disk = TokioDisk::default();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let file = wait(disk.open(&a, Open::Append)).unwrap();
        wait(file.append(b"abc".to_vec(), false)).outcome.unwrap();
        wait(disk.create_directory(&folder.path().join("c"))).unwrap();
        wait(disk.create_directory(&folder.path().join("c"))).unwrap();
        wait(disk.rename(&a, &b)).unwrap();
        wait(disk.sync_directory(folder.path())).unwrap();
        // One that can't be synced.
        wait(disk.sync_directory(Path::new("/proc"))).unwrap();
        assert!(wait(disk.sync_directory(&folder.path().join("no such"))).is_err());
        let entry = |name: &str, len, is_directory| DirectoryEntry { name: name.into(), len, is_directory };
        assert_eq!(wait(disk.list(folder.path())).unwrap(), [entry("b", 3, false), entry("c", 0, true)]);
        wait(disk.remove(&b)).unwrap();
        assert_eq!(wait(disk.list(folder.path())).unwrap(), [entry("c", 0, true)]);
        assert_eq!(wait(disk.remove(&b)).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(wait(disk.create_directory(&folder.path().join("x").join("y"))).is_err());
    }
}
