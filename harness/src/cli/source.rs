//! Where plans come from: a scenario and a seed, or a file.
#![expect(clippy::disallowed_methods, reason = "a tool that people run reads and writes its own files")]

use std::path::Path;

use refrain_harness::plan::Plan;
use refrain_harness::scenario::{Scenario, library};

/// A scenario to draw plans from, or one plan.
pub enum Source {
    /// Under its name.
    Scenario(String, Box<Scenario>),
    /// As a file says it.
    Plan(Box<Plan>),
}

impl Source {
    /// Reads the plan if there is one, or else the scenario.
    ///
    /// # Errors
    /// When the file is missing or wrong.
    pub fn load(scenario: &str, plan: Option<&Path>) -> Result<Source, String> {
        match plan {
            None => Ok(Source::Scenario(scenario.to_owned(), Box::new(library::load(scenario)?))),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
                let plan = Plan::parse(&text).map_err(|why| format!("{}:\n{why}", file.display()))?;
                Ok(Source::Plan(Box::new(plan)))
            }
        }
    }

    /// The plan of that seed.
    pub fn plan(&self, seed: u64) -> Plan {
        match self {
            Source::Scenario(name, scenario) => Plan::draw(name, scenario, seed),
            Source::Plan(plan) => (**plan).clone(),
        }
    }
}

/// Reads a text file.
///
/// # Errors
/// With the file's name.
pub fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes a text file.
///
/// # Errors
/// With the file's name.
pub fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
