//! `oom-score-adj`: how soon the kernel ends this process when memory runs out.
//!
//! What the process had before is remembered when the first change is made, is the base of relative values, and is what the
//! process gets back when the parameter is switched off.

use std::fs;
use std::io;

use refrain_core::config::OomScoreAdj;

use super::reason;

const FILE: &str = "/proc/self/oom_score_adj";

/// The most and the least that the kernel knows.
const SCORE_MAX: i64 = 1000;

/// What has been done to this process's score so far.
#[derive(Debug, Default)]
pub struct OomScore {
    base: Option<i64>,
}

impl OomScore {
    /// Puts the parameter into effect, `value` being that of the process's role.
    ///
    /// # Errors
    /// When the system refuses, which is in the log then.
    pub fn apply(&mut self, mode: OomScoreAdj, value: i64) -> io::Result<()> {
        let score = match (mode, self.base) {
            (OomScoreAdj::No, None) => return Ok(()),
            (OomScoreAdj::No, Some(base)) => {
                self.base = None;
                base
            }
            (mode, base) => {
                let base = match base {
                    Some(base) => base,
                    None => read().inspect_err(|e| tracing::warn!("Unable to read oom_score_adj: {}", reason(e)))?,
                };
                self.base = Some(base);
                target(mode, value, base)
            }
        };
        fs::write(FILE, format!("{score}\n"))
            .inspect_err(|e| tracing::warn!("Unable to write oom_score_adj: {}", reason(e)))
    }
}

fn read() -> io::Result<i64> {
    let text = fs::read_to_string(FILE)?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

fn target(mode: OomScoreAdj, value: i64, base: i64) -> i64 {
    let score = if mode == OomScoreAdj::Absolute { value } else { value.saturating_add(base) };
    score.clamp(-SCORE_MAX, SCORE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_relative_to_the_base_unless_absolute_and_never_beyond_the_kernels() {
        assert_eq!(target(OomScoreAdj::Relative, 200, 22), 222);
        assert_eq!(target(OomScoreAdj::Relative, -30, 22), -8);
        assert_eq!(target(OomScoreAdj::Absolute, 200, 22), 200);
        assert_eq!(target(OomScoreAdj::Relative, 2000, 22), 1000);
        assert_eq!(target(OomScoreAdj::Absolute, -2000, 22), -1000);
    }

    #[test]
    fn switched_off_the_process_has_what_it_had() {
        let before = read().unwrap();
        let mut score = OomScore::default();
        score.apply(OomScoreAdj::No, 5).unwrap();
        assert_eq!(read().unwrap(), before, "nothing is touched while it is off");
        score.apply(OomScoreAdj::Relative, 7).unwrap();
        assert_eq!(read().unwrap(), (before + 7).min(SCORE_MAX));
        score.apply(OomScoreAdj::Relative, 9).unwrap();
        assert_eq!(read().unwrap(), (before + 9).min(SCORE_MAX), "relative to what it was at first");
        // Whoever is not privileged may not go back below what it has been given; the log says so.
        if score.apply(OomScoreAdj::No, 9).is_ok() {
            assert_eq!(read().unwrap(), before);
        }
    }
}
