//! Manifests as they are read, strictly: what no server writes is refused.
//!
//! Nothing in a manifest says whether it is whole, and one bit makes a file that is still needed (`i`) one that is not (`h`). So
//! everything that a manifest says twice must agree: a name says its file's number and kind, all names begin alike, bases come before
//! history and history before what is appended to, and the oldest file of a history is a base, as rewrites leave it. A manifest in which
//! any one bit has changed is refused, or says what it said before. (A name that nothing is beside may have changed: of it no file is found.)

use super::{AofFile, CHECKSUM, FileKind, INVALID, LINE_MAX, Manifest, ManifestError};

const MISMATCH: &str = "The name of the AOF file does not agree with its sequence number, its type or the other names";

/// What the name of a file says of it.
#[derive(PartialEq, Eq)]
struct Said<'a> {
    /// `appendfilename` of the server that named it.
    prefix: &'a str,
    seq: u64,
    is_base: bool,
}

impl<'a> Said<'a> {
    /// Names are `<prefix>.<seq>.base.rdb`, `<prefix>.<seq>.base.aof` and `<prefix>.<seq>.incr.aof`. The one file of an older version keeps
    /// its name, which is the prefix of all others, and is the first base.
    fn by(name: &'a str) -> Said<'a> {
        let base = name.strip_suffix(".base.rdb").or_else(|| name.strip_suffix(".base.aof"));
        let numbered = base.or_else(|| name.strip_suffix(".incr.aof")).and_then(|name| name.rsplit_once('.'));
        match numbered.and_then(|(prefix, seq)| Some((prefix, number(seq.as_bytes())?))) {
            Some((prefix, seq)) => Said { prefix, seq, is_base: base.is_some() },
            None => Said { prefix: name, seq: 1, is_base: true },
        }
    }

    fn agrees(&self, file: &AofFile) -> bool {
        let may_be = match file.kind {
            FileKind::Base => self.is_base,
            FileKind::Incremental => !self.is_base,
            FileKind::History => true,
        };
        may_be && self.seq == file.seq
    }
}

/// A number as it is written and no other way.
fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &u64| *number > 0 && i64::try_from(*number).is_ok() && number.to_string() == text)
}

/// Reads a manifest.
pub(super) fn read(text: &[u8]) -> Result<Manifest, ManifestError> {
    if text.is_empty() {
        return Err(ManifestError { line: 0, text: None, what: "Found an empty AOF manifest" });
    }
    let mut reading = Reading::default();
    let mut before = 0;
    for (i, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Some(said) = line.strip_prefix(CHECKSUM.as_bytes()) {
            let checksum = format!("{:08x}\n", crc32fast::hash(&text[..before]));
            if said != checksum.as_bytes() {
                return Err(ManifestError { line: i + 1, text: None, what: "The checksum does not hold" });
            }
        }
        before += line.len();
        let Err((what, text)) = reading.line(line) else { continue };
        return Err(ManifestError { line: i + 1, text, what });
    }
    reading.end().map_err(|what| ManifestError { line: 0, text: None, what })
}

/// What has been read of a manifest.
#[derive(Default)]
struct Reading {
    manifest: Manifest,
    /// What all names begin with.
    prefix: Option<String>,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), (&'static str, Option<String>)> {
        if line.first() == Some(&b'#') {
            return Ok(());
        }
        let Some(body) = line.strip_suffix(b"\n").filter(|_| line.len() <= LINE_MAX) else {
            return Err(("The AOF manifest file contains too long line", None));
        };
        let body = body.strip_suffix(b"\r").unwrap_or(body);
        parse(body)
            .and_then(|file| self.add(file))
            .map_err(|what| (what, Some(String::from_utf8_lossy(body).into_owned()).filter(|body| !body.is_empty())))
    }

    fn add(&mut self, file: AofFile) -> Result<(), &'static str> {
        let said = Said::by(&file.name);
        let prefix = self.prefix.get_or_insert_with(|| said.prefix.to_owned());
        if !said.agrees(&file) || prefix != said.prefix {
            return Err(MISMATCH);
        }
        let Manifest { base, history, incremental, .. } = &mut self.manifest;
        match file.kind {
            FileKind::Base if base.is_some() => Err("Found duplicate base file information"),
            FileKind::Base if !(history.is_empty() && incremental.is_empty()) => {
                Err("The base is not the first AOF file")
            }
            FileKind::Base => {
                *base = Some(file);
                Ok(())
            }
            FileKind::History if !incremental.is_empty() => Err("Found history behind what is still needed"),
            FileKind::History => {
                history.push(file);
                Ok(())
            }
            FileKind::Incremental if incremental.last().is_some_and(|last| file.seq <= last.seq) => {
                Err("Found a non-monotonic sequence number")
            }
            FileKind::Incremental => {
                incremental.push(file);
                Ok(())
            }
        }
    }

    fn end(self) -> Result<Manifest, &'static str> {
        // Rewrites put what they retire before what is history already: what was appended, then the base that it followed.
        match self.manifest.history.last() {
            Some(oldest) if !Said::by(&oldest.name).is_base => Err("The history does not begin with a base"),
            _ => Ok(self.manifest),
        }
    }
}

/// The file that a line names. Words that are not known yet come in pairs, too.
fn parse(line: &[u8]) -> Result<AofFile, &'static str> {
    let words = Some(line).filter(|line| !line.iter().any(u8::is_ascii_control)).and_then(refrain_resp::split_words);
    let words = words.filter(|words| words.len() >= 6 && words.len() % 2 == 0).ok_or(INVALID)?;
    let (mut name, mut seq, mut kind) = (None, None, None);
    for pair in words.chunks_exact(2) {
        let (word, value) = (&pair[0], &pair[1]);
        let is_twice = if word.eq_ignore_ascii_case(b"file") {
            name.replace(file_name(value)?).is_some()
        } else if word.eq_ignore_ascii_case(b"seq") {
            seq.replace(number(value).ok_or(INVALID)?).is_some()
        } else if word.eq_ignore_ascii_case(b"type") {
            let letter = <[u8; 1]>::try_from(&value[..]).ok().and_then(|[letter]| FileKind::of(letter));
            kind.replace(letter.ok_or("Unknown AOF file type")?).is_some()
        } else {
            false
        };
        if is_twice {
            return Err(INVALID);
        }
    }
    match (name, seq, kind) {
        (Some(name), Some(seq), Some(kind)) => Ok(AofFile { name, seq, kind }),
        _ => Err(INVALID),
    }
}

/// A name, if it names nothing outside of its directory.
fn file_name(bytes: &[u8]) -> Result<String, &'static str> {
    let name = std::str::from_utf8(bytes).map_err(|_| INVALID)?;
    match name {
        "" => Err(INVALID),
        "." | ".." => Err("File can't be a path, just a filename"),
        _ if name.contains(['/', '\\']) => Err("File can't be a path, just a filename"),
        _ => Ok(name.to_owned()),
    }
}
