//! Parameters of the process put into effect, at the start and when CONFIG SET changes them.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use refrain_core::Config;
use refrain_tokio::{SocketOptions, TokioRuntime};

use super::descriptors;
use super::oom_score::OomScore;
use super::reason;
use super::title::Title;
use crate::crash::{self, watchdog};

/// What the parameters act on.
pub struct Parameters {
    runtime: TokioRuntime,
    title: Option<Title>,
    oom_score: OomScore,
}

impl Parameters {
    /// Acts on sockets that `runtime` opens from now on, and on the title that is shown at `title`.
    pub fn new(runtime: TokioRuntime, title: Option<Title>) -> Parameters {
        Parameters { runtime, title, oom_score: OomScore::default() }
    }

    /// Puts all of them into effect before the server serves. What the system refuses is in the log.
    pub fn apply_all(&mut self, config: &mut Config) {
        const AT_START: [&str; 6] = [
            "tcp-keepalive",
            "crash-log-enabled",
            "oom-score-adj",
            "locale-collate",
            "proc-title-template",
            "watchdog-period",
        ];
        for parameter in AT_START {
            if let Err(why) = self.apply(parameter, config) {
                tracing::warn!("{parameter}: {why}");
            }
        }
    }

    /// Puts one of them into effect; a parameter that does not concern the process is none of its business.
    ///
    /// # Errors
    /// What CONFIG SET says of it. Nothing has changed then.
    pub fn apply(&mut self, parameter: &str, config: &mut Config) -> Result<(), String> {
        match parameter {
            "dir" => enter(config)?,
            "appendonly" if config.persistence.appendonly => check_append_dir(config)?,
            "maxclients" => make_room(config)?,
            "tcp-keepalive" => self.runtime.set_socket_options(socket_options(config)),
            "crash-log-enabled" | "use-exit-on-panic" => {
                crash::configure(config.logging.crash_log_enabled, config.process.use_exit_on_panic);
            }
            "oom-score-adj" | "oom-score-adj-values" => {
                let applied =
                    self.oom_score.apply(config.process.oom_score_adj, config.process.oom_score_adj_values.primary);
                applied.map_err(|_| "Failed to set current oom_score_adj. Check server logs.".to_owned())?;
            }
            "watchdog-period" | "hz" => set_watchdog(config),
            "locale-collate" => set_locale(&config.process.locale_collate)?,
            "proc-title-template" | "port" | "bind" => {
                if let Some(title) = &self.title {
                    title.show(config);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn enter(config: &mut Config) -> Result<(), String> {
    let entered = std::env::set_current_dir(&config.process.dir.0).and_then(|()| std::env::current_dir());
    let dir = entered.map_err(|error| reason(&error))?;
    if let Ok(dir) = dir.into_os_string().into_string() {
        config.process.dir.0 = dir;
    }
    Ok(())
}

/// Whether there can be an append-only file: its folder is made if it is missing, and it must be possible to write in it.
fn check_append_dir(config: &Config) -> Result<(), String> {
    let folder = Path::new(&config.process.dir.0).join(&config.persistence.appenddirname);
    let made = match fs::create_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    };
    made.and_then(|()| can_write_in(&folder)).map_err(|error| {
        tracing::warn!("Can't write in the append-only dir {}: {}", folder.display(), reason(&error));
        "Unable to turn on AOF. Check server logs.".to_owned()
    })
}

/// Whether a file can be made in a folder: one without a name, that nobody ever sees. Where the file system has no such files, it is not
/// known and found out by whoever makes one.
fn can_write_in(folder: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(folder) {
        Err(error) if !matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::ENOENT)) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

fn make_room(config: &Config) -> Result<(), String> {
    let possible = descriptors::make_room(config.limits.maxclients).unwrap_or(0);
    match possible < config.limits.maxclients {
        true => Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {possible}"
        )),
        false => Ok(()),
    }
}

fn socket_options(config: &Config) -> SocketOptions {
    let network = &config.network;
    SocketOptions {
        backlog: u32::try_from(network.tcp_backlog).unwrap_or(511),
        keepalive: u64::try_from(network.tcp_keepalive).ok().filter(|s| *s > 0).map(Duration::from_secs),
    }
}

/// A round that takes as long as the time between two ticks is none that got stuck: a shorter period becomes two of those.
fn set_watchdog(config: &mut Config) {
    let process = &mut config.process;
    if process.watchdog_period > 0 {
        let tick_ms = 1000 / process.hz.max(1);
        process.watchdog_period = process.watchdog_period.max(2 * tick_ms);
    }
    let period = u32::try_from(process.watchdog_period).unwrap_or(0);
    watchdog::listen(period > 0);
    watchdog::arm(period);
}

fn set_locale(name: &str) -> Result<(), String> {
    let name = CString::new(name).map_err(|_| "Invalid locale name".to_owned())?;
    // SAFETY: setlocale reads a string that ends in NUL. Nothing else in this process reads or sets the locale, and no
    // function whose result depends on it is called on another thread.
    let known = unsafe { libc::setlocale(libc::LC_COLLATE, name.as_ptr()) };
    if known.is_null() { Err("Invalid locale name".to_owned()) } else { Ok(()) }
}
