//! Pages, and trees of them, against an ordered map. Hashes are few, so that many records share one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tree::{Page, Tree};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

/// A hash that many keys have in common, or a spread one.
fn hash_of(key: &[u8], few: bool) -> u32 {
    let hash = crate::HashSeed([3, 5]).hash(key).0 as u32;
    if few { hash % 5 * 0x1234_5678 } else { hash }
}

fn check<const VALUES: bool>(page: &HashPage<VALUES>, few: bool) {
    let hashes: Vec<u32> = (0..page.len()).map(|index| page.hash(index)).collect();
    assert!(hashes.is_sorted());
    let mut records = 0;
    for (index, hash) in hashes.iter().enumerate() {
        let record = page.get(index);
        assert_eq!(*hash, hash_of(record.key, few));
        assert_eq!((page.find(*hash, record.key), page.key(index)), (Some(index), record.key));
        assert_eq!((page.seek(*hash, record.key), page.deadline(index)), (Ok(index), record.deadline));
        assert_eq!(page.prefetch_record(*hash), hashes.iter().position(|other| other == hash));
        assert_eq!(page.count_below(*hash), hashes.partition_point(|other| other < hash));
        for other in [hash.wrapping_sub(1), hash.wrapping_add(1)] {
            assert_eq!(page.count_below(other), hashes.partition_point(|hash| *hash < other));
            page.prefetch_place(other);
        }
        records += page.end(index) - page.offset(index);
    }
    if let (Some(first), Some(last)) = (hashes.first(), hashes.last()) {
        assert_eq!((page.lowest(), page.high), (*first, *last));
    }
    assert_eq!(page.fill(), records + page.len() * PLACE_BYTES, "what is wasted is counted");
    assert_eq!(page.find(77, b"absent"), None);
    assert_eq!(page.seek(77, b"absent"), Err(page.count_below(77)));
}

