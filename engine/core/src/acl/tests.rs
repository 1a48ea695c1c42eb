//! Rules against a naive model of what they mean, and descriptions read back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::file;
use super::*;
use crate::glob;
use crate::table::{Arguments, COMMANDS, Command};

/// What rules mean, said without bitmaps, without descriptions and without the key extractor.
#[derive(Clone, Default)]
struct Model {
    commands: BTreeSet<&'static str>,
    first_arguments: BTreeSet<(&'static str, String)>,
    /// Patterns, and the letters of what may be done.
    keys: Vec<(String, &'static str)>,
    channels: Vec<String>,
}

fn all_commands() -> impl Iterator<Item = &'static Command> {
    let tops = COMMANDS.iter().copied().flatten();
    tops.flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

impl Model {
    fn apply(&mut self, rule: &str) {
        let lower = rule.to_ascii_lowercase();
        let under =
            |name: &str, of: &str| name == of || name.strip_prefix(of).is_some_and(|rest| rest.starts_with('|'));
        match lower.as_str() {
            "allkeys" | "~*" => self.keys = vec![("*".to_owned(), "rw")],
            "resetkeys" => self.keys.clear(),
            "allchannels" | "&*" => self.channels = vec!["*".to_owned()],
            "resetchannels" => self.channels.clear(),
            "+@all" | "allcommands" => {
                self.commands = all_commands().map(|command| command.name).collect();
                self.first_arguments.clear();
            }
            "-@all" | "nocommands" => {
                self.commands.clear();
                self.first_arguments.clear();
            }
            _ if lower.starts_with("+@") || lower.starts_with("-@") => {
                for command in all_commands() {
                    if command.all_categories().names().any(|name| name == &lower[2..]) {
                        self.apply(&format!("{}{}", &lower[..1], command.name));
                    }
                }
            }
            _ if lower.starts_with(['+', '-']) => {
                let name = &lower[1..];
                let named: Vec<&str> = all_commands().map(|c| c.name).filter(|n| under(n, name)).collect();
                if named.is_empty() {
                    let (command, argument) = name.split_once('|').unwrap();
                    let command = all_commands().find(|c| c.name == command).unwrap();
                    self.first_arguments.insert((command.name, argument.to_owned()));
                }
                for name in named {
                    self.first_arguments.retain(|(command, _)| *command != name);
                    match lower.starts_with('+') {
                        true => self.commands.insert(name),
                        false => self.commands.remove(name),
                    };
                }
            }
            _ => match rule.split_at(1) {
                ("~", pattern) => self.keys.push((pattern.to_owned(), "rw")),
                ("&", pattern) => self.channels.push(pattern.to_owned()),
                _ => {
                    let (access, pattern) = rule.split_once('~').unwrap();
                    let access = match access.to_ascii_lowercase().as_str() {
                        "%r" => "r",
                        "%w" => "w",
                        _ => "rw",
                    };
                    self.keys.push((pattern.to_owned(), access));
                }
            },
        }
    }

    /// The letters that the patterns which match a key give it together, a pattern at a time. Equal patterns add up.
    fn allows_key(&self, key: &str, needed: &str) -> bool {
        let mut by_pattern: BTreeMap<&str, String> = BTreeMap::new();
        for (pattern, access) in &self.keys {
            by_pattern.entry(pattern).or_default().push_str(access);
        }
        by_pattern.iter().any(|(pattern, access)| {
            glob::matches(pattern.as_bytes(), key.as_bytes()) && needed.chars().all(|letter| access.contains(letter))
        })
    }

    fn allows(&self, call: &Call) -> bool {
        let argument = call.words.get(1).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let command = self.commands.contains(call.name)
            || self.first_arguments.contains(&(call.name, argument))
            || matches!(call.name, "auth" | "hello" | "quit" | "reset");
        command
            && call.keys.iter().all(|(key, needed)| self.allows_key(key, needed))
            && call.channels.iter().all(|channel| {
                let exact = channel.strip_prefix("exactly:");
                self.channels.iter().any(|pattern| match exact {
                    _ if pattern == "*" => true,
                    Some(channel) => pattern == channel,
                    None => glob::matches(pattern.as_bytes(), channel.as_bytes()),
                })
            })
    }
}

/// A call, and what everybody who knows the command says that it touches.
struct Call {
    name: &'static str,
    words: Vec<String>,
    keys: Vec<(String, &'static str)>,
    channels: Vec<String>,
}

fn call(name: &'static str, line: &str, keys: &[(&str, &'static str)], channels: &[&str]) -> Call {
    Call {
        name,
        words: line.split(' ').map(str::to_owned).collect(),
        keys: keys.iter().map(|(key, needed)| ((*key).to_owned(), *needed)).collect(),
        channels: channels.iter().map(|channel| (*channel).to_owned()).collect(),
    }
}

fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for a in ["a", "b1", "x)", "q\"q", "zzz"] {
        calls.push(call("get", &format!("get {a}"), &[(a, "r")], &[]));
        calls.push(call("set", &format!("set {a} v"), &[(a, "w")], &[]));
        calls.push(call("set", &format!("set {a} v get"), &[(a, "rw")], &[]));
        calls.push(call("exists", &format!("exists {a}"), &[(a, "")], &[]));
        calls.push(call("del", &format!("del {a} b2"), &[(a, "w"), ("b2", "w")], &[]));
        calls.push(call("copy", &format!("copy {a} b1"), &[(a, "r"), ("b1", "w")], &[]));
        calls.push(call("object|encoding", &format!("object encoding {a}"), &[(a, "")], &[]));
        calls.push(call("publish", &format!("publish {a} m"), &[], &[a]));
        calls.push(call("ssubscribe", &format!("ssubscribe {a} b2"), &[], &[a, "b2"]));
        calls.push(call("psubscribe", &format!("psubscribe {a}"), &[], &[&format!("exactly:{a}")]));
        calls.push(call("psubscribe", &format!("psubscribe {a}*"), &[], &[&format!("exactly:{a}*")]));
        calls.push(call("punsubscribe", &format!("punsubscribe {a}"), &[], &[]));
    }
    for (name, line) in [
        ("select", "select 0"),
        ("select", "select 1"),
        ("ping", "ping"),
        ("client|id", "client id"),
        ("client|kill", "client kill x"),
        ("config|get", "config get x"),
        ("config|set", "config set x y"),
        ("acl|whoami", "acl whoami"),
        ("multi", "multi"),
        ("auth", "auth x"),
        ("hello", "hello"),
        ("flushall", "flushall"),
        ("command", "command"),
        ("command|count", "command count"),
    ] {
        calls.push(call(name, line, &[], &[]));
    }
    calls
}

