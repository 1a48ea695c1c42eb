//! Without credentials nothing is answered but refusals, and nothing can be read.
//!
//! Source: F10, intrusion, and the Redis documentation on AUTH: a connection that has not authenticated is answered NOAUTH to
//! everything but AUTH, HELLO, QUIT and RESET. What is wrong by itself (no such command, too few arguments, a broken request)
//! may be answered as that, for it says nothing of the data. Values are marked with a word that no stranger ever sends.

use std::collections::BTreeSet;

use super::Violation;
use crate::record::access::Access;
use crate::record::{COMPLAINTS_MAX, Record};

/// What stands in every value and in nothing that strangers send.
const MARK: &str = "secret-value";

/// Fewer different commands show nothing.
const TRIED_MIN: usize = 20;

/// Says what strangers were answered that is no refusal.
pub fn judge(record: &Record) -> Vec<Violation> {
    let mut complaints = answers(&record.access);
    let tried: BTreeSet<&str> = record.access.probes.keys().map(|(command, _)| command.as_str()).collect();
    if tried.len() < TRIED_MIN {
        complaints.push(format!("strangers tried {} commands only", tried.len()));
    }
    complaints.into_iter().map(|what| Violation::new("strangers", what)).collect()
}

fn answers(access: &Access) -> Vec<String> {
    let wrong = access.probes.iter().filter(|((command, answer), _)| !is_refusal(command, answer));
    let say = |((command, answer), times): (&(String, String), &u64)| {
        format!("{command} was answered with {answer}, {times} times")
    };
    wrong.take(COMPLAINTS_MAX).map(say).collect()
}

fn is_refusal(command: &str, answer: &str) -> bool {
    if answer.contains(MARK) {
        return false;
    }
    const CODES: [&str; 5] = ["-NOAUTH ", "-WRONGPASS ", "-ERR ", "-NOPROTO ", "-EXECABORT "];
    match (command, answer) {
        ("QUIT", "OK") | ("RESET", "RESET") => true,
        _ => CODES.iter().any(|code| answer.starts_with(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_no_refusal_shows() {
        let wrong = |command: &str, answer: &str| {
            let mut access = Access::default();
            access.probed(command, answer.to_owned());
            answers(&access).len()
        };
        assert_eq!(wrong("get", "-NOAUTH Authentication required."), 0);
        assert_eq!((wrong("quit", "OK"), wrong("reset", "RESET"), wrong("set", "OK")), (0, 0, 1));
        assert_eq!((wrong("ping", "PONG"), wrong("get", "nil"), wrong("multi", "OK")), (1, 1, 1));
        assert_eq!(wrong("get", "-ERR no secret-value here"), 1);
    }
}
