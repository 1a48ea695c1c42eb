//! From the words that a client typed to the command that they name.
//!
//! [`Table`] is an open-addressing index over the constant entries: a name's length and first eight bytes, folded to lower
//! case, make one word; most lookups are one multiplication, one probe and one comparison. It allocates when it is built
//! (renamed commands differ between servers) and never again.

use super::{COMMANDS, Command, is_absent};

/// A command's number, dense from 0: an index for what is kept per command (statistics, permissions). The same in every
/// server of one version, whatever was renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u16);

impl CommandId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A command with its number.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The entry.
    pub command: &'static Command,
    /// Its number.
    pub id: CommandId,
}

/// Why a call names no command that can be run with so many arguments.
#[derive(Debug, Clone, Copy)]
pub enum Unresolved {
    /// No command has the name.
    Command,
    /// The container has no such subcommand.
    Subcommand,
    /// The command does not take that many arguments.
    Arity(Found),
}

/// How much of what a client typed an error repeats, in bytes.
const QUOTE_MAX: usize = 128;

impl Unresolved {
    /// Appends the error's text (without `-` and line end) for a call of `argc` arguments, of which `argument` gives each.
    /// Bytes that would break a line are made blanks.
    pub fn describe<'a>(&self, argc: usize, argument: impl Fn(usize) -> &'a [u8], out: &mut Vec<u8>) {
        let start = out.len();
        let quote = |i: usize, room: usize| {
            // A NUL ends what is quoted, as it ends Redis's C strings.
            let bytes = argument(i);
            let bytes = &bytes[..bytes.len().min(room)];
            &bytes[..bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len())]
        };
        match self {
            Unresolved::Command => {
                out.extend_from_slice(b"ERR unknown command '");
                out.extend_from_slice(quote(0, QUOTE_MAX));
                out.extend_from_slice(b"', with args beginning with: ");
                let arguments = out.len();
                for i in 1..argc {
                    let used = out.len() - arguments;
                    if used >= QUOTE_MAX {
                        break;
                    }
                    out.push(b'\'');
                    out.extend_from_slice(quote(i, QUOTE_MAX - used));
                    out.extend_from_slice(b"' ");
                }
            }
            Unresolved::Subcommand => {
                out.extend_from_slice(b"ERR unknown subcommand '");
                out.extend_from_slice(quote(1, QUOTE_MAX));
                out.extend_from_slice(b"'. Try ");
                out.extend_from_slice(&quote(0, NAME_MAX).to_ascii_uppercase());
                out.extend_from_slice(b" HELP.");
            }
            Unresolved::Arity(Found { command, .. }) => {
                out.extend_from_slice(b"ERR wrong number of arguments for '");
                out.extend_from_slice(command.name.as_bytes());
                out.extend_from_slice(b"' command");
            }
        }
        for byte in &mut out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
    }
}

/// A renaming that can't be done, with the name at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameError {
    /// There is no such command.
    Unknown(Vec<u8>),
    /// The new name is taken.
    Taken(Vec<u8>),
    /// The new name is longer than [`NAME_MAX`].
    TooLong(Vec<u8>),
}

impl std::fmt::Display for RenameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, fault) = match self {
            RenameError::Unknown(name) => (name, "no such command"),
            RenameError::Taken(name) => (name, "target command name already exists"),
            RenameError::TooLong(name) => (name, "name is too long"),
        };
        write!(f, "rename-command: {fault}: '{}'", name.escape_ascii())
    }
}

impl std::error::Error for RenameError {}

/// The longest name that a command may be given, in bytes.
pub const NAME_MAX: usize = 255;

/// Every command by name.
#[derive(Debug, Clone)]
pub struct Table {
    entries: Vec<Entry>,
    /// Numbers of entries, plus one; 0 is a free slot. The length is a power of two, at most half of it taken.
    slots: Box<[u16]>,
    /// How far the hash is shifted down to give a slot.
    shift: u32,
}

#[derive(Debug, Clone)]
struct Entry {
    word: u64,
    length: u8,
    /// For a subcommand: its container's number plus one.
    container: u16,
    /// False for what was renamed away. What is under it stays in the index, out of reach.
    reachable: bool,
    command: &'static Command,
    /// In lower case, without the container's.
    name: Box<[u8]>,
}

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

