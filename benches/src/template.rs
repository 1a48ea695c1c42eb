//! Requests written once and patched in place: a batch of `P` commands in wire form, in which only the twelve digits of
//! each key change from one sending to the next.
//!
//! A template is a line such as `SET key:{key} {value}`: words are arguments, `{key}` becomes a zero-padded number of
//! twelve digits (a new one for every occurrence), `{again}` the number of the `{key}` before it, `{noise}` twelve digits that
//! look random and follow from it, `{value}` the fixed payload.

use std::fmt::Write;

use crate::keys::Random;

/// Digits of a key number. `key:` and twelve digits make sixteen bytes.
pub const KEY_DIGITS: usize = 12;

/// The longest batch, in requests.
pub const DEEPEST_PIPELINE: usize = 10_000;

/// What a run of digits shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// The next number.
    Next,
    /// The number shown last.
    Again,
    /// Digits that follow from the number shown last and from where they stand.
    Noise,
}

/// Commands in wire form, ready to be patched and sent.
#[derive(Clone, Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each run of key digits starts, in order, and what it shows.
    keys: Vec<(usize, Shows)>,
    /// For each request: where its bytes end, and how many keys came before that.
    ends: Vec<(usize, usize)>,
}

impl Batch {
    /// `depth` requests, taken from `templates` in turn beginning with number `first`.
    ///
    /// # Errors
    /// When a template is empty or has an unknown placeholder, or there are too many requests.
    pub fn new(templates: &[&str], first: usize, depth: usize, value: &str) -> Result<Batch, String> {
        if templates.is_empty() || depth == 0 || depth > DEEPEST_PIPELINE {
            return Err(format!("a batch has 1 to {DEEPEST_PIPELINE} requests of at least one template, not {depth}"));
        }
        let mut batch = Batch { bytes: Vec::new(), keys: Vec::new(), ends: Vec::with_capacity(depth) };
        for template in templates.iter().cycle().skip(first % templates.len()).take(depth) {
            batch.append(template, value)?;
            batch.ends.push((batch.bytes.len(), batch.keys.len()));
        }
        Ok(batch)
    }

    /// How many requests it holds.
    pub fn depth(&self) -> usize {
        self.ends.len()
    }

    /// Gives each key of the first `requests` requests its number and returns their bytes.
    #[inline]
    pub fn patched(&mut self, requests: usize, mut number: impl FnMut() -> u64) -> &[u8] {
        let (end, keys) = self.ends[requests - 1];
        let mut last = 0;
        for &(at, shows) in &self.keys[..keys] {
            let digits: &mut [u8; KEY_DIGITS] =
                (&mut self.bytes[at..at + KEY_DIGITS]).try_into().expect("the slice has that length");
            match shows {
                Shows::Next => {
                    last = number();
                    write_digits(digits, last);
                }
                Shows::Again => write_digits(digits, last),
                Shows::Noise => write_digits(digits, Random::new(last ^ (at as u64) << 40).bits()),
            }
        }
        &self.bytes[..end]
    }

    fn append(&mut self, template: &str, value: &str) -> Result<(), String> {
        let words: Vec<&str> = template.split_ascii_whitespace().collect();
        if words.is_empty() {
            return Err("an empty request template".to_owned());
        }
        self.bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.append_argument(word, value).map_err(|what| format!("{what} in the template {template:?}"))?;
        }
        Ok(())
    }

    fn append_argument(&mut self, word: &str, value: &str) -> Result<(), String> {
        let mut argument = String::new();
        let mut keys = Vec::new();
        let mut rest = word;
        while let Some(open) = rest.find('{') {
            argument.push_str(&rest[..open]);
            let close = rest[open..].find('}').ok_or("an unclosed brace")? + open;
            match &rest[open..=close] {
                placeholder @ ("{key}" | "{again}" | "{noise}") => {
                    let shows = match placeholder {
                        "{key}" => Shows::Next,
                        "{again}" => Shows::Again,
                        _ => Shows::Noise,
                    };
                    keys.push((argument.len(), shows));
                    write!(argument, "{:0KEY_DIGITS$}", 0).expect("a string takes what is written");
                }
                "{value}" => argument.push_str(value),
                unknown => return Err(format!("unknown placeholder {unknown}")),
            }
            rest = &rest[close + 1..];
        }
        argument.push_str(rest);
        self.bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        self.keys.extend(keys.iter().map(|(at, shows)| (self.bytes.len() + at, *shows)));
        self.bytes.extend_from_slice(argument.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        Ok(())
    }
}

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

