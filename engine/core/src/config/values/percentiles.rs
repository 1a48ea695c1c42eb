//! `latency-tracking-info-percentiles`: which percentiles `INFO latencystats` shows.

use crate::config::When;
use crate::config::parameter::Special;

/// A percentile, in millionths of a percent: as precise as Redis prints it, and comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile(u32);

impl Percentile {
    const PER_PERCENT: u32 = 1_000_000;

    /// The smallest count of `total` that covers this share of it; at least one.
    pub fn rank(self, total: u64) -> u64 {
        let share = u128::from(total) * u128::from(self.0);
        let rank = share.div_ceil(100 * u128::from(Percentile::PER_PERCENT));
        u64::try_from(rank).unwrap_or(u64::MAX).max(1)
    }
}

impl std::fmt::Display for Percentile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / Percentile::PER_PERCENT, self.0 % Percentile::PER_PERCENT);
        match rest {
            0 => write!(f, "{whole}"),
            _ => f.write_str(format!("{whole}.{rest:06}").trim_end_matches('0')),
        }
    }
}

/// Percentiles in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Percentiles(Vec<Percentile>);

impl Default for Percentiles {
    fn default() -> Percentiles {
        Percentiles([50_000_000, 99_000_000, 99_900_000].map(Percentile).to_vec())
    }
}

impl Percentiles {
    /// How many can be asked for: every one is a field of a line in INFO, for each command.
    const MAX: usize = 64;

    /// Reads one number a word. No word, or one empty word, means none.
    ///
    /// # Errors
    /// Redis's words for what is wrong.
    pub fn parse(words: &[&str]) -> Result<Percentiles, String> {
        if words == [""] {
            return Ok(Percentiles(Vec::new()));
        }
        if words.len() > Percentiles::MAX {
            return Err("Invalid latency-tracking-info-percentiles parameters".to_owned());
        }
        let percentile = |word: &&str| {
            let number = word.parse::<f64>().ok().filter(|number| !number.is_nan());
            let number = number.ok_or("Invalid latency-tracking-info-percentiles parameters")?;
            match number {
                0.0..=100.0 => Ok(Percentile((number * f64::from(Percentile::PER_PERCENT)).round() as u32)),
                _ => Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"),
            }
        };
        words.iter().map(percentile).collect::<Result<_, _>>().map(Percentiles).map_err(str::to_owned)
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Percentile> + '_ {
        self.0.iter().copied()
    }
}

impl Special for Percentiles {
    fn show(&self) -> String {
        self.0.iter().map(Percentile::to_string).collect::<Vec<_>>().join(" ")
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        *self = Percentiles::parse(words)?;
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        vec![if self.0.is_empty() { "\"\"".to_owned() } else { self.show() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_printed_as_redis_prints_it() {
        let shown = |words: &[&str]| Percentiles::parse(words).map(|p| p.show());
        assert_eq!(shown(&["0.0", "50.0", "100.0"]).as_deref(), Ok("0 50 100"));
        assert_eq!(shown(&["99.9", "99.990", "1e1"]).as_deref(), Ok("99.9 99.99 10"));
        assert_eq!(shown(&[""]).as_deref(), Ok(""));
        assert_eq!(Percentiles::default().show(), "50 99 99.9");
        assert!(shown(&["10.0", "a"]).unwrap_err().starts_with("Invalid"));
        assert!(shown(&["nan"]).unwrap_err().starts_with("Invalid"));
        assert!(shown(&["101.0"]).unwrap_err().contains("between"));
        assert!(shown(&["-0.1"]).unwrap_err().contains("between"));
    }

    #[test]
    fn a_rank_covers_its_share() {
        let rank = |text: &str, total| Percentiles::parse(&[text]).unwrap().iter().next().unwrap().rank(total);
        assert_eq!([rank("50", 1), rank("50", 2), rank("50", 3), rank("0", 9), rank("100", 9)], [1, 1, 2, 1, 9]);
        assert_eq!(rank("99.9", 1000), 999);
        assert_eq!(rank("100", u64::MAX), u64::MAX);
    }
}
