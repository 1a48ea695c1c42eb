//! How much a delivered message costs. Not a verdict: run it by hand with `--ignored --nocapture`.
#![expect(clippy::disallowed_methods, reason = "measures the simulator from outside")]

mod support;

use refrain_runtime::{Mono, Runtime, Sockets};
use refrain_sim::{KernelChoice, NetConfig, NodeConfig, Simulation, World};
use std::io::IoSlice;
use std::time::Duration;
use support::{PORT, Proc, echo};

async fn ping_pong(world: World, clients: usize, work: u64) -> (u64, u64) {
    let server = world.add_node(NodeConfig::new("server"));
    world.start(server, echo);
    let address = world.address(server, PORT);
    for n in 0..clients {
        let address = address.clone();
        let client = world.add_node(NodeConfig::new(format!("client{n}")));
        world.start(client, move |rt| {
            let address = address.clone();
            async move {
                let mut p = Proc::new(rt);
                let t = p.connect(&address).await.expect("the server listens");
                let mut into = [0; 100];
                loop {
                    p.sockets.try_write(t, &[IoSlice::new(&[7; 64])]).expect("there is room");
                    let mut got = 0;
                    while got < 64 {
                        match p.sockets.try_read(t, &mut into) {
                            Ok(n) => got += n,
                            Err(_) => drop(p.wait(Mono::NEVER).await),
                        }
                    }
                    p.rt.work(work);
                    p.wait(Mono(0)).await;
                }
            }
        });
    }
    world.sleep(Duration::from_secs(3)).await;
    let total = world.total();
    (total.deliveries, total.polls)
}

/// What this process has used of a CPU, to a hundredth of a second: the machine may be busy with something else.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux says what a process used");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) / 100.0
}

#[test]
#[ignore = "a measurement"]
fn cost_of_a_message() {
    let odd = NetConfig { short_write: 0.0, ..NetConfig::default() };
    for (name, net, kernel) in [
        ("calm", NetConfig::calm(), KernelChoice::Madsim),
        ("default", odd, KernelChoice::Madsim),
        ("default on the own kernel", odd, KernelChoice::Own),
    ] {
        for (clients, work) in [(1, 0), (5, 0), (5, 100), (50, 100)] {
            let start = cpu_seconds();
            let report = Simulation::new(1).net(net).kernel(kernel).run(move |w| ping_pong(w, clients, work));
            let took = cpu_seconds() - start;
            let events = report.trace.count();
            let (messages, polls) = report.expect();
            println!(
                "{name}, {clients} clients, {work} units: {messages} messages, {:.2} µs each, {:.2} polls and {:.2} trace events each",
                took * 1e6 / messages as f64,
                polls as f64 / messages as f64,
                events as f64 / messages as f64,
            );
        }
    }
}