fn selector_rule() -> impl Strategy<Value = String> {
    let commands = [
        "get",
        "set",
        "del",
        "copy",
        "exists",
        "object",
        "object|encoding",
        "publish",
        "psubscribe",
        "ssubscribe",
        "select",
        "select|0",
        "SELECT|1",
        "ping",
        "PING",
        "client",
        "client|id",
        "Client|Kill",
        "config",
        "config|get",
        "config|set",
        "acl|whoami",
        "multi",
        "auth",
        "flushall",
        "command",
        "command|count",
        "ping|x",
    ];
    let categories =
        ["read", "WRITE", "string", "keyspace", "connection", "dangerous", "fast", "slow", "pubsub", "admin", "all"];
    let patterns = ["a", "a*", "b?", "b1", "*1", "**", "x)", "q\"q", "q*", "[ab]*", "", "\\a"];
    let words = ["allkeys", "resetkeys", "ALLCHANNELS", "resetchannels", "allcommands", "nocommands", "~*", "&*"];
    let signs = prop::sample::select(vec!["+", "-"]);
    let key_signs = prop::sample::select(vec!["~", "%R~", "%W~", "%RW~", "%wr~", "%r~", "&", "&"]);
    prop_oneof![
        6 => (signs.clone(), prop::sample::select(commands.to_vec())).prop_map(|(sign, name)| format!("{sign}{name}")),
        3 => (signs, prop::sample::select(categories.to_vec())).prop_map(|(sign, name)| format!("{sign}@{name}")),
        6 => (key_signs, prop::sample::select(patterns.to_vec())).prop_map(|(sign, pattern)| format!("{sign}{pattern}")),
        2 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
    ]
}

