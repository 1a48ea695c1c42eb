//! What waits for the disk, and what becomes of it when the disk fails.

use std::collections::BTreeMap;
use std::time::Duration;

use refrain_node::Exit;
use refrain_resp::Reply;
use refrain_runtime::Signal;

use crate::support::{Client, End, Server, Setup, at_rest, bulk, calm, ms, simple};

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

#[test]
fn what_is_executed_behind_the_change_to_always_waits_though_it_came_with_it() {
    calm(move |world| async move {
        let setup = Setup::with(&[("appendonly", "yes"), ("appendfsync", "everysec"), ("save", "")]);
        let server = Server::start(&world, setup);
        let mut client = Client::new(&world, &server);
        let t = client.connect().await;
        assert_eq!(client.ask(t, "GET a").await, Ok(Reply::Null));
        world.set_disk(server.node, |disk| (disk.sync, disk.sync_error) = ([ms(50), ms(50)], 1.0));
        client.send(t, "CONFIG SET appendfsync always\r\nSET a 1\r\n").await.unwrap();
        let (told, end) = client.until_end(t).await;
        assert_eq!(end, End::Eof);
        assert_ne!(told, b"+OK\r\n+OK\r\n", "it never became durable");
        let exit = server.seen.borrow().exit.clone();
        assert!(matches!(&exit, Some(Exit::Failed(why)) if why.contains("fsync")), "{exit:?}");
    });
}

#[test]
fn a_seal_that_never_became_durable_is_in_the_way_of_nothing_behind_it() {
    // The moment at which syncs begin to fail decides which of the first does; the padding, what shares a sector with the seal.
    let mut ends_at_start = 0;
    for (failing_ms, padding) in (1..24).flat_map(|ms| (0..32).map(move |n| (ms, "x".repeat(n * 16)))) {
        ends_at_start += calm(move |world| async move {
            let setup = Setup::with(&[("appendonly", "yes"), ("appendfsync", "always"), ("save", "")]);
            let server = Server::start(&world, setup);
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            assert_eq!(client.ask(t, &format!("SET a 1{padding}")).await, Ok(simple("OK")));
            let node = server.node;
            world.set_disk(node, |disk| (disk.sync, disk.unsynced_survives) = ([ms(2), ms(2)], 0.0));
            world.power_loss(node);
            let mut ends = 0;
            world.restart(node);
            world.sleep(ms(failing_ms)).await;
            world.set_disk(node, |disk| disk.sync_error = 1.0);
            world.sleep(ms(200)).await;
            world.set_disk(node, |disk| disk.sync_error = 0.0);
            if server.seen.borrow_mut().exit.take().is_some() {
                ends += 1;
                world.kill(node);
                world.restart(node);
                world.sleep(ms(200)).await;
            }
            let t = client.connect().await;
            assert_eq!(client.ask(t, "GET a").await, Ok(bulk(format!("1{padding}"))), "{failing_ms}");
            assert_eq!(client.ask(t, "SET b 2").await, Ok(simple("OK")), "{failing_ms}");
            assert_eq!(client.ask(t, "SET c 3").await, Ok(simple("OK")), "{failing_ms}");
            world.power_loss(node);
            world.restart(node);
            world.sleep(ms(200)).await;
            let t = client.connect().await;
            let all = vec![bulk(format!("1{padding}")), bulk("2"), bulk("3")];
            assert_eq!(client.ask(t, "MGET a b c").await, Ok(Reply::Array(all)), "{failing_ms}");
            ends
        });
    }
    assert!(ends_at_start > 32, "{ends_at_start}");
}

#[test]
fn an_append_only_file_that_is_turned_off_and_on_in_quick_succession_is_made_and_ended_as_any() {
    let mut turned = 0;
    for (turns, gap_ms) in (1..6).flat_map(|turns| (0..12).map(move |gap| (turns, gap))) {
        turned += calm(move |world| async move {
            let setup = Setup::with(&[("appendonly", "yes"), ("appendfsync", "always"), ("save", "")]);
            let server = Server::start(&world, setup);
            let mut client = Client::new(&world, &server);
            let t = client.connect().await;
            assert_eq!(client.ask(t, "SET a 1").await, Ok(simple("OK")));
            world.set_disk(server.node, |disk| disk.sync = [ms(5), ms(5)]);
            for wanted in ["no", "yes"].iter().cycle().take(2 * turns) {
                assert_eq!(client.ask(t, &format!("CONFIG SET appendonly {wanted}")).await, Ok(simple("OK")));
                world.sleep(ms(gap_ms)).await;
            }
            world.sleep(ms(500)).await;
            assert_eq!(client.ask(t, "SET b 2").await, Ok(simple("OK")));
            world.power_loss(server.node);
            world.restart(server.node);
            world.sleep(ms(500)).await;
            let t = client.connect().await;
            let all = vec![bulk("1"), bulk("2")];
            assert_eq!(client.ask(t, "MGET a b").await, Ok(Reply::Array(all)), "{turns} {gap_ms}");

            // Off at last, and while a place is being looked for the end is one, too.
            for wanted in ["no", "yes", "no", "yes", "no"] {
                assert_eq!(client.ask(t, &format!("CONFIG SET appendonly {wanted}")).await, Ok(simple("OK")));
                world.sleep(ms(gap_ms)).await;
            }
            client.send(t, "SHUTDOWN\r\n").await.unwrap();
            world.sleep(ms(500)).await;
            assert_eq!(server.seen.borrow().exit, Some(Exit::Command), "{turns} {gap_ms}");
            1
        });
    }
    assert_eq!(turned, 60);
}

