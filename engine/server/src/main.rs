//! `refrain-server`: reads its command line and configuration, becomes the process that the operator asked for, and runs one
//! node on real sockets.
//!
//! Whenever it can't go on it says why on standard error (or in its log, once that is open) and exits with a code that is not
//! 0. The binary never depends on the simulator.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the binary stands below the seam: its arguments, configuration and log are the real world's"
)]

mod allocator;
mod banner;
mod checks;
mod command_line;
mod conf_file;
mod crash;
mod logging;

mod probe;
mod process;
mod startup;
mod upkeep;
mod version;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::command_line::{Invocation, Request};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_else(|| "refrain-server".into());
    match command_line::parse(arguments) {
        Ok(Request::Serve(invocation)) => serve(program, &invocation),
        Ok(Request::Version) => print(&format!("{}\n", version::line()), true),
        Ok(Request::Help) => print(command_line::HELP, true),
        Ok(Request::CheckSystem) => {
            let (report, fine) = checks::system::report();
            print(&report, fine)
        }
        Ok(Request::TestMemory(megabytes)) => match checks::memory::test(megabytes, &mut io::stdout()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(why) => refuse(&why),
        },
        Err(error) => refuse(&error.to_string()),
    }
}

fn serve(program: OsString, invocation: &Invocation) -> ExitCode {
    if invocation.sentinel {
        return refuse("This server has no Sentinel mode. Run redis-sentinel beside it.");
    }
    let settings = match startup::read(invocation) {
        Ok(settings) => settings,
        Err(error) => return refuse(&error.to_string()),
    };
    let logger = match logging::install() {
        Ok(logger) => logger,
        Err(error) => return refuse(&error.to_string()),
    };
    process::life::live(program, invocation, settings, &logger)
}

/// Prints what was asked for. That nobody can read it is a failure, and no reason to panic.
fn print(text: &str, success: bool) -> ExitCode {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if success && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refuse(why: &str) -> ExitCode {
    // Where else could it be told?
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::FAILURE
}
