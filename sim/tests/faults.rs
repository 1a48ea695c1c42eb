//! What goes wrong, and who learns of it when: cuts, kills, power losses, pauses, resets.

mod support;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::io::ErrorKind::*;
use std::rc::Rc;
use std::time::Duration;

use refrain_runtime::{Interest, Mono, Runtime, Signal, Sockets};
use refrain_sim::{Cuts, NetConfig, Status};
use support::{PORT, Proc, calm, echo, ms, pair, puppet, run, two};

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_cut_holds_up_what_is_in_flight_and_a_heal_lets_it_go_on() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.write(t, b"in flight").unwrap();
        world.sleep(Duration::from_micros(50)).await;
        let cut = Cuts::between(c.rt.node(), s.rt.node());
        world.cut(&cut);
        s.idle(Duration::from_secs(5)).await;
        assert_eq!(s.try_read(a), Err(WouldBlock));
        assert_eq!(world.counters(c.rt.node()).in_flight, 9);
        world.heal(&cut);
        let healed = world.now();
        assert_eq!(s.read_exact(a, 9).await.unwrap(), b"in flight");
        let waited = world.now() - healed;
        assert!(waited > 100_000 && waited < 5 * SECOND, "it waits for the next retransmission: {waited} ns");
    });
}

#[test]
fn a_one_way_cut_lets_data_through_but_no_acknowledgement() {
    let net = NetConfig { user_timeout: Duration::from_secs(10), ..NetConfig::calm() };
    run(1, net, |world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        world.cut(&Cuts::one_way(s.rt.node(), c.rt.node()));
        let start = world.now();
        c.write(t, b"heard").unwrap();
        assert_eq!(s.read(a).await.unwrap(), b"heard");
        s.write(a, b"not heard").unwrap();
        c.until(t, Interest::HUP).await;
        assert_eq!(c.try_read(t), Err(TimedOut));
        assert!(world.now() - start >= 10 * SECOND);
        assert_eq!(world.counters(c.rt.node()).timeouts, 1);
    })
    .expect();
}

#[test]
fn an_idle_connection_survives_a_long_cut() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let cut = Cuts::between(c.rt.node(), s.rt.node());
        world.cut(&cut);
        world.sleep(Duration::from_secs(600)).await;
        world.heal(&cut);
        c.write(t, b"still here").unwrap();
        assert_eq!(s.read(a).await.unwrap(), b"still here");
    });
}

#[test]
fn data_that_nobody_acknowledges_ends_the_connection() {
    calm(|world| async move {
        let (mut c, t, mut s, _a) = pair(&world).await;
        world.cut(&Cuts::between(c.rt.node(), s.rt.node()));
        let start = world.now();
        c.write(t, b"lost").unwrap();
        c.until(t, Interest::HUP).await;
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), TimedOut);
        assert!((30 * SECOND..31 * SECOND).contains(&(world.now() - start)));
        s.idle(Duration::from_secs(100)).await;
        assert!(!s.seen.iter().any(|r| r.bits & Interest::HUP != 0), "the other end never learns");
    });
}

#[test]
fn a_connect_across_a_cut_times_out_and_one_begun_before_the_heal_goes_on() {
    calm(|world| async move {
        let (c, s) = two(&world);
        let (mut c, mut server) = (puppet(&world, c).await, puppet(&world, s).await);
        server.listen(PORT);
        let cut = Cuts::one_way(s, c.rt.node());
        world.cut(&cut);
        assert_eq!(c.connect(&world.address(s, PORT)).await.unwrap_err().kind(), TimedOut);
        let heal = cut.clone();
        world.at(world.now() + 2 * SECOND, move |w| w.heal(&heal));
        let start = world.now();
        c.connect(&world.address(s, PORT)).await.unwrap();
        assert!((2 * SECOND..4 * SECOND).contains(&(world.now() - start)), "with the next repeated packet");
    });
}

#[test]
fn overlapping_cuts_must_all_be_healed() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let (cut, again) = (Cuts::between(c.rt.node(), s.rt.node()), Cuts::one_way(c.rt.node(), s.rt.node()));
        world.cut(&cut);
        world.cut(&again);
        c.write(t, b"x").unwrap();
        world.heal(&cut);
        s.idle(Duration::from_secs(1)).await;
        assert_eq!(s.try_read(a), Err(WouldBlock));
        world.heal(&again);
        assert_eq!(s.read(a).await.unwrap(), b"x");
        world.cut(&cut);
        world.cut(&cut);
        world.heal_all();
        c.write(t, b"y").unwrap();
        assert_eq!(s.read(a).await.unwrap(), b"y");
    });
}

