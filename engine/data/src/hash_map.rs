//! Hashes: fields with values, each of which may have a deadline of its own.
//!
//! A small one is packed: `field value` after `field value`, or, once a field has had a deadline, `field value deadline` in
//! the order of the deadlines, those without one last (a deadline of 0). Both are what Redis writes into RDB files. A large
//! one is a [`LargeHash`]. A hash never goes back to a smaller form.
//!
//! A deadline that has come hides nothing here: readers are told of it, and [`Hash::remove_due`] removes what is due.

mod due;
mod large;
mod packed;
#[cfg(test)]
mod tests;

pub use large::LargeHash;

use crate::collection::{Body, BodyRef, Collection, Large};
use crate::hash::HashSeed;
use crate::packed_list::{Packed, PackedList};
use crate::value::{Deadline, IntBuffer, Kind, Value};
use packed::{Pairs, PairsIter, Triples, TriplesIter};

/// When a hash stops being packed, and what orders it then.
#[derive(Clone, Copy, Debug)]
pub struct HashLimits {
    /// Fields of a packed hash, at most.
    pub entries: usize,
    /// Bytes of a field or a value in a packed hash, at most.
    pub value_bytes: usize,
    /// The secret by which large hashes are ordered.
    pub seed: HashSeed,
}

/// A field with all that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Value<'a>,
    /// Its value.
    pub value: Value<'a>,
    /// When it ends, in Unix milliseconds.
    pub deadline: Option<u64>,
}

/// What belongs to a field that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its value.
    pub value: Value<'a>,
    /// When it ends, in Unix milliseconds.
    pub deadline: Option<u64>,
}

impl Field<'_> {
    /// Whether its deadline is at `now` or before.
    #[inline]
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        self.deadline.is_some_and(|at| at <= now)
    }
}

impl Found<'_> {
    /// Whether its deadline is at `now` or before.
    #[inline]
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        self.deadline.is_some_and(|at| at <= now)
    }
}

/// A hash, owned while it is changed.
pub enum Hash {
    /// Pairs.
    Packed(PackedList),
    /// Triples with deadlines.
    Timed(PackedList),
    /// A tree.
    Large(Box<Large>),
}