/// What users of tests are made of: the rules of the first selector, and those of further ones.
fn selectors() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(selector_rule(), 0..8), 1..4)
}

/// Applies the rules that can be obeyed, to a user and to the model alike.
fn build(table: &Table, selectors: &[Vec<String>]) -> (User, Vec<Model>) {
    let mut user = User::new(false);
    let mut models = Vec::new();
    for (i, rules) in selectors.iter().enumerate() {
        let mut model = Model::default();
        let mut kept = Vec::new();
        for rule in rules {
            let mut next: Vec<String> = kept.clone();
            next.push(rule.clone());
            let attempt = changed(table, false, User::new(false), next.iter().map(|rule| rule.as_bytes()));
            if attempt.is_ok() {
                model.apply(rule);
                kept = next;
            }
        }
        let rules: Vec<Vec<u8>> = if i == 0 {
            kept.iter().map(|rule| rule.clone().into_bytes()).collect()
        } else {
            let mut selector = b"(".to_vec();
            for (j, rule) in kept.iter().enumerate() {
                if j > 0 {
                    selector.push(b' ');
                }
                words::push_word(rule.as_bytes(), &mut selector);
            }
            selector.push(b')');
            vec![selector]
        };
        let Ok(prepared) = changed(table, false, user, rules.iter().map(Vec::as_slice)) else {
            panic!("each rule was tried")
        };
        user = prepared.user;
        models.push(model);
    }
    (user, models)
}

fn decides(user: &User, table: &Table, call: &Call) -> Result<(), Denied> {
    let argument = |i: usize| call.words[i].as_bytes();
    let found = table.resolve(call.words.len(), argument).expect("calls are well formed");
    assert_eq!(found.command.name, call.name);
    user.check(found, Arguments::new(call.words.len(), &argument), &mut Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn rules_mean_what_the_model_says(selectors in selectors()) {
        let table = Table::new();
        let (user, models) = build(&table, &selectors);
        for call in calls() {
            let expected = models.iter().any(|model| model.allows(&call));
            prop_assert_eq!(decides(&user, &table, &call).is_ok(), expected, "{:?}", call.words);
        }
    }

    #[test]
    fn a_user_is_what_its_line_says(selectors in selectors()) {
        let table = Table::new();
        let (mut user, _) = build(&table, &selectors);
        user.add_password(rules::hash(b"secret"));
        let mut acl = Acl::new(&table);
        acl.insert(b"u", user);
        let lines: Vec<Vec<u8>> = acl.lines().collect();
        let (users, warnings) = file::read(&table, false, "f", &lines.join(&b'\n')).expect("lines are read back");
        prop_assert_eq!(warnings.is_empty(), !lines[1].windows(7).any(|w| w.eq_ignore_ascii_case(b"select|") || w == b"+ping|x"));
        let (again, user) = (&users[b"u".as_slice()], acl.user(acl.find(b"u").unwrap()));
        for call in calls() {
            prop_assert_eq!(decides(again, &table, &call), decides(user, &table, &call), "{:?}", call.words);
        }
        for command in table.all() {
            let argc = command.command.arity.unsigned_abs() as usize + 2;
            let argument = |_: usize| &b"b1"[..];
            let check = |user: &User| user.check(command, Arguments::new(argc, &argument), &mut Vec::new());
            prop_assert_eq!(check(again), check(user), "{}", command.command.name);
        }
        let mut line = b"user u ".to_vec();
        again.describe(&mut line);
        prop_assert_eq!(String::from_utf8_lossy(&line), String::from_utf8_lossy(&lines[1]), "a line describes itself");
    }

    #[test]
    fn no_rule_brings_it_down(rules in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6)) {
        let table = Table::new();
        let _ = changed(&table, true, User::new(true), rules.iter().map(Vec::as_slice));
        let _ = file::read(&table, true, "f", &rules.join(&b' '));
        let _ = check_declaration(&table, &[], &rules);
    }

    #[test]
    fn a_failed_rule_changes_nothing_that_was_there(good in selectors(), bad in "[^ ]{1,3}") {
        let table = Table::new();
        let (user, _) = build(&table, &good);
        let mut acl = Acl::new(&table);
        let id = acl.insert(b"u", user.clone());
        let rules = ["reset".to_owned(), "on".to_owned(), "+@all".to_owned(), bad];
        if acl.prepare(&table, false, b"u", rules.iter().map(|rule| rule.as_bytes())).is_err() {
            prop_assert_eq!(acl.user(id), &user);
        }
    }
}

