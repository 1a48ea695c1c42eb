//! `refrain-check-rdb`: whether an RDB file is whole, and where it is not.

use std::process::ExitCode;

fn main() -> ExitCode {
    refrain_server::file_check::rdb_main(std::env::args_os())
}
