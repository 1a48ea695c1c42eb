//! LATENCY: spikes of the loop by event, and how long each command takes.

mod doctor;
mod graph;

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;
use crate::histogram::Histogram;
use crate::observer::Observer;
use crate::table::Found;

/// LATENCY DOCTOR
pub fn doctor(call: &mut Call<'_>) -> Outcome {
    let report = doctor::report(call.state);
    call.reply().verbatim(b"txt", report.as_bytes());
    Ok(())
}

/// LATENCY GRAPH event
pub fn graph(call: &mut Call<'_>) -> Outcome {
    let name = call.args.at(2);
    let Some((event, series)) = call.state.observer.latency.get(name) else {
        return Err(ErrorReply::quoting("ERR No samples available for event '", name, "'"));
    };
    let graph = graph::render(event, series, call.state.now.unix_s());
    call.reply().verbatim(b"txt", graph.as_bytes());
    Ok(())
}

/// LATENCY HISTORY event
pub fn history(call: &mut Call<'_>) -> Outcome {
    let spikes = call.state.observer.latency.get(call.args.at(2)).into_iter().flat_map(|(_, series)| series.spikes());
    let spikes: Vec<_> = spikes.collect();
    let mut reply = call.reply();
    reply.array(spikes.len());
    for spike in spikes {
        reply.array(2);
        reply.integer(spike.unix_s as i64);
        reply.integer(spike.ms as i64);
    }
    Ok(())
}

/// LATENCY LATEST
pub fn latest(call: &mut Call<'_>) -> Outcome {
    let monitor = &call.state.observer.latency;
    let mut reply = call.session.reply();
    reply.array(monitor.iter().len());
    for (event, series) in monitor.iter() {
        let latest = series.latest().expect("a series begins with its first spike");
        reply.array(4);
        reply.bulk(event.as_bytes());
        reply.integer(latest.unix_s as i64);
        reply.integer(latest.ms as i64);
        reply.integer(series.worst_ms as i64);
    }
    Ok(())
}

/// LATENCY RESET [event ...]
pub fn reset(call: &mut Call<'_>) -> Outcome {
    let monitor = &mut call.state.observer.latency;
    let reset = match call.args.len() {
        2 => monitor.reset_all(),
        _ => call.args.iter().skip(2).filter(|event| monitor.reset(event)).count(),
    };
    call.reply().integer(reset as i64);
    Ok(())
}

/// LATENCY HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}

/// LATENCY HISTOGRAM [command ...]: of a container, its subcommands' too. Names that there aren't are left out.
pub fn histogram(call: &mut Call<'_>) -> Outcome {
    let (table, observer) = (&call.state.table, &call.state.observer);
    let asked: Vec<Found> = match call.args.len() {
        2 => table.commands().collect(),
        _ => call.args.iter().skip(2).filter_map(|name| table.find_full(name)).collect(),
    };
    let mut reply = call.session.reply();
    let shown = reply.deferred_map();
    let mut count = 0;
    for found in asked.into_iter().flat_map(|found| table.with_subcommands(found)) {
        let Some(histogram) = &observer.commands[found.id.index()].histogram else { continue };
        count += 1;
        reply.bulk(found.command.name.as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(i64::try_from(histogram.count()).unwrap_or(i64::MAX));
        reply.bulk(b"histogram_usec");
        let steps = steps(histogram, observer);
        reply.map(steps.len());
        for (us, count) in steps {
            reply.integer(i64::try_from(us).unwrap_or(i64::MAX));
            reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    reply.finish_map(shown, count);
    Ok(())
}

/// How many took so many microseconds or less, for powers of two, where the number changes. Redis starts at 1,024 ns and counts
/// with two digits' precision, whence the odd ends.
fn steps(histogram: &Histogram, observer: &Observer) -> Vec<(u64, u64)> {
    const FIRST: u32 = 10;
    const LAST: u32 = 56;
    const PRECISION_BITS: u32 = 7;
    let end_ns = |power: u32| (1u64 << power) + (1 << (power - PRECISION_BITS)) - 1;
    let mut steps: Vec<(u64, u64)> = Vec::new();
    let (mut power, mut total) = (FIRST, 0);
    for (end, count) in histogram.used() {
        let ns = observer.nanos(end);
        while ns > end_ns(power) && power < LAST {
            power += 1;
        }
        total += count;
        let us = end_ns(power) / 1000;
        match steps.last_mut() {
            Some(last) if last.0 == us => last.1 = total,
            _ => steps.push((us, total)),
        }
    }
    steps
}
