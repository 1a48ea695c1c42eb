//! Names that clients have brought up (channels, tracked keys), each with a value, found by a hash that is already known.
//!
//! Ordered by the keyed hash: finding compares numbers and then one name, growing never moves everything at once, and a random
//! hash picks a random name. Names that share a hash form a chain. The order depends on the seed and must never be shown:
//! whoever lists names sorts them.

use std::collections::BTreeMap;
use std::rc::Rc;

use refrain_data::KeyHash;

/// A map from names to values.
#[derive(Debug)]
pub struct Names<V> {
    by_hash: BTreeMap<u64, Named<V>>,
    len: usize,
    name_bytes: usize,
}

/// One name; the next of the same hash follows.
#[derive(Debug)]
struct Named<V> {
    name: Rc<[u8]>,
    value: V,
    next: Option<Box<Named<V>>>,
}

impl<V> Default for Names<V> {
    fn default() -> Names<V> {
        Names { by_hash: BTreeMap::new(), len: 0, name_bytes: 0 }
    }
}

impl<V> Names<V> {
    /// How many names there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that names and map take, values' own blocks apart.
    pub fn memory(&self) -> usize {
        // A node of the tree is two thirds full on average; the name has its two counts.
        self.len * (size_of::<(u64, Named<V>)>() * 3 / 2 + 16) + self.name_bytes
    }

    /// The value of a name.
    #[inline]
    pub fn get(&self, hash: KeyHash, name: &[u8]) -> Option<&V> {
        let mut named = self.by_hash.get(&hash.0)?;
        while *named.name != *name {
            named = named.next.as_deref()?;
        }
        Some(&named.value)
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, hash: KeyHash, name: &[u8]) -> Option<&mut V> {
        let mut named = self.by_hash.get_mut(&hash.0)?;
        while *named.name != *name {
            named = named.next.as_deref_mut()?;
        }
        Some(&mut named.value)
    }

    /// The value of a name, which is entered if it is not there, and the name as it is kept.
    pub fn enter(&mut self, hash: KeyHash, name: &[u8]) -> (&Rc<[u8]>, &mut V)
    where
        V: Default,
    {
        let (len, name_bytes) = (&mut self.len, &mut self.name_bytes);
        let mut new = || {
            *len += 1;
            *name_bytes += name.len();
            Named { name: name.into(), value: V::default(), next: None }
        };
        let mut named = self.by_hash.entry(hash.0).or_insert_with(&mut new);
        while *named.name != *name {
            named = named.next.get_or_insert_with(|| Box::new(new()));
        }
        (&named.name, &mut named.value)
    }

    /// Removes a name.
    pub fn remove(&mut self, hash: KeyHash, name: &[u8]) -> Option<V> {
        let first = self.by_hash.get_mut(&hash.0)?;
        let removed = if *first.name == *name {
            match first.next.take() {
                Some(next) => std::mem::replace(first, *next),
                None => self.by_hash.remove(&hash.0)?,
            }
        } else {
            let mut before = first;
            while before.next.as_ref().is_some_and(|next| *next.name != *name) {
                before = before.next.as_deref_mut()?;
            }
            let mut removed = before.next.take()?;
            before.next = removed.next.take();
            *removed
        };
        self.len -= 1;
        self.name_bytes -= name.len();
        Some(removed.value)
    }

    /// The name whose hash is `at`, or the next one; from the end it goes on at the beginning.
    pub fn pick(&self, at: u64) -> Option<(KeyHash, &Rc<[u8]>)> {
        let (hash, named) = self.by_hash.range(at..).chain(self.by_hash.iter()).next()?;
        Some((KeyHash(*hash), &named.name))
    }

    /// All names and values, in an order that must not be shown.
    pub fn iter(&self) -> impl Iterator<Item = (&Rc<[u8]>, &V)> {
        let chain = |first| std::iter::successors(Some(first), |named: &&Named<V>| named.next.as_deref());
        self.by_hash.values().flat_map(chain).map(|named| (&named.name, &named.value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use refrain_data::KeyHash;

    use super::Names;

    proptest! {
        /// With hashes so poor that names meet in chains all the time.
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0u8..12, 0u8..3, any::<u32>()), 1..200)) {
            let mut names: Names<u32> = Names::default();
            let mut model: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for (name, what, value) in steps {
                let hash = KeyHash(u64::from(name % 3));
                let name = vec![name; usize::from(name)];
                match what {
                    0 => {
                        *names.enter(hash, &name).1 = value;
                        model.insert(name.clone(), value);
                    }
                    1 => prop_assert_eq!(names.remove(hash, &name), model.remove(&name)),
                    _ => prop_assert_eq!(names.get_mut(hash, &name).copied(), model.get(&name).copied()),
                }
                prop_assert_eq!(names.get(hash, &name), model.get(&name));
                prop_assert_eq!(names.len(), model.len());
                prop_assert_eq!(names.is_empty(), model.is_empty());
                prop_assert_eq!(names.name_bytes, model.keys().map(Vec::len).sum::<usize>());
                let mut listed: Vec<(Vec<u8>, u32)> = names.iter().map(|(n, v)| (n.to_vec(), *v)).collect();
                listed.sort_unstable();
                prop_assert_eq!(listed, model.clone().into_iter().collect::<Vec<_>>());
                let picked = names.pick(u64::from(value) % 4).map(|(h, n)| (h, n.to_vec()));
                prop_assert_eq!(picked.is_none(), model.is_empty());
                if let Some((hash, name)) = picked {
                    prop_assert_eq!(names.get(hash, &name), model.get(&name));
                }
            }
        }
    }
}
