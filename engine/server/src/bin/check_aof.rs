//! `refrain-check-aof`: whether an append-only file is whole, and where it is not; cuts off what is not, if asked to.

use std::process::ExitCode;

fn main() -> ExitCode {
    refrain_server::file_check::aof_main(std::env::args_os())
}
