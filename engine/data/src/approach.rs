//! Where in a large collection an element is, found before the command that looks it up, so that the cache misses of several commands
//! overlap.
//!
//! To be done for a group of elements in three passes: [`Approach::begin`] for all, [`Approach::prefetch_place`] for all, then
//! [`Approach::prefetch_record`]. Each reads what the pass before it has asked for. All of it are hints: what a later command
//! finds does not depend on them.

use crate::collection::Large;
use crate::hash_page::HashPage;
use crate::sorted_set::IndexPage;

/// The page where an element is, if it is there.
#[derive(Clone, Copy)]
pub struct Approach<'a> {
    page: Near<'a>,
    hash: u32,
}

#[derive(Clone, Copy)]
enum Near<'a> {
    Fields(&'a HashPage<true>),
    Members(&'a HashPage<false>),
    Scores(&'a IndexPage),
}

impl<'a> Approach<'a> {
    /// Finds the page of the element of this name, and starts loading its head. `None` where elements are not found by name.
    #[must_use]
    pub fn begin(collection: &'a Large, name: &[u8]) -> Option<Approach<'a>> {
        let (page, hash) = match collection {
            Large::Hash(hash) => hash.page(name).map(|(page, hash)| (Near::Fields(page), hash)),
            Large::Set(set) => set.page_of(name).map(|(page, hash)| (Near::Members(page), hash)),
            Large::SortedSet(set) => set.index_page(name).map(|(page, hash)| (Near::Scores(page), hash)),
            Large::List(_) | Large::Stream(_) => None,
        }?;
        match page {
            Near::Fields(page) => page.prefetch_head(),
            Near::Members(page) => page.prefetch_head(),
            Near::Scores(page) => page.prefetch_head(),
        }
        Some(Approach { page, hash })
    }

    /// Starts loading what says where in its page the element is.
    #[inline]
    pub fn prefetch_place(self) {
        match self.page {
            Near::Fields(page) => page.prefetch_place(self.hash),
            Near::Members(page) => page.prefetch_place(self.hash),
            Near::Scores(page) => page.prefetch_place(self.hash),
        }
    }

    /// Starts loading the element.
    #[inline]
    pub fn prefetch_record(self) {
        match self.page {
            Near::Fields(page) => page.prefetch_element(self.hash),
            Near::Members(page) => page.prefetch_element(self.hash),
            Near::Scores(page) => page.prefetch_element(self.hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Approach;
    use crate::collection::{Body, Collection, Large};
    use crate::hash::HashSeed;
    use crate::hash_map::{Hash, HashLimits};
    use crate::list::{End, LargeList};
    use crate::set::{LargeSet, Set};
    use crate::sorted_set::LargeSortedSet;
    use crate::value::Deadline;

    fn large<C: Collection>(collection: C) -> Box<Large> {
        match collection.into_body() {
            Body::Large(large) => large,
            Body::Packed(_) | Body::Alternate(_) => panic!("it is large"),
        }
    }

    /// They are hints, which must do no harm: neither to whom there is nothing, nor at the ends of pages.
    #[test]
    fn elements_that_are_there_and_such_that_are_not_can_be_approached() {
        let seed = HashSeed([1, 2]);
        let limits = HashLimits { entries: 0, value_bytes: 64, seed };
        let (mut hash, mut set, mut scores) = (Hash::empty(), LargeSet::new(seed), LargeSortedSet::new(seed));
        let name = |i: u32| format!("element:{i}").into_bytes();
        for i in (0..3000).step_by(2) {
            hash.set(&name(i), b"value", Deadline::Clear, &limits);
            set.insert(&name(i));
            scores.update(&name(i), |_| Some(f64::from(i)));
        }
        let collections = [large(hash), large(Set::from(set)), Box::new(Large::SortedSet(scores))];
        for collection in &collections {
            for i in 0..3000 {
                let approach = Approach::begin(collection, &name(i)).expect("it has elements with names");
                approach.prefetch_place();
                approach.prefetch_record();
            }
        }
        let empty = [Large::Set(LargeSet::new(seed)), Large::SortedSet(LargeSortedSet::new(seed))];
        assert!(empty.iter().all(|empty| Approach::begin(empty, b"element").is_none()));
        let mut list = LargeList::default();
        list.push(End::Left, b"element");
        assert!(Approach::begin(&Large::List(list), b"element").is_none());
    }
}
