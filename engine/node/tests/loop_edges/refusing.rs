//! A disk that refuses to write, under `appendfsync always`: who is answered meanwhile, and who when it writes again.

use std::time::Duration;

use refrain_resp::Reply;

use crate::support::{Client, End, Server, Setup, bulk, calm, ms, simple};

fn error(text: &str) -> Reply {
    Reply::Error(text.as_bytes().to_vec())
}

fn text(reply: Result<Reply, End>) -> String {
    match reply {
        Ok(Reply::Bulk(text)) => String::from_utf8(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_asks_for_nothing_of_the_data_is_answered_and_nobody_else() {
    const REFUSED: &str = "MISCONF Errors writing to the AOF file: Input/output error";
    calm(|world| async move {
        let setup = Setup::with(&[("appendonly", "yes"), ("appendfsync", "always"), ("save", "")]);
        let server = Server::start(&world, setup);
        let mut client = Client::new(&world, &server);
        let (writer, reader, mixed) = (client.connect().await, client.connect().await, client.connect().await);
        let operator = client.connect().await;
        assert_eq!(client.ask(writer, "SET a 1").await, Ok(simple("OK")));
        world.set_disk(server.node, |disk| disk.write_error = 1.0);
        client.send(writer, "SET a 2\r\n").await.unwrap();
        world.sleep(ms(50)).await;

        client.send(reader, "GET a\r\n").await.unwrap();
        // What comes behind a reply that waits waits, too; what comes before it does not.
        client.send(mixed, "ECHO before\r\nGET a\r\nECHO behind\r\n").await.unwrap();
        client.send(writer, "SET a 3\r\n").await.unwrap();
        for _ in 0..3 {
            assert_eq!(client.ask(operator, "SET b 1").await, Ok(error(REFUSED)));
            assert_eq!(client.ask(operator, "PING").await, Ok(error(REFUSED)));
            assert_eq!(
                client.ask(operator, "NOSUCH").await,
                Ok(error("ERR unknown command 'NOSUCH', with args beginning with: "))
            );
            let info = text(client.ask(operator, "INFO persistence").await);
            assert!(info.contains("aof_last_write_status:err"), "{info}");
            assert_eq!(client.ask(operator, "MULTI").await, Ok(simple("OK")));
            assert_eq!(client.ask(operator, "DISCARD").await, Ok(simple("OK")));
            world.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(client.replies(mixed, 1).await, Ok(vec![bulk("before")]));
        for waits in [writer, reader, mixed] {
            assert_eq!(client.arrived(waits), b"", "nobody is told what could still be lost");
        }

        world.set_disk(server.node, |disk| disk.write_error = 0.0);
        assert_eq!(client.replies(writer, 2).await, Ok(vec![simple("OK"), error(REFUSED)]));
        assert_eq!(client.replies(reader, 1).await, Ok(vec![bulk("2")]));
        assert_eq!(client.replies(mixed, 2).await, Ok(vec![bulk("2"), bulk("behind")]));
        world.power_loss(server.node);
        world.restart(server.node);
        world.sleep(ms(500)).await;
        let t = client.connect().await;
        assert_eq!(client.ask(t, "GET a").await, Ok(bulk("2")));
    });
}

#[test]
fn what_commands_of_others_tell_of_waits() {
    let mut told = 0;
    for ask in ["MONITOR", "SUBSCRIBE channel", "SLOWLOG GET", "DEBUG DIGEST", "INFO\r\nDBSIZE"] {
        told += calm(move |world| async move {
            let setup = Setup::with(&[
                ("appendonly", "yes"),
                ("appendfsync", "always"),
                ("save", ""),
                ("slowlog-log-slower-than", "0"),
                ("enable-debug-command", "yes"),
            ]);
            let server = Server::start(&world, setup);
            let mut client = Client::new(&world, &server);
            let (writer, looker) = (client.connect().await, client.connect().await);
            assert_eq!(client.ask(writer, "DEL nothing").await, Ok(Reply::Integer(0)));
            world.set_disk(server.node, |disk| disk.write_error = 1.0);
            client.send(writer, "SET secret 2\r\n").await.unwrap();
            world.sleep(ms(50)).await;
            client.send(looker, format!("{ask}\r\n")).await.unwrap();
            world.sleep(ms(50)).await;
            client.send(writer, "GET secret\r\nPUBLISH channel secret\r\n").await.unwrap();
            world.sleep(ms(50)).await;
            let arrived = client.arrived(looker);
            assert!(!arrived.escape_ascii().to_string().contains("secret"), "{ask}: {}", arrived.escape_ascii());
            assert!(!arrived.ends_with(b":1\r\n") || ask == "SUBSCRIBE channel", "{ask}: {}", arrived.escape_ascii());
            usize::from(!arrived.is_empty())
        });
    }
    assert_eq!(told, 2, "SUBSCRIBE and INFO have answered");
}

#[test]
fn a_rewrite_that_is_asked_for_meanwhile_fails_at_once_and_is_in_nobodys_way() {
    for policy in ["always", "everysec", "no"] {
        calm(move |world| async move {
            let setup = Setup::with(&[("appendonly", "yes"), ("appendfsync", policy), ("save", "")]);
            let server = Server::start(&world, setup);
            let mut client = Client::new(&world, &server);
            let (writer, operator) = (client.connect().await, client.connect().await);
            assert_eq!(client.ask(writer, "SET a 1").await, Ok(simple("OK")));
            world.sleep(ms(1500)).await;
            world.set_disk(server.node, |disk| disk.no_room = 1.0);
            client.send(writer, "SET a 2\r\n").await.unwrap();
            world.sleep(ms(50)).await;
            assert!(matches!(client.ask(operator, "BGREWRITEAOF").await, Ok(Reply::Simple(_))), "{policy}");
            world.sleep(ms(200)).await;
            let info = async |client: &mut Client, operator| text(client.ask(operator, "INFO persistence").await);
            let told = info(&mut client, operator).await;
            assert!(
                told.contains("aof_rewrite_in_progress:0") && told.contains("aof_last_bgrewrite_status:err"),
                "{told}"
            );
            world.set_disk(server.node, |disk| disk.no_room = 0.0);
            world.sleep(ms(2500)).await;
            assert!(matches!(client.ask(operator, "BGREWRITEAOF").await, Ok(Reply::Simple(_))), "{policy}");
            world.sleep(ms(500)).await;
            let told = info(&mut client, operator).await;
            assert!(
                told.contains("aof_last_bgrewrite_status:ok") && told.contains("aof_last_write_status:ok"),
                "{told}"
            );
            world.power_loss(server.node);
            world.restart(server.node);
            world.sleep(ms(500)).await;
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk("2")), "{policy}");
        });
    }
}
