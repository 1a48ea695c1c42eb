//! Every reply is one that its command can have, no error stands for a command that took effect, and no connection ends in
//! good order while replies are owed on it.
//!
//! Source: the command reference, and the protocol: a client that ends its sending side is still answered. What a wrong type of reply hides is a reply that belongs to another command, or a
//! command that was not executed though it was answered.

use super::Violation;
use crate::record::Record;

/// Says which replies could not be.
pub fn judge(record: &Record) -> Vec<Violation> {
    record.unexpected.iter().map(|what| Violation::new("possible-replies", what.clone())).collect()
}
