//! A client for the few questions that a backup asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Failed;

/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// A reply is never longer.
const REPLY_MAX: u64 = 16 << 20;

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    /// Connects.
    pub fn connect(address: &str) -> Result<Client, Failed> {
        let said = |error: std::io::Error| format!("{address}: {error}");
        let stream = TcpStream::connect(address).map_err(said)?;
        stream.set_read_timeout(Some(SILENCE)).map_err(said)?;
        Ok(Client { stream: BufReader::new(stream), address: address.to_owned() })
    }

    /// Sends a command and gives its reply: a line, a string, or the strings of an array.
    pub fn call(&mut self, words: &[&str]) -> Result<Vec<String>, Failed> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(request.as_bytes()).map_err(|error| self.said(&error))?;
        let line = self.line()?;
        let count = match line.strip_prefix('*') {
            Some(count) => count.parse::<usize>().map_err(|_| format!("{}: {line:?} is no reply", self.address))?,
            None => return Ok(vec![self.string(&line)?]),
        };
        (0..count)
            .map(|_| {
                let line = self.line()?;
                self.string(&line)
            })
            .collect()
    }

    /// A parameter's value.
    pub fn parameter(&mut self, name: &str) -> Result<String, Failed> {
        let mut reply = self.call(&["CONFIG", "GET", name])?;
        reply.pop().filter(|_| reply.len() == 1).ok_or_else(|| format!("{}: it has no parameter {name}", self.address))
    }

    /// A field of INFO persistence.
    pub fn info(&mut self, field: &str) -> Result<String, Failed> {
        let text = self.call(&["INFO", "persistence"])?.concat();
        let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.map(|value| value.trim().to_owned()).ok_or_else(|| format!("{}: INFO has no {field}", self.address))
    }

    /// The same of a field that is a number.
    pub fn info_number(&mut self, field: &str) -> Result<u64, Failed> {
        let text = self.info(field)?;
        text.parse().map_err(|_| format!("{}: {field} is {text:?}", self.address))
    }

    fn line(&mut self) -> Result<String, Failed> {
        let mut line = String::new();
        let read = self.stream.by_ref().take(REPLY_MAX).read_line(&mut line).map_err(|error| self.said(&error))?;
        if read == 0 {
            return Err(format!("{}: the server has closed the connection", self.address));
        }
        Ok(line.trim_end().to_owned())
    }

    fn string(&mut self, line: &str) -> Result<String, Failed> {
        let (kind, rest) = line.split_at_checked(1).unwrap_or(("", ""));
        match kind {
            "+" | ":" => Ok(rest.to_owned()),
            "$" => {
                let len = rest.parse::<u64>().ok().filter(|len| *len <= REPLY_MAX);
                let len = len.ok_or_else(|| format!("{}: {line:?} is no reply", self.address))?;
                let mut bytes = vec![0; usize::try_from(len).expect("it is small") + 2];
                self.stream.read_exact(&mut bytes).map_err(|error| self.said(&error))?;
                bytes.truncate(bytes.len() - 2);
                String::from_utf8(bytes).map_err(|_| format!("{}: a reply is no text", self.address))
            }
            "-" => Err(format!("{}: {rest}", self.address)),
            _ => Err(format!("{}: {line:?} is no reply", self.address)),
        }
    }

    fn said(&self, error: &std::io::Error) -> Failed {
        format!("{}: {error}", self.address)
    }
}
