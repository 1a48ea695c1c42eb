//! What is no append-only file, and what is said of it.

use refrain_persist::aof::AofReader;

/// Where reading stops and why, what is valid before that, and the line.
fn said(file: &[u8]) -> String {
    let mut reader = AofReader::new(0, 100);
    reader.feed(file);
    reader.end_of_input();
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return format!("valid, line {}", reader.line()),
            Err(error) => {
                assert_eq!(reader.next(), Err(error.clone()), "it stays so");
                let kind = if error.kind.is_truncation() { "truncated" } else { "wrong" };
                return format!("{kind}: {error}; valid up to {}, line {}", reader.valid_up_to(), reader.line());
            }
        }
    }
}

#[test]
fn each_says_what_is_wrong_and_where() {
    const PING: &str = "*1\r\n$4\r\nPING\r\n";
    let huge = "#".repeat(1024);
    let cases: &[(&str, &str)] = &[
        ("", "valid, line 1"),
        (PING, "valid, line 4"),
        ("#TS:1\r\n#anything\n", "valid, line 3"),
        ("!!!", "wrong: Expected prefix '*', got: '!' at offset 0; valid up to 0, line 1"),
        ("*1\r\n$4\r\nPING\r\n!!!", "wrong: Expected prefix '*', got: '!' at offset 14; valid up to 14, line 4"),
        ("*1\r\n:4\r\n", "wrong: Expected prefix '$', got: ':' at offset 4; valid up to 0, line 2"),
        ("*1\r\n$4\r\nPINGPONG\r\n", "wrong: Expected \\r\\n, got: 504f at offset 12; valid up to 0, line 3"),
        ("*1\r\n$4\nPING\r\n", "wrong: Expected \\r\\n, got: 0a50 at offset 6; valid up to 0, line 2"),
        ("*0\r\n", "wrong: Expected a number in range at offset 0; valid up to 0, line 1"),
        ("*-1\r\n", "wrong: Expected a number in range at offset 0; valid up to 0, line 1"),
        ("*x\r\n", "wrong: Expected a number in range at offset 0; valid up to 0, line 1"),
        ("*2147483648\r\n", "wrong: Expected a number in range at offset 0; valid up to 0, line 1"),
        ("*99999999999999999999\r\n", "wrong: Expected a number in range at offset 0; valid up to 0, line 1"),
        ("*1\r\n$101\r\n", "wrong: Expected a number in range at offset 4; valid up to 0, line 2"),
        ("*1\r\n$-1\r\n", "wrong: Expected a number in range at offset 4; valid up to 0, line 2"),
        (&huge, "wrong: Annotation is too long at offset 0; valid up to 0, line 1"),
        ("*", "truncated: Reached EOF within a command at offset 1; valid up to 0, line 1"),
        ("*1\r", "truncated: Reached EOF within a command at offset 3; valid up to 0, line 1"),
        ("#TS:1", "truncated: Reached EOF within a command at offset 5; valid up to 0, line 1"),
        ("*1\r\n$4\r\nPING\r", "truncated: Reached EOF within a command at offset 13; valid up to 0, line 3"),
        (
            "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n",
            "truncated: Reached EOF before reading EXEC for MULTI at offset 29; valid up to 0, line 7",
        ),
        ("*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n", "wrong: Unexpected MULTI at offset 15; valid up to 0, line 7"),
        ("*1\r\n$4\r\nexec\r\n", "wrong: Unexpected EXEC at offset 0; valid up to 0, line 4"),
    ];
    for (file, expected) in cases {
        assert_eq!(said(file.as_bytes()), *expected, "{}", file.escape_debug());
    }
}

#[test]
fn a_claimed_count_is_not_allocated_for() {
    let mut reader = AofReader::new(0, u64::MAX);
    reader.feed(b"*2147483647\r\n$9223372036854775807\r\nx");
    assert_eq!(reader.next(), Ok(None));
    reader.end_of_input();
    assert!(reader.next().is_err_and(|error| error.kind.is_truncation()));
}
