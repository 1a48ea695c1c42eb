//! The transport as a process sees it, without faults: connecting, streams, ends, windows, limits.

mod support;

use std::io::ErrorKind::{self, *};
use std::time::Duration;

use refrain_runtime::{Address, Interest, Mono, Runtime, Sockets, Token};
use refrain_sim::{LinkConfig, NetConfig, NodeConfig, SimSockets};
use support::{PORT, calm, ms, pair, puppet, run, two};

#[test]
fn bytes_take_the_links_delay_and_both_ends_know_each_other() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let start = world.now();
        c.write(t, b"hello").unwrap();
        assert_eq!(s.read(a).await.unwrap(), b"hello");
        let took = world.now() - start;
        assert!((100_000..101_000).contains(&took), "{took} ns over a link of 100 µs");
        let (cp, sp) = (c.sockets.peer(t).unwrap().clone(), s.sockets.peer(a).unwrap().clone());
        assert_eq!((&cp.local, &cp.remote), (&sp.remote, &sp.local));
        assert_eq!(cp.remote, world.address(s.rt.node(), PORT));
        assert!(!cp.is_local());
    });
}

#[test]
fn a_connect_is_known_only_after_a_round_trip() {
    calm(|world| async move {
        let (c, s) = two(&world);
        let (mut c, mut s2) = (puppet(&world, c).await, puppet(&world, s).await);
        s2.listen(PORT);
        let start = world.now();
        let t = c.sockets.connect(&world.address(s, PORT)).unwrap();
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), NotConnected);
        c.until(t, Interest::WRITE).await;
        assert!(world.now() - start >= 200_000);
        assert_eq!(c.write(t, b"x").unwrap(), 1);
    });
}

#[test]
fn nobody_listening_is_refused_and_a_host_that_is_not_there_times_out() {
    calm(|world| async move {
        let (c, s) = two(&world);
        let mut c = puppet(&world, c).await;
        // The host is on, with no process on it.
        assert_eq!(c.connect(&world.address(s, PORT)).await.unwrap_err().kind(), ConnectionRefused);
        assert!(world.now() < 1_000_000);
        let nowhere = Address::Tcp(([10, 9, 9, 9], PORT).into());
        assert_eq!(c.connect(&nowhere).await.unwrap_err().kind(), TimedOut);
        assert!(world.now() >= 20_000_000_000);
        let counters = world.counters(c.rt.node());
        assert_eq!((counters.refused, counters.timeouts, counters.open), (1, 1, 0));
    });
}

#[test]
fn a_host_reaches_itself_by_loopback_by_address_and_by_path() {
    calm(|world| async move {
        let node = world.add_node(NodeConfig::new("node"));
        let mut p = puppet(&world, node).await;
        let path = Address::Unix { path: "/run/sock".into(), mode: Some(0o700) };
        let (tcp, unix) = (p.listen(PORT), p.sockets.listen(&path).unwrap());
        let loopback = Address::Tcp(([127, 0, 0, 1], PORT).into());
        for (to, listener, local) in
            [(&loopback, tcp, true), (&world.address(node, PORT), tcp, false), (&path, unix, true)]
        {
            let t = p.connect(to).await.unwrap();
            let a = p.accept(listener).await;
            p.write(t, b"me").unwrap();
            assert_eq!(p.read(a).await.unwrap(), b"me");
            assert_eq!(p.sockets.peer(a).unwrap().is_local(), local);
        }
    });
}

#[test]
fn an_address_is_listened_on_once_and_must_be_ones_own() {
    calm(|world| async move {
        let (c, s) = two(&world);
        let mut p = puppet(&world, s).await;
        let mut listen = |a: &Address| p.sockets.listen(a).map_err(|e| e.kind());
        let first = listen(&world.address(s, PORT)).unwrap();
        assert_eq!(listen(&world.address(s, PORT)), Err(AddrInUse));
        assert_eq!(listen(&Address::Tcp(([0, 0, 0, 0], PORT).into())), Err(AddrInUse));
        assert_eq!(listen(&world.address(c, PORT)), Err(AddrNotAvailable));
        listen(&Address::Tcp(([127, 0, 0, 1], PORT).into())).unwrap();
        p.close(first);
        p.sockets.listen(&world.address(s, PORT)).unwrap();
    });
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer_and_no_byte_is_lost() {
    let net = NetConfig { send_buffer: 10_000, receive_window: 6_000, ..NetConfig::calm() };
    run(1, net, |world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let block: Vec<u8> = (0..40_000_u32).map(|i| (i % 251) as u8).collect();
        let mut written = 0;
        loop {
            match c.write(t, &block[written..]) {
                Ok(n) => written += n,
                Err(e) if e.kind() == WouldBlock && written >= 16_000 => break,
                Err(e) => {
                    assert_eq!(e.kind(), WouldBlock);
                    c.until(t, Interest::WRITE).await;
                }
            }
        }
        c.idle(Duration::from_secs(60)).await;
        assert_eq!(written, 16_000, "the send buffer and the window together");
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), WouldBlock, "a minute later as well");
        assert_eq!(world.total().buffered, 16_000);
        let mut got = s.read_exact(a, 6_000).await.unwrap();
        c.until(t, Interest::WRITE).await;
        while written < block.len() || got.len() < block.len() {
            if let Ok(n) = c.write(t, &block[written..]) {
                written += n;
            }
            got.extend(s.try_read(a).unwrap_or_default());
            world.sleep(ms(1)).await;
        }
        assert_eq!(got, block);
    })
    .expect();
}

