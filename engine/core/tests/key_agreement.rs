//! The keys of a call are the same for all who ask: COMMAND GETKEYS shows them, ACL checks them, and executing the call
//! touches no other.
//!
//! Calls of every command in the table are made up from its arguments' description, and then bent. What execution touches is
//! found out from outside: a key that is no key of the call may be there, be missing, or hold anything, and neither the
//! answer nor the rest of the data may differ for it; nor may it be changed. A key that is only read stays as it was, and one
//! whose contents are not used (`ACCESS`) may hold other contents of the same form without the answer telling.

mod fixture;

use std::collections::{BTreeMap, BTreeSet};

use fixture::{Bench, Data, command};
use proptest::prelude::*;
use refrain_core::table::{Argument, ArgumentFlags, Arguments, COMMANDS, Command, Flags, KeyFlags, Kind, Table, keys};
use refrain_core::{Bug, Config};

/// Keys of the data set that calls run on, and one more that is never there.
const KEYS: [&str; 6] = ["k1", "k2", "k3", "text", "number", "missing"];

/// The data set, with what a key holds in its other form.
const CONTENTS: [(&str, &str, &str); 5] = [
    ("k1", "hello", "jelly"),
    ("k2", "world", "wordy"),
    ("k3", "abcde", "vwxyz"),
    ("text", "some text", "soma taxt"),
    ("number", "41", "57"),
];

/// Commands that look at, or change, keys that nobody named: by their very nature.
const SEES_ALL: [&str; 12] = [
    "keys",
    "scan",
    "randomkey",
    "dbsize",
    "flushall",
    "flushdb",
    "swapdb",
    "info",
    "memory|stats",
    "memory|doctor",
    "exec",
    "sort",
];

/// Commands that end the server, wait, listen, or are about the connection in ways that a single reply does not show.
fn is_left_out(command: &Command) -> bool {
    let (top, _) = command.name.split_once('|').unwrap_or((command.name, ""));
    matches!(top, "shutdown" | "debug" | "monitor" | "latency" | "slowlog" | "commandlog" | "lolwut")
        || matches!(
            command.name,
            "client|kill" | "client|pause" | "client|reply" | "client|list" | "client|info" | "quit"
        )
        || !command.subcommands.is_empty() && command.arity < -1
}

fn all_commands() -> Vec<&'static Command> {
    let tops = COMMANDS.iter().copied().flatten();
    tops.flat_map(|command| std::iter::once(command).chain(command.subcommands)).filter(|c| !is_left_out(c)).collect()
}

/// A small source of choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// Appends what an argument's description allows.
fn write_argument(argument: &Argument, dice: &mut Dice, words: &mut Vec<String>) {
    if argument.flags.contains(ArgumentFlags::OPTIONAL) && dice.roll(2) == 0 {
        return;
    }
    let times = if argument.flags.contains(ArgumentFlags::MULTIPLE) { 1 + dice.roll(3) } else { 1 };
    for i in 0..times {
        if !argument.token.is_empty() && (i == 0 || argument.flags.contains(ArgumentFlags::MULTIPLE_TOKEN)) {
            words.push(argument.token.to_owned());
        }
        match argument.kind {
            Kind::PureToken => {}
            Kind::Key => words.push((*dice.pick(&KEYS)).to_owned()),
            Kind::Integer | Kind::UnixTime => words.push((*dice.pick(&["0", "1", "2", "3", "5"])).to_owned()),
            Kind::Double => words.push((*dice.pick(&["0", "1.5", "-2"])).to_owned()),
            Kind::OneOf => write_argument(dice.pick(argument.arguments), dice, words),
            Kind::Block => argument.arguments.iter().for_each(|inner| write_argument(inner, dice, words)),
            _ => words.push((*dice.pick(&["hello", "41", "x", "k1", "text", "*", "[a", "-", "u8", "0-1"])).to_owned()),
        }
    }
}

/// A call of a command: well formed as far as its description tells, or bent.
fn make_call(command: &Command, dice: &mut Dice) -> Vec<String> {
    let mut words: Vec<String> = command.name.split('|').map(str::to_owned).collect();
    let own = words.len();
    command.arguments.iter().for_each(|argument| write_argument(argument, dice, &mut words));
    if dice.roll(3) == 0 && words.len() > own {
        let options = ["GET", "NX", "XX", "KEEPTTL", "DB", "REPLACE", "IDX", "LEN", "EX", "IFEQ", "1", "2", "-1"];
        let at = own + dice.roll(words.len() - own);
        match dice.roll(3) {
            0 => words[at] = (*dice.pick(&KEYS)).to_owned(),
            1 => words.insert(at, (*dice.pick(&options)).to_owned()),
            _ => drop(words.remove(at)),
        }
    }
    words
}