impl Table {
    /// The table with every command under its own name.
    pub fn new() -> Table {
        Table::renamed([]).expect("nothing is renamed")
    }

    /// The table with each `(old, new)` of `renames` done in order; an empty new name takes the command away.
    ///
    /// # Errors
    /// [`RenameError`] for a name that does not exist, is taken, or is too long.
    pub fn renamed<'a>(renames: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<Table, RenameError> {
        let mut entries = Vec::new();
        for command in COMMANDS.iter().flat_map(|commands| commands.iter()) {
            entries.push(Entry::new(command, 0));
            let container = entries.len() as u16;
            entries.extend(command.subcommands.iter().map(|sub| Entry::new(sub, container)));
        }
        for (old, new) in renames {
            rename(&mut entries, old, new)?;
        }
        let size = (entries.len() * 2).next_power_of_two();
        assert!(size <= usize::from(u16::MAX), "the index of the table fits its numbers");
        let mut table =
            Table { entries, slots: vec![0; size].into_boxed_slice(), shift: u64::BITS - size.trailing_zeros() };
        for number in 0..table.entries.len() {
            table.insert(number);
        }
        Ok(table)
    }

    fn insert(&mut self, number: usize) {
        let entry = &self.entries[number];
        if !entry.reachable {
            return;
        }
        let mut slot = self.slot(entry.word, entry.length, entry.container);
        while self.slots[slot] != 0 {
            slot = self.next(slot);
        }
        self.slots[slot] = number as u16 + 1;
    }

    #[inline]
    fn slot(&self, word: u64, length: u8, container: u16) -> usize {
        let mixed = word ^ u64::from(length) << 56 ^ u64::from(container) << 40;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// Where to look when a slot is another's.
    #[inline]
    fn next(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    #[inline]
    fn find_under(&self, container: u16, name: &[u8]) -> Option<Found> {
        if name.len() > NAME_MAX {
            return None;
        }
        let (word, length) = (folded_word(name), name.len() as u8);
        let mut slot = self.slot(word, length, container);
        loop {
            let number = self.slots[slot].checked_sub(1)?;
            let entry = &self.entries[usize::from(number)];
            if entry.word == word
                && entry.length == length
                && entry.container == container
                && (name.len() <= 8 || name[8..].eq_ignore_ascii_case(&entry.name[8..]))
            {
                return Some(Found { command: entry.command, id: CommandId(number) });
            }
            slot = self.next(slot);
        }
    }

    /// The command of that name, in any case; never a subcommand.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<Found> {
        self.find_under(0, name)
    }

    /// The subcommand of `container` of that name, in any case.
    #[inline]
    pub fn find_subcommand(&self, container: CommandId, name: &[u8]) -> Option<Found> {
        self.find_under(container.0 + 1, name)
    }

    /// A command, or a subcommand as `container|subcommand`, in any case.
    pub fn find_full(&self, name: &[u8]) -> Option<Found> {
        match name.iter().position(|&byte| byte == b'|') {
            None => self.find(name),
            Some(bar) => self.find_subcommand(self.find(&name[..bar])?.id, &name[bar + 1..]),
        }
    }

    /// What a call of `argc` arguments, of which `argument` gives each, names: a command, or a container's subcommand.
    ///
    /// # Errors
    /// [`Unresolved`] when there is none, or none that takes so many arguments. `argc` of 0 names nothing.
    #[inline]
    pub fn resolve<'a>(&self, argc: usize, argument: impl Fn(usize) -> &'a [u8]) -> Result<Found, Unresolved> {
        let found = self.named(argc, argument)?;
        if found.command.takes(argc) { Ok(found) } else { Err(Unresolved::Arity(found)) }
    }

    /// Like [`Table::resolve`], for whatever number of arguments the command takes.
    ///
    /// # Errors
    /// [`Unresolved`], but never [`Unresolved::Arity`].
    #[inline]
    pub fn named<'a>(&self, argc: usize, argument: impl Fn(usize) -> &'a [u8]) -> Result<Found, Unresolved> {
        if argc == 0 {
            return Err(Unresolved::Command);
        }
        let found = self.find(argument(0)).ok_or(Unresolved::Command)?;
        if found.command.subcommands.is_empty() || argc == 1 {
            return Ok(found);
        }
        self.find_subcommand(found.id, argument(1)).ok_or(Unresolved::Subcommand)
    }

    /// A command, or a subcommand as `container|subcommand`, by the name that its entry has, whatever it was renamed to; in
    /// any case.
    pub fn by_own_name(&self, name: &[u8]) -> Option<Found> {
        self.all().find(|found| found.command.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Every entry, in the order of their numbers: subcommands right after their containers, and what was renamed away too.
    pub fn all(&self) -> impl Iterator<Item = Found> + Clone + '_ {
        self.entries.iter().enumerate().map(|(i, entry)| Found { command: entry.command, id: CommandId(i as u16) })
    }

    /// The command of that number.
    pub fn get(&self, id: CommandId) -> &'static Command {
        self.entries[id.index()].command
    }

    /// How many numbers there are, subcommands and commands renamed away included: every [`CommandId`] is below it.
    #[expect(clippy::len_without_is_empty, reason = "a table without commands does not exist")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A command, and behind it its subcommands.
    pub fn with_subcommands(&self, found: Found) -> impl Iterator<Item = Found> + Clone + '_ {
        let sub = move |sub: &Command| self.find_subcommand(found.id, sub.own_name().as_bytes());
        std::iter::once(found).chain(found.command.subcommands.iter().filter_map(sub))
    }

    /// Every command that can be called, containers before their subcommands; subcommands are left out unless reached
    /// through [`Command::subcommands`].
    pub fn commands(&self) -> impl Iterator<Item = Found> + Clone + '_ {
        let top = |(number, entry): (usize, &Entry)| {
            let shown = entry.reachable && entry.container == 0;
            shown.then_some(Found { command: entry.command, id: CommandId(number as u16) })
        };
        self.entries.iter().enumerate().filter_map(top)
    }
}

