//! Memory sizes as configuration writes them: `100`, `1k` (1000), `1kb` (1024), `2mb`, `1gb`.

/// Reads a size in bytes; `None` when it is none, or overflows.
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
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse_memory;

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
        check("", None);
        check("kb", None);
        check("1kib", None);
        check("-1", None);
        check("18446744073709551615", Some(u64::MAX));
        check("18446744073709551615kb", None);
    }
}
