//! Doubles as clients write them: what C's `strtod` reads, correctly rounded.
//!
//! Scores, weights and coordinates go through [`parse`], bounds of ranges through [`parse_bound`], which is as lenient as Redis is
//! with them. A NaN is never read.

/// A number whose whole text is one: decimal, hexadecimal or an infinity; no blanks. `None` also for what is too large or
/// too small to be told from infinity or zero.
pub fn parse(text: &[u8]) -> Option<f64> {
    if let Some(whole) = digits(text) {
        return Some(whole as f64);
    }
    if let Some(whole) = refrain_resp::parse_i64(text) {
        return Some(whole as f64);
    }
    let (value, exact) = read(text)?;
    exact.then_some(value)
}

/// A number of a few digits and nothing else: what nearly all scores are.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    /// Numbers of so many digits are whole ones below 2^53.
    const EXACT_DIGITS: usize = 15;
    if !(1..=EXACT_DIGITS).contains(&text.len()) {
        return None;
    }
    let mut padded = [b'0'; 16];
    padded[16 - text.len()..].copy_from_slice(text);
    let word = u128::from_le_bytes(padded);
    Some(eight_digits(word as u64)? * 100_000_000 + eight_digits((word >> 64) as u64)?)
}

/// The number that eight bytes are the digits of, the first in the lowest byte: pairs of digits first, then pairs of those, all at once.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    const EACH: u64 = u64::MAX / 255;
    const EVEN_PAIRS: u64 = 0x0000_00FF_0000_00FF;
    let digits = word ^ (EACH * b'0' as u64);
    // Nine and 0x76 are below 0x80.
    if (digits | digits.wrapping_add(EACH * 0x76)) & (EACH * 0x80) != 0 {
        return None;
    }
    let pairs = digits * 10 + (digits >> 8);
    // What goes beyond 64 bits is no part of the sum in the middle.
    let even = (pairs & EVEN_PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & EVEN_PAIRS).wrapping_mul(1 + (10_000 << 32));
    Some(even.wrapping_add(odd) >> 32)
}

/// A bound of a range of scores, without the mark of an excluded one: as [`parse`], but blanks may precede it, nothing at all is zero,
/// it ends at a NUL, and what is too large is infinite.
pub fn parse_bound(text: &[u8]) -> Option<f64> {
    lenient(text).map(|(value, _)| value)
}

/// What SORT sorts by: as [`parse_bound`], but what is too large or too small is no number, as for [`parse`].
pub fn parse_weight(text: &[u8]) -> Option<f64> {
    lenient(text).filter(|(_, exact)| *exact).map(|(value, _)| value)
}

fn lenient(text: &[u8]) -> Option<(f64, bool)> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let text = &text[..end];
    if text.is_empty() {
        return Some((0.0, true));
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
    let start = text.iter().position(|byte| !blank(byte))?;
    read(&text[start..])
}

/// Appends `value` as C's `%.17g` has it: 17 digits less the zeros at their end. ZSCAN shows scores of large sets so.
pub fn push_general(out: &mut Vec<u8>, value: f64) {
    const DIGITS: i32 = 17;
    let text = format!("{value:.16e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return out.extend_from_slice(text.as_bytes());
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let text = if (-4..DIGITS).contains(&exponent) {
        let precision = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        let text = format!("{value:.precision$}");
        if precision == 0 { text } else { trimmed(&text) }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
    };
    out.extend_from_slice(text.as_bytes());
}

/// The number, and whether it is neither beyond the largest nor lost below the smallest.
fn read(text: &[u8]) -> Option<(f64, bool)> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (value, exact) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest)?,
        [b'0'..=b'9' | b'.', ..] => {
            // What is left is exactly what Rust reads, its words for infinity and NaN apart.
            let value: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let mantissa = digits.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
            let is_zero = mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
            (value, value.is_finite() && (value != 0.0 || is_zero))
        }
        word if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") => (f64::INFINITY, true),
        _ => return None,
    };
    Some((if negative { -value } else { value }, exact))
}

/// `h.hhhp±d`, the `0x` before it removed.
fn hexadecimal(text: &[u8]) -> Option<(f64, bool)> {
    /// Exponents beyond this lie outside of all doubles, however long the mantissa is.
    const EXPONENT_MAX: i64 = 1 << 40;
    let (mut mantissa, mut exponent) = (0u64, 0i64);
    let (mut digits, mut after_point) = (0usize, false);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let digit = match byte {
            b'.' if !after_point => {
                after_point = true;
                at += 1;
                continue;
            }
            byte => match char::from(*byte).to_digit(16) {
                Some(digit) => u64::from(digit),
                None => break,
            },
        };
        digits += 1;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if after_point { 4 } else { 0 };
        } else {
            // Digits that don't fit matter only by being there.
            mantissa |= u64::from(digit != 0);
            exponent += if after_point { 0 } else { 4 };
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    match &text[at..] {
        [] => {}
        [b'p' | b'P', rest @ ..] => {
            let (negative, rest) = match rest {
                [b'-', rest @ ..] => (true, rest),
                [b'+', rest @ ..] => (false, rest),
                rest => (false, rest),
            };
            if rest.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX);
            let written = rest.iter().fold(0, add);
            exponent += if negative { -written } else { written };
        }
        _ => return None,
    }
    Some(scaled(mantissa, exponent))
}

