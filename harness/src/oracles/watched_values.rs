//! A transaction that was executed under WATCH finds the watched key as its client last read it.
//!
//! Source: the Redis documentation on WATCH: EXEC is refused when a watched key was modified, expiry included. Values are
//! unique, so another value, or none, means that EXEC did not notice.

use super::Violation;
use crate::record::{COMPLAINTS_MAX, Record, WatchedRead, seconds, show};

/// Says which transactions found another value than the one they watched.
pub fn judge(record: &Record) -> Vec<Violation> {
    let changed = record.watched_reads.iter().filter(|read| read.before != read.within);
    changed.take(COMPLAINTS_MAX).map(complaint).collect()
}

fn complaint(read: &WatchedRead) -> Violation {
    let WatchedRead { at, client, key, before, within } = read;
    let (before, within) = (show(before), show(within));
    let what = format!("{} {client} watched {key} as {before}, and EXEC found {within}", seconds(*at));
    Violation::new("watched-values", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_resp::Reply;

    #[test]
    fn another_value_inside_is_a_violation() {
        let read = |before, within| WatchedRead { at: 0, client: "c".into(), key: "k".into(), before, within };
        let mut record = Record::new(false);
        record.watched_reads.push(read(Reply::Null, Reply::Null));
        record.watched_reads.push(read(Reply::Bulk(b"v".to_vec()), Reply::Bulk(b"v".to_vec())));
        assert!(judge(&record).is_empty());
        record.watched_reads.push(read(Reply::Bulk(b"v".to_vec()), Reply::Null));
        assert_eq!(judge(&record).len(), 1);
    }
}
