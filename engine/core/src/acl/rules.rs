//! Rules as `ACL SETUSER`, user files and configurations write them: `+@read`, `~cache:*`, `>secret`, `(+get ~public:*)`.
//!
//! A rule that cannot be obeyed changes nothing. Whoever applies several works on a copy and keeps it only if all of them
//! could be obeyed.

use sha2::{Digest as _, Sha256};

use super::selector::{Access, Selector};
use super::user::{Password, User};
use super::words::{as_c_string, has_blanks, inner};
use crate::table::{Categories, Table, is_absent};

/// Why a rule cannot be obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// No such command or category.
    Unknown,
    /// It says nothing that there is.
    Syntax,
    /// A pattern of keys when all keys are allowed already.
    AllKeysAlready,
    /// A pattern of channels when all channels are allowed already.
    AllChannelsAlready,
    /// A password to be removed that the user does not have.
    NoSuchPassword,
    /// Not 64 hexadecimal digits in lower case.
    BadHash,
    /// A first argument of a subcommand.
    SubcommandArgument,
}

impl RuleError {
    /// Redis's words.
    pub const fn text(self) -> &'static str {
        match self {
            RuleError::Unknown => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::AllKeysAlready => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try \
                 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::AllChannelsAlready => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. \
                 Try 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::SubcommandArgument => "Allowing first-arg of a subcommand is not supported",
        }
    }
}

/// What rules are read by.
pub(super) struct Reader<'a> {
    /// Which commands there are. They go by their own names here, whatever they were renamed to.
    pub(super) table: &'a Table,
    /// New selectors may use every channel (`acl-pubsub-default`).
    pub(super) open_channels: bool,
    /// Rules that allow first arguments of commands, which one should no longer write.
    pub(super) discouraged: Vec<Vec<u8>>,
}

