//! The command line: what it understands, and which file does it.

mod determinism;
mod parallel;
mod replay;
mod run;
mod shrink;
mod source;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use refrain_harness::planted::Planted;
use refrain_harness::scenario::library::{self, Loaded};

/// Runs scenarios in the simulator.
///
/// A scenario is a file under scenarios/. A seed makes it a plan; the same seed gives the same run, on every machine.
#[derive(Parser)]
#[command(name = "refrain-harness", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  refrain-harness list
  refrain-harness run single-node --seeds 1..100
  refrain-harness run single-node --seeds 1..100 --planted missed-watch
  refrain-harness replay single-node --seed 17 -v
  refrain-harness determinism single-node --seeds 50 --hashes hashes.txt
  refrain-harness shrink single-node --seed 17 -o failing.toml
  refrain-harness run single-node --plan failing.toml";

#[derive(Subcommand)]
enum Command {
    /// Lists the scenarios.
    List,
    /// Runs seeds of a scenario and says which fail.
    Run(run::Run),
    /// Runs one seed and tells what happened.
    Replay(replay::Replay),
    /// Runs each seed twice and compares the traces.
    Determinism(determinism::Determinism),
    /// Makes a failing seed's plan small, and writes it down.
    Shrink(shrink::Shrink),
}

/// A seed or a range of seeds.
#[derive(Debug, Clone, Copy)]
struct Seeds {
    first: u64,
    end: u64,
}

/// Parses `A..B` (B excluded), `A..=B`, or a single seed.
fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is no seed"));
    let seeds = match text.split_once("..") {
        None => Seeds { first: number(text)?, end: number(text)?.saturating_add(1) },
        Some((first, last)) => match last.strip_prefix('=') {
            Some(last) => Seeds { first: number(first)?, end: number(last)?.saturating_add(1) },
            None => Seeds { first: number(first)?, end: number(last)? },
        },
    };
    if seeds.first >= seeds.end {
        return Err("the range is empty".to_owned());
    }
    if seeds.end > i64::MAX as u64 {
        return Err("seeds are below 2^63".to_owned());
    }
    Ok(seeds)
}

fn planted(name: &str) -> Result<Planted, String> {
    name.parse()
}

/// Parses the command line and obeys it.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::List => list(),
        Command::Run(run) => run.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Determinism(determinism) => determinism.execute(),
        Command::Shrink(shrink) => shrink.execute(),
    };
    outcome.unwrap_or_else(|why| {
        eprintln!("refrain-harness: {why}");
        ExitCode::from(2)
    })
}

fn list() -> Result<ExitCode, String> {
    let names = library::names();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for name in names {
        match library::load(&name)? {
            Loaded::Scenario(_, scenario) => println!("{name:<width$}  {}", scenario.description),
            Loaded::Plan(plan) => println!("{name:<width$}  seed {} of {}", plan.seed, plan.scenario),
        }
    }
    Ok(ExitCode::SUCCESS)
}
