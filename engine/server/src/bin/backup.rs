//! `refrain-backup`: a consistent copy of what a running server keeps on disk, and its return.

use std::process::ExitCode;

fn main() -> ExitCode {
    refrain_server::backup(std::env::args_os().skip(1))
}
