//! `persistence`: what it costs to keep data: a snapshot's CPU time, memory while everything is rewritten during one, the wait of clients
//! who read meanwhile, the longest round, and the CPU time of loading what was written.
//!
//! A server that forks does its work in a child: its CPU time comes from the server's own INFO, its memory from the kernel's books of
//! the whole family, in which pages that are shared count once.

use std::error::Error;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::accounting::{Cpu, resident_bytes};
use crate::cli::Persistence;
use crate::figures::Better;
use crate::generator::{Generator, Until};
use crate::report::{Measure, Report, Row, Table};
use crate::server::{Candidate, Client, Server, Surroundings, info_field};
use crate::workloads::{self, PLAIN_STRINGS, Sizes, filling};
use crate::{kernel, machine, progress};

/// How long traffic runs between two looks at whether the snapshot is over.
const SPELL: Duration = Duration::from_millis(100);

/// How long clients read before the snapshot begins, for comparison.
const BEFORE: Duration = Duration::from_secs(2);

/// Between two readings of memory.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// One life of one server.
#[derive(Clone, Copy)]
struct Life {
    snapshot_ns: f64,
    load_ns: f64,
    memory: f64,
    wait_before: f64,
    wait_during: f64,
    longest_round: f64,
}

type FigureOf = fn(&Life) -> f64;

const LOWER: Option<Better> = Some(Better::Lower);

const MEASURES: &[(Measure, FigureOf)] = &[
    (Measure { title: "BGSAVE, CPU of everybody involved", unit: "ns/key", better: LOWER }, |l| l.snapshot_ns),
    (Measure { title: "Loading what it wrote, CPU", unit: "ns/key", better: LOWER }, |l| l.load_ns),
    (
        Measure { title: "Most memory during a BGSAVE while random keys are set", unit: "× before", better: LOWER },
        |l| l.memory,
    ),
    (Measure { title: "GET, 99th percentile without BGSAVE", unit: "ms", better: None }, |l| l.wait_before),
    (Measure { title: "GET, 99th percentile during BGSAVE", unit: "× without", better: LOWER }, |l| {
        l.wait_during / l.wait_before
    }),
    (
        Measure { title: "Longest round during them, by the server's own report", unit: "ms of CPU", better: None },
        |l| l.longest_round,
    ),
];

