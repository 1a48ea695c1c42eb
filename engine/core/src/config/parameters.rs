//! The table of parameters: name, alias, type, range, and which field of [`Config`] holds the value.

use super::{Config, Percentiles, parse_memory};

/// One parameter.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Another name that means the same; empty for none.
    pub alias: &'static str,
    /// Whether `CONFIG SET` may change it.
    pub at_run_time: bool,
    /// Whether it takes a list of words.
    pub several_values: bool,
    kind: Kind,
}

/// Where a value lives in [`Config`].
struct Field<T> {
    get: fn(&Config) -> &T,
    set: fn(&mut Config) -> &mut T,
}

macro_rules! field {
    ($name:ident) => {
        Field { get: |c| &c.$name, set: |c| &mut c.$name }
    };
}

enum Kind {
    Bool(Field<bool>),
    Integer(Field<i64>, i64, i64),
    Memory(Field<u64>, u64, u64),
    Octal(Field<u32>, u32),
    Choice(Field<String>, &'static [&'static str]),
    Text(Field<String>),
    Words(Field<Vec<String>>),
    OutputLimits,
    Percentiles,
}

const fn fixed(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, alias: "", at_run_time: false, several_values: false, kind }
}

const fn live(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, alias: "", at_run_time: true, several_values: false, kind }
}

const INT_MAX: i64 = i32::MAX as i64;

/// All parameters, in order of name.
pub const PARAMETERS: &[Parameter] = &[
    live("active-expire-effort", Kind::Integer(field!(active_expire_effort), 1, 10)),
    Parameter { several_values: true, ..fixed("bind", Kind::Words(field!(bind))) },
    Parameter { several_values: true, ..live("client-output-buffer-limit", Kind::OutputLimits) },
    live("client-query-buffer-limit", Kind::Memory(field!(client_query_buffer_limit), 1 << 20, i64::MAX as u64)),
    live("commandlog-large-reply-max-len", Kind::Memory(field!(commandlog_large_reply_max_len), 0, i64::MAX as u64)),
    live(
        "commandlog-large-request-max-len",
        Kind::Memory(field!(commandlog_large_request_max_len), 0, i64::MAX as u64),
    ),
    live("commandlog-reply-larger-than", Kind::Integer(field!(commandlog_reply_larger_than), -1, i64::MAX)),
    live("commandlog-request-larger-than", Kind::Integer(field!(commandlog_request_larger_than), -1, i64::MAX)),
    fixed("databases", Kind::Integer(field!(databases), 1, INT_MAX)),
    fixed("dir", Kind::Text(field!(dir))),
    fixed("enable-debug-command", Kind::Choice(field!(enable_debug_command), &["no", "yes", "local"])),
    fixed("enable-module-command", Kind::Choice(field!(enable_module_command), &["no", "yes", "local"])),
    live("hz", Kind::Integer(field!(hz), 0, INT_MAX)),
    live("latency-monitor-threshold", Kind::Integer(field!(latency_monitor_threshold), 0, i64::MAX)),
    live("latency-tracking", Kind::Bool(field!(latency_tracking))),
    Parameter { several_values: true, ..live("latency-tracking-info-percentiles", Kind::Percentiles) },
    live("lazyfree-lazy-user-flush", Kind::Bool(field!(lazyfree_lazy_user_flush))),
    fixed("logfile", Kind::Text(field!(logfile))),
    live("loglevel", Kind::Choice(field!(loglevel), &["debug", "verbose", "notice", "warning", "nothing"])),
    live("maxclients", Kind::Integer(field!(maxclients), 1, u32::MAX as i64)),
    fixed("port", Kind::Integer(field!(port), 0, 65535)),
    live("protected-mode", Kind::Bool(field!(protected_mode))),
    live("proto-max-bulk-len", Kind::Memory(field!(proto_max_bulk_len), 1 << 20, i64::MAX as u64)),
    live("rdbcompression", Kind::Bool(field!(rdbcompression))),
    live("requirepass", Kind::Text(field!(requirepass))),
    live("slowlog-log-slower-than", Kind::Integer(field!(slowlog_log_slower_than), -1, i64::MAX)),
    live("slowlog-max-len", Kind::Memory(field!(slowlog_max_len), 0, i64::MAX as u64)),
    fixed("tcp-backlog", Kind::Integer(field!(tcp_backlog), 0, INT_MAX)),
    live("tcp-keepalive", Kind::Integer(field!(tcp_keepalive), 0, INT_MAX)),
    live("timeout", Kind::Integer(field!(timeout), 0, INT_MAX)),
    fixed("unixsocket", Kind::Text(field!(unixsocket))),
    fixed("unixsocketperm", Kind::Octal(field!(unixsocketperm), 0o777)),
];

/// The parameter of that name or alias, in any case.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS
        .iter()
        .find(|p| p.name.eq_ignore_ascii_case(name) || (!p.alias.is_empty() && p.alias.eq_ignore_ascii_case(name)))
}

