//! `determinism`: the same seed must give the same trace, twice in this process and in every other one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refrain_harness::run::{RunOptions, run};
use refrain_harness::scenario::library::Loaded;
use refrain_sim::Trace;

use super::Seeds;
use super::parallel::{each_seed, jobs_by_default};
use super::source::{self, read, write};

/// See the command's help.
#[derive(Args)]
pub struct Determinism {
    /// A name under scenarios/, or a path to a scenario file.
    scenario: String,
    /// How many seeds, from 1 on.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Compares with the hashes in FILE, or writes them there if there is no such file: to compare builds and processes.
    #[arg(long, value_name = "FILE")]
    hashes: Option<PathBuf>,
    /// Threads [default: one for each processor].
    #[arg(long, short)]
    jobs: Option<usize>,
}

impl Determinism {
    /// Runs every seed twice and says which differ, and where.
    pub fn execute(self) -> Result<ExitCode, String> {
        let source = source::load(&self.scenario, None)?;
        let known = match &self.hashes {
            Some(file) if file.exists() => Some(parse(&read(file)?)?),
            _ => None,
        };
        let hash = |seed| run(&source.plan(seed), RunOptions::default()).trace.hash();
        let seeds = Seeds { first: 1, end: self.seeds.saturating_add(1) };
        let (mut hashes, mut differ) = (BTreeMap::new(), 0);
        let jobs = self.jobs.unwrap_or_else(jobs_by_default);
        each_seed(
            seeds,
            jobs,
            |seed| (hash(seed), hash(seed)),
            |seed, (first, second), bar| {
                let before = known.as_ref().and_then(|known| known.get(&seed).copied());
                if first != second {
                    differ += 1;
                    bar.suspend(|| {
                        println!("seed {seed}: {first:016x}, then {second:016x}\n{}", divergence(&source, seed))
                    });
                } else if let Some(before) = before.filter(|before| *before != first) {
                    differ += 1;
                    bar.suspend(|| println!("seed {seed}: {before:016x} in the file, {first:016x} here"));
                } else if known.is_some() && before.is_none() {
                    differ += 1;
                    bar.suspend(|| println!("seed {seed}: not in the file, {first:016x} here"));
                }
                hashes.insert(seed, first);
                true
            },
        );
        if let (Some(file), None) = (&self.hashes, &known) {
            let text: String = hashes.iter().map(|(seed, hash)| format!("{seed} {hash:016x}\n")).collect();
            write(file, &text)?;
        }
        println!("{} seeds, {differ} differ", self.seeds);
        Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Runs the seed twice more with logs, and names the first event in which they part.
fn divergence(source: &Loaded, seed: u64) -> String {
    let logged = || run(&source.plan(seed), RunOptions { planted: None, log: true }).trace;
    let (left, right) = (logged(), logged());
    match Trace::first_divergence(&left, &right) {
        Some(divergence) => divergence.to_string(),
        None => "two more runs are the same: the difference is rare, or beyond the log's end".to_owned(),
    }
}

/// Lines of `seed hash`.
fn parse(text: &str) -> Result<BTreeMap<u64, u64>, String> {
    let line = |line: &str| {
        let (seed, hash) = line.split_once(' ')?;
        Some((seed.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
    };
    text.lines().map(|text| line(text).ok_or_else(|| format!("`{text}` is no line of `seed hash`"))).collect()
}
