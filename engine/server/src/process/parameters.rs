//! Parameters that the process itself obeys, put into effect at start and whenever CONFIG SET changes them.
//!
//! A change that the system refuses is an error for whoever asked for it, and everything is then put back as it was.

use std::path::Path;

use refrain_core::{Config, Unapplied};

use super::oom_score::OomScore;
use super::title::Title;
use super::{huge_pages, reason};
use crate::{crash, startup};

/// What of the process has been changed so far.
#[derive(Debug, Default)]
pub struct ProcessParameters {
    title: Option<Title>,
    oom_score: OomScore,
    /// The last `maxclients` for which room was made.
    room_for: i64,
}

impl ProcessParameters {
    /// `title` is where to show one.
    pub fn new(title: Option<Title>) -> ProcessParameters {
        ProcessParameters { title, ..ProcessParameters::default() }
    }

    /// Puts the configuration into effect with which the server starts. What the system refuses is logged.
    ///
    /// # Errors
    /// When there is no room for a single client.
    pub fn start(&mut self, config: &mut Config) -> Result<(), String> {
        if config.memory.disable_thp {
            huge_pages::leave_out_at_page_faults();
        }
        config.limits.maxclients = startup::raise_descriptor_limit(config.limits.maxclients)?;
        self.room_for = config.limits.maxclients;
        // That of the out-of-memory killer is in the log, and nothing else can be refused here.
        let _ = self.apply(config);
        Ok(())
    }

    /// Puts a changed configuration into effect, and writes into it what came of it.
    ///
    /// # Errors
    /// The first parameter that the system refuses. Others may be in effect then: apply the former configuration again.
    pub fn apply(&mut self, config: &mut Config) -> Result<(), Unapplied> {
        let refused = |parameters, why| Err(Unapplied { parameters, why });
        let process = &config.process;
        crash::configure(config.logging.crash_log_enabled, process.use_exit_on_panic);
        if let Some(title) = &self.title {
            title.show(config);
        }
        if self.oom_score.apply(process.oom_score_adj, process.oom_score_adj_values.primary).is_err() {
            let why = "Failed to set current oom_score_adj. Check server logs.".to_owned();
            return refused(&["oom-score-adj", "oom-score-adj-values"], why);
        }
        let wanted = config.limits.maxclients;
        if wanted > self.room_for {
            let room = startup::raise_descriptor_limit(wanted).unwrap_or(self.room_for);
            self.room_for = self.room_for.max(room);
            if room < wanted {
                let why = format!(
                    "The operating system is not able to handle the specified number of clients, try with {room}"
                );
                return refused(&["maxclients"], why);
            }
        }
        if let Err(error) = enter(&mut config.process.dir.0) {
            return refused(&["dir"], reason(&error));
        }
        Ok(())
    }
}

/// Makes `dir` the working directory, and absolute.
pub fn enter(dir: &mut String) -> std::io::Result<()> {
    let here = std::env::current_dir();
    if !here.as_ref().is_ok_and(|here| here == Path::new(dir)) {
        std::env::set_current_dir(&*dir)?;
        *dir = std::env::current_dir()?.display().to_string();
    }
    Ok(())
}
