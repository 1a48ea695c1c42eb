//! What several sets have in common, what they have together, and what one has that the others haven't.
//!
//! Members are looked for in groups: each step of the search is taken for a whole group before the next step, so that the
//! cache misses of its members overlap. Large sets of one seed are ordered alike, so a walk over one of them meets the pages
//! of another in order, and nothing has to be hashed.
//!
//! Visitors return whether they want more. Nothing is copied for them, but for a union of many sets.

use super::large::{LargeSet, MemberPage, hash};
use super::{Set, SetIter, SetLimits, SetRef};
use crate::collection::Collection;
use crate::hash::HashSeed;
use crate::value::{IntBuffer, Value};

/// Members that are looked for together.
const GROUP: usize = 16;

/// Unions of more sets than this remember what they have visited, instead of looking into each set before.
const SEARCHED_SETS_MAX: usize = 4;

/// A member to be looked for.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    value: Value<'a>,
    /// In the order of the seed that large sets have; not computed if there are none.
    hash: u32,
}

/// Some members to be looked for, and where.
#[derive(Clone, Copy)]
struct Group<'a> {
    candidates: [Candidate<'a>; GROUP],
    len: usize,
}

impl<'a> Group<'a> {
    fn new() -> Self {
        Group { candidates: [Candidate { value: Value::Int(0), hash: 0 }; GROUP], len: 0 }
    }

    fn candidates(&self) -> &[Candidate<'a>] {
        &self.candidates[..self.len]
    }

    /// Keeps those of which `found` says what is `wanted`.
    fn retain(&mut self, found: &[bool; GROUP], wanted: bool) {
        let mut kept = 0;
        for (index, found) in found.iter().enumerate().take(self.len) {
            if *found == wanted {
                self.candidates[kept] = self.candidates[index];
                kept += 1;
            }
        }
        self.len = kept;
    }
}

/// Gives the members of a set in groups.
struct Source<'a> {
    members: SetIter<'a>,
    /// What large sets are ordered by, if hashes will be needed.
    seed: Option<HashSeed>,
    /// The set itself is ordered by that.
    is_ordered: bool,
}

impl<'a> Source<'a> {
    fn new(set: SetRef<'a>, seed: Option<HashSeed>) -> Self {
        let is_ordered = matches!((set, seed), (SetRef::Large(set), Some(seed)) if set.seed() == seed);
        Source { members: set.iter(), seed, is_ordered }
    }

    /// Fills a group. False if there are no more members.
    fn fill(&mut self, group: &mut Group<'a>) -> bool {
        group.len = 0;
        while group.len < GROUP {
            let candidate = match &mut self.members {
                SetIter::Large(members) => {
                    members.next().map(|(hash, member)| Candidate { value: Value::Bytes(member), hash })
                }
                members => members.next().map(|value| Candidate { value, hash: 0 }),
            };
            let Some(mut candidate) = candidate else { break };
            if let (Some(seed), false) = (self.seed, self.is_ordered) {
                candidate.hash = hash(seed, candidate.value.bytes(&mut IntBuffer::new()));
            }
            group.candidates[group.len] = candidate;
            group.len += 1;
        }
        group.len > 0
    }
}

/// Looks for members in one set.
struct Target<'a> {
    set: SetRef<'a>,
    /// The hashes of candidates are those by which the set is ordered.
    is_ordered: bool,
    /// The page where the last candidate was looked for.
    page: Option<&'a MemberPage>,
}

impl<'a> Target<'a> {
    fn new(set: SetRef<'a>, seed: Option<HashSeed>) -> Self {
        let is_ordered = matches!((set, seed), (SetRef::Large(set), Some(seed)) if set.seed() == seed);
        Target { set, is_ordered, page: None }
    }

    /// Finds out which candidates are members.
    fn probe(&mut self, candidates: &[Candidate<'_>], found: &mut [bool; GROUP]) {
        match self.set {
            SetRef::Large(set) if self.is_ordered => self.probe_pages(set, candidates, found),
            set => {
                for (candidate, found) in candidates.iter().zip(found) {
                    *found = match (set, candidate.value) {
                        (SetRef::Ints(ints), value) => value.as_int().is_some_and(|number| ints.contains(number)),
                        (SetRef::Packed(list), value) => list.contains_value(value),
                        (set, value) => set.contains(value.bytes(&mut IntBuffer::new())),
                    };
                }
            }
        }
    }

    fn probe_pages(&mut self, set: &'a LargeSet, candidates: &[Candidate<'_>], found: &mut [bool; GROUP]) {
        let mut pages = [None; GROUP];
        for (candidate, page) in candidates.iter().zip(&mut pages) {
            if !self.page.is_some_and(|page| page.spans(candidate.hash)) {
                self.page = set.page(candidate.hash);
            }
            *page = self.page;
            if let Some(page) = page {
                page.prefetch_place(candidate.hash);
            }
        }
        let mut places = [None; GROUP];
        for ((candidate, page), place) in candidates.iter().zip(pages).zip(&mut places) {
            *place = page.and_then(|page| Some((page, page.prefetch_record(candidate.hash)?)));
        }
        for ((candidate, place), found) in candidates.iter().zip(places).zip(found) {
            *found = place.is_some_and(|(page, index)| {
                page.find_from(index, candidate.hash, candidate.value.bytes(&mut IntBuffer::new())).is_some()
            });
        }
    }
}

