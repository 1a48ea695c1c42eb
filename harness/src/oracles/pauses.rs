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

    /// Operations of one client, one after the other, and a pause of writes from 100 to 200.
    fn complaints(operations: &[(Call, u64, u64, Reply)]) -> usize {
        let mut record = Record::new(false);
        record.pauses.push(Pause { everything: false, from: 100, until: 200 });
        let history: &mut History = &mut record.strings;
        for (call, sent, answered, reply) in operations {
            let id = history.invoke(1, *sent, "k", call.clone());
            history.ok(id, *answered, reply.clone());
        }
        judge(&record).len()
    }

    #[test]
    fn answers_to_writes_and_changes_within_a_pause_show() {
        let write = |sent, answered| (Call::Expire { expiry: Expiry::In { ms: 5 } }, sent, answered, Reply::Integer(1));
        let read = |sent, answered, value: &str| (Call::Get, sent, answered, Reply::Value(value.into()));
        assert_eq!(complaints(&[write(90, 150)]), 0, "it may have been executed before");
        assert_eq!(complaints(&[write(150, 200)]), 0, "or after");
        assert_eq!(complaints(&[write(110, 199)]), 1, "a write was answered");
        assert_eq!(complaints(&[read(110, 120, "1"), read(130, 140, "1"), read(150, 200, "2")]), 0);
        assert_eq!(complaints(&[read(110, 120, "1"), read(130, 140, "2")]), 1, "it changed");
    }
}
