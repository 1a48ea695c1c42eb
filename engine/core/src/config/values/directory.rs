//! `dir`: the working directory.

use super::WRONG_NUMBER;
use crate::config::When;
use crate::config::parameter::Special;
use crate::config::quote;

/// The working directory: as it was written until it has been entered, then its absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory(pub String);

impl Default for Directory {
    fn default() -> Directory {
        Directory(".".into())
    }
}

impl Special for Directory {
    fn show(&self) -> String {
        self.0.clone()
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let [word] = words else { return Err(WRONG_NUMBER.to_owned()) };
        self.0 = (*word).to_owned();
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        vec![String::from_utf8(quote(self.0.as_bytes())).expect("what is quoted is ASCII")]
    }

    fn default_may_be_left_out(&self) -> bool {
        // The next start may come from another directory.
        false
    }
}
