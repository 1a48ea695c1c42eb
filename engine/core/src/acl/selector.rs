//! A selector: commands together with the keys and channels that they may be used on.
//!
//! A user has one that cannot be taken away, and any number of further ones. A call is allowed when one selector allows all
//! of it; permissions of different selectors never add up.

use super::commands::Commands;
use super::words::push_word;
use crate::glob;
use crate::table::{Arguments, Channels, Flags, Found, KeyFlags, KeyRef};

/// What may be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Its value may come back, be copied, or decide something.
    pub(super) read: bool,
    /// It may be created, changed or deleted.
    pub(super) write: bool,
}

impl Access {
    pub(super) const BOTH: Access = Access { read: true, write: true };

    /// What a command needs that uses a key so. A command that only asks whether there is a key, or how long its value is,
    /// needs neither: any pattern that matches is enough.
    fn needed(flags: KeyFlags) -> Access {
        let writes = KeyFlags::of(&[KeyFlags::INSERT, KeyFlags::DELETE, KeyFlags::UPDATE]);
        Access { read: flags.contains(KeyFlags::ACCESS), write: flags.intersects(writes) }
    }

    fn includes(self, needed: Access) -> bool {
        (self.read || !needed.read) && (self.write || !needed.write)
    }
}

/// Keys that match a pattern, and what may be done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyPattern {
    access: Access,
    pattern: Box<[u8]>,
}

/// Why a selector refuses a call; positions are those of the argument at fault. The order is that in which the refusals of
/// several selectors outweigh each other: the one that came farthest is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// The command may not be run at all.
    Command,
    /// It may not be run on this key.
    Key(usize),
    /// It may not be run on this channel.
    Channel(usize),
}

/// A call that is checked, with its keys found at most once however many selectors there are.
pub(super) struct Checked<'a, 'k> {
    pub(super) found: Found,
    pub(super) arguments: Arguments<'a>,
    pub(super) keys: &'k mut Vec<KeyRef>,
    pub(super) keys_are_known: bool,
}

impl Checked<'_, '_> {
    fn keys(&mut self) -> &[KeyRef] {
        if !self.keys_are_known {
            // A call whose arguments contradict its key specs is a syntax error and touches no key: `keys` is then empty.
            let _ = crate::table::keys(self.found.command, self.arguments, self.keys);
            self.keys_are_known = true;
        }
        self.keys
    }
}

/// Commands, keys and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) commands: Commands,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Box<[u8]>>,
}

impl Selector {
    /// One that allows nothing but, if `open_channels`, every channel (`acl-pubsub-default`).
    pub(super) fn new(open_channels: bool) -> Selector {
        Selector {
            commands: Commands::NONE,
            all_keys: false,
            keys: Vec::new(),
            all_channels: open_channels,
            channels: Vec::new(),
        }
    }

    /// `allkeys`, `resetkeys`.
    pub(super) fn set_all_keys(&mut self, all: bool) {
        self.all_keys = all;
        self.keys.clear();
    }

    /// `allchannels`, `resetchannels`.
    pub(super) fn set_all_channels(&mut self, all: bool) {
        self.all_channels = all;
        self.channels.clear();
    }

    pub(super) fn has_all_keys(&self) -> bool {
        self.all_keys
    }

    pub(super) fn has_all_channels(&self) -> bool {
        self.all_channels
    }

    /// Adds a pattern of keys. One that is there already gets the further access.
    pub(super) fn add_keys(&mut self, access: Access, pattern: &[u8]) {
        match self.keys.iter_mut().find(|known| *known.pattern == *pattern) {
            Some(known) => {
                known.access.read |= access.read;
                known.access.write |= access.write;
            }
            None => self.keys.push(KeyPattern { access, pattern: pattern.into() }),
        }
    }

    /// Adds a pattern of channels, unless it is there already.
    pub(super) fn add_channels(&mut self, pattern: &[u8]) {
        if !self.channels.iter().any(|known| **known == *pattern) {
            self.channels.push(pattern.into());
        }
    }

    /// Whether it never refuses anything.
    pub(super) fn allows_everything(&self) -> bool {
        self.commands.whole() && self.all_keys && self.all_channels
    }