#[test]
fn a_killed_process_is_felt_after_one_delay_and_refuses_then() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        s.write(a, b"last").unwrap();
        let start = world.now();
        world.kill(s.rt.node());
        assert_eq!(c.read_to_end(t).await.unwrap(), b"last", "what it wrote still comes, then the end");
        assert!((100_000..200_000).contains(&(world.now() - start)));
        assert_eq!(c.connect(&world.address(s.rt.node(), PORT)).await.unwrap_err().kind(), ConnectionRefused);
        assert_eq!(s.write(a, b"x").unwrap_err().kind(), NotConnected, "the dead can't write");
        assert_eq!(world.status(s.rt.node()), Status::Killed);
    });
}

#[test]
fn a_process_killed_with_unread_input_resets() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        c.write(t, b"unread").unwrap();
        world.sleep(ms(1)).await;
        world.kill(s.rt.node());
        assert_eq!(c.read(t).await.unwrap_err().kind(), ConnectionReset);
    });
}

#[test]
fn a_kill_behind_a_cut_is_not_felt_until_the_heal() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        let cut = Cuts::between(c.rt.node(), s.rt.node());
        world.cut(&cut);
        world.kill(s.rt.node());
        c.idle(Duration::from_secs(5)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock));
        world.heal(&cut);
        assert_eq!(c.read(t).await.unwrap(), b"");
    });
}

#[test]
fn a_reset_that_a_cut_swallows_is_never_repeated() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        c.write(t, b"unread").unwrap();
        world.sleep(ms(1)).await;
        let cut = Cuts::one_way(s.rt.node(), c.rt.node());
        world.cut(&cut);
        world.kill(s.rt.node());
        world.sleep(ms(10)).await;
        world.heal(&cut);
        c.idle(Duration::from_secs(60)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock), "nobody told it");
        c.write(t, b"still there?").unwrap();
        assert_eq!(c.read(t).await.unwrap_err().kind(), ConnectionReset);
    });
}

#[test]
fn a_reset_in_flight_is_lost_to_a_cut() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        c.write(t, b"unread").unwrap();
        world.sleep(ms(1)).await;
        world.kill(s.rt.node());
        world.sleep(Duration::from_micros(50)).await;
        world.cut(&Cuts::between(c.rt.node(), s.rt.node()));
        c.idle(Duration::from_secs(1)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock));
    });
}

#[test]
fn acknowledgements_in_flight_are_held_up_by_a_cut_as_well() {
    let net = NetConfig { send_buffer: 1000, ..NetConfig::calm() };
    run(1, net, |world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        assert_eq!(c.write(t, &[1; 1000]).unwrap(), 1000);
        world.sleep(Duration::from_micros(150)).await;
        assert_eq!(world.counters(s.rt.node()).deliveries, 1);
        let cut = Cuts::one_way(s.rt.node(), c.rt.node());
        world.cut(&cut);
        c.idle(Duration::from_secs(1)).await;
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), WouldBlock);
        world.heal(&cut);
        c.until(t, Interest::WRITE).await;
        assert_eq!(c.write(t, b"x").unwrap(), 1);
    })
    .expect();
}

#[test]
fn a_power_loss_is_silence_until_the_host_is_back_and_resets() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        let server = s.rt.node();
        world.power_loss(server);
        c.idle(Duration::from_secs(300)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock), "an idle peer learns nothing");
        c.write(t, b"are you there?").unwrap();
        c.idle(Duration::from_secs(10)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock));
        world.restart(server);
        assert_eq!(c.read(t).await.unwrap_err().kind(), ConnectionReset);
    });
}

#[test]
fn a_power_loss_that_lasts_times_everybody_out() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        let server = s.rt.node();
        c.write(t, b"in flight").unwrap();
        world.power_loss(server);
        let start = world.now();
        assert_eq!(c.read(t).await.unwrap_err().kind(), TimedOut);
        assert!(world.now() - start >= 29 * SECOND);
        assert_eq!(c.connect(&world.address(server, PORT)).await.unwrap_err().kind(), TimedOut);
    });
}