/// The parameter whose name is nearest to a mistyped one, if it is near at all.
pub fn closest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let far = 1 + name.len() / 4;
    PARAMETERS.iter().map(|p| (edit_distance(&name, p.name), p.name)).filter(|(d, _)| *d <= far).min().map(|(_, n)| n)
}

/// Levenshtein distance over bytes. Names are short; `name` is cut at 64 bytes to bound the work.
fn edit_distance(a: &str, b: &str) -> usize {
    let a = &a.as_bytes()[..a.len().min(64)];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(*x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl Parameter {
    /// The value as `CONFIG GET` prints it.
    pub fn get(&self, config: &Config) -> String {
        match &self.kind {
            Kind::Bool(f) => if *(f.get)(config) { "yes" } else { "no" }.to_owned(),
            Kind::Integer(f, ..) => (f.get)(config).to_string(),
            Kind::Memory(f, ..) => (f.get)(config).to_string(),
            Kind::Octal(f, _) => format!("{:o}", (f.get)(config)),
            Kind::Choice(f, _) | Kind::Text(f) => (f.get)(config).clone(),
            Kind::Words(f) => (f.get)(config).join(" "),
            Kind::OutputLimits => config.client_output_buffer_limit.render(),
            Kind::Percentiles => config.latency_tracking_info_percentiles.render(),
        }
    }

    /// Checks and stores a value.
    ///
    /// # Errors
    /// Redis's words for what is wrong.
    pub fn set(&self, config: &mut Config, values: &[&str]) -> Result<(), String> {
        let one = || match values {
            [v] => Ok(*v),
            _ => Err("wrong number of arguments".to_owned()),
        };
        match &self.kind {
            Kind::Bool(f) => {
                *(f.set)(config) = match one()? {
                    v if v.eq_ignore_ascii_case("yes") => true,
                    v if v.eq_ignore_ascii_case("no") => false,
                    _ => return Err("argument must be 'yes' or 'no'".to_owned()),
                }
            }
            Kind::Integer(f, min, max) => {
                let value =
                    one()?.parse::<i64>().map_err(|_| "argument couldn't be parsed into an integer".to_owned())?;
                if !(*min..=*max).contains(&value) {
                    return Err(format!("argument must be between {min} and {max} inclusive"));
                }
                *(f.set)(config) = value;
            }
            Kind::Memory(f, min, max) => {
                let value = parse_memory(one()?).ok_or_else(|| "argument must be a memory value".to_owned())?;
                if !(*min..=*max).contains(&value) {
                    return Err(format!("argument must be between {min} and {max} inclusive"));
                }
                *(f.set)(config) = value;
            }
            Kind::Octal(f, max) => {
                let value = u32::from_str_radix(one()?, 8)
                    .map_err(|_| "argument couldn't be parsed as an octal number".to_owned())?;
                if value > *max {
                    return Err(format!("argument must be between 0 and {max:o} inclusive"));
                }
                *(f.set)(config) = value;
            }
            Kind::Choice(f, choices) => {
                let value = one()?;
                let known = choices.iter().find(|c| c.eq_ignore_ascii_case(value));
                *(f.set)(config) = known
                    .ok_or_else(|| format!("argument(s) must be one of the following: {}", choices.join(", ")))?
                    .to_string();
            }
            Kind::Text(f) => *(f.set)(config) = one()?.to_owned(),
            Kind::Words(f) => *(f.set)(config) = values.iter().map(|v| v.to_string()).collect(),
            Kind::OutputLimits => config.client_output_buffer_limit.apply(values)?,
            Kind::Percentiles => config.latency_tracking_info_percentiles = Percentiles::parse(values)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_defaults_are_valid() {
        assert!(PARAMETERS.is_sorted_by(|a, b| a.name < b.name));
        let config = Config::default();
        for parameter in PARAMETERS {
            let value = parameter.get(&config);
            let values: Vec<&str> =
                if parameter.several_values { value.split_ascii_whitespace().collect() } else { vec![&value] };
            let mut changed = config.clone();
            assert_eq!(parameter.set(&mut changed, &values), Ok(()), "{}", parameter.name);
            assert_eq!(changed, config, "{} does not read back what it prints", parameter.name);
        }
    }

    #[test]
    fn a_change_is_all_or_nothing() {
        let mut config = Config::default();
        let before = config.clone();
        assert!(config.set_at_run_time(&[("timeout", "5"), ("maxclients", "0")]).is_err());
        assert_eq!(config, before);
        assert!(config.set_at_run_time(&[("timeout", "5"), ("TIMEOUT", "6")]).is_err());
        assert!(config.set_at_run_time(&[("port", "1")]).is_err());
        assert_eq!(config.set_at_run_time(&[("timeout", "5"), ("maxclients", "7")]), Ok(()));
        assert_eq!((config.timeout, config.maxclients), (5, 7));
    }

    #[test]
    fn a_typo_gets_the_nearest_name() {
        assert_eq!(closest("max-clients"), Some("maxclients"));
        assert_eq!(closest("requirepas"), Some("requirepass"));
        assert_eq!(closest("completely-different"), None);
    }
}
