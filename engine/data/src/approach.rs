//! Where in a large collection an element is, found before the command that looks it up, so that the cache misses of several commands
//! overlap.
//!
//! A group of elements is approached by turns: [`Approach::advance`] for each, again and again until none has anything left to do. Each
//! turn reads what the one before it has asked for. All of it are hints: what a later command finds does not depend on them.

use crate::collection::Large;
use crate::hash_page::HashPage;
use crate::sorted_set::{IndexPage, LargeSortedSet, ScorePage};
use crate::tree::{Descent, Page, Tree};

/// The way to an element, or to where it would be.
#[derive(Clone, Copy)]
pub struct Approach<'a> {
    way: Way<'a>,
    hash: u32,
    name: &'a [u8],
    score: Option<f64>,
}

#[derive(Clone, Copy)]
enum Way<'a> {
    Fields(Search<'a, HashPage<true>>),
    Members(Search<'a, HashPage<false>>),
    Index(Search<'a, IndexPage>, &'a LargeSortedSet),
    /// Two places in the order of a sorted set: where its member is, and where it will be.
    Order([Option<Place<'a>>; 2]),
    Done,
}

/// A page that elements are found in by their hashes.
trait ByHash: Page<Bound = u32> {
    /// Starts loading what says where in its page the element is.
    fn prefetch_place(&self, hash: u32);

    /// Starts loading the element.
    fn prefetch_element(&self, hash: u32);
}

impl<const VALUES: bool> ByHash for HashPage<VALUES> {
    #[inline]
    fn prefetch_place(&self, hash: u32) {
        self.prefetch_place(hash);
    }

    #[inline]
    fn prefetch_element(&self, hash: u32) {
        self.prefetch_element(hash);
    }
}

impl ByHash for IndexPage {
    #[inline]
    fn prefetch_place(&self, hash: u32) {
        self.prefetch_place(hash);
    }

    #[inline]
    fn prefetch_element(&self, hash: u32) {
        self.prefetch_element(hash);
    }
}

/// A search for a page, and then for an element in it.
struct Search<'a, P: Page> {
    descent: Descent<'a, P>,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Look,
    Step,
    Element,
}

impl<P: Page> Clone for Search<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Page> Copy for Search<'_, P> {}

impl<'a, P: ByHash> Search<'a, P> {
    fn begin(tree: &'a Tree<P>) -> Option<Self> {
        Some(Search { descent: tree.descend()?, next: Next::Step })
    }

    /// Does what is next. The root is near already, so the first of it is a step. The page, when there is nothing left to do.
    #[inline]
    fn advance(&mut self, hash: u32) -> Option<&'a P> {
        match self.next {
            Next::Look => match self.descent.look(&hash) {
                Some(page) => {
                    page.prefetch_place(hash);
                    self.next = Next::Element;
                }
                None => self.next = Next::Step,
            },
            Next::Step => {
                self.descent.step(&hash);
                self.next = Next::Look;
            }
            Next::Element => {
                let page = self.descent.look(&hash)?;
                page.prefetch_element(hash);
                return Some(page);
            }
        }
        None
    }
}

/// A place in the order of a sorted set, or where it would be.
#[derive(Clone, Copy)]
struct Place<'a> {
    page: &'a ScorePage,
    score: f64,
    is_near: bool,
}

impl<'a> Approach<'a> {
    /// Sets out for the element of this name, and in a sorted set for its place in the order, too, if it is about to get this score. `None`
    /// where elements are not found by name.
    #[must_use]
    pub fn begin(collection: &'a Large, name: &'a [u8], score: Option<f64>) -> Option<Approach<'a>> {
        let (way, hash) = match collection {
            Large::Hash(hash) => (Way::Fields(Search::begin(hash.tree())?), hash.bound(name)),
            Large::Set(set) => (Way::Members(Search::begin(set.tree())?), set.hash(name)),
            Large::SortedSet(set) => (Way::Index(Search::begin(set.index())?, set), set.hash(name)),
            Large::List(_) | Large::Stream(_) => return None,
        };
        Some(Approach { way, hash, name, score })
    }

    /// Goes on by a step. Whether there is another.
    #[inline]
    pub fn advance(&mut self) -> bool {
        let hash = self.hash;
        let done = match &mut self.way {
            Way::Fields(search) => search.advance(hash).is_some(),
            Way::Members(search) => search.advance(hash).is_some(),
            Way::Index(search, set) => match (search.advance(hash), self.score) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(page), Some(new)) => {
                    let set = *set;
                    self.way = self.places_in_order(set, page, new);
                    false
                }
            },
            Way::Order(places) => {
                let mut done = true;
                for place in places.iter_mut().flatten() {
                    if place.is_near {
                        place.page.prefetch_record(place.score);
                    } else {
                        place.page.prefetch_columns();
                        (place.is_near, done) = (true, false);
                    }
                }
                done
            }
            Way::Done => true,
        };
        if done {
            self.way = Way::Done;
        }
        !done
    }

    /// Finds the pages of both places, and starts loading their heads.
    fn places_in_order(&self, set: &'a LargeSortedSet, page: &IndexPage, new: f64) -> Way<'a> {
        let old = page.find(self.hash, self.name);
        Way::Order([old, Some(new)].map(|score| {
            let score = score?;
            let page = set.order_page(score, self.name)?;
            page.prefetch_head();
            Some(Place { page, score, is_near: false })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Approach;
    use crate::collection::{Body, Collection, Large};
    use crate::hash::HashSeed;
    use crate::hash_map::{Hash, HashLimits};
    use crate::list::{End, LargeList, ListLimits};
    use crate::set::{LargeSet, Set};
    use crate::sorted_set::LargeSortedSet;
    use crate::value::Deadline;

    fn large<C: Collection>(collection: C) -> Box<Large> {
        match collection.into_body() {
            Body::Large(large) => large,
            Body::Packed(_) | Body::Alternate(_) => panic!("it is large"),
        }
    }

    /// Two for each level of the trees here, two for the element, three for places in the order.
    const TURNS_MAX: usize = 12;

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
                for score in [None, Some(f64::from(i)), Some(f64::NEG_INFINITY), Some(9999.5)] {
                    let name = name(i);
                    let mut approach = Approach::begin(collection, &name, score).expect("it has elements with names");
                    let turns = (0..TURNS_MAX).take_while(|_| approach.advance()).count();
                    assert!((2..TURNS_MAX).contains(&turns), "{turns}");
                    assert!(!approach.advance(), "it stays where it has come to");
                }
            }
        }
        let empty = [Large::Set(LargeSet::new(seed)), Large::SortedSet(LargeSortedSet::new(seed))];
        assert!(empty.iter().all(|empty| Approach::begin(empty, b"element", None).is_none()));
        let mut list = LargeList::default();
        list.push(End::Left, b"element", ListLimits::new(-2));
        assert!(Approach::begin(&Large::List(list), b"element", None).is_none());
    }
}
