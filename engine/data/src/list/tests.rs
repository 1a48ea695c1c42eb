//! Lists against a deque of strings, with limits that are crossed often, and clones that stay as they are.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::tree::Page;

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0..40u32).prop_map(|number| format!("element:{number}").into_bytes()),
        3 => any::<i32>().prop_map(|number| number.to_string().into_bytes()),
        2 => (0..5u32).prop_map(|number| number.to_string().into_bytes()),
        1 => Just(Vec::new()),
        1 => (100usize..700).prop_map(|len| vec![b'm'; len]),
        2 => prop::collection::vec(any::<u8>(), 30..600),
        1 => (3000usize..9000).prop_map(|len| vec![b'l'; len]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Left), Just(End::Right)]
}

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<Vec<u8>>),
    PushMany(End, Vec<u8>, usize),
    Pop(End, usize),
    Set(usize, Vec<u8>),
    Insert(End, usize, Vec<u8>),
    Remove(usize, usize, End),
    Keep(usize, usize),
    Snapshot,
    Limits(usize, i64),
}

fn alone_from() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(ListLimits::ALONE_FROM), 1 => Just(1usize), 1 => Just(12usize), 1 => 20usize..5000]
}

fn depth() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(0i64), 4 => 1i64..4, 1 => 4i64..20, 1 => Just(i64::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (end(), prop::collection::vec(element(), 1..30)).prop_map(|(end, some)| Step::Push(end, some)),
        2 => (end(), element(), 1..900usize).prop_map(|(end, one, count)| Step::PushMany(end, one, count)),
        5 => (end(), 0..300usize).prop_map(|(end, count)| Step::Pop(end, count)),
        4 => (any::<usize>(), element()).prop_map(|(index, one)| Step::Set(index, one)),
        4 => (end(), any::<usize>(), element()).prop_map(|(side, index, one)| Step::Insert(side, index, one)),
        4 => (any::<usize>(), 0..20usize, end()).prop_map(|(index, limit, end)| Step::Remove(index, limit, end)),
        2 => (any::<usize>(), 0..200usize).prop_map(|(start, cut)| Step::Keep(start, cut)),
        1 => Just(Step::Snapshot),
        1 => (alone_from(), depth()).prop_map(|(alone_from, depth)| Step::Limits(alone_from, depth)),
    ]
}

fn elements(list: ListRef<'_>) -> VecDeque<Vec<u8>> {
    list.to_vecs().into()
}

fn memory(list: &List) -> usize {
    match list {
        List::Packed(list) => list.memory(),
        List::Large(large) => large.memory(),
    }
}

fn duplicate(list: &List) -> List {
    match list {
        List::Packed(list) => List::Packed(list.clone()),
        List::Large(large) => List::Large(large.clone()),
    }
}

/// Fails unless the list reads as the model, in every way of reading.
fn check(list: &List, model: &VecDeque<Vec<u8>>) {
    let view = list.view();
    assert_eq!(view.len(), model.len());
    assert_eq!(elements(view), *model);
    for start in [0, model.len() / 3, model.len().saturating_sub(2), model.len()] {
        let mut seen = Vec::new();
        view.visit(start, |element| {
            seen.push(element.to_vec());
            seen.len() < 100
        });
        assert!(seen.iter().eq(model.iter().skip(start).take(100)));
        seen.clear();
        view.visit_back(start, |element| {
            seen.push(element.to_vec());
            seen.len() < 100
        });
        assert!(seen.iter().eq(model.iter().take(start).rev().take(100)));
        assert_eq!(view.read(start, |element| element.to_vec()), model.get(start).cloned());
    }
    if let Some(needle) = model.get(model.len() / 2) {
        assert_eq!(view.find(needle), model.iter().position(|element| element == needle));
    }
    assert_eq!(view.find(b"never"), None);
    // No three bytes stand for more than 264.
    let payload: usize = model.iter().map(Vec::len).sum();
    assert!(memory(list) >= payload / 100);
}

