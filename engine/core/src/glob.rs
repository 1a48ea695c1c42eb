//! Redis's glob patterns: `*`, `?`, `[a-c]`, `[^x]`, `\` as escape, over bytes.
//!
//! Matching takes time proportional to pattern times text at the worst: only the last `*` is ever gone back to, so that no
//! pattern from a client can make it exponential.

/// Whether `text` matches `pattern` as a whole. With Redis an empty text matches nothing but the empty pattern, not even `*`: commands
/// for which `*` is everything say so themselves.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star, and the text position it has swallowed up to.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            while p < pattern.len() && pattern[p] == b'*' {
                p += 1;
            }
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t));
            continue;
        }
        if t == text.len() {
            return p == pattern.len();
        }
        if p < pattern.len()
            && let Some(next) = one(pattern, p, text[t])
        {
            p = next;
            t += 1;
            continue;
        }
        match retry {
            Some((after_star, swallowed)) => {
                retry = Some((after_star, swallowed + 1));
                p = after_star;
                t = swallowed + 1;
            }
            None => return false,
        }
    }
}

/// Matches one byte against the element of the pattern at `p` (not a star); gives the position behind the element.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match pattern[p] {
        b'?' => Some(p + 1),
        b'[' => class(pattern, p, byte),
        b'\\' if p + 1 < pattern.len() => (pattern[p + 1] == byte).then_some(p + 2),
        literal => (literal == byte).then_some(p + 1),
    }
}

/// A class in brackets. One without its closing bracket extends to the end of the pattern, as in Redis.
fn class(pattern: &[u8], open: usize, byte: u8) -> Option<usize> {
    let mut p = open + 1;
    let negated = pattern.get(p) == Some(&b'^');
    if negated {
        p += 1;
    }
    let mut found = false;
    loop {
        match pattern.get(p) {
            None => break,
            Some(b']') => {
                p += 1;
                break;
            }
            Some(b'\\') if p + 1 < pattern.len() => {
                found |= pattern[p + 1] == byte;
                p += 2;
            }
            Some(&low) if pattern.get(p + 1) == Some(&b'-') && p + 2 < pattern.len() => {
                let high = pattern[p + 2];
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                p += 3;
            }
            Some(&literal) => {
                found |= literal == byte;
                p += 1;
            }
        }
    }
    (found != negated).then_some(p)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn patterns_of_redis() {
        let check = |pattern: &str, text: &str, expected| {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        };
        check("*", "", false);
        check("**", "", false);
        check("*", "a", true);
        check("a*", "a", true);
        check("h?llo", "hello", true);
        check("h?llo", "hllo", false);
        check("h*llo", "heeeello", true);
        check("h[ae]llo", "hallo", true);
        check("h[^e]llo", "hello", false);
        check("h[a-b]llo", "hbllo", true);
        check("h[b-a]llo", "hbllo", true);
        check("\\*", "*", true);
        check("\\*", "x", false);
        check("a*b*c", "axxbyyc", true);
        check("a*b*c", "axxbyy", false);
        check("[a", "a", true);
        check("*a*a*a*b", &"a".repeat(500), false);
        check("", "", true);
        check("", "a", false);
        check("a\\", "a\\", true);
    }

    /// The plain recursive definition, for patterns without classes.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, _) => text.is_empty(),
            (Some(b'*'), _) => naive(&pattern[1..], text) || (!text.is_empty() && naive(pattern, &text[1..])),
            (Some(_), None) => false,
            (Some(b'?'), Some(_)) => naive(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) => p == t && naive(&pattern[1..], &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{1,10}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
