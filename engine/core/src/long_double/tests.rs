use super::*;

fn number(text: &str) -> LongDouble {
    LongDouble::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a number"))
}

fn sum(one: &str, other: &str) -> String {
    number(one).checked_add(number(other)).map_or("none".into(), LongDouble::to_text)
}

#[test]
fn sums_are_those_of_c() {
    // Recorded from C: strtold, +, printf("%.17Lf"), zeros at the end taken off.
    for (one, other, text) in include_str!("recorded.txt").lines().map(|line| {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("three words a line");
        (next(), next(), next())
    }) {
        assert_eq!(sum(one, other), text, "{one} + {other}");
        assert_eq!(sum(other, one), text, "{other} + {one}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        " 1",
        "1 ",
        "1e",
        "1e+",
        ".",
        "-",
        "+",
        "e5",
        "0x",
        "0x.",
        "0x1p",
        "0xg",
        "1_0",
        "nan",
        "-nan",
        "nan(1)",
        "infin",
        "--1",
        "1e5000",
        "1e99999999999999999999",
        "1e-5000",
        "0x1p16384",
        "0x1p-16446",
        "1e4933",
        "\0",
        "1\0",
    ] {
        assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(LongDouble::parse(&vec![b'1'; TEXT_MAX]), None);
}

#[test]
fn what_is_a_number_is_read_as_c_reads_it() {
    for (text, shown) in [
        ("+1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0e99999999999", "0"),
        ("-0", "0"),
        ("1E2", "100"),
        ("0x10", "16"),
        ("0X.8p1", "1"),
        ("0x1.8p-1", "0.75"),
        ("Infinity", "inf"),
        ("-INF", "-inf"),
        ("1e-17", "0.00000000000000001"),
        ("5e-18", "0"),
        ("1e-4940", "0"),
        ("3.14159265358979323846", "3.14159265358979324"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616.5", "18446744073709551616"),
        ("0.99999999999999999999", "1"),
    ] {
        assert_eq!(number(text).to_text(), shown, "{text}");
    }
    let zeros = format!("1{}", "0".repeat(4932));
    assert_eq!(number("1e4932").to_text().len(), zeros.len());
    assert!(LongDouble::parse(&vec![b'9'; 4932]).is_some());
    assert_eq!(LongDouble::parse(&vec![b'9'; 4933]), None);
}

#[test]
fn infinity_is_no_sum() {
    assert_eq!(sum("inf", "1"), "none");
    assert_eq!(sum("inf", "-inf"), "none");
    assert_eq!(sum("1.1e4932", "1.1e4932"), "none");
    assert_eq!(LongDouble::MAX.checked_add(LongDouble::MAX), None);
    assert_eq!(LongDouble::MAX.checked_add(LongDouble::MIN), Some(LongDouble::ZERO));
    assert_eq!(LongDouble::MAX.checked_add(number("1")), Some(LongDouble::MAX));
}

#[test]
fn numbers_are_ordered_by_value() {
    let ascending = ["-inf", "-1e4000", "-2.5", "-2", "-1e-4950", "0", "1e-4950", "1", "1.5", "2", "9e99", "inf"];
    for (i, one) in ascending.iter().enumerate() {
        for (k, other) in ascending.iter().enumerate() {
            assert_eq!(number(one).cmp(&number(other)), i.cmp(&k), "{one} {other}");
        }
    }
    assert_eq!(number("-0").cmp(&number("0")), Ordering::Equal);
}

#[test]
fn integers_are_exact() {
    for n in [0, 1, -1, 9, i64::MAX, i64::MIN, 1 << 62] {
        assert_eq!(LongDouble::from(n).to_text(), n.to_string());
        assert_eq!(LongDouble::from(n), number(&n.to_string()));
    }
}
