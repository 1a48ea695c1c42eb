//! What must hold of every entry, so that a new one can't contradict itself.

use std::collections::BTreeSet;

use super::super::{
    Argument, ArgumentFlags, BeginSearch, COMMANDS, Categories, Command, FindKeys, Flags, KeyFlags, Kind,
};
use super::entries;

#[test]
fn names_are_lower_case_unique_and_sorted() {
    let mut seen = BTreeSet::new();
    for command in entries() {
        assert!(seen.insert(command.name), "{} twice", command.name);
        assert!(!command.own_name().is_empty());
        assert_eq!(command.name, command.name.to_ascii_lowercase());
    }
    for list in COMMANDS.iter().copied().chain(entries().map(|command| command.subcommands)) {
        assert!(list.is_sorted_by_key(|command| command.name), "{:?}", list.iter().map(|c| c.name).collect::<Vec<_>>());
    }
}

#[test]
fn subcommands_carry_their_containers_name() {
    for container in COMMANDS.iter().copied().flatten() {
        assert!(!container.name.contains('|'));
        for sub in container.subcommands {
            assert_eq!(sub.name, format!("{}|{}", container.name, sub.own_name()));
            assert!(sub.subcommands.is_empty(), "{}: containers do not nest", sub.name);
            assert!(sub.arity.abs() >= 2, "{}: its container's name counts", sub.name);
        }
    }
}

#[test]
fn a_container_cannot_be_called_alone_unless_it_has_a_handler() {
    for container in entries().filter(|command| !command.subcommands.is_empty()) {
        let alone = container.takes(1);
        let blank = std::ptr::fn_addr_eq(container.handler, Command::BLANK.handler);
        assert_ne!(alone, blank, "{}", container.name);
        assert!(container.subcommands.iter().any(|sub| sub.own_name() == "help"), "{}", container.name);
    }
    for command in entries().filter(|command| command.subcommands.is_empty()) {
        assert!(!std::ptr::fn_addr_eq(command.handler, Command::BLANK.handler), "{} has no handler", command.name);
    }
}

#[test]
fn what_follows_from_other_fields_is_not_written() {
    for command in entries() {
        assert!(!command.flags.contains(Flags::MOVABLEKEYS), "{}", command.name);
        let implied = Categories::implied_by(command.flags, Categories::NONE);
        assert!(!command.categories.intersects(implied), "{}", command.name);
    }
}

#[test]
fn flags_do_not_contradict_each_other() {
    for command in entries() {
        let (name, flags) = (command.name, command.flags);
        assert!(!flags.contains(Flags::WRITE.with(Flags::READONLY)), "{name}");
        assert!(!flags.contains(Flags::DENYOOM) || flags.contains(Flags::WRITE), "{name}: only writes need memory");
        assert!(!flags.contains(Flags::NO_AUTH) || flags.contains(Flags::NOSCRIPT), "{name}");
        let categories = command.all_categories();
        assert_ne!(categories.contains(Categories::FAST), categories.contains(Categories::SLOW), "{name}");
        assert!(!flags.contains(Flags::BLOCKING) || command.barrier, "{name}: what may wait ends a group");
    }
}

#[test]
fn key_flags_agree_with_the_commands_flags() {
    let about_key = [KeyFlags::RO, KeyFlags::RW, KeyFlags::OW, KeyFlags::RM];
    for command in entries() {
        let name = command.name;
        for spec in command.keys.iter().filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY)) {
            assert_eq!(about_key.iter().filter(|&&flag| spec.flags.contains(flag)).count(), 1, "{name}");
            // PFCOUNT may write down what it has counted, which is no change for anybody who reads.
            if command.flags.contains(Flags::READONLY) && !command.flags.contains(Flags::MAY_REPLICATE) {
                assert!(spec.flags.contains(KeyFlags::RO), "{name} reads only");
            }
        }
        // XREADGROUP writes down who has read what, but clients know its keys as read.
        if command.flags.contains(Flags::WRITE) && !command.keys.is_empty() && name != "xreadgroup" {
            assert!(command.keys.iter().any(|spec| !spec.flags.contains(KeyFlags::RO)), "{name} writes");
        }
        if command.keys.iter().any(|spec| spec.flags.intersects(KeyFlags::of(&[KeyFlags::VARIABLE_FLAGS]))) {
            assert!(command.key_finder.is_some(), "{name}: somebody must say which flags hold");
        }
    }
}

#[test]
fn key_specs_lie_within_the_arity() {
    for command in entries() {
        let least = command.arity.unsigned_abs();
        for (number, spec) in command.keys.iter().enumerate() {
            let BeginSearch::Index(first) = spec.begin else { continue };
            // A call without any shard channel is one about all of them, and PFMERGE may merge nothing.
            let is_rest = number > 0 && matches!(spec.find, FindKeys::Range { last: -1, .. });
            let may_be_absent = (spec.flags.contains(KeyFlags::NOT_KEY) || is_rest) && command.arity < 0;
            assert!(
                first >= 1 && (first < least || may_be_absent),
                "{}: the shortest call has its first key",
                command.name
            );
            if let FindKeys::Range { last, step, .. } = spec.find {
                assert!(step > 0);
                assert!(last < 0 || first + (last as u32) < least, "{}: and its last", command.name);
            }
        }
    }
}

