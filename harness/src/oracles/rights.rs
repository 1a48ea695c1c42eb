//! What users may do is what the last change of their rights says, on every connection, at once.
//!
//! Source: the Redis documentation on ACL, and F10: changes apply to connected clients at once. By real time: a change that was
//! answered before a command was sent applies to it; one that was sent after the command was answered does not; any other
//! may. A command is done only if one of the rights that may apply allows it, on all of its keys, and is refused only if one
//! of them does not. The same holds of logins, which `off`, a new password and DELUSER prevent; as in Redis, `off` and a new
//! password leave those alone who have logged in. DELUSER ends its user's connections.

use super::Violation;
use crate::record::access::{Access, Account, Act, Change, Deed, Rights};
use crate::record::{COMPLAINTS_MAX, Record, seconds};

/// Says who did what he may not, or was refused what he may.
pub fn judge(record: &Record) -> Vec<Violation> {
    let access = &record.access;
    let complaints = access.acts.iter().filter_map(|act| complaint(access, act)).take(COMPLAINTS_MAX);
    complaints.map(|what| Violation::new("rights", what)).collect()
}

fn complaint(access: &Access, act: &Act) -> Option<String> {
    let account = &access.accounts[act.account];
    let (at, name) = (seconds(act.answered), &account.name);
    if act.allowed && was_deleted(account, act) {
        return Some(format!("{at} {name} did {:?} on a connection from before it was deleted", act.deed));
    }
    if applicable(account, act).any(|rights| allows(rights, &act.deed) == act.allowed) {
        return None;
    }
    let what = if act.allowed { "did what it may not" } else { "was refused what it may" };
    let rights: Vec<_> = applicable(account, act).collect();
    Some(format!("{at} {name} {what}: {:?} sent at {}, with {rights:?}", act.deed, seconds(act.sent)))
}

/// The rights that may have applied. Changes come one after the other, so the last that was answered before counts, and all
/// behind it that were sent in time. Before the first there is no user.
fn applicable<'a>(account: &'a Account, act: &Act) -> impl Iterator<Item = Option<&'a Rights>> {
    let before = |change: &Change| change.acked.is_some_and(|acked| acked < act.sent);
    let last = account.changes.iter().rposition(before);
    let first = last.is_none().then_some(None);
    let from = last.unwrap_or(0);
    let to = account.changes.partition_point(|change| change.sent <= act.answered).max(from);
    first.into_iter().chain(account.changes[from..to].iter().map(|change| change.rights.as_ref()))
}

fn allows(rights: Option<&Rights>, deed: &Deed) -> bool {
    let Some(rights) = rights else { return false };
    match deed {
        Deed::LogIn(password) => rights.on && rights.password == *password,
        Deed::Use(command, keys) => {
            let may_touch = |key: &String| rights.prefixes.iter().any(|prefix| key.starts_with(prefix));
            rights.commands.contains(command) && keys.iter().all(may_touch)
        }
    }
}

/// Whether the user was surely deleted after this connection had logged in and before it did this.
fn was_deleted(account: &Account, act: &Act) -> bool {
    let between = |c: &Change| c.sent > act.logged_in && c.acked.is_some_and(|acked| acked < act.sent);
    act.deed_is_use() && account.changes.iter().any(|change| change.rights.is_none() && between(change))
}

impl Act {
    fn deed_is_use(&self) -> bool {
        matches!(self.deed, Deed::Use(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let rights = |commands: &[&'static str]| {
            let commands = commands.iter().copied().collect();
            Some(Rights { on: true, password: "p".into(), commands, prefixes: ["a:"].into() })
        };
        let change = |sent, rights| Change { sent, acked: Some(sent + 10), rights };
        let changes = vec![
            change(100, rights(&["get"])),
            change(200, rights(&[])),
            change(300, None),
            change(400, rights(&["get"])),
        ];
        Access { accounts: vec![Account { name: "u".into(), changes }], ..Access::default() }
    }

    fn wrong(sent: u64, answered: u64, logged_in: u64, deed: Deed, allowed: bool) -> bool {
        let act = Act { account: 0, sent, answered, logged_in, deed, allowed };
        complaint(&access(), &act).is_some()
    }

    fn get(keys: &[&str]) -> Deed {
        Deed::Use("get", keys.iter().map(|key| key.to_string()).collect())
    }

    #[test]
    fn a_right_counts_from_its_answer_and_until_it_is_taken_away() {
        assert!(!wrong(120, 130, 115, get(&["a:1"]), true));
        assert!(wrong(120, 130, 115, get(&["a:1"]), false), "it may");
        assert!(wrong(120, 130, 115, get(&["a:1", "b:1"]), true), "not on every key");
        assert!(!wrong(120, 130, 115, get(&["a:1", "b:1"]), false));
        assert!(!wrong(205, 220, 115, get(&["a:1"]), true), "the change may come behind it");
        assert!(!wrong(205, 220, 115, get(&["a:1"]), false), "or before it");
        assert!(wrong(211, 220, 115, get(&["a:1"]), true), "it was revoked");
        assert!(wrong(50, 60, 40, get(&["a:1"]), true), "there is no such user yet");
    }

    #[test]
    fn a_deleted_user_loses_its_connections_and_its_logins() {
        let log_in = || Deed::LogIn("p".into());
        assert!(wrong(420, 430, 250, get(&["a:1"]), true), "the connection is older than the user");
        assert!(!wrong(420, 430, 415, get(&["a:1"]), true));
        assert!(wrong(320, 330, 330, log_in(), true));
        assert!(!wrong(320, 330, 330, log_in(), false));
        assert!(wrong(420, 430, 430, log_in(), false));
        assert!(wrong(420, 430, 430, Deed::LogIn("q".into()), true));
    }
}
