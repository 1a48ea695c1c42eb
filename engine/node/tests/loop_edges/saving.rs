//! Snapshots that end as nobody wants them any more.

use refrain_node::Exit;
use refrain_resp::Reply;
use refrain_sim::{NodeId, World};

use crate::support::{Client, Server, Setup, at_rest, bulk, calm, ms, simple};

/// The files of snapshots that have no other name.
fn unnamed(world: &World, server: NodeId) -> Vec<String> {
    let is_unnamed = |path: &String| path.rsplit('/').next().is_some_and(|name| name.starts_with("temp-"));
    world.files(server).into_keys().filter(is_unnamed).collect()
}

#[test]
fn a_snapshot_that_is_stopped_when_all_of_it_is_written_leaves_no_file() {
    // How long after the beginning it is stopped, and whether the server learns of that and of the file's end at once.
    let mut stopped = 0;
    for (after_ms, at_once) in (0..30).flat_map(|after| [(after, false), (after, true)]) {
        for (ask, appendonly) in [("BGSAVE", "no"), ("BGREWRITEAOF", "yes")] {
            stopped += calm(move |world| async move {
                let debugged = ("enable-debug-command", "yes");
                let parameters = [("appendonly", appendonly), ("save", ""), debugged];
                let (server, mut client, t) = at_rest(&world, &parameters).await;
                assert!(matches!(client.ask(t, ask).await, Ok(Reply::Simple(_))));
                world.sleep(ms(after_ms)).await;
                if at_once {
                    world.pause(server.node);
                }
                client.send(t, "DEBUG STOP-SNAPSHOT\r\n").await.unwrap();
                world.sleep(ms(50)).await;
                world.resume(server.node);
                let told = client.replies(t, 1).await;
                world.sleep(ms(500)).await;
                let context = format!("{ask} {after_ms} ms {at_once}: {told:?}");
                assert_eq!(unnamed(&world, server.node), Vec::<String>::new(), "{context}");

                // It stands in nobody's way.
                assert_eq!(client.ask(t, "SAVE").await, Ok(simple("OK")), "{context}");
                assert_eq!(unnamed(&world, server.node), Vec::<String>::new(), "{context}");
                u32::from(told == Ok(vec![simple("OK")]))
            });
        }
    }
    assert!(stopped > 60, "{stopped}");
}

#[test]
fn the_end_of_a_process_saves_all_though_a_snapshot_was_just_written() {
    for (after_ms, at_once) in (0..30).flat_map(|after| [(after, false), (after, true)]) {
        calm(move |world| async move {
            let setup = Setup::with(&[("appendonly", "no"), ("save", "")]);
            let server = Server::start(&world, setup.clone());
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            assert_eq!(client.ask(t, "SET a 1").await, Ok(simple("OK")));
            world.set_disk(server.node, |disk| disk.sync = [ms(20), ms(20)]);
            assert!(matches!(client.ask(t, "BGSAVE").await, Ok(Reply::Simple(_))));
            world.sleep(ms(after_ms)).await;
            if at_once {
                world.pause(server.node);
            }
            client.send(t, "SET a 2\r\nSHUTDOWN SAVE\r\n").await.unwrap();
            world.sleep(ms(50)).await;
            world.resume(server.node);
            world.sleep(ms(500)).await;
            let context = format!("{after_ms} ms {at_once}");
            assert_eq!(server.seen.borrow().exit, Some(Exit::Command), "{context}");
            assert_eq!(unnamed(&world, server.node), Vec::<String>::new(), "{context}");
            let server = server.start_again(&world, setup);
            world.sleep(ms(500)).await;
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk("2")), "{context}");
        });
    }
}

#[test]
fn what_was_flushed_does_not_come_back_when_power_is_lost_behind_the_answer() {
    // With a snapshot of before under way for so long, or none.
    for before_ms in [None, Some(0), Some(5), Some(15), Some(25), Some(45), Some(70)] {
        calm(move |world| async move {
            let server = Server::start(&world, Setup::with(&[("appendonly", "no"), ("save", "3600 1")]));
            let mut client = Client::new(&world, &server);
            let (t, other) = (client.connect().await, client.connect().await);
            assert_eq!(client.ask(t, "SET a 1").await, Ok(simple("OK")));
            assert_eq!(client.ask(t, "SAVE").await, Ok(simple("OK")));
            world.set_disk(server.node, |disk| {
                disk.unsynced_survives = 0.0;
                disk.sync = [ms(20), ms(20)];
            });
            if let Some(before) = before_ms {
                assert!(matches!(client.ask(t, "BGSAVE").await, Ok(Reply::Simple(_))));
                world.sleep(ms(before)).await;
            }
            client.send(t, "FLUSHALL\r\n").await.unwrap();
            world.sleep(ms(5)).await;
            assert_eq!(client.ask(other, "GET a").await, Ok(Reply::Null), "others are served meanwhile");
            assert_eq!(client.replies(t, 1).await, Ok(vec![simple("OK")]));
            world.power_loss(server.node);
            world.restart(server.node);
            world.sleep(ms(500)).await;
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(Reply::Null), "{before_ms:?}");
        });
    }
}

#[test]
fn the_end_of_a_process_waits_for_its_snapshot_though_an_append_only_file_is_closed_meanwhile() {
    // When the end is asked for, behind the change, and whether the disk refuses what the file has yet to take.
    for (after_ms, refuses) in (0..40).flat_map(|after| [(after, false), (after, true)]) {
        for ending in ["SHUTDOWN SAVE", "CONFIG SET appendonly yes\r\nCONFIG SET appendonly no\r\nSHUTDOWN SAVE"] {
            calm(move |world| async move {
                let parameters = [("appendonly", "yes"), ("appendfsync", "everysec"), ("save", "")];
                let (server, mut client, t) = at_rest(&world, &parameters).await;
                if refuses {
                    world.set_disk(server.node, |disk| disk.no_room = 1.0);
                }
                client.send(t, "SET a 2\r\nCONFIG SET appendonly no\r\n").await.unwrap();
                world.sleep(ms(after_ms)).await;
                world.set_disk(server.node, |disk| disk.no_room = 0.0);
                client.send(t, format!("{ending}\r\n")).await.unwrap();
                world.sleep(ms(2500)).await;
                let context = format!("{after_ms} ms {refuses} {ending}");
                assert_eq!(server.seen.borrow().exit, Some(Exit::Command), "{context}");
                assert_eq!(unnamed(&world, server.node), Vec::<String>::new(), "{context}");
                let setup = Setup::with(&[("appendonly", "no"), ("save", "")]);
                let server = server.start_again(&world, setup);
                world.sleep(ms(500)).await;
                let mut client = Client::new(&world, &server);
                let t = client.connect().await;
                assert_eq!(client.ask(t, "GET a").await, Ok(bulk("2")), "{context}");
            });
        }
    }
}
