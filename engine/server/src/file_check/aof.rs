//! One append-only file: read to its end, and cut off there if that is wanted.

use std::path::Path;

use refrain_persist::aof::{AofError, AofItem, AofReader, blank_seal, seal_gone_on_behind};

use super::Failed;
use super::command_line::Remedy;
use super::console::Console;
use super::rdb;
use super::source::{Source, first_bytes};

/// What was found, or done.
pub enum Outcome {
    Valid,
    Empty,
    /// What was not valid has been cut off.
    Truncated,
    /// A seal has been taken out that another server had left in front of what it wrote.
    Unsealed,
    /// What was written after this time has been cut off.
    TruncatedTo(i64),
}

/// A file to be checked.
pub struct Subject<'a> {
    /// What it is called.
    pub name: String,
    pub path: &'a Path,
    /// Whether it begins with an RDB file.
    pub has_preamble: bool,
    /// Whether no other file comes after it: only then may it be cut off.
    pub is_last: bool,
}

/// Whether a file begins as RDB does.
pub fn is_rdb(console: &Console, path: &Path) -> Result<bool, Failed> {
    // A header, with a version and something behind it.
    const HEADER_BYTES: u64 = 8;
    let first = first_bytes(console, path, HEADER_BYTES)?;
    Ok(first.len() as u64 == HEADER_BYTES && refrain_persist::rdb::is_rdb(&first))
}

/// Checks a file, and does what is to be done about it.
pub fn check(console: &Console, subject: &Subject<'_>, remedy: Remedy) -> Result<Outcome, Failed> {
    let Subject { name, path, has_preamble, is_last } = subject;
    let fail = |why: String| {
        console.say(&why);
        Failed
    };
    let mut source = Source::open(console, path, remedy != Remedy::Report)
        .map_err(|error| fail(format!("Cannot open file {}: {error}, aborting...", path.display())))?;
    if source.len == 0 {
        return Ok(Outcome::Empty);
    }
    let mut reader = if *has_preamble {
        let Ok(preamble) = rdb::check(console, &mut source, path) else {
            return Err(fail("RDB preamble of AOF file is not sane, aborting.".to_owned()));
        };
        console.say("RDB preamble is OK, proceeding with AOF tail...");
        let mut reader = AofReader::new(preamble.offset(), u64::MAX).of_len(source.len);
        reader.feed(preamble.rest());
        reader
    } else {
        AofReader::new(0, u64::MAX).of_len(source.len)
    };

    let until = match remedy {
        Remedy::TruncateTo(timestamp) => Some(timestamp),
        Remedy::Report | Remedy::Fix => None,
    };
    let found = read_to_end(&mut reader, &mut source, until)
        .map_err(|error| fail(format!("Failed to read from AOF {name}: {error}, aborting...")))?;
    match (found, until) {
        (Found::Later { valid }, Some(timestamp)) => {
            truncate_to_timestamp(console, subject, &source, valid, timestamp)?;
            return Ok(Outcome::TruncatedTo(timestamp));
        }
        (Found::BadTimestamp, _) => return Err(fail("Invalid timestamp annotation".to_owned())),
        (Found::Wrong(error), _) => {
            if !error.kind.is_truncation() {
                console.say(&format!("AOF {name} format error"));
            }
            console.say(&format!("{:#018x}: {}", error.offset, error.kind));
        }
        (Found::End | Found::Later { .. }, _) => {}
    }

    let (size, valid) = (source.len, reader.valid_up_to());
    let excess = size.saturating_sub(valid);
    if let Some(timestamp) = until.filter(|_| excess == 0) {
        console.say(&format!("Truncate nothing in AOF {name} to timestamp {timestamp}"));
        return Ok(Outcome::Valid);
    }
    console.say(&format!(
        "AOF analyzed: filename={name}, size={size}, ok_up_to={valid}, ok_up_to_line={}, diff={excess}",
        reader.line()
    ));
    if excess == 0 {
        return Ok(Outcome::Valid);
    }
    let wrong_from = reader.offset();
    let tail = source.from(wrong_from);
    let tail = tail.map_err(|error| fail(format!("Failed to read from AOF {name}: {error}, aborting...")))?;
    if let Some(line) = tail.and_then(|tail| seal_gone_on_behind(&tail)) {
        return unseal(console, subject, &source, (wrong_from + line.start as u64, line.len()), remedy);
    }
    if remedy != Remedy::Fix {
        return Err(fail(format!("AOF {name} is not valid. Use the --fix option to try fixing it.")));
    }
    if !is_last {
        return Err(fail(format!("Failed to truncate AOF {name} because it is not the last file")));
    }
    console.say(&format!("This will shrink the AOF {name} from {size} bytes, with {excess} bytes, to {valid} bytes"));
    if !console.confirm("Continue?") {
        return Err(fail("Aborting...".to_owned()));
    }
    source.truncate(valid).map_err(|error| fail(format!("Failed to truncate AOF {name}: {error}")))?;
    Ok(Outcome::Truncated)
}

