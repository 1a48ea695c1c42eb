//! CLIENT KILL, of oneself and of others, at the worst moment.

use refrain_resp::Reply;
use refrain_runtime::{Sockets, Token};
use refrain_sim::World;

use crate::support::{Client, End, Server, Setup, bulk, calm, ms, run, simple};

#[test]
fn one_who_kills_itself_gets_the_reply_and_then_the_end() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            let id = client.int(t, "CLIENT ID").await;
            let text = format!("SET a 1\r\nCLIENT KILL ID {id} SKIPME no\r\nSET a 2\r\nGET a\r\n");
            client.send(t, text).await.unwrap();
            let (bytes, _) = client.until_end(t).await;
            assert_eq!(String::from_utf8_lossy(&bytes), "+OK\r\n:1\r\n");
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk("1")));
        })
        .expect();
    }
}

/// A killer and a victim whose bytes lie ready in the same batch, and a newcomer who may get the victim's slot.
async fn kill_in_one_batch(world: World, killer_first: bool) {
    let server = Server::start(&world, Setup::default());
    let mut client = Client::new(&world, &server);
    let (killer, victim) = (client.connect().await, client.connect().await);
    let id = client.int(victim, "CLIENT ID").await;
    client.int(killer, "CLIENT ID").await;
    world.pause(server.node);
    let kill = format!("CLIENT KILL ID {id}\r\nSET killer done\r\n");
    let last_words = "INCR n\r\n".repeat(200);
    let order: [(Token, &str); 2] = match killer_first {
        true => [(killer, &kill), (victim, &last_words)],
        false => [(victim, &last_words), (killer, &kill)],
    };
    for (t, text) in order {
        client.send(t, text).await.unwrap();
        world.sleep(ms(5)).await;
    }
    world.resume(server.node);
    assert_eq!(client.replies(killer, 2).await, Ok(vec![Reply::Integer(1), simple("OK")]));
    // The newcomer is there as soon as the slot is free, and must hear nothing of its former tenant.
    let newcomer = client.connect().await;
    assert_eq!(client.ask(newcomer, "ECHO me").await, Ok(bulk("me")));
    let (bytes, _) = client.until_end(victim).await;
    let expected: String = (1..=200).map(|n| format!(":{n}\r\n")).collect();
    assert!(expected.as_bytes().starts_with(&bytes), "{}", String::from_utf8_lossy(&bytes));
    // A reply that was sent belongs to a command that was executed.
    let answered = String::from_utf8_lossy(&bytes).matches("\r\n").count() as i64;
    assert!(client.int(newcomer, "INCRBY n 0").await >= answered);
    assert_eq!(client.ask(newcomer, "PING").await, Ok(simple("PONG")));
    server.until_sessions(&world, 2).await;
}

#[test]
fn a_token_closed_while_its_readiness_is_pending_concerns_nobody() {
    for seed in 0..10 {
        run(seed, |world| kill_in_one_batch(world, true)).expect();
        run(seed, |world| kill_in_one_batch(world, false)).expect();
    }
}

#[test]
fn the_killed_execute_nothing_after_the_kill() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let (killer, victim) = (client.connect().await, client.connect().await);
        let id = client.int(victim, "CLIENT ID").await;
        world.pause(server.node);
        client.send(killer, format!("CLIENT KILL ID {id}\r\n")).await.unwrap();
        world.sleep(ms(5)).await;
        client.send(victim, "SET late 1\r\n").await.unwrap();
        world.sleep(ms(5)).await;
        world.resume(server.node);
        client.until_end(victim).await;
        assert_eq!(client.replies(killer, 1).await, Ok(vec![Reply::Integer(1)]));
        assert_eq!(client.ask(killer, "GET late").await, Ok(Reply::Null));
    });
}

#[test]
fn everybody_is_killed_while_everybody_talks_and_slots_are_used_again() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let (mut client, mut boss) = (Client::new(&world, &server), Client::new(&world, &server));
            let b = boss.connect().await;
            for generation in 0..10 {
                let mut tokens = Vec::new();
                for _ in 0..20 {
                    tokens.push(client.connect().await);
                }
                for (i, t) in tokens.iter().enumerate() {
                    client.send(*t, format!("ECHO {generation}-{i}\r\n").repeat(300)).await.unwrap();
                }
                let killed = boss.int(b, "CLIENT KILL TYPE normal").await;
                assert!(killed <= 20, "{killed}");
                // Those who were accepted after the kill are closed by themselves.
                for (i, t) in tokens.iter().enumerate() {
                    client.sockets.shutdown(*t);
                    let (bytes, end) = client.until_end(*t).await;
                    let own = format!("{generation}-{i}");
                    let expected = format!("${}\r\n{own}\r\n", own.len()).repeat(300);
                    assert!(expected.as_bytes().starts_with(&bytes), "another's reply in {i}");
                    assert!(end == End::Eof || matches!(end, End::Broken(_)));
                    client.sockets.close(*t);
                }
                assert_eq!(boss.ask(b, "PING").await, Ok(simple("PONG")));
            }
            server.until_sessions(&world, 1).await;
        })
        .expect();
    }
}
