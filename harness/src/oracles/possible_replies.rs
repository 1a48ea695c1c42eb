//! Every reply is one that its command can have, and no error stands for a command that took effect.
//!
//! Source: the command reference. What a wrong type of reply hides is a reply that belongs to another command, or a
//! command that was not executed though it was answered.

use super::Violation;
use crate::record::Record;

/// Says which replies could not be.
pub fn judge(record: &Record) -> Vec<Violation> {
    record.unexpected.iter().map(|what| Violation::new("possible-replies", what.clone())).collect()
}
