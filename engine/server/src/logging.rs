//! The log: Redis's line format, which operators' tools and the upstream test suites read.
//!
//! `<pid>:<role> <day> <month> <year> <time> <level> <text>`, local time. A line is written with one call, so lines of
//! several threads never mix, and control characters are escaped, so no client can forge a line. A log file is opened
//! anew for every line: rotating it needs no signal. A log that can't be written never stops the server.

mod level;
mod syslog;
mod timestamp;

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use refrain_core::config::SyslogFacility;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::Registry;

pub use self::level::LogLevel;
use self::syslog::Syslog;
use crate::crash;

/// A longer text is cut.
const TEXT_MAX: usize = 16 * 1024;

/// Who speaks: the letter behind the process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LogRole {
    /// A primary.
    Primary = b'M',
    /// A child process, or a server whose configuration is not loaded yet.
    Child = b'C',
}

/// The log of this process. Cheap to clone; changes take effect at once, for every thread.
#[derive(Debug, Clone)]
pub struct Logger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    level: AtomicU8,
    role: AtomicU8,
    file: RwLock<Option<PathBuf>>,
    syslog: OnceLock<Syslog>,
    colours: bool,
}

/// Makes this the process's log: standard output, level `notice`, role `C` until told otherwise.
///
/// # Errors
/// When the process has a log already.
pub fn install() -> Result<Logger, tracing::subscriber::SetGlobalDefaultError> {
    let logger = Logger::new();
    tracing::subscriber::set_global_default(Registry::default().with(logger.clone()))?;
    Ok(logger)
}

impl Logger {
    fn new() -> Logger {
        let shared = Shared {
            level: AtomicU8::new(LogLevel::Notice as u8),
            role: AtomicU8::new(LogRole::Child as u8),
            file: RwLock::new(None),
            syslog: OnceLock::new(),
            colours: io::stdout().is_terminal(),
        };
        Logger { shared: Arc::new(shared) }
    }

    /// What is logged now.
    pub fn level(&self) -> LogLevel {
        LogLevel::ALL[usize::from(self.shared.level.load(Ordering::Relaxed))]
    }