fn check_tree<const VALUES: bool>(tree: &Tree<HashPage<VALUES>>, model: &Model, few: bool) {
    assert_eq!(tree.len(), model.len());
    let mut found = Model::new();
    let mut above = None;
    for (page, _) in tree.pages_from(0) {
        check(page, few);
        assert!(above.is_none_or(|above| above < page.lowest()), "records of equal hash share a page");
        above = Some(page.high);
        found.extend(page.iter().map(|record| (record.key.to_vec(), (record.value.to_vec(), record.deadline))));
    }
    assert_eq!(found, *model);
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, Vec<u8>, Option<u64>),
    Time(Vec<u8>, Option<u64>),
    Remove(Vec<u8>),
    RemoveRange(prop::sample::Index, usize),
    Snapshot,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u8..60).prop_map(|n| vec![n; usize::from(n % 7)].into_iter().chain([n]).collect()),
        1 => (0usize..4).prop_map(|n| vec![b'm'; 250 + n]),
        1 => (0usize..3).prop_map(|n| vec![b'k'; 1023 + n]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (0usize..4).prop_map(|n| vec![b'v'; 250 + n]),
        1 => (0usize..3).prop_map(|n| vec![b'w'; 1023 + n]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let deadline = || prop::option::of(any::<u64>());
    prop_oneof![
        8 => (key(), value(), deadline()).prop_map(|(key, value, deadline)| Step::Put(key, value, deadline)),
        2 => (key(), deadline()).prop_map(|(key, deadline)| Step::Time(key, deadline)),
        4 => key().prop_map(Step::Remove),
        1 => (any::<prop::sample::Index>(), 0usize..30).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => Just(Step::Snapshot),
    ]
}

fn run<const VALUES: bool>(steps: Vec<Step>, few: bool) {
    let mut tree: Tree<HashPage<VALUES>> = Tree::new();
    let mut model = Model::new();
    let mut snapshots = Vec::new();
    for step in steps {
        match step {
            Step::Put(key, value, deadline) => {
                let (value, deadline) = if VALUES { (value, deadline) } else { (vec![], None) };
                let hash = hash_of(&key, few);
                tree.edit_of(&hash, |page| {
                    match page.seek(hash, &key) {
                        Ok(index) if VALUES => page.replace(index, &value, deadline),
                        Ok(_) => {}
                        Err(index) => {
                            page.insert_at(index, hash, Record { key: &key, value: &value, deadline });
                            assert_eq!(page.get(index), Record { key: &key, value: &value, deadline });
                        }
                    }
                    check(page, few);
                });
                model.insert(key, (value, deadline));
            }
            Step::Time(key, deadline) if VALUES => {
                let hash = hash_of(&key, few);
                if let Some((_, old)) = model.get_mut(&key) {
                    *old = deadline;
                    tree.edit_of(&hash, |page| page.set_deadline(page.find(hash, &key).unwrap(), deadline));
                }
            }
            Step::Remove(key) => {
                let hash = hash_of(&key, few);
                if model.remove(&key).is_some() {
                    tree.edit_of(&hash, |page| page.remove(page.find(hash, &key).unwrap()));
                }
            }
            Step::RemoveRange(at, count) if !model.is_empty() => {
                let start = at.index(model.len());
                let end = (start + count).min(model.len());
                for index in start..end {
                    let (page, offset) = tree.page_at(index).unwrap();
                    model.remove(page.key(offset));
                }
                tree.remove_range(start..end);
            }
            Step::Snapshot => snapshots.push((tree.clone(), model.clone())),
            _ => {}
        }
        assert_eq!(tree.len(), model.len());
    }
    check_tree(&tree, &model, few);
    for (tree, model) in snapshots {
        check_tree(&tree, &model, few);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn with_values_it_does_what_a_map_does(steps in prop::collection::vec(step(), 0..150), few: bool) {
        run::<true>(steps, few);
    }

    #[test]
    fn without_values_it_does_what_a_set_does(steps in prop::collection::vec(step(), 0..150), few: bool) {
        run::<false>(steps, few);
    }
}

fn name(number: u32) -> [u8; 8] {
    format!("{number:08}").into_bytes().try_into().unwrap()
}

#[test]
fn many_records_of_few_bytes_take_little_more_than_those() {
    let mut tree: Tree<HashPage<false>> = Tree::new();
    for number in 0..50_000 {
        let hash = hash_of(&name(number), false);
        tree.edit_of(&hash, |page| page.insert(hash, Record::of_key(&name(number))));
    }
    let each = tree.memory() as f64 / 50_000.0;
    assert!(each < 8.0 + 1.0 + 6.0 + 4.0, "{each} bytes each");
}

#[test]
fn records_in_the_order_of_their_hashes_fill_their_pages() {
    let mut tree: Tree<HashPage<false>> = Tree::new();
    for number in 0..50_000 {
        tree.edit_of(&number, |page| page.insert(number, Record::of_key(&name(number))));
    }
    let each = tree.memory() as f64 / 50_000.0;
    assert!(each < 8.0 + 1.0 + 6.0 + 2.0, "{each} bytes each");
}

#[test]
fn a_copied_page_shares_what_is_long() {
    let mut page: HashPage<true> = HashPage::default();
    page.insert(1, Record { key: b"key", value: &[7; 100_000], deadline: None });
    let copy = page.clone();
    page.set_deadline(0, Some(9));
    assert_eq!(copy.get(0).value.as_ptr(), page.get(0).value.as_ptr());
    assert!(page.memory() > 100_000 && page.buffer.len() < 64);
    page.replace(0, b"short", None);
    assert!(page.memory() < 1_000);
    assert_eq!((copy.get(0).value.len(), page.get(0).value), (100_000, b"short".as_slice()));
}

#[test]
fn a_crowd_of_one_hash_stays_together() {
    let mut tree: Tree<HashPage<true>> = Tree::new();
    for number in 0..600 {
        let (key, value) = (format!("{number}{}", "x".repeat(50)), [b'v'; 60]);
        tree.edit_of(&9, |page| page.insert(9, Record { key: key.as_bytes(), value: &value, deadline: Some(number) }));
    }
    let (page, _) = tree.page_at(0).unwrap();
    assert_eq!(page.len(), 600);
    assert!(page.find(9, format!("17{}", "x".repeat(50)).as_bytes()).is_some());
    assert!((0..600).all(|index| page.get(index).value == [b'v'; 60]));
}
