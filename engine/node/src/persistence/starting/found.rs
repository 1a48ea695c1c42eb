//! What of the node's files is found on the disk: what a start has to load, the append-only file to go on with, and a place for a new one.
//!
//! Nothing that was kept is written over or removed here: only what nobody has finished, and what a manifest in its place has forgotten.
//! What can't be read is said, with its path; it is never taken for something that is not there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use refrain_core::config::Config;
use refrain_core::system_text;
use refrain_persist::aof::manifest::{AofFile, FileKind, Manifest, seq_of, temporary_manifest_name};
use refrain_persist::{Salt, seal};
use refrain_runtime::{Disk, File, Open};

use crate::persistence::aof_files::AofFiles;
use crate::persistence::files::{exists, is_snapshot_aside, make_folder, put_in_place, read_small, temporary_name};
use crate::persistence::loading::{Loaded, Part, Role};
use crate::persistence::log::OpenFile;

/// A manifest is never larger: 1 MiB.
const MANIFEST_MAX: u64 = 1 << 20;

/// What is to be loaded.
pub struct Plan {
    pub(super) parts: Vec<Part>,
    /// Of which append-only file, if it is of one.
    pub(super) aof: Option<AofFiles>,
    /// Bytes of all parts.
    pub(super) total: u64,
}

/// An append-only file to go on with.
pub struct Opened<F> {
    pub(super) files: AofFiles,
    pub(super) file: Option<OpenFile<F>>,
    /// Bytes of all parts, and of the base.
    pub(super) size: u64,
    pub(super) base_size: u64,
}

/// Where things are, as the configuration says.
pub(super) struct Places {
    pub(super) snapshot: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) appendonly: bool,
}

impl Places {
    pub(super) fn of(config: &Config) -> Places {
        let persistence = &config.persistence;
        Places {
            snapshot: PathBuf::from(&persistence.dbfilename),
            folder: PathBuf::from(&persistence.appenddirname),
            name: persistence.appendfilename.clone(),
            appendonly: persistence.appendonly,
        }
    }

    pub(super) fn files(&self, manifest: Manifest) -> AofFiles {
        AofFiles::new(&self.folder, &self.name, manifest)
    }
}

impl Plan {
    pub(super) fn new(parts: Vec<Part>, aof: Option<AofFiles>) -> Plan {
        let total = parts.iter().map(|part| part.size).sum();
        Plan { parts, aof, total }
    }
}

/// What a node that starts has to load.
pub(super) async fn plan_start<D: Disk>(disk: &D, places: &Places) -> Result<Plan, String> {
    sweep(disk, places).await;
    settle_names(disk, places).await?;
    if places.appendonly {
        if let Some((files, parts)) = find_aof(disk, places).await? {
            refuse_what_is_written(disk, &files).await?;
            return Ok(Plan::new(parts, Some(files)));
        }
        let parts = find_snapshot(disk, &places.snapshot).await?;
        if !parts.is_empty() {
            tracing::warn!(
                "There is no append-only file yet: it will begin with what {} holds",
                places.snapshot.display()
            );
        }
        return Ok(Plan::new(parts, None));
    }
    Ok(Plan::new(find_snapshot(disk, &places.snapshot).await?, None))
}

/// Nothing is loaded, or replaced, that another server is still writing.
async fn refuse_what_is_written<D: Disk>(disk: &D, files: &AofFiles) -> Result<(), String> {
    let Some(last) = files.manifest().incremental.last() else { return Ok(()) };
    disk.open(&files.path(&last.name), Open::Append)
        .await
        .map(drop)
        .map_err(|error| unopened(files, &last.name, &error))
}

fn unopened(files: &AofFiles, name: &str, error: &std::io::Error) -> String {
    format!("the append-only file {} can't be opened: {}", files.path(name).display(), system_text(error))
}

/// Makes durable which names there are: an earlier life may have been killed between giving a file its name and making that durable,
/// and what is appended from now on must not be lost with it.
async fn settle_names<D: Disk>(disk: &D, places: &Places) -> Result<(), String> {
    for folder in [Path::new("."), &places.folder] {
        match disk.sync_directory(folder).await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(format!("{}: {error}", folder.display())),
            _ => {}
        }
    }
    Ok(())
}

