//! The checkers of files as an operator meets them: what they say, how they exit, and that they change nothing unasked.
#![expect(clippy::disallowed_methods, reason = "these tests run real binaries over real files")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refrain_persist::Version;
use refrain_persist::rdb::{Aux, RdbOptions, RdbWriter};
use tempfile::TempDir;

const RDB: &str = env!("CARGO_BIN_EXE_refrain-check-rdb");
const AOF: &str = env!("CARGO_BIN_EXE_refrain-check-aof");

/// Runs a checker; its exit code and what it said, the directory's name left out.
fn run(program: &str, arguments: &[&str], directory: &TempDir, answer: &str) -> (i32, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the checker runs");
    // It may have ended without reading.
    let _ = child.stdin.take().expect("it is piped").write_all(answer.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("no signal"), String::from_utf8(text).expect("it speaks UTF-8"))
}

fn command(words: &str) -> Vec<u8> {
    let mut out = Vec::new();
    refrain_resp::encode_command(&mut out, &words.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    out
}

/// Commands, and annotations as they are.
fn commands(lines: &[&str]) -> Vec<u8> {
    let bytes = |line: &&str| match line.strip_prefix('#') {
        Some(_) => format!("{line}\r\n").into_bytes(),
        None => command(line),
    };
    lines.iter().flat_map(bytes).collect()
}

fn rdb() -> Vec<u8> {
    let aux = Aux { ctime_unix_s: 1, used_memory: 2, aof_base: true, redis_version: "7.2.4" };
    let mut writer = RdbWriter::new(Version::V10, RdbOptions { compression: true, checksum: true, aux });
    let mut out = Vec::new();
    writer.database(&mut out, 0, 0, 0);
    writer.finish(&mut out);
    out
}

/// A directory with these files.
fn directory(files: &[(&str, Vec<u8>)]) -> TempDir {
    let directory = tempfile::tempdir().expect("there is room");
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).expect("there is room");
    }
    directory
}

fn len(directory: &TempDir, name: &str) -> usize {
    let path: PathBuf = [directory.path(), Path::new(name)].iter().collect();
    fs::read(path).expect("it is there").len()
}

const MANIFEST: &str = "file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";

fn multi_part(base: Vec<u8>, incremental: Vec<u8>) -> TempDir {
    directory(&[("a.manifest", MANIFEST.into()), ("a.1.base.aof", base), ("a.1.incr.aof", incremental)])
}

