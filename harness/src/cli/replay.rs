//! `replay`: one seed, and what happened in it, for people.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refrain_harness::planted::Planted;
use refrain_harness::run::{RunOptions, run};
use refrain_harness::timeline::{Depth, timeline};

use super::planted;
use super::run::words;
use super::source;

/// See the command's help.
#[derive(Args)]
pub struct Replay {
    /// A name under scenarios/, or a path to a scenario file.
    scenario: String,
    /// The seed.
    #[arg(long, default_value_t = 1, conflicts_with = "plan")]
    seed: u64,
    /// Tells of every command (-v), and of every event of the network (-vv).
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Replays this plan instead of one drawn from a seed.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Plants a bug.
    #[arg(long, value_name = "BUG", value_parser = planted)]
    planted: Option<Planted>,
}

impl Replay {
    /// Replays, prints the timeline, the verdict and the hash.
    pub fn execute(self) -> Result<ExitCode, String> {
        let plan = source::load(&self.scenario, self.plan.as_deref())?.plan(self.seed);
        let outcome = run(&plan, RunOptions { planted: self.planted, log: true });
        let depth = match self.verbose {
            0 => Depth::Faults,
            1 => Depth::Commands,
            _ => Depth::Events,
        };
        print!("{}", timeline(&outcome, depth));
        outcome.figures.iter().for_each(|line| println!("{line}"));
        if outcome.violations.is_empty() {
            println!("all oracles hold");
        } else {
            print!("{}", words(&outcome));
        }
        println!("trace {:016x}", outcome.trace.hash());
        Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
