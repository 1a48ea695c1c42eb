//! Numbers against the standard library and against what Redis prints.

use proptest::prelude::*;
use quickcheck::quickcheck;

use super::model::canonical;
use crate::{parse_i64, push_double, push_i64};

proptest! {
    #[test]
    fn only_canonical_integers_are_integers(text in "[-+ ]?[0-9]{0,21}[ x]?") {
        prop_assert_eq!(parse_i64(text.as_bytes()), canonical(text.as_bytes()));
    }

    #[test]
    fn so_do_random_bytes(text in prop::collection::vec(any::<u8>(), 0..24)) {
        prop_assert_eq!(parse_i64(&text), canonical(&text));
    }
}

#[test]
fn integers_at_the_edges() {
    for text in ["0", "-0", "00", "", "-", "9223372036854775807", "9223372036854775808", "-9223372036854775808"] {
        assert_eq!(parse_i64(text.as_bytes()), canonical(text.as_bytes()), "{text}");
    }
    for text in ["-9223372036854775809", "18446744073709551616", "99999999999999999999", "10000000000000000000"] {
        assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
    }
}

fn printed(value: f64) -> String {
    let mut out = Vec::new();
    push_double(&mut out, value);
    String::from_utf8(out).unwrap()
}

quickcheck! {
    fn integers_round_trip(value: i64) -> bool {
        let mut out = Vec::new();
        push_i64(&mut out, value);
        parse_i64(&out) == Some(value)
    }

    fn doubles_round_trip(bits: u64) -> bool {
        let value = f64::from_bits(bits);
        let text = printed(value);
        text.len() <= 25 && (value.is_nan() || text.parse::<f64>().unwrap().to_bits() == bits)
    }
}

#[test]
fn doubles_as_redis_prints_them() {
    for (value, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-17.0, "-17"),
        (3.25, "3.25"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000"),
        (4611686018427387904.0, "4611686018427387904"),
        (9223372036854775808.0, "9223372036854776000"),
        (5000000000010000000.0, "5000000000010000000"),
        (5000000000100000000.0, "5.0000000001e+18"),
        (1e20, "1e+20"),
        (1.5e30, "1.5e+30"),
        (1e300, "1e+300"),
        (0.001, "0.001"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(printed(value), expected);
    }
}
