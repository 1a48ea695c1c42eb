//! While a pause is acknowledged, what it holds back has no effect and no answer.
//!
//! Source: the Redis documentation of CLIENT PAUSE: with WRITE, commands that write are blocked until the pause is over, and
//! all others go on; with ALL, no command is processed. A pause surely holds from its acknowledgement on, until its length
//! has passed since it was asked for, or until its end was asked for. Within that time:
//!
//! 1. no write is answered that was sent in it, and with ALL no command;
//! 2. nothing changes: two reads of one key, both sent and answered in it, see the same.
//!
//! That nothing is lost or reordered by it is `linearizable`'s to say.

use std::collections::BTreeMap;

use refrain_jepsen::history::{Operation, Outcome};
use refrain_jepsen::{Call, Reply};

use super::Violation;
use crate::record::pauses::Pause;
use crate::record::{COMPLAINTS_MAX, Record, seconds};

/// Says what happened in pauses that must not.
pub fn judge(record: &Record) -> Vec<Violation> {
    let operations = record.strings.operations();
    let mut complaints: Vec<String> = record.pauses.iter().flat_map(|pause| within(pause, operations.iter())).collect();
    complaints.truncate(COMPLAINTS_MAX);
    complaints.into_iter().map(|what| Violation::new("pauses", what)).collect()
}

fn within<'a>(pause: &Pause, operations: impl Iterator<Item = &'a Operation>) -> Vec<String> {
    let mut seen: BTreeMap<&[u8], &Reply> = BTreeMap::new();
    let mut complaints = Vec::new();
    for operation in operations {
        let Outcome::Ok(answered, reply) = &operation.outcome else { continue };
        if operation.invoked.time < pause.from || answered.time >= pause.until {
            continue;
        }
        let at = seconds(answered.time);
        let key = operation.key.escape_ascii();
        let reads = matches!(operation.call, Call::Get | Call::Exists | Call::ExpireTime);
        if pause.everything || !reads {
            complaints.push(format!(
                "{at} {} of {key} was answered in a pause from {}",
                operation.call,
                seconds(pause.from)
            ));
        } else if operation.call == Call::Get
            && let Some(before) = seen.insert(&operation.key, reply)
            && before != reply
        {
            complaints.push(format!("{at} {key} was {before} in a pause, and then {reply}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_jepsen::{Expiry, History};

    #[test]
    fn answers_to_writes_and_changes_within_a_pause_show() {
        let mut record = Record::new(false);
        record.pauses.push(Pause { everything: false, from: 100, until: 200 });
        let mut ask = |call: Call, from, until, reply| {
            let history: &mut History = &mut record.strings;
            let id = history.invoke(1, from, "k", call);
            history.ok(id, until, reply);
            judge(&record).len()
        };
        let set = || Call::Expire { expiry: Expiry::In { ms: 5 } };
        assert_eq!(ask(set(), 90, 150, Reply::Integer(1)), 0, "it may have been executed before");
        assert_eq!(ask(set(), 150, 200, Reply::Integer(1)), 0, "or after");
        assert_eq!(ask(Call::Get, 110, 120, Reply::Value(b"1".to_vec())), 0);
        assert_eq!(ask(Call::Get, 130, 140, Reply::Value(b"1".to_vec())), 0);
        assert_eq!(ask(Call::Get, 150, 160, Reply::Value(b"2".to_vec())), 1, "it changed");
        assert_eq!(ask(set(), 110, 199, Reply::Integer(1)), 2, "a write was answered");
    }
}
