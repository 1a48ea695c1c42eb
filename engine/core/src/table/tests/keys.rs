//! The extractor against a naive reading of key specs, and on the shapes of calls that commands really have.

use proptest::prelude::*;

use super::super::{Arguments, BeginSearch, Command, FindKeys, KeyError, KeyFlags, KeyRef, KeySpec, LegacyRange, keys};
use super::entry;

fn extract(command: &Command, words: &[&str]) -> Result<Vec<KeyRef>, KeyError> {
    let get = |i: usize| words[i].as_bytes();
    // What was in the list before must not show.
    let mut out = vec![KeyRef { index: 99, flags: KeyFlags::NONE }];
    let found = keys(command, Arguments::new(words.len(), &get), &mut out);
    assert!(found.is_ok() || out.is_empty());
    found.map(|()| out)
}

fn with_specs(specs: Vec<KeySpec>) -> Command {
    Command { keys: specs.leak(), arity: -1, ..Command::BLANK }
}

/// Keys by asking of each argument whether the spec says that it is one.
fn naive(spec: &KeySpec, words: &[&str]) -> Result<Vec<usize>, KeyError> {
    let argc = words.len() as i128;
    let is = |i: i128, word: &str| words[i as usize].eq_ignore_ascii_case(word);
    let begin = match spec.begin {
        BeginSearch::Index(index) => i128::from(index),
        BeginSearch::Keyword { keyword, start_from } if start_from > 0 => {
            match (0..argc).find(|&i| i >= i128::from(start_from) && i < argc - 1 && is(i, keyword)) {
                Some(at) => at + 1,
                None => return Ok(vec![]),
            }
        }
        BeginSearch::Keyword { keyword, start_from } => {
            match (0..argc).filter(|&i| i > 1 && i <= argc + i128::from(start_from) && is(i, keyword)).max() {
                Some(at) => at + 1,
                None => return Ok(vec![]),
            }
        }
        BeginSearch::Unknown => return Err(KeyError),
    };
    let (first, last, step) = match spec.find {
        FindKeys::Range { last, step, .. } if last >= 0 => (begin, begin + i128::from(last), step),
        FindKeys::Range { last, step, limit: 0 | 1 } => (begin, argc + i128::from(last), step),
        FindKeys::Range { last, step, limit } => {
            (begin, begin + (argc - begin) / i128::from(limit) + i128::from(last), step)
        }
        FindKeys::KeyNum { number, first, step } => {
            let at = usize::try_from(begin + i128::from(number)).expect("both are positive");
            let text = words.get(at).ok_or(KeyError)?;
            let number: u32 = text.parse().map_err(|_| KeyError)?;
            if *text != number.to_string() {
                return Err(KeyError);
            }
            if number == 0 {
                return Ok(vec![]);
            }
            let first = begin + i128::from(first);
            (first, first + i128::from(number - 1) * i128::from(step), step)
        }
        FindKeys::Unknown => return Err(KeyError),
    };
    if first >= argc || last >= argc || first > last {
        return Err(KeyError);
    }
    let is_key = |i: &usize| {
        let i = *i as i128;
        i >= first && i <= last && (i - first) % i128::from(step) == 0
    };
    Ok((0..words.len()).filter(is_key).collect())
}

fn specs() -> impl Strategy<Value = KeySpec> {
    let begin = prop_oneof![
        4 => (0u32..5).prop_map(BeginSearch::Index),
        4 => (-4i32..5).prop_map(|start_from| BeginSearch::Keyword { keyword: "KEYS", start_from }),
        1 => Just(BeginSearch::Unknown),
    ];
    let find = prop_oneof![
        4 => (-3i32..3, 1u32..4, 0u32..4).prop_map(|(last, step, limit)| FindKeys::Range { last, step, limit }),
        4 => (0u32..3, 0u32..3, 1u32..4).prop_map(|(number, first, step)| FindKeys::KeyNum { number, first, step }),
        1 => Just(FindKeys::Unknown),
    ];
    (begin, find).prop_map(|(begin, find)| KeySpec { flags: KeyFlags::RO, begin, find, notes: "" })
}

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let word = proptest::sample::select(vec![
        "a",
        "b",
        "KEYS",
        "keys",
        "",
        "0",
        "1",
        "2",
        "3",
        "-1",
        "01",
        "+1",
        "4294967295",
        "99999999999999999999",
        "1x",
    ]);
    proptest::collection::vec(word, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn extracts_what_a_naive_reading_finds(spec in specs(), words in words()) {
        let found = extract(&with_specs(vec![spec]), &words)
            .map(|keys| keys.iter().map(|key| key.index as usize).collect::<Vec<_>>());
        prop_assert_eq!(found, naive(&spec, &words));
    }

    #[test]
    fn several_specs_are_one_after_the_other_and_fail_together(a in specs(), b in specs(), words in words()) {
        // What is left behind the others may be nothing, in a call that has as few arguments as there may be.
        let is_empty_rest = words.len() == 1
            && matches!(b.begin, BeginSearch::Index(1))
            && matches!(b.find, FindKeys::Range { last: -1, limit: 0, .. });
        let both = naive(&a, &words).and_then(|mut keys| {
            if !is_empty_rest {
                keys.extend(naive(&b, &words)?);
            }
            Ok(keys)
        });
        let found = extract(&with_specs(vec![a, b]), &words)
            .map(|keys| keys.iter().map(|key| key.index as usize).collect::<Vec<_>>());
        prop_assert_eq!(found, both);
    }
}

