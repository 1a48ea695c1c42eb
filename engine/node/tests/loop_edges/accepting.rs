//! Connections that come in numbers, come and go at once, or find no room.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Sockets;

use crate::support::{Client, End, Server, Setup, calm, ms, run, simple};

#[test]
fn a_storm_of_connections_is_served_and_keeps_nobody_waiting() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut old = Client::new(&world, &server);
        let t = old.connect().await;
        assert_eq!(old.ask(t, "PING").await, Ok(simple("PONG")));
        let mut storm = Client::new(&world, &server);
        world.pause(server.node);
        let tokens: Vec<_> = (0..500).map(|_| storm.dial()).collect();
        world.sleep(ms(10)).await;
        old.send(t, "PING\r\n").await.unwrap();
        world.sleep(ms(10)).await;
        world.resume(server.node);
        let resumed = world.now();
        assert_eq!(old.replies(t, 1).await, Ok(vec![simple("PONG")]));
        assert!(world.now() - resumed < 1_000_000, "{} ns", world.now() - resumed);
        for t in &tokens {
            storm.send(*t, "ECHO me\r\n").await.unwrap();
        }
        for t in &tokens {
            assert_eq!(storm.replies(*t, 1).await, Ok(vec![Reply::Bulk(b"me".to_vec())]));
        }
        assert_eq!(server.sessions(), 501);
    });
}

#[test]
fn a_connection_gone_before_it_is_accepted_harms_nobody() {
    for seed in 0..20 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let (mut gone, mut stays) = (Client::new(&world, &server), Client::new(&world, &server));
            world.sleep(ms(1)).await;
            world.pause(server.node);
            for i in 0..30 {
                let t = gone.dial();
                if i % 3 == 0 {
                    world.sleep(ms(1)).await;
                    gone.try_send(t, b"SET ghost 1\r\nGET ghost\r\n");
                }
            }
            let t = stays.dial();
            world.sleep(ms(50)).await;
            world.reset_between(gone.rt.node(), server.node);
            world.sleep(ms(50)).await;
            world.resume(server.node);
            assert_eq!(stays.ask(t, "PING").await, Ok(simple("PONG")));
            server.until_sessions(&world, 1).await;
        })
        .expect();
    }
}

#[test]
fn without_descriptors_newcomers_are_refused_and_the_listener_comes_back() {
    calm(|world| async move {
        // One for the listener, seven for clients.
        let server = Server::start(&world, Setup { descriptors: 8, ..Setup::default() });
        let mut client = Client::new(&world, &server);
        let mut seven = Vec::new();
        for _ in 0..7 {
            seven.push(client.connect().await);
        }
        server.until_sessions(&world, 7).await;
        for round in 0..3 {
            let refused: Vec<_> = (0..5).map(|_| client.dial()).collect();
            for t in refused {
                let (bytes, end) = client.until_end(t).await;
                assert_eq!((bytes, end), (Vec::new(), End::Eof), "round {round}");
                client.sockets.close(t);
            }
            for t in &seven {
                assert_eq!(client.ask(*t, "PING").await, Ok(simple("PONG")), "those inside are unharmed");
            }
        }
        client.sockets.close(seven.pop().unwrap());
        server.until_sessions(&world, 6).await;
        // The listener is looked at again at the next tick, a tenth of a second later at the most.
        let asked = world.now();
        let t = client.connect().await;
        assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
        assert!(world.now() - asked < 150_000_000, "{} ns", world.now() - asked);
    });
}

#[test]
fn the_client_beyond_maxclients_is_told_so() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("maxclients", "3")]));
        let mut client = Client::new(&world, &server);
        let mut three = Vec::new();
        for _ in 0..3 {
            three.push(client.connect().await);
        }
        server.until_sessions(&world, 3).await;
        for _ in 0..5 {
            let t = client.connect().await;
            let (bytes, end) = client.until_end(t).await;
            assert_eq!(String::from_utf8_lossy(&bytes), "-ERR max number of clients reached\r\n");
            assert_eq!(end, End::Eof);
        }
        client.sockets.close(three[0]);
        server.until_sessions(&world, 2).await;
        let t = client.connect().await;
        assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
        // Raised at run time, it holds at once.
        assert_eq!(client.ask(t, "CONFIG SET maxclients 10").await, Ok(simple("OK")));
        let more = client.connect().await;
        assert_eq!(client.ask(more, "PING").await, Ok(simple("PONG")));
    });
}

#[test]
fn protected_mode_says_why_it_refuses() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("protected-mode", "yes")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        let (bytes, end) = client.until_end(t).await;
        assert!(bytes.starts_with(b"-DENIED ") && bytes.ends_with(b"\r\n"), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(end, End::Eof);
        world.sleep(Duration::from_secs(1)).await;
        assert_eq!(server.sessions(), 0);
    });
}