/// A hash, borrowed.
#[derive(Clone, Copy)]
pub enum HashRef<'a> {
    /// Pairs.
    Packed(Packed<'a>),
    /// Triples with deadlines.
    Timed(Packed<'a>),
    /// A tree.
    Large(&'a LargeHash),
}

impl Collection for Hash {
    const KIND: Kind = Kind::Hash;

    type View<'a> = HashRef<'a>;

    fn empty() -> Self {
        Hash::Packed(PackedList::new())
    }

    fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    #[inline]
    fn from_body(body: Body) -> Self {
        match body {
            Body::Packed(bytes) => Hash::Packed(PackedList::from_bytes(bytes)),
            Body::Alternate(bytes) => Hash::Timed(PackedList::from_bytes(bytes)),
            Body::Large(large) => Hash::Large(large),
        }
    }

    #[inline]
    fn into_body(self) -> Body {
        match self {
            Hash::Packed(list) => Body::Packed(list.into_bytes()),
            Hash::Timed(list) => Body::Alternate(list.into_bytes()),
            Hash::Large(large) => Body::Large(large),
        }
    }

    #[inline]
    fn view(body: BodyRef<'_>) -> HashRef<'_> {
        match body {
            BodyRef::Packed(bytes) => HashRef::Packed(Packed::new(bytes)),
            BodyRef::Alternate(bytes) => HashRef::Timed(Packed::new(bytes)),
            BodyRef::Large(large) => HashRef::Large(large_hash(large)),
        }
    }
}

fn large_hash(large: &Large) -> &LargeHash {
    match large {
        Large::Hash(hash) => hash,
        _ => unreachable!("a hash's body is a hash"),
    }
}

fn large_hash_mut(large: &mut Large) -> &mut LargeHash {
    match large {
        Large::Hash(hash) => hash,
        _ => unreachable!("a hash's body is a hash"),
    }
}

impl<'a> HashRef<'a> {
    /// How many fields there are, whatever their deadlines.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            HashRef::Packed(list) => list.len() / 2,
            HashRef::Timed(list) => list.len() / 3,
            HashRef::Large(hash) => hash.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            HashRef::Packed(list) | HashRef::Timed(list) => list.is_empty(),
            HashRef::Large(hash) => hash.is_empty(),
        }
    }

    /// The earliest deadline of a field. Costs next to nothing.
    #[inline]
    #[must_use]
    pub fn earliest_deadline(self) -> Option<u64> {
        match self {
            HashRef::Packed(_) => None,
            HashRef::Timed(list) => Triples(list).earliest(),
            HashRef::Large(hash) => hash.earliest(),
        }
    }

    /// How many fields have a deadline at `now` or before.
    #[must_use]
    pub fn due(self, now: u64) -> usize {
        match self {
            HashRef::Packed(_) => 0,
            HashRef::Timed(list) => Triples(list).due(now),
            HashRef::Large(hash) => hash.due(now),
        }
    }

    /// The value and the deadline of a field.
    #[inline]
    #[must_use]
    pub fn get(self, name: &[u8]) -> Option<Found<'a>> {
        match self {
            HashRef::Packed(list) => Pairs(list).get(name),
            HashRef::Timed(list) => Triples(list).get(name),
            HashRef::Large(hash) => hash.get(name),
        }
    }

    /// The field at `index` in an order that stays as it is while the hash does: for drawing by lot.
    #[must_use]
    pub fn at(self, index: usize) -> Option<Field<'a>> {
        match self {
            HashRef::Packed(list) => Pairs(list).at(index),
            HashRef::Timed(list) => Triples(list).at(index),
            HashRef::Large(hash) => hash.at(index),
        }
    }

    /// All fields.
    #[inline]
    #[must_use]
    pub fn iter(self) -> Fields<'a> {
        Fields(match self {
            HashRef::Packed(list) => Form::Packed(Pairs(list).iter()),
            HashRef::Timed(list) => Form::Timed(Triples(list).iter()),
            HashRef::Large(hash) => Form::Large(Box::new(hash.iter())),
        })
    }

    /// Visits at least `count` fields from a cursor on, 0 being the beginning, and returns the cursor to go on from, or 0 at
    /// the end. Fields that are there from the first call to the last are visited; some may be twice.
    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Field<'a>)) -> u64 {
        if let HashRef::Large(hash) = self {
            return hash.scan(cursor, count, visit);
        }
        self.iter().for_each(visit);
        0
    }
}

impl From<LargeHash> for Hash {
    fn from(hash: LargeHash) -> Hash {
        Hash::Large(Box::new(Large::Hash(hash)))
    }
}

/// The fields of a hash.
pub struct Fields<'a>(Form<'a>);

enum Form<'a> {
    Packed(PairsIter<'a>),
    Timed(TriplesIter<'a>),
    Large(Box<dyn Iterator<Item = Field<'a>> + 'a>),
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        match &mut self.0 {
            Form::Packed(pairs) => pairs.next(),
            Form::Timed(triples) => triples.next(),
            Form::Large(fields) => fields.next(),
        }
    }
}

