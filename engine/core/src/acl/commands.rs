//! Which commands a selector allows: a bit for each command of the table, first arguments of commands that are otherwise
//! refused, and the rules by which it came to be so, from which it is described.
//!
//! The description is the rules in the order in which they were given, without those that a later one made idle: a rule takes
//! away every earlier one about the same name, and one about a whole command those about its subcommands. Applying the
//! description to an empty selector gives the same decisions.

use crate::table::{Categories, CommandId, Found, Table};

/// Words of the bitmap: room for 1024 commands and subcommands.
const WORDS: usize = 16;

/// Commands that are allowed, and how they are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commands {
    allowed: [u64; WORDS],
    /// Nothing has been taken away since everything was given: the bits need not be looked at.
    whole: bool,
    /// The description starts from everything.
    from_all: bool,
    /// For commands whose bit is not set: the first arguments with which they are allowed all the same.
    first_arguments: Vec<(CommandId, Vec<Box<[u8]>>)>,
    rules: Vec<Rule>,
}

/// One rule of the description.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// `get`, `client|kill`, `select|0` or `@string`, in lower case.
    name: Box<[u8]>,
}

impl Commands {
    /// No command at all.
    pub(super) const NONE: Commands =
        Commands { allowed: [0; WORDS], whole: false, from_all: false, first_arguments: Vec::new(), rules: Vec::new() };

    /// `+@all`, `-@all`.
    pub(super) fn set_all(&mut self, allow: bool) {
        let allowed = if allow { [u64::MAX; WORDS] } else { [0; WORDS] };
        *self = Commands { allowed, whole: allow, from_all: allow, first_arguments: Vec::new(), rules: Vec::new() };
    }

    /// `+command`, `-command`: the command with its subcommands.
    pub(super) fn set(&mut self, found: Found, allow: bool) {
        self.change(found, allow);
        self.remember(allow, found.command.name.as_bytes());
    }

    /// The same of a command that the server does not have: it is only described, for one that has it.
    pub(super) fn set_absent(&mut self, name: &[u8], allow: bool) {
        self.remember(allow, name);
    }

    /// `+@category`, `-@category`. A container that belongs to it takes all its subcommands along.
    pub(super) fn set_category(&mut self, table: &Table, category: Categories, name: &[u8], allow: bool) {
        for found in table.all() {
            if found.command.all_categories().contains(category) {
                self.change(found, allow);
            }
        }
        self.remember(allow, &[b"@", name].concat());
    }

    /// `+command|argument` of a command without subcommands. Allowing it says nothing about the command otherwise.
    pub(super) fn allow_first_argument(&mut self, found: Found, argument: &[u8]) {
        let of_command = match self.first_arguments.iter_mut().find(|(id, _)| *id == found.id) {
            Some((_, arguments)) => arguments,
            None => {
                self.first_arguments.push((found.id, Vec::new()));
                &mut self.first_arguments.last_mut().expect("one was pushed").1
            }
        };
        if !of_command.iter().any(|known| known.eq_ignore_ascii_case(argument)) {
            of_command.push(argument.into());
        }
        self.remember(true, &[found.command.name.as_bytes(), b"|", argument].concat());
    }

    /// Whether every command there is, and every one there will be, is allowed.
    #[inline]
    pub(super) fn whole(&self) -> bool {
        self.whole
    }

    /// Whether a call of a command is allowed, of which `argument` is the first after the name.
    #[inline]
    pub(super) fn allow(&self, id: CommandId, argument: Option<&[u8]>) -> bool {
        if self.whole || self.bit(id) {
            return true;
        }
        let Some(argument) = argument else { return false };
        let of_command = self.first_arguments.iter().find(|(known, _)| *known == id);
        of_command.is_some_and(|(_, arguments)| arguments.iter().any(|a| a.eq_ignore_ascii_case(argument)))
    }

    /// Appends the description: `+@all -config|set`.
    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        self.describe_with(out, |name, out| out.extend_from_slice(name));
    }

    /// The same, with each rule written by `write`.
    pub(super) fn describe_with(&self, out: &mut Vec<u8>, write: impl Fn(&[u8], &mut Vec<u8>)) {
        out.extend_from_slice(if self.from_all { b"+@all" } else { b"-@all" });
        for rule in &self.rules {
            out.push(b' ');
            let sign = if rule.allow { b"+" } else { b"-" };
            write(&[sign, &*rule.name].concat(), out);
        }
    }

    #[inline]
    fn bit(&self, id: CommandId) -> bool {
        self.allowed[id.index() / 64] & 1 << (id.index() % 64) != 0
    }

    fn change(&mut self, found: Found, allow: bool) {
        // Subcommands are numbered right after their container.
        let first = found.id.index();
        for index in first..=first + found.command.subcommands.len() {
            let (word, bit) = (index / 64, 1 << (index % 64));
            if allow {
                self.allowed[word] |= bit;
            } else {
                self.allowed[word] &= !bit;
                self.whole = false;
            }
        }
        self.first_arguments.retain(|(id, _)| *id != found.id);
    }

    fn remember(&mut self, allow: bool, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        let idle = |rule: &Rule| {
            rule.name.strip_prefix(name.as_slice()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"|"))
        };
        self.rules.retain(|rule| !idle(rule));
        self.rules.push(Rule { allow, name: name.into() });
    }
}

/// The bitmap has room for every command of the table.
pub(super) fn assert_fits(table: &Table) {
    assert!(table.len() <= WORDS * 64, "the bitmap of allowed commands has a bit for each command");
}
