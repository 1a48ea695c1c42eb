//! The binary: one line a file, the exit code, and messages that name file and line.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_refrain-jepsen"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories"))
        .args(arguments)
        .output()
        .expect("the binary runs");
    // The times are all that may differ between runs.
    let text = String::from_utf8(stdout).expect("the report is text");
    let timeless = text.lines().map(|line| match line.rsplit_once(", ") {
        Some((head, tail)) if tail.ends_with(" ms)") => format!("{head}, …)\n"),
        _ => format!("{line}\n"),
    });
    (status.code().expect("it is not killed"), timeless.collect())
}

#[test]
fn the_exit_code_is_the_verdict() {
    assert_eq!(
        run(&["check", "register-legal.log"]),
        (0, "register-legal.log: linearizable (6 operations, …)\n".into())
    );
    assert_eq!(run(&["check", "register-legal.log", "register-stale-read.log"]).0, 1);
    assert_eq!(run(&["check", "register-legal.log", "missing.log"]).0, 2);
    assert_eq!(run(&["check", "missing.log", "register-stale-read.log"]).0, 1);
    assert_eq!(run(&["check", "--max-steps", "1", "redis-lost-update.jsonl"]).0, 2);
    assert_eq!(run(&["check"]).0, 2);
}

#[test]
fn an_unreadable_file_is_named_with_its_line() {
    let (code, text) = run(&["check", "unreadable.jsonl"]);
    let told = "unreadable.jsonl: unreadable\n  line 3: process 7 has nothing under way\n";
    assert_eq!((code, text.as_str()), (2, told));
}

#[test]
fn a_budget_that_ends_is_said() {
    let (code, text) = run(&["check", "--max-steps", "1", "redis-lost-update.jsonl"]);
    let told = "redis-lost-update.jsonl: unknown (13 operations, …)\n  \
                2 key(s) undecided when the steps ran out; raise --max-steps or --memory-mb\n";
    assert_eq!((code, text.as_str()), (2, told));
}

#[test]
fn a_model_that_does_not_fit_is_said() {
    let (code, text) = run(&["check", "--model", "key-value", "register-legal.log"]);
    assert_eq!(code, 2);
    assert!(text.contains("the model `key-value` has no operation `write`"), "{text}");
}

#[test]
fn the_same_files_give_the_same_text() {
    let files = ["check", "-v", "redis-lost-update.jsonl", "register-stale-read.log", "map-legal.txt"];
    assert_eq!(run(&files), run(&files));
}

#[test]
fn help_has_examples() {
    let (code, text) = run(&["check", "--help"]);
    assert_eq!(code, 0);
    assert!(text.contains("Examples:") && text.contains("Exit code:"), "{text}");
}
