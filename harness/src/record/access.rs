//! What is recorded of those who may and those who may not: what strangers were answered, guesses at passwords, how users'
//! rights were changed, and what the users did.

use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug, Default)]
pub struct Access {
    /// What strangers asked and were answered: the command in capitals, the answer shortened, and how often.
    pub probes: BTreeMap<(String, String), u64>,
    /// Answered guesses, by client: when, and what was answered.
    pub guesses: BTreeMap<String, Vec<(u64, String)>>,
    /// Users whose rights change.
    pub accounts: Vec<Account>,
    /// The account that stands in each place now.
    pub current: BTreeMap<u64, usize>,
    /// What users did.
    pub acts: Vec<Act>,
    /// What the server said in the end of refusals: reasons in ACL LOG, and counters of INFO.
    pub logged: Option<Logged>,
}

/// Rights of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Whether one can log in.
    pub on: bool,
    /// With what.
    pub password: String,
    /// Commands that it may use.
    pub commands: BTreeSet<&'static str>,
    /// Prefixes of keys that it may touch.
    pub prefixes: BTreeSet<&'static str>,
}

/// One change of a user's rights. Those of one user were sent one after the other, each when the one before was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it was sent.
    pub sent: u64,
    /// When it was answered.
    pub acked: Option<u64>,
    /// The rights from then on; `None` for a user that was deleted.
    pub rights: Option<Rights>,
}

/// A user.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// All changes, in order.
    pub changes: Vec<Change>,
}

/// What a user tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// To log in, with this password.
    LogIn(String),
    /// A command on these keys.
    Use(&'static str, Vec<String>),
}

/// Something that a user tried, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which of the accounts.
    pub account: usize,
    /// When it was sent.
    pub sent: u64,
    /// When it was answered.
    pub answered: u64,
    /// When the login was answered by which this connection has its rights.
    pub logged_in: u64,
    /// What was tried.
    pub deed: Deed,
    /// Whether it was done.
    pub allowed: bool,
}

/// What the server says of refusals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logged {
    /// Reasons of the entries of ACL LOG, and the user names with them.
    pub entries: Vec<(String, String)>,
    /// `acl_access_denied_*` of INFO.
    pub counters: BTreeMap<String, u64>,
}

/// The most different probes that are kept: strangers can make up answers' texts.
const PROBES_MAX: usize = 20_000;

impl Access {
    /// A stranger was answered.
    pub fn probed(&mut self, command: &str, answer: String) {
        let key = (command.to_uppercase(), answer);
        if self.probes.len() < PROBES_MAX || self.probes.contains_key(&key) {
            *self.probes.entry(key).or_default() += 1;
        }
    }

    /// A guess was answered.
    pub fn guessed(&mut self, client: &str, at: u64, answer: String) {
        self.guesses.entry(client.to_owned()).or_default().push((at, answer));
    }
}