    /// Checks command, keys and channels, in this order.
    pub(super) fn check(&self, call: &mut Checked<'_, '_>) -> Result<(), Denied> {
        let Found { command, id } = call.found;
        let allowed = command.flags.contains(Flags::NO_AUTH) || self.commands.allow(id, call.arguments.get(1));
        if !allowed {
            return Err(Denied::Command);
        }
        if !self.all_keys && command.has_keys() {
            let arguments = call.arguments;
            for key in call.keys() {
                let index = key.index as usize;
                let name = arguments.get(index).expect("the extractor names arguments that are there");
                if !self.allows_key(name, key.flags) {
                    return Err(Denied::Key(index));
                }
            }
        }
        if self.all_channels {
            return Ok(());
        }
        let (places, literally) = match command.channels {
            Channels::None => return Ok(()),
            Channels::Publish => (1..2, false),
            Channels::Subscribe => (1..call.arguments.count(), false),
            Channels::SubscribePatterns => (1..call.arguments.count(), true),
        };
        for index in places {
            let name = call.arguments.get(index).expect("the number of arguments was checked against the arity");
            if !channels_include(self.channels.iter().map(|c| &**c), name, literally) {
                return Err(Denied::Channel(index));
            }
        }
        Ok(())
    }

    fn allows_key(&self, name: &[u8], flags: KeyFlags) -> bool {
        let needed = Access::needed(flags);
        self.all_keys || self.keys.iter().any(|k| k.access.includes(needed) && glob::matches(&k.pattern, name))
    }

    /// Whether every key may be used so: what SORT's BY and GET need, whose keys nobody can know ahead.
    pub(super) fn allows_any_key(&self, flags: KeyFlags) -> bool {
        let needed = Access::needed(flags);
        self.all_keys || self.keys.iter().any(|k| k.access.includes(needed) && *k.pattern == *b"*")
    }

    /// Its patterns of channels; all when there is no list.
    pub(super) fn channels(&self) -> Option<&[Box<[u8]>]> {
        (!self.all_channels).then_some(&self.channels)
    }

    /// Appends the patterns of keys: `~a* %R~b*`.
    pub(super) fn describe_keys(&self, out: &mut Vec<u8>) {
        self.describe_keys_with(out, |word, out| out.extend_from_slice(word));
    }

    fn describe_keys_with(&self, out: &mut Vec<u8>, write: impl Fn(&[u8], &mut Vec<u8>)) {
        if self.all_keys {
            out.extend_from_slice(b"~*");
        }
        for (i, key) in self.keys.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            let sign: &[u8] = match key.access {
                Access::BOTH => b"~",
                Access { read: true, .. } => b"%R~",
                _ => b"%W~",
            };
            write(&[sign, &*key.pattern].concat(), out);
        }
    }

    /// Appends the patterns of channels: `&a* &b`.
    pub(super) fn describe_channels(&self, out: &mut Vec<u8>) {
        self.describe_channels_with(out, |word, out| out.extend_from_slice(word));
    }

    fn describe_channels_with(&self, out: &mut Vec<u8>, write: impl Fn(&[u8], &mut Vec<u8>)) {
        if self.all_channels {
            out.extend_from_slice(b"&*");
        }
        for (i, channel) in self.channels.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            write(&[b"&", &**channel].concat(), out);
        }
    }

    /// Appends the rules that make an empty selector equal to this one. Those of a selector that will stand in parentheses
    /// are quoted where they would otherwise be read differently.
    pub(super) fn describe(&self, in_parentheses: bool, out: &mut Vec<u8>) {
        let write = |word: &[u8], out: &mut Vec<u8>| match in_parentheses {
            true => push_word(word, out),
            false => out.extend_from_slice(word),
        };
        let start = out.len();
        self.describe_keys_with(out, write);
        if out.len() > start {
            out.push(b' ');
        }
        if !self.all_channels {
            out.extend_from_slice(b"resetchannels ");
        }
        let channels = out.len();
        self.describe_channels_with(out, write);
        if out.len() > channels {
            out.push(b' ');
        }
        self.commands.describe_with(out, write);
    }
}

/// Whether a list of patterns includes a channel. What is subscribed to as a pattern must stand in the list as it is: whether
/// one pattern covers another nobody decides.
pub(super) fn channels_include<'a>(
    mut patterns: impl Iterator<Item = &'a [u8]>,
    channel: &[u8],
    literally: bool,
) -> bool {
    patterns.any(|pattern| if literally { pattern == channel } else { glob::matches(pattern, channel) })
}
