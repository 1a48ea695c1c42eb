//! The index against a plain map, and the errors for what it doesn't find.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::lookup::folded_word;
use super::super::{COMMANDS, Command, NAME_MAX, RenameError, Table, Unresolved};
use super::{entries, entry};

type Model = BTreeMap<Vec<u8>, &'static Command>;

fn model() -> Model {
    COMMANDS.iter().copied().flatten().map(|command| (command.name.as_bytes().to_vec(), command)).collect()
}

fn in_some_case(name: &[u8], upper: u64) -> Vec<u8> {
    let flip = |(i, byte): (usize, &u8)| {
        if upper >> (i % 64) & 1 == 1 { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
    };
    name.iter().enumerate().map(flip).collect()
}

/// Names that exist, names one edit away from them, and noise.
fn names() -> impl Strategy<Value = Vec<u8>> {
    let known = || proptest::sample::select(model().into_keys().collect::<Vec<_>>());
    prop_oneof![
        known(),
        (known(), any::<u64>()).prop_map(|(name, upper)| in_some_case(&name, upper)),
        (known(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut name, at, byte)| {
            let at = at.index(name.len());
            name[at] ^= byte;
            name
        }),
        (known(), proptest::sample::select(vec![0, b' ', b'|', b'a'])).prop_map(|(mut name, byte)| {
            name.push(byte);
            name
        }),
        known().prop_map(|mut name| {
            name.pop();
            name
        }),
        proptest::collection::vec(any::<u8>(), 0..300),
    ]
}

proptest! {
    #[test]
    fn folding_is_lower_case_of_eight_bytes(name in proptest::collection::vec(any::<u8>(), 0..12)) {
        let mut expected = [0; 8];
        for (to, from) in expected.iter_mut().zip(&name) {
            *to = from.to_ascii_lowercase();
        }
        prop_assert_eq!(folded_word(&name), u64::from_le_bytes(expected));
    }

    #[test]
    fn finds_what_a_map_finds(name in names()) {
        let found = Table::new().find(&name).map(|found| found.command.name);
        let expected = model().get(&name.to_ascii_lowercase()).map(|command| command.name);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn renaming_is_renaming_in_a_map(
        renames in proptest::collection::vec((names(), prop_oneof![names(), Just(Vec::new())]), 0..6),
        asked in names(),
    ) {
        let mut expected = model();
        let mut fault = None;
        for (old, new) in &renames {
            let Some(command) = expected.get(&old.to_ascii_lowercase()).copied() else {
                fault = Some(RenameError::Unknown(old.clone()));
                break;
            };
            if new.len() > NAME_MAX {
                fault = Some(RenameError::TooLong(new.clone()));
                break;
            }
            if !new.eq_ignore_ascii_case(old) && expected.contains_key(&new.to_ascii_lowercase()) {
                fault = Some(RenameError::Taken(new.clone()));
                break;
            }
            expected.remove(&old.to_ascii_lowercase());
            if !new.is_empty() {
                expected.insert(new.to_ascii_lowercase(), command);
            }
        }
        match Table::renamed(renames.iter().map(|(old, new)| (&old[..], &new[..]))) {
            Err(error) => prop_assert_eq!(Some(error), fault),
            Ok(table) => {
                prop_assert_eq!(None, fault);
                for name in expected.keys().chain([&asked]) {
                    let found = table.find(name);
                    prop_assert_eq!(
                        found.map(|found| found.command.name),
                        expected.get(&name.to_ascii_lowercase()).map(|command| command.name)
                    );
                    for sub in found.into_iter().flat_map(|found| found.command.subcommands) {
                        let words = [&name[..], sub.own_name().as_bytes()];
                        let resolved = table.named(2, |i| words[i]).map(|found| found.command.name);
                        prop_assert_eq!(resolved.ok(), Some(sub.name));
                    }
                }
                prop_assert_eq!(table.commands().count(), expected.len());
            }
        }
    }
}

#[test]
fn finds_nothing_one_byte_away_from_a_name() {
    let (table, model) = (Table::new(), model());
    let check = |name: &[u8]| {
        let expected = model.get(&name.to_ascii_lowercase()).map(|command| command.name);
        assert_eq!(table.find(name).map(|found| found.command.name), expected, "{}", name.escape_ascii());
    };
    for name in model.keys() {
        for at in 0..name.len() {
            for byte in 0..=u8::MAX {
                let mut edited = name.clone();
                edited[at] = byte;
                check(&edited);
            }
        }
        for padding in 1..9 {
            check(&[&name[..], &vec![0; padding]].concat());
        }
    }
}

#[test]
fn finds_subcommands_under_their_own_container_only() {
    let table = Table::new();
    for top in table.commands() {
        for name in entries().map(Command::own_name) {
            let expected = top.command.subcommands.iter().find(|sub| sub.own_name() == name).map(|sub| sub.name);
            let found = table.find_subcommand(top.id, name.as_bytes()).map(|found| found.command.name);
            assert_eq!(found, expected, "{} {name}", top.command.name);
        }
    }
}

#[test]
fn every_entry_has_its_own_number() {
    let table = Table::new();
    let mut numbers: Vec<usize> = Vec::new();
    for command in entries() {
        let found = table.find_full(command.name.as_bytes()).expect("every entry is found");
        assert_eq!(found.command.name, command.name);
        assert_eq!(table.get(found.id).name, command.name);
        numbers.push(found.id.index());
    }
    assert_eq!(numbers, (0..table.len()).collect::<Vec<_>>());
}

#[test]
fn full_names_go_through_containers_only() {
    let table = Table::new();
    let find = |name: &str| table.find_full(name.as_bytes()).map(|found| found.command.name);
    assert_eq!(find("CLIENT|Kill"), Some("client|kill"));
    assert_eq!(find("client"), Some("client"));
    for absent in ["", "|", "client|", "|kill", "client|nosuch", "get|kill", "config|kill", "client|kill|", "kill"] {
        assert_eq!(find(absent), None, "{absent}");
    }
}

#[test]
fn subcommands_of_a_command_taken_away_are_gone() {
    let table = Table::renamed([(&b"CONFIG"[..], &b""[..])]).expect("CONFIG exists");
    assert!(table.find_full(b"config|get").is_none());
    assert!(table.find_full(b"command|info").is_some());
}

#[test]
fn an_error_names_a_container_as_it_was_called() {
    let table = Table::renamed([(&b"ACL"[..], &b"aclx"[..])]).expect("ACL exists");
    check_error_of(&table, &[b"AclX", b"foo"], "ERR unknown subcommand 'foo'. Try ACLX HELP.");
    check_error_of(&table, &[b"aclx"], "ERR wrong number of arguments for 'acl' command");
}

#[track_caller]
fn check_error(words: &[&[u8]], expected: &str) {
    check_error_of(&Table::new(), words, expected);
}

#[track_caller]
fn check_error_of(table: &Table, words: &[&[u8]], expected: &str) {
    let why = table.resolve(words.len(), |i| words[i]).map(|found| found.command.name).expect_err("refused");
    let mut text = Vec::new();
    why.describe(words.len(), |i| words[i], &mut text);
    assert_eq!(String::from_utf8_lossy(&text), expected);
}

#[test]
fn errors_read_as_redis_words_them() {
    check_error(&[b"foo", b"a", b"b"], "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
    check_error(&[b"FOO"], "ERR unknown command 'FOO', with args beginning with: ");
    check_error(&[b"client", b"x"], "ERR unknown subcommand 'x'. Try CLIENT HELP.");
    check_error(&[b"Client", b"x"], "ERR unknown subcommand 'x'. Try CLIENT HELP.");
    check_error(&[b"client"], "ERR wrong number of arguments for 'client' command");
    check_error(&[b"CLIENT", b"KILL"], "ERR wrong number of arguments for 'client|kill' command");
    check_error(&[b"Get", b"a", b"b"], "ERR wrong number of arguments for 'get' command");
    check_error(&[b"a\r\nb"], "ERR unknown command 'a  b', with args beginning with: ");
}

#[test]
fn errors_repeat_a_bounded_part_of_what_was_sent() {
    let long = [b'x'; 1000];
    let cut = "x".repeat(128);
    check_error(&[&long], &format!("ERR unknown command '{cut}', with args beginning with: "));
    check_error(&[b"a", &long, b"b"], &format!("ERR unknown command 'a', with args beginning with: '{cut}' "));
    check_error(
        &[b"a", &long[..124], &long, b"b"],
        &format!("ERR unknown command 'a', with args beginning with: '{}' 'x' ", &cut[..124]),
    );
    for exactly_or_just_beyond in [125, 126] {
        let first = &long[..exactly_or_just_beyond];
        let shown = &cut[..exactly_or_just_beyond];
        check_error(&[b"a", first, b"b"], &format!("ERR unknown command 'a', with args beginning with: '{shown}' "));
    }
    check_error(&[b"config", &long], &format!("ERR unknown subcommand '{cut}'. Try CONFIG HELP."));
}

#[test]
fn nothing_names_nothing() {
    assert!(matches!(Table::new().resolve(0, |_| b""), Err(Unresolved::Command)));
    assert!(!entry("get").takes(0));
}

#[test]
fn what_is_not_there_need_not_be_hidden() {
    let renamed = |old: &'static str, new: &'static str| Table::renamed([(old.as_bytes(), new.as_bytes())]);
    for (old, new) in [("EVAL", ""), ("slaveof", "hidden"), ("GET", "GET"), ("get", "Get")] {
        let table = renamed(old, new).unwrap_or_else(|error| panic!("{error}"));
        assert!(table.find(b"get").is_some() && table.find(b"hidden").is_none());
    }
    assert_eq!(renamed("EVALL", "").unwrap_err(), RenameError::Unknown(b"EVALL".to_vec()));
}