    /// Changes what is logged.
    pub fn set_level(&self, level: LogLevel) {
        self.shared.level.store(level as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Changes the role's letter.
    pub fn set_role(&self, role: LogRole) {
        self.shared.role.store(role as u8, Ordering::Relaxed);
    }

    /// Sends the log to `path`, or back to standard output.
    ///
    /// # Errors
    /// When the file can't be opened for appending; the log then stays where it was.
    pub fn set_file(&self, path: Option<PathBuf>) -> io::Result<()> {
        // Made absolute now, for `dir` may change the working directory later.
        let path = path.map(std::path::absolute).transpose()?;
        if let Some(path) = &path {
            open(path)?;
        }
        crash::set_log_file(path.as_deref());
        *self.shared.file.write().unwrap_or_else(PoisonError::into_inner) = path;
        Ok(())
    }

    /// Whether a person reads the log as it is written.
    pub fn is_on_terminal(&self) -> bool {
        self.shared.colours && self.file().is_none()
    }

    fn line(&self, level: LogLevel, text: &str) -> String {
        let to_terminal = self.is_on_terminal();
        let (colour, plain) = if to_terminal { (level.colour(), "\x1b[0m") } else { ("", "") };
        let mut line = format!(
            "{}:{} {} {colour}{}{plain} ",
            // Not remembered: the server may go into the background, and is another process then.
            std::process::id(),
            char::from(self.shared.role.load(Ordering::Relaxed)),
            timestamp::now(),
            level.mark(),
        );
        push_escaped(&mut line, text);
        line.push('\n');
        line
    }

    fn file(&self) -> Option<PathBuf> {
        self.shared.file.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Copies every line to syslog from here on, as `ident`, to that facility.
    pub fn set_syslog(&self, ident: &str, facility: SyslogFacility) {
        // The first call counts: a process has one name there.
        let _ = self.shared.syslog.set(Syslog::open(ident, facility));
    }

    /// Writes text as it is, without anything before it: the banner.
    pub fn raw(&self, level: LogLevel, text: &str) {
        if level >= self.level() && self.level() != LogLevel::Nothing {
            self.write(text.as_bytes());
            if let Some(syslog) = self.shared.syslog.get() {
                syslog.write(level, text);
            }
        }
    }

    /// A failure to log has nowhere to be told.
    fn write(&self, bytes: &[u8]) {
        let _ = match self.file() {
            Some(path) => open(&path).and_then(|mut file| file.write_all(bytes)),
            None => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
        };
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Appends `text` with control characters made visible, cut at the limit.
fn push_escaped(line: &mut String, text: &str) {
    let room = line.len() + TEXT_MAX;
    for character in text.chars() {
        if line.len() >= room {
            line.push_str("...");
            return;
        }
        if character.is_control() && character != '\t' {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}

impl<S: Subscriber> Layer<S> for Logger {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= self.level().filter() { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level().filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level().filter())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let (level, text) = (LogLevel::of(*event.metadata().level()), text.message + &text.fields);
        self.write(self.line(level, &text).as_bytes());
        if let Some(syslog) = self.shared.syslog.get() {
            syslog.write(level, &text);
        }
    }
}

/// The message of an event, and its other fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string can't fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Runs `act` with a log of its own, and returns what was written.
    fn logged(act: impl FnOnce(&Logger)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let logger = Logger::new();
        logger.set_file(Some(path.clone())).unwrap();
        tracing::subscriber::with_default(Registry::default().with(logger.clone()), || act(&logger));
        fs::read_to_string(&path).unwrap()
    }

    /// What follows the time stamp, and the role before it; the stamp's shape is checked on the way.
    fn parts(line: &str) -> (char, &str) {
        let (pid, rest) = line.split_once(':').unwrap();
        assert_eq!(pid, std::process::id().to_string());
        let stamp: Vec<char> = rest[2..26].chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        let shape: String = stamp.into_iter().collect();
        assert_eq!((&shape[..3], &shape[6..]), ("99 ", " 9999 99:99:99.999"), "{line}");
        (rest.chars().next().unwrap(), &rest[27..])
    }

    #[test]
    fn each_level_has_its_mark_and_filter() {
        for level in LogLevel::ALL {
            let text = logged(|logger| {
                logger.set_level(level);
                logger.set_role(LogRole::Primary);
                tracing::trace!("a");
                tracing::debug!("b");
                tracing::info!("c");
                tracing::warn!("d");
                tracing::error!("e");
            });
            let all = [('M', ". a"), ('M', "- b"), ('M', "* c"), ('M', "# d"), ('M', "# e")];
            let skipped = if level == LogLevel::Nothing { 5 } else { level as usize };
            assert_eq!(text.lines().map(parts).collect::<Vec<_>>(), all[skipped..], "{level:?}");
        }
    }

    #[test]
    fn level_and_role_change_while_running() {
        let text = logged(|logger| {
            for (level, role) in [(LogLevel::Warning, LogRole::Primary), (LogLevel::Debug, LogRole::Child)] {
                logger.set_level(level);
                logger.set_role(role);
                tracing::info!("the same callsite");
            }
        });
        assert_eq!(text.lines().map(parts).collect::<Vec<_>>(), [('C', "* the same callsite")]);
    }

    #[test]
    fn no_text_can_forge_a_line() {
        let name = "x\n1:M 01 Jan 2026 00:00:00.000 # forged\x1b[2J";
        let text = logged(|_| tracing::warn!(client = 7, name, "bad name: {name}"));
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(
            text.trim_end().ends_with("client=7 name=x\\n1:M 01 Jan 2026 00:00:00.000 # forged\\u{1b}[2J"),
            "{text}"
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "é".repeat(TEXT_MAX);
        let text = logged(|_| tracing::info!("{long}"));
        assert!(text.len() < TEXT_MAX + 100 && text.ends_with("é...\n"));
    }

    #[test]
    fn a_rotated_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let logger = Logger::new();
        logger.set_file(Some(path.clone())).unwrap();
        logger.write(b"one\n");
        fs::rename(&path, &old).unwrap();
        logger.write(b"two\n");
        assert_eq!(
            (fs::read_to_string(old).unwrap(), fs::read_to_string(path).unwrap()),
            ("one\n".into(), "two\n".into())
        );
        assert!(logger.set_file(Some(folder.path().join("no/such/folder"))).is_err());
    }
}
