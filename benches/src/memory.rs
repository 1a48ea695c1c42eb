//! `compare --memory`: resident bytes per key, and per element of collections, on servers started for this alone.
//!
//! It is the growth of the resident set, so it includes what the allocator wastes and the dictionary's spare slots: what
//! a machine must really have.

use std::error::Error;

use crate::accounting::resident_bytes;
use crate::cli::Compare;
use crate::figures::Better;
use crate::generator::{Generator, Until};
use crate::progress;
use crate::report::{Measure, Row, Table};
use crate::server::{Candidate, Server};
use crate::workloads::{Fill, PLAIN_STRINGS, SHAPES, Sizes, filling};

const VALUE_SIZES: [usize; 2] = [16, 64];

/// One row a value size, and one a shape of collections.
///
/// # Errors
/// When a server cannot be started or filled.
pub fn table(candidates: &[Candidate], plan: &Compare) -> Result<Table, Box<dyn Error>> {
    let measure = Measure { title: "Resident memory per key or element", unit: "bytes", better: Some(Better::Lower) };
    let strings = VALUE_SIZES.map(|value| (format!("16-byte keys, {value}-byte values"), PLAIN_STRINGS, value));
    let shapes = SHAPES.iter().map(|&(what, count, command)| (what.to_owned(), Fill::of(count, command), 0));
    let all: Vec<_> = strings.into_iter().chain(shapes).collect();
    let bar = progress::bar(all.len() * candidates.len());
    let mut rows = Vec::new();
    for (what, fill, value) in all {
        let mut samples = Vec::new();
        for candidate in candidates {
            bar.set_message(format!("memory of {}: {what}", candidate.name));
            samples.push(vec![bytes_each(candidate, fill, value, plan)?]);
            bar.inc(1);
        }
        rows.push(Row::of(what, measure.better, &samples));
    }
    bar.finish_and_clear();
    Ok(Table { measure, rows })
}

fn bytes_each(candidate: &Candidate, fill: Fill, value: usize, plan: &Compare) -> Result<f64, Box<dyn Error>> {
    let server = Server::start(candidate, &plan.shape.surroundings())?;
    // Buffers of the connections belong to neither reading: they exist at both.
    let mut generator = Generator::connect(server.address(), plan.shape.connections as usize)?;
    let before = resident_bytes(server.pid())?;
    let sizes = Sizes { keys: plan.memory_keys, value, zipf: None };
    let count = fill.count(&sizes);
    generator.run(&mut filling(fill, &sizes, 64)?, Until::Requests(count))?;
    let after = resident_bytes(server.pid())?;
    Ok(after.saturating_sub(before) as f64 / count as f64)
}
