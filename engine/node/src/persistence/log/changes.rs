//! Changes of which files make up the append-only file: each goes on beside the writes, one at a time, and whoever is killed at any step of
//! one leaves files that can be loaded, of before it or of behind it.
//!
//! They are given what there is when they begin, touch nothing of the file that is being written to, and say what there is when they
//! have ended. A manifest that can't be put in its place is tried again once a second, for nobody knows which of the two would be found.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use refrain_core::system_text;
use refrain_persist::Salt;
use refrain_runtime::{Disk, File, Open};

use super::Shared;
use crate::persistence::aof_files::AofFiles;

/// What a change has come to.
pub(super) enum Changed<F> {
    /// A file that nothing is written to yet.
    Made(io::Result<Next<F>>),
    /// There is a new base.
    Adopted(Result<Adopted, String>),
    /// The file that is written to has its name for good.
    Named,
    /// What was not needed has been removed, as far as that could be done.
    Forgotten { files: AofFiles, after_adopting: bool },
}

/// A change under way.
pub(super) type Change<F> = Pin<Box<dyn Future<Output = Changed<F>>>>;

/// A file that takes what comes from the next switch on.
pub(super) struct Next<F> {
    pub(super) name: String,
    pub(super) file: F,
    pub(super) salt: Salt,
    pub(super) len: u64,
    /// The second that it says it is.
    pub(super) unix_s: Option<u64>,
    /// A manifest that names it lies ready.
    pub(super) is_named_aside: bool,
}

/// What there is behind a new base.
pub(super) struct Adopted {
    pub(super) files: AofFiles,
    /// Bytes of the base.
    pub(super) size: u64,
    /// Files of before that nobody needs any more.
    pub(super) unneeded: Vec<String>,
}

/// Makes the file that comes behind the last one, and if `names` says so the manifest that will name it, aside.
pub(super) async fn make_next<D: Disk>(
    disk: D,
    files: AofFiles,
    salt: Salt,
    unix_s: Option<u64>,
    names: bool,
) -> io::Result<Next<D::File>> {
    let (name, with_next) = files.with_new_incremental();
    let (file, len) = with_next.make_incremental(&disk, &name, salt, unix_s).await?;
    if names {
        with_next.write_aside(&disk).await?;
    }
    Ok(Next { name, file, salt, len, unix_s, is_named_aside: names })
}

/// Gives the base its name, and has the manifest name it.
pub(super) async fn adopt<D: Disk>(
    disk: D,
    files: AofFiles,
    base: PathBuf,
    is_rdb: bool,
    shared: Rc<RefCell<Shared>>,
) -> Result<Adopted, String> {
    let said = |error: io::Error| system_text(&error);
    let file = disk.open(&base, Open::Read).await.map_err(said)?;
    let size = file.size().await.unwrap_or(0);
    let (name, next) = files.with_new_base(is_rdb);
    disk.rename(&base, &files.path(&name)).await.map_err(said)?;
    disk.sync_directory(files.folder()).await.map_err(said)?;
    next.write_aside(&disk).await.map_err(said)?;
    let renamed = next.rename_aside(&disk).await;
    publish(&disk, &next, renamed, &shared).await;
    let unneeded = files.left_behind(&next);
    Ok(Adopted { files: next, size, unneeded })
}

/// Removes files, and the history that the manifest knows.
pub(super) async fn forget<D: Disk>(
    disk: D,
    files: AofFiles,
    unneeded: Vec<String>,
    shared: Rc<RefCell<Shared>>,
) -> AofFiles {
    for name in unneeded {
        // One that stays is in nobody's way.
        let _ = disk.remove(&files.path(&name)).await;
    }
    let mut next = files.clone();
    next.drop_history();
    if next.write_aside(&disk).await.is_err() {
        // The next rewrite does it.
        return files;
    }
    let renamed = next.rename_aside(&disk).await;
    publish(&disk, &next, renamed, &shared).await;
    next
}

/// Makes the name of a manifest durable that has been renamed, or was to be, however often that takes.
pub(super) async fn publish<D: Disk>(disk: &D, files: &AofFiles, renamed: io::Result<()>, shared: &RefCell<Shared>) {
    let mut outcome = match renamed {
        Ok(()) => disk.sync_directory(files.folder()).await,
        failed => failed,
    };
    while let Err(error) = outcome {
        {
            let shared = &mut *shared.borrow_mut();
            (shared.manifest_error, shared.changed) = (Some(system_text(&error)), true);
        }
        until_try_again(shared).await;
        outcome = files.publish(disk).await;
    }
    let shared = &mut *shared.borrow_mut();
    shared.changed |= shared.manifest_error.take().is_some();
}

/// Until it is time to try again what has failed.
pub(super) async fn until_try_again(shared: &RefCell<Shared>) {
    shared.borrow_mut().try_again = false;
    poll_fn(|_| if shared.borrow().try_again { Poll::Ready(()) } else { Poll::Pending }).await;
}
