//! Time as a node sees it: skewed, drifting, jumping clocks, and work that takes time.

mod support;

use std::time::Duration;

use refrain_runtime::{Mono, Runtime};
use refrain_sim::{ClockConfig, NodeConfig};
use support::{Proc, calm, ms, pair, puppet};

async fn clocked(world: &refrain_sim::World, name: &str, skew_ns: i64, drift_ppm: i64) -> Proc {
    let clock = ClockConfig { skew_ns, drift_ppm };
    let node = world.add_node(NodeConfig { clock, ..NodeConfig::new(name) });
    puppet(world, node).await
}

#[test]
fn clocks_are_apart_by_skew_and_drift() {
    calm(|world| async move {
        let (a, b) = (clocked(&world, "a", 0, 0).await, clocked(&world, "b", -5_000_000, 1000).await);
        assert_eq!(a.rt.wall().0 - b.rt.wall().0, 5_000_000);
        let (mono_a, mono_b, start) = (a.rt.now(), b.rt.now(), world.now());
        world.sleep(Duration::from_secs(10)).await;
        let passed = world.now() - start;
        assert_eq!(a.rt.now().since(mono_a), passed);
        let gained = b.rt.now().since(mono_b) - passed;
        assert!(gained.abs_diff(passed / 1000) <= 1, "{gained}");
    });
}

#[test]
fn only_the_wall_clock_jumps() {
    calm(|world| async move {
        let p = clocked(&world, "a", 0, 0).await;
        let (wall, mono) = (p.rt.wall(), p.rt.now());
        world.jump_wall(p.rt.node(), -3_600_000_000_000);
        assert_eq!(wall.0 - p.rt.wall().0, 3_600_000_000_000);
        assert_eq!(p.rt.now(), mono);
        world.slew_wall(p.rt.node(), 1_000_000, Duration::from_secs(10));
        let (wall, start) = (p.rt.wall().0, world.now());
        world.sleep(Duration::from_secs(20)).await;
        let gained = p.rt.wall().0 - wall - (world.now() - start);
        assert!(gained.abs_diff(1_000_000) < 1_000, "{gained}");
    });
}

#[test]
fn a_wait_ends_when_the_nodes_own_clock_says_so_and_not_before() {
    calm(|world| async move {
        for ppm in [-200_000, -17, 0, 17, 200_000] {
            let mut p = clocked(&world, &format!("{ppm}"), 0, ppm).await;
            for wait in [1, 999, 1_000_003, 7_000_000_000] {
                let polls = world.counters(p.rt.node()).polls;
                let until = Mono(p.rt.now().0 + wait);
                p.wait(until).await;
                let late = p.rt.now().since(until);
                assert!(p.rt.now() >= until, "early at {ppm} ppm");
                assert!(late < 2_000, "{late} ns late at {ppm} ppm");
                assert!(world.counters(p.rt.node()).polls - polls <= 2, "woken in vain at {ppm} ppm");
            }
        }
    });
}

#[test]
fn a_clock_that_slows_down_after_charged_work_still_never_runs_backwards() {
    calm(|world| async move {
        let p = clocked(&world, "a", 0, 500_000).await;
        p.rt.work(10_000_000);
        let seen = p.rt.now();
        world.set_drift(p.rt.node(), -500_000);
        assert!(p.rt.now() >= seen);
        world.sleep(Duration::from_secs(10)).await;
        assert!(p.rt.now() > seen);
    });
}

#[test]
fn work_costs_time_and_holds_back_what_is_written_after_it() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let (start, mono, ticks) = (world.now(), s.rt.now(), s.rt.ticks());
        s.rt.work(20_000);
        assert_eq!(s.rt.ticks() - ticks, 20_000);
        assert_eq!(s.rt.ticks_per_second(), 10_000_000);
        assert_eq!(s.rt.now().since(mono), 2_000_000, "20,000 units at 100 ns have passed for the process");
        assert_eq!(world.now(), start);
        s.write(a, b"done").unwrap();
        c.read(t).await.unwrap();
        assert!(world.now() - start >= 2_100_000, "the work and the link");
    });
}

#[test]
fn a_busy_node_reports_nothing_until_it_is_done() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        s.wait(Mono(0)).await;
        world.set_cpu(s.rt.node(), 1_000);
        let start = world.now();
        s.rt.work(5_000);
        c.write(t, b"x").unwrap();
        s.wait(Mono(0)).await;
        assert!(world.now() - start >= 5_000_000);
        assert_eq!(s.try_read(a).unwrap(), b"x");
        assert_eq!(s.rt.ticks_per_second(), 10_000_000, "a slower CPU does fewer of the same units");
    });
}

#[test]
fn offloaded_jobs_end_later_and_not_while_the_node_is_busy() {
    calm(|world| async move {
        let p = clocked(&world, "a", 0, 0).await;
        let start = world.now();
        let job = p.rt.offload(|| 6 * 7);
        p.rt.work(1_000_000);
        assert_eq!(job.await, 42);
        assert!(world.now() - start >= 100_000_000);
        let start = world.now();
        assert_eq!(p.rt.offload(|| "quick").await, "quick");
        assert!(world.now() - start <= 3_000_000);
    });
}

#[test]
fn a_host_that_lost_power_starts_its_monotonic_clock_anew_and_keeps_its_wall() {
    calm(|world| async move {
        let p = clocked(&world, "a", 123, 0).await;
        let (mono, wall) = (p.rt.now(), p.rt.wall());
        world.power_loss(p.rt.node());
        world.sleep(ms(10)).await;
        world.restart(p.rt.node());
        assert!(p.rt.now() < mono);
        assert!(p.rt.wall() > wall);
    });
}
