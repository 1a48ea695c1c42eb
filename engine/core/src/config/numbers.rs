//! Numbers as configuration writes them: plain integers, sizes with a unit, octal modes. Each reads as Redis reads it, what
//! it lets pass included, so that a file that loads there loads here.

/// Reads a size in bytes: `100`, `1k` (1000), `1kb` (1024), `2mb`, `1gb`. As in Redis, digits may be left out (they are 0
/// then), and too many of them are the greatest number; but a number that overflows with its unit is `None`, where Redis would
/// take what is left of it.
pub fn parse_memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number =
        number.bytes().fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    number.checked_mul(factor)
}

/// Writes a size with the largest unit that divides it, as CONFIG REWRITE does.
pub(super) fn format_memory(bytes: u64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// Reads an integer as C's `strtoll` does, of a text that must be nothing else: blanks and a sign may come first, nothing at
/// all is 0, and what is out of range becomes the nearest that is not.
pub(super) fn parse_lenient(text: &str, radix: u32) -> Option<i64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    if text.is_empty() {
        return Some(0);
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for digit in digits.chars() {
        let digit = i64::from(digit.to_digit(radix)?);
        value = value.saturating_mul(i64::from(radix));
        value = if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) };
    }
    Some(value)
}

/// A field that an integer parameter may have. The range of the parameter lies within the type's.
pub(super) trait Number: Copy {
    /// As the table counts.
    fn read(self) -> i64;
    /// As the field keeps it.
    fn written(value: i64) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn read(self) -> i64 {
                i64::try_from(self).expect("what a parameter holds lies within its range")
            }

            fn written(value: i64) -> $type {
                <$type>::try_from(value).expect("the range of a parameter lies within its field's")
            }
        }
    )*};
}

number!(i64, u64, u32, u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_redis_conf() {
        let check = |text, bytes| assert_eq!(parse_memory(text), bytes, "{text}");
        check("0", Some(0));
        check("1k", Some(1000));
        check("1KB", Some(1024));
        check("3mb", Some(3 << 20));
        check("2g", Some(2_000_000_000));
        check("2Gb", Some(2 << 30));
        check("10b", Some(10));
        check("", Some(0));
        check("kb", Some(0));
        check("1kib", None);
        check("-1", None);
        check("+1", None);
        check(" 1", None);
        check("18446744073709551615", Some(u64::MAX));
        check("18446744073709551615kb", None);
        check("18446744073709551616", Some(u64::MAX));
        check("18446744073709551616b", Some(u64::MAX));
        check("18446744073709551616k", None);
    }

    #[test]
    fn a_size_is_written_with_the_largest_unit_that_fits() {
        for (bytes, text) in
            [(0, "0"), (1000, "1000"), (1024, "1kb"), (3 << 20, "3mb"), (5 << 30, "5gb"), ((5 << 30) + 1, "5368709121")]
        {
            assert_eq!(format_memory(bytes), text);
            assert_eq!(parse_memory(text), Some(bytes));
        }
    }

    #[test]
    fn lenient_integers_are_those_of_strtoll() {
        let check = |text, radix, value| assert_eq!(parse_lenient(text, radix), value, "{text}");
        check("", 10, Some(0));
        check("  ", 10, Some(0));
        check(" \t+07", 10, Some(7));
        check("-5", 10, Some(-5));
        check("-", 10, None);
        check("+-1", 10, None);
        check("1 ", 10, None);
        check("1x", 10, None);
        check("99999999999999999999", 10, Some(i64::MAX));
        check("-99999999999999999999", 10, Some(i64::MIN));
        check("-9223372036854775808", 10, Some(i64::MIN));
        check("777", 8, Some(0o777));
        check("8", 8, None);
    }
}