#[test]
fn a_half_closed_connection_still_carries_the_other_direction() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.write(t, b"question").unwrap();
        c.sockets.shutdown(t);
        assert_eq!(c.write(t, b"more").unwrap_err().kind(), BrokenPipe);
        s.until(a, Interest::HUP).await;
        assert_eq!(s.read_to_end(a).await.unwrap(), b"question");
        s.write(a, b"answer").unwrap();
        s.close(a);
        assert_eq!(c.read_to_end(t).await.unwrap(), b"answer");
        c.close(t);
        world.sleep(ms(10)).await;
        assert_eq!(world.total().buffered, 0);
    });
}

#[test]
fn closing_sends_what_was_written_and_then_the_end() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.write(t, b"last words").unwrap();
        c.close(t);
        assert_eq!(s.read_to_end(a).await.unwrap(), b"last words");
    });
}

#[test]
fn closing_with_unread_input_resets() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.write(t, b"unread").unwrap();
        world.sleep(ms(1)).await;
        s.close(a);
        assert_eq!(c.read(t).await.unwrap_err().kind(), ConnectionReset);
        assert_eq!(c.try_read(t), Ok(vec![]), "an error is told once");
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), BrokenPipe);
        assert_eq!(world.counters(c.rt.node()).resets, 1);
    });
}

#[test]
fn writing_to_a_closed_peer_succeeds_once_and_then_fails() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        s.close(a);
        assert_eq!(c.read(t).await.unwrap(), b"");
        assert_eq!(c.write(t, b"anybody?").unwrap(), 8, "nobody knows yet");
        c.until(t, Interest::HUP).await;
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), ConnectionReset);
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), BrokenPipe);
    });
}

#[test]
fn what_arrived_before_a_reset_can_still_be_read() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.write(t, b"unread").unwrap();
        s.write(a, b"answer").unwrap();
        world.sleep(ms(1)).await;
        s.close(a);
        c.until(t, Interest::HUP).await;
        assert_eq!(c.try_read(t).unwrap(), b"answer");
        assert_eq!(c.try_read(t), Err(ConnectionReset));
    });
}

#[test]
fn a_stale_token_names_nothing() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        c.close(t);
        let to = world.address(s.rt.node(), PORT);
        let next = c.connect(&to).await.unwrap();
        assert_eq!(next.slot(), t.slot(), "the slot has a new tenant");
        assert_eq!(c.write(t, b"x").unwrap_err().kind(), NotConnected);
        assert_eq!(c.try_read(t), Err(NotConnected));
        assert_eq!(c.sockets.accept(t).unwrap_err().kind(), NotConnected);
        assert!(c.sockets.peer(t).is_none());
        c.sockets.shutdown(t);
        c.close(t);
        assert_eq!(c.write(next, b"x").unwrap(), 1, "the new tenant is untouched");
        s.close(a);
    });
}

#[test]
fn a_full_backlog_is_not_answered_until_there_is_room() {
    run(1, NetConfig { backlog: 2, ..NetConfig::calm() }, |world| async move {
        let (c, s) = two(&world);
        let (mut c, mut s2) = (puppet(&world, c).await, puppet(&world, s).await);
        let listener = s2.listen(PORT);
        let tokens: Vec<Token> = (0..3).map(|_| c.sockets.connect(&world.address(s, PORT)).unwrap()).collect();
        c.idle(ms(500)).await;
        let mut known = |t: &Token| c.write(*t, &[]).map_err(|e| e.kind());
        assert_eq!(tokens.iter().map(&mut known).collect::<Vec<_>>(), [Ok(0), Ok(0), Err(NotConnected)]);
        s2.accept(listener).await;
        c.idle(ms(1000)).await;
        assert_eq!(c.write(tokens[2], &[]).map_err(|e| e.kind()), Ok(0), "the repeated packet found room");
    })
    .expect();
}