fn encode(words: &[String]) -> Vec<u8> {
    command(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
}

/// What a key holds before the call.
type Before = BTreeMap<&'static str, &'static str>;

fn ordinary() -> Before {
    CONTENTS.iter().map(|&(key, value, _)| (key, value)).collect()
}

/// Runs a call on a data set: its answer, and what is left.
fn run(before: &Before, words: &[String], bug: Option<Bug>) -> (Vec<u8>, Data) {
    let mut bench = Bench::new(Config::default(), bug);
    let client = bench.connect();
    for (key, value) in before {
        // One has a deadline, for the commands that are about those.
        let deadline = if *key == "k3" { " PX 100000" } else { "" };
        bench.ask(client, &format!("SET {key} \"{value}\"{deadline}"));
    }
    let reply = bench.send(client, encode(words));
    (reply, bench.data())
}

fn without(data: &Data, key: &str) -> Data {
    data.iter().filter(|((_, name), _)| name != key.as_bytes()).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn of_key(data: &Data, key: &str) -> Vec<(usize, Vec<u8>)> {
    data.iter()
        .filter(|((_, name), _)| name == key.as_bytes())
        .map(|((db, _), (value, _))| (*db, value.clone()))
        .collect()
}

/// Which keys of the universe are keys of the call, and what the extractor says of each.
fn extracted(table: &Table, words: &[String]) -> BTreeMap<String, KeyFlags> {
    let argument = |i: usize| words[i].as_bytes();
    let Ok(found) = table.resolve(words.len(), argument) else { return BTreeMap::new() };
    let mut list = Vec::new();
    let _ = keys(found.command, Arguments::new(words.len(), &argument), &mut list);
    let mut flags: BTreeMap<String, KeyFlags> = BTreeMap::new();
    for key in list {
        let entry = flags.entry(words[key.index as usize].clone()).or_default();
        *entry = entry.with(key.flags);
    }
    flags
}

const WRITES: KeyFlags = KeyFlags::of(&[KeyFlags::INSERT, KeyFlags::UPDATE, KeyFlags::DELETE]);

/// Everything that execution does to keys which the extractor did not say. Empty is as it must be.
fn disagreements(words: &[String], claimed: &BTreeMap<String, KeyFlags>, used: &mut BTreeSet<String>) -> Vec<String> {
    let before = ordinary();
    let (reply, after) = run(&before, words, None);
    let mut found = Vec::new();
    for key in KEYS {
        let unchanged =
            of_key(&after, key) == before.get(key).map(|v| vec![(0, v.as_bytes().to_vec())]).unwrap_or_default();
        let flags = claimed.get(key);
        if !unchanged {
            used.insert(key.to_owned());
            if !flags.is_some_and(|flags| flags.intersects(WRITES)) {
                found.push(format!("{key} was changed"));
            }
        }
        // The same without the key, with it if it was missing, and with other contents of the same form.
        let mut variants: Vec<(&str, Before)> = Vec::new();
        let other = CONTENTS.iter().find(|(name, ..)| *name == key).map_or("other", |(_, _, other)| other);
        let mut changed = before.clone();
        match changed.remove(key) {
            Some(_) => variants.push(("is there", changed.clone())),
            None => variants.push(("is there", BTreeMap::from_iter(changed.clone().into_iter().chain([(key, other)])))),
        }
        if before.contains_key(key) {
            changed.insert(key, other);
            variants.push(("holds", changed));
        }
        for (what, variant) in variants {
            let (its_reply, its_after) = run(&variant, words, None);
            let tells = its_reply != reply || without(&its_after, key) != without(&after, key);
            if !tells {
                continue;
            }
            used.insert(key.to_owned());
            match flags {
                None => found.push(format!("the outcome tells what {key} {what}")),
                Some(flags) if what == "holds" && !flags.contains(KeyFlags::ACCESS) => {
                    found.push(format!("the outcome tells what {key} holds, which is not accessed"));
                }
                Some(_) => {}
            }
        }
    }
    found
}

/// What ACL DRYRUN says of a call for a user that may do everything with exactly these keys.
fn dry_run(bench: &mut Bench, words: &[String], allowed: &[(&str, &str)]) -> String {
    let client = bench.connect();
    let mut rules = vec!["ACL", "SETUSER", "u", "reset", "on", "nopass", "+@all", "allchannels"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let quoted = |key: &str| key.chars().flat_map(|c| ['\\', c]).collect::<String>();
    rules.extend(allowed.iter().map(|(sign, key)| format!("{sign}{}", quoted(key))));
    assert_eq!(bench.send(client, encode(&rules)), b"+OK\r\n", "{rules:?}");
    let asked: Vec<String> =
        ["ACL", "DRYRUN", "u"].into_iter().map(str::to_owned).chain(words.iter().cloned()).collect();
    String::from_utf8_lossy(&bench.send(client, encode(&asked))).into_owned()
}

/// The sign of a pattern that allows what these flags need, and those of patterns that do not.
fn signs(flags: KeyFlags) -> (&'static str, &'static [&'static str]) {
    match (flags.contains(KeyFlags::ACCESS), flags.intersects(WRITES)) {
        (true, true) => ("%RW~", &["%R~", "%W~"]),
        (true, false) => ("%R~", &["%W~"]),
        (false, true) => ("%W~", &["%R~"]),
        (false, false) => ("%R~", &[]),
    }
}

/// Whether a call is refused for a key when it is made by the user whom [`dry_run`] has left.
fn is_refused_for_a_key(bench: &mut Bench, words: &[String]) -> bool {
    let client = bench.connect();
    assert_eq!(bench.ask(client, "AUTH u x"), "+OK\r\n");
    bench.send(client, encode(words)).starts_with(b"-NOPERM No permissions to access a key")
}

fn check_acl_and_getkeys(
    words: &[String],
    claimed: &BTreeMap<String, KeyFlags>,
    bug: Option<Bug>,
) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(Config::default(), bug);
    let client = bench.connect();
    let asked: Vec<String> =
        ["COMMAND", "GETKEYS"].into_iter().map(str::to_owned).chain(words.iter().cloned()).collect();
    let shown = bench.send(client, encode(&asked));
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let names: BTreeSet<String> = match shown.strip_prefix('*') {
        Some(_) => shown.split("\r\n").skip(2).step_by(2).map(str::to_owned).filter(|s| !s.is_empty()).collect(),
        None => BTreeSet::new(),
    };
    let expected: BTreeSet<String> = claimed.keys().filter(|key| !key.is_empty()).cloned().collect();
    prop_assert_eq!(names, expected, "COMMAND GETKEYS of {:?}", words);
    let all: Vec<(&str, &str)> = claimed.iter().map(|(key, flags)| (signs(*flags).0, key.as_str())).collect();
    prop_assert_eq!(dry_run(&mut bench, words, &all), "+OK\r\n", "{:?}", words);
    prop_assert!(!is_refused_for_a_key(&mut bench, words), "{:?} with its keys", words);
    for (i, (key, flags)) in claimed.iter().enumerate() {
        let mut fewer = all.clone();
        fewer.remove(i);
        let answer = dry_run(&mut bench, words, &fewer);
        prop_assert!(answer.contains(&format!("access the '{key}' key")), "{:?} without {}: {}", words, key, answer);
        prop_assert!(is_refused_for_a_key(&mut bench, words), "{:?} without {}", words, key);
        for sign in signs(*flags).1 {
            fewer.push((sign, key));
            let answer = dry_run(&mut bench, words, &fewer);
            prop_assert!(
                answer.contains(&format!("access the '{key}' key")),
                "{:?} {}{}: {}",
                words,
                sign,
                key,
                answer
            );
            fewer.pop();
        }
    }
    Ok(())
}

/// Every command in turn, so that none is left to chance.
#[test]
fn acl_getkeys_and_execution_agree() {
    const CALLS_EACH: u64 = 30;
    /// Of a command that chance seldom writes rightly, so many more until one call has used a key.
    const CALLS_AT_MOST: u64 = 3000;
    let table = Table::new();
    let mut never_used = Vec::new();
    for (number, command) in all_commands().into_iter().enumerate() {
        let mut used = BTreeSet::new();
        let is_looked_at = !SEES_ALL.contains(&command.name) && !command.flags.contains(Flags::TOUCHES_ARBITRARY_KEYS);
        for round in 0..CALLS_AT_MOST {
            if round >= CALLS_EACH && (!used.is_empty() || !is_looked_at || !command.has_keys()) {
                break;
            }
            let mut dice = Dice((number as u64) << 32 | round);
            let words = make_call(command, &mut dice);
            let argument = |i: usize| words[i].as_bytes();
            let named = table.resolve(words.len(), argument);
            if named.is_err() {
                continue;
            }
            let claimed = extracted(&table, &words);
            check_acl_and_getkeys(&words, &claimed, None).unwrap_or_else(|error| panic!("{error}"));
            if is_looked_at {
                let found = disagreements(&words, &claimed, &mut used);
                assert!(found.is_empty(), "{words:?} with the keys {:?}: {found:?}", claimed.keys());
            }
        }
        if command.has_keys() && is_looked_at && used.is_empty() {
            never_used.push(command.name);
        }
    }
    // Their answer never depends on a key.
    assert_eq!(never_used, ["watch"], "calls of a command with keys must use one now and then");
}

#[test]
fn an_acl_check_on_other_keys_is_noticed() {
    let table = Table::new();
    let noticed = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        check_acl_and_getkeys(&words, &extracted(&table, &words), Some(Bug::AclChecksWrongKey)).is_err()
    };
    for line in ["MSET k1 x k2 y", "COPY k1 k2 REPLACE", "RENAME k1 k2", "DEL k1 k2"] {
        assert!(noticed(line), "{line}");
    }
}
