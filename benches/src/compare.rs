//! `compare`: several servers, the same traffic, in turns.
//!
//! All servers run for the whole time and hold the same keys. In each round every test is given to the servers one after
//! another in a random order, so that what the machine does meanwhile (another tenant, a warm core) favours nobody.

use std::error::Error;
use std::time::Duration;

use crate::accounting::Cpu;
use crate::cli::Compare;
use crate::figures::{Better, Figure};
use crate::generator::{Generator, Until};
use crate::keys::Random;
use crate::memory;
use crate::report::{Measure, Report, Row, Table};
use crate::server::{Candidate, Server};
use crate::workloads::{self, Fill, Sizes, Test};
use crate::{kernel, machine, progress};

/// The part of a measurement's time that is run before it and thrown away.
const WARM_UP: f64 = 0.1;

/// Above this part of its time, the generator was the limit.
const SATURATED: f64 = 0.95;

/// Above this part of its time spent waiting for a CPU, a server was disturbed.
const DISTURBED: f64 = 0.05;

/// One measurement of one server.
#[derive(Clone, Copy, Debug)]
struct Sample {
    cpu_ns: f64,
    /// The part of the time that the server was ready to run and had no CPU.
    waited: f64,
    thousand_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    generator_ns: f64,
    generator_busy: f64,
}

type FigureOf = fn(&Sample) -> f64;

const MEASURES: &[(Measure, FigureOf)] = &[
    (Measure { title: "Server CPU per request", unit: "ns", better: Some(Better::Lower) }, |s| s.cpu_ns),
    (Measure { title: "Throughput", unit: "1000 requests/s", better: Some(Better::Higher) }, |s| s.thousand_per_second),
    (Measure { title: "Latency of a batch, median", unit: "µs", better: Some(Better::Lower) }, |s| s.p50_us),
    (Measure { title: "Latency of a batch, 99th percentile", unit: "µs", better: Some(Better::Lower) }, |s| s.p99_us),
    (Measure { title: "The generator's own CPU per request", unit: "ns", better: None }, |s| s.generator_ns),
];

/// All samples of one test at one depth: by server, by round.
struct Cell {
    test: &'static Test,
    depth: usize,
    samples: Vec<Vec<Sample>>,
}

/// Runs the comparison.
///
/// # Errors
/// When a server cannot be started or does not answer as it must.
pub fn run(plan: &Compare) -> Result<Report, Box<dyn Error>> {
    if plan.shape.pin {
        kernel::pin_this_thread(1)?;
    }
    let candidates = plan.servers.candidates()?;
    let mut report = Report {
        conditions: machine::conditions(&plan.shape),
        servers: candidates.iter().map(|candidate| candidate.name.clone()).collect(),
        tables: Vec::new(),
        notes: Vec::new(),
    };
    report
        .conditions
        .push(("rounds".to_owned(), format!("{} of {} s, seed {}", plan.rounds, plan.seconds, plan.shape.seed())));
    measure_speed(plan, &candidates, &mut report)?;
    if plan.memory {
        report.tables.push(memory::table(&candidates, plan)?);
    }
    Ok(report)
}

