//! How a collection meets an entry: what it is made of there, and what each type of collection says about itself.
//!
//! A collection is *packed* while it is small: bytes, in one of up to two forms. Large, it is a [`Large`] value, whose
//! copy costs constant time and shares everything with the original until one of the two changes.

use crate::hash_map::LargeHash;
use crate::list::LargeList;
use crate::set::LargeSet;
use crate::sorted_set::LargeSortedSet;
use crate::stream::{Producers, Stream};
use crate::value::{Encoding, Kind};

/// What a collection is made of, taken out of its entry to be edited.
pub enum Body {
    /// A packed list.
    Packed(Vec<u8>),
    /// The other packed form: of a set, sorted integers; of a hash, fields with deadlines.
    Alternate(Vec<u8>),
    /// A large collection.
    Large(Box<Large>),
}

/// What a collection is made of, in its entry.
#[derive(Clone, Copy)]
pub enum BodyRef<'a> {
    /// A packed list.
    Packed(&'a [u8]),
    /// The other packed form.
    Alternate(&'a [u8]),
    /// A large collection.
    Large(&'a Large),
}

impl BodyRef<'_> {
    /// Redis's name for how a collection of this type is stored.
    pub(crate) fn encoding(self, kind: Kind) -> Encoding {
        match (self, kind) {
            (BodyRef::Alternate(_), Kind::Set) => Encoding::IntSet,
            (BodyRef::Alternate(_), _) => Encoding::ListPackEx,
            (BodyRef::Packed(_), _) => Encoding::ListPack,
            (BodyRef::Large(large), _) => large.encoding(),
        }
    }
}

/// A collection that is too large to be packed. Cloning one takes constant time.
#[derive(Clone)]
pub enum Large {
    /// A list.
    List(LargeList),
    /// A set.
    Set(LargeSet),
    /// A sorted set.
    SortedSet(LargeSortedSet),
    /// A hash.
    Hash(LargeHash),
    /// A stream, of whatever length.
    Stream(Stream),
}

impl Large {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Large::List(list) => list.len(),
            Large::Set(set) => set.len(),
            Large::SortedSet(set) => set.len(),
            Large::Hash(hash) => hash.len(),
            Large::Stream(stream) => stream.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements there are, and what else has to be freed one by one.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Large::Stream(stream) => stream.len() + stream.producers().map_or(0, Producers::records_len),
            other => other.len(),
        }
    }

    /// The memory beside the value itself, in bytes by the allocator's size classes. Constant time.
    #[must_use]
    pub fn memory(&self) -> usize {
        match self {
            Large::List(list) => list.memory(),
            Large::Set(set) => set.memory(),
            Large::SortedSet(set) => set.memory(),
            Large::Hash(hash) => hash.memory(),
            Large::Stream(stream) => stream.memory(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Large::List(_) => Encoding::QuickList,
            Large::Set(_) | Large::Hash(_) => Encoding::HashTable,
            Large::SortedSet(_) => Encoding::SkipList,
            Large::Stream(_) => Encoding::Stream,
        }
    }
}

/// A type of collection, owned while it is edited.
pub trait Collection: Sized {
    /// Its type.
    const KIND: Kind;

    /// What commands that only read see of it.
    type View<'a>;

    /// One without elements.
    fn empty() -> Self;

    /// Keys of collections without elements are deleted. Of streams they are not.
    const ENDS_EMPTY: bool = true;

    /// Whether it has no elements.
    fn is_empty(&self) -> bool;

    /// The collection that is made of this.
    fn from_body(body: Body) -> Self;

    /// What it is made of.
    fn into_body(self) -> Body;

    /// The collection in its entry.
    fn view(body: BodyRef<'_>) -> Self::View<'_>;
}
