//! The checkers of RDB and append-only files: what `refrain-check-rdb` and `refrain-check-aof` do.
//!
//! Arguments, exit codes and the words that scripts look for are those of `redis-check-rdb` and `redis-check-aof`. A file is read
//! in pieces, never as a whole, and never changed without a question that was answered with yes. (Cutting it off at a time is
//! asked for by an option, and asks nothing more.)

mod aof;
mod command_line;
mod console;
mod multi_part;
mod rdb;
mod source;

use std::ffi::OsString;
use std::process::ExitCode;

use command_line::{AofRequest, RdbRequest};
use console::Console;

/// Why a check ended: it has been said already.
struct Failed;

/// `refrain-check-rdb`, with its arguments.
pub fn rdb_main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let console = Console::new();
    match command_line::rdb(arguments) {
        RdbRequest::Print(text) => console.say(text.trim_end()),
        RdbRequest::Refuse(text) => {
            console.complain(text.trim_end());
            return ExitCode::FAILURE;
        }
        RdbRequest::Check(path) => {
            if rdb::check_file(&console, &path).is_err() {
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// `refrain-check-aof`, with its arguments.
pub fn aof_main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let console = Console::new();
    match command_line::aof(arguments) {
        AofRequest::Print(text) => console.say(text.trim_end()),
        AofRequest::Refuse(text) => {
            console.complain(text.trim_end());
            return ExitCode::FAILURE;
        }
        AofRequest::Check { path, remedy } => {
            if multi_part::check(&console, &path, remedy).is_err() {
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
