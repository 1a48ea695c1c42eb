//! Who subscribes to one channel or pattern, in the order of subscription.
//!
//! Each subscription has a place, a number that only grows. Leaving finds the place and marks it empty; the list is compacted
//! once more than half of it is empty. So joining and leaving are cheap however many subscribers there are, and messages go
//! out in the same order to all.

use crate::session::SessionId;

/// Subscribers of one name.
#[derive(Debug, Default)]
pub struct Subscribers {
    /// By place.
    list: Vec<(u64, Option<SessionId>)>,
    present: usize,
}

impl Subscribers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.present
    }

    /// True when all have left.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Bytes of its own block.
    pub fn memory(&self) -> usize {
        self.list.capacity() * size_of::<(u64, Option<SessionId>)>()
    }

    /// Adds one at the end. `place` must be greater than any before.
    pub fn join(&mut self, place: u64, who: SessionId) {
        assert!(self.list.last().is_none_or(|(last, _)| *last < place), "places only grow");
        self.list.push((place, Some(who)));
        self.present += 1;
    }

    /// Removes the one at that place.
    pub fn leave(&mut self, place: u64) {
        let at = self.list.binary_search_by_key(&place, |(place, _)| *place);
        let at = at.expect("whoever leaves a place has joined at it");
        assert!(self.list[at].1.take().is_some(), "a place is left once");
        self.present -= 1;
        if self.present * 2 < self.list.len() {
            self.list.retain(|(_, who)| who.is_some());
            self.list.shrink_to(self.present * 2);
        }
    }

    /// All of them, in the order in which they joined.
    pub fn iter(&self) -> impl Iterator<Item = SessionId> {
        self.list.iter().filter_map(|(_, who)| *who)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Subscribers;
    use crate::session::SessionId;

    proptest! {
        #[test]
        fn agrees_with_a_list(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200)) {
            let mut subscribers = Subscribers::default();
            let mut model: Vec<(u64, SessionId)> = Vec::new();
            for (place, (joins, which)) in (0u64..).zip(steps) {
                if joins || model.is_empty() {
                    let who = SessionId { slot: which.index(50) as u32, generation: 0 };
                    subscribers.join(place, who);
                    model.push((place, who));
                } else {
                    subscribers.leave(model.remove(which.index(model.len())).0);
                }
                prop_assert_eq!(subscribers.len(), model.len());
                prop_assert!(subscribers.iter().eq(model.iter().map(|(_, who)| *who)));
                prop_assert!(subscribers.list.len() <= 2 * model.len().max(1), "empty places are given up");
            }
        }
    }
}
