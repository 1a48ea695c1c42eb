//! Configuration: every parameter that exists, with its type, range and default, read by `CONFIG GET`, changed by `CONFIG SET`
//! and by the configuration file alike.
//!
//! A parameter is here only when something obeys it. [`Config`] holds the typed values that the engine and the node read;
//! [`parameters`] is the one table of names; [`Config::set`] is all or nothing.

mod memory;
mod output_limits;
pub mod parameters;
mod percentiles;

pub use memory::parse_memory;
pub use output_limits::{ClientClass, OutputLimit, OutputLimits};
pub use percentiles::{Percentile, Percentiles};

use parameters::{Parameter, find};

/// Typed values of all parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `bind`: addresses to listen on; a leading `-` means that its absence is no error.
    pub bind: Vec<String>,
    /// `port`; 0 means no TCP.
    pub port: i64,
    /// `tcp-backlog`.
    pub tcp_backlog: i64,
    /// `tcp-keepalive`, seconds; 0 is off.
    pub tcp_keepalive: i64,
    /// `unixsocket`; empty means none.
    pub unixsocket: String,
    /// `unixsocketperm`; 0 leaves the umask's.
    pub unixsocketperm: u32,
    /// `protected-mode`.
    pub protected_mode: bool,
    /// `requirepass`; empty means none.
    pub requirepass: String,
    /// `maxclients`.
    pub maxclients: i64,
    /// `timeout`: seconds after which an idle client is closed; 0 means never.
    pub timeout: i64,
    /// `databases`.
    pub databases: i64,
    /// `hz`: rounds of periodic work a second.
    pub hz: i64,
    /// `active-expire-effort`, 1 to 10.
    pub active_expire_effort: i64,
    /// `loglevel`.
    pub loglevel: String,
    /// `logfile`; empty means standard output.
    pub logfile: String,
    /// `dir`: the working directory.
    pub dir: String,
    /// `proto-max-bulk-len`, bytes.
    pub proto_max_bulk_len: u64,
    /// `rdbcompression`: whether long strings are compressed where they are written as RDB has them.
    pub rdbcompression: bool,
    /// `client-query-buffer-limit`, bytes.
    pub client_query_buffer_limit: u64,
    /// `client-output-buffer-limit`, by class.
    pub client_output_buffer_limit: OutputLimits,
    /// `lazyfree-lazy-user-flush`.
    pub lazyfree_lazy_user_flush: bool,
    /// `slowlog-log-slower-than`, microseconds; negative is off.
    pub slowlog_log_slower_than: i64,
    /// `slowlog-max-len`.
    pub slowlog_max_len: u64,
    /// `commandlog-request-larger-than`, bytes; negative is off.
    pub commandlog_request_larger_than: i64,
    /// `commandlog-large-request-max-len`.
    pub commandlog_large_request_max_len: u64,
    /// `commandlog-reply-larger-than`, bytes; negative is off.
    pub commandlog_reply_larger_than: i64,
    /// `commandlog-large-reply-max-len`.
    pub commandlog_large_reply_max_len: u64,
    /// `latency-monitor-threshold`, milliseconds; 0 is off.
    pub latency_monitor_threshold: i64,
    /// `latency-tracking`: whether durations are counted per command.
    pub latency_tracking: bool,
    /// `latency-tracking-info-percentiles`.
    pub latency_tracking_info_percentiles: Percentiles,
    /// `enable-debug-command`: `no`, `local` or `yes`.
    pub enable_debug_command: String,
    /// `enable-module-command`: `no`, `local` or `yes`.
    pub enable_module_command: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            bind: vec!["*".into(), "-::*".into()],
            port: 6379,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            unixsocket: String::new(),
            unixsocketperm: 0,
            protected_mode: true,
            requirepass: String::new(),
            maxclients: 10_000,
            timeout: 0,
            databases: 16,
            hz: 10,
            active_expire_effort: 1,
            loglevel: "notice".into(),
            logfile: String::new(),
            dir: ".".into(),
            proto_max_bulk_len: 512 << 20,
            rdbcompression: true,
            client_query_buffer_limit: 1 << 30,
            client_output_buffer_limit: OutputLimits::default(),
            lazyfree_lazy_user_flush: false,
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            commandlog_request_larger_than: 1 << 20,
            commandlog_large_request_max_len: 128,
            commandlog_reply_larger_than: 1 << 20,
            commandlog_large_reply_max_len: 128,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: Percentiles::default(),
            enable_debug_command: "no".into(),
            enable_module_command: "no".into(),
        }
    }
}

/// Why a change of configuration was refused: the parameter, and what is wrong with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// No such parameter, or a value is missing.
    Unknown(String),
    /// The parameter exists and refuses: its name and Redis's words.
    Refused(String, String),
}

impl Config {
    /// Applies all of `changes` (name, values) or none, as `CONFIG SET` does.
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice, fixed at run time, or that refuses its value.
    pub fn set_at_run_time(&mut self, changes: &[(&str, &str)]) -> Result<(), ConfigError> {
        let mut next = self.clone();
        let mut seen: Vec<&'static str> = Vec::with_capacity(changes.len());
        for (name, value) in changes {
            let parameter = find(name).ok_or_else(|| ConfigError::Unknown((*name).to_owned()))?;
            let refused = |why: &str| ConfigError::Refused((*name).to_owned(), why.to_owned());
            if !parameter.at_run_time {
                return Err(refused("can't set immutable config"));
            }
            if seen.contains(&parameter.name) {
                return Err(refused("duplicate parameter"));
            }
            seen.push(parameter.name);
            let split: Vec<&str> =
                if parameter.several_values { value.split_ascii_whitespace().collect() } else { vec![value] };
            parameter.set(&mut next, &split).map_err(|why| refused(&why))?;
        }
        *self = next;
        Ok(())
    }

    /// Applies one directive of a configuration file or of the command line.
    ///
    /// # Errors
    /// Redis's reason, as it is printed below the offending line.
    pub fn set_at_start(&mut self, name: &str, values: &[&str]) -> Result<(), String> {
        const BAD: &str = "Bad directive or wrong number of arguments";
        let parameter = find(name).ok_or_else(|| match parameters::closest(name) {
            Some(near) => format!("{BAD}. Did you mean '{near}'?"),
            None => BAD.to_owned(),
        })?;
        if values.is_empty() || (!parameter.several_values && values.len() != 1) {
            return Err("wrong number of arguments".to_owned());
        }
        parameter.set(self, values)
    }

    /// Every parameter whose name (or alias) matches `matches`, with its value as text, in order of name.
    pub fn get(&self, matches: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
        parameters::PARAMETERS.iter().filter(|p| matches(p.name)).map(|p: &Parameter| (p.name, p.get(self))).collect()
    }
}
