//! No client may keep the others waiting, whatever it sends.

use std::time::Duration;

use refrain_core::Bug;
use refrain_sim::{NetConfig, NodeConfig, SimRuntime, Simulation, Status, World};

use crate::support::{Client, Server, Setup, bulk, calm, ms, run, simple};

/// Sends commands without end and reads the replies away.
async fn firehose(rt: SimRuntime, server: refrain_runtime::Address) {
    let mut client = Client::of(rt, &server);
    let t = client.connect().await;
    let pipeline = format!("SET key {}\r\n", "x".repeat(110)).repeat(512);
    let mut at = 0;
    let mut scrap = vec![0; 64 << 10];
    loop {
        use refrain_runtime::Sockets;
        loop {
            let taken = client.try_send(t, &pipeline.as_bytes()[at..]);
            at = (at + taken) % pipeline.len();
            if taken == 0 {
                break;
            }
        }
        while client.sockets.try_read(t, &mut scrap).is_ok_and(|n| n > 0) {}
        client.wait().await;
    }
}

/// The longest that a PING of a quiet client takes beside two firehoses, when a command costs 100 µs.
async fn quiet_latency(world: World, bug: Option<Bug>) -> Duration {
    let server = Server::start(&world, Setup { bug, ns_per_work_unit: 100_000, ..Setup::default() });
    for name in ["hose 1", "hose 2"] {
        let (node, address) = (world.add_node(NodeConfig::new(name)), server.address.clone());
        world.start(node, move |rt| firehose(rt, address.clone()));
    }
    let mut quiet = Client::new(&world, &server);
    let t = quiet.connect().await;
    world.sleep(ms(500)).await;
    let mut worst = 0;
    for _ in 0..20 {
        let asked = world.now();
        assert_eq!(quiet.ask(t, "PING").await, Ok(simple("PONG")));
        worst = worst.max(world.now() - asked);
        world.sleep(ms(3)).await;
    }
    Duration::from_nanos(worst)
}

#[test]
fn a_quiet_client_waits_for_a_share_of_each_firehose_and_no_longer() {
    // A share is 16 KiB, here 135 commands: with two firehoses a round takes 27 ms, and a PING meets two rounds at most.
    let fair = calm(|world| quiet_latency(world, None));
    assert!(fair < ms(60), "{fair:?}");
    let unfair = calm(|world| quiet_latency(world, Some(Bug::NoRoundBudget)));
    assert!(unfair > ms(80), "the planted bug shows: {unfair:?}");
}

#[test]
fn a_long_reply_leaves_in_pieces_even_if_its_client_takes_it_whole() {
    const SIZE: usize = 8 << 20;
    const PIECE: usize = 1 << 20;
    let net = NetConfig { send_buffer: 4 * SIZE, receive_window: 4 * SIZE, ..NetConfig::calm() };
    let story = |world: World| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        let value: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
        let mut request = Vec::new();
        refrain_resp::encode_command(&mut request, &[b"SET".as_slice(), b"big", &value]);
        client.send(t, &request).await.unwrap();
        assert_eq!(client.replies(t, 1).await, Ok(vec![simple("OK")]));
        assert_eq!(server.seen.borrow().owed_max, 0);
        // Others are served while it leaves; what follows comes after it.
        client.send(t, b"GET big\r\nPING\r\n").await.unwrap();
        assert_eq!(client.replies(t, 2).await, Ok(vec![bulk(&value), simple("PONG")]));
        let (owed, rounds) = (server.seen.borrow().owed_max, server.seen.borrow().rounds);
        assert!((SIZE - PIECE..SIZE).contains(&owed), "{owed}");
        world.sleep(ms(5)).await;
        // It is not forgotten, and nothing turns in circles when it has left.
        assert!(server.seen.borrow().rounds < rounds + 10);
    };
    Simulation::new(1).net(net).time_max(Duration::from_secs(900)).run(story).expect()
}