#[test]
fn a_file_of_rdb_is_fine_or_says_where_it_is_not() {
    let fine = rdb();
    let mut flipped = fine.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let broken = b"REDIS0011\xfe\x00\xfc\x01\0\0\0\0\0\0\0\x00\x01k\x01v\x14\x03bad\x07\x07\0\0\0\x01\0\xff".to_vec();
    let module = b"REDIS0011\x07\x01k\x81\x45\xe2\x49\x38\xd3\x42\xec\x03\x02\x05\x00\xff\0\0\0\0\0\0\0\0".to_vec();
    let directory = directory(&[("fine", fine), ("flipped", flipped), ("broken", broken), ("module", module)]);
    let mut said = String::new();
    for name in ["fine", "flipped", "broken", "module", "missing"] {
        let (code, text) = run(RDB, &[name], &directory, "");
        said.push_str(&format!("exit {code}\n{text}\n"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_single_file_is_valid_or_says_up_to_where_it_is() {
    let fine = commands(&["set a 1", "multi", "set b 2", "exec"]);
    let directory = directory(&[
        ("fine.aof", fine.clone()),
        ("short.aof", fine[..fine.len() - 1].to_vec()),
        ("wrong.aof", [&command("set foo hello")[..], b"!!!"].concat()),
        ("preamble.aof", [rdb(), fine.clone()].concat()),
        ("preamble-short.aof", rdb()[..20].to_vec()),
        ("like-a-manifest.aof", commands(&["set file file"])),
        ("empty.aof", Vec::new()),
    ]);
    let mut said = String::new();
    for name in [
        "fine.aof",
        "short.aof",
        "wrong.aof",
        "preamble.aof",
        "preamble-short.aof",
        "like-a-manifest.aof",
        "empty.aof",
        "missing.aof",
    ] {
        let (code, text) = run(AOF, &[name], &directory, "");
        said.push_str(&format!("exit {code}\n{text}\n"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn all_files_of_a_manifest_are_checked() {
    let tail = commands(&["set a 1"]);
    for base in [commands(&["set a 1"]), [rdb(), tail.clone()].concat()] {
        let directory = multi_part(base.clone(), tail.clone());
        let (code, text) = run(AOF, &["a.manifest"], &directory, "");
        assert_eq!(code, 0, "{text}");
        let format = if base.starts_with(b"REDIS") { "RDB" } else { "RESP" };
        for line in [
            "Start checking Multi Part AOF",
            &format!("Start to check BASE AOF ({format} format)."),
            "BASE AOF a.1.base.aof is valid",
            "Start to check INCR files.",
            "INCR AOF a.1.incr.aof is valid",
            "All AOF files and manifest are valid",
        ] {
            assert!(text.lines().any(|said| said == line), "{line} is missing in {text}");
        }
    }
    let wrong = directory(&[("a.manifest", format!("{MANIFEST}!!!\n").into_bytes())]);
    let (code, text) = run(AOF, &["a.manifest"], &wrong, "");
    assert!(code == 1 && text.contains("at line 3") && text.contains("Invalid AOF manifest file format"), "{text}");
    let missing = directory(&[("a.manifest", MANIFEST.into())]);
    let (code, text) = run(AOF, &["a.manifest"], &missing, "");
    assert!(code == 1 && text.contains("Cannot open file a.1.base.aof"), "{text}");
}

#[test]
fn the_end_of_the_last_file_is_cut_off_after_a_yes() {
    let whole = commands(&["set a 1"]);
    let damaged = [&whole[..], &commands(&["multi", "set b 2"])].concat();
    let directory = multi_part(whole.clone(), damaged.clone());
    for answer in ["", "n\n", "\n"] {
        let (code, text) = run(AOF, &["--fix", "a.manifest"], &directory, answer);
        assert!(code == 1 && text.contains("Continue? [y/N]: ") && text.contains("Aborting..."), "{text}");
        assert_eq!(len(&directory, "a.1.incr.aof"), damaged.len());
    }
    let (code, text) = run(AOF, &["--fix", "a.manifest"], &directory, "y\n");
    assert!(code == 0 && text.contains("Successfully truncated AOF a.1.incr.aof"), "{text}");
    assert_eq!(len(&directory, "a.1.incr.aof"), whole.len());
    assert_eq!(run(AOF, &["a.manifest"], &directory, "").0, 0);

    let directory = multi_part(damaged.clone(), whole);
    let (code, text) = run(AOF, &["--fix", "a.manifest"], &directory, "y\n");
    assert!(
        code == 1 && text.contains("Failed to truncate AOF a.1.base.aof because it is not the last file"),
        "{text}"
    );
    assert_eq!(len(&directory, "a.1.base.aof"), damaged.len());
}

#[test]
fn what_is_younger_than_a_time_is_cut_off() {
    let stamped = |upto: usize| {
        commands(
            &["#TS:10", "set a 1", "#TS:11", "set b 2", "#TS:12", "#TS:13", "multi", "set c 3", "exec", "#TS:14"]
                [..upto],
        )
    };
    let directory = directory(&[("a.aof", stamped(10))]);
    let (code, text) = run(AOF, &["--truncate-to-timestamp", "14", "a.aof"], &directory, "");
    assert!(code == 0 && text.contains("Truncate nothing in AOF a.aof to timestamp 14"), "{text}");
    for (time, left) in [(13, 9), (11, 4), (10, 2)] {
        let (code, text) = run(AOF, &["--truncate-to-timestamp", &time.to_string(), "a.aof"], &directory, "");
        assert!(code == 0 && text.contains(&format!("Successfully truncated AOF a.aof to timestamp {time}")), "{text}");
        assert_eq!(len(&directory, "a.aof"), stamped(left).len(), "{time}");
    }
    let (code, text) = run(AOF, &["--truncate-to-timestamp", "9", "a.aof"], &directory, "");
    assert!(code == 1 && text.contains("nothing before timestamp 9, aborting..."), "{text}");

    let directory = multi_part(stamped(10), commands(&["set a 1"]));
    let (code, text) = run(AOF, &["--truncate-to-timestamp", "11", "a.manifest"], &directory, "");
    assert!(code == 1 && text.contains("to timestamp 11 to offset") && text.contains("not the last file"), "{text}");
    assert_eq!(len(&directory, "a.1.base.aof"), stamped(10).len());
    let (code, text) = run(AOF, &["--truncate-to-timestamp", "soon", "a.manifest"], &directory, "");
    assert!(code == 1 && text.contains("Invalid timestamp, aborting..."), "{text}");
}

#[test]
fn what_is_younger_is_cut_off_between_sealed_pieces() {
    let salt = refrain_persist::Salt::new(7);
    let piece = |at: u64, line: &str| {
        let piece = commands(&[line]);
        [refrain_persist::seal(Some(salt), &refrain_persist::stamp(at), &piece, 0), piece].concat()
    };
    let first = [salt.lines(), piece(10, "set a 1")].concat();
    let pieces = [first, piece(11, "set b 2"), piece(12, "set c 3")];
    let directory = directory(&[("a.aof", pieces.concat())]);
    for (time, left) in [("11", 2), ("10", 1)] {
        let (code, text) = run(AOF, &["--truncate-to-timestamp", time, "a.aof"], &directory, "");
        assert!(code == 0, "{text}");
        assert_eq!(len(&directory, "a.aof"), pieces[..left].concat().len(), "{time}");
        assert_eq!(run(AOF, &["a.aof"], &directory, "").0, 0, "what is left is whole");
    }
    let (code, text) = run(AOF, &["--truncate-to-timestamp", "9", "a.aof"], &directory, "");
    assert!(code == 1 && text.contains("nothing before timestamp 9, aborting..."), "{text}");
}

#[test]
fn help_teaches_and_wrong_calls_are_refused() {
    let directory = directory(&[]);
    for program in [RDB, AOF] {
        let (code, text) = run(program, &["--help"], &directory, "");
        assert!(code == 0 && text.contains("Examples:\n"), "{text}");
        let (code, text) = run(program, &["--version"], &directory, "");
        assert!(code == 0 && text.starts_with("refrain-check-"), "{text}");
        for arguments in [&[][..], &["a", "b"], &["--fix", "a", "b"], &["--what", "1", "a"]] {
            let (code, text) = run(program, arguments, &directory, "");
            assert!(code == 1 && text.starts_with("Usage: "), "{text}");
        }
    }
}

#[test]
fn a_library_of_functions_has_a_name() {
    let aux = || Aux { ctime_unix_s: 1, used_memory: 2, aof_base: false, redis_version: "7.2.4" };
    let file = |source: &[u8]| {
        let options = RdbOptions { compression: false, checksum: false, aux: aux() };
        let (mut writer, mut out) = (RdbWriter::new(Version::V10, options), Vec::new());
        writer.library(&mut out, source);
        writer.finish(&mut out);
        out
    };
    let directory =
        directory(&[("good.rdb", file(b"#!lua name=mylib\nreturn")), ("bad.rdb", file(b"#!lua nome=mylib\n"))]);
    let (code, said) = run(RDB, &["good.rdb"], &directory, "");
    assert!(code == 0 && said.contains("Library 'mylib'"), "{said}");
    let (code, said) = run(RDB, &["bad.rdb"], &directory, "");
    assert!(code == 1 && said.contains("Invalid metadata value given"), "{said}");
}
