//! Numbers of INCRBYFLOAT: floating point with 64 bits of mantissa and 15 of exponent, as the x87 and `long double` in C have it.
//!
//! Redis adds in that format and keeps the result as text with at most 17 digits after the point; to give the same text the same
//! format is needed, and Rust has no name for it. Reading, adding and printing round to the nearest, ties to even, as C does.

use std::cmp::Ordering;

mod decimal;

/// A number, or an infinity. There is no NaN: reading one fails, and so does an addition that would give one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongDouble {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Magnitude {
    Zero,
    /// `mantissa × 2^exponent`. The mantissa's top bit is set, unless the exponent is [`EXPONENT_MIN`].
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
}

/// The exponent of the smallest number.
const EXPONENT_MIN: i32 = -16_445;

/// The exponent of the largest numbers.
const EXPONENT_MAX: i32 = 16_320;

/// Longer texts are not numbers to Redis, whatever they are.
const TEXT_MAX: usize = 5 * 1024;

impl LongDouble {
    /// Zero.
    pub const ZERO: LongDouble = LongDouble { negative: false, magnitude: Magnitude::Zero };

    /// The largest finite number.
    pub const MAX: LongDouble =
        LongDouble { negative: false, magnitude: Magnitude::Finite { mantissa: u64::MAX, exponent: EXPONENT_MAX } };

    /// The smallest finite number.
    pub const MIN: LongDouble = LongDouble { negative: true, ..LongDouble::MAX };

    /// Reads what C's `strtold` reads, as long as it takes the whole text: decimal or hexadecimal, or `inf`. `None` for
    /// everything else, for NaN, and for what is too large or too small to be told from infinity or zero.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= TEXT_MAX {
            return None;
        }
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let magnitude = if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            Magnitude::Infinite
        } else {
            decimal::parse(rest)?
        };
        Some(LongDouble { negative, magnitude })
    }

    /// The sum; `None` when it is no finite number.
    pub fn checked_add(self, other: LongDouble) -> Option<LongDouble> {
        let parts = |number: LongDouble| match number.magnitude {
            Magnitude::Zero => Some(None),
            Magnitude::Finite { mantissa, exponent } => Some(Some((mantissa, exponent))),
            Magnitude::Infinite => None,
        };
        let ((mantissa, exponent), (other_mantissa, other_exponent)) = match (parts(self)?, parts(other)?) {
            (Some(one), Some(another)) => (one, another),
            (None, Some(_)) => return Some(other),
            (Some(_), None) => return Some(self),
            (None, None) => return Some(LongDouble { negative: self.negative && other.negative, ..self }),
        };
        if exponent < other_exponent {
            return other.checked_add(self);
        }
        // The larger one at the top of 128 bits, a bit below it for the carry; what the smaller one loses below is remembered.
        const SHIFT: u32 = 62;
        let large = u128::from(mantissa) << SHIFT;
        let distance = exponent.abs_diff(other_exponent);
        let whole = u128::from(other_mantissa) << SHIFT;
        let small = whole.checked_shr(distance).unwrap_or(0);
        let lost = small.checked_shl(distance).unwrap_or(0) != whole;
        let exponent = exponent - SHIFT as i32;
        let (negative, sum) = if self.negative == other.negative {
            (self.negative, large + small)
        } else if large >= small {
            // What was lost would have been subtracted: one less, and something above it.
            (self.negative, large - small - u128::from(lost))
        } else {
            (other.negative, small - large)
        };
        if sum == 0 && !lost {
            return Some(LongDouble::ZERO);
        }
        let magnitude = rounded(sum, lost, exponent);
        (magnitude != Magnitude::Infinite).then_some(LongDouble { negative, magnitude })
    }

    /// The difference; `None` when it is no finite number.
    pub fn checked_sub(self, other: LongDouble) -> Option<LongDouble> {
        self.checked_add(LongDouble { negative: !other.negative, ..other })
    }

    /// Whether it is an infinity.
    pub fn is_infinite(self) -> bool {
        self.magnitude == Magnitude::Infinite
    }

    /// Whether it is below zero (or the zero that came from there).
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// A thousand times the number, rounded up to a whole one. `None` when that is above what 64 bits hold; far below, it is
    /// the least that they do.
    pub fn thousandths_rounded_up(self) -> Option<i64> {
        let product = match self.magnitude {
            Magnitude::Finite { mantissa, exponent } => rounded(u128::from(mantissa) * 1000, false, exponent),
            other => other,
        };
        let size = match product {
            Magnitude::Zero => Some(0),
            Magnitude::Infinite => None,
            Magnitude::Finite { mantissa, exponent: 0 } => Some(mantissa),
            // The top bit of the mantissa is set (or the number is next to nothing), so it is beyond 64 bits.
            Magnitude::Finite { exponent: 1.., .. } => None,
            Magnitude::Finite { mantissa, exponent } => {
                let whole = mantissa.checked_shr(exponent.unsigned_abs()).unwrap_or(0);
                let is_whole = whole.checked_shl(exponent.unsigned_abs()).unwrap_or(0) == mantissa;
                Some(whole + u64::from(!is_whole && !self.negative))
            }
        };
        let size = size.and_then(|size| i64::try_from(size).ok());
        if self.negative { Some(size.map_or(i64::MIN, |size| -size)) } else { size }
    }

    /// The text that Redis keeps: at most 17 digits after the point, no zeros at their end, never an exponent.
    pub fn to_text(self) -> String {
        let mut text = match self.magnitude {
            Magnitude::Zero => "0".to_owned(),
            Magnitude::Infinite => "inf".to_owned(),
            Magnitude::Finite { mantissa, exponent } => decimal::format(mantissa, exponent),
        };
        if self.negative && text != "0" {
            text.insert(0, '-');
        }
        text
    }
}

