//! The command line: a configuration file, `-` for standard input, and any parameter as `--name value …`.
//!
//! Options become lines of configuration text behind the file's, so that one grammar and one kind of error serve both.
//! As in Redis, an argument that begins with `--` starts a parameter unless the parameter before still lacks its first
//! value; `"--port 7777"` in one argument works as well.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use refrain_core::config::{quote, split_args};

/// What `--help` prints.
pub const HELP: &str = "\
Usage: refrain-server [/path/to/redis.conf] [--parameter value ...] [-]

  refrain-server -                      read the configuration from standard input
  refrain-server -v, --version          print the version
  refrain-server -h, --help             print this text
  refrain-server --check-system         look at the system's settings
  refrain-server --test-memory <MB>     test this much memory, many times over

Every parameter of the configuration file may be given as an option. Options win over the file.

Examples:
  refrain-server
  refrain-server /etc/redis/6379.conf
  refrain-server --port 7777
  refrain-server --port 0 --unixsocket /run/refrain.sock --unixsocketperm 770
  refrain-server --bind 127.0.0.1 ::1 --requirepass secret --maxclients 500
  refrain-server /etc/redis/6379.conf --loglevel verbose
  echo 'timeout 300' | refrain-server -
";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Serve, with this configuration.
    Serve(Invocation),
    /// Print the version and exit with 0.
    Version,
    /// Print [`HELP`] and exit with 0.
    Help,
    /// Look at the system's settings and exit with 0 when nothing is in the way.
    CheckSystem,
    /// Test this many megabytes of memory and exit with 0 when they hold what is written to them.
    TestMemory(usize),
}

/// Where the configuration comes from: the file, then standard input, then the options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// The configuration file, if one was named.
    pub config_file: Option<PathBuf>,
    /// `-` was given.
    pub from_stdin: bool,
    /// `--sentinel` was given.
    pub sentinel: bool,
    /// The options as lines of configuration text; no trailing newline.
    pub options: Vec<u8>,
}

/// A command line that means nothing. Its text goes to standard error; the exit code is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// For `--test-memory` without an amount. Unknown parameters are the configuration's to reject.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    match args.first().and_then(|first| first.to_str()) {
        Some("-v" | "--version") => return Ok(Request::Version),
        Some("-h" | "--help") => return Ok(Request::Help),
        Some("--check-system") => return Ok(Request::CheckSystem),
        Some("--test-memory") => {
            let megabytes = match &args[1..] {
                [megabytes] => megabytes.to_str().and_then(|text| text.parse().ok()),
                _ => None,
            };
            return megabytes.map(Request::TestMemory).ok_or_else(|| {
                UsageError(
                    "Please specify the amount of memory to test in megabytes.\nExample: refrain-server --test-memory 4096"
                        .to_owned(),
                )
            });
        }
        _ => {}
    }
    let mut invocation = Invocation { sentinel: args.iter().any(|arg| arg == "--sentinel"), ..Invocation::default() };
    let mut rest = args.as_slice();
    if let Some((first, behind)) = rest.split_first()
        && !first.as_bytes().starts_with(b"-")
    {
        invocation.config_file = Some(Path::new(first).to_path_buf());
        rest = behind;
    }
    // `-` stands first or last; anywhere else it is a value.
    if let Some((first, behind)) = rest.split_first()
        && first == "-"
        && invocation.config_file.is_none()
    {
        invocation.from_stdin = true;
        rest = behind;
    }
    if let Some((last, before)) = rest.split_last()
        && last == "-"
    {
        invocation.from_stdin = true;
        rest = before;
    }
    invocation.options = options(rest);
    Ok(Request::Serve(invocation))
}

