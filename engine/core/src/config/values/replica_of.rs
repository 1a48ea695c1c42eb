//! `replicaof`: the primary that this node follows.

use super::WRONG_NUMBER;
use crate::config::When;
use crate::config::numbers::parse_lenient;
use crate::config::parameter::Special;
use crate::config::quoting::word;

/// A primary's host and port, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplicaOf(pub Option<(String, u16)>);

impl Special for ReplicaOf {
    fn show(&self) -> String {
        self.0.as_ref().map_or(String::new(), |(host, port)| format!("{host} {port}"))
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let [host, port] = words else { return Err(WRONG_NUMBER.to_owned()) };
        if host.eq_ignore_ascii_case("no") && port.eq_ignore_ascii_case("one") {
            self.0 = None;
            return Ok(());
        }
        let port = parse_lenient(port, 10).and_then(|port| u16::try_from(port).ok()).ok_or("Invalid master port")?;
        self.0 = Some(((*host).to_owned(), port));
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(host, port)| format!("{} {port}", word(host))).collect()
    }
}