#[track_caller]
fn check(specs: &[KeySpec], call: &str, expected: &str) {
    let words: Vec<&str> = call.split(' ').collect();
    let shown = match extract(&with_specs(specs.to_vec()), &words) {
        Ok(keys) => keys.iter().map(|key| words[key.index as usize]).collect::<Vec<_>>().join(" "),
        Err(KeyError) => "error".to_owned(),
    };
    assert_eq!(shown, expected, "{call}");
}

#[test]
fn shapes_of_real_calls() {
    let streams = [KeySpec::keyword("STREAMS", 1, -1, 2, &[KeyFlags::RO])];
    check(&streams, "XREAD COUNT 2 STREAMS a b 0 0", "a b");
    check(&streams, "XREAD streams a 0", "a");
    check(&streams, "XREAD COUNT 2", "");
    let migrate = [KeySpec::one(3, &[KeyFlags::RW]), KeySpec::keyword("KEYS", -2, -1, 0, &[KeyFlags::RW])];
    check(&migrate, "MIGRATE h 1 k 0 5 KEYS a b", "k a b");
    check(&migrate, "MIGRATE h 1 k 0 5", "k");
    let union = [KeySpec::one(1, &[KeyFlags::OW]), KeySpec::counted(2, &[KeyFlags::RO])];
    check(&union, "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b");
    check(&union, "ZUNIONSTORE d 9 a b", "error");
    check(&union, "ZUNIONSTORE d -1 a b", "error");
    check(&union, "ZUNIONSTORE d x a b", "error");
    check(&[KeySpec::counted(2, &[KeyFlags::RW])], "EVAL s 0 a", "");
    check(&[KeySpec::range(1, -1, 2, &[KeyFlags::OW])], "MSET a 1 b 2", "a b");
    check(&[KeySpec::range(1, -2, 1, &[KeyFlags::RW])], "BLPOP a b 0", "a b");
    check(&[KeySpec::range(1, -2, 1, &[KeyFlags::RW])], "BLPOP 0", "error");
}

#[test]
fn channels_and_unfinished_specs_give_no_keys() {
    check(&[KeySpec::one(1, &[KeyFlags::NOT_KEY])], "SPUBLISH c m", "");
    check(&[KeySpec::one(1, &[KeyFlags::RO, KeyFlags::INCOMPLETE])], "SORT k", "error");
    assert_eq!(with_specs(vec![KeySpec::one(1, &[KeyFlags::NOT_KEY])]).first_key(), None);
    assert!(!with_specs(vec![KeySpec::one(1, &[KeyFlags::NOT_KEY])]).has_keys());
}

#[test]
fn a_commands_own_finder_answers_where_specs_cannot() {
    fn second(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
        assert_eq!(arguments.get(3), None);
        out.push(KeyRef { index: 2, flags: KeyFlags::RW });
        Ok(())
    }
    let unknown = KeySpec { find: FindKeys::Unknown, ..KeySpec::one(1, &[KeyFlags::RO]) };
    let command = Command { key_finder: Some(second), ..with_specs(vec![KeySpec::one(1, &[KeyFlags::RO]), unknown]) };
    let expected = vec![KeyRef { index: 2, flags: KeyFlags::RW }];
    assert_eq!(extract(&command, &["x", "a", "b"]), Ok(expected));
}

#[test]
fn set_reads_only_when_asked_to() {
    let flags = |words: &[&str]| extract(entry("set"), words).expect("SET has a key")[0].flags;
    let overwrites = KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]);
    let reads = KeyFlags::of(&[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE]);
    assert_eq!(flags(&["set", "k", "v"]), overwrites);
    assert_eq!(flags(&["set", "get", "get"]), overwrites);
    assert_eq!(flags(&["set", "k", "v", "NX"]), overwrites);
    assert_eq!(flags(&["set", "k", "v", "EX", "5", "Get"]), reads);
    assert_eq!(flags(&["set", "k", "v", "IFEQ", "x"]), reads);
}

#[test]
fn the_first_key_is_the_extractors_first() {
    for command in super::entries() {
        let words: Vec<&str> = std::iter::repeat_n("1", command.arity.unsigned_abs() as usize).collect();
        let first = extract(command, &words).expect("the shortest call has its keys").first().map(|key| key.index);
        // Where a number of keys comes first, the first key is known only by reading it.
        let counted = command.keys.first().is_some_and(|spec| matches!(spec.find, FindKeys::KeyNum { .. }));
        assert_eq!(command.first_key(), first.filter(|_| !counted), "{}", command.name);
        // Where a word comes first, the shortest call need not have it.
        let named = command.keys.first().is_some_and(|spec| matches!(spec.begin, BeginSearch::Keyword { .. }));
        assert_eq!(command.has_keys(), first.is_some() || named, "{}", command.name);
    }
}

#[test]
fn legacy_ranges_cover_what_specs_find() {
    let range = |first, last, step| LegacyRange { first, last, step };
    let ro: &[KeyFlags] = &[KeyFlags::RO];
    assert_eq!(LegacyRange::covering(&[]), (range(0, 0, 0), true));
    assert_eq!(LegacyRange::covering(&[KeySpec::one(2, ro)]), (range(2, 2, 1), true));
    assert_eq!(LegacyRange::covering(&[KeySpec::range(1, -1, 2, ro)]), (range(1, -1, 2), true));
    assert_eq!(LegacyRange::covering(&[KeySpec::one(1, ro), KeySpec::one(2, ro)]), (range(1, 2, 1), true));
    assert_eq!(LegacyRange::covering(&[KeySpec::one(2, ro), KeySpec::rest(3, ro)]), (range(2, -1, 1), true));
    assert_eq!(LegacyRange::covering(&[KeySpec::one(1, ro), KeySpec::counted(2, ro)]), (range(1, 1, 1), false));
    assert_eq!(LegacyRange::covering(&[KeySpec::counted(1, ro)]), (range(0, 0, 0), false));
}
