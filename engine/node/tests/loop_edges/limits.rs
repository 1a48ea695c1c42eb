//! Limits on what a client may send, and on how long it may be silent.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_sim::World;

use crate::support::{Client, End, Server, Setup, calm, ms, simple};

/// Sends `bytes` and says what came back, and how long the server kept the session.
async fn outcome(world: &World, setup: Setup, bytes: Vec<u8>) -> (String, usize) {
    let server = Server::start(world, setup);
    let mut client = Client::new(world, &server);
    let t = client.connect().await;
    let _ = client.send(t, &bytes).await;
    world.sleep(ms(500)).await;
    let sessions = server.sessions();
    if sessions == 1 {
        return (String::new(), 1);
    }
    let (got, _) = client.until_end(t).await;
    (String::from_utf8_lossy(&got).into_owned(), sessions)
}

#[test]
fn a_command_beyond_the_query_buffer_limit_ends_its_client() {
    calm(|world| async move {
        let setup = Setup::with(&[("client-query-buffer-limit", "1mb")]);
        let mut small = b"*2\r\n$3\r\nGET\r\n$2000000\r\n".to_vec();
        small.resize(1 << 20, b'x');
        let mut big = small.clone();
        big.resize((1 << 20) + 200_000, b'x');
        assert_eq!(outcome(&world, setup.clone(), small).await, (String::new(), 1));
        assert_eq!(outcome(&world, setup, big).await.1, 0);
    });
}

#[test]
fn a_queue_beyond_the_query_buffer_limit_ends_its_client_however_it_is_cut() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("client-query-buffer-limit", "1mb")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, "MULTI").await, Ok(simple("OK")));
        let command = format!("SET key {}", "x".repeat(10_000));
        let mut queued = 0;
        // Each arrives as a whole: nothing is ever left over that would be looked at.
        while queued < 1000 && client.ask(t, &command).await == Ok(simple("QUEUED")) {
            queued += 1;
        }
        assert!((95..=110).contains(&queued), "{queued} commands of 10 kB were queued");
        server.until_sessions(&world, 0).await;
        assert!(server.seen.borrow().memory_max < 3 << 20, "{}", server.seen.borrow().memory_max);
    });
}

#[test]
fn strangers_may_send_little() {
    calm(|world| async move {
        let setup = Setup::with(&[("requirepass", "secret")]);
        let cases: [(&[u8], &str); 6] = [
            (b"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"),
            (b"*2\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
            (
                b"GET a\r\n*11\r\n",
                "-NOAUTH Authentication required.\r\n-ERR Protocol error: unauthenticated multibulk length\r\n",
            ),
            (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$20000\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
            (
                b"AUTH wrong\r\n*11\r\n",
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n-ERR Protocol error: unauthenticated multibulk length\r\n",
            ),
            (b"QUIT\r\n*11\r\n", "+OK\r\n"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(outcome(&world, setup.clone(), bytes.to_vec()).await.0, expected, "{bytes:?}");
        }
    });
}

#[test]
fn one_who_logs_in_within_a_pipeline_is_no_stranger_from_there_on() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("requirepass", "secret")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        let mut text = b"GET a\r\nAUTH secret\r\n".to_vec();
        let value = vec![b'x'; 100_000];
        refrain_resp::encode_command(&mut text, &[b"SET".as_slice(), b"a", &value]);
        text.extend(b"STRLEN a\r\n");
        client.send(t, &text).await.unwrap();
        let replies = client.replies(t, 4).await.unwrap();
        assert_eq!(replies[0], Reply::Error(b"NOAUTH Authentication required.".to_vec()));
        assert_eq!(replies[1..], [simple("OK"), simple("OK"), Reply::Integer(100_000)]);
    });
}

#[test]
fn a_stranger_that_floods_and_does_not_read_is_let_go() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("requirepass", "secret")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        // 46 bytes of answer for 4 bytes of question.
        let sent = client.send(t, "Y\r\n".repeat(2_000_000)).await;
        assert!(sent.is_err(), "it was cut off before it had sent 6 MB");
        server.until_sessions(&world, 0).await;
        let most = server.seen.borrow().memory_max;
        assert!(most < 8 << 20, "{most} bytes for one stranger");
    });
}

#[test]
fn the_idle_are_closed_after_their_time_and_the_busy_are_not() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("timeout", "5")]));
        let mut client = Client::new(&world, &server);
        let (idle, busy, silent) = (client.connect().await, client.connect().await, client.connect().await);
        assert_eq!(client.ask(idle, "PING").await, Ok(simple("PONG")));
        let asked = world.now();
        for second in 1..=12_u64 {
            world.sleep(ms(1000)).await;
            assert_eq!(client.ask(busy, "PING").await, Ok(simple("PONG")));
            let expected = if second <= 4 { 3 } else { 1 };
            if second <= 4 || second >= 7 {
                assert_eq!(server.sessions(), expected, "after {second} s");
            }
        }
        for t in [idle, silent] {
            assert_eq!(client.until_end(t).await, (Vec::new(), End::Eof));
        }
        assert!(world.now() - asked >= 5_000_000_000);
        // Turned off at run time, it is off.
        assert_eq!(client.ask(busy, "CONFIG SET timeout 0").await, Ok(simple("OK")));
        world.sleep(Duration::from_secs(60)).await;
        assert_eq!(client.ask(busy, "PING").await, Ok(simple("PONG")));
    });
}

#[test]
fn one_who_reads_a_long_reply_slowly_is_not_idle() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("timeout", "5")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, &format!("SET k {}", "x".repeat(50_000))).await, Ok(simple("OK")));
        client.send(t, "GET k\r\n".repeat(100)).await.unwrap();
        for i in 0..20 {
            world.sleep(ms(1000)).await;
            client.replies(t, 5).await.unwrap_or_else(|end| panic!("{end:?} after {i} s"));
        }
    });
}

#[test]
fn one_who_has_quit_and_does_not_read_is_closed_for_idleness() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("timeout", "5")]));
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, &format!("SET k {}", "x".repeat(50_000))).await, Ok(simple("OK")));
        client.send(t, "GET k\r\n".repeat(20)).await.unwrap();
        client.send(t, "QUIT\r\n").await.unwrap();
        world.sleep(ms(1000)).await;
        assert_eq!(server.sessions(), 1, "it is owed 1 MB");
        server.until_sessions(&world, 0).await;
    });
}
