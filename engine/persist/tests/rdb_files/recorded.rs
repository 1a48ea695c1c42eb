//! Files that other servers wrote, and what is written here, byte for byte.

use refrain_persist::Version;

use crate::fixture::{databases, file, read, read_options};

/// A key of each type, small and large, in two databases, with a deadline, a library and use for eviction.
#[test]
fn what_redis_7_0_wrote_is_read() {
    let lines = read(include_bytes!("recorded/redis-7.0.rdb"), usize::MAX, read_options(), Version::V10);
    insta::assert_snapshot!(lines.expect("it is a file").join("\n"));
}

/// The same, and hashes whose fields have deadlines, streams with groups and pending entries, and streams that remember producers:
/// version 13.
#[test]
fn what_redis_8_6_wrote_is_read() {
    let file = include_bytes!("recorded/redis-8.6.rdb");
    assert!(file.starts_with(b"REDIS0013"));
    let lines = read(file, usize::MAX, read_options(), Version::V12);
    insta::assert_snapshot!(lines.expect("it is a file").join("\n"));
}

/// The same without producers, and with deadlines of fields as Valkey writes them: version 80.
#[test]
fn what_valkey_9_1_wrote_is_read() {
    let file = include_bytes!("recorded/valkey-9.1.rdb");
    assert!(file.starts_with(b"VALKEY080"));
    let lines = read(file, usize::MAX, read_options(), Version::V12);
    insta::assert_snapshot!(lines.expect("it is a file").join("\n"));
}

/// Whatever the layout, what was put in is what comes out.
#[test]
fn both_hold_the_same() {
    /// Of their use they noted different things.
    const USES: [&str; 3] = ["Idle { seconds: 0 }", "Frequency(5)", "Frequency(6)"];

    /// All keys but streams, whose times are never the same twice.
    fn keys(file: &[u8]) -> Vec<String> {
        let lines = read(file, usize::MAX, read_options(), Version::V12).expect("it is a file");
        let keys = lines.into_iter().filter(|line| line.starts_with("key ") && !line.contains("stream"));
        let mut keys: Vec<String> =
            keys.map(|line| USES.iter().fold(line, |line, used| line.replace(used, USES[0]))).collect();
        keys.sort();
        keys
    }
    let redis = keys(include_bytes!("recorded/redis-8.6.rdb"));
    assert_eq!(redis, keys(include_bytes!("recorded/valkey-9.1.rdb")));
    assert_eq!(redis.len(), 19);
}

#[test]
fn what_is_written_stays_as_it_is() {
    let planned: Vec<_> = (0..12)
        .map(|i| {
            let seeds = if i < 6 { vec![2, 3] } else { (0..17).map(|seed| seed * 7).collect() };
            (i % 2, u16::from(i) + 2, i, seeds, (i % 3 == 0).then_some(5))
        })
        .collect();
    let databases = databases(&planned);
    let written = |version| {
        let file = file(&databases, version, true, true);
        file.chunks(48).map(|line| format!("{}\n", line.escape_ascii())).collect::<String>()
    };
    insta::assert_snapshot!("version_10", written(Version::V10));
    insta::assert_snapshot!("version_11", written(Version::V11));
    insta::assert_snapshot!("version_12", written(Version::V12));
}
