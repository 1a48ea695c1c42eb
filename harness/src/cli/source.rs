//! Where plans come from: a scenario and a seed, or a file.
#![expect(clippy::disallowed_methods, reason = "a tool that people run reads and writes its own files")]

use std::path::Path;

use refrain_harness::scenario::library::{self, Loaded};

/// Reads the plan if there is one, or else what `scenario` names.
///
/// # Errors
/// When the file is missing or wrong, or when the plan is a scenario.
pub fn load(scenario: &str, plan: Option<&Path>) -> Result<Loaded, String> {
    let Some(file) = plan else { return library::load(scenario) };
    match library::load_file(scenario, file)? {
        Loaded::Scenario(..) => Err(format!("{} is a scenario: it has no seed of its own", file.display())),
        plan @ Loaded::Plan(_) => Ok(plan),
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
