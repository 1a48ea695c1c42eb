//! Servers under measurement: started from a command template on a free port of 127.0.0.1, in a temporary directory of
//! their own, and ended with everything they started when the value is dropped, be it by a panic or after Ctrl-C.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::kernel::{self, Ending};

/// Someone may take the port between our asking for a free one and the server's binding it.
const ATTEMPTS: usize = 3;

/// How long a server may take to answer its first PING. Under valgrind the start takes seconds.
const START: Duration = Duration::from_secs(60);

/// How long a server may take to end when asked to.
const END: Duration = Duration::from_secs(60);

/// A name and the command that starts the server, with `{port}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// As shown in reports.
    pub name: String,
    /// As typed.
    pub command: String,
}

impl Candidate {
    /// Reads `NAME=COMMAND`.
    ///
    /// # Errors
    /// When the name or `{port}` is missing.
    pub fn parse(text: &str) -> Result<Candidate, String> {
        let (name, command) = text.split_once('=').ok_or("expected NAME=COMMAND")?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("expected NAME=COMMAND, and {name:?} is no name"));
        }
        Candidate::new(name, command)
    }

    /// A candidate that will be shown as `name`.
    ///
    /// # Errors
    /// When the command has no `{port}` or cannot be split into words.
    pub fn new(name: &str, command: &str) -> Result<Candidate, String> {
        if !command.contains("{port}") {
            return Err(format!("the command of {name} does not say where the {{port}} goes: {command}"));
        }
        if words(command)?.is_empty() {
            return Err(format!("the command of {name} is empty"));
        }
        Ok(Candidate { name: name.to_owned(), command: command.to_owned() })
    }
}

/// How to start a candidate.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The only CPU that it may use.
    pub cpu: Option<usize>,
    /// Words put before its command: a tool that runs it.
    pub under: Vec<String>,
}

/// A running server.
pub struct Server {
    /// As shown in reports.
    pub name: String,
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Server {
    /// Starts the candidate and waits until it answers PING.
    ///
    /// # Errors
    /// When it cannot be started, ends, or stays silent; with the last lines that it wrote.
    pub fn start(candidate: &Candidate, surroundings: &Surroundings) -> io::Result<Server> {
        let mut attempt = 1;
        loop {
            match Server::start_once(candidate, surroundings) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn start_once(candidate: &Candidate, surroundings: &Surroundings) -> io::Result<Server> {
        let directory = tempfile::Builder::new().prefix("refrain-bench-").tempdir()?;
        let address = free_address()?;
        let child = spawn(candidate, surroundings, address.port(), directory.path())
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start {}: {error}", candidate.name)))?;
        let mut server = Server { name: candidate.name.clone(), child, address, directory };
        server.await_ping()?;
        Ok(server)
    }

    fn await_ping(&mut self) -> io::Result<()> {
        let start = Instant::now();
        loop {
            kernel::go_on()?;
            if let Some(status) = self.child.try_wait()? {
                let text = format!("{} ended before it answered ({status}):\n{}", self.name, self.last_words());
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
            }
            match Client::connect(self.address).and_then(|mut client| client.call(&["PING"])) {
                Ok(reply) if reply == "PONG" => return Ok(()),
                // Refused while it starts, or -LOADING.
                _ if start.elapsed() < START => thread::sleep(Duration::from_millis(20)),
                outcome => {
                    let text = format!("{} does not answer PING ({outcome:?}):\n{}", self.name, self.last_words());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it calls itself, from INFO: name and version, as far as given.
    pub fn version(&self) -> String {
        let info = Client::connect(self.address).and_then(|mut client| client.call(&["INFO", "server"]));
        let info = info.unwrap_or_default();
        for (field, name) in [("refrain_version", "Refrain"), ("valkey_version", "Valkey"), ("redis_version", "Redis")]
        {
            if let Some(version) = info_field(&info, field) {
                return format!("{name} {version}");
            }
        }
        "version unknown".to_owned()
    }

    /// Asks it to end with SIGTERM and waits, so that it, or the tool that it runs under, can write what it has to.
    ///
    /// # Errors
    /// When it does not end within a minute; it is killed when the value is dropped.
    pub fn end(mut self) -> io::Result<TempDir> {
        kernel::end_group(&self.child, Ending::Asked);
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            kernel::go_on()?;
            if start.elapsed() > END {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} does not end on SIGTERM", self.name)));
            }
            thread::sleep(Duration::from_millis(20));
        }
        let empty = tempfile::Builder::new().prefix("refrain-bench-").tempdir()?;
        Ok(std::mem::replace(&mut self.directory, empty))
    }

    fn last_words(&self) -> String {
        let text = fs::read(self.directory.path().join(LOG)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Waited for already, the pid may be someone else's by now.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            kernel::end_group(&self.child, Ending::Forced);
            // Nothing is left to do if waiting fails: the kernel kills it when we end.
            let _ = self.child.wait();
        }
    }
}

const LOG: &str = "bench-server.log";

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn spawn(candidate: &Candidate, surroundings: &Surroundings, port: u16, directory: &Path) -> io::Result<Child> {
    let own = words(&candidate.command).map_err(io::Error::other)?;
    let mut own = own.iter().map(|word| word.replace("{port}", &port.to_string()));
    let program = own.next().ok_or_else(|| io::Error::other("an empty command"))?;
    let mut line = surroundings.under.clone();
    line.push(absolute(&program)?.to_string_lossy().into_owned());
    line.extend(own);
    let log = File::create(directory.join(LOG))?;
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).current_dir(directory);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    kernel::prepare_child(&mut command, surroundings.cpu)?;
    command.spawn()
}

/// The server runs in another directory, so a program given by a relative path is looked up here and now. A bare name is
/// left to PATH.
fn absolute(program: &str) -> io::Result<PathBuf> {
    if !program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    fs::canonicalize(program).map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))
}

/// Splits a command line into words as a shell does: blanks separate, single and double quotes and backslashes keep.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"') | None, '\\') => {
                word.get_or_insert_default().push(letters.next().ok_or("a backslash at the end")?);
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(format!("an unclosed quote in {line}"));
    }
    words.extend(word);
    Ok(words)
}

