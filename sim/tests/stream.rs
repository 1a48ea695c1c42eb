//! Whatever is written arrives whole and in order, however the network cuts it up, and whatever faults come and go.

mod support;

use std::io::{ErrorKind, IoSlice};

use proptest::prelude::*;
use refrain_runtime::{Interest, Mono, Sockets};
use refrain_sim::{Cuts, LinkConfig, NetConfig};
use support::{ms, pair, run};

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<usize>),
    Read(usize),
    Wait(u64),
    Work(u64),
    Cut(bool, u64),
    Pause(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::collection::vec(0_usize..3000, 1..4).prop_map(Step::Write),
        6 => (1_usize..5000).prop_map(Step::Read),
        3 => (0_u64..20).prop_map(Step::Wait),
        2 => (0_u64..100_000).prop_map(Step::Work),
        1 => (any::<bool>(), 0_u64..2000).prop_map(|(forth, ms)| Step::Cut(forth, ms)),
        1 => (0_u64..100).prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..60)
}

fn rough(send_buffer: usize, receive_window: usize, loss: f64) -> NetConfig {
    NetConfig {
        link: LinkConfig { loss, tail_chance: 0.1, tail: ms(50), bandwidth: 10_000_000, ..LinkConfig::lan() },
        send_buffer,
        receive_window,
        segment: 1500,
        split: 0.3,
        short_write: 0.3,
        spurious: 0.2,
        ..NetConfig::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_arrives_whole_and_in_order(
        seed: u64, steps in steps(), send_buffer in 1_usize..9000, window in 1_usize..9000, lossy: bool,
    ) {
        let net = rough(send_buffer, window, if lossy { 0.05 } else { 0.0 });
        let report = run(seed, net, move |world| async move {
            let (mut c, t, mut s, a) = pair(&world).await;
            let (cn, sn) = (c.rt.node(), s.rt.node());
            let byte = |n: usize| (n * 31 + n / 251) as u8;
            let (mut wanted, mut written, mut got) = (0_usize, 0_usize, Vec::new());
            for step in steps {
                match step {
                    Step::Write(sizes) => {
                        let parts: Vec<Vec<u8>> = sizes
                            .iter()
                            .scan(written, |at, n| {
                                let part = (*at..*at + n).map(byte).collect();
                                *at += n;
                                Some(part)
                            })
                            .collect();
                        let slices: Vec<_> = parts.iter().map(|p| IoSlice::new(p)).collect();
                        match c.sockets.try_write(t, &slices) {
                            Ok(n) => written += n,
                            Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
                        }
                        wanted = wanted.max(written);
                    }
                    Step::Read(n) => {
                        let mut into = vec![0; n];
                        if let Ok(n) = s.sockets.try_read(a, &mut into) {
                            assert!(n > 0, "no end was sent yet");
                            got.extend(&into[..n]);
                        }
                    }
                    Step::Wait(n) => world.sleep(ms(n)).await,
                    Step::Work(n) => refrain_runtime::Runtime::work(&c.rt, n),
                    Step::Cut(forth, n) => {
                        let cut = if forth { Cuts::one_way(cn, sn) } else { Cuts::one_way(sn, cn) };
                        world.cut(&cut);
                        world.at(world.now() + n * 1_000_000, move |w| w.heal(&cut));
                    }
                    Step::Pause(n) => {
                        world.pause(sn);
                        world.at(world.now() + n * 1_000_000, move |w| w.resume(sn));
                    }
                }
            }
            // One more byte, for which room must come, and the end.
            loop {
                match c.write(t, &[byte(written)]) {
                    Ok(_) => break,
                    Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
                }
                while let Ok(more) = s.try_read(a) {
                    got.extend(more);
                }
                let until = refrain_runtime::Runtime::now(&c.rt) + ms(1);
                c.wait(until).await;
            }
            c.close(t);
            got.extend(s.read_to_end(a).await.expect("nothing resets it"));
            assert_eq!(got.len(), written + 1);
            assert!(got.iter().enumerate().all(|(n, b)| *b == byte(n)), "a byte is out of place");
            world.sleep(ms(1000)).await;
            s.close(a);
            world.sleep(ms(100_000)).await;
            assert_eq!(world.total().buffered + world.total().in_flight, 0);
        });
        prop_assert!(report.outcome.is_ok(), "{:?}", report.outcome);
    }

    #[test]
    fn whoever_waits_for_readiness_alone_gets_everything_through(seed: u64, size in 1_usize..60_000, window in 1_usize..5000) {
        let report = run(seed, rough(window * 2, window, 0.02), move |world| async move {
            let (mut c, t, mut s, a) = pair(&world).await;
            let sender = s.rt.node();
            let data: Vec<u8> = (0..size).map(|n| (n % 253) as u8).collect();
            let (expected, sent) = (data.clone(), data);
            world.spawn(async move {
                s.write_all(a, &sent).await.expect("nothing resets it");
                s.sockets.shutdown(a);
                s.until(a, Interest::HUP).await;
                s.close(a);
            });
            let mut got: Vec<u8> = Vec::new();
            let mut buffer = vec![0; 777];
            'outer: loop {
                for r in c.wait(Mono::NEVER).await {
                    if r.token != t {
                        continue;
                    }
                    loop {
                        match c.sockets.try_read(t, &mut buffer) {
                            Ok(0) => break 'outer,
                            Ok(n) => got.extend(&buffer[..n]),
                            Err(_) => break,
                        }
                        // A short read is the end of what has arrived: what follows is reported.
                    }
                }
            }
            assert_eq!(got, expected);
            assert_eq!(world.counters(sender).written, size as u64);
            c.close(t);
        });
        prop_assert!(report.outcome.is_ok(), "{:?}", report.outcome);
    }
}
