//! `client-output-buffer-limit`: how much a client of each class may be owed.

use crate::config::When;
use crate::config::numbers::{format_memory, parse_lenient, parse_memory};
use crate::config::parameter::Special;

/// Classes of clients, as `client-output-buffer-limit` and `CLIENT KILL TYPE` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientClass {
    /// An ordinary client.
    Normal,
    /// A replica.
    Replica,
    /// A subscriber.
    Pubsub,
}

/// Limits of one class. Zero means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once.
    pub hard: u64,
    /// Bytes at which it is closed when exceeded for `soft_seconds` without a break.
    pub soft: u64,
    /// Seconds.
    pub soft_seconds: u64,
}

/// Limits of all classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLimits {
    /// Of ordinary clients.
    pub normal: OutputLimit,
    /// Of replicas.
    pub replica: OutputLimit,
    /// Of subscribers.
    pub pubsub: OutputLimit,
}

impl Default for OutputLimits {
    fn default() -> OutputLimits {
        OutputLimits {
            normal: OutputLimit { hard: 0, soft: 0, soft_seconds: 0 },
            replica: OutputLimit { hard: 256 << 20, soft: 64 << 20, soft_seconds: 60 },
            pubsub: OutputLimit { hard: 32 << 20, soft: 8 << 20, soft_seconds: 60 },
        }
    }
}

impl OutputLimits {
    /// The limit of a class.
    pub fn of(&self, class: ClientClass) -> &OutputLimit {
        match class {
            ClientClass::Normal => &self.normal,
            ClientClass::Replica => &self.replica,
            ClientClass::Pubsub => &self.pubsub,
        }
    }
}

impl Special for OutputLimits {
    fn show(&self) -> String {
        let one = |name: &str, l: &OutputLimit| format!("{name} {} {} {}", l.hard, l.soft, l.soft_seconds);
        format!("{} {} {}", one("normal", &self.normal), one("slave", &self.replica), one("pubsub", &self.pubsub))
    }

    /// Changes the classes that `words` names, in groups of four: class, hard, soft, seconds.
    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        if !words.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
        }
        for group in words.chunks_exact(4) {
            let class = match group[0].to_ascii_lowercase().as_str() {
                "normal" => &mut self.normal,
                "slave" | "replica" => &mut self.replica,
                "pubsub" => &mut self.pubsub,
                _ => return Err("Invalid client class specified in buffer limit configuration.".to_owned()),
            };
            let soft_seconds = parse_lenient(group[3], 10).and_then(|seconds| u64::try_from(seconds).ok());
            let (Some(hard), Some(soft), Some(soft_seconds)) =
                (parse_memory(group[1]), parse_memory(group[2]), soft_seconds)
            else {
                return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned());
            };
            *class = OutputLimit { hard, soft, soft_seconds };
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let classes = [("normal", &self.normal), ("replica", &self.replica), ("pubsub", &self.pubsub)];
        classes
            .map(|(name, l)| format!("{name} {} {} {}", format_memory(l.hard), format_memory(l.soft), l.soft_seconds))
            .to_vec()
    }
}
