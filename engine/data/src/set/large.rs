//! Large sets: members in the order of their hashes, in pages of a tree.
//!
//! Guarantees: a copy costs constant time, and shares what neither of the two changes; a member's place in the order depends on
//! the member and the seed alone, so a scan meets each member that is there from its beginning to its end, and two sets of
//! one seed are ordered alike.

use crate::hash::HashSeed;
use crate::hash_page::{HashPage, Record};
use crate::tree::{Pages, Tree};
use crate::value::{IntBuffer, Value};

/// Some members whose hashes are next to each other.
pub(super) type MemberPage = HashPage<false>;

/// A set that is too large to be packed.
#[derive(Clone)]
pub struct LargeSet {
    members: Tree<MemberPage>,
    seed: HashSeed,
}

impl LargeSet {
    /// One without members; `seed` orders what it will have.
    #[must_use]
    pub const fn new(seed: HashSeed) -> Self {
        LargeSet { members: Tree::new(), seed }
    }

    /// One with these members, each of which comes once.
    pub fn of<'a>(members: impl Iterator<Item = Value<'a>>, seed: HashSeed) -> Self {
        let mut set = LargeSet::new(seed);
        for member in members {
            set.insert(member.bytes(&mut IntBuffer::new()));
        }
        set
    }

    /// One with these members; `None` if one is there twice. They are added in the order of their hashes: to the same page one after
    /// another, and pages are filled.
    #[must_use]
    pub fn of_distinct(members: &[Value<'_>], seed: HashSeed) -> Option<Self> {
        let mut set = LargeSet::new(seed);
        let mut digits = IntBuffer::new();
        let mut order: Vec<(u32, usize)> =
            members.iter().enumerate().map(|(at, member)| (hash(seed, member.bytes(&mut digits)), at)).collect();
        order.sort_unstable();
        for (hash, at) in order {
            if !set.insert_hashed(hash, members[at].bytes(&mut digits)) {
                return None;
            }
        }
        Some(set)
    }

    /// How many members there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The memory beside the value itself, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.members.memory()
    }

    /// What it is ordered by.
    #[inline]
    pub(super) fn seed(&self) -> HashSeed {
        self.seed
    }

    /// A member's place in the order.
    #[inline]
    pub(crate) fn hash(&self, member: &[u8]) -> u32 {
        hash(self.seed, member)
    }

    /// The page where members of this hash are, if there are any.
    #[inline]
    pub(super) fn page(&self, hash: u32) -> Option<&MemberPage> {
        self.members.lookup(&hash)
    }

    /// The members in their order.
    #[inline]
    pub(crate) fn tree(&self) -> &Tree<MemberPage> {
        &self.members
    }

    /// Whether something is a member.
    #[inline]
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        self.page(hash).is_some_and(|page| page.find(hash, member).is_some())
    }

    /// Adds a member; false if it is there.
    pub fn insert(&mut self, member: &[u8]) -> bool {
        self.insert_hashed(self.hash(member), member)
    }

    pub(super) fn insert_hashed(&mut self, hash: u32, member: &[u8]) -> bool {
        // A look first: nothing is copied for a member that is there.
        let at = match self.page(hash).map(|page| page.seek(hash, member)) {
            Some(Ok(_)) => return false,
            Some(Err(at)) => at,
            None => 0,
        };
        self.members.edit_of(&hash, |page| page.insert_at(at, hash, Record::of_key(member)));
        true
    }

    /// Removes a member; false if it isn't there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        let Some(index) = self.page(hash).and_then(|page| page.find(hash, member)) else { return false };
        self.members.edit_of(&hash, |page| page.remove(index));
        true
    }

    /// Removes the member with this index in the order, and hands it to `visit`; the caller has looked at the length.
    pub fn remove_at<R>(&mut self, index: usize, visit: impl FnOnce(Value<'_>) -> R) -> R {
        let removed = self.members.edit_at(index, |page, offset| {
            let result = visit(Value::Bytes(page.key(offset)));
            page.remove(offset);
            result
        });
        removed.expect("an index is below the length")
    }

    /// The member with this index in the order.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&[u8]> {
        let (page, offset) = self.members.page_at(index)?;
        Some(page.key(offset))
    }

    /// The members with their hashes, in the order.
    #[must_use]
    pub fn iter(&self) -> LargeSetIter<'_> {
        LargeSetIter { pages: self.members.pages_from(0), page: None, index: 0 }
    }

    /// The members from one with this index on.
    #[must_use]
    pub fn iter_from(&self, index: usize) -> LargeSetIter<'_> {
        let mut pages = self.members.pages_from(index);
        let page = pages.next();
        LargeSetIter { index: page.map_or(0, |(_, first)| index - first), page: page.map(|(page, _)| page), pages }
    }

    /// As [`super::SetRef::scan`]. A cursor is the hash of the next member.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, visit: &mut dyn FnMut(&'a [u8])) -> u64 {
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let Some((page, first)) = self.members.page_of(&from) else { return 0 };
        let (mut visited, mut last) = (0, None);
        for (hash, member) in self.iter_from(first + page.count_below(from)) {
            // Members of one hash are visited together, for a cursor can't tell them apart.
            if visited >= count && last != Some(hash) {
                return u64::from(hash);
            }
            visit(member);
            (visited, last) = (visited + 1, Some(hash));
        }
        0
    }
}

/// A member's place in the order that a seed gives.
#[inline]
pub(super) fn hash(seed: HashSeed, member: &[u8]) -> u32 {
    (seed.hash(member).0 >> 32) as u32
}

/// Iterates the members of a large set with their hashes.
#[derive(Clone)]
pub struct LargeSetIter<'a> {
    pages: Pages<'a, MemberPage>,
    page: Option<&'a MemberPage>,
    index: usize,
}

impl<'a> Iterator for LargeSetIter<'a> {
    type Item = (u32, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        loop {
            if let Some(page) = self.page
                && self.index < page.len()
            {
                let record = (page.hash(self.index), page.key(self.index));
                self.index += 1;
                return Some(record);
            }
            self.page = Some(self.pages.next()?.0);
            self.index = 0;
        }
    }
}
