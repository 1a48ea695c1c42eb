//! The part of a string that BITCOUNT and BITPOS look at.

use crate::call::Call;
use crate::error::{ErrorReply, SYNTAX};

/// A range as it is given: in bytes or in bits, both ends included, negative ones counted from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenRange {
    pub(super) start: i64,
    /// Where it is left out, the range has no end.
    pub(super) end: Option<i64>,
    /// In bits, not bytes.
    in_bits: bool,
}

impl GivenRange {
    /// The range that the arguments from `start` on give: both numbers and perhaps a unit.
    pub(super) fn parse(call: &Call<'_>, start: usize) -> Result<GivenRange, ErrorReply> {
        let range = GivenRange { start: call.integer(start)?, end: None, in_bits: false };
        let end = call.args.get(start + 1).map(|_| call.integer(start + 1)).transpose()?;
        Ok(GivenRange { end, in_bits: GivenRange::parse_unit(call, start + 2)?, ..range })
    }

    /// The same, but what is wrong with the unit is said before what is wrong with the end.
    pub(super) fn parse_unit_first(call: &Call<'_>, start: usize) -> Result<GivenRange, ErrorReply> {
        call.integer(start)?;
        GivenRange::parse_unit(call, start + 2)?;
        GivenRange::parse(call, start)
    }

    fn parse_unit(call: &Call<'_>, unit: usize) -> Result<bool, ErrorReply> {
        match call.args.get(unit) {
            None => Ok(false),
            Some(unit) if unit.eq_ignore_ascii_case(b"BIT") => Ok(true),
            Some(unit) if unit.eq_ignore_ascii_case(b"BYTE") => Ok(false),
            Some(_) => Err(SYNTAX),
        }
    }

    /// Whether both ends are counted from the end, and the wrong way round. Cut to the string they might still name its first byte.
    pub(super) fn is_reversed(&self) -> bool {
        self.end.is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }

    /// The first and the last bit of the range in a string of `len` bytes; `None` if there is none between them.
    pub(super) fn bits(&self, len: usize) -> Option<(u64, u64)> {
        let unit = if self.in_bits { 1 } else { 8 };
        let count = len as i64 * if self.in_bits { 8 } else { 1 };
        let end = self.end.unwrap_or(count - 1);
        let from_start = |index: i64| if index < 0 { index.saturating_add(count).max(0) } else { index };
        let (start, end) = (from_start(self.start), from_start(end).min(count - 1));
        // Both are positions in the string now, unless it is empty.
        (start <= end).then(|| (start as u64 * unit, (end as u64 + 1) * unit - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::GivenRange;

    #[test]
    fn ranges_are_cut_to_the_string() {
        for (start, end, in_bits, expected) in [
            (0, Some(-1), false, Some((0, 23))),
            (1, Some(1), false, Some((8, 15))),
            (1, None, false, Some((8, 23))),
            (-100, Some(100), false, Some((0, 23))),
            (-1, Some(-2), false, None),
            (-100, Some(-100), false, Some((0, 7))),
            (-4, Some(-100), false, Some((0, 7))),
            (2, Some(1), false, None),
            (3, Some(5), false, None),
            (5, Some(-5), true, Some((5, 19))),
            (i64::MIN, Some(i64::MAX), true, Some((0, 23))),
            (i64::MAX, Some(i64::MIN), true, None),
        ] {
            let range = GivenRange { start, end, in_bits };
            assert_eq!(range.bits(3), expected, "{range:?}");
            assert_eq!(range.bits(0), None, "{range:?}");
        }
    }
}
