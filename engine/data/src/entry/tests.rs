//! Entries against a naive model of one, through every change of representation.

use proptest::prelude::*;

mod collections;

use super::*;
use crate::value::Deadline;
use crate::value::NewValue;

/// An entry in plain words.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    key: Vec<u8>,
    value: Vec<u8>,
    encoding: Encoding,
    deadline: Option<u64>,
    lru: u32,
}

impl Model {
    fn new(key: &[u8], value: &Set, deadline: Option<u64>) -> Self {
        Model { key: key.to_vec(), value: value.bytes(), encoding: value.encoding(), deadline, lru: 0 }
    }

    fn of(entry: Entry<'_>) -> Self {
        Model {
            key: entry.key().to_vec(),
            value: entry.value().to_vec(),
            encoding: entry.encoding(),
            deadline: entry.deadline(),
            lru: entry.lru(),
        }
    }
}

#[derive(Clone, Debug)]
enum Set {
    Int(i64),
    Bytes(Vec<u8>),
    Raw(Vec<u8>),
}

impl Set {
    fn new_value(&self) -> NewValue<'_> {
        match self {
            Set::Int(number) => NewValue::Int(*number),
            Set::Bytes(bytes) => NewValue::Bytes(bytes),
            Set::Raw(bytes) => NewValue::Raw(bytes),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Set::Int(number) => number.to_string().into_bytes(),
            Set::Bytes(bytes) | Set::Raw(bytes) => bytes.clone(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Set::Int(_) => Encoding::Int,
            Set::Bytes(bytes) if bytes.len() <= EMBSTR_BYTES_MAX => Encoding::Embstr,
            Set::Bytes(_) | Set::Raw(_) => Encoding::Raw,
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Set(Set, Deadline),
    Append(Vec<u8>),
    WriteAt(usize, Vec<u8>),
    Rename(Vec<u8>, Option<u64>),
    Deadline(Option<u64>),
    Touch(u32),
    /// Goes on with a copy and drops the original, or keeps the copy while the original changes.
    Clone {
        keep: bool,
    },
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![4 => 0..80usize, 2 => 900..1200usize, 1 => 4000..5000usize];
    (length, any::<u8>()).prop_map(|(length, salt)| (0..length).map(|i| (i as u8).wrapping_mul(31) ^ salt).collect())
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![8 => 0..60usize, 2 => 200..300usize, 1 => 65_530..65_540usize];
    length.prop_map(|length| (0..length).map(|i| i as u8).collect())
}

fn sets() -> impl Strategy<Value = Set> {
    prop_oneof![any::<i64>().prop_map(Set::Int), bytes().prop_map(Set::Bytes), bytes().prop_map(Set::Raw)]
}

fn changes() -> impl Strategy<Value = Change> {
    let deadline = prop_oneof![Just(Deadline::Keep), Just(Deadline::Clear), any::<u64>().prop_map(Deadline::At)];
    prop_oneof![
        4 => (sets(), deadline).prop_map(|(set, deadline)| Change::Set(set, deadline)),
        4 => bytes().prop_map(Change::Append),
        3 => (0..3000usize, bytes()).prop_map(|(offset, bytes)| Change::WriteAt(offset, bytes)),
        2 => (keys(), any::<Option<u64>>()).prop_map(|(key, deadline)| Change::Rename(key, deadline)),
        2 => any::<Option<u64>>().prop_map(Change::Deadline),
        1 => any::<u32>().prop_map(Change::Touch),
        1 => any::<bool>().prop_map(|keep| Change::Clone { keep }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 256 }))]

    #[test]
    fn an_entry_is_what_was_written_to_it(
        key in keys(),
        first in sets(),
        deadline in any::<Option<u64>>(),
        changes in prop::collection::vec(changes(), 0..20),
    ) {
        let mut entry = OwnedEntry::new(&key, first.new_value(), deadline, 0);
        let mut model = Model::new(&key, &first, deadline);
        let mut copies = Vec::new();
        prop_assert_eq!(Model::of(entry.view()), model.clone());
        for change in changes {
            match change {
                Change::Set(set, deadline) => {
                    model = Model { lru: model.lru, ..Model::new(&model.key, &set, deadline.over(model.deadline)) };
                    let memory = entry.view().memory();
                    match set {
                        Set::Raw(bytes) => entry.set_bytes(bytes, model.deadline),
                        set if model.deadline.is_none() && entry.overwrite(&set.new_value()) => {
                            prop_assert_eq!(entry.view().memory(), memory);
                        }
                        set => entry.set_value(set.new_value(), model.deadline),
                    }
                }
                Change::Append(tail) => {
                    model.value.extend_from_slice(&tail);
                    model.encoding = Encoding::Raw;
                    prop_assert_eq!(entry.append(&tail), model.value.len());
                }
                Change::WriteAt(offset, bytes) => {
                    let end = offset + bytes.len();
                    model.value.resize(end.max(model.value.len()), 0);
                    model.value[offset..end].copy_from_slice(&bytes);
                    model.encoding = Encoding::Raw;
                    prop_assert_eq!(entry.write_at(offset, &bytes), model.value.len());
                }
                Change::Rename(new_key, deadline) => {
                    entry = entry.renamed(&new_key, deadline);
                    (model.key, model.deadline) = (new_key, deadline);
                }
                Change::Deadline(deadline) => {
                    model.deadline = deadline;
                    entry.set_deadline(deadline);
                }
                Change::Touch(lru) => {
                    model.lru = lru & LRU_MAX;
                    entry.view().touch(lru);
                }
                Change::Clone { keep } => {
                    let copy = entry.clone();
                    if keep {
                        copies.push((copy, model.clone()));
                    } else {
                        entry = copy;
                    }
                }
            }
            prop_assert_eq!(Model::of(entry.view()), model.clone());
            prop_assert_eq!(entry.view().value().len(), model.value.len());
            prop_assert!(entry.view().memory() >= 8 + model.key.len() + usize::from(model.deadline.is_some()) * 8);
        }
        // A copy is what the entry was when it was made, whatever happened to the entry.
        for (copy, model) in copies {
            prop_assert_eq!(Model::of(copy.view()), model);
        }
    }
}

