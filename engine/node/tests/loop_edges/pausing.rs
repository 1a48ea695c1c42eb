//! Clients whom CLIENT PAUSE holds back: no readiness comes for what they have sent already.

use std::time::Duration;

use refrain_core::Bug;
use refrain_resp::Reply;
use refrain_runtime::Sockets;

use crate::support::{Client, End, Server, Setup, bulk, ms, run, simple};

#[test]
fn whoever_waits_for_the_end_of_a_pause_goes_on_without_a_readiness() {
    for seed in 0..20 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut clients: Vec<Client> = (0..3).map(|_| Client::new(&world, &server)).collect();
            let mut operator = Client::new(&world, &server);
            let o = operator.connect().await;
            assert_eq!(operator.ask(o, "CLIENT PAUSE 3000 WRITE").await, Ok(simple("OK")));
            let paused_at = world.now();
            let mut tokens = Vec::new();
            for (i, client) in clients.iter_mut().enumerate() {
                let t = client.connect().await;
                // The last bytes that ever come from here: whatever wakes these sessions is not their sockets.
                client.send(t, format!("APPEND k {i}\r\nGET k\r\n")).await.expect("it is taken in");
                tokens.push(t);
                // One after the other, so that the order in which they are held back is known.
                world.sleep(ms(200)).await;
            }
            assert_eq!(operator.ask(o, "GET k").await, Ok(Reply::Null));
            let mut expected = String::new();
            for (i, (client, t)) in clients.iter_mut().zip(&tokens).enumerate() {
                expected.push_str(&i.to_string());
                let replies = client.replies(*t, 2).await.expect("it goes on at the deadline");
                assert_eq!(replies, [Reply::Integer(i as i64 + 1), bulk(&expected)], "in the order of the wait");
                assert!(world.now() - paused_at >= 2_900_000_000, "not before the deadline");
                assert!(world.now() - paused_at <= 3_500_000_000, "soon after the deadline");
            }
        })
        .expect();
    }
}

#[test]
fn unpause_wakes_those_who_wait_and_forgets_those_who_have_gone() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let (mut gone, mut stays) = (Client::new(&world, &server), Client::new(&world, &server));
            let mut operator = Client::new(&world, &server);
            let o = operator.connect().await;
            let (g, s) = (gone.connect().await, stays.connect().await);
            assert_eq!(operator.ask(o, "CLIENT PAUSE 600000 WRITE").await, Ok(simple("OK")));
            gone.send(g, "SET gone 1\r\n").await.expect("it is taken in");
            stays.send(s, "SET stays 1\r\n").await.expect("it is taken in");
            world.sleep(ms(500)).await;
            gone.sockets.close(g);
            server.until_sessions(&world, 2).await;
            assert_eq!(operator.ask(o, "CLIENT UNPAUSE").await, Ok(simple("OK")));
            assert_eq!(stays.replies(s, 1).await, Ok(vec![simple("OK")]));
            assert_eq!(operator.ask(o, "EXISTS gone stays").await, Ok(Reply::Integer(1)));
        })
        .expect();
    }
}

#[test]
fn a_pause_that_leaks_is_seen() {
    run(1, |world| async move {
        let setup = Setup { bug: Some(Bug::PauseLeaksWrite), ..Setup::default() };
        let server = Server::start(&world, setup);
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, "CLIENT PAUSE 600000 WRITE").await, Ok(simple("OK")));
        assert_eq!(client.ask(t, "SET k v").await, Ok(simple("OK")), "this is the bug");
    })
    .expect();
}

#[test]
fn a_client_is_evicted_while_it_sends_without_end() {
    run(1, |world| async move {
        let server = Server::start(&world, Setup::with(&[("maxmemory-clients", "1mb")]));
        let (mut greedy, mut other) = (Client::new(&world, &server), Client::new(&world, &server));
        let (g, o) = (greedy.connect().await, other.connect().await);
        let _ = greedy.send(g, format!("*2\r\n$3\r\nGET\r\n$2000000\r\n{}", "x".repeat(1_900_000))).await;
        let (_, end) = greedy.until_end(g).await;
        assert!(matches!(end, End::Broken(_) | End::Eof));
        world.sleep(Duration::from_secs(1)).await;
        assert_eq!(other.ask(o, "PING").await, Ok(simple("PONG")));
        let Ok(Reply::Bulk(text)) = other.ask(o, "INFO stats").await else { panic!("INFO answers") };
        assert!(String::from_utf8_lossy(&text).contains("evicted_clients:1\r\n"));
    })
    .expect();
}