/// Removes what an earlier life has left unfinished. What another server is writing in the same folder, by mistake, is left to it.
async fn sweep<D: Disk>(disk: &D, places: &Places) {
    let snapshot = places.snapshot.to_string_lossy();
    let found = disk.list(Path::new(".")).await.unwrap_or_default();
    let snapshots = found.into_iter().filter(|found| !found.is_directory && is_snapshot_aside(&found.name, &snapshot));
    let unfinished = [
        places.folder.join(temporary_name(&format!("{}.base", places.name))),
        places.folder.join(temporary_manifest_name(&places.name)),
    ];
    for path in snapshots.map(|found| PathBuf::from(found.name)).chain(unfinished) {
        // Most often there is none; and one that stays is in nobody's way.
        let _ = disk.remove_abandoned(&path).await;
    }
}

pub(super) async fn find_snapshot<D: Disk>(disk: &D, path: &Path) -> Result<Vec<Part>, String> {
    match part(disk, path.to_path_buf(), Role::Snapshot).await {
        Ok(part) => Ok(vec![part]),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

async fn part<D: Disk>(disk: &D, path: PathBuf, role: Role) -> std::io::Result<Part> {
    let file = disk.open(&path, Open::Read).await?;
    Ok(Part { size: file.size().await?, path, role })
}

/// The append-only file that there is, if there is one, and its parts in the order in which they are loaded.
pub(super) async fn find_aof<D: Disk>(disk: &D, places: &Places) -> Result<Option<(AofFiles, Vec<Part>)>, String> {
    let empty = places.files(Manifest::default());
    let said = |error: std::io::Error| format!("{}: {error}", empty.manifest_path().display());
    let text = read_small(disk, &empty.manifest_path(), MANIFEST_MAX).await.map_err(said)?;
    let old = PathBuf::from(&places.name);
    let files = match text {
        Some(text) => {
            let manifest =
                Manifest::parse(&text).map_err(|error| format!("{}: {error}", empty.manifest_path().display()))?;
            places.files(manifest)
        }
        None if exists(disk, &old).await.map_err(|error| format!("{}: {error}", old.display()))? => {
            tracing::info!("Found an old-style AOF: it becomes the base of a new one");
            let base = AofFile { name: places.name.clone(), seq: 1, kind: FileKind::Base };
            let files = places.files(Manifest { base: Some(base), ..Manifest::default() });
            make_folder(disk, &places.folder).await.map_err(|error| error.to_string())?;
            files.publish(disk).await.map_err(|error| error.to_string())?;
            files
        }
        None => return Ok(None),
    };
    let manifest = files.manifest();
    if let Some(base) = &manifest.base
        && base.name == places.name
    {
        // The manifest came first, so that the old file is never nowhere.
        let there = files.path(&base.name);
        if !exists(disk, &there).await.map_err(|error| error.to_string())?
            && exists(disk, &old).await.map_err(|error| error.to_string())?
        {
            put_in_place(disk, &old, &there).await.map_err(|error| format!("{}: {error}", old.display()))?;
        }
    }
    let mut parts = Vec::new();
    let incrementals = manifest.incremental.len();
    let base = manifest.base.iter().map(|base| (base, Role::Base { is_last: incrementals == 0 }));
    let rest = manifest.incremental.iter().enumerate();
    let rest = rest.map(|(i, file)| (file, Role::Incremental { is_last: i + 1 == incrementals }));
    for (file, role) in base.chain(rest) {
        let path = files.path(&file.name);
        let found = part(disk, path, role).await.map_err(|error| {
            let why = system_text(&error);
            format!("can't open the append log file {} for reading: {why}", file.name)
        });
        parts.push(found?);
    }
    Ok(Some((files, parts)))
}

/// The files of a new append-only file, none yet. Files that were called so by one whose manifest is missing are left alone: the new
/// ones' numbers are higher.
async fn new_files<D: Disk>(disk: &D, places: &Places) -> Result<AofFiles, String> {
    let mut manifest = Manifest::default();
    let found = match disk.list(&places.folder).await {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("{}: {error}", places.folder.display()));
        }
        found => found.unwrap_or_default(),
    };
    let files = found.iter().filter(|found| !found.is_directory);
    for (name, seq) in files.filter_map(|found| Some((&found.name, seq_of(&found.name, &places.name)?))) {
        let path = places.folder.join(name);
        // Of a server that is about to name it in a manifest.
        match disk.open(&path, Open::Append).await {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                return Err(format!("{}: {error}", path.display()));
            }
            _ => {}
        }
        tracing::warn!("No manifest names {}: it is left alone", path.display());
        manifest.taken_up_to = manifest.taken_up_to.max(seq);
    }
    Ok(places.files(manifest))
}

