//! Where scenario files are found: a path, or a name under `scenarios/` here or at the workspace's root. Plans are kept in
//! `scenarios/regressions/`, each a run that once failed.
#![expect(
    clippy::disallowed_methods,
    reason = "a tool that people run reads its own files; nothing simulated comes here"
)]

use std::path::{Path, PathBuf};

use super::Scenario;
use crate::plan::Plan;

/// What a file holds.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// A scenario, and the name under which it goes on.
    Scenario(String, Box<Scenario>),
    /// A plan: a file with a seed of its own.
    Plan(Box<Plan>),
}

impl Loaded {
    /// The plan of that seed; a plan has its own.
    pub fn plan(&self, seed: u64) -> Plan {
        match self {
            Loaded::Scenario(name, scenario) => Plan::draw(name, scenario, seed),
            Loaded::Plan(plan) => (**plan).clone(),
        }
    }
}

/// Folders that may hold scenarios, the nearest first.
fn folders() -> [PathBuf; 2] {
    [PathBuf::from("scenarios"), Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")]
}

/// Reads the scenario of that name, or the scenario or plan in that file.
///
/// # Errors
/// When there is none, or when the file is wrong.
pub fn load(name: &str) -> Result<Loaded, String> {
    load_file(name, &find(name)?)
}

/// Reads a scenario or a plan.
///
/// # Errors
/// When the file is missing or wrong.
pub fn load_file(name: &str, file: &Path) -> Result<Loaded, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let is_plan = toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("seed"));
    let loaded = if is_plan {
        Plan::parse(&text).map(|plan| Loaded::Plan(Box::new(plan)))
    } else {
        Scenario::parse(&text).map(|scenario| Loaded::Scenario(name.to_owned(), Box::new(scenario)))
    };
    loaded.map_err(|why| format!("{}:\n{why}", file.display()))
}

fn find(name: &str) -> Result<PathBuf, String> {
    let as_path = PathBuf::from(name);
    if name.ends_with(".toml") && as_path.is_file() {
        return Ok(as_path);
    }
    let candidates = folders().map(|folder| folder.join(format!("{name}.toml")));
    let found = candidates.iter().find(|file| file.is_file());
    found.cloned().ok_or_else(|| {
        let known = names().join(", ");
        format!("no scenario `{name}`: there are {known}; a path to a file ends in .toml")
    })
}

/// The names of all scenarios in the nearest folder that has some.
pub fn names() -> Vec<String> {
    let in_folder = |folder: PathBuf| names_in(&folder);
    folders().into_iter().map(in_folder).find(|names| !names.is_empty()).unwrap_or_default()
}

/// The names of all kept plans, each below `regressions/`.
pub fn regressions() -> Vec<String> {
    let in_folder = |folder: PathBuf| names_in(&folder.join("regressions"));
    let names = folders().into_iter().map(in_folder).find(|names| !names.is_empty()).unwrap_or_default();
    names.into_iter().map(|name| format!("regressions/{name}")).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}
