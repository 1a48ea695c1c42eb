//! How connections end: by either side, half or whole, in the middle of whatever.

use std::time::Duration;

use refrain_node::Exit;
use refrain_resp::Reply;
use refrain_runtime::{Signal, Sockets};
use refrain_sim::Status;

use crate::support::{Client, End, Server, Setup, bulk, calm, ms, run, simple};

#[test]
fn a_client_that_half_closes_gets_every_reply_and_then_the_end() {
    for seed in 0..20 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            client.send(t, "INCR n\r\n".repeat(10_000)).await.unwrap();
            client.sockets.shutdown(t);
            let (bytes, end) = client.until_end(t).await;
            let expected: String = (1..=10_000).map(|n| format!(":{n}\r\n")).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
            assert_eq!(end, End::Eof);
            server.until_sessions(&world, 0).await;
        })
        .expect();
    }
}

#[test]
fn a_half_closed_client_that_is_owed_more_than_fits_gets_it_and_then_the_end() {
    for (seed, count) in (0..12).zip([1, 2, 3, 5, 9, 20].into_iter().cycle()) {
        run(seed, move |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let setter = client.connect().await;
            let value = "v".repeat(700_000);
            assert_eq!(client.ask(setter, &format!("SET big {}", &value[..60_000])).await, Ok(simple("OK")));
            for i in 1..700_000 / 60_000 {
                let n = client.int(setter, &format!("APPEND big {}", &value[..60_000])).await;
                assert_eq!(n, 60_000 * (i + 1));
            }
            let t = client.connect().await;
            let mut pipeline = String::new();
            for i in 0..count {
                pipeline += &format!("GET big\r\nECHO {i}\r\n");
            }
            client.send(t, &pipeline).await.unwrap();
            client.sockets.shutdown(t);
            // Long enough for the server to see the end while it can't send.
            world.sleep(ms(300)).await;
            for i in 0..count {
                let replies = client.replies(t, 2).await.expect("every reply comes");
                assert_eq!(replies[0], bulk(&value[..660_000]));
                assert_eq!(replies[1], bulk(i.to_string()));
                world.sleep(ms(5)).await;
            }
            assert_eq!(client.until_end(t).await, (Vec::new(), End::Eof));
            server.until_sessions(&world, 1).await;
        })
        .expect();
    }
}

#[test]
fn a_half_closed_client_that_is_owed_one_great_reply_and_nothing_else_is_let_go_after_it() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, &format!("SET k {}", "x".repeat(60_000))).await, Ok(simple("OK")));
        client.send(t, format!("MGET{}\r\n", " k".repeat(60))).await.unwrap();
        client.sockets.shutdown(t);
        world.sleep(ms(300)).await;
        let (bytes, end) = client.until_end(t).await;
        assert_eq!((bytes.len(), end), (5 + 60 * 60_010, End::Eof));
        server.until_sessions(&world, 0).await;
    });
}

#[test]
fn a_half_closed_pipeline_that_waits_for_its_reader_is_executed_to_its_end() {
    const COMMANDS: usize = 150_000;
    for seed in 0..6 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            let pipeline = "ECHO 0123456789\r\n".repeat(COMMANDS);
            client.send(t, &pipeline).await.unwrap();
            // The reader begins before the server has seen the end of the input, which lies behind all of the pipeline.
            let early = client.replies(t, 20_000).await.unwrap();
            assert!(early.iter().all(|r| *r == bulk("0123456789")));
            client.sockets.shutdown(t);
            let mut got = early.len();
            while got < COMMANDS {
                let n = 1000.min(COMMANDS - got);
                client.replies(t, n).await.unwrap_or_else(|end| panic!("{end:?} after {got} replies"));
                got += n;
                world.sleep(Duration::from_micros(300)).await;
            }
            assert_eq!(client.until_end(t).await, (Vec::new(), End::Eof));
        })
        .expect();
    }
}

#[test]
fn what_is_incomplete_when_the_input_ends_is_dropped() {
    for tail in ["SET a 2", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\nxyz", "*3\r\n", "*", "$", "\r", "\"unbalanced"] {
        calm(move |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            client.send(t, format!("SET a 1\r\nGET a\r\n{tail}")).await.unwrap();
            client.sockets.shutdown(t);
            let (bytes, end) = client.until_end(t).await;
            assert_eq!((String::from_utf8_lossy(&bytes).as_ref(), end), ("+OK\r\n$1\r\n1\r\n", End::Eof), "{tail:?}");
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk("1")));
            server.until_sessions(&world, 1).await;
        });
    }
}

