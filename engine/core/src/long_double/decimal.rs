//! Text to binary and back, exactly: both are divisions of integers of any size, rounded once at the end.

use super::{EXPONENT_MIN, Magnitude, rounded};

/// Digits that a `u64` holds whatever they are.
const CHUNK: usize = 19;

/// 10 to the 17th: what the digits after the point count.
const FRACTION: u128 = 100_000_000_000_000_000;

/// Decimal exponents beyond which a number is infinite, or nothing.
const TENS_MAX: i64 = 5_000;

/// A natural number of any size; the lowest word first, the highest never 0.
#[derive(Clone, PartialEq, Eq)]
struct Natural(Vec<u64>);

impl Natural {
    /// `self × factor + addend`.
    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = u128::from(addend);
        for word in &mut self.0 {
            carry += u128::from(*word) * u128::from(factor);
            *word = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            self.0.push(carry as u64);
        }
    }

    fn multiply_by_ten_to(&mut self, power: u32) {
        for _ in 0..power / CHUNK as u32 {
            self.multiply_add(10_u64.pow(CHUNK as u32), 0);
        }
        self.multiply_add(10_u64.pow(power % CHUNK as u32), 0);
    }

    /// Divides, and returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0_u128;
        for word in self.0.iter_mut().rev() {
            rest = rest << 64 | u128::from(*word);
            *word = (rest / u128::from(divisor)) as u64;
            rest %= u128::from(divisor);
        }
        self.trim();
        rest as u64
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn bits(&self) -> i32 {
        self.0.last().map_or(0, |high| self.0.len() as i32 * 64 - high.leading_zeros() as i32)
    }

    fn shift_left(&mut self, bits: u32) {
        let (words, bits) = (bits as usize / 64, bits % 64);
        if bits > 0 {
            self.multiply_add(1 << bits, 0);
        }
        self.0.splice(0..0, std::iter::repeat_n(0, words));
    }

    fn halve(&mut self) {
        for i in 0..self.0.len() {
            let above = self.0.get(i + 1).map_or(0, |word| word << 63);
            self.0[i] = self.0[i] >> 1 | above;
        }
        self.trim();
    }

    /// Subtracts `other` if it is not larger.
    fn try_subtract(&mut self, other: &Natural) -> bool {
        let larger = (other.0.len().cmp(&self.0.len())).then_with(|| other.0.iter().rev().cmp(self.0.iter().rev()));
        if larger.is_gt() {
            return false;
        }
        let mut borrow = false;
        for i in 0..self.0.len() {
            let (word, first) = self.0[i].overflowing_sub(other.0.get(i).copied().unwrap_or(0));
            let (word, second) = word.overflowing_sub(u64::from(borrow));
            (self.0[i], borrow) = (word, first || second);
        }
        self.trim();
        true
    }
}

/// Reads an unsigned number, decimal or (after `0x`) hexadecimal.
pub(super) fn parse(text: &[u8]) -> Option<Magnitude> {
    match text {
        [b'0', b'x' | b'X', rest @ ..] => parse_hexadecimal(rest),
        _ => parse_decimal(text),
    }
}

/// Digits before and after the point, and what stands behind them.
struct Digits {
    /// Values of the digits, without zeros at the front.
    digits: Vec<u8>,
    /// How many of them come after the point.
    after_point: i64,
}