#[test]
fn work_not_yet_done_at_a_kill_is_never_written() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        s.write(a, b"before").unwrap();
        s.rt.work(10_000_000);
        s.write(a, b"after a second of work").unwrap();
        world.sleep(ms(500)).await;
        world.kill(s.rt.node());
        assert_eq!(c.read_to_end(t).await.unwrap(), b"before");
    });
}

#[test]
fn a_paused_process_is_silent_and_its_kernel_goes_on() {
    let net = NetConfig { receive_window: 1_000, ..NetConfig::calm() };
    run(1, net, |world| async move {
        let (c, s) = two(&world);
        world.start(s, echo);
        let mut c = puppet(&world, c).await;
        world.sleep(ms(1)).await;
        world.pause(s);
        let t = c.connect(&world.address(s, PORT)).await.expect("the kernel accepts");
        c.write(t, &[7; 1500]).unwrap();
        c.idle(Duration::from_secs(100)).await;
        assert_eq!(c.try_read(t), Err(WouldBlock));
        assert_eq!(world.counters(s).deliveries, 1, "the window is full, the rest waits at the sender");
        world.resume(s);
        assert_eq!(c.read_exact(t, 1500).await.unwrap(), [7; 1500]);
    })
    .expect();
}

#[test]
fn a_reset_hits_both_ends() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        assert_eq!(world.connections_between(s.rt.node(), c.rt.node()), 1);
        assert_eq!(world.reset_between(s.rt.node(), c.rt.node()), 1);
        assert_eq!(c.try_read(t), Err(ConnectionReset));
        assert_eq!(s.try_read(a), Err(ConnectionReset));
        assert!(!world.reset_one(s.rt.node(), c.rt.node(), 0), "none is left");
    });
}

#[test]
fn one_connection_of_several_is_reset() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        let other = c.connect(&world.address(s.rt.node(), PORT)).await.unwrap();
        world.sleep(ms(1)).await;
        assert!(world.reset_one(c.rt.node(), s.rt.node(), 1));
        assert_eq!(c.try_read(t), Err(WouldBlock));
        assert_eq!(c.try_read(other), Err(ConnectionReset));
    });
}

#[test]
fn a_restart_boots_again_and_an_end_is_an_exit() {
    calm(|world| async move {
        let (node, _) = two(&world);
        let boots = Rc::new(Cell::new(0));
        let count = boots.clone();
        world.start(node, move |rt| {
            count.set(count.get() + 1);
            let lasts = count.get() < 3;
            async move {
                let mut p = Proc::new(rt);
                p.listen(PORT);
                if lasts {
                    pending::<()>().await;
                }
                p.wait(Mono(0)).await;
            }
        });
        for n in 1..=2 {
            world.sleep(ms(1)).await;
            assert_eq!((boots.get(), world.status(node)), (n, Status::Running));
            world.restart(node);
        }
        world.sleep(ms(1)).await;
        assert_eq!((boots.get(), world.status(node)), (3, Status::Exited));
        world.power_loss(node);
        assert_eq!(world.status(node), Status::Off);
        world.restart(node);
        world.sleep(ms(1)).await;
        assert_eq!((boots.get(), world.status(node)), (4, Status::Exited));
    });
}

#[test]
fn a_signal_reaches_the_process_that_waits_for_it() {
    calm(|world| async move {
        let (node, other) = two(&world);
        for n in [node, other] {
            world.start(n, move |rt| async move {
                let signal = poll_fn(|cx| rt.poll_signal(cx)).await;
                assert_eq!(signal, if n == node { Signal::Terminate } else { Signal::Interrupt });
            });
        }
        world.sleep(ms(1)).await;
        world.terminate(node);
        world.sleep(ms(1)).await;
        assert_eq!((world.status(node), world.status(other)), (Status::Exited, Status::Running));
        world.signal(other, Signal::Interrupt);
        world.sleep(ms(1)).await;
        assert_eq!(world.status(other), Status::Exited);
    });
}

#[test]
fn closing_a_socket_that_nobody_hears_frees_it_in_the_end() {
    calm(|world| async move {
        let (mut c, t, s, _a) = pair(&world).await;
        world.power_loss(s.rt.node());
        c.write(t, b"x").unwrap();
        c.sockets.close(t);
        assert_eq!(world.connections_between(c.rt.node(), s.rt.node()), 1);
        world.sleep(Duration::from_secs(40)).await;
        assert_eq!(world.connections_between(c.rt.node(), s.rt.node()), 0);
    });
}
