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

    /// INFO persistence, all of it as it is at one moment.
    pub fn persistence(&mut self) -> Result<Persistence, Failed> {
        let text = self.call(&["INFO", "persistence"])?.concat();
        Ok(Persistence { text })
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

/// What a server says of its files at one moment: whatever depends on several fields is judged by one of these.
pub struct Persistence {
    text: String,
}

impl Persistence {
    /// A field.
    pub fn field(&self, name: &str) -> Result<&str, Failed> {
        let found = self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::trim).ok_or_else(|| format!("INFO has no {name}"))
    }

    /// A field that is a number.
    pub fn number(&self, name: &str) -> Result<u64, Failed> {
        let text = self.field(name)?;
        text.parse().map_err(|_| format!("{name} is {text:?}"))
    }

    /// Whether everything that has begun is over, and more has begun than its counter said `before`. What has
    /// failed is an error.
    pub fn is_done(&self, work: &Work, before: u64) -> Result<bool, Failed> {
        let begun = self.number(work.counter)? > before;
        let is_over = work.under_way.iter().map(|name| self.field(name)).collect::<Result<Vec<_>, _>>()?;
        if !begun || is_over.iter().any(|value| *value != "0") {
            return Ok(false);
        }
        match self.field(work.status)? {
            "ok" => Ok(true),
            _ => Err(format!("{} has failed; the server's log says why.", work.command)),
        }
    }
}

/// Work in the background, and the fields that tell of it.
pub struct Work {
    /// What it is asked for with.
    pub command: &'static str,
    /// How often it has begun since the server's start, whoever has reset its statistics.
    pub counter: &'static str,
    /// "0" when none is under way.
    pub under_way: &'static [&'static str],
    /// "ok" unless the last has failed.
    pub status: &'static str,
}

/// A snapshot.
pub const SNAPSHOT: Work = Work {
    command: "BGSAVE",
    counter: "rdb_saves_since_start",
    under_way: &["rdb_bgsave_in_progress"],
    status: "rdb_last_bgsave_status",
};

/// A rewrite of the append-only file.
pub const REWRITE: Work = Work {
    command: "BGREWRITEAOF",
    counter: "aof_rewrites_since_start",
    under_way: &["aof_rewrite_in_progress", "aof_rewrite_scheduled"],
    status: "aof_last_bgrewrite_status",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &[&str]) -> Persistence {
        Persistence { text: lines.join("\r\n") }
    }

    #[test]
    fn work_is_done_when_more_has_begun_and_all_of_it_has_ended() {
        let save = |progress: u64, saves: u64, status: &str| {
            let lines = [
                format!("rdb_bgsave_in_progress:{progress}"),
                format!("rdb_saves_since_start:{saves}"),
                format!("rdb_last_bgsave_status:{status}"),
            ];
            report(&lines.each_ref().map(String::as_str)).is_done(&SNAPSHOT, 3)
        };
        assert_eq!(save(0, 3, "ok"), Ok(false), "it is scheduled");
        assert_eq!(save(1, 4, "ok"), Ok(false), "it is under way");
        assert_eq!(save(0, 4, "ok"), Ok(true));
        assert_eq!(save(0, 3, "err"), Ok(false), "what has failed was another");
        assert_eq!(save(0, 4, "err"), Err("BGSAVE has failed; the server's log says why.".to_owned()));
        assert!(report(&["rdb_saves_since_start:x"]).is_done(&SNAPSHOT, 3).is_err());
        assert!(report(&["rdb_saves_since_start:9"]).is_done(&SNAPSHOT, 3).is_err());
    }
}
