//! The lists of hashes with deadlines of fields and of streams with records, against what the entries say.

use proptest::prelude::*;

use crate::dict::{Dict, Lookup};
use crate::hash_map::{Hash, HashLimits};
use crate::stream::{StreamBody, StreamId};
use crate::value::{Deadline, NewValue};
use crate::{Collection, HashSeed};

const SEED: HashSeed = HashSeed([1, 2]);

#[derive(Clone, Debug)]
enum Step {
    SetField(u8, u8, Option<u64>),
    RemoveField(u8, u8),
    RemoveDue(u64),
    Record(u8, u8, u64),
    ForgetDue(u64),
    SetString(u8),
    SetWhole(u8, Option<u64>),
    Remove(u8),
    Rename(u8, u8),
    Copy(u8, u8),
    Expire(u8, u64),
    Sweep(u64),
    Detach,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0u8..20;
    let deadline = || prop::option::weighted(0.7, 1u64..30);
    prop_oneof![
        10 => (key(), 0u8..12, deadline()).prop_map(|(k, f, d)| Step::SetField(k, f, d)),
        3 => (key(), 0u8..12).prop_map(|(k, f)| Step::RemoveField(k, f)),
        2 => (0u64..35).prop_map(Step::RemoveDue),
        4 => (key(), 0u8..4, 0u64..30).prop_map(|(k, p, ms)| Step::Record(k, p, ms)),
        2 => (0u64..35).prop_map(Step::ForgetDue),
        1 => key().prop_map(Step::SetString),
        1 => (key(), deadline()).prop_map(|(k, d)| Step::SetWhole(k, d)),
        2 => key().prop_map(Step::Remove),
        2 => (key(), key()).prop_map(|(a, b)| Step::Rename(a, b)),
        2 => (key(), key()).prop_map(|(a, b)| Step::Copy(a, b)),
        1 => (key(), 1u64..30).prop_map(|(k, d)| Step::Expire(k, d)),
        1 => (0u64..35).prop_map(Step::Sweep),
        1 => Just(Step::Detach),
    ]
}

fn limits() -> HashLimits {
    HashLimits { entries: 6, value_bytes: 64, seed: SEED }
}

fn apply(dict: &mut Dict, step: Step) {
    let at = |deadline: Option<u64>| deadline.map_or(Deadline::Clear, Deadline::At);
    let name = |key: u8| vec![b'k', key];
    match step {
        Step::SetField(key, field, deadline) => {
            let key = name(key);
            let set = |hash: &mut Hash| hash.set(&[b'f', field], b"v", at(deadline), &limits());
            match dict.lookup(SEED.hash(&key), &key) {
                Lookup::Occupied(mut found) if found.entry().view::<Hash>().is_some() => {
                    found.edit(set);
                }
                Lookup::Occupied(_) => {}
                Lookup::Vacant(free) => {
                    let mut hash = Hash::empty();
                    set(&mut hash);
                    free.insert_collection(hash, Deadline::Clear);
                }
            }
        }
        Step::RemoveField(key, field) => {
            let key = name(key);
            if let Lookup::Occupied(mut found) = dict.lookup(SEED.hash(&key), &key)
                && found.entry().view::<Hash>().is_some()
            {
                found.edit(|hash: &mut Hash| hash.remove(&[b'f', field]));
                if found.entry().view::<Hash>().is_some_and(|hash| hash.is_empty()) {
                    found.remove();
                }
            }
        }
        Step::RemoveDue(now) => {
            while let Some(key) = dict.due_hash(now).map(|entry| entry.key().to_vec()) {
                let Lookup::Occupied(mut found) = dict.lookup(SEED.hash(&key), &key) else { panic!("it is there") };
                let mut removed = 0;
                found.edit(|hash: &mut Hash| hash.remove_due(now, 2, &mut |_| removed += 1));
                assert!(removed > 0, "a hash that is due has something that is");
                if found.entry().view::<Hash>().is_some_and(|hash| hash.is_empty()) {
                    found.remove();
                }
            }
        }
        Step::Record(key, pid, ms) => {
            let key = name(key);
            let record =
                |stream: &mut StreamBody| stream.producers_mut().record(&[pid], b"iid", StreamId::new(ms, 0), 2);
            match dict.lookup(SEED.hash(&key), &key) {
                Lookup::Occupied(mut found) if found.entry().view::<StreamBody>().is_some() => found.edit(record),
                Lookup::Occupied(_) => {}
                Lookup::Vacant(free) => {
                    let mut stream = StreamBody::empty();
                    record(&mut stream);
                    free.insert_collection(stream, Deadline::Clear);
                }
            }
        }
        Step::ForgetDue(now) => {
            let now = now + 100_000;
            while let Some(key) = dict.due_stream(now).map(|entry| entry.key().to_vec()) {
                let Lookup::Occupied(mut found) = dict.lookup(SEED.hash(&key), &key) else { panic!("it is there") };
                let gone = found.edit(|stream: &mut StreamBody| stream.forget_due(now, 2));
                assert!(gone > 0, "a stream that is due has something that is");
            }
        }
        Step::SetString(key) => {
            dict.set(SEED.hash(&name(key)), &name(key), NewValue::Int(1), Deadline::Clear);
        }
        Step::SetWhole(key, deadline) => {
            let key = name(key);
            let mut hash = Hash::empty();
            hash.set(b"only", b"v", at(deadline), &limits());
            match dict.lookup(SEED.hash(&key), &key) {
                Lookup::Occupied(mut found) => found.set_collection(hash, Deadline::Keep),
                Lookup::Vacant(free) => {
                    free.insert_collection(hash, Deadline::Clear);
                }
            }
        }
        Step::Remove(key) => {
            dict.remove(SEED.hash(&name(key)), &name(key));
        }
        Step::Rename(from, to) => {
            let (from, to) = (name(from), name(to));
            let Lookup::Occupied(found) = dict.lookup(SEED.hash(&from), &from) else { return };
            let deadline = found.deadline();
            let taken = found.detach();
            dict.remove(SEED.hash(&to), &to);
            let Lookup::Vacant(free) = dict.lookup(SEED.hash(&to), &to) else { panic!("it was removed") };
            free.insert_detached(taken, deadline);
        }
        Step::Copy(from, to) if from != to => {
            let (from, to) = (name(from), name(to));
            let Some(copy) = dict.get(SEED.hash(&from), &from).map(|entry| entry.duplicate()) else { return };
            dict.remove(SEED.hash(&to), &to);
            let Lookup::Vacant(free) = dict.lookup(SEED.hash(&to), &to) else { panic!("it was removed") };
            free.insert_detached(copy, None);
        }
        Step::Copy(..) => {}
        Step::Expire(key, deadline) => {
            if let Lookup::Occupied(mut found) = dict.lookup(SEED.hash(&name(key)), &name(key)) {
                found.set_deadline(Some(deadline));
            }
        }
        Step::Sweep(now) => {
            dict.sweep_expired(now, 1000, &mut |_| {});
        }
        Step::Detach => drop(dict.detach()),
    }
}

proptest! {
    #[test]
    fn the_list_is_what_the_entries_say(steps in prop::collection::vec(step(), 1..150)) {
        let mut dict = Dict::new(SEED);
        for step in steps {
            apply(&mut dict, step);
            dict.check_inner_deadlines();
        }
        apply(&mut dict, Step::RemoveDue(u64::MAX));
        apply(&mut dict, Step::ForgetDue(1 << 40));
        prop_assert_eq!((dict.hashes_with_deadlines(), dict.streams_with_records()), (0, 0));
    }
}
