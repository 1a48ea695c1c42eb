//! A node that is told to listen elsewhere while it serves.

use std::net::SocketAddr;

use refrain_resp::Reply;
use refrain_runtime::Address;
use refrain_sim::World;

use crate::support::{Client, Server, Setup, bulk, calm, ms, simple};

/// The server at another port.
fn at(server: &Server, port: u16) -> Server {
    let Address::Tcp(address) = server.address else { panic!("the server listens on TCP") };
    Server { address: Address::Tcp(SocketAddr::new(address.ip(), port)), ..server.clone() }
}

/// Whether a stranger gets an answer at that port.
async fn answers(world: &World, server: &Server, port: u16) -> bool {
    let mut client = Client::new(world, &at(server, port));
    let t = client.dial();
    world.sleep(ms(50)).await;
    client.send(t, "PING\r\n").await.is_ok() && client.replies(t, 1).await == Ok(vec![simple("PONG")])
}

async fn text(client: &mut Client, t: refrain_runtime::Token, line: &str) -> String {
    match client.ask(t, line).await {
        Ok(Reply::Error(text) | Reply::Simple(text)) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_new_port_is_listened_on_and_the_old_one_is_not_and_who_is_there_stays() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(text(&mut client, t, "CONFIG SET port 7000 timeout 0").await, "OK");
        assert_eq!(client.ask(t, "PING").await, Ok(simple("PONG")));
        assert!(answers(&world, &server, 7000).await);
        assert!(!answers(&world, &server, 6379).await);
        assert_eq!(text(&mut client, t, "CONFIG SET port 0").await, "OK");
        assert!(!answers(&world, &server, 7000).await, "0 means none");
        assert_eq!(text(&mut client, t, "CONFIG SET port 6379").await, "OK");
        assert!(answers(&world, &server, 6379).await);
    });
}

#[test]
fn what_can_not_be_had_leaves_everything_as_it_was() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        // The address is another machine's. What stands before it is in effect by then, what stands behind it is not.
        for line in [
            "CONFIG SET port 7000 bind \"* 10.9.9.9\" timeout 7",
            "CONFIG SET timeout 7 bind \"10.9.9.9\" port 7000",
            "CONFIG SET maxclients 5 bind nosuchname port 7000",
        ] {
            let said = text(&mut client, t, line).await;
            assert!(said.starts_with("ERR CONFIG SET failed (possibly related to argument '"), "{said}");
            let shown = client.ask(t, "CONFIG GET port timeout maxclients bind").await.unwrap();
            let expected = ["bind", "* -::*", "maxclients", "10000", "port", "6379", "timeout", "0"].map(bulk);
            assert_eq!(shown, Reply::Array(expected.to_vec()), "{line}");
            assert!(answers(&world, &server, 6379).await, "{line}");
            assert!(!answers(&world, &server, 7000).await, "{line}");
        }
    });
}

#[test]
fn an_address_in_the_way_of_a_narrower_one_gives_way() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::default());
        let Address::Tcp(address) = server.address else { panic!("the server listens on TCP") };
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(text(&mut client, t, &format!("CONFIG SET bind {}", address.ip())).await, "OK");
        assert!(answers(&world, &server, 6379).await);
        // Narrower still and impossible: what gave way is there again.
        assert!(text(&mut client, t, "CONFIG SET bind \"127.0.0.1 10.9.9.9\"").await.ends_with("specified addresses."));
        assert!(answers(&world, &server, 6379).await);
        assert_eq!(text(&mut client, t, "CONFIG SET bind *").await, "OK");
        assert!(answers(&world, &server, 6379).await);
    });
}