/// Fails unless each strip is as the limits have it, under which the list was made.
fn check_strips(list: &List, limits: ListLimits) {
    let List::Large(large) = list else { return };
    let list = large_of(large);
    let strips: Vec<_> = list.tree.pages_from(0).map(|(strip, _)| strip).collect();
    assert_eq!(list.tree.memory(), list.tree.counted_memory());
    for (i, strip) in strips.iter().enumerate() {
        let is_near_end = i < limits.depth || i + limits.depth >= strips.len();
        if limits.depth == 0 || is_near_end {
            assert!(!strip.is_compressed(), "strip {i} of {}", strips.len());
        } else {
            assert!(!strip.is_untried(), "strip {i} of {}", strips.len());
        }
        assert!(!strip.is_alone() || strip.len() == 1);
        let mut buffer = Vec::new();
        let has_alone = strip.view(&mut buffer).elements(0).any(|element| limits.has_alone(element.len()));
        assert_eq!(strip.is_alone(), has_alone);
        assert_eq!(strip.view(&mut Vec::new()).elements(0).count(), strip.len());
    }
    let edges = list.edges();
    assert!(edges.iter().flat_map(|edge| edge.iter()).all(|element| !limits.has_alone(element.len())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn it_does_what_a_deque_does(
        steps in prop::collection::vec(step(), 1..60),
        size in prop_oneof![Just(-2), Just(-1), Just(5), Just(128), Just(0), -6i64..3000],
        (alone_from, depth) in (alone_from(), depth()),
        may_change in prop::bool::weighted(0.2),
    ) {
        let mut limits = ListLimits::new(size).with_alone_from(alone_from).with_compress_depth(depth);
        let mut list = List::empty();
        let mut model: VecDeque<Vec<u8>> = VecDeque::new();
        let mut snapshots = Vec::new();
        for step in steps {
            match step {
                Step::Push(end, some) => {
                    list.push(end, some.iter().map(Vec::as_slice), limits);
                    for one in some {
                        if end == End::Left { model.push_front(one) } else { model.push_back(one) }
                    }
                }
                Step::PushMany(end, one, count) if one.len() < 700 => {
                    list.push(end, std::iter::repeat_n(one.as_slice(), count), limits);
                    for _ in 0..count {
                        if end == End::Left { model.push_front(one.clone()) } else { model.push_back(one.clone()) }
                    }
                }
                Step::PushMany(..) => {}
                Step::Pop(end, count) => {
                    let mut popped = Vec::new();
                    let taken = list.pop(end, count, limits, |element| popped.push(element.to_vec()));
                    prop_assert_eq!(taken, popped.len());
                    prop_assert_eq!(taken, count.min(model.len()));
                    for one in popped {
                        let expected = if end == End::Left { model.pop_front() } else { model.pop_back() };
                        prop_assert_eq!(Some(one), expected);
                    }
                }
                Step::Set(index, one) => {
                    let index = index % (model.len() + 1);
                    prop_assert_eq!(list.set(index, &one, limits), index < model.len());
                    if let Some(place) = model.get_mut(index) {
                        *place = one;
                    }
                }
                Step::Insert(side, index, one) => {
                    let pivot = model.get(index % (model.len() + 1)).cloned().unwrap_or_else(|| b"never".to_vec());
                    let found = model.iter().position(|element| *element == pivot);
                    prop_assert_eq!(list.insert(side, &pivot, &one, limits), found.is_some());
                    if let Some(found) = found {
                        model.insert(if side == End::Left { found } else { found + 1 }, one);
                    }
                }
                Step::Remove(index, limit, from) => {
                    let limit = if limit == 0 { usize::MAX } else { limit };
                    let needle = model.get(index % (model.len() + 1)).cloned().unwrap_or_else(|| b"never".to_vec());
                    let mut equal: Vec<usize> = (0..model.len()).filter(|index| model[*index] == needle).collect();
                    if from == End::Right {
                        equal.reverse();
                    }
                    equal.truncate(limit);
                    prop_assert_eq!(list.remove(&needle, limit, from, limits), equal.len());
                    equal.sort_unstable();
                    equal.into_iter().rev().for_each(|index| drop(model.remove(index)));
                }
                Step::Keep(start, cut) => {
                    let start = start % (model.len() / 4 + 1);
                    let end = model.len().saturating_sub(cut).max(start);
                    list.keep(start..end, limits);
                    model.truncate(end);
                    model.drain(..start.min(model.len()));
                }
                Step::Snapshot => snapshots.push((duplicate(&list), model.clone())),
                Step::Limits(alone_from, depth) if may_change => {
                    limits = limits.with_alone_from(alone_from).with_compress_depth(depth);
                }
                Step::Limits(..) => {}
            }
            check(&list, &model);
            if !may_change {
                check_strips(&list, limits);
            }
            if model.is_empty() {
                list = List::empty();
            }
        }
        for (list, model) in snapshots {
            check(&list, &model);
        }
    }
}

fn pushed(end: End, count: usize, limits: ListLimits) -> List {
    let mut list = List::empty();
    for number in 0..count {
        list.push(end, std::iter::once(format!("element:{number:06}").as_bytes()), limits);
    }
    list
}

#[test]
fn a_list_is_packed_as_long_as_redis_packs_it_and_again_at_half_of_that() {
    for size in [-2, -1, 100] {
        let limits = ListLimits::new(size);
        let mut list = pushed(End::Right, 4000, limits);
        let is_packed = |list: &List| matches!(list, List::Packed(_));
        assert!(!is_packed(&list));
        let mut last_large = 0;
        while !list.is_empty() {
            if !is_packed(&list) {
                last_large = list.len();
            }
            list.pop(End::Left, 1, limits, |_| {});
        }
        // 14 bytes take 16; a frame takes 7.
        let packed_again = match size {
            100 => 50,
            -1 => (2048 - 7) / 16,
            _ => (4096 - 7) / 16,
        };
        assert_eq!(last_large, packed_again + 1, "{size}");
    }
}

#[test]
fn a_million_short_strings_take_fewer_bytes_than_redis_needs_for_them() {
    for end in [End::Left, End::Right] {
        let list = pushed(end, 1_000_000, ListLimits::new(-2));
        let memory = memory(&list);
        // As a chain of nodes of 8 KiB with 16 bytes an element and 48 for each node.
        assert!(memory < 1_000_000 * 16, "{end:?} {memory}");
        // No more than what the strings and the heads of their elements take, and two parts of a hundred.
        assert!(memory < 1_000_000 * 15 * 102 / 100, "{end:?} {memory}");
    }
}

#[test]
fn both_ends_of_a_queue_give_their_memory_back() {
    let limits = ListLimits::new(-2);
    for (push, pop) in [(End::Left, End::Right), (End::Right, End::Left)] {
        let mut list = pushed(push, 3000, limits);
        let before = memory(&list);
        for number in 0..20_000 {
            list.push(push, std::iter::once(format!("element:{number:06}").as_bytes()), limits);
            assert_eq!(list.pop(pop, 1, limits, |_| {}), 1);
        }
        assert!(memory(&list) < before + before / 4, "{} {before}", memory(&list));
    }
}

#[test]
fn a_long_element_leaves_no_memory_behind() {
    let limits = ListLimits::new(-2);
    let mut list = pushed(End::Right, 3000, limits);
    let before = memory(&list);
    let long = vec![b'x'; 1 << 20];
    for end in [End::Left, End::Right] {
        list.push(end, std::iter::once(&long[..]), limits);
        assert!(memory(&list) > 1 << 20);
        list.pop(end, 1, limits, |element| assert_eq!(element.len(), 1 << 20));
        let index = if end == End::Left { 0 } else { list.len() - 1 };
        list.set(index, &long, limits);
        list.set(index, b"short", limits);
    }
    assert!(memory(&list) < before + 2048, "{} {before}", memory(&list));
}

fn strips(list: &List) -> Vec<&strip::Strip> {
    match list {
        List::Packed(_) => Vec::new(),
        List::Large(large) => large_of(large).tree.pages_from(0).map(|(strip, _)| strip).collect(),
    }
}

#[test]
fn a_list_of_much_the_same_takes_a_fraction_when_it_is_compressed() {
    let plain = ListLimits::new(-2);
    let limits = plain.with_compress_depth(1);
    for end in [End::Left, End::Right] {
        let mut list = pushed(end, 100_000, limits);
        let before = memory(&list);
        assert!(before < memory(&pushed(end, 100_000, plain)) * 2 / 5, "{before}");
        // To read all of it and to change single elements takes nothing that stays.
        assert_eq!(
            list.view().find(b"element:050000").map(|index| index % 10_000),
            Some(if end == End::Left { 9999 } else { 0 })
        );
        for index in (0..100_000).step_by(777) {
            assert!(list.set(index, b"ELEMENT:000000", limits));
        }
        assert!(memory(&list) < before + before / 20, "{} {before}", memory(&list));
        assert_eq!(list.remove(b"ELEMENT:000000", usize::MAX, End::Left, limits), 129);
        assert!(memory(&list) < before + before / 20, "{} {before}", memory(&list));
    }
}

#[test]
fn what_compression_gains_nothing_on_stays_as_it_is() {
    let limits = ListLimits::new(-2).with_compress_depth(2);
    let mut list = List::empty();
    let mut state = 1u64;
    for _ in 0..40 {
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        });
        list.push(End::Right, std::iter::once(&noise.take(1000).collect::<Vec<u8>>()[..]), limits);
    }
    let strips = strips(&list);
    assert!(strips.len() > 8 && strips.iter().all(|strip| !strip.is_compressed()));
    assert!(strips[2..strips.len() - 2].iter().all(|strip| !strip.is_untried()));
}

