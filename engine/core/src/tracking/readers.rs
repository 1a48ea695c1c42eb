//! Who has read a key since it was last changed.
//!
//! Most keys are read by one client, so one takes no block of its own. Clients that are gone are not looked for when they go:
//! they are dropped when the list would otherwise grow, so it never holds more than twice as many as are there.

use crate::session::SessionId;

/// Readers of one key.
#[derive(Debug, Default)]
pub struct Readers(Few);

#[derive(Debug, Default)]
enum Few {
    #[default]
    None,
    One(SessionId),
    /// In order.
    Several(Vec<SessionId>),
}

impl Readers {
    /// How many there are, some of whom may be gone.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// All of them, in order.
    pub fn as_slice(&self) -> &[SessionId] {
        match &self.0 {
            Few::None => &[],
            Few::One(who) => std::slice::from_ref(who),
            Few::Several(all) => all,
        }
    }

    /// Bytes of its own block.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Few::None | Few::One(_) => 0,
            Few::Several(all) => all.capacity() * size_of::<SessionId>(),
        }
    }

    /// Adds one who may be there already. `is_there` tells who has not gone; it is asked only before the list grows.
    pub fn add(&mut self, who: SessionId, is_there: impl Fn(SessionId) -> bool) {
        match &mut self.0 {
            Few::None => self.0 = Few::One(who),
            Few::One(first) if *first == who => {}
            Few::One(first) if !is_there(*first) => *first = who,
            Few::One(first) => self.0 = Few::Several(vec![who.min(*first), who.max(*first)]),
            Few::Several(all) => {
                let Err(mut at) = all.binary_search(&who) else { return };
                if all.len() == all.capacity() {
                    all.retain(|other| is_there(*other));
                    at = all.partition_point(|other| *other < who);
                }
                all.insert(at, who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Readers;
    use crate::session::SessionId;

    proptest! {
        #[test]
        fn holds_everybody_who_is_there_once(steps in prop::collection::vec((0u32..40, any::<bool>()), 1..200)) {
            let mut readers = Readers::default();
            let mut there: BTreeSet<SessionId> = BTreeSet::new();
            for (slot, comes) in steps {
                let who = SessionId { slot, generation: 0 };
                if comes {
                    there.insert(who);
                    readers.add(who, |other| there.contains(&other));
                } else {
                    there.remove(&who);
                }
                let listed = readers.as_slice();
                prop_assert!(listed.is_sorted_by(|a, b| a < b));
                prop_assert!(there.iter().all(|who| listed.contains(who)));
                prop_assert_eq!(readers.len(), listed.len());
            }
        }
    }

    #[test]
    fn a_popular_key_does_not_collect_those_who_have_gone() {
        let mut readers = Readers::default();
        for slot in 0..100_000 {
            let who = SessionId { slot, generation: 0 };
            readers.add(who, |other| other.slot + 10 > slot);
            assert!(readers.len() <= 32, "of {slot}, ten are there at a time");
        }
    }
}
