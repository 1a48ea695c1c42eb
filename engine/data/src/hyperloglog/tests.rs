use proptest::prelude::*;

use super::*;

/// Redis's default of `hll-sparse-max-bytes`.
const SPARSE_BYTES_MAX: u64 = 3000;

fn registers_of(bytes: &[u8]) -> Registers {
    let mut registers = Registers::new();
    registers.merge(bytes).unwrap();
    registers
}

fn filled(elements: impl Iterator<Item = String>, sparse_bytes_max: u64) -> Vec<u8> {
    let mut bytes = empty();
    for element in elements {
        add(&mut bytes, element.as_bytes(), sparse_bytes_max).unwrap();
    }
    bytes
}

#[test]
fn the_empty_one_is_one_run() {
    let bytes = empty();
    assert_eq!(bytes, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert!(is_plausible(&bytes) && !is_dense(&bytes));
    assert_eq!((cached_estimate(&bytes), estimate(&bytes)), (Some(0), Ok(0)));
}

#[test]
fn estimates_are_near() {
    let mut bytes = empty();
    for i in 1..=200_000u64 {
        add(&mut bytes, &i.to_le_bytes(), SPARSE_BYTES_MAX).unwrap();
        if i.is_power_of_two() {
            let estimate = estimate(&bytes).unwrap() as f64;
            assert!((estimate - i as f64).abs() <= 0.03 * i as f64 + 0.5, "{estimate} of {i}");
        }
    }
    assert!(is_dense(&bytes) && bytes.len() == DENSE_BYTES);
}

/// A digest of bytes for comparisons with another server: Fowler, Noll and Vo's 64-bit hash, variant 1a.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// What Redis 7.0.15 holds after PFADD of `e:1` to `e:N`, one by one: N, the limit of the sparse form, the length, the digest of
/// the registers, and PFCOUNT.
const OF_REDIS: &[(usize, u64, usize, u64, u64)] = &[
    (1, 3000, 21, 0x02a5_8d0f_1d22_ef3f, 1),
    (10, 3000, 48, 0x95cc_d629_2a5a_c0ac, 10),
    (100, 3000, 279, 0xc46a_aeec_e003_95e9, 100),
    (800, 3000, 1541, 0x52cd_2768_3bf2_a8b1, 796),
    (1500, 3000, 2683, 0x1864_118c_6884_6f94, 1484),
    (3000, 3000, 12304, 0xa5cc_1187_9a23_213f, 2981),
    (20000, 3000, 12304, 0x3c08_83a5_d003_f2a9, 20096),
    (100, 100, 12304, 0x1f32_cbf2_f9a3_0325, 100),
    (1500, 100, 12304, 0xb77f_dc1a_aec0_f9b6, 1484),
    (20000, 100, 12304, 0x3c08_83a5_d003_f2a9, 20096),
    (100, 60000, 279, 0xc46a_aeec_e003_95e9, 100),
    (1500, 60000, 2683, 0x1864_118c_6884_6f94, 1484),
    (20000, 60000, 13062, 0xb245_2aa3_bfde_9443, 20096),
];

#[test]
fn bytes_and_estimates_are_those_of_redis() {
    for &(count, sparse_bytes_max, len, expected, number) in OF_REDIS {
        let bytes = filled((1..=count).map(|i| format!("e:{i}")), sparse_bytes_max);
        assert_eq!((bytes.len(), digest(&bytes[HEADER_BYTES..])), (len, expected), "{count} elements");
        assert_eq!(estimate(&bytes), Ok(number), "{count} elements");
    }
}

/// Elements by their numbers, and how large the sparse form may become.
fn additions() -> impl Strategy<Value = (Vec<u32>, u64)> {
    let limits = prop_oneof![Just(0), Just(20), Just(100), Just(3000), Just(100_000)];
    (prop::collection::vec(0..20_000u32, 0..600), limits)
}

proptest! {
    #[test]
    fn sparse_and_dense_hold_the_same((elements, limit) in additions()) {
        let mut expected = [0; REGISTERS];
        let mut bytes = empty();
        let mut dense = empty();
        make_dense(&mut dense).unwrap();
        for element in &elements {
            let element = element.to_string();
            let (index, run) = hash::place(element.as_bytes());
            let changes = expected[index] < run;
            expected[index] = expected[index].max(run);
            prop_assert_eq!(add(&mut bytes, element.as_bytes(), limit), Ok(changes));
            prop_assert_eq!(would_change(&dense, element.as_bytes()), changes);
            prop_assert_eq!(add_dense(&mut dense, element.as_bytes()), changes);
            prop_assert!(is_plausible(&bytes));
            prop_assert!(is_dense(&bytes) || bytes.len() as u64 <= limit.max(18));
        }
        prop_assert!(registers_of(&bytes).bytes() == &expected);
        prop_assert!(registers_of(&dense).bytes() == &expected);
        prop_assert_eq!(estimate(&bytes), estimate(&dense));
        make_dense(&mut bytes).unwrap();
        prop_assert_eq!(bytes, dense);
    }

    #[test]
    fn raising_in_order_gives_the_bytes_of_raising_one_by_one((first, limit) in additions(), second in additions()) {
        let mut bytes = filled(first.iter().map(u32::to_string), limit);
        let others = filled(second.0.iter().map(u32::to_string), second.1);
        let mut one_by_one = bytes.clone();
        for (index, run) in registers_of(&others).bytes().iter().enumerate().filter(|(_, run)| **run > 0) {
            if is_dense(&one_by_one) {
                dense::raise(&mut one_by_one[HEADER_BYTES..], index, *run);
            } else {
                let mut place = sparse::Place::FIRST;
                raise_sparse(&mut one_by_one, &mut place, index, *run, limit).unwrap();
            }
        }
        forget_estimate(&mut one_by_one);
        raise_all(&mut bytes, &registers_of(&others), false, limit).unwrap();
        prop_assert_eq!(bytes, one_by_one);
    }

    #[test]
    fn whatever_is_given_is_read_without_harm(tail in prop::collection::vec(any::<u8>(), 0..200), element: u64) {
        let mut bytes = [&empty()[..HEADER_BYTES], &tail].concat();
        prop_assert!(is_plausible(&bytes));
        let counted = estimate(&bytes);
        prop_assert_eq!(counted.is_ok(), Registers::new().merge(&bytes).is_ok());
        let covered: usize = runs(&bytes).map(|run| match run {
            Run::Zeros(count) | Run::ManyZeros(count) | Run::Values(_, count) => count,
        }).sum();
        prop_assert_eq!(counted.is_ok(), covered == REGISTERS);
        let _ = add(&mut bytes, &element.to_le_bytes(), SPARSE_BYTES_MAX);
        let _ = make_dense(&mut bytes);
    }

    #[test]
    fn packing_is_undone_by_unpacking(values in prop::collection::vec(0..64u8, REGISTERS)) {
        let values: [u8; REGISTERS] = values.try_into().unwrap();
        let mut bytes = empty();
        make_dense(&mut bytes).unwrap();
        dense::pack(&values, &mut bytes[HEADER_BYTES..]);
        prop_assert!(registers_of(&bytes).bytes() == &values);
        for (index, value) in values.iter().enumerate() {
            prop_assert_eq!(dense::get(&bytes[HEADER_BYTES..], index), *value);
        }
    }
}

#[test]
fn estimates_are_kept_and_forgotten() {
    let mut bytes = filled((0..100).map(|i| i.to_string()), SPARSE_BYTES_MAX);
    forget_estimate(&mut bytes);
    assert_eq!(cached_estimate(&bytes), None);
    let number = estimate(&bytes).unwrap();
    let header = header_with_estimate(&bytes, number);
    bytes[..HEADER_BYTES].copy_from_slice(&header);
    assert_eq!(cached_estimate(&bytes), Some(number));
    assert_eq!(estimate(&bytes), Ok(number));
}
