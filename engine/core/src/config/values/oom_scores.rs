//! `oom-score-adj-values`: whom the system's out-of-memory killer is to prefer.

use super::WRONG_NUMBER;
use crate::config::When;
use crate::config::numbers::parse_lenient;
use crate::config::parameter::Special;

/// One score a role, -2000 to 2000: the higher, the earlier it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OomScores {
    /// Of a primary.
    pub primary: i64,
    /// Of a replica.
    pub replica: i64,
    /// Of a child process.
    pub child: i64,
}

impl Default for OomScores {
    fn default() -> OomScores {
        OomScores { primary: 0, replica: 200, child: 800 }
    }
}

impl Special for OomScores {
    fn show(&self) -> String {
        format!("{} {} {}", self.primary, self.replica, self.child)
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let [primary, replica, child] = words else { return Err(WRONG_NUMBER.to_owned()) };
        let score = |word: &str| {
            parse_lenient(word, 10)
                .filter(|score| (-2000..=2000).contains(score))
                .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        };
        *self = OomScores { primary: score(primary)?, replica: score(replica)?, child: score(child)? };
        Ok(())
    }
}
