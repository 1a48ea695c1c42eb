//! Patterns and who subscribes to them, found by the literal text that they begin with: a message is matched only against
//! patterns whose beginning its channel has.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::subscribers::Subscribers;
use crate::glob;
use crate::prefixes::Prefixes;

/// All patterns with subscribers.
#[derive(Debug, Default)]
pub struct Patterns {
    by_beginning: Prefixes<BTreeMap<Rc<[u8]>, Subscribers>>,
    len: usize,
    name_bytes: usize,
}

/// The text before the first character that has a meaning in patterns.
fn beginning(pattern: &[u8]) -> &[u8] {
    let end = pattern.iter().position(|byte| b"*?[\\".contains(byte));
    &pattern[..end.unwrap_or(pattern.len())]
}

impl Patterns {
    /// How many different patterns there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that they take.
    pub fn memory(&self) -> usize {
        let each = size_of::<(Rc<[u8]>, Subscribers)>() * 3 / 2 + 16;
        self.by_beginning.memory() + self.len * each + self.name_bytes
    }

    /// The subscribers of a pattern, which is entered if it is not there, and the pattern as it is kept.
    pub fn enter(&mut self, pattern: &[u8]) -> (Rc<[u8]>, &mut Subscribers) {
        let alike = self.by_beginning.enter(beginning(pattern));
        let name = match alike.get_key_value(pattern) {
            Some((name, _)) => name.clone(),
            None => {
                self.len += 1;
                self.name_bytes += pattern.len();
                Rc::from(pattern)
            }
        };
        (name.clone(), alike.entry(name).or_default())
    }

    /// The subscribers of a pattern.
    pub fn get_mut(&mut self, pattern: &[u8]) -> Option<&mut Subscribers> {
        self.by_beginning.get_mut(beginning(pattern))?.get_mut(pattern)
    }

    /// Removes a pattern.
    pub fn remove(&mut self, pattern: &[u8]) {
        let Some(alike) = self.by_beginning.get_mut(beginning(pattern)) else { return };
        if alike.remove(pattern).is_some() {
            self.len -= 1;
            self.name_bytes -= pattern.len();
        }
        if alike.is_empty() {
            self.by_beginning.remove(beginning(pattern));
        }
    }

    /// The patterns that a channel matches, in an order that depends on them alone.
    pub fn matching<'a>(&'a self, channel: &'a [u8]) -> impl Iterator<Item = (&'a Rc<[u8]>, &'a Subscribers)> {
        self.by_beginning.of(channel).flatten().filter(|(pattern, _)| glob::matches(pattern, channel))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Patterns;
    use crate::glob;

    proptest! {
        #[test]
        fn finds_what_a_look_at_every_pattern_finds(
            steps in prop::collection::vec((r"[ab*?\[\]\\^-]{0,6}", any::<bool>()), 1..60),
            channels in prop::collection::vec(r"[ab\[\\*]{0,6}", 1..10),
        ) {
            let mut patterns = Patterns::default();
            let mut model: BTreeSet<Vec<u8>> = BTreeSet::new();
            for (pattern, enters) in steps {
                let pattern = pattern.into_bytes();
                if enters {
                    patterns.enter(&pattern);
                    model.insert(pattern);
                } else {
                    patterns.remove(&pattern);
                    model.remove(&pattern);
                }
                prop_assert_eq!(patterns.len(), model.len());
                prop_assert_eq!(patterns.name_bytes, model.iter().map(Vec::len).sum::<usize>());
                prop_assert_eq!(patterns.by_beginning.is_empty(), model.is_empty());
            }
            for channel in &channels {
                let found: BTreeSet<Vec<u8>> =
                    patterns.matching(channel.as_bytes()).map(|(pattern, _)| pattern.to_vec()).collect();
                let expected: BTreeSet<Vec<u8>> =
                    model.iter().filter(|p| glob::matches(p, channel.as_bytes())).cloned().collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