#[test]
fn every_command_that_is_about_channels_says_which() {
    for command in all_commands() {
        let talks = ["publish", "spublish", "subscribe", "ssubscribe", "psubscribe"].contains(&command.name);
        assert_eq!(command.channels != crate::table::Channels::None, talks, "{}", command.name);
    }
}

#[test]
fn the_refusal_that_came_farthest_is_reported() {
    let table = Table::new();
    let rules = ["+mget", "~key", "(+mget ~key ~otherkey)", "(+get)"];
    let user = changed(&table, false, User::new(false), rules.iter().map(|rule| rule.as_bytes())).ok().unwrap().user;
    let decide = |line: &str| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let argument = |i: usize| words[i];
        let found = table.resolve(words.len(), argument).expect("the calls are well formed");
        user.check(found, Arguments::new(words.len(), &argument), &mut Vec::new())
    };
    assert_eq!(decide("mget key"), Ok(()));
    assert_eq!(decide("mget otherkey someotherkey"), Err(Denied::Key(2)));
    assert_eq!(decide("mget key otherkey someotherkey"), Err(Denied::Key(3)));
    assert_eq!(decide("set key v"), Err(Denied::Command));
    assert_eq!(decide("get key"), Err(Denied::Key(1)));
}

#[test]
fn any_key_may_be_used_only_if_one_selector_allows_all_of_it() {
    let table = Table::new();
    let may = |rules: &[&str]| {
        let rules = rules.iter().map(|rule| rule.as_bytes());
        let user = changed(&table, false, User::new(false), rules).ok().unwrap().user;
        let found = table.find(b"get").unwrap();
        let argument = |i: usize| [&b"get"[..], b"list"][i];
        user.may_use_any_key(found, Arguments::new(2, &argument), crate::table::KeyFlags::ACCESS, &mut Vec::new())
    };
    assert!(!may(&["(+get ~list)"]));
    assert!(!may(&["(+get ~list ~v*)"]));
    assert!(!may(&["(+get ~list %W~*)"]));
    assert!(!may(&["(+get ~list)", "(+set %R~*)"]), "selectors do not add up");
    assert!(may(&["(+get ~list %R~*)"]));
    assert!(may(&["+get", "allkeys"]));
}

#[test]
fn rules_about_commands_that_are_not_there_are_kept_for_whom_they_concern() {
    let table = Table::new();
    let rules = ["+@all", "-EVAL", "-script", "+psync", "-cluster|nodes", "-eval"];
    let user =
        changed(&table, false, User::new(false), rules.iter().map(|rule| rule.as_bytes())).expect("known names").user;
    let mut acl = Acl::new(&table);
    acl.insert(b"u", user);
    let lines: Vec<Vec<u8>> = acl.lines().collect();
    let line = String::from_utf8_lossy(&lines[1]).into_owned();
    assert!(line.ends_with("+@all -script +psync -cluster|nodes -eval"), "{line}");
    assert!(file::read(&table, false, "f", &lines.join(&b'\n')).is_ok());
    assert!(changed(&table, false, User::new(false), [&b"+evil"[..]].into_iter()).is_err());
}
