//! Backups: a consistent copy of the files of a running server, listed with checksums, and its return to a folder that a server can
//! start in.
//!
//! The copy has a snapshot that was written for it, and the append-only file if there is one, which is rewritten first: its manifest,
//! its base, and what was appended by the time of the copy. Its parts are held open from before the manifest is looked at again, so
//! that no rewrite can take one away while they are copied. Nothing of the server's folder is changed, and nothing of its
//! configuration: a backup may be interrupted at any moment. It counts when its list is there: that is written last, and everything
//! is durable before it.

mod bar;
mod client;
mod listing;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use refrain_persist::aof::AofReader;
use refrain_persist::aof::manifest::{Manifest, manifest_name};

use self::bar::Bar;
use self::client::{Client, REWRITE, SNAPSHOT, Work};
use self::listing::{Listed, Listing};

/// What the command line is like.
pub const HELP: &str = "\
A consistent backup of a running server, and its return.

Usage:
  refrain-backup create HOST:PORT FOLDER [--data DIR] [--user NAME] [--password-file FILE]
  refrain-backup verify FOLDER
  refrain-backup restore FOLDER DATA

Examples:
  Copy what the server on this machine keeps, into a new folder:
    refrain-backup create 127.0.0.1:6379 /backup/2026-11-29

  The same from within another container, where the server's folder has another name:
    refrain-backup create redis:6379 /backup/today --data /mnt/redis

  Is it whole, and is every file what it was?
    refrain-backup verify /backup/2026-11-29

  Put it where a server will start (the folder may not hold data):
    refrain-backup restore /backup/2026-11-29 /var/lib/refrain

An append-only file is rewritten for it, and a snapshot is written: the backup has everything that was acknowledged before it was
begun.

Files are listed in FOLDER/backup.list, each with its length and SHA-256. Exit code 0 if all is well, 1 if not.
";

/// Between two looks at whether the server is done with something.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often its parts are opened anew because a rewrite of the append-only file has ended meanwhile.
const ATTEMPTS: usize = 5;

/// Bytes copied at once.
const CHUNK: usize = 1 << 20;

/// What has gone wrong, for people.
type Failed = String;