impl From<i64> for LongDouble {
    fn from(number: i64) -> LongDouble {
        LongDouble { negative: number < 0, magnitude: rounded(u128::from(number.unsigned_abs()), false, 0) }
    }
}

impl PartialOrd for LongDouble {
    fn partial_cmp(&self, other: &LongDouble) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LongDouble {
    /// By value; the two zeros are the same.
    fn cmp(&self, other: &LongDouble) -> Ordering {
        let rank = |number: &LongDouble| match number.magnitude {
            Magnitude::Zero => (0, 0, 0),
            Magnitude::Finite { mantissa, exponent } => (1, exponent, mantissa),
            Magnitude::Infinite => (2, 0, 0),
        };
        let sign = |number: &LongDouble| match (number.magnitude, number.negative) {
            (Magnitude::Zero, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let by_magnitude = rank(self).cmp(&rank(other));
        sign(self).cmp(&sign(other)).then(if self.negative { by_magnitude.reverse() } else { by_magnitude })
    }
}

/// The number nearest to `(value + a fraction, if inexact) × 2^exponent`.
fn rounded(value: u128, inexact: bool, exponent: i32) -> Magnitude {
    let bits = 128 - value.leading_zeros() as i32;
    if bits == 0 && !inexact {
        return Magnitude::Zero;
    }
    // How many low bits have to go, so that 64 stay and the exponent is not below the least.
    let drop = (bits - 64).max(EXPONENT_MIN - exponent);
    let exponent = exponent + drop;
    let mantissa = match u32::try_from(drop) {
        Err(_) => value << drop.unsigned_abs(),
        Ok(0) => value,
        Ok(drop) => {
            let kept = value.checked_shr(drop).unwrap_or(0);
            let rest = value - kept.checked_shl(drop).unwrap_or(0);
            let half = 1_u128.checked_shl(drop - 1).unwrap_or(u128::MAX);
            let up = match rest.cmp(&half) {
                Ordering::Less => false,
                Ordering::Equal => inexact || kept % 2 == 1,
                Ordering::Greater => true,
            };
            kept + u128::from(up)
        }
    };
    let (mantissa, exponent) = match u64::try_from(mantissa) {
        Ok(0) => return Magnitude::Zero,
        Ok(mantissa) => (mantissa, exponent),
        Err(_) => (1 << 63, exponent + 1),
    };
    if exponent > EXPONENT_MAX { Magnitude::Infinite } else { Magnitude::Finite { mantissa, exponent } }
}

#[cfg(test)]
mod tests;
