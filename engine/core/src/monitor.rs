//! MONITOR: every command that executes, shown to whoever asked, one line each.
//!
//! A line has the time at which the command ended, its database, its client's address, and its words quoted so that a shell
//! could read them. Administrative commands are never shown, secrets never repeated. Commands of a transaction are shown when
//! they execute, EXEC behind them.

use crate::call::Args;
use crate::clock::Now;
use crate::redaction;
use crate::session::{Closing, Session, SessionId};
use crate::state::State;
use crate::table::{Command, Flags};

/// Clients that are shown all commands, in the order in which they asked.
#[derive(Debug, Default)]
pub struct Monitors {
    sessions: Vec<SessionId>,
    /// The line that is on its way; kept for its capacity.
    line: Vec<u8>,
}

impl Monitors {
    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }
}

impl State {
    /// Shows commands to a client from here on.
    pub(crate) fn monitor(&mut self, session: &mut Session) {
        session.monitors = true;
        self.monitors.sessions.push(session.handle);
        self.listeners_changed();
    }

    /// Shows it none any more.
    pub(crate) fn stop_monitoring(&mut self, session: &mut Session) {
        if std::mem::take(&mut session.monitors) {
            self.monitors.sessions.retain(|id| *id != session.handle);
            self.listeners_changed();
        }
    }

    /// Shows a command that has executed.
    pub(crate) fn show_to_monitors(&mut self, session: &Session, command: &Command, args: Args<'_>, now: Now) {
        if self.monitors.is_empty() || command.flags.intersects(Flags::ADMIN.with(Flags::SKIP_MONITOR)) {
            return;
        }
        let mut line = std::mem::take(&mut self.monitors.line);
        line.clear();
        let (seconds, micros) = (now.unix_us / 1_000_000, now.unix_us % 1_000_000);
        let address = match session.origin.remote.strip_suffix(":0") {
            Some(path) if session.origin.is_unix => format!("unix:{path}"),
            _ => session.origin.remote.clone(),
        };
        line.extend_from_slice(format!("+{seconds}.{micros:06} [{} {address}]", session.db).as_bytes());
        for i in 0..args.len() {
            line.push(b' ');
            quote(redaction::shown(command, args, i), &mut line);
        }
        line.extend_from_slice(b"\r\n");
        let monitors = std::mem::take(&mut self.monitors.sessions);
        for id in &monitors {
            // A client that is on its way out is owed what it was answered, and nothing more.
            let is_deaf = |monitor: &Session| monitor.is_silenced() || monitor.closing != Closing::Open;
            if !is_deaf(self.sessions.get(*id).unwrap_or(session)) {
                self.push(*id, |encoder| encoder.encoded(&line));
            }
        }
        (self.monitors.sessions, self.monitors.line) = (monitors, line);
    }
}

/// Appends bytes in quotes, as Redis prints what it was sent.
fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(*byte),
            _ => {
                let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn every_byte_is_shown_as_something_printable() {
        let quoted = |bytes: &[u8]| {
            let mut out = Vec::new();
            quote(bytes, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(quoted(b"a b\"\\\n\r\t\x07\x08\x00\x7f\xff"), r#""a b\"\\\n\r\t\a\b\x00\x7f\xff""#);
        assert_eq!(quoted(b""), r#""""#);
    }
}
