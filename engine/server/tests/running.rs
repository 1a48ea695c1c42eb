//! The process as the system and its operator see it: in the background, under a supervisor, named, signalled, ended, and
//! logging wherever it was told to.
//!
//! No test sleeps: each waits for an answer, a line, a datagram, or the end of a process.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real files and sockets"
)]

mod support;

use std::fs::{self, File};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Client, READY, Server, command, free_port, run};

/// A process that is no child of the test: killed when the test is done with it.
struct Daemon {
    pid: i32,
    descriptor: OwnedFd,
    port: u16,
}

impl Daemon {
    /// Starts a server in the background, in `folder`, which gets its log and its pid file.
    fn start(folder: &Path, arguments: &[&str]) -> Daemon {
        loop {
            let port = free_port();
            let port_text = port.to_string();
            let (pid_file, log) = (folder.join("pid"), folder.join("log"));
            let mut all = vec!["--daemonize", "yes", "--bind", "127.0.0.1", "--port", &port_text];
            let path = |path: &Path| path.display().to_string();
            let (pid_path, log_path) = (path(&pid_file), path(&log));
            all.extend(["--pidfile", &pid_path, "--logfile", &log_path]);
            all.extend(arguments);
            let (code, out, err) = run(&all);
            if err.contains("Failed listening on port") {
                continue;
            }
            assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""), "{}", read(&log));
            let pid: i32 = read(&pid_file).trim().parse().expect("the pid file holds a number");
            // SAFETY: takes numbers; the descriptor that comes back is nobody else's.
            let descriptor = unsafe {
                let descriptor = libc::syscall(libc::SYS_pidfd_open, pid, 0);
                assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
                OwnedFd::from_raw_fd(descriptor as i32)
            };
            return Daemon { pid, descriptor, port };
        }
    }

    /// Waits until the process has ended.
    fn wait(&self) {
        let mut poll = libc::pollfd { fd: self.descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        const PATIENCE_MS: i32 = 60_000;
        // SAFETY: one live pollfd.
        assert_eq!(unsafe { libc::poll(&raw mut poll, 1, PATIENCE_MS) }, 1, "the process does not end");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SAFETY: a signal for the process that the descriptor names, which fails when it has ended.
        unsafe {
            let none = std::ptr::null::<libc::siginfo_t>();
            libc::syscall(libc::SYS_pidfd_send_signal, self.descriptor.as_raw_fd(), libc::SIGKILL, none, 0)
        };
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn in_the_background_it_serves_when_the_foreground_ends() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), &[]);
    let mut client = Client::new(std::net::TcpStream::connect(("127.0.0.1", daemon.port)).unwrap());
    client.check("PING", "+PONG");
    let proc = Path::new("/proc").join(daemon.pid.to_string());
    for standard in ["0", "1", "2"] {
        assert_eq!(fs::read_link(proc.join("fd").join(standard)).unwrap(), Path::new("/dev/null"), "{standard}");
    }
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::getsid(daemon.pid) }, daemon.pid, "it leads a session of its own");
    for (tool, arguments, shown) in [
        ("redis-cli", &["INCR", "n"][..], "1"),
        ("redis-benchmark", &["-t", "set", "-n", "1000", "-q", "--csv"], "\"SET\""),
    ] {
        let port = daemon.port.to_string();
        match Command::new(tool).args(["-p", &port]).args(arguments).stderr(Stdio::null()).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(output.status.success() && text.contains(shown), "{tool}: {text}");
            }
            Err(_) => eprintln!("skipped: {tool} is not installed"),
        }
    }
    client.send(b"SHUTDOWN\r\n");
    assert_eq!(client.receive_to_end(), b"");
    daemon.wait();
    assert!(!folder.path().join("pid").exists(), "an orderly end removes the pid file");
    let log = read(&folder.path().join("log"));
    let order = [
        "Refrain is starting",
        "just started",
        "Configuration loaded",
        "Running mode=standalone, port=",
        "Server initialized",
        "Ready to accept connections tcp",
        "User requested shutdown...",
        "Removing the pid file.",
        "Redis is now ready to exit, bye bye...",
    ];
    let places: Vec<_> = order.iter().map(|text| log.find(text)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in\n{log}");
    assert!(log.lines().all(|line| line.starts_with(&format!("{}:", daemon.pid))), "{log}");
}