/// Writes `number` modulo 10^12, zero-padded.
#[inline]
fn write_digits(digits: &mut [u8; KEY_DIGITS], mut number: u64) {
    for pair in digits.chunks_exact_mut(2).rev() {
        pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patched(batch: &mut Batch, requests: usize, numbers: &[u64]) -> String {
        let mut numbers = numbers.iter().copied();
        let text = String::from_utf8(batch.patched(requests, || numbers.next().unwrap()).to_vec()).unwrap();
        assert_eq!(numbers.next(), None, "every number is used");
        text
    }

    #[test]
    fn a_batch_is_the_wire_form_of_its_templates_in_turn() {
        let mut batch = Batch::new(&["DEL key:{key}", "SET key:{key} {value}"], 1, 3, "xyz").unwrap();
        insta::assert_snapshot!(patched(&mut batch, 3, &[1, 23, 999_999_999_999]).replace("\r\n", "|"), @"*3|$3|SET|$16|key:000000000001|$3|xyz|*2|$3|DEL|$16|key:000000000023|*3|$3|SET|$16|key:999999999999|$3|xyz|");
    }

    #[test]
    fn every_key_of_a_request_gets_its_own_number_again_and_again() {
        let mut batch = Batch::new(&["MSET a{key} {value} {key}b {value}"], 0, 1, "").unwrap();
        assert_eq!(
            patched(&mut batch, 1, &[7, 8]),
            "*5\r\n$4\r\nMSET\r\n$13\r\na000000000007\r\n$0\r\n\r\n$13\r\n000000000008b\r\n$0\r\n\r\n"
        );
        assert!(patched(&mut batch, 1, &[70, 80]).contains("a000000000070"));
    }

    #[test]
    fn a_number_is_shown_again_and_noise_follows_from_it() {
        let mut batch = Batch::new(&["ZADD z {key} m:{again} {noise} {noise}"], 0, 2, "").unwrap();
        let text = patched(&mut batch, 2, &[7, 8]);
        let numbers: Vec<&str> = text.split("\r\n").filter(|part| part.len() == 12).collect();
        assert_eq!((numbers[0], numbers[3]), ("000000000007", "000000000008"));
        assert!(text.contains("m:000000000007") && text.contains("m:000000000008"));
        assert_ne!(numbers[1], numbers[2]);
        assert_ne!(numbers[1], numbers[4]);
        assert_eq!(patched(&mut batch, 1, &[7]), text[..text.len() / 2], "the same number gives the same noise");
    }

    #[test]
    fn a_shorter_sending_is_a_prefix() {
        let mut batch = Batch::new(&["GET {key}"], 0, 4, "").unwrap();
        let whole = patched(&mut batch, 4, &[1, 2, 3, 4]);
        assert!(whole.starts_with(&patched(&mut batch, 2, &[1, 2])));
        assert_eq!(patched(&mut batch, 1, &[1]).len() * 4, whole.len());
    }

    #[test]
    fn bad_templates_are_refused() {
        for bad in ["", "GET {kye}", "GET {key"] {
            assert!(Batch::new(&[bad], 0, 1, "").is_err(), "{bad:?}");
        }
        assert!(Batch::new(&["PING"], 0, 0, "").is_err());
        assert!(Batch::new(&["PING"], 0, DEEPEST_PIPELINE + 1, "").is_err());
        assert!(Batch::new(&[], 0, 1, "").is_err());
    }

    proptest! {
        #[test]
        fn digits_are_the_decimal_number(number in 0_u64..1_000_000_000_000) {
            let mut digits = [b'?'; KEY_DIGITS];
            write_digits(&mut digits, number);
            prop_assert_eq!(std::str::from_utf8(&digits).unwrap(), format!("{number:012}"));
        }
    }
}
