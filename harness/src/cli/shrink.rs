//! `shrink`: a failing plan becomes a small one, in a file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::ProgressBar;
use refrain_harness::plan::Plan;
use refrain_harness::planted::Planted;
use refrain_harness::run::{RunOptions, run};
use refrain_harness::shrink::shrink;

use super::planted;
use super::source::{self, write};

/// See the command's help.
#[derive(Args)]
pub struct Shrink {
    /// A name under scenarios/, or a path to a scenario file.
    scenario: String,
    /// The seed that fails.
    #[arg(long, default_value_t = 1, conflicts_with = "plan")]
    seed: u64,
    /// Shrinks this plan instead of one drawn from a seed.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Where the small plan goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The most runs to spend.
    #[arg(long, default_value_t = 300)]
    runs: u64,
    /// Plants a bug.
    #[arg(long, value_name = "BUG", value_parser = planted)]
    planted: Option<Planted>,
}

impl Shrink {
    /// Shrinks, writes the plan, and says how it failed.
    pub fn execute(self) -> Result<ExitCode, String> {
        let plan = source::load(&self.scenario, self.plan.as_deref())?.plan(self.seed);
        let bar = ProgressBar::new_spinner();
        let options = RunOptions { planted: self.planted, log: false };
        let shrunk = shrink(&plan, self.runs, &mut |plan| {
            bar.inc(1);
            bar.set_message(format!("{} runs", bar.position()));
            run(plan, options).violations
        });
        bar.finish_and_clear();
        let Some(shrunk) = shrunk else { return Err(format!("seed {} does not fail: nothing to shrink", plan.seed)) };
        write(&self.output, &shrunk.plan.text())?;
        for violation in shrunk.violations.iter().take(1) {
            println!("{}: {}", violation.oracle, violation.what);
        }
        let size = |plan: &Plan| {
            let Plan { faults, clients, duration_ms, .. } = plan;
            format!("{} faults, {} clients, {duration_ms} ms", faults.len(), clients.len())
        };
        println!("{} became {} in {} runs", size(&plan), size(&shrunk.plan), shrunk.runs);
        let planted = self.planted.map_or(String::new(), |planted| format!(" --planted {}", planted.name()));
        println!("cargo harness run {} --plan {}{planted}", self.scenario, self.output.display());
        Ok(ExitCode::SUCCESS)
    }
}
