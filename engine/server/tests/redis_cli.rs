//! The command line that people know works against the binary: redis-cli in the modes that need nothing which is not here.
//!
//! Where redis-cli is not installed the test says so and passes.

mod support;

use std::process::{Command, Stdio};

use support::Server;

#[test]
fn redis_cli_talks_to_it() {
    if Command::new("redis-cli").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: redis-cli is not installed");
        return;
    }
    let server = Server::start(&[]);
    let cli = |arguments: &[&str]| {
        let mut all = vec!["-h".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), server.port.to_string()];
        all.extend(arguments.iter().map(|word| (*word).to_owned()));
        let output =
            Command::new("redis-cli").args(all).stdin(Stdio::null()).output().expect("it was there a moment ago");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    };
    for (arguments, shown) in [
        (&["PING"][..], "PONG"),
        (&["SET", "greeting", "hello", "EX", "60"], "OK"),
        (&["GET", "greeting"], "hello"),
        (&["--no-raw", "GET", "missing"], "(nil)"),
        (&["--no-raw", "INCR", "greeting"], "(error) ERR value is not an integer or out of range"),
        (&["-3", "--json", "HELLO", "3"], ""),
        (&["-n", "1", "DBSIZE"], "0"),
        (&["--scan", "--pattern", "gree*"], "greeting"),
        (&["-r", "3", "INCR", "visits"], "1\n2\n3"),
    ] {
        let output = cli(arguments);
        if shown.is_empty() {
            assert!(output.contains("\"proto\":3"), "{arguments:?}: {output}");
        } else {
            assert_eq!(output, shown, "{arguments:?}");
        }
    }
    assert!(cli(&["INFO", "server"]).contains("redis_version:7.2"));
}