/// Measures every server as often as asked, in turns.
///
/// # Errors
/// When a server cannot be started, filled or saved.
pub fn run(plan: &Persistence) -> Result<Report, Box<dyn Error>> {
    if plan.pin {
        kernel::pin_this_thread(1)?;
    }
    let candidates = plan.servers.candidates()?;
    let bar = progress::bar(plan.rounds as usize * candidates.len());
    let mut lives: Vec<Vec<Life>> = vec![Vec::new(); candidates.len()];
    for round in 0..plan.rounds {
        for (candidate, lives) in candidates.iter().zip(&mut lives) {
            bar.set_message(format!("round {}: {}", round + 1, candidate.name));
            lives.push(live(candidate, plan).map_err(|error| format!("{}: {error}", candidate.name))?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let label = format!("{} keys", plan.keys);
    let tables = MEASURES.iter().map(|&(measure, figure)| {
        let samples: Vec<Vec<f64>> = lives.iter().map(|lives| lives.iter().map(figure).collect()).collect();
        Table { measure, rows: vec![Row::of(label.clone(), measure.better, &samples)] }
    });
    let load = format!("values of {} bytes, {} fresh starts, P={}", plan.value_size, plan.rounds, plan.pipeline);
    Ok(Report {
        conditions: vec![machine::condition(), ("load".to_owned(), load)],
        tables: tables.collect(),
        servers: candidates.into_iter().map(|candidate| candidate.name).collect(),
        notes: Vec::new(),
    })
}

fn live(candidate: &Candidate, plan: &Persistence) -> Result<Life, Box<dyn Error>> {
    // Only the generator is pinned: work that a server gives to threads or children may run beside it.
    let surroundings = Surroundings::default();
    let server = Server::start(candidate, &surroundings)?;
    let mut client = Client::connect(server.address())?;
    let sizes = Sizes { keys: plan.keys, value: plan.value_size as usize, zipf: None };
    let mut generator = Generator::connect(server.address(), 50)?;
    generator.run(&mut filling(PLAIN_STRINGS, &sizes, 64)?, Until::Requests(plan.keys))?;
    let per_key = |ns: f64| ns / plan.keys as f64;

    let before = all_cpu(&server, &mut client)?;
    client.call(&["BGSAVE"])?;
    until_saved(&mut client)?;
    let snapshot_ns = per_key(all_cpu(&server, &mut client)? - before);

    let mut gets = workloads::find("get")?.traffic(&sizes, plan.pipeline, 1)?;
    let wait_before = generator.run(&mut gets, Until::Elapsed(BEFORE))?.latency.value_at_quantile(0.99);
    client.call(&["CONFIG", "RESETSTAT"])?;
    client.call(&["BGSAVE"])?;
    let mut waits = Histogram::<u64>::new_with_bounds(1, 600_000_000_000, 3)?;
    while !is_saved(&mut client)? {
        waits.add(&generator.run(&mut gets, Until::Elapsed(SPELL))?.latency)?;
    }
    let wait_during = waits.value_at_quantile(0.99);

    let mut sets = workloads::find("set")?.traffic(&sizes, plan.pipeline, 2)?;
    // Once before: what is written anew may take other memory than what was filled.
    generator.run(&mut sets, Until::Requests(plan.keys / 4))?;
    let settled = resident_bytes(server.pid())?;
    let (stop, pid) = (AtomicBool::new(false), server.pid());
    let memory = thread::scope(|scope| -> Result<f64, Box<dyn Error>> {
        let sampler = scope.spawn(|| most_memory(pid, &stop));
        let outcome = set_while_saving(&mut generator, &mut sets, &mut client);
        stop.store(true, Ordering::Relaxed);
        let most = sampler.join().map_err(|_| "the sampler of memory failed")?;
        outcome?;
        Ok(most as f64 / settled as f64)
    })?;
    let longest_round = longest_round(&mut client).map_or(f64::NAN, |usec| usec / 1e3);

    drop((generator, client));
    let load_ns = per_key(load(candidate, server)?);
    Ok(Life {
        snapshot_ns,
        load_ns,
        memory,
        wait_before: wait_before as f64 / 1e6,
        wait_during: wait_during as f64 / 1e6,
        longest_round,
    })
}

fn set_while_saving(
    generator: &mut Generator,
    sets: &mut workloads::Traffic,
    client: &mut Client,
) -> Result<(), Box<dyn Error>> {
    client.call(&["BGSAVE"])?;
    while !is_saved(client)? {
        generator.run(sets, Until::Elapsed(SPELL))?;
    }
    Ok(())
}

/// CPU time of another life that loads what this one saved, from its start until it serves, in nanoseconds; that of a life with
/// nothing to load is taken off.
fn load(candidate: &Candidate, server: Server) -> Result<f64, Box<dyn Error>> {
    let empty = Server::start(candidate, &Surroundings::default())?;
    let nothing = Cpu::settled(empty.pid())?.since(&Cpu::default()).used;
    drop(empty);
    let folder = server.end()?;
    let there =
        Candidate { command: format!("{} --dir {}", candidate.command, folder.path().display()), ..candidate.clone() };
    let server = Server::start(&there, &Surroundings::default())?;
    let used = Cpu::settled(server.pid())?.since(&Cpu::default()).used;
    Ok(used.saturating_sub(nothing) as f64)
}

/// CPU time of the server and of the children that it has waited for, in nanoseconds.
fn all_cpu(server: &Server, client: &mut Client) -> io::Result<f64> {
    let own = Cpu::settled(server.pid())?.since(&Cpu::default()).used;
    let info = client.call(&["INFO", "cpu"])?;
    let children = ["used_cpu_sys_children", "used_cpu_user_children"];
    let children = children.iter().filter_map(|field| info_field(&info, field)?.parse::<f64>().ok());
    Ok(own as f64 + children.sum::<f64>() * 1e9)
}

fn is_saved(client: &mut Client) -> io::Result<bool> {
    let info = client.call(&["INFO", "persistence"])?;
    if info_field(&info, "rdb_last_bgsave_status") != Some("ok") {
        return Err(io::Error::other("BGSAVE failed"));
    }
    Ok(info_field(&info, "rdb_bgsave_in_progress") == Some("0"))
}

fn until_saved(client: &mut Client) -> io::Result<()> {
    while !is_saved(client)? {
        kernel::go_on()?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The most memory that a server and its children had together until told to stop, in bytes.
fn most_memory(pid: u32, stop: &AtomicBool) -> u64 {
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let family = children.split_ascii_whitespace().filter_map(|child| child.parse().ok());
        let sum = std::iter::once(pid).chain(family).filter_map(proportional_bytes).sum();
        most = most.max(sum);
        thread::sleep(SAMPLE_EVERY);
    }
    most
}

/// A process's memory, pages that it shares counted in part; `None` if it is gone.
fn proportional_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

fn longest_round(client: &mut Client) -> Option<f64> {
    let info = client.call(&["INFO", "refrain"]).ok()?;
    info_field(&info, "refrain_longest_round_cpu_usec")?.parse().ok()
}
