//! What the real binary keeps: over its own files, through SIGKILL, damage and rewrites.
//!
//! The simulator does this with the loss of power at every moment; here it is the machine's own disk, processes and signals.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real files and sockets"
)]

mod forms;
mod killing;
mod parts;
mod snapshots;
#[path = "../support/mod.rs"]
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use support::{READY, Server, command, free_port};

/// Clients that write at once.
const CLIENTS: usize = 8;

fn start(folder: &Path, arguments: &[&str]) -> Server {
    loop {
        let port = free_port();
        let port_text = port.to_string();
        let mut all = vec!["--port", &port_text, "--bind", "127.0.0.1", "--save", ""];
        all.extend(arguments);
        let mut server = Server::spawn(command(&all).current_dir(folder), port);
        if server.read_until(READY) {
            return server;
        }
        assert!(server.log.contains("Failed listening on port"), "the server did not start:\n{}", server.log);
    }
}

/// What a server says that does not start.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let port = free_port();
    let port_text = port.to_string();
    let mut all = vec!["--port", &port_text, "--bind", "127.0.0.1"];
    all.extend(arguments);
    let mut server = Server::spawn(command(&all).current_dir(folder), port);
    assert!(!server.read_until(READY), "{}", server.log);
    server.log.clone()
}

/// Writes transactions until the server is gone. Each raises two counters of the client's own and one that all share. Returns how
/// many were acknowledged.
fn write_until_the_end(port: u16, client: usize, acknowledged: &AtomicU64) -> u64 {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return 0 };
    let text = format!("MULTI\r\nINCR first:{client}\r\nINCR all\r\nINCR second:{client}\r\nEXEC\r\n");
    let mut done = 0;
    loop {
        if stream.write_all(text.as_bytes()).is_err() {
            return done;
        }
        // OK, three times QUEUED, and an array of three numbers: the tenth line end is the last.
        let mut lines = 0;
        let mut byte = [0];
        while lines < 8 {
            match stream.read(&mut byte) {
                Ok(1) => lines += u32::from(byte[0] == b'\n'),
                _ => return done,
            }
        }
        done += 1;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter(server: &Server, key: &str) -> u64 {
    let mut client = server.connect();
    client.send(format!("GET {key}\r\nQUIT\r\n").as_bytes());
    let reply = String::from_utf8(client.receive_to_end()).expect("a number");
    let mut lines = reply.lines();
    match lines.next() {
        Some("$-1") => 0,
        Some(_) => lines.next().expect("a length goes before its bytes").parse().expect("a counter"),
        None => panic!("no reply"),
    }
}

/// What DEBUG DIGEST says.
fn digest(server: &Server) -> String {
    let mut client = server.connect();
    client.send(b"DEBUG DIGEST\r\nQUIT\r\n");
    let reply = String::from_utf8(client.receive_to_end()).expect("a digest is text");
    reply.lines().next().expect("a line").to_owned()
}

/// Waits until nothing is written in the background.
fn until_quiet(server: &Server) {
    loop {
        let mut client = server.connect();
        client.send(b"INFO persistence\r\nQUIT\r\n");
        let info = String::from_utf8(client.receive_to_end()).expect("INFO is text");
        let is = |field: &str| info.lines().any(|line| line == field);
        if is("aof_rewrite_in_progress:0") && is("aof_rewrite_scheduled:0") && is("rdb_bgsave_in_progress:0") {
            return;
        }
        thread::yield_now();
    }
}
