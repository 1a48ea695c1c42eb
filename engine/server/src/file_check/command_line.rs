//! What the checkers are asked for: the few forms that Redis's have, and help.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const RDB_HELP: &str = "\
Usage: refrain-check-rdb <rdb-file-name>

Reads an RDB file to its end and says whether a server could load it: every key and value is made as a server would make it, and the
checksum is compared. The file is not changed.

  refrain-check-rdb -v, --version       print the version
  refrain-check-rdb -h, --help          print this text

Examples:
  refrain-check-rdb /var/lib/redis/dump.rdb
  refrain-check-rdb appendonlydir/appendonly.aof.1.base.rdb
  refrain-check-rdb dump.rdb && cp dump.rdb /backup/

Exits with 0 when the file is fine. Otherwise with 1, and tells the offset, the key and the type at which it is not.
";

const RDB_USAGE: &str = "\
Usage: refrain-check-rdb <rdb-file-name>
Try 'refrain-check-rdb --help'.
";

const AOF_HELP: &str = "\
Usage: refrain-check-aof [--fix|--truncate-to-timestamp <timestamp>] <file.manifest|file.aof>

Reads an append-only file to its end and says whether a server could load it. Given a manifest, it reads all files that the manifest
names, as a server would. Without an option nothing is changed.

  --fix                                 offer to cut off what is not valid at the end of the last file
  --truncate-to-timestamp <timestamp>   cut off what was written after this time, in seconds since 1970; the file must have been
                                        written with aof-timestamp-enabled
  -v, --version                         print the version
  -h, --help                            print this text

Examples:
  refrain-check-aof appendonlydir/appendonly.aof.manifest
  refrain-check-aof --fix appendonlydir/appendonly.aof.manifest
  refrain-check-aof --truncate-to-timestamp $(date -d '10 minutes ago' +%s) appendonlydir/appendonly.aof.manifest
  refrain-check-aof old-appendonly.aof

Stop the server first, and keep a copy: what is cut off is gone. Only the end of the last file is ever cut off, because what follows
damage in an earlier one would be lost silently. Exits with 0 when the files are valid (now), otherwise with 1.
";

const AOF_USAGE: &str = "\
Usage: refrain-check-aof [--fix|--truncate-to-timestamp <timestamp>] <file.manifest|file.aof>
Try 'refrain-check-aof --help'.
";

/// What to do about a file that is not valid, or too young.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing.
    Report,
    /// Ask, then cut off what is not valid.
    Fix,
    /// Cut off what was written after this time.
    TruncateTo(i64),
}

/// What `refrain-check-rdb` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum RdbRequest {
    Print(String),
    Refuse(String),
    Check(PathBuf),
}

/// What `refrain-check-aof` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum AofRequest {
    Print(String),
    Refuse(String),
    Check { path: PathBuf, remedy: Remedy },
}

fn version(program: &str) -> String {
    format!("{program} {}", env!("CARGO_PKG_VERSION"))
}

fn is_help(argument: &OsStr) -> bool {
    argument == "-h" || argument == "--help"
}

fn is_version(argument: &OsStr) -> bool {
    argument == "-v" || argument == "--version"
}

/// Reads the arguments of `refrain-check-rdb`, the first of which is its own name.
pub fn rdb(arguments: impl Iterator<Item = OsString>) -> RdbRequest {
    match &arguments.skip(1).collect::<Vec<_>>()[..] {
        [help] if is_help(help) => RdbRequest::Print(RDB_HELP.to_owned()),
        [help] if is_version(help) => RdbRequest::Print(version("refrain-check-rdb")),
        [path] => RdbRequest::Check(path.into()),
        _ => RdbRequest::Refuse(RDB_USAGE.to_owned()),
    }
}

/// Reads the arguments of `refrain-check-aof`, the first of which is its own name.
pub fn aof(arguments: impl Iterator<Item = OsString>) -> AofRequest {
    match &arguments.skip(1).collect::<Vec<_>>()[..] {
        [help] if is_help(help) => AofRequest::Print(AOF_HELP.to_owned()),
        [help] if is_version(help) => AofRequest::Print(version("refrain-check-aof")),
        [path] => AofRequest::Check { path: path.into(), remedy: Remedy::Report },
        [fix, path] if fix == "--fix" => AofRequest::Check { path: path.into(), remedy: Remedy::Fix },
        [truncate, timestamp, path] if truncate == "--truncate-to-timestamp" => {
            match timestamp.to_str().and_then(|timestamp| timestamp.parse().ok()) {
                Some(timestamp) => AofRequest::Check { path: path.into(), remedy: Remedy::TruncateTo(timestamp) },
                None => AofRequest::Refuse("Invalid timestamp, aborting...".to_owned()),
            }
        }
        _ => AofRequest::Refuse(AOF_USAGE.to_owned()),
    }
}
