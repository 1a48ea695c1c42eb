//! The list of a backup: every file with its length and its SHA-256, so that whoever restores it knows that it is what was copied.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path};

use sha2::{Digest as _, Sha256};

use super::bar::Bar;
use super::{CHUNK, Failed, write_durably};

/// What the list is called.
pub const LIST: &str = "backup.list";

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Relative to the backup's folder.
    pub name: String,
    len: u64,
    sha256: String,
}

/// All files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub files: Vec<Listed>,
}

impl Listed {
    /// What a file is now.
    pub fn of(folder: &Path, name: &str) -> Result<Listed, Failed> {
        let path = folder.join(name);
        let said = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = File::open(&path).map_err(said)?;
        let bar = Bar::new(name, file.metadata().map_err(said)?.len());
        let mut file = bar.over(file);
        let (mut hasher, mut len, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk).map_err(said)? {
                0 => break,
                n => {
                    hasher.update(&chunk[..n]);
                    len += n as u64;
                }
            }
        }
        let mut sha256 = String::new();
        for byte in hasher.finalize() {
            write!(sha256, "{byte:02x}").expect("a string takes everything");
        }
        Ok(Listed { name: name.to_owned(), len, sha256 })
    }
}

impl Listing {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.len).sum()
    }

    /// Writes the list, durably.
    pub fn write(&self, folder: &Path) -> Result<(), Failed> {
        let mut text = String::new();
        for Listed { name, len, sha256 } in &self.files {
            writeln!(text, "{sha256} {len} {name}").expect("a string takes everything");
        }
        write_durably(&folder.join(LIST), text.as_bytes())
    }

    /// Reads the list. A name in it that leads out of the folder is refused.
    pub fn read(folder: &Path) -> Result<Listing, Failed> {
        let path = folder.join(LIST);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let files = text.lines().map(|line| {
            let mut words = line.splitn(3, ' ');
            let (sha256, len, name) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
            let stays = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            (sha256.len() == 64 && stays).then(|| Listed { name: name.to_owned(), len, sha256: sha256.to_owned() })
        });
        match files.collect::<Option<Vec<_>>>() {
            Some(files) if !files.is_empty() => Ok(Listing { files }),
            _ => Err(format!("{}: it is no list of a backup", path.display())),
        }
    }
}
