//! Commands of Redis that belong to features which this server does not have. Configurations and rules of users name them all the
//! same, most often to forbid them: such a line is no reason to refuse a start.

/// Their names, in lower case.
const NAMES: [&str; 18] = [
    "cluster",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "failover",
    "fcall",
    "fcall_ro",
    "function",
    "migrate",
    "psync",
    "replconf",
    "replicaof",
    "script",
    "sentinel",
    "sflush",
    "slaveof",
    "sync",
];

/// Whether this names one, alone or with a subcommand or first argument behind a bar.
pub fn is_absent(name: &[u8]) -> bool {
    let command = name.split(|byte| *byte == b'|').next().unwrap_or_default();
    NAMES.iter().any(|known| command.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    #[test]
    fn none_of_them_is_in_the_table() {
        let table = Table::new();
        for name in NAMES {
            assert!(is_absent(name.to_ascii_uppercase().as_bytes()) && is_absent(format!("{name}|any").as_bytes()));
            assert!(table.by_own_name(name.as_bytes()).is_none(), "{name} is there and has to go from here");
        }
        assert!(!is_absent(b"get") && !is_absent(b"") && !is_absent(b"evalx"));
    }
}
