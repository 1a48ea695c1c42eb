//! A run as a whole: panics, limits, and nothing left behind.

mod support;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use refrain_runtime::{Mono, Runtime};
use refrain_sim::{KernelChoice, NodeConfig, Simulation, World};
use support::{PORT, Proc, echo, ms};

fn message<T: std::fmt::Debug>(report: refrain_sim::Report<T>) -> String {
    let failure = report.outcome.expect_err("the run fails");
    assert_eq!(failure.seed, report.seed);
    failure.message
}

#[test]
fn a_panic_anywhere_is_an_error_with_its_seed() {
    let in_main = Simulation::new(5).run(|_| async { panic!("in the harness") });
    let in_main: refrain_sim::Report<()> = in_main;
    assert_eq!((in_main.seed, message(in_main)), (5, "in the harness".to_owned()));

    let in_node = Simulation::new(6).run(|world| async move {
        let node = world.add_node(NodeConfig::new("n"));
        world.start(node, |_| async { panic!("in {}", "a node") });
        world.sleep(ms(1)).await;
    });
    assert!(in_node.trace.count() > 1, "what came before is kept");
    assert_eq!(message(in_node), "in a node");

    let in_call = Simulation::new(7).run(|world| async move {
        world.at(1_000_000, |_| panic!("in a call"));
        pending::<()>().await;
    });
    assert_eq!((in_call.elapsed.as_millis(), message(in_call)), (1, "in a call".to_owned()));
}

#[test]
fn limits_end_a_run_that_would_not() {
    let forever = |world: World| async move {
        loop {
            world.sleep(ms(1)).await;
        }
    };
    let long: refrain_sim::Report<()> = Simulation::new(1).time_max(Duration::from_secs(5)).run(forever);
    assert_eq!(long.elapsed.as_secs(), 5);
    assert!(message(long).contains("5s of virtual time"));
    let busy: refrain_sim::Report<()> = Simulation::new(1).events_max(100).run(forever);
    assert!(message(busy).contains("limit of events"));
}

#[test]
fn nothing_of_a_run_is_left_behind() {
    let kernels = [KernelChoice::Madsim, KernelChoice::Own];
    for (kernel, fails) in kernels.into_iter().flat_map(|k| [(k, false), (k, true)]) {
        let held = Arc::new(());
        let hold = held.clone();
        let report = Simulation::new(1).kernel(kernel).run(move |world| async move {
            let server = world.add_node(NodeConfig::new("server"));
            world.start(server, echo);
            let address = world.address(server, PORT);
            for n in 0..3 {
                let client = world.add_node(NodeConfig::new(format!("client{n}")));
                let (address, hold) = (address.clone(), hold.clone());
                world.start(client, move |rt| {
                    let (address, hold) = (address.clone(), hold.clone());
                    async move {
                        let mut p = Proc::new(rt);
                        p.connect(&address).await.expect("the server listens");
                        let _job = p.rt.offload(move || hold);
                        p.wait(Mono::NEVER).await;
                        pending::<()>().await;
                    }
                });
            }
            let (w, h) = (world.clone(), hold.clone());
            world.spawn(async move {
                w.sleep(Duration::from_secs(1000)).await;
                drop(h);
            });
            let h = hold.clone();
            world.at(1_000_000_000_000, move |_| drop(h));
            world.sleep(ms(100)).await;
            world.pause(server);
            assert!(!fails, "this run fails");
        });
        assert_eq!(report.outcome.is_err(), fails);
        assert_eq!(Arc::strong_count(&held), 1, "a task or a closure outlived its run");
    }
}

#[test]
fn streams_and_node_entropy_come_from_the_seed_and_the_name() {
    let draw = |seed, first: &'static str| {
        Simulation::new(seed)
            .run(move |world| async move {
                let extra = first == "other";
                if extra {
                    world.add_node(NodeConfig::new("other"));
                }
                let node = world.add_node(NodeConfig::new("node"));
                let rt = support::puppet(&world, node).await.rt;
                (world.stream("workload").u64(), rt.entropy())
            })
            .expect()
    };
    assert_eq!(draw(1, "node"), draw(1, "other"), "a node more shifts nobody's draws");
    assert_ne!(draw(1, "node"), draw(2, "node"));
}
