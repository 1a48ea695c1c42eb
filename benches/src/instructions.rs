//! `instructions`: user instructions per request, counted by callgrind.
//!
//! Each server runs twice with the same fill, for N and for 2N requests. Start, fill and end cost the same both times, so
//! the difference divided by N is what a request costs. Unlike time, the count hardly changes from run to run; what
//! remains are timers, which fire by the clock, and how many requests happen to be ready in a round.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::cli::Instructions;
use crate::figures::Better;
use crate::generator::{Generator, Until};
use crate::report::{Measure, Report, Row, Table};
use crate::server::{Candidate, Server, Surroundings};
use crate::workloads::{Sizes, Test, filling};
use crate::{machine, progress};

/// The tool, following a wrapper script into the server; a profile for each process, told apart by `%p`, its pid.
const VALGRIND: [&str; 4] =
    ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=callgrind.out.%p"];

/// Counts for every server and test.
///
/// # Errors
/// When valgrind is missing, or a server does not answer or end under it.
pub fn run(plan: &Instructions) -> Result<Report, Box<dyn Error>> {
    let candidates = plan.servers.candidates()?;
    let measure = Measure { title: "User instructions per request", unit: "instructions", better: Some(Better::Lower) };
    let bar = progress::bar(plan.tests.len() * candidates.len() * 2);
    let mut rows = Vec::new();
    for test in &plan.tests {
        let mut samples = Vec::new();
        for candidate in &candidates {
            let counted = |requests| {
                bar.set_message(format!("{} {}, {requests} requests", test.name, candidate.name));
                let count =
                    count(candidate, test, requests, plan).map_err(|error| format!("{}: {error}", candidate.name));
                bar.inc(1);
                count
            };
            let (once, twice) = (counted(plan.requests)?, counted(2 * plan.requests)?);
            samples.push(vec![twice.saturating_sub(once) as f64 / plan.requests as f64]);
        }
        rows.push(Row::of(format!("{} P={}", test.name, plan.pipeline), measure.better, &samples));
    }
    bar.finish_and_clear();
    let load = format!(
        "{} connections, {} keys with values of {} bytes, {} and {} requests",
        plan.connections,
        plan.keys,
        plan.value_size,
        plan.requests,
        2 * plan.requests
    );
    Ok(Report {
        conditions: vec![machine::condition(), ("load".to_owned(), load)],
        servers: candidates.into_iter().map(|candidate| candidate.name).collect(),
        tables: vec![Table { measure, rows }],
        notes: Vec::new(),
    })
}

fn count(candidate: &Candidate, test: &Test, requests: u64, plan: &Instructions) -> Result<u64, Box<dyn Error>> {
    let under = VALGRIND.map(str::to_owned).to_vec();
    let server = Server::start(candidate, &Surroundings { cpu: None, under })?;
    let profile = format!("callgrind.out.{}", server.pid());
    let sizes = Sizes { keys: plan.keys, value: plan.value_size as usize, zipf: None };
    let mut generator = Generator::connect(server.address(), plan.connections as usize)?;
    for fill in test.fill {
        generator.run(&mut filling(*fill, &sizes, 64)?, Until::Requests(fill.count(&sizes)))?;
    }
    generator.run(&mut test.traffic(&sizes, plan.pipeline, 1)?, Until::Requests(requests))?;
    drop(generator);
    let directory = server.end()?;
    let profile = directory.path().join(profile);
    if let (true, Some(kept)) = (requests > plan.requests, &plan.profiles) {
        keep(&profile, kept, &format!("callgrind.{}.{}.out", candidate.name, test.name))?;
    }
    let text = fs::read_to_string(&profile).map_err(|error| format!("callgrind left no profile: {error}"))?;
    total(&text).ok_or_else(|| "callgrind's profile has no total".into())
}

fn keep(profile: &Path, directory: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    fs::copy(profile, directory.join(name))?;
    Ok(())
}

/// The instructions in a profile: the `totals:` line, or `summary:` in older formats.
fn total(profile: &str) -> Option<u64> {
    let figure = |name: &str| profile.lines().rev().find_map(|line| line.strip_prefix(name));
    figure("totals:").or_else(|| figure("summary:"))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(1)\n0 5\n\ntotals: 12345\n"), Some(12345));
        assert_eq!(total("events: Ir\nsummary: 77\n\n"), Some(77));
        assert_eq!(total("events: Ir\n"), None);
    }
}
