//! A dictionary beside the map that it must agree with.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

/// Value and deadline.
pub(super) type Content = (Vec<u8>, Option<u64>);

/// Keys of a pool whose members lie close together in the order of the hash here and there.
pub(super) const POOL: usize = 6000;

/// The pool: a third of its keys anywhere, a third in one 64th of the hash, a third in one 512th.
pub(super) fn pool() -> &'static [Vec<u8>] {
    static KEYS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let within = |bits: u32| {
            let all = (0u32..).map(move |number| format!("{bits}:{number}").into_bytes());
            all.filter(move |key| SEED.hash(key).0 >> (64 - bits) == 0b1011 << (bits - 4)).take(POOL / 3)
        };
        (0..POOL / 3).map(|number| format!("key:{number}").into_bytes()).chain(within(6)).chain(within(9)).collect()
    })
}

pub(super) struct World {
    pub(super) dict: Dict,
    pub(super) model: BTreeMap<Vec<u8>, Content>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Set {
        key: usize,
        value: u64,
        deadline: Deadline,
    },
    Long {
        key: usize,
        bytes: usize,
    },
    Append {
        key: usize,
        bytes: usize,
    },
    WriteAt {
        key: usize,
        offset: usize,
    },
    /// Takes an entry out and puts its value under another key, over what is there; or a copy of it.
    Rename {
        from: usize,
        to: usize,
        copy: bool,
    },
    Deadline {
        key: usize,
        deadline: Option<u64>,
    },
    Remove {
        key: usize,
    },
    /// Sets keys in a row of the pool, so that segments grow and split.
    Fill {
        from: usize,
        keys: usize,
        deadline: Option<u64>,
    },
    /// Removes keys in a row, so that segments shrink and merge.
    Drain {
        from: usize,
        keys: usize,
    },
}

pub(super) fn changes() -> impl Strategy<Value = Change> {
    let key = 0..POOL;
    // Deadlines are few, so that sweeps at times in between find some and leave some.
    let instant = 0..1000u64;
    let deadline = prop_oneof![Just(Deadline::Keep), Just(Deadline::Clear), instant.clone().prop_map(Deadline::At)];
    let some = prop::option::of(instant);
    prop_oneof![
        4 => (key.clone(), any::<u64>(), deadline).prop_map(|(key, value, deadline)| Change::Set { key, value, deadline }),
        1 => (key.clone(), 1000..1100usize).prop_map(|(key, bytes)| Change::Long { key, bytes }),
        2 => (key.clone(), 0..600usize).prop_map(|(key, bytes)| Change::Append { key, bytes }),
        1 => (key.clone(), 0..1500usize).prop_map(|(key, offset)| Change::WriteAt { key, offset }),
        2 => (key.clone(), key.clone(), any::<bool>()).prop_map(|(from, to, copy)| Change::Rename { from, to, copy }),
        2 => (key.clone(), some.clone()).prop_map(|(key, deadline)| Change::Deadline { key, deadline }),
        2 => key.clone().prop_map(|key| Change::Remove { key }),
        3 => (key.clone(), 0..3000usize, some).prop_map(|(from, keys, deadline)| Change::Fill { from, keys, deadline }),
        3 => (key, 0..4000usize).prop_map(|(from, keys)| Change::Drain { from, keys }),
    ]
}

