//! One seed gives one run: the same hash again, on other threads, with a log and without.

mod support;

use refrain_runtime::{Mono, Runtime};
use refrain_sim::{Cuts, KernelChoice, LinkConfig, NetConfig, NodeConfig, Recording, Report, Simulation, Trace, World};
use support::{PORT, Proc, echo, ms};

/// Three clients talk to an echo server through a noisy network, while cuts, a kill and a clock jump happen.
async fn scenario(world: World, perturb: bool) -> u64 {
    let server = world.add_node(NodeConfig::new("server"));
    world.start(server, echo);
    let address = world.address(server, PORT);
    let clients: Vec<_> = (0..3).map(|n| world.add_node(NodeConfig::new(format!("client{n}")))).collect();
    for client in &clients {
        let address = address.clone();
        world.start(*client, move |rt| {
            let address = address.clone();
            async move {
                let mut p = Proc::new(rt);
                loop {
                    let Ok(t) = p.connect(&address).await else { continue };
                    loop {
                        let bytes = p.rt.entropy().to_le_bytes();
                        let sent = p.write_all(t, &bytes).await;
                        if sent.is_err() || p.read_exact(t, 8).await.ok().as_deref() != Some(&bytes[..]) {
                            break;
                        }
                        p.rt.work(p.rt.entropy() % 50);
                        p.wait(Mono(0)).await;
                    }
                    p.close(t);
                }
            }
        });
    }
    let mut nemesis = world.stream("nemesis");
    for _ in 0..5 {
        world.sleep(ms(50 + nemesis.below(50))).await;
        let cut = Cuts::one_way(*nemesis.pick(&clients), server);
        world.cut(&cut);
        world.sleep(ms(100)).await;
        world.heal(&cut);
    }
    if perturb {
        world.jump_wall(clients[1], 1);
    }
    world.kill(server);
    world.sleep(ms(100)).await;
    world.restart(server);
    world.sleep(ms(500)).await;
    world.total().read
}

fn noisy() -> NetConfig {
    let link = LinkConfig { tail_chance: 0.01, tail: ms(20), loss: 0.001, ..LinkConfig::lan() };
    NetConfig { link, split: 0.1, spurious: 0.1, short_write: 0.1, ..NetConfig::default() }
}

fn run(seed: u64, recording: Recording, perturb: bool) -> Report<u64> {
    let report = Simulation::new(seed).net(noisy()).recording(recording).run(move |w| scenario(w, perturb));
    assert!(report.outcome.as_ref().is_ok_and(|read| *read > 1000), "the scenario does something");
    report
}

#[test]
#[expect(clippy::disallowed_methods, reason = "runs two simulations at once on purpose")]
fn one_seed_gives_one_hash_on_any_thread_and_with_or_without_a_log() {
    let alone = run(1, Recording::Hash, false).trace.hash();
    let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(|| run(1, Recording::Log, false).trace.hash())).collect();
    for t in threads {
        assert_eq!(t.join().unwrap(), alone);
    }
}

#[test]
fn different_seeds_give_different_hashes() {
    let hashes: std::collections::BTreeSet<u64> = (0..4).map(|s| run(s, Recording::Hash, false).trace.hash()).collect();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn the_first_divergent_event_is_named() {
    let (left, right) = (run(1, Recording::Log, false).trace, run(1, Recording::Log, true).trace);
    assert_eq!(Trace::first_divergence(&left, &left), None);
    let found = Trace::first_divergence(&left, &right).unwrap();
    assert!(found.right.as_ref().unwrap().ends_with("client1    wall clock jumps by 1 ns"), "{found}");
    assert!(left.log()[..found.index].iter().zip(right.log()).all(|(l, r)| l == r));
}

#[test]
fn the_other_kernel_is_as_deterministic_and_schedules_differently() {
    let hash = |kernel| {
        let report = Simulation::new(1).net(noisy()).kernel(kernel).run(|w| scenario(w, false));
        assert!(report.outcome.is_ok_and(|read| read > 1000));
        report.trace.hash()
    };
    assert_eq!(hash(KernelChoice::Own), hash(KernelChoice::Own));
    assert_ne!(hash(KernelChoice::Own), hash(KernelChoice::Madsim));
}

#[test]
fn one_byte_of_what_is_sent_changes_the_hash() {
    let hash = |byte: u8| {
        let report = Simulation::new(1).run(move |world| async move {
            let (mut c, t, mut s, a) = support::pair(&world).await;
            c.write_all(t, &[1, 2, byte]).await.expect("nothing resets it");
            s.read_exact(a, 3).await.expect("nothing resets it");
        });
        report.trace.hash()
    };
    assert_eq!(hash(3), hash(3));
    assert_ne!(hash(3), hash(4));
}

/// Pinned: a change of these says that the simulator's behaviour changed. Then every recorded seed means another run.
#[test]
fn the_hashes_of_two_seeds_are_as_they_were() {
    let hashes = [1, 2].map(|seed| format!("{:016x}", run(seed, Recording::Hash, false).trace.hash()));
    assert_eq!(hashes, ["b971c9bf47df3dfa", "a928633e4a6b6ece"]);
}