#[test]
fn a_big_value_in_tiny_pieces_is_never_moved_but_to_grow() {
    const SIZE: usize = 8 << 20;
    const PIECE: usize = 1000;
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        let value: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
        let mut request = Vec::new();
        refrain_resp::encode_command(&mut request, &[b"SET".as_slice(), b"big", &value]);
        for piece in request.chunks(PIECE) {
            client.send(t, piece).await.unwrap();
            // Each piece arrives alone.
            world.sleep(Duration::from_micros(150)).await;
        }
        assert_eq!(client.replies(t, 1).await, Ok(vec![simple("OK")]));
        let (moves, rounds) = (server.seen.borrow().pending_moves, server.seen.borrow().rounds);
        assert!(rounds as usize > SIZE / PIECE / 2, "the pieces came one by one: {rounds} rounds");
        assert!(rounds as usize <= 2 * SIZE / PIECE, "a piece costs a round or two: {rounds} rounds");
        // Doubling from a piece to the whole takes 14 steps.
        assert!(moves <= 40, "the pending bytes were moved {moves} times");
        assert_eq!(client.ask(t, "GET big").await, Ok(bulk(value)));
    });
}

#[test]
fn those_who_never_send_cost_next_to_nothing() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
        let before = server.seen.borrow().memory;
        for _ in 0..400 {
            client.connect().await;
        }
        server.until_sessions(&world, 401).await;
        world.sleep(Duration::from_secs(30)).await;
        let each = (server.seen.borrow().memory - before) / 400;
        assert!(each < 1024, "{each} bytes for a client that said nothing");
        let asked = world.now();
        assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
        assert!(world.now() - asked < 1_000_000, "{} ns", world.now() - asked);
    });
}

#[test]
fn a_pause_of_the_server_loses_nothing() {
    for seed in 0..10 {
        run(seed, |world| async move {
            let server = Server::start(&world, Setup::default());
            let mut client = Client::new(&world, &server);
            let (a, b) = (client.connect().await, client.connect().await);
            assert_eq!(client.int(a, "INCR n").await, 1);
            world.pause(server.node);
            client.send(a, "INCR n\r\n".repeat(3000)).await.unwrap();
            client.send(b, "INCR m\r\n".repeat(3000)).await.unwrap();
            let late = client.dial();
            world.sleep(Duration::from_secs(10)).await;
            assert_eq!(world.status(server.node), Status::Paused);
            world.resume(server.node);
            for (t, first) in [(a, 2), (b, 1)] {
                let replies = client.replies(t, 3000).await.unwrap();
                let expected: Vec<_> = (first..first + 3000).map(refrain_resp::Reply::Integer).collect();
                assert_eq!(replies, expected);
            }
            assert_eq!(client.ask(late, "GET n").await.map_err(|_| ()), Ok(bulk("3001")));
        })
        .expect();
    }
}

/// Many clients at once, some gone before their replies: everything that the loop does, in one trace.
async fn mixture(world: World) -> u64 {
    let server = Server::start(&world, Setup::default());
    let mut client = Client::new(&world, &server);
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(client.connect().await);
    }
    for round in 0..30_usize {
        for (i, t) in tokens.clone().into_iter().enumerate() {
            let text = format!("SET k{i} {round} PX {}\r\nINCR n\r\nGET k{}\r\n", 5 + i, (i + round) % 20);
            client.send(t, text.repeat(1 + i % 7)).await.unwrap();
        }
        let victim = round % tokens.len();
        if round % 3 == 0 {
            use refrain_runtime::Sockets;
            client.sockets.close(tokens[victim]);
            tokens[victim] = client.connect().await;
        }
        world.sleep(ms(7)).await;
    }
    world.sleep(Duration::from_secs(2)).await;
    assert_eq!(server.sessions(), 20);
    world.trace_hash()
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3] {
        let (one, two) = (run(seed, mixture).expect(), run(seed, mixture).expect());
        assert_eq!(format!("{one:016x}"), format!("{two:016x}"), "seed {seed}");
        assert_ne!(one, run(seed + 100, mixture).expect(), "another seed is another world");
    }
}