#[test]
fn a_background_that_cannot_serve_is_said_in_the_foreground() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let pid_file = folder.path().join("pid").display().to_string();
    let arguments = ["--daemonize", "yes", "--bind", "127.0.0.1", "--port", &port, "--pidfile", &pid_file];
    let (code, out, err) = run(&arguments);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains(&format!("Failed listening on port {port} (TCP), aborting.")), "{err}");
    assert!(!Path::new(&pid_file).exists());
}

#[test]
fn the_default_pid_file_is_only_for_the_background_and_a_named_one_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let mut server = Server::start(&["--pidfile", path.to_str().unwrap()]);
    assert_eq!(read(&path), format!("{}\n", server.pid()));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!path.exists());
    assert!(server.log.contains("Removing the pid file."), "{}", server.log);

    let mut server = Server::start(&[]);
    server.signal("TERM");
    server.wait();
    assert!(!server.log.contains("pid file"), "{}", server.log);

    let nowhere = folder.path().join("no/such/pid").display().to_string();
    let server = Server::start(&["--pidfile", &nowhere]);
    assert!(server.log.contains("Failed to write PID file: No such file or directory"), "{}", server.log);
    server.connect().check("PING", "+PONG");
}

/// What systemd would hear.
struct Supervision {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Supervision {
    fn new() -> Supervision {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("the folder is ours");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("the time is not zero");
        Supervision { socket, folder }
    }

    fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
        let port = free_port();
        let port_text = port.to_string();
        let mut command = command(&[&["--bind", "127.0.0.1", "--port", &port_text], arguments].concat());
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify")).env_remove("UPSTART_JOB");
        command.envs(environment.iter().copied());
        Server::spawn(&mut command, port)
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 256];
        let n = self.socket.recv(&mut buffer).expect("something is said in time");
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    }
}

#[test]
fn systemd_hears_how_it_is() {
    let systemd = Supervision::new();
    for mode in ["systemd", "auto"] {
        // Supervised, it stays in the foreground whatever else is said.
        let mut server = systemd.start(&["--supervised", mode, "--daemonize", "yes"], &[]);
        assert_eq!(systemd.hear(), "STATUS=Refrain is loading...\n", "{mode}");
        assert_eq!(systemd.hear(), "STATUS=Ready to accept connections\n");
        assert_eq!(systemd.hear(), "READY=1\n");
        server.connect().check("PING", "+PONG");
        assert!(fs::read_link(format!("/proc/{}/fd/1", server.pid())).unwrap() != Path::new("/dev/null"));
        server.signal("TERM");
        assert_eq!(systemd.hear(), "STOPPING=1\n");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log);
    }
}

#[test]
fn systemd_hears_that_the_loop_turns_when_it_wants_to() {
    let systemd = Supervision::new();
    let _server = systemd.start(&["--supervised", "systemd"], &[("WATCHDOG_USEC", "200000")]);
    // The loop turns while it loads as well, and says so.
    while systemd.hear() != "READY=1\n" {}
    for _ in 0..3 {
        assert_eq!(systemd.hear(), "WATCHDOG=1\n");
    }
}

#[test]
fn a_supervisor_that_is_not_there_is_missed_in_the_log() {
    for (mode, said) in [
        ("systemd", "systemd supervision error: NOTIFY_SOCKET not found!"),
        ("upstart", "upstart supervision requested, but UPSTART_JOB not found!"),
    ] {
        let port = free_port();
        let port_text = port.to_string();
        let mut command = command(&["--bind", "127.0.0.1", "--port", &port_text, "--supervised", mode]);
        command.env_remove("NOTIFY_SOCKET").env_remove("UPSTART_JOB");
        let mut server = Server::spawn(&mut command, port);
        server.expect_log(READY);
        assert!(server.log.contains(said), "{}", server.log);
    }
}

fn title(pid: u32) -> String {
    let shown = fs::read(format!("/proc/{pid}/cmdline")).expect("the process is there");
    String::from_utf8_lossy(&shown).trim_end_matches('\0').to_owned()
}