#[test]
fn another_depth_acts_where_a_list_is_changed() {
    let limits = ListLimits::new(-2);
    let compressed = |list: &List| strips(list).iter().filter(|strip| strip.is_compressed()).count();
    let mut list = pushed(End::Right, 20_000, limits);
    let count = strips(&list).len();
    assert_eq!(compressed(&list), 0);
    assert!(list.set(10_000, b"changed", limits.with_compress_depth(3)));
    let near = compressed(&list);
    assert!(near > 0 && near < count / 2, "{near} of {count}");
    assert!(strips(&list)[count / 2].is_compressed());
    let mut list = pushed(End::Right, 20_000, limits.with_compress_depth(1));
    assert_eq!(compressed(&list), count - 2);
    list.push(End::Left, std::iter::once(&[b'x'; 300][..]), limits.with_compress_depth(10));
    assert!(strips(&list)[..10].iter().all(|strip| !strip.is_compressed()));
    assert!(compressed(&list) <= count - 20 + 2);
}

#[test]
fn an_element_that_stands_alone_keeps_its_list_large() {
    let limits = ListLimits::new(4).with_alone_from(10);
    let mut list = pushed(End::Right, 5, limits);
    assert_eq!(strips(&list).len(), 5, "each is longer");
    list.pop(End::Left, 4, limits, |_| {});
    assert!(matches!(list, List::Large(_)));
    assert!(list.set(0, b"short", limits));
    assert!(matches!(list, List::Packed(_)));
    // What is packed is not looked at for that.
    assert!(list.set(0, b"a long element", limits));
    assert!(matches!(list, List::Packed(_)));
}

