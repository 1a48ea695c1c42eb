//! Whoever guesses passwords is slowed down, never succeeds, and is written down.
//!
//! Source: F10, intrusion: brute force is slowed and logged. The first failures of an address are free; from then on each costs
//! twice as much as the one before, up to a bound, whatever connections it uses. So the number of guesses that an address has
//! answered within a run is bounded, however fast it asks. Refusals show in ACL LOG and in INFO.

use super::Violation;
use crate::record::access::Access;
use crate::record::{COMPLAINTS_MAX, Record, seconds};
use crate::scenario::GuessBound;

/// Says who guessed too often, too well, or unnoticed.
pub fn judge(bound: &GuessBound, record: &Record) -> Vec<Violation> {
    let mut complaints = slowed(bound, &record.access);
    complaints.extend(noticed(bound, &record.access));
    complaints.truncate(COMPLAINTS_MAX);
    complaints.into_iter().map(|what| Violation::new("guesses", what)).collect()
}

fn slowed(bound: &GuessBound, access: &Access) -> Vec<String> {
    let mut complaints = Vec::new();
    for (client, guesses) in &access.guesses {
        for (at, answer) in guesses.iter().filter(|(_, answer)| !answer.starts_with("-WRONGPASS ")) {
            complaints.push(format!("{} {client} guessed and was answered with {answer}", seconds(*at)));
        }
        let later = &guesses[guesses.len().min(bound.free as usize)..];
        if let ([(first, _), .., (last, _)], count) = (later, later.len() as u64) {
            let most = bound.doublings + (last - first) / (bound.longest_ms * 1_000_000) + 1;
            if count > most {
                complaints.push(format!(
                    "{client}: {count} guesses after the first {}, at most {most} were to be",
                    bound.free
                ));
            }
        }
        if (guesses.len() as u64) <= bound.free {
            complaints.push(format!("{client}: {} guesses, too few to be slowed", guesses.len()));
        }
    }
    complaints
}

fn noticed(bound: &GuessBound, access: &Access) -> Vec<String> {
    let guesses: u64 = access.guesses.values().map(|guesses| guesses.len() as u64).sum();
    let Some(logged) = &access.logged else { return vec!["nobody could read what was logged".to_owned()] };
    let counted = logged.counters.get("acl_access_denied_auth").copied().unwrap_or(0);
    let mut complaints = Vec::new();
    if counted < guesses {
        complaints.push(format!("{guesses} guesses were refused, and acl_access_denied_auth is {counted}"));
    }
    for name in ["default", "operator"] {
        let found = logged.entries.iter().any(|(reason, user)| reason == "auth" && user == name);
        if guesses > 20 * bound.free && !found {
            complaints.push(format!("ACL LOG says nothing of guesses at {name}'s password"));
        }
    }
    if guesses > 0 && !logged.entries.iter().any(|(reason, _)| reason == "auth") {
        complaints.push("ACL LOG says nothing of guesses".to_owned());
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::access::Logged;

    const BOUND: GuessBound = GuessBound { free: 2, doublings: 3, longest_ms: 1 };

    fn guesses(times_ms: &[u64]) -> Access {
        let mut access = Access::default();
        times_ms.iter().for_each(|ms| access.guessed("c", ms * 1_000_000, "-WRONGPASS no".into()));
        access
    }

    #[test]
    fn too_many_and_too_good_guesses_show() {
        assert!(slowed(&BOUND, &guesses(&[0, 0, 1, 1, 1, 1])).is_empty(), "three doublings and one");
        assert_eq!(slowed(&BOUND, &guesses(&[0, 0, 1, 1, 1, 1, 1])).len(), 1);
        assert!(slowed(&BOUND, &guesses(&[0, 0, 1, 1, 1, 1, 2])).is_empty(), "time allows another");
        assert_eq!(slowed(&BOUND, &guesses(&[0])).len(), 1, "that shows nothing");
        let mut access = guesses(&[0, 0, 1]);
        access.guessed("c", 5_000_000, "OK".into());
        assert_eq!(slowed(&BOUND, &access).len(), 1, "a guess was right");
    }

    #[test]
    fn guesses_that_nobody_wrote_down_show() {
        let mut access = guesses(&[0, 0, 1]);
        assert_eq!(noticed(&BOUND, &access).len(), 1);
        let entry = ("auth".to_owned(), "default".to_owned());
        let counters = [("acl_access_denied_auth".to_owned(), 3)].into();
        access.logged = Some(Logged { entries: vec![entry], counters });
        assert!(noticed(&BOUND, &access).is_empty());
        access.logged = Some(Logged::default());
        assert_eq!(noticed(&BOUND, &access).len(), 2);
    }
}
