//! A map by prefix, asked for all prefixes of a name: patterns by what they begin with, invalidations by what clients want to
//! hear of.
//!
//! A question costs one lookup for each *length* of which there is a prefix, not one for each prefix.

use std::collections::BTreeMap;

/// A map from prefixes to values.
#[derive(Debug)]
pub struct Prefixes<V> {
    by_prefix: BTreeMap<Box<[u8]>, V>,
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, usize>,
    bytes: usize,
}

impl<V> Default for Prefixes<V> {
    fn default() -> Prefixes<V> {
        Prefixes { by_prefix: BTreeMap::new(), lengths: BTreeMap::new(), bytes: 0 }
    }
}

impl<V> Prefixes<V> {
    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.by_prefix.len()
    }

    /// True when there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// Bytes that prefixes and map take, values' own blocks apart.
    pub fn memory(&self) -> usize {
        self.by_prefix.len() * size_of::<(Box<[u8]>, V)>() * 3 / 2 + self.bytes
    }

    /// The value of a prefix, to change it.
    pub fn get_mut(&mut self, prefix: &[u8]) -> Option<&mut V> {
        self.by_prefix.get_mut(prefix)
    }

    /// The value of a prefix, which is entered if it is not there.
    pub fn enter(&mut self, prefix: &[u8]) -> &mut V
    where
        V: Default,
    {
        if !self.by_prefix.contains_key(prefix) {
            self.by_prefix.insert(prefix.into(), V::default());
            *self.lengths.entry(prefix.len()).or_default() += 1;
            self.bytes += prefix.len();
        }
        self.by_prefix.get_mut(prefix).expect("it was there or has just been entered")
    }

    /// Removes a prefix.
    pub fn remove(&mut self, prefix: &[u8]) -> Option<V> {
        let removed = self.by_prefix.remove(prefix)?;
        let count = self.lengths.get_mut(&prefix.len()).expect("the length of every prefix is counted");
        *count -= 1;
        if *count == 0 {
            self.lengths.remove(&prefix.len());
        }
        self.bytes -= prefix.len();
        Some(removed)
    }

    /// The values of all prefixes of a name, the shortest first.
    pub fn of<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a V> {
        self.lengths.range(..=name.len()).filter_map(|(length, _)| self.by_prefix.get(&name[..*length]))
    }

    /// Calls `change` with the value of every prefix of a name, and the prefix.
    pub fn change(&mut self, name: &[u8], mut change: impl FnMut(&[u8], &mut V)) {
        for (length, _) in self.lengths.range(..=name.len()) {
            let prefix = &name[..*length];
            if let Some(value) = self.by_prefix.get_mut(prefix) {
                change(prefix, value);
            }
        }
    }

    /// All prefixes with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.by_prefix.iter().map(|(prefix, value)| (&**prefix, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Prefixes;

    proptest! {
        #[test]
        fn agrees_with_a_look_at_every_prefix(steps in prop::collection::vec(("[ab]{0,4}", 0u8..3, any::<u8>()), 1..100)) {
            let mut prefixes: Prefixes<u8> = Prefixes::default();
            let mut model: BTreeMap<Vec<u8>, u8> = BTreeMap::new();
            for (text, what, value) in steps {
                let text = text.into_bytes();
                match what {
                    0 => {
                        *prefixes.enter(&text) = value;
                        model.insert(text.clone(), value);
                    }
                    1 => prop_assert_eq!(prefixes.remove(&text), model.remove(&text)),
                    _ => {
                        prefixes.change(&text, |_, v| *v = value);
                        model.iter_mut().filter(|(p, _)| text.starts_with(p)).for_each(|(_, v)| *v = value);
                    }
                }
                let mut expected: Vec<(usize, u8)> =
                    model.iter().filter(|(p, _)| text.starts_with(p)).map(|(p, v)| (p.len(), *v)).collect();
                expected.sort_unstable();
                let expected: Vec<u8> = expected.into_iter().map(|(_, v)| v).collect();
                prop_assert_eq!(prefixes.of(&text).copied().collect::<Vec<_>>(), expected);
                prop_assert_eq!(prefixes.len(), model.len());
                prop_assert_eq!(prefixes.bytes, model.keys().map(Vec::len).sum::<usize>());
            }
        }
    }
}