/// The seed by which large sets among these are ordered.
fn seed_of(sets: &[SetRef<'_>]) -> Option<HashSeed> {
    sets.iter().find_map(|set| match set {
        SetRef::Large(set) => Some(set.seed()),
        _ => None,
    })
}

/// Visits what all sets have in common; there is at least one.
pub fn intersection<'a>(sets: &[SetRef<'a>], visit: &mut dyn FnMut(Value<'a>) -> bool) {
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else { return };
    search(*smallest, others, true, visit);
}

/// Visits what the first set has and none of the others; there is at least one.
pub fn difference<'a>(sets: &[SetRef<'a>], visit: &mut dyn FnMut(Value<'a>) -> bool) {
    let Some((first, others)) = sets.split_first() else { return };
    let mut others = others.to_vec();
    // What is to be left out is found sooner where there is more.
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    search(*first, &others, false, visit);
}

/// Visits members of `set` that are in all of the others, or (not `wanted`) in none. False if the visitor wanted no more.
fn search<'a>(set: SetRef<'a>, others: &[SetRef<'a>], wanted: bool, visit: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
    let seed = seed_of(others);
    let mut source = Source::new(set, seed);
    let mut targets: Vec<Target<'a>> = others.iter().map(|other| Target::new(*other, seed)).collect();
    let mut group = Group::new();
    while source.fill(&mut group) {
        for target in &mut targets {
            if group.len == 0 {
                break;
            }
            let mut found = [false; GROUP];
            target.probe(group.candidates(), &mut found);
            group.retain(&found, wanted);
        }
        for candidate in group.candidates() {
            if !visit(candidate.value) {
                return false;
            }
        }
    }
    true
}

/// Visits what the sets have together, each member once.
pub fn union<'a>(sets: &[SetRef<'a>], visit: &mut dyn FnMut(Value<'a>) -> bool) {
    let mut sets = sets.to_vec();
    // The largest is visited without a search; the others are searched for in it.
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    if sets.len() <= SEARCHED_SETS_MAX {
        for (index, set) in sets.iter().enumerate() {
            if !search(*set, &sets[..index], false, visit) {
                return;
            }
        }
        return;
    }
    let seed = seed_of(&sets).unwrap_or(HashSeed([0, 0]));
    let mut seen = LargeSet::new(seed);
    let mut group = Group::new();
    for set in sets {
        let mut source = Source::new(set, Some(seed));
        while source.fill(&mut group) {
            for candidate in group.candidates() {
                let is_new = seen.insert_hashed(candidate.hash, candidate.value.bytes(&mut IntBuffer::new()));
                if is_new && !visit(candidate.value) {
                    return;
                }
            }
        }
    }
}

/// A set of what all sets have in common; there is at least one.
#[must_use]
pub fn set_of_intersection(sets: &[SetRef<'_>], limits: &SetLimits) -> Set {
    let smallest = sets.iter().min_by_key(|set| set.len());
    let mut result = match smallest {
        Some(SetRef::Ints(_)) => Set::empty(),
        _ => Set::empty_packed(),
    };
    intersection(sets, &mut |member| {
        result.insert_value(member, limits);
        true
    });
    result.try_ints(limits);
    result
}

/// A set of what the sets have together; there is at least one. A large one among them is not copied, but shared.
#[must_use]
pub fn set_of_union(sets: &[SetRef<'_>], limits: &SetLimits) -> Set {
    let largest = sets.iter().enumerate().max_by_key(|(_, set)| set.len());
    let (shared, mut result) = match largest {
        Some((index, SetRef::Large(large))) if limits.is_large(large.len()) && large.seed() == limits.seed => {
            (Some(index), Set::from((*large).clone()))
        }
        _ => (None, Set::empty()),
    };
    for (_, set) in sets.iter().enumerate().filter(|(index, _)| shared != Some(*index)) {
        for member in set.iter() {
            result.insert_value(member, limits);
        }
    }
    result
}

/// A set of what the first set has and none of the others; there is at least one. If much of a large one is left, it is not
/// copied, but shared.
#[must_use]
pub fn set_of_difference(sets: &[SetRef<'_>], limits: &SetLimits) -> Set {
    let Some((first, others)) = sets.split_first() else { return Set::empty() };
    let removed = others.iter().map(|set| set.len()).sum::<usize>();
    let is_large = limits.is_large(first.len().saturating_sub(removed));
    let mut result = match first {
        SetRef::Large(large) if is_large && large.seed() == limits.seed => Set::from((*large).clone()),
        // Redis looks for each member of the first set in the others, unless it is less work to remove those of the others from
        // it, which leaves it in the form that it had. Forms show.
        _ if first.len().saturating_mul(sets.len()) / 2 <= first.len() + removed => {
            let mut result = Set::empty();
            difference(sets, &mut |member| {
                result.insert_value(member, limits);
                true
            });
            return result;
        }
        _ => {
            let mut all = Set::empty();
            for member in first.iter() {
                all.insert_value(member, limits);
            }
            all
        }
    };
    for member in others.iter().flat_map(|set| set.iter()) {
        result.remove(member.bytes(&mut IntBuffer::new()));
    }
    result
}
