//! Configuration: every parameter, with its type, range and default, read by CONFIG GET, changed by CONFIG SET and by the
//! configuration file alike.
//!
//! [`Config`] holds the typed values, grouped by what they are about; the lines that declare the groups are the one table of
//! parameters. [`Config::changed`] is all or nothing. A parameter of a feature that does not exist is kept, checked and shown
//! like any other, and named to whoever sets it to something ([`Config::without_effect`]).

mod choice;
mod groups;
mod numbers;
mod parameter;
mod quoting;
mod rewrite;
mod start;
mod table;
mod values;

pub use choice::Choice;
pub use groups::{
    Acl, Allowed, AppendFsync, ChannelsDefault, Cluster, DisklessLoad, Encodings, Endpoint, EvictionPolicy, Limits,
    LogFormat, LogLevel, LogTimestampFormat, Logging, Memory, Monitoring, Network, OomScoreAdj, Persistence, Process,
    PropagationError, Replication, Sanitize, Scripting, Supervised, SyslogFacility, Tls, TlsAuth,
};
pub use numbers::parse_memory;
pub use parameter::Parameter;
pub use quoting::{quote, split_args};
pub use rewrite::Rewrite;
pub use start::Start;
pub use table::{closest, find, parameters};
pub use values::{
    BindAddresses, ClientClass, ClientMemory, Directory, OomScores, OutputLimit, OutputLimits, Percentile, Percentiles,
    ReplicaOf, SavePoint, SavePoints, ShutdownOn, expand_title,
};

/// Typed values of all parameters, and what else the configuration says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Where clients reach the server.
    pub network: Network,
    /// How much clients may take.
    pub limits: Limits,
    /// Who may do what.
    pub acl: Acl,
    /// How memory is used.
    pub memory: Memory,
    /// Up to which size values keep their compact encodings.
    pub encodings: Encodings,
    /// What is logged, and where.
    pub logging: Logging,
    /// How the process runs.
    pub process: Process,
    /// What the server remembers of its own work.
    pub monitoring: Monitoring,
    /// What is kept on disk.
    pub persistence: Persistence,
    /// How a replica follows its primary.
    pub replication: Replication,
    /// How nodes form a cluster.
    pub cluster: Cluster,
    /// Encrypted connections.
    pub tls: Tls,
    /// Scripts and functions.
    pub scripting: Scripting,
    /// What only the start can say.
    pub start: Start,
}

/// When a parameter is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// By a configuration file, or an option of the command line.
    Starting,
    /// By CONFIG SET.
    Running,
}

/// One change that CONFIG SET asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The parameter's name or alias, as it was typed.
    pub name: &'a [u8],
    /// The new value.
    pub value: &'a [u8],
}

/// Why a change of configuration was refused. Names are as errors show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no such parameter.
    Unknown(Vec<u8>),
    /// The parameter exists and refuses: its name and Redis's words.
    Refused(Vec<u8>, String),
}

/// The range of `hz`; whatever is beyond becomes the nearest.
const HZ: std::ops::RangeInclusive<i64> = 1..=500;

/// The least `repl-backlog-size`; whatever is below becomes this.
const BACKLOG_MIN: u64 = 16 * 1024;

