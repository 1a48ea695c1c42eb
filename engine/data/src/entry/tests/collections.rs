//! Packed collections in entries against a naive model, through every size at which their representation changes.

use super::*;
use crate::collection::Body;
use crate::value::NewValue;

/// A collection of bytes in one of two forms.
#[derive(Clone, Debug, PartialEq)]
struct Bag {
    bytes: Vec<u8>,
    alternate: bool,
}

impl Collection for Bag {
    const KIND: Kind = Kind::Hash;
    type View<'a> = (&'a [u8], bool);

    fn empty() -> Self {
        Bag { bytes: Vec::new(), alternate: false }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn from_body(body: Body) -> Self {
        match body {
            Body::Packed(bytes) => Bag { bytes, alternate: false },
            Body::Alternate(bytes) => Bag { bytes, alternate: true },
            Body::Large(_) => unreachable!("bags are small"),
        }
    }

    fn into_body(self) -> Body {
        if self.alternate { Body::Alternate(self.bytes) } else { Body::Packed(self.bytes) }
    }

    fn view(body: BodyRef<'_>) -> Self::View<'_> {
        match body {
            BodyRef::Packed(bytes) => (bytes, false),
            BodyRef::Alternate(bytes) => (bytes, true),
            BodyRef::Large(_) => unreachable!("bags are small"),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Grow(Vec<u8>),
    Shrink(usize),
    Turn,
    Replace(Bag),
    Deadline(Option<u64>),
    Rename(Vec<u8>),
    Clone { keep: bool },
    Panic,
}

fn bags() -> impl Strategy<Value = Bag> {
    (bytes(), any::<bool>()).prop_map(|(bytes, alternate)| Bag { bytes, alternate })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => bytes().prop_map(Step::Grow),
        4 => (0..3000usize).prop_map(Step::Shrink),
        1 => Just(Step::Turn),
        2 => bags().prop_map(Step::Replace),
        1 => any::<Option<u64>>().prop_map(Step::Deadline),
        1 => keys().prop_map(Step::Rename),
        2 => any::<bool>().prop_map(|keep| Step::Clone { keep }),
        1 => Just(Step::Panic),
    ]
}

fn is(entry: Entry<'_>, key: &[u8], bag: &Bag, deadline: Option<u64>) -> bool {
    let encoding = if bag.alternate { Encoding::ListPackEx } else { Encoding::ListPack };
    entry.key() == key
        && entry.view::<Bag>() == Some((&bag.bytes[..], bag.alternate))
        && (entry.kind(), entry.encoding(), entry.deadline()) == (Kind::Hash, encoding, deadline)
        && entry.lru() == 77
        && entry.memory() >= 8 + key.len() + bag.bytes.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 256 }))]

    #[test]
    fn a_collection_is_what_its_editors_made_of_it(
        key in keys(),
        first in bags(),
        deadline in any::<Option<u64>>(),
        steps in prop::collection::vec(steps(), 0..20),
    ) {
        let (mut key, mut model, mut deadline) = (key, first.clone(), deadline);
        let mut entry = OwnedEntry::new_collection(&key, Kind::Hash, first.into_body(), deadline, 77);
        let mut scratch = Vec::new();
        let mut copies = Vec::new();
        for step in steps {
            match step {
                Step::Grow(tail) => {
                    model.bytes.extend_from_slice(&tail);
                    let len = entry.edit(&mut scratch, |bag: &mut Bag| {
                        bag.bytes.extend_from_slice(&tail);
                        bag.bytes.len()
                    });
                    prop_assert_eq!(len, model.bytes.len());
                }
                Step::Shrink(len) => {
                    model.bytes.truncate(len);
                    entry.edit(&mut scratch, |bag: &mut Bag| bag.bytes.truncate(len));
                }
                Step::Turn => {
                    model.alternate ^= true;
                    entry.edit(&mut scratch, |bag: &mut Bag| bag.alternate ^= true);
                }
                Step::Replace(bag) => {
                    model = bag.clone();
                    // What is there may be a string meanwhile.
                    entry.set_value(NewValue::Bytes(b"a string"), deadline);
                    prop_assert!(entry.view().view::<Bag>().is_none());
                    entry.set_collection(bag, deadline);
                }
                Step::Deadline(new) => {
                    deadline = new;
                    entry.set_deadline(new);
                }
                Step::Rename(new) => {
                    entry = entry.renamed(&new, deadline);
                    key = new;
                }
                Step::Clone { keep } => {
                    let copy = entry.clone();
                    if keep {
                        copies.push((copy, key.clone(), model.clone(), deadline));
                    } else {
                        entry = copy;
                    }
                }
                Step::Panic => {
                    let broken = &mut entry.clone();
                    let run = std::panic::AssertUnwindSafe(|| broken.edit(&mut Vec::new(), |_: &mut Bag| panic!("in an editor")));
                    let hook = std::panic::take_hook();
                    std::panic::set_hook(Box::new(|_| {}));
                    prop_assert!(std::panic::catch_unwind(run).is_err());
                    std::panic::set_hook(hook);
                    prop_assert_eq!(broken.view().key(), &key[..]);
                }
            }
            prop_assert!(is(entry.view(), &key, &model, deadline));
        }
        for (copy, key, model, deadline) in copies {
            prop_assert!(is(copy.view(), &key, &model, deadline));
        }
    }
}

#[test]
fn a_short_collection_lies_beside_its_key() {
    let bag = |len| Bag { bytes: vec![b'x'; len], alternate: false };
    assert_eq!(
        OwnedEntry::new_collection(b"0123456789abcdef", Kind::Hash, bag(40).into_body(), None, 0).view().memory(),
        64
    );
    let mut entry = OwnedEntry::new_collection(b"k", Kind::Hash, bag(INLINE_BYTES_MAX).into_body(), None, 0);
    let inline = entry.view().memory();
    entry.edit(&mut Vec::new(), |bag: &mut Bag| bag.bytes.push(b'x'));
    assert!(entry.view().memory() > inline, "a longer one has a buffer of its own");
}