#[test]
fn common_sizes_take_the_expected_blocks() {
    let size = |key: usize, value: usize, deadline| {
        OwnedEntry::new(&vec![b'k'; key], NewValue::Bytes(&vec![b'v'; value]), deadline, 0).view().memory()
    };
    assert_eq!(size(16, 16, None), 40);
    assert_eq!(size(16, 16, Some(1)), 48);
    assert_eq!(size(16, 64, None), 96);
    assert_eq!(OwnedEntry::new(b"counter", NewValue::Int(1), None, 0).view().memory(), 24);
    assert_eq!(size(16, INLINE_BYTES_MAX, None), 1280);
    assert_eq!(size(16, 2000, None), 32 + SHARED_OVERHEAD_BYTES + 2048);
}

#[test]
fn a_value_of_the_same_class_reuses_the_block() {
    let mut entry = OwnedEntry::new(b"0123456789abcdef", NewValue::Bytes(&[b'a'; 16]), None, 0);
    let block = entry.block;
    assert!(entry.overwrite(&NewValue::Bytes(&[b'b'; 9])) && !entry.overwrite(&NewValue::Bytes(&[b'b'; 40])));
    assert!(!entry.overwrite(&NewValue::Int(1)) && !entry.overwrite(&NewValue::Raw(b"b")));
    entry.append(b"1234567");
    entry.set_value(NewValue::Int(7), Some(5));
    assert_eq!(entry.block, block);
}

#[test]
fn a_shared_value_is_copied_when_it_is_written() {
    let mut entry = OwnedEntry::new(b"k", NewValue::Bytes(&[b'a'; 5000]), None, 0);
    let snapshot = entry.clone();
    assert!(std::ptr::eq(
        entry.view().shared_bytes(entry.view().shape()),
        snapshot.view().shared_bytes(snapshot.view().shape())
    ));
    entry.append(b"b");
    assert_eq!(snapshot.view().value().len(), 5000);
    assert_eq!(entry.view().value().len(), 5001);
    let mut renamed = snapshot.view().duplicate().0.renamed(b"another", None);
    assert!(std::ptr::eq(
        renamed.view().shared_bytes(renamed.view().shape()),
        snapshot.view().shared_bytes(snapshot.view().shape())
    ));
    renamed.write_at(1, b"b");
    assert_eq!(snapshot.view().value().to_vec(), [b'a'; 5000]);
}

#[test]
fn appending_bytes_one_by_one_reallocates_seldom() {
    let mut entry = OwnedEntry::new(b"k", NewValue::Bytes(b""), None, 0);
    let (mut sizes, mut memory) = (0, 0);
    for _ in 0..100_000 {
        entry.append(b"x");
        sizes += usize::from(entry.view().memory() != memory);
        memory = entry.view().memory();
    }
    assert!(sizes < 50, "{sizes} sizes on the way to 100,000 bytes");
}

#[test]
fn slots_keep_entry_and_fraction_apart() {
    let mut slot = Slot::new(OwnedEntry::new(b"k", NewValue::Int(1), None, 0), 0xFFFF);
    assert_eq!(slot.fraction(), 0xFFFF);
    assert_eq!(slot.entry().map(Entry::key), Some(&b"k"[..]));
    slot.update(|entry| entry.append(&[b'x'; 3000]));
    assert_eq!(slot.fraction(), 0xFFFF);
    let slot = slot.with_fraction(0);
    assert!(!slot.is_empty());
    assert_eq!(slot.entry().map(|entry| entry.value().len()), Some(3001));
    assert!(Slot::EMPTY.is_empty() && Slot::EMPTY.entry().is_none() && Slot::EMPTY.snapshot().is_none());
}
