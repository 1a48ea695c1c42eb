//! Files that are replaced as a whole: written under another name, synced, renamed, and their folder synced. Whoever starts finds
//! the old file or the new one.

use std::io;
use std::path::{Path, PathBuf};

use refrain_runtime::{Disk, File, Open};

/// What a file is called until it is complete.
pub fn temporary_name(name: &str) -> String {
    format!("temp-{name}")
}

/// Bytes of an id that are in a name.
const ID_BYTES: usize = 8;

/// What a snapshot is called until it is complete. Servers that were started in one folder by mistake write under names of their own:
/// whose snapshot is there in the end is chance, but it is a whole one.
pub fn snapshot_aside(name: &str, run_id: &str) -> String {
    temporary_name(&format!("{}-{name}", run_id.get(..ID_BYTES).unwrap_or(run_id)))
}

/// Whether some server has called a snapshot so, which is to be called `name`.
pub fn is_snapshot_aside(found: &str, name: &str) -> bool {
    let id = found.strip_prefix("temp-").and_then(|found| found.strip_suffix(name)?.strip_suffix('-'));
    id.is_some_and(|id| id.len() == ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Puts a file that is complete and durable in its place.
///
/// # Errors
/// As the disk words them. The name may be the old one or the new one then, and whichever it is may change with the loss of power.
pub async fn put_in_place<D: Disk>(disk: &D, from: &Path, to: &Path) -> io::Result<()> {
    disk.rename(from, to).await?;
    disk.sync_directory(&folder_of(to)).await
}

/// Makes a folder whose name is durable.
///
/// # Errors
/// As the disk words them.
pub async fn make_folder<D: Disk>(disk: &D, folder: &Path) -> io::Result<()> {
    disk.create_directory(folder).await?;
    disk.sync_directory(&folder_of(folder)).await
}

/// Whether there is such a file.
///
/// # Errors
/// When that can't be told.
pub async fn exists<D: Disk>(disk: &D, path: &Path) -> io::Result<bool> {
    match disk.open(path, Open::Read).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// All of a small file; `None` if there is none.
///
/// # Errors
/// As the disk words them; a file of more than `max` bytes is refused.
pub async fn read_small<D: Disk>(disk: &D, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path, Open::Read).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.size().await?;
    if size > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file.read_at(0, usize::try_from(size).expect("it is small")).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_is_not_complete_is_known_by_its_name() {
        let name = snapshot_aside("dump.rdb", "0123456789abcdef");
        assert_eq!(name, "temp-01234567-dump.rdb");
        assert!(is_snapshot_aside(&name, "dump.rdb"));
        for (found, name) in [
            (&name[..], "other.rdb"),
            ("dump.rdb", "dump.rdb"),
            ("temp-dump.rdb", "dump.rdb"),
            ("temp-0123456-dump.rdb", "dump.rdb"),
            ("temp-0123456x-dump.rdb", "dump.rdb"),
            ("temp-01234567-", ""),
        ] {
            assert_eq!(is_snapshot_aside(found, name), name.is_empty(), "{found}");
        }
    }
}
