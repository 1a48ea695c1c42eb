//! The tool as people and scripts meet it: last lines and exit codes.

use std::path::PathBuf;
use std::process::Command;

fn harness(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_refrain-harness")).args(arguments).output().expect("the tool starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn list_names_every_scenario() {
    let (code, text) = harness(&["list"]);
    assert_eq!(code, 0);
    assert!(text.lines().any(|line| line.starts_with("single-node ")), "{text}");
}

#[test]
fn run_counts_seeds_and_failures() {
    let (code, text) = harness(&["run", "single-node", "--seeds", "1..3"]);
    assert_eq!((code, last_line(&text)), (0, "2 seeds, 0 failed"), "{text}");
    let (code, text) = harness(&["run", "single-node", "--seed", "1", "--planted", "missed-watch"]);
    assert_eq!((code, last_line(&text)), (1, "1 seeds, 1 failed"), "{text}");
    let replay = "cargo harness replay single-node --seed 1 --planted missed-watch";
    assert!(text.contains(replay), "{text}");
    assert!(text.contains("linearizable: "), "{text}");
}

#[test]
fn replay_ends_with_the_hash() {
    let (code, text) = harness(&["replay", "single-node", "--seed", "2"]);
    let hash = last_line(&text).strip_prefix("trace ").unwrap_or_default();
    assert!(code == 0 && hash.len() == 16 && u64::from_str_radix(hash, 16).is_ok(), "{text}");
    let (_, loud) = harness(&["replay", "single-node", "--seed", "2", "-v"]);
    assert_eq!(last_line(&loud), last_line(&text));
    assert!(loud.len() > 2 * text.len() && loud.contains(" asks "));
}

#[test]
fn plans_go_to_files_and_come_back() {
    let file = temporary("plan.toml");
    let (code, text) = harness(&["run", "single-node", "--seed", "3", "--print-plan"]);
    assert_eq!(code, 0);
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let (code, from_plan) = harness(&["replay", "single-node", "--plan", file]);
    let (_, from_seed) = harness(&["replay", "single-node", "--seed", "3"]);
    assert_eq!((code, last_line(&from_plan)), (0, last_line(&from_seed)));
    for arguments in [&["run", "single-node", "--plan", file][..], &["run", file]] {
        let (code, text) = harness(arguments);
        assert_eq!((code, last_line(&text)), (0, "1 seeds, 0 failed"), "{text}");
    }
}

#[test]
fn determinism_writes_hashes_and_compares_with_them() {
    let file = temporary("hashes.txt");
    let _ = std::fs::remove_file(&file);
    let arguments = ["determinism", "single-node", "--seeds", "2", "--hashes", file.to_str().unwrap()];
    for _ in 0..2 {
        let (code, text) = harness(&arguments);
        assert_eq!((code, last_line(&text)), (0, "2 seeds, 0 differ"), "{text}");
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().count(), 2);
    std::fs::write(&file, "1 0000000000000000\n").unwrap();
    let (code, text) = harness(&arguments);
    assert_eq!((code, last_line(&text)), (1, "2 seeds, 2 differ"), "one differs and one is not in the file\n{text}");
}

#[test]
fn shrink_writes_a_plan_that_fails() {
    let file = temporary("shrunk.toml");
    let file = file.to_str().unwrap();
    let arguments = ["shrink", "single-node", "--seed", "1", "--planted", "missed-watch", "--runs", "30", "-o", file];
    let (code, text) = harness(&arguments);
    assert_eq!(code, 0, "{text}");
    let (code, text) = harness(&["run", "single-node", "--plan", file, "--planted", "missed-watch"]);
    assert_eq!((code, last_line(&text)), (1, "1 seeds, 1 failed"), "{text}");
    let (code, _) = harness(&["shrink", "single-node", "--seed", "1", "-o", file]);
    assert_eq!(code, 2, "what holds can't be shrunk");
}

#[test]
fn mistakes_are_told() {
    let (code, text) = harness(&["run", "no-such-scenario"]);
    assert!(code == 2 && text.contains("there are bit-rot, blocking-queues, "), "{text}");
    let (code, text) = harness(&["run", "single-node", "--planted", "no-such-bug"]);
    assert!(code == 2 && text.contains("missed-watch"), "{text}");
    let (code, text) = harness(&["run", "single-node", "--seeds", "3..3"]);
    assert!(code == 2 && text.contains("empty"), "{text}");
}