#[test]
fn a_strip_divides_itself_until_each_part_is_small_enough() {
    let mut strip = strip::Strip::default();
    for len in [10, 20, 5000, 30, 3000, 3000, 1] {
        strip.push_back(Value::Bytes(&vec![b'x'; len]));
    }
    let mut parts = vec![strip];
    while let Some(at) = parts.iter().position(Page::is_over_full) {
        let upper = parts[at].split(false).unwrap();
        parts.insert(at + 1, upper);
    }
    assert_eq!(parts.iter().map(Page::len).sum::<usize>(), 7);
    assert!(parts.iter().all(|part| part.len() == 1 || part.total_bytes() <= strip::STRIP_BYTES_MAX));
}

quickcheck::quickcheck! {
    fn appending_packed_lists_is_pushing_their_elements(lists: Vec<Vec<u16>>, size: i8, long: bool) -> bool {
        let limits = ListLimits::new(i64::from(size % 5));
        let element = |seed: &u16| match seed % 9 {
            0 => seed.to_string().into_bytes(),
            1 if long => vec![b'l'; usize::from(*seed)],
            _ => vec![b's'; usize::from(seed % 300)],
        };
        let (mut list, mut pushed) = (List::empty(), Vec::new());
        for seeds in &lists {
            let mut packed = PackedList::new();
            seeds.iter().for_each(|seed| packed.push_back(&element(seed)));
            list.append_packed(packed, limits);
            pushed.extend(seeds.iter().map(element));
            // An element at an end that is not in a strip yet.
            list.push(End::Right, std::iter::once(&b"between"[..]), limits);
            pushed.push(b"between".to_vec());
        }
        list.view().to_vecs() == pushed && list.len() == pushed.len()
    }
}