impl World {
    pub(super) fn new() -> Self {
        World { dict: Dict::new(SEED), model: BTreeMap::new() }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::Set { key, value, deadline } => self.set(key, &value.to_le_bytes(), deadline),
            Change::Long { key, bytes } => self.set(key, &vec![b'l'; bytes], Deadline::Keep),
            Change::Append { key, bytes } => self.append(key, &vec![b'a'; bytes]),
            Change::Deadline { key, deadline } => {
                let key = &pool()[key];
                let Lookup::Occupied(mut entry) = self.dict.lookup(SEED.hash(key), key) else { return };
                entry.set_deadline(deadline);
                self.model.get_mut(key).expect("what is stored is in the model").1 = deadline;
            }
            Change::WriteAt { key, offset } => {
                let key = &pool()[key];
                let Lookup::Occupied(mut entry) = self.dict.lookup(SEED.hash(key), key) else { return };
                let len = entry.write_at(offset, b"w");
                let value = &mut self.model.get_mut(key).expect("what is stored is in the model").0;
                value.resize(value.len().max(offset + 1), 0);
                value[offset] = b'w';
                assert_eq!(len, value.len());
            }
            Change::Rename { from, to, copy } => self.rename(from, to, copy),
            Change::Remove { key } => self.remove(key),
            Change::Fill { from, keys, deadline } => {
                for key in from..(from + keys).min(POOL) {
                    self.set(key, &key.to_le_bytes(), deadline.map_or(Deadline::Clear, Deadline::At));
                }
            }
            Change::Drain { from, keys } => (from..(from + keys).min(POOL)).for_each(|key| self.remove(key)),
        }
    }

    fn set(&mut self, key: usize, value: &[u8], deadline: Deadline) {
        let key = &pool()[key];
        let old = self.model.get(key).and_then(|content| content.1);
        let new = self.dict.set(SEED.hash(key), key, NewValue::Bytes(value), deadline);
        let before = self.model.insert(key.clone(), (value.to_vec(), deadline.over(old)));
        assert_eq!(new, before.is_none());
    }

    fn append(&mut self, key: usize, tail: &[u8]) {
        let key = &pool()[key];
        match self.dict.lookup(SEED.hash(key), key) {
            Lookup::Occupied(mut entry) => {
                let len = entry.append(tail);
                let value = &mut self.model.get_mut(key).expect("what is stored is in the model").0;
                value.extend_from_slice(tail);
                assert_eq!(len, value.len());
            }
            Lookup::Vacant(vacant) => {
                let inserted = vacant.insert(NewValue::Raw(tail), Deadline::Keep);
                assert_eq!(inserted.entry().key(), key);
                self.model.insert(key.clone(), (tail.to_vec(), None));
            }
        }
    }

    fn rename(&mut self, from: usize, to: usize, copy: bool) {
        if from == to {
            return;
        }
        let (from, to) = (&pool()[from], &pool()[to]);
        let Lookup::Occupied(source) = self.dict.lookup(SEED.hash(from), from) else { return };
        let entry = if copy { source.entry().duplicate() } else { source.detach() };
        let deadline = entry.entry().deadline();
        self.dict.remove(SEED.hash(to), to);
        let Lookup::Vacant(free) = self.dict.lookup(SEED.hash(to), to) else { panic!("it was removed") };
        assert_eq!(free.stamped(7).insert_detached(entry, deadline).entry().lru(), 7);
        let content = match copy {
            true => self.model.get(from).cloned(),
            false => self.model.remove(from),
        };
        self.model.insert(to.clone(), content.expect("what is stored is in the model"));
    }

    fn remove(&mut self, key: usize) {
        let key = &pool()[key];
        assert_eq!(self.dict.remove(SEED.hash(key), key), self.model.remove(key).is_some());
    }

    /// Asserts that dictionary and model agree about every key of the pool.
    pub(super) fn check(&self) {
        self.dict.check();
        for key in pool() {
            let found = self.dict.get(SEED.hash(key), key).map(content);
            assert_eq!(found.as_ref(), self.model.get(key));
        }
    }
}

pub(super) fn content(entry: Entry<'_>) -> Content {
    (entry.value().to_vec(), entry.deadline())
}

/// All keys, in the order in which a scan meets them.
fn order(dict: &Dict) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    assert_eq!(dict.scan(0, usize::MAX, &mut |entry| keys.push(entry.key().to_vec())), 0);
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_dictionary_is_a_map(script in prop::collection::vec(changes(), 1..40)) {
        let mut world = World::new();
        for change in &script {
            world.apply(change);
            world.dict.check();
        }
        world.check();
        for key in pool() {
            world.dict.remove(SEED.hash(key), key);
        }
        prop_assert_eq!(world.dict.memory(), 0, "an empty dictionary holds nothing");
    }

    #[test]
    fn the_same_operations_give_the_same_order_and_memory(script in prop::collection::vec(changes(), 1..20)) {
        let (mut one, mut other) = (World::new(), World::new());
        script.iter().for_each(|change| one.apply(change));
        script.iter().for_each(|change| other.apply(change));
        prop_assert_eq!(one.dict.memory(), other.dict.memory());
        prop_assert_eq!(order(&one.dict), order(&other.dict));
        for entropy in 0..20 {
            prop_assert_eq!(one.dict.random(entropy).map(Entry::key), other.dict.random(entropy).map(Entry::key));
        }
    }
}
