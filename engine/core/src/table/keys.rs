//! The one key extractor: which arguments of a call are keys, and what the command does with them.
//!
//! Everything that must know a command's keys asks here (cluster routing, ACL, tracking, prefetch, `COMMAND GETKEYS`), so
//! no two of them can disagree. It reads argument bytes but never the keyspace, its work is bounded by the number of
//! arguments times the number of key specs, and it never reads an argument that isn't there.

use super::{BeginSearch, Command, FindKeys, KeyFlags, KeySpec};

/// One key of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef {
    /// Which argument it is; 0 is the command's name.
    pub index: u32,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// The arguments contradict the command's key specs: a count that is no number, or more keys than arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError;

/// A call's arguments as the extractor sees them, so that [`KeyFinder`] can be a plain function pointer.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    count: usize,
    get: &'a dyn Fn(usize) -> &'a [u8],
}

impl<'a> Arguments<'a> {
    /// `count` arguments, the name included, of which `get` gives each below `count`.
    pub fn new(count: usize, get: &'a dyn Fn(usize) -> &'a [u8]) -> Arguments<'a> {
        Arguments { count, get }
    }

    /// How many there are, the name included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Argument `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        (index < self.count).then(|| (self.get)(index))
    }

    /// Where `word` (in any case) is among the arguments from `from` on.
    pub fn position(&self, word: &[u8], from: usize) -> Option<usize> {
        (from..self.count).find(|&i| (self.get)(i).eq_ignore_ascii_case(word))
    }
}

/// A command's own way to find its keys: appends them to the list.
pub type KeyFinder = fn(Arguments<'_>, &mut Vec<KeyRef>) -> Result<(), KeyError>;

/// Puts the keys of a call into `out`, whose former contents are dropped. Arguments that are routed like keys without being
/// keys (shard channels) are left out. The caller has checked the number of arguments against the arity.
///
/// # Errors
/// [`KeyError`] when the arguments contradict the specs; `out` is then empty.
pub fn keys(command: &Command, arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    out.clear();
    let found = find(command, arguments, out);
    if found.is_err() {
        out.clear();
    }
    found
}

fn find(command: &Command, arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    let variable = command.keys.iter().any(|spec| spec.flags.contains(KeyFlags::VARIABLE_FLAGS));
    // Of several words that introduce the same key a spec finds the first, and a command may mean another.
    let words = command.keys.iter().filter(|spec| matches!(spec.begin, BeginSearch::Keyword { .. })).count();
    if let Some(finder) = command.key_finder.filter(|_| variable || words > 1) {
        return finder(arguments, out);
    }
    // Beside other keys, the rest of the arguments may be none, where the command allows that.
    let is_empty_rest = |number: usize, spec: &KeySpec| {
        let least = command.arity.unsigned_abs() as usize;
        number > 0
            && command.arity < 0
            && least == arguments.count()
            && matches!(spec.find, FindKeys::Range { last: -1, limit: 0, .. })
            && matches!(spec.begin, BeginSearch::Index(index) if index as usize == arguments.count())
    };
    let found = command
        .keys
        .iter()
        .enumerate()
        .filter(|(number, spec)| !spec.flags.contains(KeyFlags::NOT_KEY) && !is_empty_rest(*number, spec))
        .try_for_each(|(_, spec)| spec.find_into(arguments, out));
    match (found, command.key_finder) {
        (Err(KeyError), Some(finder)) => {
            out.clear();
            finder(arguments, out)
        }
        (found, _) => found,
    }
}

impl Command {
    /// The argument that holds the first key, known without reading any argument. `None` for commands without keys, or whose
    /// keys move. Says nothing about whether the call has that many arguments.
    #[inline]
    pub const fn first_key(&self) -> Option<u32> {
        match self.keys {
            [KeySpec { begin: BeginSearch::Index(index), find: FindKeys::Range { .. }, flags, .. }, ..]
                if !flags.contains(KeyFlags::NOT_KEY) =>
            {
                Some(*index)
            }
            _ => None,
        }
    }

    /// True when some call of it has keys.
    pub fn has_keys(&self) -> bool {
        self.key_finder.is_some() || self.keys.iter().any(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    }
}

impl KeySpec {
    /// Appends the keys that this spec finds.
    fn find_into(&self, arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
        let Some(begin) = self.begin(arguments)? else { return Ok(()) };
        let count = arguments.count() as i64;
        let (first, last, step) = match self.find {
            FindKeys::Range { last, step, limit } => {
                let last = match (last, limit) {
                    (0.., _) => begin + i64::from(last),
                    (_, 0) => count + i64::from(last),
                    (_, limit) => begin + (count - begin) / i64::from(limit) + i64::from(last),
                };
                (begin, last, i64::from(step))
            }
            FindKeys::KeyNum { number, first, step } => {
                let at = usize::try_from(begin + i64::from(number)).map_err(|_| KeyError)?;
                let number = arguments.get(at).and_then(parse_count).ok_or(KeyError)?;
                let first = begin + i64::from(first);
                let step = i64::from(step);
                if number == 0 {
                    return Ok(());
                }
                (first, first.saturating_add((number - 1).saturating_mul(step)), step)
            }
            FindKeys::Unknown => return Err(KeyError),
        };
        // A spec that leaves the arguments is a syntax error of the call. Incomplete specs find a part only.
        if first < 0 || first >= count || last >= count || last < first || self.flags.contains(KeyFlags::INCOMPLETE) {
            return Err(KeyError);
        }
        assert!(step > 0, "a key spec's step is positive");
        out.extend((first..=last).step_by(step as usize).map(|i| KeyRef { index: i as u32, flags: self.flags }));
        Ok(())
    }

    /// Where this spec's keys begin; `None` when the word that introduces them isn't there.
    fn begin(&self, arguments: Arguments<'_>) -> Result<Option<i64>, KeyError> {
        match self.begin {
            BeginSearch::Index(index) => Ok(Some(i64::from(index))),
            BeginSearch::Keyword { keyword, start_from } => {
                let count = arguments.count() as i64;
                let is_keyword = |&i: &i64| {
                    let argument = usize::try_from(i).ok().and_then(|i| arguments.get(i));
                    argument.is_some_and(|argument| argument.eq_ignore_ascii_case(keyword.as_bytes()))
                };
                // The last argument can't introduce a key, nor can the name (or, backwards, the first after it).
                let at = if start_from > 0 {
                    (i64::from(start_from)..count - 1).find(is_keyword)
                } else {
                    (2..=count + i64::from(start_from)).rev().find(is_keyword)
                };
                Ok(at.map(|at| at + 1))
            }
            BeginSearch::Unknown => Err(KeyError),
        }
    }
}

/// A number of keys as clients write it: decimal digits without a sign or leading zeros.
fn parse_count(bytes: &[u8]) -> Option<i64> {
    let canonical = match bytes {
        [b'0'] => true,
        [first, ..] => (b'1'..=b'9').contains(first) && bytes.len() <= 10,
        [] => false,
    };
    let digit = |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    canonical.then(|| bytes.iter().try_fold(0, digit)).flatten()
}

/// SET reads the old value only when it is to return it or to compare with it.
pub(super) fn set(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    let reads = [&b"get"[..], b"ifeq", b"ifne", b"ifdeq", b"ifdne"];
    let flags: &[KeyFlags] = if reads.iter().any(|word| arguments.position(word, 3).is_some()) {
        &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE]
    } else {
        &[KeyFlags::OW, KeyFlags::UPDATE]
    };
    out.push(KeyRef { index: 1, flags: KeyFlags::of(flags) });
    Ok(())
}

/// DELEX reads the value only when it is to compare it.
pub(super) fn delex(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    let flags: &[KeyFlags] = if arguments.count() > 2 {
        &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]
    } else {
        &[KeyFlags::RM, KeyFlags::DELETE]
    };
    out.push(KeyRef { index: 1, flags: KeyFlags::of(flags) });
    Ok(())
}