impl Hash {
    /// The hash, to be read.
    #[inline]
    #[must_use]
    pub fn view(&self) -> HashRef<'_> {
        match self {
            Hash::Packed(list) => HashRef::Packed(list.view()),
            Hash::Timed(list) => HashRef::Timed(list.view()),
            Hash::Large(large) => HashRef::Large(large_hash(large)),
        }
    }

    /// A hash of a list that comes from elsewhere; `None` unless it is one: whole pairs, or triples in
    /// their order if `timed`, and no field twice. More than the limits allow becomes large.
    #[must_use]
    pub fn from_packed(list: PackedList, timed: bool, limits: &HashLimits) -> Option<Self> {
        let (valid, longest) = packed::check(list.view(), timed)?;
        let mut hash = if timed { Hash::Timed(list) } else { Hash::Packed(list) };
        if valid > limits.entries || longest > limits.value_bytes {
            hash.grow(limits.seed);
        }
        Some(hash)
    }

    /// Sets a field, and tells whether it is new.
    pub fn set(&mut self, name: &[u8], value: &[u8], deadline: Deadline, limits: &HashLimits) -> bool {
        if let Hash::Large(large) = self {
            return large_hash_mut(large).set(name, value, deadline);
        }
        let longest = name.len().max(value.len());
        if longest > limits.value_bytes || !self.has_room_for(name.len().saturating_add(value.len())) {
            return self.grow(limits.seed).set(name, value, deadline);
        }
        let is_new = match (&mut *self, deadline) {
            (Hash::Packed(list), Deadline::Keep | Deadline::Clear) => packed::set_pair(list, name, value),
            (Hash::Packed(list), _) => {
                let mut timed = packed::with_deadlines(list.view());
                let is_new = packed::set_triple(&mut timed, name, value, deadline);
                *self = Hash::Timed(timed);
                is_new
            }
            (Hash::Timed(list), _) => packed::set_triple(list, name, value, deadline),
            (Hash::Large(_), _) => unreachable!("it was looked at above"),
        };
        if self.view().len() > limits.entries {
            self.grow(limits.seed);
        }
        is_new
    }

    /// Removes a field; false if there is none.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match self {
            Hash::Packed(list) => packed::remove(list, name, 2),
            Hash::Timed(list) => packed::remove(list, name, 3),
            Hash::Large(large) => large_hash_mut(large).remove(name),
        }
    }

    /// Sets the deadline of a field, or takes it away; false if there is no such field.
    pub fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>, limits: &HashLimits) -> bool {
        match self {
            Hash::Packed(list) if deadline.is_none() => Pairs(list.view()).get(name).is_some(),
            Hash::Packed(list) => {
                Pairs(list.view()).get(name).is_some() && {
                    self.expect_deadlines(limits);
                    self.set_deadline(name, deadline, limits)
                }
            }
            Hash::Timed(list) => packed::set_deadline(list, name, deadline),
            Hash::Large(large) => large_hash_mut(large).set_deadline(name, deadline),
        }
    }

    /// Takes the form in which fields may have deadlines, as Redis does as soon as somebody speaks of them.
    pub fn expect_deadlines(&mut self, limits: &HashLimits) {
        if !self.has_room_for(0) {
            self.grow(limits.seed);
        }
        if let Hash::Packed(list) = self {
            *self = Hash::Timed(packed::with_deadlines(list.view()));
        }
    }

    /// Removes up to `most` of the fields whose deadline is at `now` or before, the earliest first, and tells their names.
    pub fn remove_due(&mut self, now: u64, most: usize, removed: &mut dyn FnMut(&[u8])) {
        match self {
            Hash::Packed(_) => {}
            Hash::Timed(list) => packed::remove_due(list, now, most, removed),
            Hash::Large(large) => large_hash_mut(large).remove_due(now, most, removed),
        }
    }

    /// Whether a packed hash has room for a field of so many bytes, however it is stored.
    fn has_room_for(&self, bytes: usize) -> bool {
        match self {
            Hash::Packed(list) => {
                let deadlines = (list.len() / 2 + 1) * TIMED_BYTES;
                list.has_room_for(bytes.saturating_add(deadlines).saturating_add(2 * HEAD_BYTES))
            }
            Hash::Timed(list) => list.has_room_for(bytes.saturating_add(TIMED_BYTES + 2 * HEAD_BYTES)),
            Hash::Large(_) => true,
        }
    }

    /// Makes it large.
    fn grow(&mut self, seed: HashSeed) -> &mut LargeHash {
        if !matches!(self, Hash::Large(_)) {
            let mut grown = LargeHash::new(seed);
            for Field { name, value, deadline } in self.view().iter() {
                let deadline = deadline.map_or(Deadline::Clear, Deadline::At);
                grown.set(name.bytes(&mut IntBuffer::new()), value.bytes(&mut IntBuffer::new()), deadline);
            }
            *self = Hash::Large(Box::new(Large::Hash(grown)));
        }
        match self {
            Hash::Large(large) => large_hash_mut(large),
            _ => unreachable!("it has just become large"),
        }
    }
}

/// What a deadline adds to a packed field, at most.
const TIMED_BYTES: usize = 10;

/// What an element of a packed list takes beside its bytes, at most.
const HEAD_BYTES: usize = 10;