impl Entry {
    fn new(command: &'static Command, container: u16) -> Entry {
        let name = command.own_name().as_bytes();
        let mut entry = Entry { word: 0, length: 0, container, reachable: true, command, name: Box::default() };
        entry.set_name(name);
        entry
    }

    fn set_name(&mut self, name: &[u8]) {
        assert!(!name.is_empty() && name.len() <= NAME_MAX, "a command's name is neither empty nor too long");
        self.word = folded_word(name);
        self.length = name.len() as u8;
        self.name = name.to_ascii_lowercase().into_boxed_slice();
    }
}

fn rename(entries: &mut [Entry], old: &[u8], new: &[u8]) -> Result<(), RenameError> {
    let position = |entries: &[Entry], name: &[u8]| {
        entries.iter().position(|e| e.reachable && e.container == 0 && e.name.eq_ignore_ascii_case(name))
    };
    let Some(at) = position(entries, old) else {
        // What isn't there need not be hidden.
        return if is_absent(old) { Ok(()) } else { Err(RenameError::Unknown(old.to_vec())) };
    };
    if new.is_empty() {
        entries[at].reachable = false;
        return Ok(());
    }
    if new.len() > NAME_MAX {
        return Err(RenameError::TooLong(new.to_vec()));
    }
    if position(entries, new).is_some_and(|taken| taken != at) {
        return Err(RenameError::Taken(new.to_vec()));
    }
    entries[at].set_name(new);
    Ok(())
}

/// The first eight bytes as one word, letters in lower case, what is missing zero.
#[inline]
pub(super) fn folded_word(name: &[u8]) -> u64 {
    // Without a loop: most names are short, and of many lengths. The reads overlap, which an or doesn't mind.
    let word = match *name {
        [a, b, c, d, e, f, g, h, ..] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        [a, b, c, d, ..] => {
            let [.., w, x, y, z] = *name else { unreachable!("there are at least four bytes") };
            let (first, last) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([w, x, y, z]));
            u64::from(first) | u64::from(last) << (8 * (name.len() - 4))
        }
        [a, b, c] => u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]),
        [a, b] => u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0]),
        [a] => u64::from(a),
        [] => 0,
    };
    fold(word)
}

/// Puts eight bytes in lower case at once. In a byte below 128, adding 63 sets the top bit from `A` (65) on, adding 37
/// sets it from beyond `Z` (90) on; so the top bits that differ mark upper case, and moved down they are the case bit.
#[inline]
const fn fold(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let seven_bits = word & !HIGH;
    let from_a = seven_bits + LOW * 63;
    let beyond_z = seven_bits + LOW * 37;
    let upper = (from_a ^ beyond_z) & !word & HIGH;
    word | upper >> 2
}