/// Turns arguments into lines of configuration. A value is quoted, a name (with what follows it in the same argument) is
/// taken as it is.
fn options(args: &[OsString]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut owes_value = false;
    for (place, arg) in args.iter().enumerate() {
        let bytes = arg.as_bytes();
        match bytes.strip_prefix(b"--") {
            Some(name) if !owes_value => {
                let is_last_word = args.get(place + 1).is_none_or(|next| next.as_bytes().starts_with(b"--"));
                if name.eq_ignore_ascii_case(b"sentinel") && is_last_word {
                    continue;
                }
                if !text.is_empty() {
                    text.push(b'\n');
                }
                text.extend_from_slice(name);
                owes_value = split_args(bytes).is_some_and(|words| words.len() == 1);
                if owes_value && name.eq_ignore_ascii_case(b"save") && is_last_word {
                    // `--save` alone means `--save ""`: no snapshots.
                    text.extend_from_slice(b" \"\"");
                    owes_value = false;
                }
            }
            _ => {
                if !text.is_empty() {
                    text.push(b' ');
                }
                text.extend_from_slice(&quote(bytes));
                owes_value = false;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(args: &[&str]) -> Invocation {
        match parse(args.iter().map(OsString::from)).unwrap() {
            Request::Serve(invocation) => invocation,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(args: &[&str], options: &str) {
        assert_eq!(String::from_utf8(serve(args).options).unwrap(), options);
    }

    #[test]
    fn parameters_become_lines() {
        check(&[], "");
        check(&["--port", "7777"], "port \"7777\"");
        check(&["--port 7777"], "port 7777");
        check(&["--port 7777", "--save", "60", "1", "30", "2"], "port 7777\nsave \"60\" \"1\" \"30\" \"2\"");
        check(&["--bogus", "a b", "c"], "bogus \"a b\" \"c\"");
        check(&["--dir", "a\"b\n"], "dir \"a\\\"b\\n\"");
        check(&["--port", "7777", "-bind", "x"], "port \"7777\" \"-bind\" \"x\"");
    }

    #[test]
    fn a_name_alone_takes_the_next_argument_whatever_it_looks_like() {
        check(
            &["--proc-title-template", "--my--title", "--loglevel", "verbose"],
            "proc-title-template \"--my--title\"\nloglevel \"verbose\"",
        );
        check(&["--port"], "port");
        check(&["--port", "--save"], "port \"--save\"");
    }

    #[test]
    fn save_alone_turns_snapshots_off() {
        check(&["--save"], "save \"\"");
        check(&["--save", "--port", "1"], "save \"\"\nport \"1\"");
        check(&["--port", "1", "--save", ""], "port \"1\"\nsave \"\"");
    }

    #[test]
    fn sentinel_is_a_mode_and_sentinel_directives_are_options() {
        let invocation = serve(&["s.conf", "--sentinel", "--port", "1"]);
        assert!(invocation.sentinel);
        assert_eq!(invocation.options, b"port \"1\"");
        check(&["s.conf", "--sentinel"], "");
        check(&["--sentinel", "monitor", "x"], "sentinel \"monitor\" \"x\"");
    }

    #[test]
    fn the_file_and_standard_input() {
        let invocation = serve(&["my.conf", "--loglevel", "verbose", "-"]);
        assert_eq!(invocation.config_file.as_deref(), Some(Path::new("my.conf")));
        assert!(invocation.from_stdin);
        assert_eq!(invocation.options, b"loglevel \"verbose\"");
        assert!(serve(&["-"]).from_stdin);
        assert_eq!(serve(&["-", "--port", "1"]).options, b"port \"1\"");
        let middle = serve(&["--requirepass", "-", "--port", "1"]);
        assert!(!middle.from_stdin, "`-` in the middle is a value");
        assert_eq!(middle.options, b"requirepass \"-\"\nport \"1\"");
        check(&["-x"], "\"-x\"");
    }

    #[test]
    fn requests_that_stand_alone() {
        let parse = |args: &[&str]| parse(args.iter().map(OsString::from));
        assert_eq!(parse(&["-v"]), Ok(Request::Version));
        assert_eq!(parse(&["--version"]), Ok(Request::Version));
        assert_eq!(parse(&["-h"]), Ok(Request::Help));
        assert_eq!(parse(&["--help"]), Ok(Request::Help));
        assert_eq!(parse(&["--check-system"]), Ok(Request::CheckSystem));
        assert_eq!(parse(&["--test-memory", "64"]), Ok(Request::TestMemory(64)));
        for amount in [&["--test-memory"][..], &["--test-memory", "x"], &["--test-memory", "1", "2"]] {
            assert!(parse(amount).unwrap_err().to_string().contains("in megabytes"), "{amount:?}");
        }
    }
}
