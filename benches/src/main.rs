//! `refrain-bench`: what a request costs a server, beside its peers on the same machine.
//!
//! It guarantees that every server it starts is gone when it ends, that servers are measured in turns, and that a reply
//! which is not what the test expects ends the measurement. It must never print a verdict without its range, and it
//! never touches a server that it was not told of.
//!
//! This is a tool that stands outside the seam: it reads real clocks, real sockets and `/proc`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool outside the seam measures the real world"
)]

mod accounting;
mod cli;
mod compare;
mod figures;
mod generator;
mod growth;
mod instructions;
mod kernel;
mod keys;
mod load;
mod machine;
mod memory;
mod persistence;
mod progress;
mod replies;
mod report;
mod server;
mod template;
mod workloads;

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Output, Task};
use crate::report::{Report, html, json, text};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if kernel::interrupted() => {
            eprintln!("refrain-bench: stopped ({error}); every server it started has ended");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("refrain-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    kernel::catch_interrupts()?;
    match cli.task {
        Task::Compare(plan) => {
            let plan = plan.settled();
            publish(&compare::run(&plan)?, &plan.output)
        }
        Task::Load(plan) => load::run(&plan.settled()),
        Task::Instructions(plan) => publish(&instructions::run(&plan)?, &plan.output),
        Task::Growth(plan) => publish(&growth::run(&plan)?, &plan.output),
        Task::Persistence(plan) => publish(&persistence::run(&plan)?, &plan.output),
    }
}

fn publish(report: &Report, output: &Output) -> Result<(), Box<dyn Error>> {
    let mut screen = std::io::stdout().lock();
    let colours = screen.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    screen.write_all(text::render(report, colours).as_bytes())?;
    if let Some(path) = &output.html {
        std::fs::write(path, html::render(report)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &output.json {
        let text = format!("{:#}\n", json::render(report));
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
