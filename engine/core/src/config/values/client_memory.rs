//! `maxmemory-clients`: bytes, or a share of `maxmemory`.

use refrain_resp::parse_i64;

use super::WRONG_NUMBER;
use crate::config::When;
use crate::config::numbers::{format_memory, parse_memory};
use crate::config::parameter::Special;

/// What all clients together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMemory {
    /// So many bytes; 0 means any number.
    Bytes(u64),
    /// So many percent of `maxmemory`, at least 1.
    Percent(u8),
}

/// The least that a limit can be, in bytes.
const LEAST: u64 = 128 << 10;

/// What is said of a share that is more than all.
const TOO_MUCH: &str = "percentage argument must be less or equal to 100";

impl Default for ClientMemory {
    fn default() -> ClientMemory {
        ClientMemory::Bytes(0)
    }
}

impl ClientMemory {
    /// In bytes; `None` for no limit. Less than [`LEAST`] is taken for that: nobody could connect to mend it.
    pub fn limit(self, maxmemory: u64) -> Option<u64> {
        let bytes = match self {
            ClientMemory::Bytes(bytes) => bytes,
            // Divided first: a limit of any size must not overflow.
            ClientMemory::Percent(percent) => {
                maxmemory / 100 * u64::from(percent) + maxmemory % 100 * u64::from(percent) / 100
            }
        };
        (bytes > 0).then_some(bytes.max(LEAST))
    }
}

impl Special for ClientMemory {
    fn show(&self) -> String {
        match self {
            ClientMemory::Bytes(bytes) => bytes.to_string(),
            ClientMemory::Percent(percent) => format!("{percent}%"),
        }
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let [word] = words else { return Err(WRONG_NUMBER.to_owned()) };
        if let Some(bytes) = parse_memory(word) {
            if bytes > i64::MAX as u64 {
                // Redis keeps shares as negative numbers, and takes this for one.
                return Err(TOO_MUCH.to_owned());
            }
            *self = ClientMemory::Bytes(bytes);
            return Ok(());
        }
        let percent = word.strip_suffix('%').and_then(|number| parse_i64(number.as_bytes())).filter(|p| *p >= 0);
        let percent = percent.ok_or("argument must be a memory or percent value")?;
        *self = match u8::try_from(percent) {
            Ok(0) => ClientMemory::Bytes(0),
            Ok(percent) if percent <= 100 => ClientMemory::Percent(percent),
            _ => return Err(TOO_MUCH.to_owned()),
        };
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        vec![match self {
            ClientMemory::Bytes(bytes) => format_memory(*bytes),
            ClientMemory::Percent(_) => self.show(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_maxmemory() {
        assert_eq!(ClientMemory::Percent(5).limit(100 << 20), Some(5 << 20));
        assert_eq!(ClientMemory::Percent(100).limit(u64::MAX), Some(u64::MAX));
        assert_eq!(ClientMemory::Percent(1).limit((500 << 20) + 199), Some((5 << 20) + 1));
        assert_eq!(ClientMemory::Percent(5).limit(0), None);
        assert_eq!(ClientMemory::Bytes(0).limit(1000), None);
        assert_eq!(ClientMemory::Bytes(1 << 20).limit(0), Some(1 << 20));
        assert_eq!(ClientMemory::Bytes(7).limit(0), Some(LEAST));
        assert_eq!(ClientMemory::Percent(1).limit(100), Some(LEAST));
    }
}
