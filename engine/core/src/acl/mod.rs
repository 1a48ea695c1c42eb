//! Access control: who may log in, and what everybody may do.
//!
//! [`Acl`] holds the users, the log of refusals and the slowing down of failed logins. What a call touches it learns from the
//! command table alone: the command's number, the keys that the one extractor finds, and which arguments are channels. A
//! session names its user by a [`UserId`]; no session outlives its user as such, for a user that is deleted takes its
//! connections along. Most sessions are those of a user that may do everything: that is known beforehand and costs one
//! branch a command.
//!
//! It must never keep a password: only hashes come in here and stay.

mod attempts;
mod commands;
mod describe;
mod file;
mod log;
mod rights;
mod rules;
mod selector;
#[cfg(test)]
mod tests;
mod user;
mod words;

use std::collections::BTreeMap;

pub use attempts::Attempts;
pub(crate) use file::unreadable;
pub use file::{Declaration, FileErrors, check_declaration};
pub use log::{AclLog, Context, Entry, Reason};
pub use rules::RuleError;
pub use selector::Denied;
pub use user::User;

use crate::table::{KeyRef, Table};
use rules::Reader;
use words::{as_c_string, gather, has_blanks};

/// Names a user, as long as there is one connection of its.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId(u32);

impl UserId {
    /// The user that every connection begins with. It cannot be deleted.
    pub const DEFAULT: UserId = UserId(0);
}

/// The name of [`UserId::DEFAULT`].
pub const DEFAULT: &[u8] = b"default";

/// Users, the log of refusals, and failed logins.
pub struct Acl {
    users: Vec<Option<Named>>,
    ids: BTreeMap<Box<[u8]>, UserId>,
    /// What was refused lately.
    pub log: AclLog,
    /// Failed logins by address.
    pub attempts: Attempts,
    /// A test wants the first key of a call checked in the place of all others.
    pub(crate) wrong_key: bool,
    /// A test wants connections to keep the rights that they had.
    pub(crate) keeps_rights: bool,
    /// Room in which checks put the keys of a call.
    keys: Vec<KeyRef>,
}

struct Named {
    name: Box<[u8]>,
    user: User,
}

/// Why a list of rules was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUserError {
    /// A parenthesis in this word is never closed.
    Unmatched(Vec<u8>),
    /// This rule cannot be obeyed.
    Rule(Vec<u8>, RuleError),
}

impl SetUserError {
    /// What `ACL SETUSER` answers, without `ERR`.
    pub fn text(&self) -> Vec<u8> {
        match self {
            SetUserError::Unmatched(word) => {
                [b"Unmatched parenthesis in acl selector starting at '", as_c_string(word), b"'."].concat()
            }
            SetUserError::Rule(rule, why) => {
                let why = why.text().as_bytes();
                [b"Error in ACL SETUSER modifier '", as_c_string(rule), b"': ", why].concat()
            }
        }
    }
}

/// A changed user, and what is to be logged about its rules.
pub struct Prepared {
    /// The user as it would be.
    pub user: User,
    /// Lines for the log.
    pub warnings: Vec<String>,
}

impl Acl {
    /// The one user that there is before anything is configured.
    pub fn new(table: &Table) -> Acl {
        commands::assert_fits(table);
        let mut acl = Acl {
            users: Vec::new(),
            ids: BTreeMap::new(),
            log: AclLog::default(),
            attempts: Attempts::default(),
            wrong_key: false,
            keeps_rights: false,
            keys: Vec::new(),
        };
        let id = acl.insert(DEFAULT, User::all_powerful());
        assert_eq!(id, UserId::DEFAULT, "the first user is the default one");
        acl
    }

    /// The user of that name.
    pub fn find(&self, name: &[u8]) -> Option<UserId> {
        self.ids.get(name).copied()
    }

    /// A user.
    ///
    /// # Panics
    /// When it was deleted: nothing may name it any more.
    pub fn user(&self, id: UserId) -> &User {
        &self.named(id).user
    }

    /// A user's name.
    pub fn name(&self, id: UserId) -> &[u8] {
        &self.named(id).name
    }

    /// All users, in the order of their names.
    pub fn users(&self) -> impl ExactSizeIterator<Item = (&[u8], &User)> {
        self.ids.iter().map(|(name, id)| (&**name, self.user(*id)))
    }

    fn named(&self, id: UserId) -> &Named {
        self.users[id.0 as usize].as_ref().expect("a user that a session has is not deleted")
    }

    /// Whether a new connection must log in before it may do anything.
    pub fn login_is_required(&self) -> bool {
        let default = self.user(UserId::DEFAULT);
        !default.needs_no_password() || !default.is_enabled()
    }

    /// What `name` becomes by `rules`, or a new user does if there is none of that name. Nothing is changed yet.
    ///
    /// # Errors
    /// The first rule that cannot be obeyed.
    pub fn prepare<'a>(
        &self,
        table: &Table,
        open_channels: bool,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Prepared, SetUserError> {
        let user = self.find(name).map_or_else(|| User::new(open_channels), |id| self.user(id).clone());
        changed(table, open_channels, user, rules)
    }

    /// Puts a user in its place, or in a new one.
    pub(crate) fn insert(&mut self, name: &[u8], user: User) -> UserId {
        let id = self.find(name).filter(|_| !self.keeps_rights).unwrap_or_else(|| {
            let free = self.users.iter().position(Option::is_none).unwrap_or_else(|| {
                self.users.push(None);
                self.users.len() - 1
            });
            UserId(u32::try_from(free).expect("users are fewer than 2^32"))
        });
        self.ids.insert(name.into(), id);
        self.users[id.0 as usize] = Some(Named { name: name.into(), user });
        id
    }

    /// Takes a user away. The caller has no session left that is its.
    fn remove(&mut self, id: UserId) {
        assert_ne!(id, UserId::DEFAULT, "the default user stays");
        if let Some(named) = self.users[id.0 as usize].take() {
            self.ids.remove(&named.name);
        }
    }

    /// One line for each user, in the order of their names: what ACL LIST and ACL SAVE show and CONFIG REWRITE writes.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Vec<u8>> {
        self.users().map(|(name, user)| {
            let mut line = [b"user ", name, b" "].concat();
            user.describe(&mut line);
            line
        })
    }
}

/// Applies rules to a copy of a user.
fn changed<'a>(
    table: &Table,
    open_channels: bool,
    mut user: User,
    rules: impl Iterator<Item = &'a [u8]>,
) -> Result<Prepared, SetUserError> {
    let mut reader = Reader { table, open_channels, discouraged: Vec::new() };
    let gathered = gather(rules).map_err(|word| SetUserError::Unmatched(word.to_vec()))?;
    for rule in gathered {
        if let Err(why) = reader.apply(&mut user, &rule) {
            return Err(SetUserError::Rule(rule, why));
        }
    }
    let warnings = reader.warnings().collect();
    Ok(Prepared { user, warnings })
}

/// Whether a user may be called so.
pub fn is_valid_name(name: &[u8]) -> bool {
    !has_blanks(name)
}
