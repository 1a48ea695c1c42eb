//! Where scenario files are found: a path, or a name under `scenarios/` here or at the workspace's root.
#![expect(
    clippy::disallowed_methods,
    reason = "a tool that people run reads its own files; nothing simulated comes here"
)]

use std::path::{Path, PathBuf};

use super::Scenario;

/// Folders that may hold scenarios, the nearest first.
fn folders() -> [PathBuf; 2] {
    [PathBuf::from("scenarios"), Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")]
}

/// Reads the scenario of that name, or in that file.
///
/// # Errors
/// When there is none, or when the file is wrong.
pub fn load(name: &str) -> Result<Scenario, String> {
    let file = find(name)?;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Scenario::parse(&text).map_err(|why| format!("{}:\n{why}", file.display()))
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
    for folder in folders() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
            .collect();
        names.sort();
        if !names.is_empty() {
            return names;
        }
    }
    Vec::new()
}