impl Reader<'_> {
    /// What is to be logged about the rules that were applied.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.discouraged.iter().map(|rule| {
            let rule = String::from_utf8_lossy(rule);
            format!(
                "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get \
                 disabled in the future (offender: +{rule})"
            )
        })
    }

    /// Applies one rule to a user. What is not about the user as a whole is about its first selector.
    ///
    /// # Errors
    /// Why the rule cannot be obeyed.
    pub(super) fn apply(&mut self, user: &mut User, rule: &[u8]) -> Result<(), RuleError> {
        let word = as_c_string(rule);
        match (rule, word.to_ascii_lowercase().as_slice()) {
            ([], _) => {}
            (_, b"on") => user.enabled = true,
            (_, b"off") => user.enabled = false,
            (_, b"skip-sanitize-payload") => user.sanitize_payload = false,
            (_, b"sanitize-payload") => user.sanitize_payload = true,
            (_, b"nopass") => user.set_no_password(true),
            (_, b"resetpass") => user.set_no_password(false),
            ([b'>', password @ ..], _) => user.add_password(hash(password)),
            ([b'#', digits @ ..], _) => user.add_password(parse_hash(digits)?),
            ([b'<', password @ ..], _) => user.remove_password(hash(password))?,
            ([b'!', digits @ ..], _) => user.remove_password(parse_hash(digits)?)?,
            ([b'(', inside @ .., b')'], _) => {
                let mut selector = Selector::new(self.open_channels);
                for rule in inner(inside) {
                    self.apply_to_selector(&mut selector, &rule)?;
                }
                user.selectors.push(selector);
            }
            (_, b"clearselectors") => user.selectors.truncate(1),
            (_, b"reset") => *user = User::new(self.open_channels),
            _ => self.apply_to_selector(user.root_mut(), rule)?,
        }
        Ok(())
    }

    fn apply_to_selector(&mut self, selector: &mut Selector, rule: &[u8]) -> Result<(), RuleError> {
        let word = as_c_string(rule);
        match (rule, word.to_ascii_lowercase().as_slice()) {
            (_, b"allkeys" | b"~*") => selector.set_all_keys(true),
            (_, b"resetkeys") => selector.set_all_keys(false),
            (_, b"allchannels" | b"&*") => selector.set_all_channels(true),
            (_, b"resetchannels") => selector.set_all_channels(false),
            (_, b"allcommands" | b"+@all") => selector.commands.set_all(true),
            (_, b"nocommands" | b"-@all") => selector.commands.set_all(false),
            ([b'~' | b'%', ..], _) if selector.has_all_keys() => return Err(RuleError::AllKeysAlready),
            ([b'~', pattern @ ..], _) => add_keys(selector, Access::BOTH, pattern)?,
            ([b'%', rest @ ..], _) => {
                let (access, pattern) = split_access(rest)?;
                add_keys(selector, access, pattern)?;
            }
            ([b'&', ..], _) if selector.has_all_channels() => return Err(RuleError::AllChannelsAlready),
            ([b'&', pattern @ ..], _) if has_blanks(pattern) => return Err(RuleError::Syntax),
            ([b'&', pattern @ ..], _) => selector.add_channels(pattern),
            ([b'+' | b'-', b'@', ..], _) => {
                let category = Categories::named(&word[2..]).ok_or(RuleError::Unknown)?;
                selector.commands.set_category(self.table, category, &word[2..], word[0] == b'+');
            }
            ([sign @ (b'-' | b'+'), ..], _) if is_absent(&word[1..]) && !has_blanks(&word[1..]) => {
                selector.commands.set_absent(&word[1..], *sign == b'+');
            }
            ([b'-', ..], _) => {
                let found = self.table.by_own_name(&word[1..]).ok_or(RuleError::Unknown)?;
                selector.commands.set(found, false);
            }
            ([b'+', ..], _) => self.allow_command(selector, &word[1..])?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    /// `+command`, `+command|subcommand`, `+command|argument`.
    fn allow_command(&mut self, selector: &mut Selector, name: &[u8]) -> Result<(), RuleError> {
        let Some(bar) = name.iter().rposition(|byte| *byte == b'|') else {
            let found = self.table.by_own_name(name).ok_or(RuleError::Unknown)?;
            selector.commands.set(found, true);
            return Ok(());
        };
        let (container, argument) = (&name[..bar], &name[bar + 1..]);
        let found = self.table.by_own_name(container).ok_or(RuleError::Unknown)?;
        if container.contains(&b'|') {
            return Err(RuleError::SubcommandArgument);
        }
        // Rules are read back from lines that are split at blanks.
        if argument.is_empty() || has_blanks(argument) {
            return Err(RuleError::Syntax);
        }
        if !found.command.subcommands.is_empty() {
            let subcommand = self.table.by_own_name(name).ok_or(RuleError::Unknown)?;
            selector.commands.set(subcommand, true);
            return Ok(());
        }
        selector.commands.allow_first_argument(found, argument);
        self.discouraged.push(name.to_vec());
        Ok(())
    }
}

fn add_keys(selector: &mut Selector, access: Access, pattern: &[u8]) -> Result<(), RuleError> {
    if has_blanks(pattern) {
        return Err(RuleError::Syntax);
    }
    selector.add_keys(access, pattern);
    Ok(())
}

/// `R~…`, `W~…`, `RW~…`: what may be done, and with which keys.
fn split_access(rest: &[u8]) -> Result<(Access, &[u8]), RuleError> {
    let letters = rest.iter().position(|byte| *byte == b'~').unwrap_or(rest.len());
    let mut access = Access { read: false, write: false };
    for letter in &rest[..letters] {
        let named = match letter.to_ascii_uppercase() {
            b'R' => &mut access.read,
            b'W' => &mut access.write,
            _ => return Err(RuleError::Syntax),
        };
        if std::mem::replace(named, true) {
            return Err(RuleError::Syntax);
        }
    }
    // Neither reading nor writing would be a pattern that no line can express.
    if letters == 0 {
        return Err(RuleError::Syntax);
    }
    Ok((access, rest.get(letters + 1..).unwrap_or_default()))
}

/// The hash under which a password is kept.
pub(super) fn hash(password: &[u8]) -> Password {
    Password(Sha256::digest(password).into())
}

fn parse_hash(digits: &[u8]) -> Result<Password, RuleError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(RuleError::BadHash),
    };
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return Err(RuleError::BadHash);
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(Password(hash))
}