fn split(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(Digits, &[u8])> {
    let whole = text.iter().take_while(|byte| is_digit(byte)).count();
    let after = match text.get(whole) {
        Some(b'.') => text[whole + 1..].iter().take_while(|byte| is_digit(byte)).count(),
        _ => 0,
    };
    if whole + after == 0 {
        return None;
    }
    let end = if text.get(whole) == Some(&b'.') { whole + 1 + after } else { whole };
    let value = |byte: &u8| (*byte as char).to_digit(16).map_or(0, |value| value as u8);
    let digits = text[..end].iter().filter(|byte| **byte != b'.').map(value).skip_while(|value| *value == 0).collect();
    Some((Digits { digits, after_point: after as i64 }, &text[end..]))
}

/// The exponent behind `letter`; 0 for none. Beyond what matters it stays at a bound.
fn exponent(text: &[u8], letter: u8) -> Option<i64> {
    let (first, rest) = match text {
        [] => return Some(0),
        [first, rest @ ..] => (first, rest),
    };
    let (sign, digits) = match rest {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let known = first.eq_ignore_ascii_case(&letter) && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let bounded = |sum: i64, byte: &u8| (sum * 10 + i64::from(byte - b'0')).min(1 << 40);
    known.then(|| sign * digits.iter().fold(0, bounded))
}

/// What is neither too large nor too small, unless it is truly nothing.
fn representable(magnitude: Magnitude) -> Option<Magnitude> {
    matches!(magnitude, Magnitude::Finite { .. }).then_some(magnitude)
}

fn parse_decimal(text: &[u8]) -> Option<Magnitude> {
    let (Digits { digits, after_point }, rest) = split(text, u8::is_ascii_digit)?;
    let tens = exponent(rest, b'e')? - after_point;
    if digits.is_empty() {
        return Some(Magnitude::Zero);
    }
    // The position of the first digit decides whether it can be a number at all.
    if !(-TENS_MAX..=TENS_MAX).contains(&(tens + digits.len() as i64)) {
        return None;
    }
    let mut numerator = Natural(Vec::new());
    for chunk in digits.chunks(CHUNK) {
        let value = chunk.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit));
        numerator.multiply_add(10_u64.pow(chunk.len() as u32), value);
    }
    let mut denominator = Natural(vec![1]);
    let power = u32::try_from(tens.unsigned_abs()).expect("the first digit's position bounds it");
    if tens >= 0 { &mut numerator } else { &mut denominator }.multiply_by_ten_to(power);
    representable(ratio(numerator, denominator))
}

/// The number nearest to a quotient.
fn ratio(mut numerator: Natural, mut denominator: Natural) -> Magnitude {
    /// Bits of the quotient: those of a mantissa, and two or three to round by.
    const BITS: i32 = 66;
    let shift = BITS - (numerator.bits() - denominator.bits());
    match u32::try_from(shift) {
        Ok(shift) => numerator.shift_left(shift),
        Err(_) => denominator.shift_left(shift.unsigned_abs()),
    }
    denominator.shift_left(BITS as u32);
    let mut quotient = 0_u128;
    for _ in 0..=BITS {
        quotient = quotient << 1 | u128::from(numerator.try_subtract(&denominator));
        denominator.halve();
    }
    rounded(quotient, !numerator.0.is_empty(), -shift)
}

fn parse_hexadecimal(text: &[u8]) -> Option<Magnitude> {
    let (Digits { digits, after_point }, rest) = split(text, u8::is_ascii_hexdigit)?;
    let exponent = exponent(rest, b'p')? - 4 * after_point;
    if digits.is_empty() {
        return Some(Magnitude::Zero);
    }
    // 32 digits fill the word; of those beyond only matters whether all are 0.
    let (used, beyond) = digits.split_at(digits.len().min(31));
    let value = used.iter().fold(0_u128, |sum, digit| sum << 4 | u128::from(*digit));
    let inexact = beyond.iter().any(|digit| *digit != 0);
    let exponent = (exponent + 4 * beyond.len() as i64).clamp(-(1 << 20), 1 << 20);
    representable(rounded(value, inexact, exponent as i32))
}

/// The decimal of a positive number, with at most 17 digits after the point.
pub(super) fn format(mantissa: u64, exponent: i32) -> String {
    debug_assert!(exponent >= EXPONENT_MIN);
    if let Ok(shift) = u32::try_from(exponent) {
        let mut whole = Natural(vec![mantissa]);
        whole.shift_left(shift);
        return format_natural(whole);
    }
    let shift = exponent.unsigned_abs();
    let whole = mantissa.checked_shr(shift).unwrap_or(0);
    let below = mantissa - whole.checked_shl(shift).unwrap_or(0);
    // Below 2^121, so that from 2^122 on half a unit is out of reach.
    let scaled = u128::from(below) * FRACTION;
    let fraction = scaled.checked_shr(shift).unwrap_or(0);
    let up = match shift {
        123.. => false,
        _ => {
            let (rest, half) = (scaled - (fraction << shift), 1_u128 << (shift - 1));
            rest > half || rest == half && fraction % 2 == 1
        }
    };
    let fraction = fraction + u128::from(up);
    // A number so large that rounding carries into it has no bits after the point.
    let (whole, fraction) = if fraction == FRACTION { (whole + 1, 0) } else { (whole, fraction) };
    let text = format!("{whole}.{fraction:017}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn format_natural(mut number: Natural) -> String {
    let mut chunks = Vec::new();
    while !number.0.is_empty() {
        chunks.push(number.divide(10_u64.pow(CHUNK as u32)));
    }
    let mut text = chunks.pop().unwrap_or(0).to_string();
    for chunk in chunks.into_iter().rev() {
        text.push_str(&format!("{chunk:019}"));
    }
    text
}
