//! A user: whether and how one logs in as it, and what it may do.

use super::rules::{RuleError, hash};
use super::selector::{Checked, Denied, Selector, channels_include};
use crate::table::{Arguments, Found, KeyFlags, KeyRef};

/// A password as it is kept: its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Password(pub(super) [u8; 32]);

impl Password {
    /// The same work for a wrong first byte as for a wrong last one.
    fn equals(&self, other: &Password) -> bool {
        self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }

    /// Appends it as 64 hexadecimal digits.
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                out.push(b"0123456789abcdef"[usize::from(digit)]);
            }
        }
    }
}

/// A user without its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub(super) enabled: bool,
    no_password: bool,
    pub(super) sanitize_payload: bool,
    passwords: Vec<Password>,
    /// Never empty. The first is the one that rules outside parentheses are about.
    pub(super) selectors: Vec<Selector>,
}

impl User {
    /// A user as SETUSER makes it before it reads its rules: nobody can log in as it, and it may do nothing but, if
    /// `open_channels`, use every channel.
    pub fn new(open_channels: bool) -> User {
        User {
            enabled: false,
            no_password: false,
            sanitize_payload: true,
            passwords: Vec::new(),
            selectors: vec![Selector::new(open_channels)],
        }
    }

    /// The user that every connection begins with, as it is before anything is configured: it needs no password and may do
    /// everything.
    pub fn all_powerful() -> User {
        let mut user = User::new(true);
        user.enabled = true;
        user.no_password = true;
        user.root_mut().set_all_keys(true);
        user.root_mut().commands.set_all(true);
        user
    }

    pub(super) fn root(&self) -> &Selector {
        self.selectors.first().expect("a user has at least its first selector")
    }

    pub(super) fn root_mut(&mut self) -> &mut Selector {
        self.selectors.first_mut().expect("a user has at least its first selector")
    }

    /// `nopass`, `resetpass`: either way it has no password any more.
    pub(super) fn set_no_password(&mut self, needs_none: bool) {
        self.no_password = needs_none;
        self.passwords.clear();
    }

    pub(super) fn add_password(&mut self, password: Password) {
        if !self.passwords.contains(&password) {
            self.passwords.push(password);
        }
        self.no_password = false;
    }

    pub(super) fn remove_password(&mut self, password: Password) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| *known == password).ok_or(RuleError::NoSuchPassword)?;
        self.passwords.remove(at);
        Ok(())
    }

    /// Replaces its passwords by this one, or by none being needed when it is empty (`requirepass`).
    pub(super) fn require_password(&mut self, password: &[u8]) {
        self.set_no_password(password.is_empty());
        if !password.is_empty() {
            self.add_password(hash(password));
        }
    }

    /// Whether one logs in as it with this password.
    pub fn accepts(&self, password: &[u8]) -> bool {
        if !self.enabled {
            return false;
        }
        if self.no_password {
            return true;
        }
        let given = hash(password);
        self.passwords.iter().fold(false, |found, known| found | known.equals(&given))
    }

    /// Whether anybody logs in as it whatever the password.
    pub fn needs_no_password(&self) -> bool {
        self.no_password
    }

    /// Whether one can log in as it at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether payloads of RESTORE are to be checked in depth.
    pub fn sanitizes_payload(&self) -> bool {
        self.sanitize_payload
    }

    /// Whether it never is refused anything.
    pub fn may_do_everything(&self) -> bool {
        self.selectors.iter().any(Selector::allows_everything)
    }

    /// Checks a call whose number of arguments fits the command's arity. `keys` is room to work in.
    ///
    /// # Errors
    /// Why no selector allows it: what the one that came farthest says.
    pub fn check(&self, found: Found, arguments: Arguments<'_>, keys: &mut Vec<KeyRef>) -> Result<(), Denied> {
        let mut call = Checked { found, arguments, keys, keys_are_known: false };
        let mut worst = Denied::Command;
        for selector in &self.selectors {
            match selector.check(&mut call) {
                Ok(()) => return Ok(()),
                Err(denied) => worst = worst.max(denied),
            }
        }
        Err(worst)
    }

    /// Like [`User::check`], of a call that besides its keys may use any other: one selector must allow both.
    pub fn may_use_any_key(
        &self,
        found: Found,
        arguments: Arguments<'_>,
        flags: KeyFlags,
        keys: &mut Vec<KeyRef>,
    ) -> bool {
        let mut call = Checked { found, arguments, keys, keys_are_known: false };
        self.selectors.iter().any(|selector| selector.check(&mut call).is_ok() && selector.allows_any_key(flags))
    }

    /// Whether it may still listen to a channel, or to a pattern of channels.
    pub fn may_listen(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.selectors.iter().any(|selector| match selector.channels() {
            None => true,
            Some(patterns) => channels_include(patterns.iter().map(|c| &**c), channel, is_pattern),
        })
    }

    /// Whether some channel that was allowed may not be any more when a user becomes `next`, as far as patterns tell.
    pub(super) fn loses_channels(&self, next: &User) -> bool {
        let listed =
            |user: &User| user.selectors.iter().map(|s| s.channels().map(<[_]>::to_vec)).collect::<Option<Vec<_>>>();
        let Some(kept) = listed(next).map(|lists| lists.concat()) else { return false };
        let Some(had) = listed(self).map(|lists| lists.concat()) else { return true };
        had.iter().any(|channel| !kept.contains(channel))
    }

    /// The words for its state, in the order in which they are shown.
    pub(super) fn flags(&self) -> impl Iterator<Item = &'static str> + Clone {
        let all = [
            (self.enabled, "on"),
            (!self.enabled, "off"),
            (self.no_password, "nopass"),
            (!self.sanitize_payload, "skip-sanitize-payload"),
            (self.sanitize_payload, "sanitize-payload"),
        ];
        all.into_iter().filter_map(|(is, name)| is.then_some(name))
    }

    pub(super) fn passwords(&self) -> &[Password] {
        &self.passwords
    }

    /// Appends the rules that make a new user equal to this one.
    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        for flag in self.flags() {
            out.extend_from_slice(flag.as_bytes());
            out.push(b' ');
        }
        for password in &self.passwords {
            out.push(b'#');
            password.push(out);
            out.push(b' ');
        }
        self.root().describe(false, out);
        for selector in &self.selectors[1..] {
            out.extend_from_slice(b" (");
            selector.describe(true, out);
            out.push(b')');
        }
    }
}
