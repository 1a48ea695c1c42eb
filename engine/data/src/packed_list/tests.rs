//! The list against a vector of strings, against bytes that a redis-server made, and against bytes that nobody should make.

use proptest::prelude::*;
use quickcheck::quickcheck;

use super::*;

fn list(elements: &[&[u8]]) -> PackedList {
    let mut list = PackedList::new();
    elements.iter().for_each(|element| list.push_back(element));
    list
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn elements(list: Packed<'_>) -> Vec<Vec<u8>> {
    list.iter().map(|value| value.to_vec()).collect()
}

/// What redis-server 7.0 put into the payload of DUMP for lists of these elements.
fn listpack(list: Packed<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    list.write_listpack(&mut out);
    out
}

#[test]
fn the_bytes_are_those_of_a_redis_server() {
    let numbers: [i64; 18] = [
        0,
        127,
        128,
        -1,
        -4096,
        4095,
        4096,
        -4097,
        32767,
        -32768,
        32768,
        8388607,
        -8388608,
        8388608,
        -2147483648,
        2147483648,
        i64::MAX,
        i64::MIN,
    ];
    let mut ints = PackedList::new();
    numbers.iter().for_each(|number| ints.push_back(number.to_string().as_bytes()));
    let expected = "60000000120000017f01c08002dfff02d00002cfff02f1001003f1ffef03f1ff7f03f1008003f200800004f2ffff7f04f20000\
                    8004f30000800005f30000008005f4000000800000000009f4ffffffffffffff7f09f4000000000000008009ff";
    assert_eq!(listpack(ints.view()), from_hex(expected));
    assert_eq!(ints.view().iter().map(|value| value.as_int().unwrap()).collect::<Vec<_>>(), numbers);

    let (x, y) = (vec![b'x'; 63], vec![b'y'; 64]);
    let strings = list(&[b"", b"a", b"hello", &x, &y, b"-0", b"01", b"9223372036854775808"]);
    let expected = [
        "b4000000080080018161028568656c6c6f06bf",
        &"78".repeat(63),
        "40e040",
        &"79".repeat(64),
        "42822d300382303103933932323333373230333638353437373538303814ff",
    ]
    .concat();
    assert_eq!(listpack(strings.view()), from_hex(&expected));

    let long = list(&[&[b'z'; 4095], &[b'w'; 200]]);
    let expected = ["d61000000200efff", &"7a".repeat(4095), "2081e0c8", &"77".repeat(200), "01caff"].concat();
    assert_eq!(listpack(long.view()), from_hex(&expected));
}

#[test]
fn lengths_around_every_step_of_the_backwards_length_read_back() {
    for len in [0, 62, 63, 64, 125, 126, 127, 4094, 4095, 4096, 16_376, 16_377, 16_378, 16_379, 2_097_145, 2_097_146] {
        let element = vec![b'q'; len];
        let list = list(&[b"before", &element, b"7"]);
        assert!(list.view().is_whole(), "{len}");
        assert_eq!(list.view().iter().rev().map(|value| value.len()).collect::<Vec<_>>(), [1, len, 6]);
        let position = list.view().seek(1).unwrap();
        assert_eq!(list.view().element_bytes(position), packed_bytes(&element));
        let content = codec::extent(list.view().bytes(), position.offset());
        assert_eq!(packed_bytes(&element), content + codec::backlen_bytes(content));
    }
}

#[test]
fn a_count_beyond_16_bits_is_unknown_and_still_right() {
    let mut list = PackedList::new();
    (0..70_000).for_each(|_| list.push_back(b"1"));
    assert_eq!(list.len(), 70_000);
    assert_eq!(list.view().bytes()[..2], [0xFF, 0xFF]);
    assert!(list.view().is_whole());
    list.remove_range(10, 60_000);
    assert_eq!((list.len(), list.view().bytes()[0]), (10_000, 0xFF));
    let upper = list.split_off(list.view().seek(4_000).unwrap());
    assert_eq!((list.len(), upper.len()), (4_000, 6_000));
    list.append(upper.view());
    assert_eq!(list.len(), 10_000);
    assert!(list.view().is_whole());
}

#[test]
fn searching_may_leave_elements_out() {
    let list = list(&[b"a", b"b", b"b", b"5", b"5", b"c"]);
    let view = list.view();
    let find = |needle: &[u8], skip| {
        view.find(view.first().unwrap(), needle, skip).map(|found| view.iter_until(found).count())
    };
    assert_eq!(find(b"b", 0), Some(1));
    assert_eq!(find(b"b", 1), Some(2));
    assert_eq!(find(b"5", 1), Some(4));
    assert_eq!(find(b"c", 1), None);
    assert_eq!(find(b"05", 0), None);
    assert_eq!(find(b"a", 7), Some(0));
}

#[derive(Clone, Debug)]
enum Step {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    RemoveRange(usize, usize),
    SplitAndJoin(usize),
    Clear,
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..8),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-5000i64..5000).prop_map(|number| number.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 60..140),
        1 => (0usize..20_000).prop_map(|len| vec![b'l'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let index = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        3 => element().prop_map(Step::PushBack),
        2 => element().prop_map(Step::PushFront),
        3 => (index(), element()).prop_map(|(at, element)| Step::InsertBefore(at, element)),
        3 => (index(), element()).prop_map(|(at, element)| Step::InsertAfter(at, element)),
        3 => (index(), element()).prop_map(|(at, element)| Step::Replace(at, element)),
        2 => (index(), 0usize..4).prop_map(|(at, count)| Step::Remove(at, count)),
        1 => (index(), 0usize..4).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => index().prop_map(Step::SplitAndJoin),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_vector_does(steps in prop::collection::vec(step(), 0..60)) {
        let mut list = PackedList::new();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for step in steps {
            let position = |at: usize| list.view().seek((at % model.len().max(1)) as i64);
            match step {
                Step::PushBack(element) => {
                    list.push_back(&element);
                    model.push(element);
                }
                Step::PushFront(element) => {
                    list.push_front(&element);
                    model.insert(0, element);
                }
                Step::InsertBefore(at, element) => if let Some(place) = position(at) {
                    let new = list.insert_before(place, &element);
                    prop_assert!(list.view().is_equal(new, &element));
                    model.insert(at % model.len(), element);
                },
                Step::InsertAfter(at, element) => if let Some(place) = position(at) {
                    let new = list.insert_after(place, &element);
                    prop_assert!(list.view().is_equal(new, &element));
                    model.insert(at % model.len() + 1, element);
                },
                Step::Replace(at, element) => if let Some(place) = position(at) {
                    list.replace(place, &element);
                    let at = at % model.len();
                    model[at] = element;
                },
                Step::Remove(at, count) => if let Some(place) = position(at) {
                    let start = at % model.len();
                    let end = (start + count).min(model.len());
                    let next = list.remove(place, count);
                    model.drain(start..end);
                    prop_assert_eq!(next.map(|next| list.view().get(next).to_vec()), model.get(start).cloned());
                },
                Step::RemoveRange(at, count) => {
                    let start = at % (model.len() + 1);
                    list.remove_range(start, count);
                    model.drain(start..(start + count).min(model.len()));
                }
                Step::SplitAndJoin(at) => if let Some(place) = position(at) {
                    let upper = list.split_off(place);
                    prop_assert!(upper.view().is_whole());
                    prop_assert_eq!(elements(upper.view()), &model[at % model.len()..]);
                    prop_assert_eq!(elements(list.view()), &model[..at % model.len()]);
                    list.append(upper.view());
                },
                Step::Clear => {
                    list.clear();
                    model.clear();
                }
            }
            let view = list.view();
            prop_assert!(view.is_whole());
            prop_assert_eq!(view.len(), model.len());
            prop_assert_eq!(elements(view), &model[..]);
        }
        // Every way of walking and searching agrees at the end.
        let view = list.view();
        let mut backwards: Vec<_> = view.iter().rev().map(|value| value.to_vec()).collect();
        backwards.reverse();
        prop_assert_eq!(&backwards, &model);
        let (mut next, mut last) = (view.first(), None);
        for (index, element) in model.iter().enumerate() {
            let place = next.unwrap();
            prop_assert_eq!(view.seek(index as i64), Some(place));
            prop_assert_eq!(view.seek(index as i64 - model.len() as i64), Some(place));
            prop_assert_eq!(view.prev(place), last);
            prop_assert_eq!(view.get(place).to_vec(), element.clone());
            let first = model.iter().position(|other| other == element);
            prop_assert_eq!(view.find(view.first().unwrap(), element, 0), first.and_then(|at| view.seek(at as i64)));
            prop_assert_eq!(view.iter_from(place).count(), model.len() - index);
            (last, next) = (Some(place), view.next(place));
        }
        prop_assert_eq!((next, view.last()), (None, last));
        prop_assert_eq!((view.seek(model.len() as i64), view.seek(-(model.len() as i64) - 1)), (None, None));
    }

    /// Bytes that pass may be read and changed in every way. Most are a list with a few bytes changed.
    #[test]
    fn what_passes_the_check_never_panics(
        start in prop::collection::vec(element(), 0..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(), cuts: bool, keeps_total: bool,
    ) {
        let mut bytes = listpack(start.iter().map(|element| Value::Bytes(element)).collect::<PackedList>().view());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        if keeps_total && bytes.len() >= 7 {
            let total = bytes.len() as u32;
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            *bytes.last_mut().unwrap() = 0xFF;
        }
        if let Some(found) = Packed::of_listpack(&bytes) {
            let mut list = PackedList::from_bytes(found.bytes().to_vec());
            let all = elements(list.view());
            prop_assert_eq!(all.len(), list.len());
            prop_assert_eq!(list.view().iter().rev().count(), all.len());
            for (index, element) in all.iter().enumerate() {
                prop_assert_eq!(list.view().get(list.view().seek(index as i64).unwrap()).to_vec(), &element[..]);
            }
            prop_assert_eq!(list.view().contains(b"needle"), all.iter().any(|one| one == b"needle"));
            if let Some(first) = list.view().first() {
                list.insert_after(first, b"more");
                list.replace(first, &[b'r'; 300]);
                list.remove(first, 2);
            }
            prop_assert!(list.view().is_whole());
        }
    }
}

quickcheck! {
    fn what_is_stored_reads_back(values: Vec<Vec<u8>>) -> bool {
        let list = list(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        elements(list.view()) == values && list.view().is_whole()
    }

    fn random_bytes_are_refused_or_safe(bytes: Vec<u8>) -> bool {
        Packed::of_listpack(&bytes).is_none_or(|list| elements(list).len() == list.len())
    }
}

quickcheck::quickcheck! {
    fn what_others_store_otherwise_is_stored_anew(numbers: Vec<i16>, texts: Vec<Vec<u8>>) -> bool {
        // Numbers as text, and as eight bytes; short strings with long lengths.
        let mut foreign = Vec::new();
        let mut push = |element: &[u8]| {
            let mut backlen = [0; 5];
            foreign.extend_from_slice(element);
            foreign.extend_from_slice(super::codec::write_backlen(&mut backlen, element.len()));
        };
        let mut ours = PackedList::new();
        for number in &numbers {
            let text = number.to_string();
            push(&[&[0x80 | text.len() as u8], text.as_bytes()].concat());
            push(&[&[0xF4][..], &i64::from(*number).to_le_bytes()].concat());
            ours.push_back(text.as_bytes());
            ours.push_back(text.as_bytes());
        }
        for text in &texts {
            push(&[&[0xF0][..], &(text.len() as u32).to_le_bytes(), text].concat());
            ours.push_back(text);
        }
        let count = 2 * numbers.len() + texts.len();
        let total = foreign.len() + 7;
        let bytes = [&(total as u32).to_le_bytes()[..], &(count as u16).to_le_bytes(), &foreign, &[0xFF]].concat();
        PackedList::adopt(bytes) == Some(ours.clone())
            && PackedList::adopt(listpack(ours.view())) == Some(ours)
    }

    fn distinct_is_what_a_set_says(elements: Vec<u8>, stride: u8) -> bool {
        let stride = usize::from(stride % 3) + 1;
        let mut list = PackedList::new();
        elements.iter().for_each(|element| list.push_back(element.to_string().repeat(usize::from(element % 5)).as_bytes()));
        let kept: Vec<Vec<u8>> = list.view().iter().step_by(stride).map(|element| element.to_vec()).collect();
        let distinct = kept.iter().collect::<std::collections::BTreeSet<_>>().len() == kept.len();
        list.view().are_distinct(stride) == distinct
    }
}