#[test]
fn its_title_is_what_the_template_makes() {
    let server = Server::start(&[]);
    let (pid, port) = (server.pid(), server.port);
    assert_eq!(title(pid), format!("{} 127.0.0.1:{port}", support::BINARY));
    let mut client = server.connect();
    client.check("CONFIG SET proc-title-template \"TEST {title} {port} {tls-port} {config-file}\"", "+OK");
    assert_eq!(title(pid), format!("TEST {} {port} 0 -", support::BINARY));
    let long = "x".repeat(50_000);
    client.check(&format!("CONFIG SET proc-title-template {long}"), "+OK");
    let shown = title(pid);
    assert!(!shown.is_empty() && shown.bytes().all(|byte| byte == b'x'), "cut where there is no more room");
    client.check("CONFIG SET proc-title-template short", "+OK");
    assert_eq!(title(pid), "short");
    client.check(
        "CONFIG SET proc-title-template \"{invalid-var}\"",
        "-ERR CONFIG SET failed (possibly related to argument 'proc-title-template') - template format is invalid or contains \
         unknown variables",
    );
    assert_eq!(title(pid), "short");

    let server = Server::start(&["--set-proc-title", "no"]);
    assert!(title(server.pid()).contains("--set-proc-title\0no"), "left as it was");
}

#[test]
fn the_out_of_memory_killer_is_told() {
    let server = Server::start(&["--oom-score-adj", "yes", "--oom-score-adj-values", "10", "20", "30"]);
    let score = || read(Path::new(&format!("/proc/{}/oom_score_adj", server.pid()))).trim().parse::<i64>().unwrap();
    let base = read(Path::new("/proc/self/oom_score_adj")).trim().parse::<i64>().unwrap();
    assert_eq!(score(), base + 10);
    let mut client = server.connect();
    client.check("CONFIG SET oom-score-adj-values \"15 20 30\"", "+OK");
    assert_eq!(score(), base + 15);
    client.check("CONFIG SET oom-score-adj absolute oom-score-adj-values \"900 900 900\"", "+OK");
    assert_eq!(score(), 900);
}

#[test]
fn a_directory_is_entered_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap().display().to_string();
    let server = Server::start(&["--enable-protected-configs", "yes"]);
    let mut client = server.connect();
    client.check(&format!("CONFIG SET dir {path}/."), "+OK");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", server.pid())).unwrap(), Path::new(&path));
    client.check("CONFIG GET dir", &format!("*2\r\n$3\r\ndir\r\n${}\r\n{path}", path.len()));
    client.check(
        "CONFIG SET timeout 7 dir /no/such/folder",
        "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory",
    );
    client.check("CONFIG GET timeout", "*2\r\n$7\r\ntimeout\r\n$1\r\n0");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", server.pid())).unwrap(), Path::new(&path));
}

#[test]
fn the_banner_names_the_process() {
    let server = Server::start(&["--always-show-logo", "yes"]);
    assert!(server.log.contains(&format!(" PID: {}\n", server.pid())), "{}", server.log);
    assert!(server.log.contains(&format!(" Port: {}\n", server.port)), "{}", server.log);
    let server = Server::start(&[]);
    assert!(!server.log.contains(" PID: "), "{}", server.log);
    assert!(server.log.contains(&format!("Running mode=standalone, port={}.", server.port)), "{}", server.log);
}

