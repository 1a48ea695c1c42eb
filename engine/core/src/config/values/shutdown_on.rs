//! `shutdown-on-sigterm` and `shutdown-on-sigint`: how a signal ends the process.

use crate::config::When;
use crate::config::parameter::Special;

/// Options of the shutdown that a signal starts; none of them is `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownOn {
    /// Take a snapshot, whatever `save` says.
    pub save: bool,
    /// Take none.
    pub nosave: bool,
    /// Do not wait for replicas.
    pub now: bool,
    /// Go down even if something could not be kept.
    pub force: bool,
}

impl Special for ShutdownOn {
    fn show(&self) -> String {
        let all = [(self.save, "save"), (self.nosave, "nosave"), (self.now, "now"), (self.force, "force")];
        let words: Vec<&str> = all.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        if words.is_empty() { "default".to_owned() } else { words.join(" ") }
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let unknown = || "argument(s) must be one of the following: default, save, nosave, now, force".to_owned();
        if words.is_empty() {
            return Err(unknown());
        }
        let mut chosen = ShutdownOn::default();
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "default" => {}
                "save" => chosen.save = true,
                "nosave" => chosen.nosave = true,
                "now" => chosen.now = true,
                "force" => chosen.force = true,
                _ => return Err(unknown()),
            }
        }
        if chosen.save && chosen.nosave {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".to_owned());
        }
        *self = chosen;
        Ok(())
    }
}
