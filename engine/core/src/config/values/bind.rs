//! `bind`: addresses to listen on.

use crate::config::When;
use crate::config::parameter::Special;
use crate::config::quoting::word;

/// Addresses to listen on, as they were written: an address or a name, `*` or `::*` for all of a family, a leading `-` for
/// one that may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAddresses(pub Vec<String>);

/// More are refused.
const ADDRESSES_MAX: usize = 16;

impl Default for BindAddresses {
    fn default() -> BindAddresses {
        BindAddresses(vec!["*".into(), "-::*".into()])
    }
}

impl Special for BindAddresses {
    fn show(&self) -> String {
        self.0.join(" ")
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        if words.len() > ADDRESSES_MAX {
            return Err("Too many bind addresses specified.".to_owned());
        }
        // One empty word means none at all.
        let words = if words == [""] { &[] } else { words };
        self.0 = words.iter().map(|&word| word.to_owned()).collect();
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["\"\"".to_owned()];
        }
        let words: Vec<String> = self.0.iter().map(|address| word(address)).collect();
        // A line's only value is taken apart once more, for it may hold several.
        vec![if let [one] = &words[..] { word(one) } else { words.join(" ") }]
    }
}