#[test]
fn without_descriptors_a_connection_is_refused_politely() {
    calm(|world| async move {
        let c = world.add_node(NodeConfig::new("client"));
        let s = world.add_node(NodeConfig { descriptors: 2, ..NodeConfig::new("server") });
        let (mut c, mut server) = (puppet(&world, c).await, puppet(&world, s).await);
        let listener = server.listen(PORT);
        let to = world.address(s, PORT);
        let (one, two) = (c.connect(&to).await.unwrap(), c.connect(&to).await.unwrap());
        let first = server.accept(listener).await;
        world.sleep(ms(1)).await;
        let error = server.sockets.accept(listener).unwrap_err();
        assert!(SimSockets::is_exhausted(&error), "{error}");
        assert!(SimSockets::is_exhausted(&server.sockets.connect(&to).unwrap_err()));
        assert_eq!(c.read(two).await.unwrap(), b"", "an orderly end");
        server.close(first);
        assert_eq!(c.read(one).await.unwrap(), b"");
        c.connect(&to).await.unwrap();
        server.accept(listener).await;
        assert!(!SimSockets::is_exhausted(&ErrorKind::WouldBlock.into()));
    });
}

#[test]
fn readiness_comes_once_a_change() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        s.wait(Mono(0)).await;
        c.write(t, b"one").unwrap();
        s.until(a, Interest::READ).await;
        let until = s.rt.now() + Duration::from_secs(1);
        assert_eq!(s.wait(until).await, [], "nothing new, though nothing was read");
        assert!(s.rt.now() >= until);
        c.write(t, b"two").unwrap();
        s.until(a, Interest::READ).await;
        assert_eq!(s.try_read(a).unwrap(), b"onetwo");
        assert_eq!(s.try_read(a), Err(WouldBlock));
    });
}

#[test]
fn readiness_may_be_false_when_it_is_drawn_so() {
    run(1, NetConfig { spurious: 0.5, ..NetConfig::calm() }, |world| async move {
        let (_c, _t, mut s, a) = pair(&world).await;
        let (mut lies, mut nothing) = (0, 0);
        for _ in 0..200 {
            let until = s.rt.now() + ms(1);
            let told = s.wait(until).await;
            nothing += usize::from(told.is_empty() && s.rt.now() < until);
            lies += told.iter().filter(|r| r.token == a && r.bits & Interest::READ != 0).count();
            assert_eq!(s.try_read(a), Err(WouldBlock));
        }
        assert!(lies > 10, "{lies}");
        assert!(nothing < 100, "{nothing}");
    })
    .expect();
}

#[test]
fn bandwidth_makes_bytes_queue() {
    calm(|world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let slow = LinkConfig { bandwidth: 1_000_000, ..world.link(c.rt.node(), s.rt.node()) };
        world.set_link(c.rt.node(), s.rt.node(), slow);
        let start = world.now();
        c.write_all(t, &vec![1; 200_000]).await.unwrap();
        s.read_exact(a, 200_000).await.unwrap();
        let took = world.now() - start;
        assert!((200_000_000..202_000_000).contains(&took), "{took} ns for 200 kB at 1 MB/s");
        let start = world.now();
        s.write(a, &[1; 1000]).unwrap();
        c.read_exact(t, 1000).await.unwrap();
        assert!(world.now() - start < 1_000_000, "the way back is not slowed down");
    });
}

#[test]
fn loss_delays_and_never_loses() {
    let net = NetConfig { link: LinkConfig { loss: 0.2, ..LinkConfig::lan() }, ..NetConfig::calm() };
    run(3, net, |world| async move {
        let (mut c, t, mut s, a) = pair(&world).await;
        let start = world.now();
        for n in 0..100_u32 {
            c.write(t, &n.to_le_bytes()).unwrap();
            assert_eq!(s.read_exact(a, 4).await.unwrap(), n.to_le_bytes());
        }
        assert!(world.now() - start > 2_000_000_000, "about a quarter of the messages waited for 200 ms or more");
    })
    .expect();
}

#[test]
fn a_connection_still_pending_when_its_listener_closes_is_reset() {
    calm(|world| async move {
        let (c, s) = two(&world);
        let (mut c, mut server) = (puppet(&world, c).await, puppet(&world, s).await);
        let listener = server.listen(PORT);
        let t = c.connect(&world.address(s, PORT)).await.unwrap();
        world.sleep(ms(1)).await;
        server.close(listener);
        assert_eq!(c.read(t).await.unwrap_err().kind(), ConnectionReset);
        assert_eq!(c.connect(&world.address(s, PORT)).await.unwrap_err().kind(), ConnectionRefused);
    });
}
