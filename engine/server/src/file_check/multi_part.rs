//! An append-only file as it is named: one file, or a manifest and the files that it names, in its directory.

use std::path::Path;

use refrain_persist::aof::manifest::{FileKind, Manifest};

use super::Failed;
use super::aof::{self, Outcome, Subject};
use super::command_line::Remedy;
use super::console::Console;
use super::source::first_bytes;

/// No manifest is longer.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// Checks what the path names.
pub fn check(console: &Console, path: &Path, remedy: Remedy) -> Result<(), Failed> {
    let text = first_bytes(console, path, MANIFEST_BYTES_MAX)?;
    if is_manifest(&text) {
        return check_files(console, path, &text, remedy);
    }
    console.say("Start checking Old-Style AOF");
    let has_preamble = aof::is_rdb(console, path)?;
    let subject = Subject { name: path.display().to_string(), path, has_preamble, is_last: true };
    check_file(console, &subject, "AOF", remedy)?;
    Ok(())
}

/// Whether the first line that is no comment names a file.
fn is_manifest(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find(|line| !line.starts_with(b"#")).is_some_and(|line| line.starts_with(b"file"))
}

fn check_files(console: &Console, path: &Path, text: &[u8], remedy: Remedy) -> Result<(), Failed> {
    console.say("Start checking Multi Part AOF");
    let manifest = Manifest::parse(text).map_err(|error| {
        console.say("\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
        if let Some(text) = &error.text {
            console.say(&format!("Reading the manifest file, at line {}\n", error.line));
            console.say(&format!(">>> '{}'\n", text.escape_debug()));
        }
        console.say(error.what);
        Failed
    })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let last = manifest.files().count();
    let mut said_incremental = false;
    for (i, file) in manifest.files().enumerate() {
        let path = directory.join(&file.name);
        let has_preamble = file.kind == FileKind::Base && aof::is_rdb(console, &path)?;
        let what = match file.kind {
            FileKind::Base => {
                let format = if has_preamble { "RDB" } else { "RESP" };
                console.say(&format!("Start to check BASE AOF ({format} format)."));
                "BASE AOF"
            }
            FileKind::Incremental | FileKind::History => {
                if !std::mem::replace(&mut said_incremental, true) {
                    console.say("Start to check INCR files.");
                }
                "INCR AOF"
            }
        };
        let subject = Subject { name: file.name.clone(), path: &path, has_preamble, is_last: i + 1 == last };
        check_file(console, &subject, what, remedy)?;
    }
    console.say("All AOF files and manifest are valid");
    Ok(())
}

/// Checks one file, and once more what stands behind a seal that was taken out.
fn check_file(console: &Console, subject: &Subject<'_>, what: &str, remedy: Remedy) -> Result<(), Failed> {
    loop {
        let outcome = aof::check(console, subject, remedy)?;
        say_outcome(console, &outcome, what, &subject.name);
        if !matches!(outcome, Outcome::Unsealed) {
            return Ok(());
        }
    }
}

fn say_outcome(console: &Console, outcome: &Outcome, what: &str, name: &str) {
    console.say(&match outcome {
        Outcome::Valid => format!("{what} {name} is valid"),
        Outcome::Empty => format!("{what} {name} is empty"),
        Outcome::Unsealed => format!("Successfully took the seal out of AOF {name}"),
        Outcome::Truncated => format!("Successfully truncated AOF {name}"),
        Outcome::TruncatedTo(timestamp) => format!("Successfully truncated AOF {name} to timestamp {timestamp}"),
    });
}