#[test]
fn a_half_closed_client_that_goes_away_without_reading_is_let_go() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            client.send(t, format!("SET k {}\r\n", "x".repeat(60_000))).await.unwrap();
            client.send(t, "GET k\r\n".repeat(100)).await.unwrap();
            client.sockets.shutdown(t);
            world.sleep(Duration::from_secs(1)).await;
            assert_eq!(server.sessions(), 1, "it is owed 6 MB");
            client.sockets.close(t);
            server.until_sessions(&world, 0).await;
        })
        .expect();
    }
}

#[test]
fn nothing_behind_quit_executes() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            client.send(t, "SET a 1\r\nQUIT\r\nSET a 2\r\nGET a\r\nSHUTDOWN\r\n").await.unwrap();
            let (bytes, _) = client.until_end(t).await;
            assert_eq!(String::from_utf8_lossy(&bytes), "+OK\r\n+OK\r\n");
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk("1")));
        })
        .expect();
    }
}

#[test]
fn quit_of_one_who_is_owed_much_sends_it_first() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        client.send(t, format!("SET k {}\r\n", "x".repeat(60_000))).await.unwrap();
        client.send(t, "GET k\r\n".repeat(50)).await.unwrap();
        client.send(t, "QUIT\r\n").await.unwrap();
        world.sleep(Duration::from_secs(2)).await;
        let (bytes, end) = client.until_end(t).await;
        assert_eq!(bytes.len(), 5 + 50 * (60_000 + 10) + 5);
        assert_eq!(end, End::Eof);
    });
}

#[test]
fn shutdown_sends_what_others_are_owed_and_executes_nothing_more() {
    for seed in 0..20 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let (mut other, mut boss) = (Client::new(&world, &server), Client::new(&world, &server));
            let (a, b) = (other.connect().await, boss.connect().await);
            server.until_sessions(&world, 2).await;
            other.send(a, "INCR n\r\n".repeat(100)).await.unwrap();
            boss.send(b, "SHUTDOWN NOSAVE\r\nSET too late\r\nGET too\r\n").await.unwrap();
            let (bytes, _) = boss.until_end(b).await;
            assert_eq!(String::from_utf8_lossy(&bytes), "", "SHUTDOWN has no reply, and nothing follows it");
            let (bytes, _) = other.until_end(a).await;
            let replies = String::from_utf8(bytes).unwrap();
            let expected: String = (1..=100).map(|n| format!(":{n}\r\n")).collect();
            assert!(expected.starts_with(&replies), "in order from the first: {replies}");
            world.sleep(ms(10)).await;
            assert_eq!(server.seen.borrow().exit, Some(Exit::Command));
            world.sleep(Duration::from_secs(2)).await;
            assert_eq!(world.status(server.node), Status::Exited);
        })
        .expect();
    }
}

#[test]
fn replies_executed_in_the_round_of_a_shutdown_are_sent() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let (a, b) = (client.connect().await, client.connect().await);
        server.until_sessions(&world, 2).await;
        world.pause(server.node);
        client.send(a, "INCR n\r\n".repeat(100)).await.unwrap();
        world.sleep(ms(5)).await;
        client.send(b, "SHUTDOWN\r\n").await.unwrap();
        world.sleep(ms(5)).await;
        world.resume(server.node);
        let replies = client.replies(a, 100).await.expect("what was executed before is answered");
        assert_eq!(replies, (1..=100).map(Reply::Integer).collect::<Vec<_>>());
        assert_eq!(client.until_end(a).await.1, End::Eof);
        assert_eq!(client.until_end(b).await, (Vec::new(), End::Eof));
    });
}

#[test]
fn a_signal_under_load_ends_the_node_and_what_was_answered_was_answered_in_order() {
    for seed in 0..20 {
        run(seed, move |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let mut tokens = Vec::new();
            for i in 0..8 {
                let t = client.connect().await;
                client.send(t, format!("INCR n{i}\r\n").repeat(5000)).await.unwrap();
                tokens.push(t);
            }
            world.sleep(Duration::from_micros(400 * seed)).await;
            world.signal(server.node, Signal::Terminate);
            for t in tokens {
                let (bytes, _) = client.until_end(t).await;
                let expected: String = (1..=5000).map(|n| format!(":{n}\r\n")).collect();
                assert!(expected.as_bytes().starts_with(&bytes), "{}", String::from_utf8_lossy(&bytes));
            }
            world.sleep(ms(10)).await;
            assert_eq!(server.seen.borrow().exit, Some(Exit::Signal(Signal::Terminate)));
        })
        .expect();
    }
}
