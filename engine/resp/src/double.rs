//! Floating point as Redis 7.2 prints it: whole numbers as integers, others in the fewest digits that read back the same.
//!
//! Redis finds the digits with Grisu2, which for about one double in a thousand takes one more than needed; here they are
//! always the fewest. Both texts read back as the same number.

use std::io::Write as _;

/// The largest magnitude printed as an integer whatever its digits; beyond it the fewest digits decide.
const WHOLE_MAX: f64 = (1u64 << 62) as f64;

/// Appends `value`: `inf`, `-inf`, `nan`, `-0`, `3`, `3.25`, `1e+30`, `1.5e-9`.
pub fn push_double(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value == 0.0 {
        return out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    }
    if value.abs() <= WHOLE_MAX && value.fract() == 0.0 {
        return crate::push_i64(out, value as i64);
    }
    push_shortest(out, value);
}

/// Lays out the shortest digits: plain while that stays readable, otherwise with an exponent.
fn push_shortest(out: &mut Vec<u8>, value: f64) {
    // At most 17 digits, sign, point and a four-byte exponent: `-d.dddddddddddddddde-308`.
    let mut text = [0u8; 32];
    let mut rest = &mut text[..];
    write!(rest, "{:e}", value.abs()).expect("32 bytes hold every double");
    let unused = rest.len();
    let text = &text[..text.len() - unused];
    let e = text.iter().position(|&byte| byte == b'e').expect("exponent form has an e");
    let exponent = crate::parse_i64(&text[e + 1..]).expect("exponent form ends in an integer") as i32;
    let mut digits = [0u8; 24];
    let mut count = 0;
    for &digit in text[..e].iter().filter(|&&byte| byte != b'.') {
        digits[count] = digit;
        count += 1;
    }
    let digits = &digits[..count];

    if value < 0.0 {
        out.push(b'-');
    }
    // value = digits × 10^scale
    let scale = exponent + 1 - count as i32;
    if scale >= 0 && exponent < count as i32 + 7 {
        out.extend_from_slice(digits);
        out.resize(out.len() + scale as usize, b'0');
    } else if scale < 0 && (scale > -7 || exponent.abs() < 4) {
        let whole = exponent + 1;
        if whole <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + whole.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        } else {
            let (whole, fraction) = digits.split_at(whole as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
    } else {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        crate::push_i64(out, i64::from(exponent.unsigned_abs()));
    }
}
