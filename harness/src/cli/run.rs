//! `run`: seeds to verdicts.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refrain_harness::plan::Plan;
use refrain_harness::planted::Planted;
use refrain_harness::run::{Outcome, RunOptions, run};
use refrain_harness::scenario::library::Loaded;

use super::parallel::{each_seed, jobs_by_default};
use super::source;
use super::usage::cpu_seconds;
use super::{Seeds, planted, seeds};

/// See the command's help.
#[derive(Args)]
pub struct Run {
    /// A name under scenarios/, or a path to a scenario file.
    scenario: String,
    /// One seed.
    #[arg(long, conflicts_with_all = ["seeds", "plan"])]
    seed: Option<u64>,
    /// Seeds A..B (without B) or A..=B.
    #[arg(long, value_parser = seeds, conflicts_with = "plan")]
    seeds: Option<Seeds>,
    /// Threads [default: one for each processor].
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Runs this plan instead of one drawn from a seed.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Plants a bug, to see that it is caught.
    #[arg(long, value_name = "BUG", value_parser = planted)]
    planted: Option<Planted>,
    /// Prints the plan of each seed as TOML and runs nothing.
    #[arg(long)]
    print_plan: bool,
    /// Stops at the first seed that fails.
    #[arg(long)]
    stop: bool,
}

impl Run {
    /// Runs, prints failures and a summary.
    pub fn execute(self) -> Result<ExitCode, String> {
        let one = |seed| Seeds { first: seed, end: seed + 1 };
        let source = source::load(&self.scenario, self.plan.as_deref())?;
        let seeds = match &source {
            Loaded::Plan(plan) => one(plan.seed),
            Loaded::Scenario(..) => self.seeds.unwrap_or(one(self.seed.unwrap_or(1))),
        };
        if self.print_plan {
            (seeds.first..seeds.end).for_each(|seed| print!("{}", source.plan(seed).text()));
            return Ok(ExitCode::SUCCESS);
        }
        let options = RunOptions { planted: self.planted, log: false };
        let mut summary = Summary::default();
        let cpu = cpu_seconds();
        let work = |seed| brief(&source.plan(seed), options);
        each_seed(seeds, self.jobs.unwrap_or_else(jobs_by_default), work, |seed, outcome: Brief, bar| {
            summary.add(&outcome);
            if !outcome.words.is_empty() {
                bar.suspend(|| self.report(seed, &outcome.words));
            }
            outcome.words.is_empty() || !self.stop
        });
        summary.print(cpu_seconds() - cpu);
        Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// One line to paste, and what the oracles said.
    fn report(&self, seed: u64, words: &str) {
        let mut command = format!("cargo harness replay {} --seed {seed}", self.scenario);
        if let Some(plan) = &self.plan {
            command = format!("cargo harness replay {} --plan {}", self.scenario, plan.display());
        }
        if let Some(planted) = self.planted {
            command += &format!(" --planted {}", planted.name());
        }
        let (red, plain) = if std::io::stdout().is_terminal() { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        println!("{red}seed {seed} failed{plain}: {command}\n{words}");
    }
}

/// What is kept of an outcome.
struct Brief {
    words: String,
    seconds: f64,
    commands: u64,
}

fn brief(plan: &Plan, options: RunOptions) -> Brief {
    let outcome = run(plan, options);
    Brief { words: words(&outcome), seconds: outcome.elapsed.as_secs_f64(), commands: outcome.commands }
}

/// What the oracles said, indented; empty if nothing.
pub fn words(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut said: Vec<(&str, usize)> = Vec::new();
    for violation in &outcome.violations {
        let times = match said.iter_mut().find(|(oracle, _)| *oracle == violation.oracle) {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                said.push((violation.oracle, 1));
                1
            }
        };
        if times > SAID_MAX {
            continue;
        }
        for (i, line) in violation.what.lines().enumerate() {
            let head = if i == 0 { format!("{}: ", violation.oracle) } else { "  ".to_owned() };
            text += &format!("  {head}{line}\n");
        }
    }
    for (oracle, times) in said.into_iter().filter(|(_, times)| *times > SAID_MAX) {
        text += &format!("  {oracle}: and {} more\n", times - SAID_MAX);
    }
    text
}

/// How often one oracle is quoted.
const SAID_MAX: usize = 3;

#[derive(Default)]
struct Summary {
    seeds: u64,
    failed: u64,
    seconds: f64,
    commands: u64,
}

impl Summary {
    fn add(&mut self, outcome: &Brief) {
        self.seeds += 1;
        self.failed += u64::from(!outcome.words.is_empty());
        self.seconds += outcome.seconds;
        self.commands += outcome.commands;
    }

    fn print(&self, cpu: f64) {
        let Summary { seeds, failed, seconds, commands } = self;
        let per = |amount: f64| if cpu > 0.0 { amount / cpu } else { f64::NAN };
        println!(
            "{seconds:.1} simulated seconds, {commands} commands ({:.0} a simulated second), {cpu:.2} CPU-seconds: \
             {:.0} simulated seconds and {:.0} commands per CPU-second",
            *commands as f64 / seconds.max(1e-9),
            per(*seconds),
            per(*commands as f64),
        );
        println!("{seeds} seeds, {failed} failed");
    }
}
