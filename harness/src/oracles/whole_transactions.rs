//! A transaction that reads a group of keys sees one value in all of them, for every writer writes all of them at once.
//!
//! Source: the Redis documentation on transactions: commands of one EXEC are executed as a single isolated operation. Values
//! are unique, so two different ones in one read are parts of two transactions, or half of one.

use super::Violation;
use crate::record::{COMPLAINTS_MAX, GroupRead, Record, seconds};

/// Says which reads saw parts of two transactions.
pub fn judge(record: &Record) -> Vec<Violation> {
    record.group_reads.iter().filter(|read| is_torn(read)).take(COMPLAINTS_MAX).map(complaint).collect()
}

fn is_torn(read: &GroupRead) -> bool {
    read.values.iter().any(|value| *value != read.values[0])
}

fn complaint(read: &GroupRead) -> Violation {
    let values: Vec<String> = read
        .values
        .iter()
        .map(|value| value.as_ref().map_or("nothing".to_owned(), |v| format!("\"{}\"", v.escape_ascii())))
        .collect();
    let GroupRead { at, process, group, .. } = read;
    let what = format!("{} process {process} read group {group} and saw {}", seconds(*at), values.join(", "));
    Violation::new("whole-transactions", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_in_one_read_are_torn() {
        let read = |values: &[Option<&str>]| GroupRead {
            at: 0,
            process: 1,
            group: "g".into(),
            values: values.iter().map(|v| v.map(|v| v.as_bytes().to_vec())).collect(),
        };
        assert!(!is_torn(&read(&[None, None])));
        assert!(!is_torn(&read(&[Some("a"), Some("a")])));
        assert!(is_torn(&read(&[Some("a"), None])));
        assert!(is_torn(&read(&[Some("a"), Some("a"), Some("b")])));
    }
}