/// `mantissa × 2^exponent`, rounded to nearest, ties to even.
fn scaled(mantissa: u64, exponent: i64) -> (f64, bool) {
    /// The exponent of the smallest double.
    const QUANTUM_MIN: i64 = -1074;
    const MANTISSA_BITS: i64 = 53;
    if mantissa == 0 {
        return (0.0, true);
    }
    let bits = 64 - i64::from(mantissa.leading_zeros());
    let top = exponent + bits;
    if top > 1024 {
        return (f64::INFINITY, false);
    }
    let quantum = (top - MANTISSA_BITS).max(QUANTUM_MIN);
    let drop = quantum - exponent;
    let whole = match drop {
        ..=0 => mantissa << drop.unsigned_abs(),
        1..=63 => {
            let (kept, rest) = (mantissa >> drop, mantissa & ((1 << drop) - 1));
            let half = 1 << (drop - 1);
            kept + u64::from(rest > half || rest == half && kept & 1 == 1)
        }
        64 => u64::from(mantissa > 1 << 63),
        _ => 0,
    };
    // Both factors are exact, and so is the product unless it is too large.
    let power = |exponent: i64| {
        if exponent >= -1022 {
            f64::from_bits(((exponent + 1023) as u64) << 52)
        } else {
            f64::from_bits(1 << (exponent + 1074))
        }
    };
    let value = if quantum > 1023 - MANTISSA_BITS {
        whole as f64 * power(quantum - MANTISSA_BITS) * power(MANTISSA_BITS)
    } else {
        whole as f64 * power(quantum)
    };
    (value, value.is_finite() && value != 0.0)
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_bound, push_general};
    use quickcheck::quickcheck;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("-1", -1.0),
            ("+1", 1.0),
            ("01", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("3.0", 3.0),
            ("inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("-0x1.8p1", -3.0),
            ("0x.8", 0.5),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x10000000000000000000000001", 1_267_650_600_228_229_401_496_703_205_376.0),
            ("9223372036854775807", 9_223_372_036_854_775_807.0),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse(b"-0").is_some_and(f64::is_sign_negative));
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "-nan",
            "1e",
            "e1",
            ".",
            "+",
            "--1",
            "1e400",
            "1e-400",
            "0x",
            "0x1p",
            "0x1p2000",
            "0x1p-2000",
            "1\0",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_read_leniently() {
        for (text, value) in [("", 0.0), (" 1", 1.0), ("1e400", f64::INFINITY), ("1\0x", 1.0), ("1e-400", 0.0)] {
            assert_eq!(parse_bound(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in [" ", "1 ", "abc", "(1", "nan"] {
            assert_eq!(parse_bound(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.5, "3.5"),
            (0.1, "0.10000000000000001"),
            (0.3, "0.29999999999999999"),
            (1e-5, "1.0000000000000001e-05"),
            (0.0001, "0.0001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (12_345_678_901_234_567.0, "12345678901234568"),
            (-1e300, "-1.0000000000000001e+300"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            push_general(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn digits_and_nothing_else_are_whole_numbers() {
        for len in 1..=18 {
            for at in 0..len {
                let mut text = vec![b'7'; len];
                for byte in 0..=255 {
                    text[at] = byte;
                    let plain = text.iter().all(u8::is_ascii_digit);
                    let expected = std::str::from_utf8(&text).ok().filter(|_| plain).and_then(|text| text.parse().ok());
                    assert_eq!(super::digits(&text), expected.filter(|_| len <= 15), "{text:?}");
                }
            }
        }
        assert_eq!(super::digits(b"123456789012345"), Some(123_456_789_012_345));
        assert_eq!(super::digits(b""), None);
    }

    quickcheck! {
        fn hexadecimal_of_a_double_reads_back(bits: u64) -> bool {
            let value = f64::from_bits(bits & !(1 << 63));
            if !value.is_finite() || value == 0.0 {
                return true;
            }
            let (exponent, fraction) = ((value.to_bits() >> 52) as i64, value.to_bits() & ((1 << 52) - 1));
            let text = if exponent == 0 {
                format!("0x0.{fraction:013x}p-1022")
            } else {
                format!("0x1.{fraction:013x}p{}", exponent - 1023)
            };
            parse(text.as_bytes()) == Some(value)
        }

        fn decimal_of_a_double_reads_back(bits: u64) -> bool {
            let value = f64::from_bits(bits);
            !value.is_finite() || parse(format!("{value:e}").as_bytes()) == Some(value)
        }
    }
}
