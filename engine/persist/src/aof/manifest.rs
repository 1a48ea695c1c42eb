//! The manifest: which files make up an append-only file, and in which order.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.1.base.rdb seq 1 type h
//! file appendonly.aof.4.incr.aof seq 4 type i
//! ```
//!
//! A line for each file: the base, then history (files that are no longer needed and wait to be removed), then what is appended to,
//! in order. Whoever replaces the manifest as a whole switches from one set of files to the next at once.

mod reading;

use std::fmt;

/// A longer line is none.
const LINE_MAX: usize = 1024;

const BACKSPACE: u8 = 0x08;
const BELL: u8 = 0x07;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The data at one point in time.
    Base,
    /// No longer needed.
    History,
    /// What was appended since.
    Incremental,
}

impl FileKind {
    fn letter(self) -> char {
        match self {
            FileKind::Base => 'b',
            FileKind::History => 'h',
            FileKind::Incremental => 'i',
        }
    }

    fn of(letter: u8) -> Option<FileKind> {
        [FileKind::Base, FileKind::History, FileKind::Incremental]
            .into_iter()
            .find(|kind| kind.letter() == char::from(letter))
    }
}

/// One of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AofFile {
    /// Its name, without a directory.
    pub name: String,
    /// Its number among those of its kind.
    pub seq: u64,
    /// What it is for.
    pub kind: FileKind,
}

/// All files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The data that the others begin with.
    pub base: Option<AofFile>,
    /// What may be removed.
    pub history: Vec<AofFile>,
    /// What was appended since, in order.
    pub incremental: Vec<AofFile>,
    /// Numbers up to this are taken by files that it does not name, and is not to. It is not written.
    pub taken_up_to: u64,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The number of the line, from 1; 0 if there are none.
    pub line: usize,
    /// The line, if it could be read.
    pub text: Option<String>,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{} at line {}: '{text}'", self.what, self.line),
            None if self.line > 0 => write!(f, "{} at line {}", self.what, self.line),
            None => f.write_str(self.what),
        }
    }
}

impl std::error::Error for ManifestError {}

/// A comment that begins with this holds the CRC-32 of everything before it, in hexadecimal. It is checked where somebody has written it.
const CHECKSUM: &str = "#CRC:";

const INVALID: &str = "Invalid AOF manifest file format";

/// The name of the manifest of the append-only file that is configured under this name.
#[must_use]
pub fn manifest_name(append_file_name: &str) -> String {
    format!("{append_file_name}.manifest")
}

/// What a new manifest is called before it takes the place of the old one.
#[must_use]
pub fn temporary_manifest_name(append_file_name: &str) -> String {
    format!("temp-{append_file_name}.manifest")
}

/// The number of a base or an incremental file that is called so, if one could be, under the configured name.
#[must_use]
pub fn seq_of(file_name: &str, append_file_name: &str) -> Option<u64> {
    let (seq, rest) = file_name.strip_prefix(append_file_name)?.strip_prefix('.')?.split_once('.')?;
    let is_ours = matches!(rest, "incr.aof" | "base.rdb" | "base.aof");
    // Behind the highest there could be no next one.
    seq.parse().ok().filter(|seq: &u64| is_ours && *seq < u64::MAX)
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// For anything that no server has written: see [`reading`].
    pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        reading::read(text)
    }

    /// The manifest as text.
    #[must_use]
    pub fn format(&self) -> String {
        let files = self.base.iter().chain(&self.history).chain(&self.incremental);
        files
            .map(|file| format!("file {} seq {} type {}\n", quoted(&file.name), file.seq, file.kind.letter()))
            .collect()
    }

    /// A new base takes the place of the old one, which becomes history; gives the new one's name.
    pub fn begin_base(&mut self, append_file_name: &str, as_rdb: bool) -> String {
        let format = if as_rdb { "rdb" } else { "aof" };
        let seq = self.base.as_ref().map_or(0, |base| base.seq).max(self.taken_up_to) + 1;
        let name = format!("{append_file_name}.{seq}.base.{format}");
        let new = AofFile { name: name.clone(), seq, kind: FileKind::Base };
        if let Some(old) = self.base.replace(new) {
            self.history.insert(0, AofFile { kind: FileKind::History, ..old });
        }
        name
    }

    /// What is appended from now on goes to a new file; gives its name.
    pub fn begin_incremental(&mut self, append_file_name: &str) -> String {
        let seq = last_seq(&self.incremental).max(self.taken_up_to) + 1;
        let name = format!("{append_file_name}.{seq}.incr.aof");
        self.incremental.push(AofFile { name: name.clone(), seq, kind: FileKind::Incremental });
        name
    }

    /// All that was appended is in the base now and becomes history, but for the last file if it is still appended to.
    pub fn retire_incrementals(&mut self, keep_last: bool) {
        let retired = self.incremental.len().saturating_sub(usize::from(keep_last));
        let retired = self.incremental.drain(..retired).map(|old| AofFile { kind: FileKind::History, ..old });
        self.history.splice(0..0, retired);
    }

    /// The files to be loaded, in order.
    pub fn files(&self) -> impl Iterator<Item = &AofFile> {
        self.base.iter().chain(&self.incremental)
    }
}

fn last_seq(files: &[AofFile]) -> u64 {
    files.last().map_or(0, |file| file.seq)
}

/// The name, in quotes if it would not be one word otherwise.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if name.bytes().all(plain) {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            BELL => out.push_str("\\a"),
            BACKSPACE => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
