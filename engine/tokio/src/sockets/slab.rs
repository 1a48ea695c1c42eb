//! Slots with generations: a [`Token`] names one tenant of a slot, never the next one.
//!
//! Slots are dense and reused, last freed first, so that tables indexed by slot stay small. A token from a closed socket
//! finds nothing. (A generation comes round again after four billion tenants of one slot, far beyond what a token waits.)

use refrain_runtime::Token;

/// Values by token.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, tenant: T) -> Token {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.slots.len()).expect("descriptors run out long before slots do");
            self.slots.push(Slot { generation: 0, tenant: None });
            slot
        });
        let place = &mut self.slots[slot as usize];
        assert!(place.tenant.is_none(), "a free slot has no tenant");
        place.tenant = Some(tenant);
        Token::new(slot, place.generation)
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<T> {
        let place = self.slots.get_mut(token.slot()).filter(|place| place.generation == token.generation())?;
        let tenant = place.tenant.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(u32::try_from(token.slot()).expect("slots are numbered by 32 bits"));
        Some(tenant)
    }

    #[inline]
    pub(super) fn get(&self, token: Token) -> Option<&T> {
        let place = self.slots.get(token.slot())?;
        if place.generation == token.generation() { place.tenant.as_ref() } else { None }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        let place = self.slots.get_mut(token.slot())?;
        if place.generation == token.generation() { place.tenant.as_mut() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16),
        Remove(prop::sample::Index),
        RemoveStale(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<u16>().prop_map(Step::Insert),
            any::<prop::sample::Index>().prop_map(Step::Remove),
            any::<prop::sample::Index>().prop_map(Step::RemoveStale),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// Against a list of pairs: live tokens find their own value, dead ones nothing, for ever.
        #[test]
        fn behaves_like_a_list_of_pairs(steps in steps()) {
            let mut slab = Slab::new();
            let mut live: Vec<(Token, u16)> = Vec::new();
            let mut dead: Vec<Token> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(value) => {
                        let token = slab.insert(value);
                        prop_assert!(!dead.contains(&token), "a token was given out again");
                        live.push((token, value));
                    }
                    Step::Remove(which) if !live.is_empty() => {
                        let (token, value) = live.swap_remove(which.index(live.len()));
                        prop_assert_eq!(slab.remove(token), Some(value));
                        dead.push(token);
                    }
                    Step::RemoveStale(which) if !dead.is_empty() => {
                        prop_assert_eq!(slab.remove(dead[which.index(dead.len())]), None);
                    }
                    Step::Remove(_) | Step::RemoveStale(_) => {}
                }
                for (token, value) in &live {
                    prop_assert_eq!(slab.get(*token), Some(value));
                    prop_assert!(token.slot() < live.len() + dead.len(), "slots stay dense");
                }
                for token in &dead {
                    prop_assert_eq!(slab.get(*token), None);
                    prop_assert_eq!(slab.get_mut(*token), None);
                }
            }
        }
    }
}