#[test]
fn key_arguments_and_key_specs_name_each_other() {
    fn collect(arguments: &[Argument], found: &mut BTreeSet<usize>) {
        for argument in arguments {
            // A pattern of keys may have its spec, too.
            let names_keys = matches!(argument.kind, Kind::Key | Kind::Pattern);
            assert!(argument.kind != Kind::Key || argument.key_spec.is_some(), "{}", argument.name);
            assert!(names_keys || argument.key_spec.is_none(), "{}", argument.name);
            found.extend(argument.key_spec.map(usize::from));
            collect(argument.arguments, found);
        }
    }
    for command in entries() {
        let mut found = BTreeSet::new();
        collect(command.arguments, &mut found);
        // What is routed like a key without being one has no argument of that kind.
        let keys = (0..command.keys.len()).filter(|i| !command.keys[*i].flags.contains(KeyFlags::NOT_KEY));
        assert!(found.into_iter().eq(keys), "{}", command.name);
    }
}

/// The fewest words that the arguments can be written in, and whether more are possible.
fn words(arguments: &[Argument]) -> (u32, bool) {
    arguments.iter().fold((0, false), |(least, open), argument| {
        let token = u32::from(!argument.token.is_empty());
        let nested = || argument.arguments.iter().map(|alternative| words(std::slice::from_ref(alternative)));
        let (own, own_open) = match argument.kind {
            Kind::PureToken => (1, false),
            Kind::Block => {
                let (least, open) = words(argument.arguments);
                (least + token, open)
            }
            Kind::OneOf => {
                let least = nested().map(|(least, _)| least.max(1)).min().expect("a choice has alternatives");
                let open = nested().any(|(other, open)| open || other.max(1) != least);
                (least + token, open)
            }
            _ => (1 + token, false),
        };
        let optional = argument.flags.contains(ArgumentFlags::OPTIONAL);
        let repeats = argument.flags.contains(ArgumentFlags::MULTIPLE);
        (least + if optional { 0 } else { own }, open || own_open || optional || repeats)
    })
}

/// How many words of the shortest call come before the key that spec number `spec` finds.
fn words_before_key(arguments: &[Argument], spec: usize) -> Option<u32> {
    let mut before = 0;
    for argument in arguments {
        let token = u32::from(!argument.token.is_empty());
        if argument.key_spec.map(usize::from) == Some(spec) {
            return Some(before + token);
        }
        if let Some(inside) = words_before_key(argument.arguments, spec) {
            return Some(before + token + inside);
        }
        before += words(std::slice::from_ref(argument)).0;
    }
    None
}

#[test]
fn key_specs_point_at_the_documented_keys() {
    for command in entries() {
        let names = 1 + u32::from(command.name.contains('|'));
        let keys = command.keys.iter().enumerate().filter(|(_, spec)| !spec.flags.contains(KeyFlags::NOT_KEY));
        for (number, spec) in keys {
            if let (BeginSearch::Index(index), FindKeys::Range { .. }) = (spec.begin, spec.find) {
                let before = words_before_key(command.arguments, number);
                assert_eq!(before.map(|before| names + before), Some(index), "{}", command.name);
            }
        }
    }
}

#[test]
fn documented_arguments_agree_with_the_arity() {
    // QUIT takes whatever follows it, what DEBUG takes is not documented, and a container's arguments are its subcommands'.
    let undocumented = ["debug", "quit"];
    for command in entries().filter(|c| c.subcommands.is_empty() && !undocumented.contains(&c.name)) {
        let names = 1 + u32::from(command.name.contains('|'));
        let (least, open) = words(command.arguments);
        assert_eq!(names + least, command.arity.unsigned_abs(), "{}", command.name);
        assert_eq!(open, command.arity < 0, "{}", command.name);
    }
}

#[test]
fn documentation_is_complete() {
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().expect(text)).collect() };
    for command in entries() {
        let name = command.name;
        assert!(command.summary.ends_with('.') && command.summary.is_ascii(), "{name}");
        assert!(!command.complexity.is_empty(), "{name}");
        assert_eq!(version(command.since).len(), 3, "{name}");
        assert!(command.history.is_sorted_by_key(|&(since, _)| version(since)), "{name}");
        // Redis's own history of this one begins before the command.
        let later = |since: &str| version(since) > version(command.since) || name == "zrevrangebyscore";
        assert!(command.history.iter().all(|&(since, _)| later(since)), "{name}");
        assert!(command.tips.iter().all(|&tip| tip == tip.to_ascii_lowercase()), "{name}");
    }
}