impl Config {
    /// The configuration with all of `changes` made, and the parameters that have another value in it, in their order.
    /// `may_change_protected` says what `enable-protected-configs` allows whoever asks.
    ///
    /// # Errors
    /// The first parameter that is unknown, fixed, protected or given twice; else the first that refuses its value.
    pub fn changed(
        &self,
        changes: &[Change<'_>],
        may_change_protected: bool,
    ) -> Result<(Config, Vec<&'static Parameter>), ConfigError> {
        let mut found: Vec<(&'static str, &'static Parameter)> = Vec::with_capacity(changes.len());
        for Change { name, .. } in changes {
            let refused = |why: &str| Err(ConfigError::Refused(name.to_vec(), why.to_owned()));
            let Some((known, parameter)) = find(name) else { return Err(ConfigError::Unknown(name.to_vec())) };
            if parameter.is_fixed {
                return refused("can't set immutable config");
            }
            if parameter.is_protected && !may_change_protected {
                return refused("can't set protected config");
            }
            if found.iter().any(|(name, _)| *name == known) {
                return refused("duplicate parameter");
            }
            found.push((known, parameter));
        }
        let mut next = self.clone();
        for ((name, parameter), Change { value, .. }) in found.iter().zip(changes) {
            let words: Vec<&[u8]> = match parameter.several_values {
                true if value.is_empty() => Vec::new(),
                true => value.split(|byte| *byte == b' ').collect(),
                false => vec![value],
            };
            let refused = |why| ConfigError::Refused(name.as_bytes().to_vec(), why);
            parameter.set(&mut next, &words, When::Running).map_err(refused)?;
        }
        next.clamp();
        let differing =
            found.into_iter().map(|(_, parameter)| parameter).filter(|p| p.get(self) != p.get(&next)).collect();
        Ok((next, differing))
    }

    /// Rounds of periodic work a second when so many clients are connected: `hz`, doubled under `dynamic-hz` for as long as a
    /// round has many clients to look at.
    pub fn rounds_per_second(&self, clients: usize) -> u64 {
        const CLIENTS_A_ROUND: u64 = 200;
        let clients = u64::try_from(clients).unwrap_or(u64::MAX);
        let most = u64::try_from(*HZ.end()).expect("the range is positive");
        let mut hz = u64::try_from(self.process.hz.clamp(*HZ.start(), *HZ.end())).expect("the range is positive");
        while self.process.dynamic_hz && clients / hz > CLIENTS_A_ROUND && hz < most {
            hz = (hz * 2).min(most);
        }
        hz
    }

    /// Brings into range what is taken out of range.
    fn clamp(&mut self) {
        self.process.hz = self.process.hz.clamp(*HZ.start(), *HZ.end());
        self.replication.repl_backlog_size = self.replication.repl_backlog_size.max(BACKLOG_MIN);
    }

    /// Every name whose parameter is to be shown for `pattern`, with its value: a name given in full is itself shown, as it
    /// was typed; a pattern shows the names and the aliases that it matches, hidden ones excepted.
    pub fn get(&self, asked: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        if !asked.iter().any(|byte| b"[*?".contains(byte)) {
            return find(asked).map(|(_, p)| (asked.to_vec(), p.get(self))).into_iter().collect();
        }
        let pattern = asked.to_ascii_lowercase();
        let names = |p: &'static Parameter| {
            let alias = (!p.alias.is_empty() && !p.alias_is_hidden).then_some(p.alias);
            [Some(p.name), alias].into_iter().flatten().filter(|_| !p.is_hidden).map(move |name| (name, p))
        };
        let shown = parameters().flat_map(names).filter(|(name, _)| crate::glob::matches(&pattern, name.as_bytes()));
        shown.map(|(name, p)| (name.as_bytes().to_vec(), p.get(self))).collect()
    }

    /// Parameters that were set to something although what would obey them is missing.
    pub fn without_effect(&self) -> impl Iterator<Item = &'static Parameter> {
        let default = Config::default();
        parameters().filter(move |p| p.missing.is_some() && p.asks_for_something(self, &default))
    }
}

impl Parameter {
    /// Whether it has another value than its default, and not an empty one.
    fn asks_for_something(&self, config: &Config, default: &Config) -> bool {
        let value = self.get(config);
        !value.is_empty() && value != self.get(default)
    }

    /// What is logged when it is set although what would obey it is missing; `None` when nothing is, or when the value asks
    /// for nothing.
    pub fn warning(&self, config: &Config) -> Option<String> {
        let feature = self.missing?;
        let value = match self.is_sensitive {
            true => "(redacted)".to_owned(),
            false => self.get(config).escape_ascii().to_string(),
        };
        let asks = self.asks_for_something(config, &Config::default());
        asks.then(|| {
            format!("'{}' is set to '{value}' and has no effect: there is no {feature} in this server.", self.name)
        })
    }
}

#[cfg(test)]
mod tests;