#[test]
fn a_rewrite_that_waits_and_is_cancelled_is_not_begun() {
    calm(|world| async move {
        let server = Server::start(&world, Setup::with(&[("save", "3600 1")]));
        let mut client = Client::new(&world, &server);
        let (t, flushing) = (client.connect().await, client.connect().await);
        assert_eq!(client.ask(t, "GET a").await, Ok(Reply::Null));
        world.set_disk(server.node, |disk| disk.sync = [ms(100), ms(100)]);
        // Its snapshot is being written, behind which the rewrite waits.
        client.send(flushing, "FLUSHALL\r\n").await.unwrap();
        world.sleep(ms(20)).await;
        assert_eq!(client.ask(t, "CONFIG SET appendonly yes").await, Ok(simple("OK")));
        assert_eq!(client.ask(t, "CONFIG SET appendonly no").await, Ok(simple("OK")));
        assert!(!world.files(server.node).contains_key("dump.rdb"), "all that is asked while it is written");
        assert_eq!(client.arrived(flushing), b"");
        world.sleep(Duration::from_secs(2)).await;
        let files = world.files(server.node);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["dump.rdb"]);
    });
}

#[test]
fn a_signal_while_the_append_only_file_is_loaded_again_leaves_everything_once() {
    let mut ends = [0; 2];
    for after_us in (0..60).map(|n| n * 500) {
        ends[calm(move |world| async move {
            let parameters = [
                ("appendonly", "yes"),
                ("appendfsync", "everysec"),
                ("save", "3600 1"),
                ("enable-debug-command", "yes"),
            ];
            let setup = Setup::with(&parameters);
            let server = Server::start(&world, setup.clone());
            let mut client = Client::new(&world, &server);
            let (t, other) = (client.connect().await, client.connect().await);
            assert_eq!(client.int(t, "RPUSH list a b c").await, 3);
            assert_eq!(client.int(t, "INCR number").await, 1);
            world.set_disk(server.node, |disk| disk.call = [ms(1), ms(1)]);
            client.send(t, "DEBUG LOADAOF\r\n").await.unwrap();
            world.sleep(Duration::from_micros(after_us)).await;
            world.signal(server.node, Signal::Terminate);
            let (told, _) = client.until_end(t).await;
            client.until_end(other).await;
            world.sleep(ms(500)).await;
            assert_eq!(server.seen.borrow_mut().exit.take(), Some(Exit::Signal(Signal::Terminate)), "{after_us}");
            world.kill(server.node);
            // Both the file that was loaded and the snapshot that an end takes which does not meet a loading.
            let is_saved = world.files(server.node).contains_key("dump.rdb");
            for appendonly in ["yes", "no"].iter().take(if is_saved { 2 } else { 1 }) {
                let mut setup = setup.clone();
                setup.config.set_at_start("appendonly", &[appendonly.as_bytes()]).unwrap();
                let server = server.start_again(&world, setup);
                world.sleep(ms(200)).await;
                let t = client.connect().await;
                let list = Reply::Array(["a", "b", "c"].map(bulk).to_vec());
                assert_eq!(client.ask(t, "LRANGE list 0 -1").await, Ok(list), "{after_us} {appendonly}");
                assert_eq!(client.ask(t, "GET number").await, Ok(bulk("1")), "{after_us} {appendonly}");
                world.kill(server.node);
            }
            assert_eq!(is_saved, told == b"+OK\r\n" || after_us == 0, "{after_us}");
            usize::from(is_saved)
        })] += 1;
    }
    assert!(ends.iter().all(|ends| *ends > 9), "{ends:?}");
}

#[test]
fn an_end_in_the_middle_of_a_change_of_files_leaves_none_without_a_name() {
    let mut begun = 0;
    for (after_ms, ending) in (0..80).flat_map(|after| [(after, "SHUTDOWN"), (after, "CONFIG SET appendonly no")]) {
        begun += calm(move |world| async move {
            let parameters = [("appendonly", "yes"), ("appendfsync", "everysec"), ("save", "")];
            let (server, mut client, t) = at_rest(&world, &parameters).await;
            assert!(matches!(client.ask(t, "BGREWRITEAOF").await, Ok(Reply::Simple(_))));
            world.sleep(ms(after_ms)).await;
            let parts = |files: &BTreeMap<String, Vec<u8>>| files.keys().filter(|path| path.ends_with(".aof")).count();
            let made = parts(&world.files(server.node));
            client.send(t, format!("{ending}\r\n")).await.unwrap();
            world.sleep(ms(500)).await;
            let files = world.files(server.node);
            let manifest = &files["appendonlydir/appendonly.aof.manifest"];
            let manifest = String::from_utf8_lossy(manifest);
            for path in files.keys().filter(|path| path.starts_with("appendonlydir/") && !path.ends_with(".manifest")) {
                let name = path.rsplit('/').next().unwrap();
                assert!(manifest.contains(&format!("file {name} ")), "{after_ms} {ending}: {name} and {manifest}");
            }
            made - 1
        });
    }
    assert!(begun > 40, "{begun}");
}