/// Opens the last part to be appended to, as it was loaded. If it has no salt yet, or there is none, it is this one's.
pub(super) async fn open<D: Disk>(
    disk: &D,
    files: AofFiles,
    loaded: &Loaded,
    salt: Salt,
    unix_s: Option<u64>,
) -> Result<Opened<D::File>, String> {
    open_last(disk, files, loaded, salt, unix_s)
        .await
        .map_err(|error| format!("the append-only file can't be opened: {error}"))
}

async fn open_last<D: Disk>(
    disk: &D,
    mut files: AofFiles,
    loaded: &Loaded,
    new_salt: Salt,
    unix_s: Option<u64>,
) -> std::io::Result<Opened<D::File>> {
    let manifest = files.manifest();
    let last = manifest.incremental.last().or(manifest.base.as_ref()).map(|file| file.name.clone());
    if let (Some(len), Some(name)) = (loaded.cut_to, last) {
        let file = disk.open(&files.path(&name), Open::Append).await?;
        file.set_len(len).await?;
        file.sync().await?;
    }
    if let (Some(from), Some(last)) = (loaded.doubtful_from, files.manifest().incremental.last()) {
        // What an earlier life wrote and could not sync looks in the cache as if it were on the disk.
        disk.write_again(&files.path(&last.name), from).await?;
    }
    let (name, salt) = match files.manifest().incremental.last() {
        Some(file) => (file.name.clone(), loaded.salt),
        None => {
            let (name, next) = files.with_new_incremental();
            next.make_incremental(disk, &name, new_salt, unix_s).await?;
            next.publish(disk).await?;
            files = next;
            (name, Some(new_salt))
        }
    };
    let mut size = 0;
    let manifest = files.manifest();
    let mut base_size = 0;
    for part in manifest.base.iter().chain(&manifest.incremental) {
        let len = disk.open(&files.path(&part.name), Open::Read).await?.size().await?;
        size += len;
        if part.kind == FileKind::Base {
            base_size = len;
        }
    }
    let file = disk.open(&files.path(&name), Open::Append).await?;
    // What was read may still be in the cache alone; and whatever wrote it, from here on pieces are sealed.
    file.sync().await?;
    let before = file.size().await?;
    let lines = if salt.is_none() { new_salt.lines() } else { Vec::new() };
    let salt = salt.unwrap_or(new_salt);
    let start = [lines, seal(Some(salt), b"", b"", before)].concat();
    let len = before + start.len() as u64;
    file.append(start, true).await.outcome?;
    Ok(Opened { files, file: Some(OpenFile { file, len, salt }), size, base_size })
}

/// A place for a new append-only file: what there was before becomes history when the new base is there.
pub(super) async fn prepare<D: Disk>(disk: &D, places: &Places) -> Result<Opened<D::File>, String> {
    make_folder(disk, &places.folder).await.map_err(|error| format!("{}: {error}", places.folder.display()))?;
    let files = find_files(disk, places).await?;
    Ok(Opened { files, file: None, size: 0, base_size: 0 })
}

/// The files of the append-only file that there is, or of a new one: to be replaced by another.
pub(super) async fn find_files<D: Disk>(disk: &D, places: &Places) -> Result<AofFiles, String> {
    match find_aof(disk, places).await? {
        Some((files, _)) => {
            refuse_what_is_written(disk, &files).await?;
            Ok(files)
        }
        None => new_files(disk, places).await,
    }
}

/// Puts a base in its place to which nothing is appended.
pub(super) async fn adopt_alone<D: Disk>(disk: &D, files: &AofFiles, temp: &Path, is_rdb: bool) -> std::io::Result<()> {
    let (_, next) = files.with_new_incremental();
    let (name, mut next) = next.with_new_base(is_rdb);
    next.drop_incremental();
    put_in_place(disk, temp, &files.path(&name)).await?;
    next.publish(disk).await?;
    for name in files.left_behind(&next) {
        let _ = disk.remove(&files.path(&name)).await;
    }
    next.drop_history();
    next.publish(disk).await
}
