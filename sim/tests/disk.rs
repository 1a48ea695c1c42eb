//! The disk as a process meets it: in time, over lives, beside the loss of power.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use refrain_runtime::{Disk, File, Open, Runtime};
use refrain_sim::{NodeConfig, Simulation, World};

type Log = Rc<RefCell<Vec<String>>>;

/// Runs `test` in the world of `seed` and gives its hash.
fn run<F: Future<Output = ()>>(seed: u64, test: impl FnOnce(World) -> F + Send + 'static) -> u64 {
    let report = Simulation::new(seed).run(test);
    if let Err(failure) = &report.outcome {
        panic!("seed {seed}: {failure}");
    }
    report.trace.hash()
}

/// Appends numbered lines, each synced, and counts those that are durable.
fn writer(world: &World) -> (refrain_sim::NodeId, Log) {
    let node = world.add_node(NodeConfig::new("writer"));
    let log = Log::default();
    let durable = Rc::clone(&log);
    world.start(node, move |runtime| {
        let durable = Rc::clone(&durable);
        async move {
            let disk = runtime.disk();
            let file = disk.open(Path::new("log"), Open::Append).await.expect("a faultless disk");
            disk.sync_directory(Path::new("")).await.expect("a faultless disk");
            let mut number = durable.borrow().len();
            loop {
                let line = format!("{number}\n");
                let appended = file.append(line.clone().into_bytes(), true).await;
                if appended.outcome.is_ok() {
                    durable.borrow_mut().push(line);
                    number += 1;
                }
            }
        }
    });
    (node, log)
}

#[test]
fn what_was_said_to_be_durable_survives_every_loss_of_power() {
    for seed in 0..20 {
        run(seed, |world| async move {
            let (node, log) = writer(&world);
            for _ in 0..5 {
                world.sleep(Duration::from_millis(50)).await;
                world.power_loss(node);
                let text = String::from_utf8_lossy(&world.files(node)["log"]).into_owned();
                for line in log.borrow().iter() {
                    assert!(text.contains(line.as_str()), "{line:?} was durable");
                }
                world.restart(node);
            }
            assert!(log.borrow().len() > 20);
        });
    }
}

#[test]
fn the_end_of_a_process_loses_nothing_of_what_it_wrote() {
    run(3, |world| async move {
        let node = world.add_node(NodeConfig::new("a"));
        world.start(node, |runtime| async move {
            let file = runtime.disk().open(Path::new("f"), Open::Append).await.expect("a faultless disk");
            let _never_awaited = file.append(b"written".to_vec(), false);
            std::future::pending::<()>().await;
        });
        world.sleep(Duration::from_millis(5)).await;
        world.kill(node);
        assert_eq!(world.files(node)["f"], b"written");
    });
}

#[test]
fn a_stuck_disk_answers_when_it_goes_on_and_the_same_seed_gives_the_same_run() {
    let once = || {
        run(7, |world| async move {
            let (node, log) = writer(&world);
            world.sleep(Duration::from_millis(20)).await;
            world.stick_disk(node, Duration::from_secs(2));
            world.sleep(Duration::from_millis(100)).await;
            let before = log.borrow().len();
            world.sleep(Duration::from_secs(1)).await;
            assert_eq!(log.borrow().len(), before, "nothing ends while it is stuck");
            world.sleep(Duration::from_secs(2)).await;
            assert!(log.borrow().len() > before);
        })
    };
    assert_eq!(once(), once());
}

#[test]
fn errors_reach_the_process() {
    run(1, |world| async move {
        let node = world.add_node(NodeConfig::new("a"));
        world.set_disk(node, |disk| disk.sync_error = 1.0);
        let seen = Log::default();
        let log = Rc::clone(&seen);
        world.start(node, move |runtime| {
            let log = Rc::clone(&log);
            async move {
                let disk = runtime.disk();
                let missing = disk.open(Path::new("none"), Open::Read).await.err().expect("there is no such file");
                assert_eq!(missing.kind(), ErrorKind::NotFound);
                let file = disk.open(Path::new("f"), Open::Append).await.expect("opening works");
                let appended = file.append(b"bytes".to_vec(), true).await;
                assert_eq!((appended.written, &appended.bytes[..]), (5, &b"bytes"[..]));
                log.borrow_mut().push(appended.outcome.unwrap_err().to_string());
            }
        });
        world.sleep(Duration::from_millis(50)).await;
        assert_eq!(seen.borrow().len(), 1);
    });
}
