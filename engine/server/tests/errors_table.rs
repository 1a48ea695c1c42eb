//! `docs/errors.md` is kept true: every row of its tables is sent to the real binary, byte for byte.
//!
//! A table says with which options its server was started, or leaves them out for none. Its rows go to one server in their
//! order, each on a connection of its own. A row whose connection stays is followed by RESET, whose answer must come next:
//! so nothing more was answered than the row says, and the connection serves on.
#![expect(clippy::disallowed_methods, reason = "this test reads the documentation, not the simulated world")]

mod support;

use support::Server;

/// One row of a table.
#[derive(Debug, PartialEq)]
struct Row {
    /// For messages: the row as it is written.
    text: String,
    sent: Vec<u8>,
    answer: Vec<u8>,
    stays: bool,
}

/// One table with the options of its server.
#[derive(Debug, PartialEq)]
struct Table {
    options: Vec<String>,
    rows: Vec<Row>,
}

/// The start of the line that names a server's options, in backticks.
const OPTIONS: &str = "Server options: ";

/// Finds the tables of a document. Those whose header does not begin with `Line sent` or `Bytes sent` are for people only.
fn tables(document: &str) -> Result<Vec<Table>, String> {
    let mut tables: Vec<Table> = Vec::new();
    let mut options = Vec::new();
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(words) = line.strip_prefix(OPTIONS) {
            options = words.trim_matches(['`', '.', ' ']).split(' ').map(str::to_owned).collect();
            continue;
        }
        let line_end: &[u8] = match cells(line).first().map(String::as_str) {
            Some("Line sent") => b"\r\n",
            Some("Bytes sent") => b"",
            _ => continue,
        };
        lines.next().filter(|rule| rule.starts_with("| ---")).ok_or(format!("no rule below: {line}"))?;
        let mut table = Table { options: std::mem::take(&mut options), rows: Vec::new() };
        while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
            table.rows.push(row(line, line_end).ok_or(format!("not a row of three cells: {line}"))?);
        }
        tables.push(table);
    }
    Ok(tables)
}

/// The cells of a line of a table. A `\|` is a `|` of the text, as in Markdown.
fn cells(line: &str) -> Vec<String> {
    let Some(inside) = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else { return Vec::new() };
    inside.replace("\\|", "\0").split('|').map(|cell| cell.replace('\0', "|").trim().to_owned()).collect()
}

fn row(line: &str, line_end: &[u8]) -> Option<Row> {
    let cells = cells(line);
    let [sent, answer, connection] = cells.as_slice() else { return None };
    let sent = [unescape(code(sent)?)?, line_end.to_vec()].concat();
    let answer = match answer.as_str() {
        "nothing" => Vec::new(),
        answer => [unescape(code(answer)?)?, b"\r\n".to_vec()].concat(),
    };
    let stays = match connection.as_str() {
        "stays" => true,
        "closes" => false,
        _ => return None,
    };
    Some(Row { text: line.to_owned(), sent, answer, stays })
}

fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// Bytes as the tables write them: `\r`, `\n`, `\\`, `\xhh`, and `{x*100}` for a hundred `x`.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((byte, count, after)) = repeated(rest) {
            bytes.resize(bytes.len() + count, byte);
            rest = after;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        if first != '\\' {
            bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let (byte, taken) = match rest.as_bytes().first()? {
            b'r' => (b'\r', 1),
            b'n' => (b'\n', 1),
            b'\\' => (b'\\', 1),
            b'x' => (u8::from_str_radix(rest.get(1..3)?, 16).ok()?, 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    Some(bytes)
}

/// `{x*100}` at the start of a text: the byte, how often, and what follows.
fn repeated(text: &str) -> Option<(u8, usize, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let (byte, count) = inside.split_once('*')?;
    let [byte] = byte.as_bytes() else { return None };
    Some((*byte, count.parse().ok()?, after))
}

/// How RESET is answered.
const RESET: &[u8] = b"+RESET\r\n";

/// Sends a row. What was wrong, if anything.
fn check(server: &Server, row: &Row) -> Result<(), String> {
    let mut client = server.connect();
    client.send(&row.sent);
    let (expected, received) = if row.stays {
        client.send(b"RESET\r\n");
        let expected = [row.answer.as_slice(), RESET].concat();
        let mut received = Vec::new();
        // The answer to RESET ends what comes, unless the row has such an answer in its middle.
        while !received.ends_with(RESET) || (received.len() < expected.len() && expected.starts_with(&received)) {
            match client.receive(1)[..] {
                [byte] => received.push(byte),
                _ => break,
            }
        }
        (expected, received)
    } else {
        (row.answer.clone(), client.receive_to_end())
    };
    if received == expected {
        return Ok(());
    }
    Err(format!("{}\n    received `{}`", row.text, received.escape_ascii()))
}

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    std::fs::read_to_string(path).expect("docs/errors.md is part of the tree")
}

#[test]
fn every_row_of_the_documentation_is_what_the_server_does() {
    let tables = tables(&document()).unwrap();
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    assert!(rows >= 120, "only {rows} rows were recognised: has the tables' form changed?");
    let mut wrong = Vec::new();
    for table in &tables {
        let options: Vec<&str> = table.options.iter().map(String::as_str).collect();
        let server = Server::start(&options);
        wrong.extend(table.rows.iter().filter_map(|row| check(&server, row).err()));
    }
    assert!(wrong.is_empty(), "{} of {rows} rows are not true:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_row_that_is_not_true_is_found() {
    let server = Server::start(&[]);
    let found = |line: &str| check(&server, &row(line, b"\r\n").unwrap()).is_err();
    assert!(!found("| `PING` | `+PONG` | stays |"));
    assert!(found("| `PING` | `+PONT` | stays |"), "another answer");
    assert!(found("| `PING` | nothing | stays |"), "an answer where none is promised");
    assert!(found("| `QUIT` | `+OK` | stays |"), "a connection that ends");
    assert!(found("| `QUIT` | nothing | closes |"), "an answer before the end");
}

#[test]
fn rows_are_read_as_they_are_meant() {
    let read = tables(
        "Server options: `--requirepass a`.\n\n| Line sent | Answer | Connection |\n| --- | --- | --- |\n\
         | `a\\\\\\x00\\|` | nothing | closes |\n\ntext\n\n| Bytes sent | Answer | Connection |\n| --- | --- | --- |\n\
         | `{y*3}\\n` | `-E` | stays |\n| Else | x |\n",
    );
    assert!(read.is_err(), "a row of two cells is an error, not a row left out");
    let read = tables(
        "Server options: `--requirepass a`.\n\n| Line sent | Answer | Connection |\n| --- | --- | --- |\n\
         | `a\\\\\\x00\\|` | nothing | closes |\n\n| Bytes sent | Answer | Connection |\n| --- | --- | --- |\n\
         | `{y*3}\\n` | `-E` | stays |\n",
    )
    .unwrap();
    let shown: Vec<_> = read
        .iter()
        .map(|t| (t.options.join(" "), &t.rows[0]))
        .map(|(options, row)| (options, row.sent.clone(), row.answer.clone(), row.stays))
        .collect();
    assert_eq!(
        shown,
        [
            ("--requirepass a".to_owned(), b"a\\\0|\r\n".to_vec(), Vec::new(), false),
            (String::new(), b"yyy\n".to_vec(), b"-E\r\n".to_vec(), true),
        ]
    );
}
