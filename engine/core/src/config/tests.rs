//! Laws of the table, and of changes.

use super::*;

fn change<'a>(changes: &[(&'a str, &'a str)]) -> Vec<Change<'a>> {
    changes.iter().map(|(name, value)| Change { name: name.as_bytes(), value: value.as_bytes() }).collect()
}

fn set(config: &mut Config, changes: &[(&str, &str)]) -> Result<(), ConfigError> {
    config.changed(&change(changes), false).map(|(next, _)| *config = next)
}

#[test]
fn every_parameter_reads_back_what_it_shows() {
    let config = Config::default();
    for parameter in parameters() {
        let value = parameter.get(&config);
        let words: Vec<&[u8]> = match parameter.several_values {
            true if parameter.name == "replicaof" => continue,
            true => value.split(|b| *b == b' ').collect(),
            false => vec![&value],
        };
        let mut changed = config.clone();
        assert_eq!(parameter.set(&mut changed, &words, When::Running), Ok(()), "{}", parameter.name);
        assert_eq!(changed, config, "{} does not read back what it shows", parameter.name);
    }
}

#[test]
fn names_are_unique_and_in_lower_case() {
    let names: Vec<&str> = parameters().flat_map(|p| [p.name, p.alias]).filter(|name| !name.is_empty()).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
    assert!(
        names
            .iter()
            .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)))
    );
}

#[test]
fn a_default_asks_for_nothing_that_is_missing() {
    assert_eq!(Config::default().without_effect().map(|p| p.name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn what_is_missing_is_named_unless_it_asks_for_nothing() {
    let mut config = Config::default();
    set(&mut config, &[("save", ""), ("appendonly", "yes"), ("masterauth", "secret"), ("timeout", "3")]).unwrap();
    let warnings: Vec<_> = config.without_effect().filter_map(|p| p.warning(&config)).collect();
    assert_eq!(
        warnings,
        ["'masterauth' is set to '(redacted)' and has no effect: there is no replication in this server.",]
    );
}

#[test]
fn a_change_is_all_or_nothing() {
    let mut config = Config::default();
    let before = config.clone();
    let refused = |name: &str, why: &str| Err(ConfigError::Refused(name.into(), why.into()));
    assert!(set(&mut config, &[("timeout", "5"), ("maxclients", "0")]).is_err());
    assert_eq!(config, before);
    assert_eq!(set(&mut config, &[("timeout", "5"), ("TIMEOUT", "6")]), refused("TIMEOUT", "duplicate parameter"));
    assert_eq!(set(&mut config, &[("timeout", "x"), ("nosuch", "6")]), Err(ConfigError::Unknown("nosuch".into())));
    assert_eq!(set(&mut config, &[("Daemonize", "yes")]), refused("Daemonize", "can't set immutable config"));
    assert_eq!(set(&mut config, &[("dir", "/")]), refused("dir", "can't set protected config"));
    assert_eq!(config, before);
    assert_eq!(set(&mut config, &[("timeout", "5"), ("maxclients", "7")]), Ok(()));
    assert_eq!((config.limits.timeout, config.limits.maxclients), (5, 7));
}

#[test]
fn only_what_has_another_value_is_said_to_have_changed() {
    let config = Config::default();
    let (_, changed) = config.changed(&change(&[("timeout", "0"), ("hz", "10"), ("maxclients", "7")]), false).unwrap();
    assert_eq!(changed.iter().map(|p| p.name).collect::<Vec<_>>(), ["maxclients"]);
}

#[test]
fn hz_is_brought_into_range() {
    let mut config = Config::default();
    for (asked, kept) in [("0", 1), ("1000", 500), ("250", 250)] {
        set(&mut config, &[("hz", asked)]).unwrap();
        assert_eq!(config.process.hz, kept);
    }
}

#[test]
fn many_clients_make_periodic_work_more_frequent_unless_it_is_fixed() {
    let mut config = Config::default();
    let rounds = |config: &Config| [0, 2009, 2010, 4020, 20_000, usize::MAX].map(|n| config.rounds_per_second(n));
    assert_eq!(rounds(&config), [10, 10, 20, 40, 160, 500]);
    set(&mut config, &[("dynamic-hz", "no")]).unwrap();
    assert_eq!(rounds(&config), [10; 6]);
}

#[test]
fn a_name_in_full_shows_what_patterns_hide() {
    let config = Config::default();
    let names = |asked: &str| -> Vec<String> {
        config.get(asked.as_bytes()).into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    };
    assert_eq!(names("key-load-dela?"), [""; 0]);
    assert_eq!(names("Key-Load-Delay"), ["Key-Load-Delay"]);
    assert_eq!(names("*of"), ["replicaof", "slaveof"]);
    assert_eq!(names("slowlog-max-len"), ["slowlog-max-len"]);
    assert_eq!(names("commandlog-*"), [""; 0]);
    assert_eq!(names("commandlog-slow-execution-max-len"), ["commandlog-slow-execution-max-len"]);
}

#[test]
fn a_typo_gets_the_nearest_name() {
    assert_eq!(closest("max-clients"), Some("maxclients"));
    assert_eq!(closest("requirepas"), Some("requirepass"));
    assert_eq!(closest("completely-different"), None);
}

#[test]
fn saves_of_a_file_replace_the_default_and_then_add_up() {
    let mut config = Config::default();
    let show = |config: &Config| String::from_utf8(find(b"save").unwrap().1.get(config)).unwrap();
    config.set_at_start("save", &[b"900", b"1"]).unwrap();
    assert_eq!(show(&config), "900 1");
    config.set_at_start("save", &[b"100 5 30 7"]).unwrap();
    assert_eq!(show(&config), "900 1 100 5 30 7");
    config.set_at_start("save", &[b""]).unwrap();
    assert_eq!(show(&config), "");
    config.set_at_start("save", &[b"1", b"0"]).unwrap();
    set(&mut config, &[("save", "2 3")]).unwrap();
    assert_eq!(show(&config), "2 3");
    for bad in ["0 1", "1", "1 x", "-1 1", "1 -1", "1  1"] {
        assert!(set(&mut config, &[("save", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn directives_that_are_no_parameters() {
    let mut config = Config::default();
    let mut check = |name: &str, values: &[&[u8]], outcome: Result<(), &str>| {
        assert_eq!(config.set_at_start(name, values), outcome.map_err(str::to_owned), "{name}");
    };
    check("rename-command", &[b"flushdb", b"badger"], Ok(()));
    check("rename-command", &[b"nosuch", b""], Err("No such command in rename-command"));
    check("lua-replicate-commands", &[b"yes"], Ok(()));
    check("user", &[b"alice", b"on"], Ok(()));
    check("sentinel", &[b"monitor"], Err("sentinel directive while not in sentinel mode"));
    check("some.thing", &[], Err("Module config specified without value"));
    check("user", &[], Err("Bad directive or wrong number of arguments"));
    assert_eq!(config.start.users, [[b"alice".to_vec(), b"on".to_vec()]]);
    assert_eq!(config.check_whole(), Ok(()));
    config.set_at_start("aclfile", &[b"/users.acl"]).unwrap();
    assert!(config.check_whole().is_err());
}