/// Takes the seal out behind whose piece another server has gone on: where it stands, and its bytes.
fn unseal(
    console: &Console,
    subject: &Subject<'_>,
    source: &Source<'_>,
    (at, len): (u64, usize),
    remedy: Remedy,
) -> Result<Outcome, Failed> {
    let name = &subject.name;
    let fail = |why: String| {
        console.say(&why);
        Failed
    };
    console.say(&format!(
        "{at:#018x}: The piece that is sealed here was cut short, and another server, to which seals are comments, has written whole \
         commands behind it."
    ));
    if remedy != Remedy::Fix {
        return Err(fail(format!(
            "AOF {name} is not valid. Use the --fix option to try fixing it: no command is lost."
        )));
    }
    console
        .say(&format!("This will replace the seal in the AOF {name}, {len} bytes, by a comment, and cut nothing off"));
    if !console.confirm("Continue?") {
        return Err(fail("Aborting...".to_owned()));
    }
    let replaced = source.overwrite(at, &blank_seal(len));
    replaced.map_err(|error| fail(format!("Failed to write to AOF {name}: {error}")))?;
    Ok(Outcome::Unsealed)
}

/// Where reading ended.
enum Found {
    End,
    /// An annotation of a later time.
    Later {
        /// Up to where the file is whole before it.
        valid: u64,
    },
    /// An annotation whose time is none.
    BadTimestamp,
    Wrong(AofError),
}

/// Reads to the end, or to the first annotation of a time after `until`.
fn read_to_end(reader: &mut AofReader, source: &mut Source<'_>, until: Option<i64>) -> std::io::Result<Found> {
    let mut ended = false;
    loop {
        let valid = reader.valid_up_to();
        match reader.next() {
            Ok(Some(AofItem::Annotation(line))) => match timestamp(line).filter(|_| until.is_some()) {
                Some(Err(NoTimestamp)) => return Ok(Found::BadTimestamp),
                Some(Ok(time)) if until.is_some_and(|until| time > until) => return Ok(Found::Later { valid }),
                Some(Ok(_)) | None => {}
            },
            Ok(Some(AofItem::Command(_))) => {}
            Ok(None) if ended => return Ok(Found::End),
            Ok(None) => match source.next_piece()? {
                [] => {
                    reader.end_of_input();
                    ended = true;
                }
                piece => reader.feed(piece),
            },
            Err(error) => return Ok(Found::Wrong(error)),
        }
    }
}

struct NoTimestamp;

/// The time that an annotation names, if it is one that names a time.
fn timestamp(annotation: &[u8]) -> Option<Result<i64, NoTimestamp>> {
    let digits = annotation.strip_prefix(b"#TS:")?;
    Some(std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(NoTimestamp))
}

fn truncate_to_timestamp(
    console: &Console,
    subject: &Subject<'_>,
    source: &Source<'_>,
    valid: u64,
    timestamp: i64,
) -> Result<(), Failed> {
    let name = &subject.name;
    if valid == 0 {
        console.say(&format!("AOF {name} has nothing before timestamp {timestamp}, aborting..."));
        return Err(Failed);
    }
    if !subject.is_last {
        console.say(&format!(
            "Failed to truncate AOF {name} to timestamp {timestamp} to offset {valid} because it is not the last file."
        ));
        console.say(
            "If you insist, please delete all files after this file according to the manifest file and delete the \
             corresponding records in manifest file manually. Then re-run refrain-check-aof.",
        );
        return Err(Failed);
    }
    source.truncate(valid).map_err(|error| {
        console.say(&format!("Failed to truncate AOF {name} to timestamp {timestamp}: {error}"));
        Failed
    })
}
