//! Names of one page in no order of their own, less what all of them begin with, which is kept once.
//!
//! Members of a set are mostly named alike (`user:10042`), so that much of them is the same in each. What they have in common is found out
//! anew when a page is divided, and is less as soon as a name comes that does not begin so.

use std::ops::Range;

use super::names::Names;
use crate::size_class::size_class;

/// Strings of bytes: each is the stem and a rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Stemmed {
    stem: Box<[u8]>,
    rests: Names,
}

/// How many bytes two names have in common from the beginning on.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Stemmed {
    /// How many bytes are kept.
    #[inline]
    pub(super) fn total(&self) -> usize {
        self.stem.len() + self.rests.total()
    }

    /// How many bytes of name number `at` are its own.
    #[inline]
    pub(super) fn len_of_rest(&self, at: usize) -> usize {
        self.rests.len_of(at)
    }

    /// Whether name number `at` is this one.
    #[inline]
    pub(super) fn is(&self, at: usize, name: &[u8]) -> bool {
        name.strip_prefix(&*self.stem).is_some_and(|rest| self.rests.get(at) == rest)
    }

    /// Writes name number `at` into a buffer, in place of what is there.
    #[inline]
    pub(super) fn write(&self, at: usize, name: &mut Vec<u8>) {
        name.clear();
        name.extend_from_slice(&self.stem);
        name.extend_from_slice(self.rests.get(at));
    }

    /// Starts loading what says where name number `at` is.
    #[inline]
    pub(super) fn prefetch_extents(&self, at: usize) {
        self.rests.prefetch_extents(at);
    }

    /// Starts loading name number `at`, or where it goes at the end.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        self.rests.prefetch(at);
    }

    /// Puts a name before number `at`, or at the end.
    pub(super) fn insert(&mut self, at: usize, name: &[u8]) {
        if self.rests.len() == 0 {
            self.stem = name.into();
        } else if !name.starts_with(&self.stem) {
            self.shorten(common(&self.stem, name));
        }
        self.rests.insert(at, &name[self.stem.len()..]);
    }

    /// Removes the names at `range`.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.rests.remove(range);
        if self.rests.len() == 0 {
            *self = Stemmed::default();
        }
    }

    /// Cuts off the names from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Stemmed {
        let mut upper = Stemmed { stem: self.stem.clone(), rests: self.rests.split_off(at) };
        self.lengthen();
        upper.lengthen();
        upper
    }

    /// Adds all names of the page that follows.
    pub(super) fn append(&mut self, mut other: Stemmed) {
        let common = common(&self.stem, &other.stem);
        self.shorten(common);
        other.shorten(common);
        self.rests.append(&other.rests);
    }

    /// Heap bytes, by the allocator's size classes.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        self.rests.heap() + if self.stem.is_empty() { 0 } else { size_class(self.stem.len()) }
    }

    /// Makes the stem as short as that.
    fn shorten(&mut self, len: usize) {
        let (stem, more) = self.stem.split_at(len);
        if !more.is_empty() {
            self.rests = self.rests.rewritten(more, 0);
            self.stem = stem.into();
        }
    }

    /// Makes the stem as long as can be.
    fn lengthen(&mut self) {
        if self.rests.len() == 0 {
            return;
        }
        let first = self.rests.get(0);
        let more = self.rests.iter(1..self.rests.len()).fold(first.len(), |len, rest| common(&first[..len], rest));
        if more > 0 {
            self.stem = [&self.stem, &first[..more]].concat().into();
            self.rests = self.rests.rewritten(b"", more);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Stemmed;

    fn name() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            8 => (0u32..2000).prop_map(|n| format!("member:{n:08}").into_bytes()),
            2 => (0u32..2000).prop_map(|n| format!("member:{n}").into_bytes()),
            1 => (0usize..600).prop_map(|len| vec![b'm'; len]),
            1 => Just(Vec::new()),
        ]
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(prop::sample::Index, Vec<u8>),
        Remove(prop::sample::Index, usize),
        Split(prop::sample::Index, bool),
        Rejoin(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        let at = any::<prop::sample::Index>;
        prop_oneof![
            8 => (at(), name()).prop_map(|(at, name)| Step::Insert(at, name)),
            2 => (at(), 1usize..4).prop_map(|(at, len)| Step::Remove(at, len)),
            1 => (at(), any::<bool>()).prop_map(|(at, upper)| Step::Split(at, upper)),
            1 => at().prop_map(Step::Rejoin),
        ]
    }

    fn check(names: &Stemmed, model: &[Vec<u8>]) {
        assert_eq!(names.rests.len(), model.len());
        let (mut written, mut total) = (b"whatever".to_vec(), names.stem.len());
        for (at, name) in model.iter().enumerate() {
            names.write(at, &mut written);
            assert_eq!(&written, name);
            assert!(names.is(at, name) && !names.is(at, &[name, b"x".as_slice()].concat()));
            assert!(name.is_empty() || !names.is(at, &name[..name.len() - 1]));
            assert_eq!(names.len_of_rest(at), name.len() - names.stem.len());
            total += names.len_of_rest(at);
        }
        assert_eq!(names.total(), total);
    }

    proptest! {
        #[test]
        fn names_are_what_they_are_without_a_stem(steps in prop::collection::vec(step(), 1..120)) {
            let (mut names, mut model) = (Stemmed::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Insert(at, name) => {
                        let at = at.index(model.len() + 1);
                        names.insert(at, &name);
                        model.insert(at, name);
                    }
                    Step::Remove(at, len) => {
                        let start = at.index(model.len() + 1);
                        let end = (start + len).min(model.len());
                        names.remove(start..end);
                        model.drain(start..end);
                    }
                    Step::Split(at, keeps_upper) => {
                        let at = at.index(model.len() + 1);
                        let (upper, upper_model) = (names.split_off(at), model.split_off(at));
                        check(&names, &model);
                        check(&upper, &upper_model);
                        if keeps_upper {
                            (names, model) = (upper, upper_model);
                        }
                    }
                    Step::Rejoin(at) => {
                        let upper = names.split_off(at.index(model.len() + 1));
                        names.append(upper);
                    }
                }
                check(&names, &model);
            }
        }
    }

    #[test]
    fn what_names_have_in_common_is_kept_once() {
        let mut names = Stemmed::default();
        for number in 0..100 {
            names.insert(number, format!("member:{number:04}").as_bytes());
        }
        assert_eq!((&*names.stem, names.total()), (b"member:00".as_slice(), 9 + 200));
        let upper = names.split_off(95);
        assert_eq!(&*upper.stem, b"member:009");
        names.insert(0, b"user:1");
        assert_eq!(&*names.stem, b"");
        names.remove(0..96);
        names.insert(0, b"member:1");
        assert_eq!((&*names.stem, names.total()), (b"member:1".as_slice(), 8));
    }
}
