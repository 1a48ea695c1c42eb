//! Sets: members, each once.
//!
//! A small one is packed: sorted integers while there is nothing else in it, otherwise a list of members as they came. A large
//! one is a [`LargeSet`]. It goes to another form when it must, by the same rules as Redis, and never back, unless a new set
//! takes its place.

mod combine;
mod large;
mod random;
#[cfg(test)]
mod tests;

use crate::collection::{Body, BodyRef, Collection, Large};
use crate::hash::HashSeed;
use crate::int_set::{IntSet, Ints};
use crate::packed_list::{Iter as PackedIter, Packed, PackedList};
use crate::value::{IntBuffer, Kind, Value, parse_canonical_i64};

pub use combine::{difference, intersection, set_of_difference, set_of_intersection, set_of_union, union};
pub use large::{LargeSet, LargeSetIter};
pub use random::{distinct_indexes, uniform_index};

/// When a set takes another form, and what orders a large one.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// Members of a set of integers, at most.
    pub int_entries: usize,
    /// Members of a packed set, at most.
    pub entries: usize,
    /// Bytes of a member of a packed set, at most.
    pub value_bytes: usize,
    /// The secret by which large sets are ordered.
    pub seed: HashSeed,
}

impl SetLimits {
    /// Sets of integers have no more members than this, whatever is configured.
    const INT_ENTRIES_MAX: usize = 1 << 30;

    /// Members of a set of integers, at most.
    #[inline]
    fn int_entries(&self) -> usize {
        self.int_entries.min(Self::INT_ENTRIES_MAX)
    }

    /// Whether any set with so many members is a large one.
    #[inline]
    #[must_use]
    pub fn is_large(&self, len: usize) -> bool {
        len > self.int_entries().max(self.entries)
    }
}

/// A set, owned while it is changed.
pub enum Set {
    /// Integers in order.
    Ints(IntSet),
    /// Members as they came.
    Packed(PackedList),
    /// A tree.
    Large(Box<Large>),
}

