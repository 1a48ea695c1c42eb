//! `growth`: millions of keys arrive at a fresh server, and what matters is the longest stall: the slowest reply that a
//! client saw, and, where the server reports it, its own longest round.

use std::error::Error;

use crate::cli::Growth;
use crate::figures::Better;
use crate::generator::{Generator, Until};
use crate::report::{Measure, Report, Row, Table};
use crate::server::{Candidate, Client, Server, Surroundings, info_field};
use crate::workloads::{PLAIN_STRINGS, Sizes, filling};
use crate::{kernel, machine, progress};

/// The server's own report: section and field of INFO, in microseconds of CPU time.
const LONGEST_ROUND: (&str, &str) = ("refrain", "refrain_longest_round_cpu_usec");

/// One fill of one fresh server, in milliseconds and 1000 requests/s; the longest round is not a number where the server
/// does not report it.
#[derive(Clone, Copy)]
struct Fill {
    longest_round: f64,
    slowest: f64,
    p999: f64,
    rate: f64,
}

type FigureOf = fn(&Fill) -> f64;

const MEASURES: &[(Measure, FigureOf)] = &[
    (Measure { title: "Longest round by the server's own report", unit: "ms of CPU", better: None }, |f| {
        f.longest_round
    }),
    (Measure { title: "Longest wait for a batch", unit: "ms", better: Some(Better::Lower) }, |f| f.slowest),
    (Measure { title: "Wait for a batch, 99.9th percentile", unit: "ms", better: Some(Better::Lower) }, |f| f.p999),
    (Measure { title: "Fill rate", unit: "1000 requests/s", better: Some(Better::Higher) }, |f| f.rate),
];

/// Fills every server as often as asked, in turns.
///
/// # Errors
/// When a server cannot be started or filled.
pub fn run(plan: &Growth) -> Result<Report, Box<dyn Error>> {
    if plan.pin {
        kernel::pin_this_thread(1)?;
    }
    let candidates = plan.servers.candidates()?;
    let bar = progress::bar(plan.rounds as usize * candidates.len());
    let mut fills: Vec<Vec<Fill>> = vec![Vec::new(); candidates.len()];
    for round in 0..plan.rounds {
        for (candidate, fills) in candidates.iter().zip(&mut fills) {
            bar.set_message(format!("round {}: {}", round + 1, candidate.name));
            fills.push(fill(candidate, plan).map_err(|error| format!("{}: {error}", candidate.name))?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let label = format!("{} keys, P={}", plan.keys, plan.pipeline);
    let tables = MEASURES.iter().map(|&(measure, figure)| {
        let samples: Vec<Vec<f64>> = fills.iter().map(|fills| fills.iter().map(figure).collect()).collect();
        Table { measure, rows: vec![Row::of(label.clone(), measure.better, &samples)] }
    });
    let load =
        format!("{} connections, values of {} bytes, {} fresh starts", plan.connections, plan.value_size, plan.rounds);
    Ok(Report {
        conditions: vec![machine::condition(), ("load".to_owned(), load)],
        tables: tables.collect(),
        servers: candidates.into_iter().map(|candidate| candidate.name).collect(),
        notes: Vec::new(),
    })
}

fn fill(candidate: &Candidate, plan: &Growth) -> Result<Fill, Box<dyn Error>> {
    let surroundings = Surroundings { cpu: plan.pin.then_some(0), under: Vec::new() };
    let server = Server::start(candidate, &surroundings)?;
    let mut generator = Generator::connect(server.address(), plan.connections as usize)?;
    let sizes = Sizes { keys: plan.keys, value: plan.value_size as usize, zipf: None };
    let outcome = generator.run(&mut filling(PLAIN_STRINGS, &sizes, plan.pipeline)?, Until::Requests(plan.keys))?;
    Ok(Fill {
        longest_round: longest_round(&server).map_or(f64::NAN, |usec| usec / 1e3),
        slowest: outcome.latency.max() as f64 / 1e6,
        p999: outcome.latency.value_at_quantile(0.999) as f64 / 1e6,
        rate: outcome.requests as f64 / outcome.elapsed.as_secs_f64() / 1e3,
    })
}

fn longest_round(server: &Server) -> Option<f64> {
    let info = Client::connect(server.address()).ok()?.call(&["INFO", LONGEST_ROUND.0]).ok()?;
    info_field(&info, LONGEST_ROUND.1)?.parse().ok()
}
