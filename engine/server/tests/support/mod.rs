//! What the tests of the binary share: starting it on a free port, reading its log, talking to it.
//!
//! Nothing here sleeps and nothing decides by a clock: a test waits for a line of the log, for bytes, or for an end of
//! file. A server that is dropped is killed, so that no test leaves one behind.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the real binary over real sockets"
)]

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_refrain-server");

/// What the log says once clients may connect.
pub const READY: &str = "Ready to accept connections";

/// A command that runs the binary with no configuration but `arguments`.
pub fn command(arguments: &[&str]) -> Command {
    // Each in a folder of its own: what one keeps on disk is not for the next.
    static FOLDERS: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}", std::process::id(), FOLDERS.fetch_add(1, Ordering::Relaxed));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("cargo's own folder for tests can be written to");
    let mut command = Command::new(BINARY);
    command.current_dir(folder);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A port that was free a moment ago. Whoever uses it must be ready to find it taken.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A running server.
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Everything that was read of the log so far.
    pub log: String,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// Starts a server on 127.0.0.1 and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Server {
        loop {
            let port = free_port();
            let port_text = port.to_string();
            let all = [&["--port", &port_text, "--bind", "127.0.0.1"], arguments].concat();
            let mut server = Server::spawn(&mut command(&all), port);
            if server.read_until(READY) {
                return server;
            }
            // Somebody else took the port in between: not what the test is about.
            assert!(server.log.contains("Failed listening on port"), "the server did not start:\n{}", server.log);
        }
    }

    /// Starts a server by a command of the test's own, and waits for nothing.
    pub fn spawn(command: &mut Command, port: u16) -> Server {
        let mut child = command.spawn().expect("the binary was built with this test");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        Server { child, output, log: String::new(), port }
    }

    /// Reads the log up to a line that contains `text`. False when the log ended before.
    pub fn read_until(&mut self, text: &str) -> bool {
        loop {
            let mut line = Vec::new();
            let read = self.output.read_until(b'\n', &mut line).expect("a pipe can be read");
            let line = String::from_utf8_lossy(&line);
            self.log.push_str(&line);
            if read == 0 || line.contains(text) {
                return read > 0;
            }
        }
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub fn expect_log(&mut self, text: &str) {
        assert!(self.read_until(text), "the log ended without `{text}`:\n{}", self.log);
    }

    /// A new connection.
    pub fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, given by its name as kill(1) knows it.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill(1) is there").success(), "the process is there to be signalled");
    }

    /// Waits for the process's end and reads the rest of its log.
    pub fn wait(&mut self) -> ExitStatus {
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).expect("a pipe can be read");
        self.log.push_str(&String::from_utf8_lossy(&rest));
        self.child.wait().expect("the child is ours")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended by itself, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end: exit code, standard output, standard error.
pub fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(arguments).output().expect("the binary was built with this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A stream that can be given up on.
pub trait Stream: std::io::Read + std::io::Write {
    /// How long a read may take before the test fails.
    fn set_patience(&self, patience: Duration);
}

impl Stream for TcpStream {
    fn set_patience(&self, patience: Duration) {
        self.set_read_timeout(Some(patience)).expect("the time is not zero");
    }
}

impl Stream for std::os::unix::net::UnixStream {
    fn set_patience(&self, patience: Duration) {
        self.set_read_timeout(Some(patience)).expect("the time is not zero");
    }
}

/// A connection that sends and expects bytes.
pub struct Client<S: Stream> {
    stream: S,
}

/// A reply that never comes would hang the test; this turns it into a failure. It bounds, and never decides, what is seen.
const PATIENCE: Duration = Duration::from_secs(120);

impl<S: Stream> Client<S> {
    /// Over that stream.
    pub fn new(stream: S) -> Client<S> {
        stream.set_patience(PATIENCE);
        Client { stream }
    }

    /// Sends bytes as they are. A server that has closed already may refuse them: that is for the reads to see.
    pub fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error) if !is_closed(error.kind()) => panic!("sending failed: {error}"),
            _ => {}
        }
    }

    /// As many bytes as `expected` has, or fewer when the connection ended.
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut received = vec![0; count];
        let mut have = 0;
        while have < count {
            match self.stream.read(&mut received[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(error) if is_closed(error.kind()) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    panic!("waiting for {count} bytes after {:?}: {error}", received[..have].escape_ascii().to_string())
                }
            }
        }
        received.truncate(have);
        received
    }

    /// Everything until the server ends the connection.
    pub fn receive_to_end(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        while let [byte] = self.receive(1)[..] {
            received.push(byte);
        }
        received
    }

    /// Sends a line and checks the reply, both without their line end.
    #[track_caller]
    pub fn check(&mut self, line: &str, reply: &str) {
        self.send(format!("{line}\r\n").as_bytes());
        self.expect(format!("{reply}\r\n").as_bytes());
    }

    /// Checks that exactly these bytes come next.
    #[track_caller]
    pub fn expect(&mut self, expected: &[u8]) {
        let received = self.receive(expected.len());
        assert!(received == expected, "expected `{}`, received `{}`", expected.escape_ascii(), received.escape_ascii());
    }
}

/// A peer that closed with bytes of ours unread shows as a reset, and a closed one as a broken pipe.
fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted)
}
