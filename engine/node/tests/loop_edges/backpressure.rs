//! Clients that ask and don't read.

use std::time::Duration;

use refrain_core::OUTPUT_HIGH_WATER;
use refrain_resp::Reply;

use crate::support::{Client, End, Server, Setup, bulk, calm, ms, run, simple};

#[test]
fn a_client_that_reads_late_gets_everything_in_order_from_bounded_memory() {
    const ASKED: usize = 5000;
    for seed in 0..4 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            let value = "x".repeat(10_000);
            assert_eq!(client.ask(t, &format!("SET k {value}")).await, Ok(simple("OK")));
            let pipeline: String = (0..ASKED).map(|i| format!("GET k\r\nECHO {i}\r\n")).collect();
            client.send(t, &pipeline).await.unwrap();
            world.sleep(Duration::from_secs(20)).await;
            {
                let seen = server.seen.borrow();
                assert!(seen.owed_max <= OUTPUT_HIGH_WATER + 10_010, "{} bytes owed", seen.owed_max);
                assert!(seen.pending_max <= pipeline.len(), "{} bytes pending", seen.pending_max);
                let bound = 4 * OUTPUT_HIGH_WATER + 4 * pipeline.len();
                assert!(seen.memory_max < bound as u64, "{} bytes of memory", seen.memory_max);
            }
            for i in 0..ASKED {
                let replies = client.replies(t, 2).await.expect("every reply comes");
                assert_eq!(replies, [bulk(&value), bulk(i.to_string())]);
            }
            assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
            world.sleep(ms(500)).await;
            let left = server.seen.borrow().memory;
            assert!(left < 200_000, "{left} bytes kept after everything has left");
        })
        .expect();
    }
}

#[test]
fn a_pipeline_of_any_depth_before_the_first_read_is_no_deadlock() {
    const DEPTH: usize = 200_000;
    for seed in 0..2 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            let pipeline: String = (0..DEPTH).map(|i| format!("ECHO {i:0>120}\r\n")).collect();
            client.send(t, &pipeline).await.expect("all of it is taken in");
            let replies = client.replies(t, DEPTH).await.expect("all of it is answered");
            for (i, reply) in replies.into_iter().enumerate() {
                assert_eq!(reply, bulk(format!("{i:0>120}")));
            }
            let owed = server.seen.borrow().owed_max;
            assert!(owed <= OUTPUT_HIGH_WATER + 130, "{owed} bytes owed");
            assert!(owed >= OUTPUT_HIGH_WATER, "it had to wait");
        })
        .expect();
    }
}

#[test]
fn one_who_does_not_read_keeps_nobody_else_waiting() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let (mut deaf, mut other) = (Client::new(&world, &server), Client::new(&world, &server));
        let (d, o) = (deaf.connect().await, other.connect().await);
        deaf.send(d, format!("ECHO {}\r\n", "x".repeat(120)).repeat(200_000)).await.unwrap();
        world.sleep(Duration::from_secs(5)).await;
        let rounds = server.seen.borrow().rounds;
        assert!(server.seen.borrow().owed_max >= OUTPUT_HIGH_WATER, "it stands still");
        for _ in 0..10 {
            let asked = world.now();
            assert_eq!(other.ask(o, "PING").await, Ok(simple("PONG")));
            assert!(world.now() - asked < 1_000_000, "{} ns", world.now() - asked);
        }
        world.sleep(Duration::from_secs(10)).await;
        let idle = server.seen.borrow().rounds - rounds;
        assert!(idle < 300, "{idle} rounds in ten idle seconds: the loop spins");
    });
}

#[test]
fn the_hard_limit_ends_a_client_at_once() {
    for seed in 0..5 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::with(&[("client-output-buffer-limit", "normal 100kb 0 0")]));
            let (mut deaf, mut other) = (Client::new(&world, &server), Client::new(&world, &server));
            let (d, o) = (deaf.connect().await, other.connect().await);
            assert_eq!(deaf.ask(d, &format!("SET k {}", "x".repeat(50_000))).await, Ok(simple("OK")));
            // Two replies are within the limit, also when nothing of them has left yet.
            deaf.send(d, "GET k\r\nGET k\r\n").await.unwrap();
            deaf.replies(d, 2).await.expect("within the limit");
            let _ = deaf.send(d, "GET k\r\n".repeat(100)).await;
            server.until_sessions(&world, 1).await;
            let owed = server.seen.borrow().owed_max;
            assert!(owed <= 100 * 1024 + 50_010, "{owed} bytes owed: the limit holds after every command");
            assert_eq!(other.ask(o, "PING").await, Ok(simple("PONG")));
            let (_, end) = deaf.until_end(d).await;
            assert!(matches!(end, End::Broken(_) | End::Eof));
            let info = other.ask(o, "INFO stats").await;
            let Ok(Reply::Bulk(text)) = info else { panic!("{info:?}") };
            assert!(String::from_utf8_lossy(&text).contains("client_output_buffer_limit_disconnections:1\r\n"));
        })
        .expect();
    }
}

#[test]
fn the_soft_limit_ends_a_client_that_stays_above_it_and_no_other() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("client-output-buffer-limit", "normal 0 100kb 3")]));
        let (mut deaf, mut slow) = (Client::new(&world, &server), Client::new(&world, &server));
        let (d, s) = (deaf.connect().await, slow.connect().await);
        assert_eq!(deaf.ask(d, &format!("SET k {}", "x".repeat(50_000))).await, Ok(simple("OK")));
        // Buffers below the engine take half a megabyte of the 1,000,000 bytes.
        deaf.send(d, "GET k\r\n".repeat(20)).await.unwrap();
        world.sleep(ms(2500)).await;
        assert_eq!(server.sessions(), 2, "not before its time");
        // This one is above the limit, too, but comes below it every second.
        for _ in 0..8 {
            slow.send(s, "GET k\r\n".repeat(20)).await.unwrap();
            world.sleep(ms(1000)).await;
            slow.replies(s, 20).await.expect("never above the limit for three seconds");
        }
        assert_eq!(server.sessions(), 1, "the deaf one is gone");
        let (_, end) = deaf.until_end(d).await;
        assert!(matches!(end, End::Broken(_) | End::Eof));
        assert_eq!(slow.ask(s, "PING").await, Ok(simple("PONG")));
    });
}
