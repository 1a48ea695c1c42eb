//! What waits for the disk, and what becomes of it when the disk fails.

use std::time::Duration;

use refrain_node::Exit;

use crate::support::{Client, End, Server, Setup, calm, ms, simple};

#[test]
fn what_waited_for_a_sync_that_failed_is_not_answered_because_the_policy_changes_at_that_moment() {
    for policy in ["everysec", "no"] {
        calm(move |world| async move {
            let server =
                Server::start(&world, Setup::with(&[("appendonly", "yes"), ("appendfsync", "always"), ("save", "")]));
            let mut client = Client::new(&world, &server);
            let (writer, operator) = (client.connect().await, client.connect().await);
            assert_eq!(client.ask(writer, "SET a 1").await, Ok(simple("OK")));
            world.set_disk(server.node, |disk| (disk.sync, disk.sync_error) = ([ms(50), ms(50)], 1.0));
            client.send(writer, "SET a 2\r\n").await.unwrap();
            world.sleep(ms(20)).await;
            // The end of the sync and the change meet the server in one round.
            world.pause(server.node);
            client.send(operator, format!("CONFIG SET appendfsync {policy}\r\n")).await.unwrap();
            world.sleep(ms(100)).await;
            world.resume(server.node);
            assert_eq!(client.until_end(writer).await, (Vec::new(), End::Eof));
            world.sleep(Duration::from_secs(1)).await;
            let exit = server.seen.borrow().exit.clone();
            assert!(matches!(&exit, Some(Exit::Failed(why)) if why.contains("fsync")), "{exit:?}");
        });
    }
}
