//! What the server does beside its loop, once a round and never for long: it keeps what a crash report would tell up to date,
//! and tells the supervisor that the loop turns.

use std::fmt::Write as _;
use std::time::Duration;

use refrain_core::config::{Config, parameters};
use refrain_core::{Engine, Hooks};

use crate::crash::{RECORDER, watchdog};
use crate::process::supervisor::Supervisor;

/// Between two texts about the server: what a crash report tells is that old at most. Making one takes a few tens of microseconds.
const TELL_EVERY_US: u64 = 1_000_000;

/// Clients that a crash report describes: those that sent the last commands.
const CLIENTS_MAX: usize = 16;

/// See the module.
pub struct Upkeep {
    watchdog_us: Option<u64>,
    next_tell_us: u64,
    next_watchdog_us: u64,
    next_put_off_us: u64,
}

impl Upkeep {
    /// `watchdog` is how often the supervisor wants to hear of the loop.
    pub fn new(watchdog: Option<Duration>) -> Upkeep {
        let watchdog_us = watchdog.map(|period| u64::try_from(period.as_micros()).unwrap_or(u64::MAX));
        Upkeep { watchdog_us, next_tell_us: 0, next_watchdog_us: 0, next_put_off_us: 0 }
    }

    /// Everything that is done between two rounds.
    #[inline]
    pub fn round_has_ended<H: Hooks>(&mut self, engine: &mut Engine<H>, supervisor: &Supervisor) {
        RECORDER.settle();
        let now_us = engine.state().now.mono_us;
        if now_us >= self.next_tell_us {
            self.next_tell_us = now_us + TELL_EVERY_US;
            self.tell(engine);
        }
        self.put_off_watchdog(engine.config().process.watchdog_period, now_us);
        if let Some(period_us) = self.watchdog_us
            && now_us >= self.next_watchdog_us
        {
            self.next_watchdog_us = now_us + period_us;
            supervisor.alive();
        }
    }

    /// Has a crash report from here on tell how the server is now.
    pub fn tell<H: Hooks>(&self, engine: &mut Engine<H>) {
        RECORDER.tell(&about(engine));
    }

    /// The loop has come round: the watchdog's timer begins anew, though not more often than eight times a period, because each
    /// time is a call to the system.
    #[inline]
    fn put_off_watchdog(&mut self, period_ms: i64, now_us: u64) {
        if period_ms > 0 && now_us >= self.next_put_off_us {
            let period = u32::try_from(period_ms).unwrap_or(u32::MAX);
            self.next_put_off_us = now_us + u64::from(period) * 1000 / 8;
            watchdog::arm(period);
        }
    }
}

/// The sections of a crash report that only the engine can tell.
fn about<H: Hooks>(engine: &mut Engine<H>) -> String {
    let mut clients: Vec<String> = Vec::new();
    for command in RECORDER.recent() {
        let client = command.client.to_string();
        if clients.len() < CLIENTS_MAX && !clients.contains(&client) {
            clients.push(client);
        }
    }
    let mut words: Vec<&[u8]> = vec![b"CLIENT", b"LIST", b"ID"];
    words.extend(clients.iter().map(String::as_bytes));
    let clients = if clients.is_empty() { None } else { engine.ask(&words) };
    let info = engine.ask(&[b"INFO", b"everything"]).unwrap_or_default();
    format!(
        "\n------ INFO OUTPUT ------\n{}\n------ CLIENT LIST OUTPUT ------\n{}\n------ CONFIG DEBUG OUTPUT ------\n{}",
        info.replace("\r\n", "\n"),
        clients.unwrap_or_default(),
        changed(engine.config())
    )
}

/// Every parameter that is not at its default, a line each, without secrets.
fn changed(config: &Config) -> String {
    let default = Config::default();
    let mut lines = String::new();
    for parameter in parameters() {
        let value = parameter.get(config);
        if value == parameter.get(&default) {
            continue;
        }
        let value = if parameter.is_sensitive { "(redacted)".to_owned() } else { value.escape_ascii().to_string() };
        let _ = writeln!(lines, "{} {value}", parameter.name);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_not_told() {
        let mut config = Config::default();
        assert_eq!(changed(&config), "");
        config.set_at_start("requirepass", &[b"hush hush"]).unwrap();
        config.set_at_start("maxclients", &[b"7"]).unwrap();
        assert_eq!(changed(&config), "requirepass (redacted)\nmaxclients 7\n");
    }
}