/// Does what the arguments say.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["create", address, folder, ref options @ ..] => create(address, Path::new(folder), options),
        ["verify", folder] => verify(Path::new(folder)).map(|listing| {
            format!("{} files, {} bytes: all are what they were.", listing.files.len(), listing.bytes())
        }),
        ["restore", folder, data] => restore(Path::new(folder), Path::new(data)),
        ["--help" | "-h" | "help"] => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("That is none of the ways to call this.\n\n{HELP}")),
    };
    match outcome {
        Ok(text) => {
            print(&format!("{text}\n"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            // Nobody can be told if this fails.
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) {
    // A reader that has gone away does not want to know.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Where a server keeps what.
struct Source {
    data: PathBuf,
    snapshot: String,
    folder: String,
    name: String,
    appends: bool,
}

fn create(address: &str, folder: &Path, options: &[&str]) -> Result<String, Failed> {
    let (mut data, mut user, mut password) = (None, None, None);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or_else(|| format!("{option} wants a value"))?;
        match *option {
            "--data" => data = Some(PathBuf::from(value)),
            "--user" => user = Some((*value).to_owned()),
            "--password-file" => {
                let text = fs::read_to_string(value).map_err(|error| format!("{value}: {error}"))?;
                password = Some(text.trim_end().to_owned());
            }
            _ => return Err(format!("There is no option {option}.\n\n{HELP}")),
        }
    }
    let mut client = Client::connect(address)?;
    if let Some(password) = password {
        let user = user.unwrap_or_else(|| "default".to_owned());
        client.call(&["AUTH", &user, &password])?;
    }
    let source = Source {
        data: match data {
            Some(data) => data,
            None => PathBuf::from(client.parameter("dir")?),
        },
        snapshot: client.parameter("dbfilename")?,
        folder: client.parameter("appenddirname")?,
        name: client.parameter("appendfilename")?,
        appends: client.parameter("appendonly")? == "yes",
    };
    fs::create_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut listing = Listing::default();
    if source.appends {
        listing.files.extend(copy_aof(&mut client, &source, folder)?);
    }
    have_done(&mut client, &["BGSAVE", "SCHEDULE"], &SNAPSHOT)?;
    let snapshot = open(&source.data.join(&source.snapshot))?;
    listing.files.push(copy(snapshot, folder, &source.snapshot, None)?);
    sync_folder(folder)?;
    listing.write(folder)?;
    sync_folder(folder)?;
    Ok(format!("{}: {} files, {} bytes.", folder.display(), listing.files.len(), listing.bytes()))
}

/// Copies the manifest and the files that it names.
fn copy_aof(client: &mut Client, source: &Source, folder: &Path) -> Result<Vec<Listed>, Failed> {
    let parts = folder.join(&source.folder);
    fs::create_dir(&parts).map_err(|error| format!("{}: {error}", parts.display()))?;
    let manifest_name = format!("{}/{}", source.folder, manifest_name(&source.name));
    let read = || {
        let path = source.data.join(&manifest_name);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    // What has been acknowledged by now may not have been written yet; a rewrite that begins from now on has it in its base.
    have_done(client, &["BGREWRITEAOF"], &REWRITE)?;
    for _ in 0..ATTEMPTS {
        let text = read()?;
        let manifest = Manifest::parse(&text).map_err(|error| format!("{manifest_name}: {error}"))?;
        let opened: Result<Vec<(String, File)>, Failed> = manifest
            .files()
            .map(|file| format!("{}/{}", source.folder, file.name))
            .map(|name| open(&source.data.join(&name)).map(|file| (name, file)))
            .collect();
        // A rewrite that ends meanwhile may have taken away what was to be opened.
        if read()? != text {
            continue;
        }
        let last = manifest.incremental.last().map(|file| format!("{}/{}", source.folder, file.name));
        let mut copied = Vec::new();
        for (name, file) in opened? {
            let is_last = Some(&name) == last.as_ref();
            copied.push(copy(file, folder, &name, is_last.then_some(whole_commands as Measure))?);
        }
        write_durably(&folder.join(&manifest_name), &text)?;
        copied.push(Listed::of(folder, &manifest_name)?);
        sync_folder(&parts)?;
        return Ok(copied);
    }
    Err("The append-only file is rewritten again and again; there was no time to open it.".to_owned())
}

/// How long the part of a file is that consists of whole commands.
fn whole_commands(path: &Path) -> Result<u64, Failed> {
    let said = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(said)?;
    let mut reader = AofReader::new(0, u64::MAX);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).map_err(said)?;
        match read {
            0 => reader.end_of_input(),
            n => reader.feed(&chunk[..n]),
        }
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) if read == 0 => return Ok(reader.valid_up_to()),
                Ok(None) => break,
                // A copy of a file that is written to may end within a command, and only there.
                Err(error) if error.kind.may_be_unsynced() && read == 0 => return Ok(reader.valid_up_to()),
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
    }
}

/// Says how much of a file counts.
type Measure = fn(&Path) -> Result<u64, Failed>;

fn open(path: &Path) -> Result<File, Failed> {
    File::open(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Copies a file as it is now to `folder` under `name`, cut to what `measure` says of the copy, and makes it durable.
fn copy(from: File, folder: &Path, name: &str, measure: Option<Measure>) -> Result<Listed, Failed> {
    let to = folder.join(name);
    let said = |error: io::Error| format!("{}: {error}", to.display());
    let mut file = File::create(&to).map_err(said)?;
    let bar = Bar::new(name, from.metadata().map_err(said)?.len());
    io::copy(&mut bar.over(from), &mut file).map_err(said)?;
    if let Some(measure) = measure {
        file.set_len(measure(&to)?).map_err(said)?;
    }
    file.sync_all().map_err(said)?;
    Listed::of(folder, name)
}

fn verify(folder: &Path) -> Result<Listing, Failed> {
    let listing = Listing::read(folder)?;
    for file in &listing.files {
        let found = Listed::of(folder, &file.name)?;
        if found != *file {
            return Err(format!("{}: it is not what it was when it was copied", folder.join(&file.name).display()));
        }
    }
    Ok(listing)
}

fn restore(folder: &Path, data: &Path) -> Result<String, Failed> {
    let listing = verify(folder)?;
    fs::create_dir_all(data).map_err(|error| format!("{}: {error}", data.display()))?;
    for file in &listing.files {
        let path = data.join(&file.name);
        if path.exists() {
            return Err(format!("{} is there already: data is not written over", path.display()));
        }
    }
    for file in &listing.files {
        let path = data.join(&file.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        }
        if copy(open(&folder.join(&file.name))?, data, &file.name, None)? != *file {
            return Err(format!("{}: the copy is not what was to be copied", path.display()));
        }
        if let Some(parent) = path.parent() {
            sync_folder(parent)?;
        }
    }
    sync_folder(data)?;
    Ok(format!("{}: {} files, {} bytes.", data.display(), listing.files.len(), listing.bytes()))
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| format!("{}: {error}", path.display()))
}

fn sync_folder(folder: &Path) -> Result<(), Failed> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| format!("{}: {error}", folder.display()))
}

/// Has work done in the background, and waits until it is. It is asked for again if the same is under way: what that holds may be older
/// than what was acknowledged by now.
fn have_done(client: &mut Client, command: &[&str], work: &Work) -> Result<(), Failed> {
    let before = client.persistence()?.number(work.counter)?;
    wait(|| match client.call(command) {
        Ok(_) => Ok(true),
        Err(why) if why.contains("already in progress") => Ok(false),
        Err(why) => Err(why),
    })?;
    wait(|| client.persistence()?.is_done(work, before))
}

fn wait(mut is_over: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    while !is_over()? {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