/// A set, borrowed.
#[derive(Clone, Copy)]
pub enum SetRef<'a> {
    /// Integers in order.
    Ints(Ints<'a>),
    /// Members as they came.
    Packed(Packed<'a>),
    /// A tree.
    Large(&'a LargeSet),
}

impl Collection for Set {
    const KIND: Kind = Kind::Set;

    type View<'a> = SetRef<'a>;

    fn empty() -> Self {
        Set::Ints(IntSet::new())
    }

    fn is_empty(&self) -> bool {
        match self {
            Set::Ints(ints) => ints.is_empty(),
            Set::Packed(list) => list.is_empty(),
            Set::Large(large) => large.is_empty(),
        }
    }

    fn from_body(body: Body) -> Self {
        match body {
            Body::Packed(bytes) => Set::Packed(PackedList::from_bytes(bytes)),
            Body::Alternate(bytes) => Set::Ints(IntSet::from_bytes(bytes)),
            Body::Large(large) => Set::Large(large),
        }
    }

    fn into_body(self) -> Body {
        match self {
            Set::Ints(ints) => Body::Alternate(ints.into_bytes()),
            Set::Packed(list) => Body::Packed(list.into_bytes()),
            Set::Large(large) => Body::Large(large),
        }
    }

    fn view(body: BodyRef<'_>) -> SetRef<'_> {
        match body {
            BodyRef::Packed(bytes) => SetRef::Packed(Packed::new(bytes)),
            BodyRef::Alternate(bytes) => SetRef::Ints(Ints::new(bytes)),
            BodyRef::Large(large) => SetRef::Large(of(large)),
        }
    }
}

/// The large set that a set's large value is.
#[inline]
fn of(large: &Large) -> &LargeSet {
    match large {
        Large::Set(set) => set,
        _ => unreachable!("a set is made of a large set"),
    }
}

impl From<LargeSet> for Set {
    fn from(set: LargeSet) -> Self {
        Set::Large(Box::new(Large::Set(set)))
    }
}

impl Set {
    /// The set, to be read.
    #[must_use]
    pub fn view(&self) -> SetRef<'_> {
        match self {
            Set::Ints(ints) => SetRef::Ints(ints.view()),
            Set::Packed(list) => SetRef::Packed(list.view()),
            Set::Large(large) => SetRef::Large(of(large)),
        }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Collection::is_empty(self)
    }

    /// A packed set without members, even if the first will be an integer.
    #[must_use]
    pub fn empty_packed() -> Self {
        Set::Packed(PackedList::new())
    }

    /// Takes the form that suits `count` members, of which `first` is one, that are about to be added.
    pub fn expect_members(&mut self, first: &[u8], count: usize, limits: &SetLimits) {
        if self.is_empty() {
            *self = if count <= limits.int_entries && parse_canonical_i64(first).is_some() {
                Set::Ints(IntSet::new())
            } else if count <= limits.entries {
                Set::empty_packed()
            } else {
                LargeSet::new(limits.seed).into()
            };
            return;
        }
        let too_many = match self {
            Set::Ints(_) => count > limits.int_entries,
            Set::Packed(_) => count > limits.entries,
            Set::Large(_) => false,
        };
        if too_many {
            self.enlarge(limits);
        }
    }

    /// Adds a member; false if it is there.
    pub fn insert(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        match self {
            Set::Large(large) => return of_mut(large).insert(member),
            Set::Packed(list) => {
                if list.view().contains(member) {
                    return false;
                }
                if list.len() < limits.entries && fits(member.len(), limits) && list.has_room_for(member.len()) {
                    list.push_back(member);
                    return true;
                }
            }
            Set::Ints(ints) => match parse_canonical_i64(member) {
                Some(number) => {
                    let is_new = ints.insert(number);
                    if is_new && ints.len() > limits.int_entries() {
                        self.enlarge(limits);
                    }
                    return is_new;
                }
                None => {
                    let view = ints.view();
                    let longest = view.iter().next().into_iter().chain(view.iter().next_back());
                    let longest = longest.map(|number| Value::Int(number).len()).max().unwrap_or(0);
                    let is_small = view.len() < limits.entries && fits(member.len().max(longest), limits);
                    let mut list = PackedList::new();
                    if is_small && list.has_room_for(member.len() + view.len() * (longest + 2)) {
                        view.iter().for_each(|number| list.push_back_value(Value::Int(number)));
                        list.push_back(member);
                        *self = Set::Packed(list);
                        return true;
                    }
                }
            },
        }
        self.enlarge(limits).insert(member)
    }

    /// Adds a member that another set has.
    pub fn insert_value(&mut self, member: Value<'_>, limits: &SetLimits) -> bool {
        self.insert(member.bytes(&mut IntBuffer::new()), limits)
    }

    /// Removes a member; false if it isn't there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Set::Ints(ints) => parse_canonical_i64(member).is_some_and(|number| ints.remove(number)),
            Set::Packed(list) => {
                let view = list.view();
                let found = view.first().and_then(|first| view.find(first, member, 0));
                if let Some(position) = found {
                    list.remove(position, 1);
                }
                found.is_some()
            }
            Set::Large(large) => of_mut(large).remove(member),
        }
    }

    /// Removes the member with this index in the set's order, and hands it to `visit`; the caller has looked at the length.
    pub fn remove_at<R>(&mut self, index: usize, visit: impl FnOnce(Value<'_>) -> R) -> R {
        match self {
            Set::Ints(ints) => visit(Value::Int(ints.remove_at(index))),
            Set::Packed(list) => {
                let position = list.view().seek(index as i64).expect("an index is below the length");
                let result = visit(list.view().get(position));
                list.remove(position, 1);
                result
            }
            Set::Large(large) => of_mut(large).remove_at(index, visit),
        }
    }

    /// Takes the form of sorted integers, if all members are that and not too many.
    pub fn try_ints(&mut self, limits: &SetLimits) {
        if matches!(self, Set::Ints(_)) || self.len() > limits.int_entries() {
            return;
        }
        let mut ints = IntSet::new();
        for member in self.view().iter() {
            match member.as_int() {
                Some(number) => ints.insert(number),
                None => return,
            };
        }
        *self = Set::Ints(ints);
    }

    /// Becomes a large set, if it isn't one.
    fn enlarge(&mut self, limits: &SetLimits) -> &mut LargeSet {
        if !matches!(self, Set::Large(_)) {
            *self = LargeSet::of(self.view().iter(), limits.seed).into();
        }
        match self {
            Set::Large(large) => of_mut(large),
            _ => unreachable!("it has become large"),
        }
    }
}

#[inline]
fn of_mut(large: &mut Large) -> &mut LargeSet {
    match large {
        Large::Set(set) => set,
        _ => unreachable!("a set is made of a large set"),
    }
}

#[inline]
fn fits(bytes: usize, limits: &SetLimits) -> bool {
    bytes <= limits.value_bytes
}

impl<'a> SetRef<'a> {
    /// How many members there are.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            SetRef::Ints(ints) => ints.len(),
            SetRef::Packed(list) => list.len(),
            SetRef::Large(set) => set.len(),
        }
    }

    /// Whether there are none. Sets under keys have some.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A copy. Of a large set it takes constant time.
    #[must_use]
    pub fn to_set(self) -> Set {
        match self {
            SetRef::Ints(ints) => Set::Ints(IntSet::from_bytes(ints.bytes().to_vec())),
            SetRef::Packed(list) => Set::Packed(PackedList::from_bytes(list.bytes().to_vec())),
            SetRef::Large(set) => set.clone().into(),
        }
    }

    /// Whether something is a member.
    #[inline]
    #[must_use]
    pub fn contains(self, member: &[u8]) -> bool {
        match self {
            SetRef::Ints(ints) => parse_canonical_i64(member).is_some_and(|number| ints.contains(number)),
            SetRef::Packed(list) => list.contains(member),
            SetRef::Large(set) => set.contains(member),
        }
    }

    /// The member with this index in the set's order.
    #[must_use]
    pub fn at(self, index: usize) -> Option<Value<'a>> {
        match self {
            SetRef::Ints(ints) => (index < ints.len()).then(|| Value::Int(ints.get(index))),
            SetRef::Packed(list) => list.seek(i64::try_from(index).ok()?).map(|position| list.get(position)),
            SetRef::Large(set) => set.at(index).map(Value::Bytes),
        }
    }

    /// The members in the set's order.
    #[must_use]
    pub fn iter(self) -> SetIter<'a> {
        match self {
            SetRef::Ints(ints) => SetIter::Ints(ints, 0),
            SetRef::Packed(list) => SetIter::Packed(list.iter()),
            SetRef::Large(set) => SetIter::Large(set.iter()),
        }
    }

    /// Visits at least `count` members from a cursor on, and returns the cursor to go on from, or 0 at the end. Whoever begins with
    /// 0 and goes on until 0 has met each member that was there all the time. A packed set is visited as a whole.
    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Value<'a>)) -> u64 {
        match self {
            SetRef::Large(set) => set.scan(cursor, count, &mut |member| visit(Value::Bytes(member))),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }
}

/// Iterates the members of a set.
#[derive(Clone)]
pub enum SetIter<'a> {
    /// Of integers, from this index on.
    Ints(Ints<'a>, usize),
    /// Of a packed set.
    Packed(PackedIter<'a>),
    /// Of a large set.
    Large(LargeSetIter<'a>),
}

impl<'a> Iterator for SetIter<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        match self {
            SetIter::Ints(ints, index) => {
                let number = (*index < ints.len()).then(|| ints.get(*index))?;
                *index += 1;
                Some(Value::Int(number))
            }
            SetIter::Packed(list) => list.next(),
            SetIter::Large(members) => members.next().map(|(_, member)| Value::Bytes(member)),
        }
    }
}
