//! `load`: the generator against one server that already runs, so that a profiler can look at it.

use std::error::Error;
use std::time::Duration;

use crate::accounting::Cpu;
use crate::cli::LoadPlan;
use crate::generator::{Generator, Until};
use crate::{kernel, workloads};

/// Runs the load and prints what it saw.
///
/// # Errors
/// As [`Generator::run`].
pub fn run(plan: &LoadPlan) -> Result<(), Box<dyn Error>> {
    if plan.shape.pin {
        kernel::pin_this_thread(1)?;
    }
    let sizes = plan.shape.sizes();
    let mut generator = Generator::connect(plan.server, plan.shape.connections as usize)?;
    for fill in plan.test.fill.iter().filter(|_| plan.fill) {
        generator.run(&mut workloads::filling(*fill, &sizes, 64)?, Until::Requests(fill.count(&sizes)))?;
    }
    let mut traffic = plan.test.traffic(&sizes, plan.pipeline, plan.shape.seed())?;
    let before = plan.pid.map(Cpu::settled).transpose()?;
    let outcome = generator.run(&mut traffic, Until::Elapsed(Duration::from_secs_f64(plan.seconds)))?;
    let requests = outcome.requests as f64;
    println!("{} P={}, seed {}", plan.test.name, plan.pipeline, plan.shape.seed());
    println!("requests           {}", outcome.requests);
    println!("requests/s         {:.0}", requests / outcome.elapsed.as_secs_f64());
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        println!("batch {name:<6}       {:.1} µs", outcome.latency.value_at_quantile(quantile) as f64 / 1e3);
    }
    println!("generator CPU      {:.0} ns/request", outcome.own_cpu.as_nanos() as f64 / requests);
    if let (Some(pid), Some(before)) = (plan.pid, before) {
        println!("server CPU         {:.0} ns/request", Cpu::settled(pid)?.since(&before).used as f64 / requests);
    }
    Ok(())
}
