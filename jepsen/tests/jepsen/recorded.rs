//! Recorded histories with known verdicts: our own, and those of a folder that `REFRAIN_HISTORIES` names.

use std::path::Path;

use refrain_jepsen::{Options, Verdict, check, read};

#[test]
fn our_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    assert_eq!(judge_all(&folder, &Options::default()), 9);
    judge_all(&folder, &Options { whole: true, ..Options::default() });
}

#[test]
fn from_the_folder_in_the_environment() {
    match std::env::var("REFRAIN_HISTORIES") {
        Ok(folder) => assert!(judge_all(Path::new(&folder), &Options::default()) > 0),
        Err(_) => println!("skipped: REFRAIN_HISTORIES names no folder of histories"),
    }
}

#[test]
fn maps_of_the_folder_in_the_environment_as_one_object() {
    match std::env::var("REFRAIN_HISTORIES") {
        Ok(folder) => {
            judge_all(Path::new(&folder), &Options { whole: true, memory_max: 200 << 20, ..Options::default() });
        }
        Err(_) => println!("skipped: REFRAIN_HISTORIES names no folder of histories"),
    }
}

/// Judges every history that `expected.csv` (file, verdict) lists and returns how many there are.
fn judge_all(folder: &Path, options: &Options) -> usize {
    let expected = std::fs::read_to_string(folder.join("expected.csv")).expect("the folder has an expected.csv");
    let mut judged = 0;
    for line in expected.lines().skip(1).filter(|line| !line.is_empty()) {
        let (file, expected) = line.split_once(',').expect("file,verdict");
        let text = std::fs::read_to_string(folder.join(file)).expect("every file in the list is there");
        let history = read(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let verdict: Verdict = check(&history, options);
        assert_eq!(verdict.to_string(), expected, "{file}");
        judged += 1;
    }
    judged
}
