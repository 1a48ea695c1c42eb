//! `compare --memory`: resident bytes per key, on servers started for this alone.
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
use crate::workloads::{FILL_STRINGS, Sizes, filling};

const VALUE_SIZES: [usize; 2] = [16, 64];

/// One row a value size.
///
/// # Errors
/// When a server cannot be started or filled.
pub fn table(candidates: &[Candidate], plan: &Compare) -> Result<Table, Box<dyn Error>> {
    let measure = Measure { title: "Resident memory per key", unit: "bytes", better: Some(Better::Lower) };
    let bar = progress::bar(VALUE_SIZES.len() * candidates.len());
    let mut rows = Vec::new();
    for value in VALUE_SIZES {
        let mut samples = Vec::new();
        for candidate in candidates {
            bar.set_message(format!("memory of {} with values of {value} bytes", candidate.name));
            samples.push(vec![bytes_per_key(candidate, value, plan)?]);
            bar.inc(1);
        }
        rows.push(Row::of(format!("16-byte keys, {value}-byte values"), measure.better, &samples));
    }
    bar.finish_and_clear();
    Ok(Table { measure, rows })
}

fn bytes_per_key(candidate: &Candidate, value: usize, plan: &Compare) -> Result<f64, Box<dyn Error>> {
    let server = Server::start(candidate, &plan.shape.surroundings())?;
    // Buffers of the connections belong to neither reading: they exist at both.
    let mut generator = Generator::connect(server.address(), plan.shape.connections as usize)?;
    let before = resident_bytes(server.pid())?;
    let sizes = Sizes { keys: plan.memory_keys, value, zipf: None };
    generator.run(&mut filling(FILL_STRINGS, &sizes, 64)?, Until::Requests(sizes.keys))?;
    let after = resident_bytes(server.pid())?;
    Ok(after.saturating_sub(before) as f64 / sizes.keys as f64)
}
