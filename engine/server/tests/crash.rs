//! The crash report: it is there after every kind of fault, tells what a developer needs, keeps what is nobody's business, and
//! the process ends as it would have ended without.

mod support;

use std::os::unix::process::ExitStatusExt as _;

use support::Server;

/// The report in a log, without its first and last line.
#[track_caller]
fn report(log: &str) -> &str {
    let behind = log.split_once("\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n");
    let (_, behind) = behind.unwrap_or_else(|| panic!("no report in\n{log}"));
    let before = behind.split_once("\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n");
    before.unwrap_or_else(|| panic!("no end in\n{log}")).0
}

/// A server that has done something with secrets and has told of itself since.
fn server(arguments: &[&str]) -> Server {
    let all = [&["--requirepass", "hush-password", "--maxclients", "77"], arguments].concat();
    let server = Server::start(&all);
    let mut client = server.connect();
    client.check("AUTH hush-password", "+OK");
    client.check("SET hush-key hush-value", "+OK");
    client.check("CONFIG SET requirepass hush-other", "+OK");
    client.check("GET hush-key", "$10\r\nhush-value");
    server
}

#[test]
fn every_fault_is_reported_and_ends_the_process_its_own_way() {
    for (name, number) in [("SEGV", 11), ("ABRT", 6), ("BUS", 7), ("FPE", 8), ("ILL", 4)] {
        let mut server = server(&[]);
        server.signal(name);
        assert_eq!(server.wait().signal(), Some(number), "{name}");
        let report = report(&server.log);
        for told in [
            &format!("crashed by signal: {number}, si_code: 0"),
            "Killed by PID: ",
            "\n------ STACK TRACE ------\n",
            "refrain_version:",
            "build_id:",
            // The reply may have been received before the round was over, so it may still count as executing.
            " CLIENT INFO ------\ncmd=get id=1 argc=2 bytes=",
            "\n------ RECENT COMMANDS ------\nbegun:4\ncmd=config|set id=1 argc=4 ",
            "\ncmd=set id=1 argc=3 bytes=",
            "\n------ INFO OUTPUT ------\n# Server\nredis_version:7.2.4\n",
            "\nmaxclients 77\n",
            "\nrequirepass (redacted)\n",
        ] {
            assert!(report.contains(told), "{name}: no `{told}` in\n{report}");
        }
        assert!(!server.log.contains("hush"), "{name}: {}", server.log);
    }
}

#[test]
fn the_report_goes_where_the_log_goes_and_the_pid_file_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (log, pid_file) = (path("log"), path("pid"));
    let port = support::free_port();
    let mut command = support::command(&["--bind", "127.0.0.1", "--logfile", &log, "--pidfile", &pid_file]);
    let notify = folder.path().join("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&notify).unwrap();
    command.args(["--port", &port.to_string(), "--supervised", "systemd"]).env("NOTIFY_SOCKET", &notify);
    let mut server = Server::spawn(&mut command, port);
    let mut heard = [0; 64];
    while !heard.starts_with(b"READY=1\n") {
        systemd.recv(&mut heard).unwrap();
    }
    server.signal("SEGV");
    assert_eq!(server.wait().signal(), Some(11));
    assert_eq!(server.log, "", "nothing of it on standard output");
    #[expect(clippy::disallowed_methods, reason = "the log is a real file")]
    let log = std::fs::read_to_string(log).unwrap();
    assert!(report(&log).contains("crashed by signal: 11"), "{log}");
    assert!(!std::path::Path::new(&pid_file).exists());
}

#[test]
fn without_crash_log_enabled_there_is_no_report() {
    let mut quiet = server(&["--crash-log-enabled", "no"]);
    quiet.signal("SEGV");
    assert_eq!(quiet.wait().signal(), Some(11));
    assert!(!quiet.log.contains("BUG REPORT"), "{}", quiet.log);

    let mut silenced = Server::start(&[]);
    silenced.connect().check("CONFIG SET crash-log-enabled no", "+OK");
    silenced.signal("SEGV");
    assert_eq!(silenced.wait().signal(), Some(11));
    assert!(!silenced.log.contains("BUG REPORT"), "{}", silenced.log);
}

#[test]
fn a_panic_is_reported_and_ends_the_process_by_abort() {
    for (command, told) in
        [("PANIC", "Guru Meditation: asked for by DEBUG PANIC #"), ("ASSERT", "=== ASSERTION FAILED ===")]
    {
        let mut server = Server::start(&["--enable-debug-command", "yes"]);
        server.connect().send(format!("DEBUG {command}\r\n").as_bytes());
        assert_eq!(server.wait().signal(), Some(6), "{command}");
        let report = report(&server.log);
        for told in
            [told, "Thread: main\n", "refrain_server", " CLIENT INFO ------\ncmd=debug id=1 argc=2 ", "\n# Server\n"]
        {
            assert!(report.contains(told), "{command}: no `{told}` in\n{report}");
        }
        assert_eq!(server.log.matches("BUG REPORT START").count(), 1, "an abort after a report is not reported again");
    }
}

#[test]
fn a_panic_may_end_the_process_by_a_code() {
    let mut server = Server::start(&["--enable-debug-command", "yes", "--use-exit-on-panic", "yes"]);
    server.connect().send(b"DEBUG PANIC\r\n");
    assert_eq!(server.wait().code(), Some(1));
    report(&server.log);
}

#[test]
fn debug_segfault_is_a_fault() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    server.connect().send(b"DEBUG SEGFAULT\r\n");
    assert_eq!(server.wait().signal(), Some(11));
    assert!(report(&server.log).contains("crashed by signal: 11"));
}

#[test]
fn the_watchdog_says_where_the_loop_is_stuck() {
    let mut server = Server::start(&["--enable-debug-command", "yes", "--hz", "100"]);
    let mut client = server.connect();
    client.check("CONFIG SET watchdog-period 50", "+OK");
    client.check("DEBUG SLEEP 0.5", "+OK");
    server.expect_log("--- WATCHDOG TIMER EXPIRED ---");
    server.expect_log("Executing debugCommand: cmd=debug id=1 argc=3 ");
    server.expect_log("------ STACK TRACE ------");
    client.check("CONFIG SET watchdog-period 1", "+OK");
    client.check("CONFIG GET watchdog-period", "*2\r\n$15\r\nwatchdog-period\r\n$2\r\n20");
    client.check("CONFIG SET watchdog-period 0", "+OK");
    client.check("DEBUG LOG silence", "+OK");
    client.check("DEBUG SLEEP 0.1", "+OK");
    client.send(b"SHUTDOWN\r\n");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log);
    let (before, after) = server.log.split_once("DEBUG LOG: silence").expect("it was logged");
    let reports = before.matches("Executing debugCommand").count();
    assert!((1..=4).contains(&reports), "ten periods, and reports are ever rarer:\n{before}");
    assert!(!after.contains("WATCHDOG"), "{after}");
}
