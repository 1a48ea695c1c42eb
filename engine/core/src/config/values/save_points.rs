//! `save`: after how many seconds and changes a snapshot is taken.

use crate::config::When;
use crate::config::numbers::parse_lenient;
use crate::config::parameter::Special;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    /// So many seconds after the last snapshot,
    pub seconds: u64,
    /// if so many changes were made since.
    pub changes: u64,
}

/// All rules. In a configuration file the first `save` replaces the default, and every further one adds to it.
#[derive(Debug, Clone)]
pub struct SavePoints {
    /// The rules.
    pub points: Vec<SavePoint>,
    is_default: bool,
}

impl PartialEq for SavePoints {
    fn eq(&self, other: &SavePoints) -> bool {
        self.points == other.points
    }
}

impl Default for SavePoints {
    fn default() -> SavePoints {
        let points = [(3600, 1), (300, 100), (60, 10_000)];
        SavePoints {
            points: points.map(|(seconds, changes)| SavePoint { seconds, changes }).to_vec(),
            is_default: true,
        }
    }
}

impl Special for SavePoints {
    fn show(&self) -> String {
        self.points.iter().map(|p| format!("{} {}", p.seconds, p.changes)).collect::<Vec<_>>().join(" ")
    }

    fn set(&mut self, words: &[&str], when: When) -> Result<(), String> {
        if words == [""] {
            *self = SavePoints { points: Vec::new(), is_default: false };
            return Ok(());
        }
        let invalid = || "Invalid save parameters".to_owned();
        if !words.len().is_multiple_of(2) {
            return Err(invalid());
        }
        let number = |word: &str| parse_lenient(word, 10).and_then(|n| u64::try_from(n).ok()).ok_or_else(invalid);
        let mut points = Vec::with_capacity(words.len() / 2);
        for pair in words.chunks_exact(2) {
            let point = SavePoint { seconds: number(pair[0])?, changes: number(pair[1])? };
            if point.seconds == 0 {
                return Err(invalid());
            }
            points.push(point);
        }
        if when == When::Running || self.is_default {
            self.points.clear();
        }
        self.points.append(&mut points);
        self.is_default = false;
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        if self.points.is_empty() {
            return vec!["\"\"".to_owned()];
        }
        self.points.iter().map(|p| format!("{} {}", p.seconds, p.changes)).collect()
    }

    fn default_may_be_left_out(&self) -> bool {
        // The file's lines add up: where one stands all must.
        false
    }
}
