use proptest::prelude::*;

use super::*;

fn naive_bits(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).map(move |i| byte & (0x80 >> i) != 0)).collect()
}

fn from_bits(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (i, on)| sum | u8::from(*on) << (7 - i))).collect()
}

/// Strings of lengths around those at which code changes its step, dense, sparse and full.
fn strings() -> impl Strategy<Value = Vec<u8>> {
    let long = prop_oneof![Just(0u8), Just(0xff), any::<u8>()];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (long, 0..9000usize, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)).prop_map(
            |(fill, len, changes)| {
                let mut bytes = vec![fill; len];
                for (at, byte) in changes.iter().filter(|_| len > 0) {
                    bytes[at.index(len)] = *byte;
                }
                bytes
            }
        ),
    ]
}

proptest! {
    #[test]
    fn counting_and_finding_agree_with_bit_by_bit(bytes in strings(), first: prop::sample::Index, last: prop::sample::Index) {
        let bits = naive_bits(&bytes);
        prop_assert_eq!(count_ones(&bytes), bits.iter().filter(|on| **on).count() as u64);
        if bits.is_empty() {
            return Ok(());
        }
        let (first, last) = (first.index(bits.len()), last.index(bits.len()));
        for on in [false, true] {
            let expected = (first..=last).find(|i| bits[*i] == on).map(|i| i as u64);
            prop_assert_eq!(first_bit(&bytes, first as u64, last as u64, on), expected);
        }
        if first <= last {
            let expected = bits[first..=last].iter().filter(|on| **on).count() as u64;
            prop_assert_eq!(count_ones_between(&bytes, first as u64, last as u64), expected);
        }
    }

    #[test]
    fn combining_agrees_with_bit_by_bit(sources in prop::collection::vec(strings(), 1..5)) {
        let len = sources.iter().map(Vec::len).max().unwrap();
        let padded: Vec<Vec<bool>> = sources
            .iter()
            .map(|source| {
                let mut bits = naive_bits(source);
                bits.resize(len * 8, false);
                bits
            })
            .collect();
        let borrowed: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
        for operation in BitOperation::ALL {
            let expected: Vec<bool> = (0..len * 8)
                .map(|i| {
                    let first = padded[0][i];
                    let others = padded[1..].iter().filter(|bits| bits[i]).count();
                    let all = others + usize::from(first);
                    match operation {
                        BitOperation::And => all == padded.len(),
                        BitOperation::Or => all > 0,
                        BitOperation::Xor => all % 2 == 1,
                        BitOperation::Not => !first,
                        BitOperation::Diff => first && others == 0,
                        BitOperation::Diff1 => !first && others > 0,
                        BitOperation::AndOr => first && others > 0,
                        BitOperation::One => all == 1,
                    }
                })
                .collect();
            // NOT has one source; what others there are can only make the result longer.
            prop_assert_eq!(combine(operation, &borrowed), from_bits(&expected), "{:?}", operation);
        }
    }

    #[test]
    fn single_bits_are_where_they_belong(mut bytes in prop::collection::vec(any::<u8>(), 1..40), at: prop::sample::Index, on: bool) {
        let mut bits = naive_bits(&bytes);
        let at = at.index(bits.len());
        prop_assert_eq!(bit(&bytes, at as u64), bits[at]);
        prop_assert_eq!(set_bit(&mut bytes, at as u64, on), bits[at]);
        bits[at] = on;
        prop_assert_eq!(&bytes, &from_bits(&bits));
        prop_assert!(!bit(&bytes, bits.len() as u64) && !bit(&bytes, u64::MAX));
    }

    #[test]
    fn fields_are_read_and_written_bit_by_bit(
        mut bytes in prop::collection::vec(any::<u8>(), 0..24),
        signed: bool,
        bits in 1..=64u32,
        offset in 0..256u64,
        number: i64,
    ) {
        let kind = if signed { FieldKind::Signed } else { FieldKind::Unsigned };
        let Some(field) = Field::new(kind, bits, offset) else {
            prop_assert!(!signed && bits == 64);
            return Ok(());
        };
        let read = |bytes: &[u8]| {
            let raw = (offset..offset + u64::from(bits)).fold(0u64, |sum, i| sum << 1 | u64::from(bit(bytes, i)));
            let negative = signed && raw >> (bits - 1) == 1;
            let number = i128::from(raw) - if negative { 1i128 << bits } else { 0 };
            number as i64
        };
        prop_assert_eq!(field.get(&bytes), read(&bytes));
        bytes.resize(bytes.len().max(field.end_byte() as usize), 0);
        let before = naive_bits(&bytes);
        field.set(&mut bytes, number);
        let after = naive_bits(&bytes);
        let inside = |i: usize| (offset..offset + u64::from(bits)).contains(&(i as u64));
        prop_assert!((0..before.len()).all(|i| inside(i) || before[i] == after[i]));
        prop_assert_eq!(Some(field.get(&bytes)), field.fitted(number, Overflow::Wrap));
    }

    #[test]
    fn numbers_without_room_are_wrapped_saturated_or_refused(signed: bool, bits in 1..=63u32, old: i64, by: i64) {
        let kind = if signed { FieldKind::Signed } else { FieldKind::Unsigned };
        let field = Field::new(kind, bits, 0).unwrap();
        let old = field.fitted(old, Overflow::Wrap).unwrap();
        let (min, max) = if signed { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
        let sum = i128::from(old) + i128::from(by);
        prop_assert_eq!(field.incremented(old, by, Overflow::Saturate).map(i128::from), Some(sum.clamp(min, max)));
        let fits = (min..=max).contains(&sum);
        prop_assert_eq!(field.incremented(old, by, Overflow::Fail).map(i128::from), fits.then_some(sum));
        let wrapped = i128::from(field.incremented(old, by, Overflow::Wrap).unwrap());
        prop_assert!((min..=max).contains(&wrapped));
        prop_assert_eq!((wrapped - sum).rem_euclid(1 << bits), 0);
    }
}