fn measure_speed(plan: &Compare, candidates: &[Candidate], report: &mut Report) -> Result<(), Box<dyn Error>> {
    let tests = &plan.tests;
    let sizes = plan.shape.sizes();
    let mut random = Random::new(plan.shape.seed());
    let bar =
        progress::bar(candidates.len() + plan.rounds as usize * tests.len() * plan.pipeline.len() * candidates.len());
    let mut servers = Vec::new();
    for candidate in candidates {
        bar.set_message(format!("start and fill {}", candidate.name));
        let server = Server::start(candidate, &plan.shape.surroundings())?;
        fill(&server, tests, &sizes, plan.shape.connections as usize)?;
        report.conditions.push((server.name.clone(), format!("{}: {}", server.version(), candidate.command)));
        servers.push(server);
        bar.inc(1);
    }
    let mut cells: Vec<Cell> = tests
        .iter()
        .flat_map(|&test| plan.pipeline.iter().map(move |&depth| (test, depth)))
        .map(|(test, depth)| Cell { test, depth, samples: vec![Vec::new(); servers.len()] })
        .collect();
    for round in 0..plan.rounds {
        for cell in &mut cells {
            let mut order: Vec<usize> = (0..servers.len()).collect();
            random.shuffle(&mut order);
            let seed = random.bits();
            for index in order {
                let server = &servers[index];
                bar.set_message(format!("round {}: {} P={} {}", round + 1, cell.test.name, cell.depth, server.name));
                let sample = measure(server, cell.test, cell.depth, plan, &sizes, seed)
                    .map_err(|error| format!("{} P={} on {}: {error}", cell.test.name, cell.depth, server.name))?;
                cell.samples[index].push(sample);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    summarise(&cells, report);
    Ok(())
}

/// Fills the keyspaces of all tests, each once.
///
/// # Errors
/// As [`Generator::run`].
pub fn fill(server: &Server, tests: &[&Test], sizes: &Sizes, connections: usize) -> Result<(), Box<dyn Error>> {
    let mut generator = Generator::connect(server.address(), connections)?;
    let mut fills: Vec<Fill> = tests.iter().flat_map(|test| test.fill).copied().collect();
    fills.sort_unstable();
    fills.dedup();
    for fill in fills {
        generator.run(&mut workloads::filling(fill, sizes, 64)?, Until::Requests(fill.count(sizes)))?;
    }
    Ok(())
}

fn measure(
    server: &Server,
    test: &Test,
    depth: usize,
    plan: &Compare,
    sizes: &Sizes,
    seed: u64,
) -> Result<Sample, Box<dyn Error>> {
    let mut generator = Generator::connect(server.address(), plan.shape.connections as usize)?;
    let mut traffic = test.traffic(sizes, depth, seed)?;
    generator.run(&mut traffic, Until::Elapsed(Duration::from_secs_f64(plan.seconds * WARM_UP)))?;
    let before = Cpu::settled(server.pid())?;
    let outcome = generator.run(&mut traffic, Until::Elapsed(Duration::from_secs_f64(plan.seconds)))?;
    let cpu = Cpu::settled(server.pid())?.since(&before);
    let requests = outcome.requests as f64;
    let elapsed = outcome.elapsed.as_secs_f64();
    Ok(Sample {
        cpu_ns: cpu.used as f64 / requests,
        waited: cpu.waited as f64 / 1e9 / elapsed,
        thousand_per_second: requests / elapsed / 1e3,
        p50_us: outcome.latency.value_at_quantile(0.5) as f64 / 1e3,
        p99_us: outcome.latency.value_at_quantile(0.99) as f64 / 1e3,
        generator_ns: outcome.own_cpu.as_nanos() as f64 / requests,
        generator_busy: outcome.own_cpu.as_secs_f64() / elapsed,
    })
}

fn summarise(cells: &[Cell], report: &mut Report) {
    for &(measure, figure) in MEASURES {
        let rows = cells.iter().map(|cell| {
            let samples: Vec<Vec<f64>> =
                cell.samples.iter().map(|rounds| rounds.iter().map(figure).collect()).collect();
            Row::of(format!("{} P={}", cell.test.name, cell.depth), measure.better, &samples)
        });
        report.tables.push(Table { measure, rows: rows.collect() });
    }
    report.notes.extend(cells.iter().flat_map(|cell| saturated(cell, &report.servers)));
    report.notes.extend(disturbed(cells));
}

/// Where the generator and not the server was the limit.
fn saturated(cell: &Cell, servers: &[String]) -> Vec<String> {
    let busy =
        cell.samples.iter().map(|rounds| Figure::of(&rounds.iter().map(|s| s.generator_busy).collect::<Vec<_>>()));
    let (test, depth) = (cell.test.name, cell.depth);
    let limits = servers.iter().zip(busy).filter_map(|(name, busy)| Some((name, busy?.median)));
    let limits = limits.filter(|&(_, busy)| busy > SATURATED).map(|(name, busy)| {
        let percent = busy * 100.0;
        format!(
            "{test} P={depth} on {name}: the generator was busy {percent:.0} % of the time; throughput and latency are its own"
        )
    });
    limits.collect()
}

/// Whether the machine was shared with something else.
fn disturbed(cells: &[Cell]) -> Option<String> {
    let waited: Vec<f64> = cells.iter().flat_map(|cell| cell.samples.iter().flatten()).map(|s| s.waited).collect();
    let waited = Figure::of(&waited)?;
    (waited.median > DISTURBED).then(|| {
        format!(
            "the machine was not free: servers waited {:.0} % of the time for a CPU (median; up to {:.0} %); trust no \
             figure but ratios, and those little",
            waited.median * 100.0,
            waited.max * 100.0
        )
    })
}
