//! How values are quoted in configuration lines (and in inline commands, and in what the command line tool accepts).
//!
//! In `"…"` the escapes are `\n \r \t \b \a \xHH`, and a backslash before anything else stands for that. In `'…'` only
//! `\'` is one. A closing quote must be followed by a blank or the end. Quotes may begin in the middle of a word.

/// Splits a line into its words. `None` when quotes are unbalanced or a closing quote touches the next word.
pub fn split_args(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    // A NUL ends the line, as it ends a C string.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
        rest = &rest[blanks..];
        if rest.is_empty() {
            return Some(words);
        }
        let (word, behind) = split_word(rest)?;
        words.push(word);
        rest = behind;
    }
}

fn split_word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some((word, rest)),
            [b'"', behind @ ..] => return double_quoted(behind, word),
            [b'\'', behind @ ..] => return single_quoted(behind, word),
            [byte, behind @ ..] => {
                word.push(*byte);
                rest = behind;
            }
        }
    }
}

fn double_quoted(mut rest: &[u8], mut word: Vec<u8>) -> Option<(Vec<u8>, &[u8])> {
    loop {
        let (byte, behind) = match rest {
            [b'\\', b'x', high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), behind)
            }
            [b'\\', escaped, behind @ ..] => (unescaped(*escaped), behind),
            [b'"', behind @ ..] => return ends_word(behind).then_some((word, behind)),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        word.push(byte);
        rest = behind;
    }
}

fn single_quoted(mut rest: &[u8], mut word: Vec<u8>) -> Option<(Vec<u8>, &[u8])> {
    loop {
        let (byte, behind) = match rest {
            [b'\\', b'\'', behind @ ..] => (b'\'', behind),
            [b'\'', behind @ ..] => return ends_word(behind).then_some((word, behind)),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        word.push(byte);
        rest = behind;
    }
}

fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_space(*byte))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// One of several words on a line: as it is where that is safe, else quoted.
pub(super) fn word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\#".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => String::from_utf8(quote(word.as_bytes())).expect("what is quoted is ASCII"),
    }
}

/// Quotes one value with `"…"`, so that [`split_args`] gives it back; only printable ASCII comes out.
pub fn quote(value: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut quoted = Vec::with_capacity(value.len() + 2);
    quoted.push(b'"');
    for &byte in value {
        match byte {
            b'\\' | b'"' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            0x07 => quoted.extend(b"\\a"),
            0x08 => quoted.extend(b"\\b"),
            b' '..=b'~' => quoted.push(byte),
            _ => quoted.extend([b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::*;

    #[track_caller]
    fn check(line: &str, words: Option<&[&str]>) {
        let expected = words.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(split_args(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn words_and_quotes() {
        check("", Some(&[]));
        check(" \t\r\n", Some(&[]));
        check("save 60 1", Some(&["save", "60", "1"]));
        check("  save\t60\r\n1 ", Some(&["save", "60", "1"]));
        check("save ''", Some(&["save", ""]));
        check("save \"\"", Some(&["save", ""]));
        check(r#"a "b c" 'd e'"#, Some(&["a", "b c", "d e"]));
        check(r#"a "\n\r\t\b\a\x41\"\\\q""#, Some(&["a", "\n\r\t\x08\x07A\"\\q"]));
        check(r#"a "\xZZ""#, Some(&["a", "xZZ"]));
        check(r"a 'it\'s \n'", Some(&["a", "it's \\n"]));
        check(r#"pre"fix ed" x"#, Some(&["prefix ed", "x"]));
        check(r#"a\nb"#, Some(&["a\\nb"]));
        check("a\0b c", Some(&["a"]));
        check("form\x0cfeed \x0b x", Some(&["form\x0cfeed", "x"]));
    }

    #[test]
    fn unbalanced() {
        for line in ["\"a", "'a", "\"a\"b", "'a'b", "a \"b\\\"", "'", "\"", "x \"\\"] {
            check(line, None);
        }
    }

    quickcheck! {
        fn what_is_quoted_splits_into_itself(words: Vec<Vec<u8>>) -> bool {
            let line: Vec<u8> = words.iter().flat_map(|word| [quote(word), b" ".to_vec()].concat()).collect();
            line.iter().all(|byte| (b' '..=b'~').contains(byte)) && split_args(&line) == Some(words)
        }

        fn any_bytes_split_or_fail_without_a_panic(line: Vec<u8>) -> bool {
            split_args(&line).is_none_or(|words| words.iter().map(Vec::len).sum::<usize>() <= line.len())
        }
    }
}