#[test]
fn a_log_file_may_be_taken_away_at_any_time() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
    let daemon = Daemon::start(folder.path(), &["--loglevel", "verbose"]);
    let connect = || Client::new(std::net::TcpStream::connect(("127.0.0.1", daemon.port)).unwrap());
    fs::rename(&path, &old).unwrap();
    let mut client = connect();
    client.send(b"*x\r\n");
    client.receive_to_end();
    // Lines are written once their round is over, which it is when the next one answers.
    connect().check("PING", "+PONG");
    assert!(read(&path).contains("Protocol error"), "{}", read(&path));
    assert!(read(&old).contains(READY) && !read(&old).contains("Protocol error"));
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error_at_start() {
    let (code, _, err) = run(&["--port", "0", "--logfile", "/no/such/folder/log"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("Can't open the log file: No such file or directory"), "{err}");
}

#[test]
fn it_serves_when_nobody_can_be_told() {
    let unwritable: [fn() -> Stdio; 2] = [
        || Stdio::from(File::options().write(true).open("/dev/full").unwrap()),
        || {
            // A pipe that nobody reads any more.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        },
    ];
    for open in unwritable {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let systemd = Supervision::new();
        let mut command = command(&["--port", "0", "--unixsocket", path.to_str().unwrap(), "--supervised", "systemd"]);
        command.env("NOTIFY_SOCKET", systemd.folder.path().join("notify")).stdout(open()).stderr(open());
        let mut child = command.spawn().unwrap();
        while systemd.hear() != "READY=1\n" {}
        let mut client = Client::new(std::os::unix::net::UnixStream::connect(&path).unwrap());
        client.check("PING", "+PONG");
        client.send(b"SHUTDOWN\r\n");
        client.receive_to_end();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_hangup_is_nothing() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for name in ["HUP", "PIPE"] {
        server.signal(name);
        client.check("PING", "+PONG");
    }
}

#[test]
fn a_signal_asks_to_save_if_that_is_configured() {
    for (options, saves) in [("save", true), ("default", false), ("nosave", false)] {
        let mut server = Server::start(&["--save", "", "--shutdown-on-sigterm", options]);
        server.connect().check("SHUTDOWN ABORT", "-ERR No shutdown in progress.");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log);
        let said = server.log.contains("Saving the final RDB snapshot before exiting.");
        assert_eq!(said, saves, "{options}: {}", server.log);
    }
}

#[test]
fn a_signal_waits_for_a_stalled_loop_and_a_second_sigint_does_not() {
    for (signals, code) in [(&["TERM"][..], Some(0)), (&["INT", "INT"], Some(1)), (&["TERM", "INT"], Some(1))] {
        let watched = ["--enable-debug-command", "yes", "--hz", "500", "--watchdog-period", "20"];
        let mut server = Server::start(&watched);
        let seconds = if signals.len() == 1 { "1" } else { "60" };
        server.connect().send(format!("DEBUG SLEEP {seconds}\r\n").as_bytes());
        server.expect_log("Executing debugCommand: ");
        for (i, name) in signals.iter().enumerate() {
            server.signal(name);
            server.expect_log(["scheduling shutdown...", "You insist... exiting now."][i]);
        }
        assert_eq!(server.wait().code(), code, "{}", server.log);
    }
}

#[test]
fn a_shutdown_that_was_only_asked_for_can_be_called_off() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    for _ in 0..2 {
        client.check("DEBUG PAUSE-CRON 1", "+OK");
        server.signal("INT");
        server.expect_log("Received SIGINT scheduling shutdown...");
        client.check("SHUTDOWN ABORT", "+OK");
        client.check("SHUTDOWN ABORT", "-ERR No shutdown in progress.");
        client.check("DEBUG PAUSE-CRON 0", "+OK");
        client.check("PING", "+PONG");
    }
    client.check("DEBUG PAUSE-CRON 1", "+OK");
    for said in ["Received SIGINT scheduling shutdown...", "You insist... exiting now."] {
        server.signal("INT");
        server.expect_log(said);
    }
    assert_eq!(server.wait().code(), Some(1));
    assert_eq!(server.log.matches("Shutdown manually aborted.").count(), 2, "{}", server.log);
}

#[test]
fn the_machine_is_asked_before_it_is_trusted() {
    let (code, out, err) = run(&["--check-system"]);
    assert_eq!((code, err.as_str()), (Some(if out.contains("WARNING:") { 1 } else { 0 }), ""), "{out}");
    assert!(out.starts_with("[slow-clocksource]..."), "{out}");
    let (code, out, err) = run(&["--test-memory", "1"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("Your memory passed this test"), "{out}");
    let (code, out, err) = run(&["--test-memory"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("in megabytes"), "{err}");
}

#[test]
fn what_a_command_has_to_say_is_in_the_log_before_its_reply() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), &["--enable-debug-command", "yes"]);
    let mut client = Client::new(std::net::TcpStream::connect(("127.0.0.1", daemon.port)).unwrap());
    for number in 0..50 {
        client.check(&format!("DEBUG LOG number-{number}"), "+OK");
        let log = read(&folder.path().join("log"));
        assert!(log.contains(&format!("DEBUG LOG: number-{number}\n")), "{number}: {log}");
    }
}