/// BITFIELD writes only when one of its operations does. As Redis does it, what cannot be read counts as a write.
pub(super) fn bitfield(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    let mut flags: &[KeyFlags] = &[KeyFlags::RO, KeyFlags::ACCESS];
    let mut i = 2;
    while let Some(word) = arguments.get(i) {
        let rest = arguments.count() - i - 1;
        i += if word.eq_ignore_ascii_case(b"get") && rest >= 2 {
            3
        } else if word.eq_ignore_ascii_case(b"overflow") && rest >= 1 {
            2
        } else {
            flags = &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE];
            break;
        };
    }
    out.push(KeyRef { index: 1, flags: KeyFlags::of(flags) });
    Ok(())
}

/// GEORADIUS stores under the last key that its options name.
pub(super) fn georadius(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    radius(arguments, 6, out);
    Ok(())
}

/// The same of GEORADIUSBYMEMBER, which has one argument less before its options.
pub(super) fn georadiusbymember(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    radius(arguments, 5, out);
    Ok(())
}

fn radius(arguments: Arguments<'_>, options: usize, out: &mut Vec<KeyRef>) {
    out.push(KeyRef { index: 1, flags: KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]) });
    let (mut i, mut stored) = (options, None);
    while let Some(word) = arguments.get(i) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if (is("store") || is("storedist")) && i + 1 < arguments.count() {
            stored = Some(i + 1);
            i += 1;
        } else if is("count") {
            i += 1;
        }
        i += 1;
    }
    if let Some(index) = stored {
        out.push(KeyRef { index: index as u32, flags: KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]) });
    }
}

/// SORT reads the first key and writes the last one that STORE names. What BY and GET name is found only when it runs.
pub(super) fn sort(arguments: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    sort_ro(arguments, out)?;
    let mut target = None;
    let mut i = 2;
    while let Some(word) = arguments.get(i) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("store") && i + 1 < arguments.count() {
            target = Some(i as u32 + 1);
        }
        i += if is("limit") {
            3
        } else if is("by") || is("get") || is("store") {
            2
        } else {
            1
        };
    }
    let flags = KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]);
    out.extend(target.map(|index| KeyRef { index, flags }));
    Ok(())
}

/// SORT_RO reads the first key.
pub(super) fn sort_ro(_: Arguments<'_>, out: &mut Vec<KeyRef>) -> Result<(), KeyError> {
    out.push(KeyRef { index: 1, flags: KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]) });
    Ok(())
}