/// A field of an INFO report.
pub fn info_field<'a>(info: &'a str, field: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(str::trim)
}

/// A client for the few questions asked outside of measurements; one request at a time.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// What the socket says.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    /// Sends one command and returns the text of its reply: a line or a bulk string.
    ///
    /// # Errors
    /// When the server answers with an error or an aggregate, or not at all.
    pub fn call(&mut self, arguments: &[&str]) -> io::Result<String> {
        let mut request = format!("*{}\r\n", arguments.len());
        for argument in arguments {
            request.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
        }
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.by_ref().take(64 << 10).read_line(&mut line)?;
        let text = line.trim_end();
        match text.as_bytes().first() {
            Some(b'+' | b':') => Ok(text[1..].to_owned()),
            Some(b'$' | b'=') => {
                let length: u64 = text[1..].parse().map_err(io::Error::other)?;
                let mut payload = vec![0; usize::try_from(length.min(16 << 20)).map_err(io::Error::other)?];
                self.stream.read_exact(&mut payload)?;
                self.stream.read_exact(&mut [0; 2])?;
                Ok(String::from_utf8_lossy(&payload).into_owned())
            }
            _ => Err(io::Error::other(format!("{} answered {text:?}", arguments[0]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell_does() {
        let check = |line: &str, expected: &[&str]| assert_eq!(words(line).unwrap(), expected, "{line}");
        check("  a  b ", &["a", "b"]);
        check(r#"s --save "" --name 'x y'"#, &["s", "--save", "", "--name", "x y"]);
        check(r#"a\ b "c\"d" 'e\f' g"h"i"#, &["a b", "c\"d", r"e\f", "ghi"]);
        check("", &[]);
        assert!(words("a 'b").is_err() && words("a\\").is_err());
    }

    #[test]
    fn a_candidate_needs_a_name_and_a_port() {
        let parsed = Candidate::parse("valkey=valkey-server --port {port} --save ''").unwrap();
        assert_eq!(parsed.name, "valkey");
        assert_eq!(parsed.command, "valkey-server --port {port} --save ''");
        for bad in ["valkey-server", "=x {port}", "a b=x {port}", "a=x", "a=x '{port}"] {
            assert!(Candidate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "# Server\r\nredis_version_x:1\r\nredis_version:7.0.15\r\n";
        assert_eq!(info_field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(info_field(info, "redis"), None);
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_last_words() {
        let candidate = Candidate::new("liar", "sh -c 'echo no {port}; exit 3'").unwrap();
        let error = Server::start(&candidate, &Surroundings::default()).err().expect("it ended");
        assert!(error.to_string().contains("exit status: 3") && error.to_string().contains("no "), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let candidate = Candidate::new("none", "./no/such/program {port}").unwrap();
        let error = Server::start(&candidate, &Surroundings::default()).err().expect("there is none");
        assert!(error.to_string().contains("./no/such/program"), "{error}");
    }
}
