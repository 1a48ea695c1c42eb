//! Rules as words: how those of a selector are gathered into one word, and taken out of it again.

use refrain_resp::split_words;

/// Gathers the words of each selector that was written with blanks, `(+get`, `~a)`, into one.
///
/// # Errors
/// The word that opens a parenthesis which is never closed.
pub(super) fn gather<'a>(words: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, &'a [u8]> {
    let mut gathered: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for word in words {
        match &mut open {
            Some((_, selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if word.ends_with(b")") {
                    gathered.extend(open.take().map(|(_, selector)| selector));
                }
            }
            None if word.starts_with(b"(") && !word.ends_with(b")") => open = Some((word, word.to_vec())),
            None => gathered.push(word.to_vec()),
        }
    }
    match open {
        Some((word, _)) => Err(word),
        None => Ok(gathered),
    }
}

/// The words between a selector's parentheses. One whose quotes are unbalanced has none, and so allows nothing.
pub(super) fn inner(selector: &[u8]) -> Vec<Box<[u8]>> {
    split_words(as_c_string(selector)).unwrap_or_default()
}

/// Appends a word of a selector so that [`gather`] and [`inner`] give it back: quoted if it has a quote in it, or an end that
/// would close the selector.
pub(super) fn push_word(word: &[u8], out: &mut Vec<u8>) {
    let plain = !word.iter().any(|byte| matches!(byte, b'"' | b'\'')) && !word.ends_with(b")");
    if plain {
        out.extend_from_slice(word);
        return;
    }
    out.push(b'"');
    for byte in word {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// What a C string of these bytes holds: nothing from a NUL on.
pub(super) fn as_c_string(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len())]
}

/// Whether a name or a pattern has a blank or a NUL in it: those could not be written into a line and read back.
pub(super) fn has_blanks(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r'))
}
